import FuldmagtDomain
import Metrics

/// The worker's metrics, each registered from the catalogue. No label holds anything about a person.
final class WorkerMetrics: Sendable {
    private let factory: any MetricsFactory
    let records: Counter
    let turns: Counter
    let turnSeconds: Recorder
    let accepted: Counter
    let rejected: Counter
    let parkedOutcomes: Counter
    let refusedRows: Counter
    let notifications: Counter
    let cancelled: Counter
    let rerouted: Counter
    let receiptsEarly: Counter
    let forwarded: Counter
    let sourceWarnings: Counter
    let retries: Counter
    let transactions: Counter
    let transactionSeconds: FloatingPointCounter
    let transactionFailures: Counter
    let fenced: Counter
    let storeFailures: Counter
    let damagedFiles: Counter
    let shards: Gauge
    let framesPending: Gauge
    let oldestCommandSeconds: Gauge
    let ready: Gauge
    let lastTurnSeconds: Gauge
    private let phases: [(time: @Sendable (PhaseTimes) -> UInt64, counter: FloatingPointCounter)]

    init(factory: any MetricsFactory) {
        self.factory = factory
        func counter(_ metric: Metric, _ labels: [(String, String)] = []) -> Counter {
            Counter(label: metric.rawValue, dimensions: labels, factory: factory)
        }
        func gauge(_ metric: Metric) -> Gauge { Gauge(label: metric.rawValue, factory: factory) }
        records = counter(.records)
        turns = counter(.turns)
        turnSeconds = Recorder(label: Metric.turnSeconds.rawValue, aggregate: true, factory: factory)
        accepted = counter(.outcomes, [("status", "accepted")])
        rejected = counter(.outcomes, [("status", "rejected")])
        parkedOutcomes = counter(.outcomes, [("status", "parked")])
        refusedRows = counter(.refusedRows)
        notifications = counter(.notifications)
        cancelled = counter(.notificationsCancelled)
        rerouted = counter(.notificationsRerouted)
        receiptsEarly = counter(.receiptsEarly)
        forwarded = counter(.forwarded)
        sourceWarnings = counter(.sourceWarnings)
        retries = counter(.retries)
        transactions = counter(.transactions)
        transactionSeconds = FloatingPointCounter(label: Metric.transactionSeconds.rawValue, factory: factory)
        transactionFailures = counter(.transactionFailures)
        fenced = counter(.fenced)
        storeFailures = counter(.storeFailures)
        damagedFiles = counter(.damagedFiles)
        shards = gauge(.shards)
        framesPending = gauge(.framesPending)
        oldestCommandSeconds = gauge(.oldestCommandSeconds)
        ready = gauge(.ready)
        lastTurnSeconds = gauge(.lastTurnSeconds)
        // Shown as 0 before the first: a counter's first value is no increase to Prometheus, so no alert would tell of it.
        for reason in DeadLetterReason.allCases { _ = counter(.deadLetters, [("reason", reason.rawValue)]) }
        for reason in TaskReason.allCases { _ = counter(.tasks, [("reason", reason.rawValue)]) }
        let times: [(String, @Sendable (PhaseTimes) -> UInt64)] = [
            ("poll", { $0.poll }), ("catalogue", { $0.catalogue }), ("decode", { $0.decode }),
            ("decide", { $0.decide }), ("store", { $0.store }), ("produce", { $0.produce }),
            ("commit", { $0.commit }),
        ]
        phases = times.map { name, time in
            (
                time,
                FloatingPointCounter(
                    label: Metric.phaseSeconds.rawValue, dimensions: [("phase", name)], factory: factory)
            )
        }
    }

    func turn(records count: Int) {
        records.increment(by: Int64(count))
        turns.increment()
    }

    func count(_ counts: OutputWriter.Counts) {
        accepted.increment(by: Int64(counts.accepted))
        rejected.increment(by: Int64(counts.rejected))
        parkedOutcomes.increment(by: Int64(counts.parked))
        notifications.increment(by: Int64(counts.notifications))
        cancelled.increment(by: Int64(counts.cancelled))
        forwarded.increment(by: Int64(counts.forwarded))
        sourceWarnings.increment(by: Int64(counts.warnings))
        count(counts.post)
        for (reason, number) in counts.rejections { counter(.rejections, "reason", reason.rawValue, number) }
        for (reason, number) in counts.deadLetterReasons { counter(.deadLetters, "reason", reason.rawValue, number) }
    }

    private func count(_ counts: PostCounts) {
        rerouted.increment(by: Int64(counts.rerouted))
        receiptsEarly.increment(by: Int64(counts.early))
        for (event, number) in counts.receipts {
            counter(
                .receipts, [("transport", event.transport?.rawValue ?? ""), ("status", event.name)], number)
        }
        for (standing, number) in counts.moves {
            counter(
                .notificationMoves, [("channel", standing.channel.rawValue), ("state", standing.state.rawValue)], number
            )
        }
        for (reason, number) in counts.tasks { counter(.tasks, "reason", reason.rawValue, number) }
    }

    /// Transactions that were committed and that failed since the last call.
    func count(_ measures: Publisher.Measures) {
        transactions.increment(by: Int64(measures.transactions))
        transactionSeconds.increment(by: Double(measures.produce + measures.commit) / 1e9)
        transactionFailures.increment(by: Int64(measures.failures))
    }

    func count(_ times: PhaseTimes) {
        for phase in phases { phase.counter.increment(by: Double(phase.time(times)) / 1e9) }
    }

    func rebalanced(_ event: String) { counter(.rebalances, "event", event, 1) }

    func show(_ metric: Metric, _ label: String, _ value: String, _ number: Double) {
        gauge(metric, label, value).record(number)
    }

    /// Forgets what was shown of a shard that is owned no more: another worker shows it now.
    func forget(shard: Int32) {
        for metric in [Metric.lagRecords, .lagSeconds, .parked, .parkedRevocations, .restoreRows] {
            forget(metric, shard: shard)
        }
    }

    func forget(_ metric: Metric, shard: Int32) { gauge(metric, "shard", String(shard)).destroy() }

    private func gauge(_ metric: Metric, _ label: String, _ value: String) -> Gauge {
        Gauge(label: metric.rawValue, dimensions: [(label, value)], factory: factory)
    }

    private func counter(_ metric: Metric, _ label: String, _ value: String, _ number: Int) {
        counter(metric, [(label, value)], number)
    }

    private func counter(_ metric: Metric, _ labels: [(String, String)], _ number: Int) {
        Counter(label: metric.rawValue, dimensions: labels, factory: factory).increment(by: Int64(number))
    }
}
