import FuldmagtDomain
import FuldmagtWorker
import Metrics
import Synchronization

/// How a consumer of notifications, or of receipts, is: told by its loop, asked by probes and scrapes. From any thread.
public final class PostHealth: Probed {
    /// What waits in a ledger.
    public struct Waiting: Equatable, Sendable {
        /// Notifications that are to be sent.
        public var notifications: Int
        /// When the one that has waited longest was to be sent.
        public var oldestDue: Instant?
        /// Receipts that are still to be written.
        public var untold: Int

        public init(notifications: Int, oldestDue: Instant?, untold: Int) {
            self.notifications = notifications
            self.oldestDue = oldestDue
            self.untold = untold
        }
    }

    private struct State {
        var lastSign: UInt64
        var hasStepped = false
        var isStopping = false
        var failingSince: UInt64?
        var waiting: Waiting?
        var lookedAt: UInt64?
    }

    private let consumer: String
    private let nanoseconds: @Sendable () -> UInt64
    private let now: @Sendable () -> Instant
    private let factory: any MetricsFactory
    private let state: Mutex<State>
    /// Seconds that nothing takes while all is well, not even a post to an endpoint that does not answer.
    private static let longSilence: UInt64 = 180
    private static let interval: UInt64 = 5_000_000_000

    /// - Parameters:
    ///   - consumer: `memo`, `letters` or `receipts`.
    ///   - nanoseconds: a monotonic clock.
    ///   - factory: where metrics go; the process-wide one unless a test has its own.
    public init(
        consumer: String, nanoseconds: @escaping @Sendable () -> UInt64, now: @escaping @Sendable () -> Instant,
        factory: any MetricsFactory = MetricsSystem.factory
    ) {
        self.consumer = consumer
        self.nanoseconds = nanoseconds
        self.now = now
        self.factory = factory
        state = Mutex(State(lastSign: nanoseconds()))
    }

    // MARK: Told by the loop

    /// A sign of life within a step that takes long.
    public func beat() {
        let now = nanoseconds()
        state.withLock { $0.lastSign = now }
    }

    /// A step is over.
    public func stepped() {
        let now = nanoseconds()
        state.withLock {
            $0.lastSign = now
            $0.hasStepped = true
            $0.failingSince = nil
        }
    }

    /// The broker failed, and is tried again.
    public func failed() {
        let now = nanoseconds()
        state.withLock {
            $0.lastSign = now
            $0.failingSince = $0.failingSince ?? now
        }
        count(.postRetries, 1)
    }

    public func stopping() { state.withLock { $0.isStopping = true } }

    /// 0 is shown too: a counter's first value is no increase to Prometheus, so no alert would tell of it.
    public func count(_ metric: Metric, _ number: Int, _ labels: [(String, String)] = []) {
        Counter(label: metric.rawValue, dimensions: dimensions(metric, labels), factory: factory)
            .increment(by: Int64(number))
    }

    public func show(_ metric: Metric, _ value: Double) {
        Gauge(label: metric.rawValue, dimensions: dimensions(metric, []), factory: factory).record(value)
    }

    private func dimensions(_ metric: Metric, _ labels: [(String, String)]) -> [(String, String)] {
        (metric.description.labels.contains("consumer") ? [("consumer", consumer)] : []) + labels
    }

    /// Takes what waits, if that was not done lately.
    public func note(_ waiting: () throws -> Waiting) rethrows {
        let now = nanoseconds()
        let isDue = state.withLock { state in
            guard state.lookedAt.map({ now - $0 >= Self.interval }) ?? true else { return false }
            state.lookedAt = now
            return true
        }
        guard isDue else { return }
        let found = try waiting()
        state.withLock { $0.waiting = found }
    }

    // MARK: Asked by probes

    public func isAlive(within seconds: Int) -> Bool { silence < Double(seconds) }

    /// Seconds since the last sign of life.
    public var silence: Double {
        let now = nanoseconds()
        return state.withLock { Double(now - min($0.lastSign, now)) / 1e9 }
    }

    public var problems: [WorkerHealth.Problem] {
        let now = nanoseconds()
        return state.withLock { state in
            var problems: [WorkerHealth.Problem] = []
            func add(_ code: String, _ text: String) { problems.append(.init(code: code, text: text)) }
            if state.isStopping { add("stopping", "the consumer was asked to stop") }
            if !state.hasStepped { add("not-started", "nothing is read yet, or the broker does not answer") }
            if let since = state.failingSince {
                add(
                    "failing-log",
                    "the broker has failed for \((now - min(since, now)) / 1_000_000_000) s and is tried again")
            }
            let silence = (now - min(state.lastSign, now)) / 1_000_000_000
            if silence >= Self.longSilence { add("silent", "there was no sign of life for \(silence) s") }
            return problems
        }
    }

    /// Brings the gauges up to this moment: ages grow while nothing happens.
    public func refresh() {
        let now = now()
        if let waiting = state.withLock({ $0.waiting }) {
            show(.postWaiting, Double(waiting.notifications))
            show(.postUntold, Double(waiting.untold))
            let age = waiting.oldestDue.map { Double(now.milliseconds - $0.milliseconds) / 1000 } ?? 0
            show(.postOldestSeconds, max(0, age))
        }
        show(.postReady, problems.isEmpty ? 1 : 0)
        show(.postLastStepSeconds, silence)
    }
}
