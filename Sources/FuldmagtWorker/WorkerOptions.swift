import FuldmagtDomain
import FuldmagtKeys
import FuldmagtStore

/// What a worker is set up with. Every bound on its memory is here.
public struct WorkerOptions: Sendable {
    /// Names this worker in logs, dead letters and shards.
    public var worker: String
    public var settings: Settings
    public var keys: ClusterKey
    public var directory: String
    /// Records and bytes of one turn, over all shards.
    public var batchRecords: Int
    public var batchBytes: Int
    /// How long a turn waits for its first record.
    public var pollMilliseconds: Int
    /// Page caches of all shards together, bytes.
    public var cacheBytes: Int
    /// Commits wait for the disk.
    public var isDurable: Bool
    /// Dead letters in a row, in one shard, after which the worker stops instead of emptying a topic into them.
    public var deadLettersInARow: Int
    /// Share of the last 10,000 records of one shard, 0 to 1, above which dead letters stop the worker; nil for no limit.
    public var deadLettersRatio: Double?
    /// Citizens that one sweep record looks at.
    public var sweepSize: Int
    /// Stored grants that one record of a supplier switch looks at.
    public var sweepRows: Int
    /// Ids of commands that one such record looks through for those to be forgotten.
    public var sweepIDs: Int
    /// Seconds that a worker waits for the catalogue before it goes on without it, parking what asks it.
    public var cataloguePatience: Int
    /// Parked commands of one citizen; beyond them the oldest is rejected.
    public var parkedPerCitizen: Int
    /// Parked commands of one shard; beyond them the worker waits for the catalogue instead.
    public var parkedPerShard: Int
    /// Seconds that a command stays parked before it is rejected. Revocations are not.
    public var parkedSeconds: Int64
    /// Days that ids of decided commands are kept; at least as long as topics keep commands.
    public var processedDays: Int
    /// Receipts of one shard that wait for their notification to be known; beyond them they are dead letters at once.
    public var earlyReceipts: Int
    /// Every changed row goes to the changelog, from which another worker can rebuild the shard.
    public var recordsChanges: Bool
    /// Publishing runs beside the next turn. Off in simulations, which have one thread.
    public var isPipelined: Bool
    /// Longest pause between attempts when the surroundings fail, milliseconds.
    public var longestBackoff: Int
    /// Everything is done by the calling thread; what would be published beside the next turn is published at the last
    /// moment. For simulations.
    package var hasOneThread = false
    /// Between shards and their disk in a simulation.
    package var disk: ShardDisk?
    /// A rule that is broken on purpose; nil but in the simulation's own tests.
    package var sabotage: Sabotage?
    /// Goes on where records were deleted before this group read them, instead of stopping.
    public var acceptsGap: Bool
    /// Seconds that publishing may be repeated while shards are given up; the next owner publishes what is left.
    public var handOverSeconds: Int
    /// Seconds that opening a shard may be repeated before the worker gives its place in the group up; below librdkafka's
    /// `max.poll.interval.ms` (300 s), after which the group does so by itself.
    public var takeOverSeconds: Int

    public init(worker: String, settings: Settings, keys: ClusterKey, directory: String) {
        self.worker = worker
        self.settings = settings
        self.keys = keys
        self.directory = directory
        batchRecords = 4_000
        batchBytes = 16 << 20
        pollMilliseconds = 50
        cacheBytes = 64 << 20
        isDurable = true
        deadLettersInARow = 500
        sweepSize = 200
        sweepRows = 2_000
        sweepIDs = 10_000
        cataloguePatience = 10
        parkedPerCitizen = 100
        parkedPerShard = 10_000
        parkedSeconds = 86_400
        processedDays = 90
        earlyReceipts = 10_000
        recordsChanges = true
        isPipelined = true
        longestBackoff = 5_000
        acceptsGap = false
        handOverSeconds = 20
        takeOverSeconds = 240
    }
}

/// What a worker takes from its surroundings besides the log: time, and what happens at named points.
public struct Surroundings: Sendable {
    /// The clock that finds out what is due.
    public var now: @Sendable () -> Instant
    /// Seconds added to every record's timestamp and to `now`: 0 but in tests of time.
    public var offsetSeconds: @Sendable () -> Int64
    /// A monotonic clock, nanoseconds, for measurements only.
    public var nanoseconds: @Sendable () -> UInt64
    /// Waits before another attempt.
    public var pause: @Sendable (_ milliseconds: Int) -> Void
    /// Between 0 and 1: spreads the attempts of many workers.
    public var jitter: @Sendable () -> Double
    /// Called at each named point: tests kill the process there.
    public var reached: @Sendable (Milestone) -> Void

    public init(
        now: @escaping @Sendable () -> Instant, offsetSeconds: @escaping @Sendable () -> Int64 = { 0 },
        nanoseconds: @escaping @Sendable () -> UInt64, pause: @escaping @Sendable (Int) -> Void,
        jitter: @escaping @Sendable () -> Double = { 0.5 }, reached: @escaping @Sendable (Milestone) -> Void = { _ in }
    ) {
        self.now = now
        self.offsetSeconds = offsetSeconds
        self.nanoseconds = nanoseconds
        self.pause = pause
        self.jitter = jitter
        self.reached = reached
    }
}

/// Points of a turn between which a death must leave no trace.
public enum Milestone: String, CaseIterable, Sendable {
    case polled
    case beforeStoreCommit = "before-store-commit"
    case afterStoreCommit = "after-store-commit"
    case afterProduce = "after-produce"
    case beforeLogCommit = "before-log-commit"
    /// Whether the commit happened is not known, and is asked again.
    case commitRepeated = "commit-repeated"
    case afterLogCommit = "after-log-commit"
    case assigned
    case restoring
}

/// Why a worker stopped for good.
public struct WorkerStop: Error, Equatable, Sendable, CustomStringConvertible {
    public enum Kind: String, Sendable {
        case store, log, deadLetters = "dead-letters", staleShard = "stale-shard", gap
    }
    public var kind: Kind
    public var text: String

    public init(_ kind: Kind, _ text: String) {
        self.kind = kind
        self.text = text
    }

    public var description: String { text }
}
