import Dispatch
import FuldmagtDomain
import FuldmagtRecord
import FuldmagtStore
import Logging

/// Copies of the shards that other workers own, kept as far as their changelogs are: taking one over restores only the tail.
///
/// It works on a queue of its own, so no command waits for it but while a shard is taken over. Its failures stop nobody: a
/// copy that cannot be kept is begun anew. Copies do not outlive the process.
public final class Standby: @unchecked Sendable {
    /// A copy, and how far it has come.
    package struct Copy {
        package let restore: ShardRestore
        /// Next to read of its changelog.
        package fileprivate(set) var position: Int64 = 0
        /// When it was last seen to be as far as the changelog.
        var currentAt: Instant
        /// When the reading under way began, whose end is the changelog's of then; nil while there is none.
        var readingSince: Instant?
    }

    /// How long a copy may lag behind, milliseconds. Brokers forget deletions a day after they compacted them away
    /// (`delete.retention.ms`), and a copy that has missed one would keep the row for good.
    public static let longestLag: Int64 = 12 * 3_600_000
    static let chunk = 5_000
    private static let rest = DispatchTimeInterval.milliseconds(500)
    /// How long a shard whose copy was given up is left alone, nanoseconds: its next copy begins with the first record, and
    /// what failed may well fail again.
    private static let pauseAfterGivingUp: UInt64 = 600_000_000_000

    private let options: WorkerOptions
    private let source: any ChangelogSource
    private let surroundings: Surroundings
    private let metrics: WorkerMetrics
    private let logger: Logger
    private let queue = DispatchQueue(label: "fuldmagt.standby", qos: .utility)

    // Used on the queue only.
    private var copies: [Int32: Copy] = [:]
    private var followed: Set<Int32> = [] { didSet { round = round.filter(followed.contains) } }
    /// Those of them that are still to be looked at before the next rest. None that is not followed any more: a new copy
    /// would begin by deleting the file of one that was handed out.
    private var round: [Int32] = []
    private var backoff: Backoff
    /// Until when shards are left alone, as their copies were given up: on the monotonic clock.
    private var leftAloneUntil: [Int32: UInt64] = [:]
    private var isRunning = false
    /// The latest time that a record bore, milliseconds.
    private var newest: Int64 = 0
    /// By this machine's clock, unless what was written shows that it is late.
    private var now: Instant { max(surroundings.now(), Instant(milliseconds: newest)) }

    /// - Parameter source: read by nobody else.
    public init(
        options: WorkerOptions, source: any ChangelogSource, surroundings: Surroundings, health: WorkerHealth,
        logger: Logger
    ) {
        self.options = options
        self.source = source
        self.surroundings = surroundings
        metrics = health.metrics
        self.logger = logger
        backoff = Backoff(longest: options.longestBackoff)
    }

    /// Begins to follow.
    public func start() {
        queue.async { [self] in
            isRunning = true
            work()
        }
    }

    /// Gives every copy up; returns once no file is being written any more.
    public func stop() {
        queue.sync {
            isRunning = false
            follow([])
        }
    }

    // MARK: For the worker

    /// Follows all shards but these.
    func own(_ shards: some Sequence<Int32>) {
        let others = Set(0..<options.settings.partitions).subtracting(shards)
        queue.sync { follow(others) }
    }

    /// Hands out the copy of a shard that is being taken over; nil where there is none that is of use.
    package func take(_ shard: Int32) -> Copy? {
        queue.sync {
            if options.sabotage != .copyStillFollowed { followed.remove(shard) }
            metrics.forget(.standbyLagRecords, shard: shard)
            guard let copy = copies.removeValue(forKey: shard) else { return nil }
            guard isCurrentEnough(copy) else {
                discard(copy, of: shard)
                return nil
            }
            return copy
        }
    }

