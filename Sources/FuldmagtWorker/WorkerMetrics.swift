import FuldmagtDomain
import Metrics

/// The metrics of a worker: one place, each with its unit and meaning. No label holds anything about a person.
struct WorkerMetrics {
    /// Records taken in, all topics.
    let records = Counter(label: "fuldmagt_records_total")
    /// Turns of the run loop that had work.
    let turns = Counter(label: "fuldmagt_turns_total")
    /// Commands accepted.
    let accepted = Counter(label: "fuldmagt_outcomes_total", dimensions: [("status", "accepted")])
    /// Commands rejected.
    let rejected = Counter(label: "fuldmagt_outcomes_total", dimensions: [("status", "rejected")])
    /// Notifications written, without withdrawals.
    let notifications = Counter(label: "fuldmagt_notifications_total")
    /// Notifications withdrawn.
    let cancelled = Counter(label: "fuldmagt_notifications_cancelled_total")
    /// Commands re-published to the partition they belong in.
    let forwarded = Counter(label: "fuldmagt_forwarded_total")
    /// Commands whose sender may not send them, decided all the same (FULDMAGT_SOURCES=warn).
    let sourceWarnings = Counter(label: "fuldmagt_source_warnings_total")
    /// Attempts repeated because the surroundings failed.
    let retries = Counter(label: "fuldmagt_retries_total")
    /// Kafka transactions that failed and were repeated or given up.
    let transactionFailures = Counter(label: "fuldmagt_transaction_failures_total")
    /// Times that this worker was fenced off and joined again.
    let fenced = Counter(label: "fuldmagt_fenced_total")
    /// Failures of shards while being given up.
    let storeFailures = Counter(label: "fuldmagt_store_failures_total")
    /// Shards owned.
    let shards = Gauge(label: "fuldmagt_shards")

    func turn(records count: Int) {
        records.increment(by: Int64(count))
        turns.increment()
    }

    func count(_ counts: OutputWriter.Counts) {
        accepted.increment(by: Int64(counts.accepted))
        rejected.increment(by: Int64(counts.rejected))
        notifications.increment(by: Int64(counts.notifications))
        cancelled.increment(by: Int64(counts.cancelled))
        forwarded.increment(by: Int64(counts.forwarded))
        sourceWarnings.increment(by: Int64(counts.warnings))
        for (reason, number) in counts.rejections {
            Counter(label: "fuldmagt_rejections_total", dimensions: [("reason", reason.rawValue)])
                .increment(by: Int64(number))
        }
        for (reason, number) in counts.deadLetterReasons {
            Counter(label: "fuldmagt_dead_letters_total", dimensions: [("reason", reason.rawValue)])
                .increment(by: Int64(number))
        }
    }
}
