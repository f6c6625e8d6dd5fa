import Dispatch
import FuldmagtDomain
import FuldmagtRecord
import FuldmagtStore
import Logging

/// The run loop of a worker. Used by one thread; `stop` may be called from any.
///
/// Reasons to end: `stop` (everything stored is published first), or a failure that is fatal. A worker that is fenced off
/// gives everything up and joins again.
public final class WorkerLoop {
    let options: WorkerOptions
    let surroundings: Surroundings
    let log: any RecordLog
    let logger: Logger
    private let publisher: Publisher
    let health: WorkerHealth
    let standby: Standby?
    var metrics: WorkerMetrics { health.metrics }
    private(set) var shards: [Int32: ShardInUse] = [:]
    var follower: CatalogueFollower
    private var batches: [Int32: RecordBatch] = [:]
    /// Frames under way, by shard: the last number of each.
    var underWay: [Int32: Int64] = [:]
    /// A failure that came up inside the log's callback.
    private var failure: (any Error)?
    /// When, and up to which catalogue position, shards were last asked whether a sweep is due.
    private var lastReview: (at: Instant, catalogue: Int64)?
    /// Set while the catalogue cannot be read: when to try again, nanoseconds.
    var catalogueRetryAt: UInt64?
    let stopFlag: StopFlag
    private var hasJoined = false
    /// The group may still assign shards to a worker that is just leaving it: those are somebody else's to take over.
    private var isLeaving = false
    private var joinBackoff: Backoff
    var nameWatch = NameWatch()
    var damage = Damage()
    /// Shards that are another's already, and still to be given up: in a simulation of that fault.
    private var answeredEarly: [Int32] = []
    private var times = PhaseTimes()
    public private(set) var counts = OutputWriter.Counts()

    public init(
        options: WorkerOptions, log: any RecordLog, surroundings: Surroundings, logger: Logger,
        stopFlag: StopFlag = StopFlag(), health: WorkerHealth? = nil, standby: Standby? = nil
    ) {
        let health = health ?? WorkerHealth(surroundings: surroundings)
        self.health = health
        self.standby = standby
        self.options = options
        self.log = log
        self.surroundings = surroundings
        self.logger = logger
        self.stopFlag = stopFlag
        publisher = Publisher(log: log, options: options, surroundings: surroundings, health: health)
        follower = CatalogueFollower(settings: options.settings)
        joinBackoff = Backoff(longest: options.longestBackoff)
    }

    /// Where the time went, over all shards, also those given up.
    public var allTimes: PhaseTimes {
        shards.values.reduce(into: times) { $0.add($1.times) }
    }

    /// Works until it is stopped.
    /// - Throws: `WorkerStop`, `StoreError` or `LogFailure`: why it cannot go on.
    public func run() throws {
        standby?.start()
        defer { standby?.stop() }
        do {
            while !stopFlag.isSet { _ = try turnOrJoinAgain() }
        } catch {
            abandon()
            throw error
        }
        do { try finish() } catch {
            // What was not published is published by whoever has the shards now.
            guard Self.isFenced(error) else { throw error }
            logger.info("stopped; the shards were another worker's already", metadata: ["error": "\(error)"])
        }
    }

    /// One turn, after joining where that is still to be done. A worker that finds itself fenced off, or a shard's file
    /// damaged, gives everything up and joins again with the next call.
    /// - Returns: how many records it processed.
    @discardableResult
    public func turnOrJoinAgain() throws -> Int {
        do {
            if !hasJoined {
                try start()
                hasJoined = true
            }
            let count = try turn()
            if count > 0 { joinBackoff = Backoff(longest: options.longestBackoff) }
            return count
        } catch {
            let matter = try noteRecoverable(error)
            abandon()
            hasJoined = false
            publisher.stopRetrying(false)
            failure = nil
            batches = [:]
            lastReview = nil
            health.takenBack(isLost: true)
            let pause = joinBackoff.next(jitter: surroundings.jitter())
            logger.warning("\(matter)", metadata: ["error": "\(error)", "pause_ms": "\(pause)"])
            if !stopFlag.isSet { surroundings.pause(pause) }
            return 0
        }
    }

    /// Reads the catalogue and joins the group.
    public func start() throws {
        var backoff = Backoff(longest: options.longestBackoff)
        while true {
            do throws(LogFailure) {
                try follower.catchUp(log, offsetSeconds: surroundings.offsetSeconds())
                break
            } catch {
                try giveUpOrPause(error, &backoff)
            }
        }
        try retrying { () throws(LogFailure) in try log.join(self) }
        health.joined()
        logger.info("joined", metadata: ["packages": "\(follower.catalogue.packageCount)"])
    }

