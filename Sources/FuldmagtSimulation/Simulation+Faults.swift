import FuldmagtDomain
import FuldmagtRecord
import FuldmagtStore
import FuldmagtTestKit
import FuldmagtWorker

/// What workers meet: faults at the points that they reach, and the answers of log, disk and clock.
extension Simulation {
    func options(_ worker: SimulatedWorker, _ process: SimulatedProcess) -> WorkerOptions {
        var options = WorkerOptions(
            worker: worker.name, settings: world.settings, keys: SmallWorld.keys, directory: worker.folder)
        options.batchRecords = world.batchRecords
        options.sweepSize = world.sweepSize
        options.isPipelined = world.isPipelined
        options.isDurable = false
        options.cacheBytes = 4 << 20
        // The model never forgets an id.
        options.processedDays = 10_000
        options.hasOneThread = true
        options.sabotage = sabotage
        let number = worker.number
        let folder = worker.folder
        var disk = ShardDisk(
            // Copies outlive their process where they are looked at in the end.
            before: { [unowned self, weak process] step, shard throws(StoreError) in
                guard let process else { return }
                if process.isDead { throw StoreError(.fatal, "the process is dead") }
                if step == .committing, process.findsDamage {
                    process.findsDamage = false
                    self.damages += 1
                    // With as many aside it ends instead.
                    if self.damages > ShardRestore.asideAtMost { process.mayStop = true }
                    self.trace.note(21, "w\(number) finds the file of shard \(shard) damaged")
                    throw .damage(of: shard)
                }
                guard step != .beginning, process.failingTransactions > 0 else { return }
                process.failingTransactions -= 1
                self.trace.note(12, "w\(number)'s disk refuses \(step == .opening ? "a file" : "a transaction")")
                // It may have been the look for receipts, which is made again in a minute.
                if self.world.hasReceipts { self.mayHaveParked = true }
                throw StoreError(.retry, "the disk is full")
            },
            tookOver: { [unowned self] takeover in
                self.trace.note(13, "w\(number) takes shard \(takeover.shard) over, epoch \(takeover.epoch)")
                if let broken = self.witness.tookOver(takeover, in: folder) { self.fail(broken) }
                self.hurryPaused(after: number)
            })
        if world.keepsFiles { disk.files = self.disk.files }
        disk.checksEpoch = sabotage != .epochUnchecked
        options.disk = disk
        return options
    }

    func surroundings(_ worker: SimulatedWorker) -> Surroundings {
        let time = time
        let number = worker.number
        let held = Held(worker: worker)
        return Surroundings(
            now: { time.wall(skew: held.worker.skew) }, nanoseconds: { time.nanoseconds() },
            pause: { [unowned self] in self.paused(held.worker, milliseconds: $0) },
            reached: { [unowned self] in self.reached($0, by: number) })
    }

    private struct Held: @unchecked Sendable { let worker: SimulatedWorker }

    private func paused(_ worker: SimulatedWorker, milliseconds: Int) {
        time.advance(milliseconds: milliseconds)
        trace.note(14, "\(worker.name) waits \(milliseconds) ms")
        followChangelogs(worker)
        guard worker.turn == nil else { return standStill(worker, moments: 1 + random.below(6)) }
        if depth == 0, random.chance(1, of: 3) { letOthersWork() }
        letPausedGoOn()
    }

    private func letOthersWork() {
        depth += 1
        defer { depth -= 1 }
        sendSome()
        round()
    }

    /// Copies are kept up on a thread of their own: at any point of a turn they may come a step further, or not.
    func followChangelogs(_ worker: SimulatedWorker) {
        guard let process = worker.process, !process.isDead, let standby = process.standby, random.chance(1, of: 2),
            worker.idlePhases == 0
        else { return }
        _ = standby.step()
    }

    // MARK: Standing still

    /// A fault may strike in the turn that begins, and have it stand still in the middle.
    var mayStandStill: Bool { faultsLeft > 0 && points + 40 >= nextFault }

    /// On the worker's own thread: the others go on meanwhile.
    private func standStill(_ worker: SimulatedWorker, moments count: Int) {
        guard let turn = worker.turn, failure == nil else { return }
        worker.goesOnAt = moments + count
        worker.isPaused = true
        turn.pause()
    }

    /// A moment passes. Who has stood still long enough goes on, wherever in their turns the others are.
    func letPausedGoOn() {
        moments += 1
        for worker in workers where worker.isPaused && (worker.goesOnAt <= moments || failure != nil) {
            worker.isPaused = false
            trace.note(15, "\(worker.name) goes on")
            worker.turn?.goOn()
        }
    }

    /// Shards have gone from hand to hand: most of those who had stood still are back before the new owner has done much.
    private func hurryPaused(after owner: Int) {
        for worker in workers where worker.isPaused && worker.number != owner && random.chance(3, of: 4) {
            worker.goesOnAt = min(worker.goesOnAt, moments + 1 + random.below(6))
        }
    }

    /// Nothing stands still for ever.
    func endPausedTurns() {
        while let worker = workers.first(where: \.isPaused) {
            worker.process?.isDead = true
            worker.process?.log.cut()
            letPausedGoOn()
        }
    }

    // MARK: Faults

