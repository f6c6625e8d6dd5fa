import Metrics

/// Every metric there is. The raw value is its name, which dashboards and alerts rely on: it never changes its meaning.
///
/// No label holds anything about a person: values are codes of the contract, names of phases, and shard numbers.
public enum Metric: String, CaseIterable, Sendable {
    case records = "fuldmagt_records_total"
    case turns = "fuldmagt_turns_total"
    case turnSeconds = "fuldmagt_turn_seconds"
    case phaseSeconds = "fuldmagt_phase_seconds_total"
    case outcomes = "fuldmagt_outcomes_total"
    case rejections = "fuldmagt_rejections_total"
    case notifications = "fuldmagt_notifications_total"
    case notificationsCancelled = "fuldmagt_notifications_cancelled_total"
    case notificationsRerouted = "fuldmagt_notifications_rerouted_total"
    case notificationMoves = "fuldmagt_notification_moves_total"
    case receipts = "fuldmagt_receipts_total"
    case receiptsEarly = "fuldmagt_receipts_early_total"
    case tasks = "fuldmagt_tasks_total"
    case forwarded = "fuldmagt_forwarded_total"
    case deadLetters = "fuldmagt_dead_letters_total"
    case sourceWarnings = "fuldmagt_source_warnings_total"
    case parked = "fuldmagt_parked"
    case parkedRevocations = "fuldmagt_parked_revocations"
    case refusedRows = "fuldmagt_refused_rows_total"
    case retries = "fuldmagt_retries_total"
    case storeFailures = "fuldmagt_store_failures_total"
    case damagedFiles = "fuldmagt_damaged_files_total"
    case transactions = "fuldmagt_transactions_total"
    case transactionSeconds = "fuldmagt_transaction_seconds_total"
    case transactionFailures = "fuldmagt_transaction_failures_total"
    case fenced = "fuldmagt_fenced_total"
    case framesPending = "fuldmagt_frames_pending"
    case lagRecords = "fuldmagt_lag_records"
    case lagSeconds = "fuldmagt_lag_seconds"
    case oldestCommandSeconds = "fuldmagt_oldest_command_seconds"
    case shards = "fuldmagt_shards"
    case rebalances = "fuldmagt_rebalances_total"
    case restoreRows = "fuldmagt_restore_rows"
    case standbyLagRecords = "fuldmagt_standby_lag_records"
    case failing = "fuldmagt_failing"
    case ready = "fuldmagt_ready"
    case lastTurnSeconds = "fuldmagt_last_turn_seconds"
    case postRecords = "fuldmagt_post_records_total"
    case postMessages = "fuldmagt_post_messages_total"
    case postWithdrawn = "fuldmagt_post_withdrawn_total"
    case postRerouted = "fuldmagt_post_rerouted_total"
    case postLooks = "fuldmagt_post_looks_total"
    case postWaiting = "fuldmagt_post_waiting"
    case postOldestSeconds = "fuldmagt_post_oldest_seconds"
    case postUntold = "fuldmagt_post_untold"
    case postCircuitOpen = "fuldmagt_post_circuit_open"
    case postDocuments = "fuldmagt_post_documents_total"
    case postReceipts = "fuldmagt_post_receipts_total"
    case postRefusedRequests = "fuldmagt_post_refused_requests_total"
    case postDeadLetters = "fuldmagt_post_dead_letters_total"
    case postRetries = "fuldmagt_post_retries_total"
    case postReady = "fuldmagt_post_ready"
    case postLastStepSeconds = "fuldmagt_post_last_step_seconds"
    case metricsRefused = "fuldmagt_metrics_refused_total"

    /// What a metric is.
    public struct Description: Sendable, Equatable {
        public var kind: Kind
        /// What one is: records, seconds, shards …
        public var unit: String
        public var meaning: String
        /// Names of its labels, in the order they are shown.
        public var labels: [String]
    }

    public enum Kind: Sendable, Equatable {
        case counter, gauge
        /// - Parameter bounds: upper bounds of the buckets, ascending; the last is followed by infinity.
        case histogram(bounds: [Double])

        /// Prometheus' name of the kind.
        public var name: String {
            switch self {
            case .counter: "counter"
            case .gauge: "gauge"
            case .histogram: "histogram"
            }
        }
    }