    /// One turn.
    /// - Returns: how many records it processed.
    @discardableResult
    public func turn() throws -> Int {
        // 1. Fetch. Shards are assigned and taken back in here.
        let started = surroundings.nanoseconds()
        // Shards are given back within the fetch, and with them what was fetched for them.
        var fetched = batches
        batches = [:]
        // Not over `keys`: that would hold the batches too, so that each got new memory instead of keeping its own.
        for shard in Array(fetched.keys) { fetched[shard]?.removeAll() }
        let limits = PollLimits(
            records: options.batchRecords, bytes: options.batchBytes, timeoutMilliseconds: options.pollMilliseconds)
        try retrying { () throws(LogFailure) in try log.poll(limits, into: &fetched) }
        batches = fetched.filter { shards[$0.key] != nil }
        try throwFailure()
        let offsetSeconds = surroundings.offsetSeconds()
        surroundings.reached(.polled)
        let polled = surroundings.nanoseconds()
        times.poll += polled - started

        // 2. Read the catalogue to its end: no command is decided under an older one than it was fetched under.
        //    While it cannot be read, commands that ask it are parked.
        let isCatalogueBehind = try catchUp(offsetSeconds: offsetSeconds)
        times.catalogue += surroundings.nanoseconds() - polled

        // 3. Decide and store, each shard by itself.
        let count = try apply(isCatalogueBehind: isCatalogueBehind, offsetSeconds: offsetSeconds)

        // 4. Publish, once the transaction before is out.
        try publish(isCatalogueBehind: isCatalogueBehind)
        giveUpLate()
        times.turns += 1
        if count > 0 { metrics.turn(records: count) }
        health.turned(
            records: count, since: started, shards: shards, batches: batches, underWay: underWay, log: log,
            times: allTimes)
        return count
    }

    /// Publishes what is stored, gives the shards up and leaves the group.
    public func finish() throws {
        logger.info("stopping")
        do { try leave() } catch {
            // What failed while the shards were given up says more than that leaving failed after it.
            try throwFailure()
            throw error
        }
        try throwFailure()
        logger.info("stopped")
    }

    /// - Parameter failed: told of each failure after the pause that follows it; what it throws ends the repeating.
    func retrying(
        _ body: () throws(LogFailure) -> Void, failed: (LogFailure) throws -> Void = { _ in }
    ) throws {
        var backoff = Backoff(longest: options.longestBackoff)
        while true {
            do throws(LogFailure) {
                try body()
                health.recovered(.log)
                return
            } catch {
                try giveUpOrPause(error, &backoff)
                try failed(error)
            }
        }
    }

    func giveUpOrPause(_ error: LogFailure, _ backoff: inout Backoff) throws {
        guard error.consequence == .retry, !stopFlag.isSet else { throw error }
        let pause = backoff.next(jitter: surroundings.jitter())
        logger.warning(
            "the log is not answering, trying again",
            metadata: ["error": "\(error)", "attempt": "\(backoff.attempts)", "pause_ms": "\(pause)"])
        metrics.retries.increment()
        health.failed(.log)
        surroundings.pause(pause)
    }

    private func throwFailure() throws {
        guard let failure else { return }
        self.failure = nil
        throw failure
    }

    // MARK: Step 3

    private func apply(isCatalogueBehind: Bool, offsetSeconds: Int64) throws -> Int {
        let answers = follower.answers
        var work: [(ShardInUse, RecordBatch, [CatalogueFollower.Answer])] = []
        for (number, shard) in shards.sorted(by: { $0.key < $1.key }) {
            let batch = batches[number] ?? RecordBatch()
            shard.ends = log.ends(shard: number)
            let mine = number == 0 && follower.isAnswering ? answers : []
            if !batch.isEmpty || !mine.isEmpty || shard.hasRestated { work.append((shard, batch, mine)) }
        }
        guard !work.isEmpty else { return 0 }
        let results = Results(count: work.count)
        let todo = Work(items: work)
        let catalogue = (follower.catalogue, isCatalogueBehind)
        if work.count == 1 || !options.isPipelined || options.hasOneThread {
            for at in work.indices {
                results.run(at) { try self.applyOne(todo, at, catalogue, offsetSeconds) }
            }
        } else {
            let one = Unchecked(value: self)
            DispatchQueue.concurrentPerform(iterations: work.count) { at in
                results.run(at) { try one.value.applyOne(todo, at, catalogue, offsetSeconds) }
            }
        }
        let errors = try results.all.map { error in try (error as? DamagedShard).map(noting) ?? error }
        if let error = errors.first { throw error }
        if let last = answers.last, follower.isAnswering {
            for answer in answers where answer.restoration != nil {
                logger.warning(
                    "a record of the catalogue that changes nothing took a key's place; what the key stands for is written again",
                    metadata: ["offset": "\(answer.offset)"])
            }
            follower.answered(through: last.offset + 1)
        }
        for (shard, _, _) in work {
            counts.add(shard.counts)
            metrics.count(shard.takeCounts())
            show(parkedIn: shard)
        }
        // What was put back comes with the next turn: the catalogue is given a moment.
        if isCatalogueBehind, work.contains(where: { $0.0.hasPutBack }) { surroundings.pause(Self.putBackPause) }
        return work.reduce(0) { $0 + $1.1.count }
    }

