import FuldmagtDomain
import FuldmagtRecord
import Metrics
import Synchronization

/// How a worker is: told by its run loop and its publisher, asked by probes and scrapes. From any thread.
public final class WorkerHealth: Sendable {
    /// What can fail and is then repeated.
    public enum Activity: Hashable, Sendable {
        /// Fetching, reading the catalogue, joining.
        case log
        /// Reading the catalogue, for longer than the worker waits for it.
        case catalogue
        /// Writing outputs and offsets.
        case publishing
        /// A shard's file.
        case shard(Int32)

        /// The value of the label `activity`.
        var name: String {
            switch self {
            case .log: "log"
            case .catalogue: "catalogue"
            case .publishing: "publishing"
            case .shard: "store"
            }
        }
    }

    /// Why a worker is not ready.
    public struct Problem: Equatable, Sendable {
        /// `not-joined`, `stopping`, `no-member`, `silent`, `failing-log`, `failing-catalogue`, `failing-publishing`, `failing-store`.
        public var code: String
        public var text: String

        public init(code: String, text: String) {
            self.code = code
            self.text = text
        }
    }

    private struct State {
        /// Nanoseconds of the monotonic clock.
        var lastSign: UInt64
        var isJoined = false
        var isMember = false
        var isStopping = false
        var failingSince: [Activity: UInt64] = [:]
        var backlogs: [Int32: Backlog] = [:]
        var lookedAt: UInt64?
        var shown = PhaseTimes()
    }

    let metrics: WorkerMetrics
    private let nanoseconds: @Sendable () -> UInt64
    private let now: @Sendable () -> Instant
    private let state: Mutex<State>
    /// How often lag and phase times are taken, nanoseconds: often enough for scrapes, and no work for each small turn.
    private static let interval: UInt64 = 500_000_000
    /// Seconds that no turn takes while all is well. A call to a broker that hangs fails after 30.
    private static let longSilence: UInt64 = 10

    /// - Parameters:
    ///   - surroundings: its two clocks are used, so tests choose the time.
    ///   - factory: where metrics go; the process-wide one unless a test has its own.
    public init(surroundings: Surroundings, factory: any MetricsFactory = MetricsSystem.factory) {
        nanoseconds = surroundings.nanoseconds
        now = surroundings.now
        metrics = WorkerMetrics(factory: factory)
        state = Mutex(State(lastSign: surroundings.nanoseconds()))
    }

    // MARK: Told by the worker

    /// A sign of life: the run loop turns, or repeats what fails, or is busy with something that takes long.
    public func beat() {
        let now = nanoseconds()
        state.withLock { $0.lastSign = now }
    }

    func joined() {
        let now = nanoseconds()
        state.withLock {
            $0.lastSign = now
            $0.isJoined = true
        }
        recovered(.log)
    }

    /// It is asked to stop: nothing is wrong, but it is not ready any more.
    public func stopping() { state.withLock { $0.isStopping = true } }

    /// An attempt failed and is repeated.
    public func failed(_ activity: Activity) {
        let now = nanoseconds()
        state.withLock {
            $0.lastSign = now
            if $0.failingSince[activity] == nil { $0.failingSince[activity] = now }
        }
    }

    /// It succeeded.
    public func recovered(_ activity: Activity) { state.withLock { $0.failingSince[activity] = nil } }

    /// Points that only the log knows: whether a commit happened is asked again and again while the broker is away.
    public func reached(_ milestone: Milestone) {
        if milestone == .commitRepeated { failed(.publishing) }
    }

    func assigned(_ shards: Int) {
        beat()
        state.withLock {
            $0.isMember = true
            // What was being published when shards were lost is left to their owner.
            $0.failingSince[.publishing] = nil
        }
        metrics.shards.record(shards)
        metrics.rebalanced("assigned")
    }

    /// - Parameter isLost: another worker may have the shards already.
    func takenBack(isLost: Bool) {
        beat()
        state.withLock { $0.isMember = false }
        metrics.rebalanced(isLost ? "lost" : "revoked")
    }

    func released(_ shard: Int32) {
        state.withLock {
            $0.backlogs[shard] = nil
            $0.failingSince[.shard(shard)] = nil
        }
        metrics.forget(shard: shard)
    }