    public var description: Description {
        func counter(_ unit: String, _ meaning: String, _ labels: [String] = []) -> Description {
            Description(kind: .counter, unit: unit, meaning: meaning, labels: labels)
        }
        func gauge(_ unit: String, _ meaning: String, _ labels: [String] = []) -> Description {
            Description(kind: .gauge, unit: unit, meaning: meaning, labels: labels)
        }
        return switch self {
        case .records: counter("records", "Records taken in from the shards' topics.")
        case .turns: counter("turns", "Turns of the run loop that had work.")
        case .turnSeconds:
            Description(
                kind: .histogram(bounds: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]),
                unit: "seconds", meaning: "Length of turns that had work, from fetch to handing over.", labels: [])
        case .phaseSeconds:
            counter(
                "seconds",
                "Time in each phase, over all threads: poll, catalogue, decode, decide, store, produce, commit.",
                ["phase"])
        case .outcomes: counter("commands", "Outcomes written, by status: accepted, rejected or parked.", ["status"])
        case .rejections: counter("reasons", "Reasons in outcomes of rejected commands.", ["reason"])
        case .notifications: counter("notifications", "Notifications written, without withdrawals.")
        case .notificationsCancelled: counter("notifications", "Notifications withdrawn.")
        case .notificationsRerouted: counter("notifications", "Notifications written again, to be sent by letter.")
        case .notificationMoves:
            counter(
                "notifications", "Notifications by where they came to stand, and by which channel.",
                ["channel", "state"])
        case .receipts: counter("receipts", "Receipts of known notifications.", ["transport", "status"])
        case .receiptsEarly:
            counter("receipts", "Receipts whose notification was not known: kept until it is, then set aside.")
        case .tasks: counter("tasks", "Caseworker tasks written, by why.", ["reason"])
        case .forwarded: counter("commands", "Commands re-published to the partition they belong in.")
        case .deadLetters: counter("records", "Records set aside because they could not be read.", ["reason"])
        case .sourceWarnings:
            counter(
                "commands", "Commands whose sender may not send them, decided all the same (FULDMAGT_SOURCES=warn).")
        case .parked: gauge("commands", "Commands that wait until they can be decided.", ["shard"])
        case .parkedRevocations:
            gauge("commands", "Revocations among the parked commands: any calls for an operator at once.", ["shard"])
        case .refusedRows:
            counter("commands", "Commands that the store refused: a fault of this program; their citizens wait.")
        case .fenced: counter("times", "Times that the worker was fenced off by another owner and joined again.")
        case .retries: counter("attempts", "Attempts repeated because the broker or the disk did not answer.")
        case .storeFailures: counter("failures", "Shards that were not closed cleanly.")
        case .damagedFiles:
            counter("files", "Files of shards that were damaged, set aside and rebuilt: their disk is to be looked at.")
        case .transactions: counter("transactions", "Kafka transactions committed.")
        case .transactionSeconds: counter("seconds", "Time from beginning to commit of those transactions.")
        case .transactionFailures: counter("transactions", "Kafka transactions that failed, repeated or given up.")
        case .framesPending: gauge("frames", "Outputs of turns that are stored and not known to be published.")
        case .lagRecords:
            gauge(
                "records", "Records of the shard's topics that are not processed yet, as last told by the broker.",
                ["shard"])
        case .lagSeconds:
            gauge(
                "seconds", "Age of the oldest record of the shard's topics that is not processed yet; 0 for none.",
                ["shard"])
        case .oldestCommandSeconds:
            gauge(
                "seconds", "Age of the oldest command, of this worker's shards, that is not processed yet; 0 for none.")
        case .shards: gauge("shards", "Shards this worker owns.")
        case .rebalances:
            counter("events", "What this worker owns: assigned, withheld, revoked or lost.", ["event"])
        case .restoreRows: gauge("rows", "Rows written so far while a shard is rebuilt from the changelog.", ["shard"])
        case .standbyLagRecords:
            gauge(
                "records",
                "Changelog records of a shard that another worker owns, which the standby copy did not have when it was last looked at; copies far behind are brought up one after the other.",
                ["shard"])
        case .failing:
            gauge(
                "flag", "1 while an activity is being repeated because it fails: log, catalogue, publishing or store.",
                ["activity"])
        case .ready: gauge("flag", "1 while /readyz says so.")
        case .lastTurnSeconds: gauge("seconds", "Time since the run loop last gave a sign of life.")
        case .postRecords: counter("records", "Notifications that a consumer has read.", ["consumer"])
        case .postMessages:
            counter(
                "messages",
                "Messages by what came of an attempt: sent, refused, again (it failed), withheld (withdrawn).",
                ["consumer", "result"])
        case .postWithdrawn: counter("notifications", "Notifications withdrawn before they were sent.", ["consumer"])
        case .postRerouted:
            counter("notifications", "Notifications given to the other channel before they were sent.", ["consumer"])
        case .postLooks: counter("looks", "Looks for withdrawals right before a hand-over.", ["consumer"])
        case .postWaiting: gauge("notifications", "Notifications that are to be sent.", ["consumer"])
        case .postOldestSeconds:
            gauge(
                "seconds", "How long the notification that waits longest could have been sent; 0 for none.",
                ["consumer"])
        case .postUntold: gauge("receipts", "Receipts of our own that are still to be written.", ["consumer"])
        case .postCircuitOpen: gauge("flag", "1 while the endpoint is left alone, as it has failed.", ["consumer"])
        case .postDocuments:
            counter(
                "documents", "Receipts that transports have brought, in a folder or by HTTP, by what became of them.",
                ["result"])
        case .postReceipts: counter("receipts", "Receipts written for what transports have brought.")
        case .postRefusedRequests:
            counter("requests", "Requests to bring a receipt that were not taken, by why.", ["reason"])
        case .postDeadLetters: counter("records", "Notifications that a consumer could not read.", ["consumer"])
        case .postRetries: counter("attempts", "Times that a consumer began anew as the broker failed.", ["consumer"])
        case .postReady: gauge("flag", "1 while /readyz of a consumer says so.", ["consumer"])
        case .postLastStepSeconds: gauge("seconds", "Time since a consumer was last done with a step.", ["consumer"])
        case .metricsRefused:
            counter("metrics", "Samples refused: a name, kind or label not in the catalogue, or too many label sets.")
        }
    }
}