    private struct Work: @unchecked Sendable {
        let items: [(ShardInUse, RecordBatch, [CatalogueFollower.Answer])]
    }

    /// Applies one shard's batch, again and again while only the surroundings fail.
    private func applyOne(
        _ work: Work, _ at: Int, _ catalogue: (Catalogue, isBehind: Bool), _ offsetSeconds: Int64
    ) throws {
        let (shard, batch, answers) = work.items[at]
        var backoff = Backoff(longest: options.longestBackoff)
        while true {
            do {
                try shard.apply(
                    batch, answers: answers, catalogue: catalogue.0, isCatalogueBehind: catalogue.isBehind,
                    offsetSeconds: offsetSeconds)
                health.recovered(.shard(shard.shard))
                return
            } catch let error as StoreError where error.consequence == .retry && !stopFlag.isSet {
                let pause = backoff.next(jitter: surroundings.jitter())
                logger.warning(
                    "the shard's disk is not answering, trying again",
                    metadata: [
                        "shard": "\(shard.shard)", "error": "\(error)", "attempt": "\(backoff.attempts)",
                        "pause_ms": "\(pause)",
                    ])
                metrics.retries.increment()
                health.failed(.shard(shard.shard))
                surroundings.pause(pause)
            } catch let error as StoreError where error.isDamage {
                throw DamagedShard(shard: shard.shard, error: error)
            }
        }
    }

    // MARK: Step 4

    private func publish(isCatalogueBehind: Bool) throws {
        let now = surroundings.now().adding(seconds: surroundings.offsetSeconds())
        let position = follower.catalogue.position
        let isReviewDue =
            lastReview.map { abs(now.milliseconds - $0.at.milliseconds) >= 500 || position != $0.catalogue } ?? true
            || shards.values.contains { $0.hasReviewed }
        guard isReviewDue || shards.values.contains(where: { !$0.unsent.isEmpty }) else {
            if options.hasOneThread { try settle() }
            return
        }
        try settle()
        var transaction = gather()
        if isReviewDue {
            lastReview = (now, position)
            for (_, shard) in shards.sorted(by: { $0.key < $1.key }) {
                if let sweep = shard.dueSweep(
                    now: now, catalogue: position, changedAt: follower.catalogue.changedAt)
                {
                    transaction.frames.append(sweep)
                }
                if let release = shard.dueRelease(
                    now: now, catalogue: position, isCatalogueBehind: isCatalogueBehind)
                {
                    transaction.frames.append(release)
                }
                if let look = try duePost(in: shard, now: now) { transaction.frames.append(look) }
            }
        }
        guard !transaction.isEmpty else { return }
        publisher.submit(transaction)
        if !options.isPipelined { try settle() }
    }

    /// Waits for the transaction under way and notes its frames as sent.
    private func settle() throws {
        do throws(LogFailure) {
            try publisher.wait()
        } catch {
            underWay = [:]
            throw error
        }
        for (number, frame) in underWay {
            shards[number]?.sentThrough = frame
            shards[number]?.isUntold = false
        }
        underWay = [:]
        let measures = publisher.takeMeasures()
        times.produce += measures.produce
        times.commit += measures.commit
        times.transactions += measures.transactions
        metrics.count(measures)
    }

    // MARK: Giving up

    /// Lets go of everything after a failure. What is stored and not published is published by the next owner.
    private func abandon() {
        publisher.stopRetrying(true)
        do { try publisher.wait() } catch {
            logger.warning("what was being published is left to the next owner", metadata: ["error": "\(error)"])
        }
        underWay = [:]
        release(Array(shards.keys), marksSent: false)
        do { try leave() } catch {
            logger.warning("could not leave the group", metadata: ["error": "\(error)"])
        }
    }