    /// A turn is over.
    /// - Parameters:
    ///   - started: nanoseconds.
    ///   - underWay: last frames handed to the publisher.
    func turned(
        records: Int, since started: UInt64, shards: [Int32: ShardInUse], batches: [Int32: RecordBatch],
        underWay: [Int32: Int64], log: any RecordLog, times: @autoclosure () -> PhaseTimes
    ) {
        let time = nanoseconds()
        if records > 0 { metrics.turnSeconds.record(Double(time - started) / 1e9) }
        let isDue = state.withLock { state in
            state.lastSign = time
            guard state.lookedAt.map({ time - $0 >= Self.interval }) ?? true else { return false }
            state.lookedAt = time
            return true
        }
        guard isDue else { return }
        let now = now()
        var frames = 0
        for (number, shard) in shards {
            let positions = shard.positions
            let remaining = log.remaining(shard: number, from: positions)
            state.withLock {
                $0.backlogs[number, default: Backlog()]
                    .turned(positions: positions, remaining: remaining, batch: batches[number], now: now)
            }
            frames += shard.unsent.count + Int(max(0, (underWay[number] ?? 0) - shard.sentThrough))
        }
        metrics.framesPending.record(frames)
        let total = times()
        metrics.count(
            state.withLock { state in
                defer { state.shown = total }
                return total.subtracting(state.shown)
            })
    }

    // MARK: Asked by probes

    /// Whether the run loop gave a sign of life lately.
    public func isAlive(within seconds: Int) -> Bool { silence < Double(seconds) }

    /// Seconds since the last sign of life.
    public var silence: Double {
        let now = nanoseconds()
        return state.withLock { Double(now - min($0.lastSign, now)) / 1e9 }
    }

    /// Why the worker is not ready; empty when it is.
    public var problems: [Problem] {
        let now = nanoseconds()
        return state.withLock { state in
            var problems: [Problem] = []
            if state.isStopping { problems.append(Problem(code: "stopping", text: "the worker was asked to stop")) }
            if !state.isJoined {
                problems.append(
                    Problem(code: "not-joined", text: "the catalogue is being read, or the broker does not answer"))
            } else if !state.isMember {
                problems.append(Problem(code: "no-member", text: "the group has not given this worker its share yet"))
            }
            let silence = (now - min(state.lastSign, now)) / 1_000_000_000
            if silence >= Self.longSilence {
                problems.append(
                    Problem(code: "silent", text: "the run loop has waited \(silence) s for the broker or the disk"))
            }
            let failing = state.failingSince.map { activity, since in
                let seconds = (now - min(since, now)) / 1_000_000_000
                return Problem(
                    code: "failing-\(activity.name)",
                    text: "\(Self.sentence(activity)) for \(seconds) s and is repeated")
            }
            return problems + failing.sorted { ($0.code, $0.text) < ($1.code, $1.text) }
        }
    }

    private static func sentence(_ activity: Activity) -> String {
        switch activity {
        case .log: "reading from the broker has failed"
        case .catalogue: "reading the catalogue has failed"
        case .publishing: "publishing to the broker has failed"
        case .shard(let shard): "the file of shard \(shard) has failed"
        }
    }

    /// Brings the gauges up to this moment: ages grow while nothing happens. Called before each scrape.
    public func refresh() {
        let now = now()
        let (backlogs, failing) = state.withLock { ($0.backlogs, Set($0.failingSince.keys.map(\.name))) }
        for (shard, backlog) in backlogs {
            metrics.show(.lagRecords, "shard", String(shard), Double(backlog.records))
            metrics.show(.lagSeconds, "shard", String(shard), backlog.age(at: now))
        }
        metrics.oldestCommandSeconds.record(backlogs.values.map { $0.commandAge(at: now) }.max() ?? 0)
        for name in ["log", "catalogue", "publishing", "store"] {
            metrics.show(.failing, "activity", name, failing.contains(name) ? 1 : 0)
        }
        metrics.ready.record(problems.isEmpty ? 1 : 0)
        metrics.lastTurnSeconds.record(silence)
    }
}