    /// Looks at one shard.
    /// - Returns: how long to rest before the next; nil for not at all.
    package func step() -> DispatchTimeInterval? {
        if round.isEmpty {
            let now = surroundings.nanoseconds()
            round = followed.filter { leftAloneUntil[$0] ?? 0 <= now }.sorted(by: >)
        }
        guard let shard = round.popLast() else { return Self.rest }
        do {
            let isBehind = try advance(shard)
            backoff = Backoff(longest: options.longestBackoff)
            // The same again, to the end that its changelog had: what was fetched beyond a chunk would else be fetched anew.
            if isBehind { round.append(shard) }
            return round.isEmpty ? Self.rest : nil
        } catch {
            logger.warning(
                "a standby copy cannot be kept up; trying again", metadata: ["shard": "\(shard)", "error": "\(error)"])
            metrics.retries.increment()
            if (error as? LogFailure)?.consequence != .retry {
                // What a newer version wrote is not understood before this process is that version.
                let isForGood = (error as? StoreError)?.isOfNewerVersion == true
                leftAloneUntil[shard] = isForGood ? .max : surroundings.nanoseconds() + Self.pauseAfterGivingUp
                if let copy = copies.removeValue(forKey: shard) { discard(copy, of: shard) }
            }
            return .milliseconds(backoff.next(jitter: surroundings.jitter()))
        }
    }

    // MARK: On the queue

    private func work() {
        guard isRunning else { return }
        if let rest = step() {
            queue.asyncAfter(deadline: .now() + rest) { [weak self] in self?.work() }
        } else {
            queue.async { [weak self] in self?.work() }
        }
    }

    private func follow(_ shards: Set<Int32>) {
        followed = shards
        for (shard, copy) in copies where !shards.contains(shard) {
            copies[shard] = nil
            metrics.forget(.standbyLagRecords, shard: shard)
            discard(copy, of: shard)
        }
    }

    private func isCurrentEnough(_ copy: Copy) -> Bool {
        options.sabotage == .copyNeverTooOld
            || now.milliseconds - copy.currentAt.milliseconds <= Self.longestLag
    }

    /// Applies one chunk of a shard's changelog to its copy.
    /// - Returns: whether there is more.
    private func advance(_ shard: Int32) throws -> Bool {
        if let copy = copies[shard], !isCurrentEnough(copy) { beginAnew(copy, of: shard) }
        var copy: Copy
        if let known = copies[shard] {
            copy = known
        } else {
            copy = Copy(
                restore: try ShardRestore(
                    shard: shard, directory: options.directory, worker: options.worker, purpose: .standby,
                    disk: options.disk),
                currentAt: now)
        }
        var batch = RecordBatch()
        let asked = copy.readingSince ?? now
        copy.readingSince = asked
        copies[shard] = copy
        let progress = try source.readChangelog(
            shard: shard, from: copy.position, into: &batch, limit: Self.chunk)
        // A machine that stood still with its clock does not know how long; what was written meanwhile does.
        newest = max(newest, batch.withRecords { $0.last?.timestamp } ?? 0)
        if newest - copy.currentAt.milliseconds > Self.longestLag, options.sabotage != .copyNeverTooOld {
            beginAnew(copy, of: shard)
            return true
        }
        if !batch.isEmpty { try copy.restore.apply(batch) }
        copy.position = options.sabotage == .copySkipsRows ? progress.end : progress.next
        if progress.isAtEnd {
            copy.currentAt = asked
            copy.readingSince = nil
        }
        copies[shard] = copy
        metrics.show(.standbyLagRecords, "shard", String(shard), Double(progress.remaining))
        return !progress.isAtEnd
    }

    private func beginAnew(_ copy: Copy, of shard: Int32) {
        logger.info("a standby copy is too old to go on with; it is begun anew", metadata: ["shard": "\(shard)"])
        copies[shard] = nil
        discard(copy, of: shard)
    }

    private func discard(_ copy: Copy, of shard: Int32) {
        do { try copy.restore.discard() } catch {
            // The next copy begins by deleting what is left of it.
            logger.warning(
                "a standby copy was not deleted", metadata: ["shard": "\(shard)", "error": "\(error)"])
        }
    }
}