    private func leave() throws {
        isLeaving = true
        defer { isLeaving = false }
        try log.leave()
    }

    private func release(_ numbers: [Int32], marksSent: Bool) {
        for number in numbers {
            guard let shard = shards.removeValue(forKey: number) else { continue }
            batches[number] = nil
            health.released(number)
            if number == 0 { follower.stopAnswering() }
            times.add(shard.times)
            do {
                try shard.release(marksSent: marksSent)
            } catch {
                logger.warning("a shard was not closed cleanly", metadata: ["error": "\(error)"])
                metrics.storeFailures.increment()
            }
        }
        metrics.shards.record(shards.count)
    }
}

extension WorkerLoop: AssignmentListener {
    public func assigned(_ numbers: [Int32]) -> [Int32: [Topic: Int64]] {
        guard !isLeaving else { return [:] }
        var positions: [Int32: [Topic: Int64]] = [:]
        for number in numbers.sorted() {
            do {
                positions[number] = try take(number, shardsInAll: numbers.count + shards.count)
            } catch {
                failure = error
                break
            }
        }
        do { try claim(Array(positions.keys)) } catch { failure = failure ?? error }
        standby?.own(shards.keys)
        surroundings.reached(.assigned)
        health.assigned(shards.count)
        logger.info("assigned", metadata: ["shards": "\(numbers.sorted())"])
        return positions
    }

    private func take(_ number: Int32, shardsInAll: Int) throws -> [Topic: Int64] {
        let shard: ShardInUse
        do {
            shard = try openRepeatedly(number, shardsInAll: shardsInAll)
        } catch let error as StoreError where error.isDamage {
            throw try noting(DamagedShard(shard: number, error: error))
        }
        if number == 0 {
            follower.beginAnswering(from: shard.positions[.catalogue] ?? 0)
            catalogueRetryAt = nil
        }
        shards[number] = shard
        show(parkedIn: shard)
        logger.info(
            "shard taken over",
            metadata: ["shard": "\(number)", "pending_frames": "\(shard.unsent.count)"])
        var positions = shard.positions
        positions[.catalogue] = nil
        return positions
    }

    public func revoked(_ numbers: [Int32]) {
        if options.sabotage == .revokeAnsweredEarly {
            answeredEarly += numbers
            return
        }
        giveUp(numbers)
    }

    /// What was answered before it was done, in a simulation of that.
    private func giveUpLate() {
        guard !answeredEarly.isEmpty else { return }
        let late = answeredEarly.filter { shards[$0] != nil }
        answeredEarly = []
        giveUp(late)
    }

    private func giveUp(_ numbers: [Int32]) {
        health.takenBack(isLost: false)
        publisher.stopRetrying(afterSeconds: options.handOverSeconds)
        defer { publisher.stopRetrying(afterSeconds: nil) }
        do {
            try settle()
            let transaction = gather()
            if !transaction.isEmpty {
                publisher.submit(transaction)
                try settle()
            }
            giveBack(numbers)
            release(numbers, marksSent: true)
        } catch {
            if (error as? LogFailure)?.consequence == .retry {
                // Not repeated for ever while the group waits.
                logger.warning(
                    "what could not be published in time is left to the next owner", metadata: ["error": "\(error)"])
            } else {
                // What went wrong first says what follows.
                failure = failure ?? error
            }
            release(numbers, marksSent: false)
        }
        logger.info("revoked", metadata: ["shards": "\(numbers.sorted())"])
    }

    public func lost(_ numbers: [Int32]) {
        health.takenBack(isLost: true)
        publisher.stopRetrying(true)
        do { try publisher.wait() } catch {
            logger.warning("what was being published is left to the next owner", metadata: ["error": "\(error)"])
        }
        publisher.stopRetrying(false)
        underWay = [:]
        release(numbers, marksSent: false)
        logger.warning("lost", metadata: ["shards": "\(numbers.sorted())"])
    }

    public func withheld(_ shards: [Int32: [Topic]]) {
        for (number, topics) in shards.sorted(by: { $0.key < $1.key }) {
            logger.error(
                "a shard is not taken over: the group gave it to this worker without some of its topics. A member consumes other topics (another version of this program, or a stranger to the group), or partition counts differ; nobody works on it until all members are the same",
                metadata: ["shard": "\(number)", "missing": "\(topics.map(\.name))"])
            metrics.rebalanced("withheld")
        }
    }
}