    /// A worker is at a named point of its turn: where faults strike.
    func reached(_ point: Milestone, by number: Int) {
        let worker = workers[number - 1]
        guard let process = worker.process, !process.isDead, failure == nil else { return }
        points += 1
        // What was polled is told already, where it was anything.
        trace.note(100 + number, point == .polled ? "" : "\(worker.name) \(point.rawValue)")
        letPausedGoOn()
        followChangelogs(worker)
        guard faultsLeft > 0, points >= nextFault else { return }
        faultsLeft -= 1
        nextFault = points + 1 + random.below(60)
        var fault = Fault.draw(&random)
        if worker.turn == nil, fault == .stale || fault == .slow { fault = .crash }
        struck[fault, default: 0] += 1
        trace.note(200, "* \(fault.rawValue) strikes \(worker.name)")
        strike(worker, process, fault)
    }

    private func strike(_ worker: SimulatedWorker, _ process: SimulatedProcess, _ fault: Fault) {
        switch fault {
        case .crash, .lostDisk:
            process.isDead = true
            process.log.cut()
            process.losesDisk = fault == .lostDisk
        case .stale:
            process.log.expire()
            standStill(worker, moments: 10 + random.below(120))
        case .slow: standStill(worker, moments: 1 + random.below(30))
        case .expired: process.log.expire()
        case .stop: process.isToStop = true
        case .refusedCommit:
            publishFault = .refused(LogFailure(random.pick([.retry, .retry, .fenced, .fatal]), "not written"))
        case .unknownCommit:
            publishFault = .unknown(LogFailure(random.pick([.fenced, .fatal]), "written, and not known to be"))
        case .silentLog: process.log.silentCalls = 1 + random.below(6)
        case .failingDisk: process.failingTransactions = 1 + random.below(4)
        case .damagedFile: process.findsDamage = true
        case .catalogueBehind:
            catalogueFailures = 1 + random.below(30)
            mayHaveParked = true
        case .clockJump: worker.skew += Int64(random.below(7_200_000)) - 3_600_000
        }
    }

    /// What was to strike and found nobody in its way strikes no more.
    func endFaults() {
        faultsLeft = 0
        publishFault = nil
        for process in workers.compactMap(\.process) {
            process.failingTransactions = 0
            process.findsDamage = false
            process.log.silentCalls = 0
        }
    }

    // MARK: What the log asks

    func takePublishFault(of number: Int) -> MemoryBroker.PublishFault? {
        guard let fault = publishFault else { return nil }
        publishFault = nil
        switch fault {
        case .refused(let failure), .unknown(let failure):
            trace.note(16, "w\(number)'s publication fails: \(failure.consequence.rawValue), \(failure)")
            if failure.consequence == .fatal { workers[number - 1].process?.mayStop = true }
        }
        return fault
    }

    func polled(_ batches: [Int32: RecordBatch], by number: Int) {
        let count = batches.values.reduce(0) { $0 + $1.count }
        guard count > 0 else { return }
        trace.note(
            400 + count,
            "w\(number) polls \(batches.filter { $1.count > 0 }.sorted { $0.key < $1.key }.map { "shard \($0): \(Self.text($1))" }.joined(separator: "; "))"
        )
    }

    /// What is said, but for the changelog's rows.
    private func tell(_ frame: Frame) {
        do {
            try frame.forEach { record in
                guard let topic = Topic(rawValue: record.topic), topic != .changelog else { return }
                let value = record.value.map { String(decoding: $0, as: UTF8.self) } ?? "nothing"
                trace.tell("\(topic.name) \(record.partition.map(String.init) ?? "by key"): \(value.prefix(400))")
            }
        } catch {
            fail("a frame is damaged: \(error)")
        }
    }

    private static func text(_ offsets: [Int32: [Topic: Int64]]) -> String {
        guard !offsets.isEmpty else { return "no offsets" }
        return offsets.sorted { $0.key < $1.key }.map { shard, offsets in
            let topics = offsets.sorted { $0.key.rawValue < $1.key.rawValue }
            return "shard \(shard) to \(topics.map { "\($0.key.name) \($0.value)" }.joined(separator: ", "))"
        }.joined(separator: "; ")
    }

    /// Offsets by topic.
    private static func text(_ batch: RecordBatch) -> String {
        batch.withRecords { records in
            Dictionary(grouping: records, by: \.topic).sorted { $0.key < $1.key }.map { topic, records in
                "\(Topic(rawValue: topic).map(\.name) ?? "?") \(records.map(\.offset))"
            }.joined(separator: ", ")
        }
    }

    func isCatalogueSilent() -> Bool {
        guard catalogueFailures > 0 else { return false }
        catalogueFailures -= 1
        return true
    }

    func published(_ transaction: LogTransaction, by number: Int) {
        trace.note(
            300 + transaction.frames.count,
            "w\(number) publishes \(transaction.frames.map(\.count)) records, \(Self.text(transaction.offsets))")
        if trace.isKept { for frame in transaction.frames { tell(frame) } }
        if let broken = witness.published(transaction) { fail(broken) }
    }

    func notPublished(by number: Int, _ failure: LogFailure) {
        trace.note(17, "w\(number) may not publish: \(failure)")
    }
}
