import Foundation
import FuldmagtDomain
import FuldmagtRecord
import FuldmagtStore
import FuldmagtTestKit
import FuldmagtWorker
import Logging

/// A whole cluster, step by step, from one seed: workers of the real code, the log and its group, disks and clocks, struck
/// by faults at named points of their turns. What came of it is compared with what is expected: see `Expectation`.
///
/// 1. The clocks go to the next phase of the workload; what the day brings about is done. Before some phases everybody was
///    away for so long that the group's offsets are forgotten.
/// 2. The phase's records are sent, and then receipts of what was told, bit by bit, some of them twice, while workers take
///    turns in an order of the seed's.
///    Beside them, at any point of a turn, copies of others' shards are kept up. Between turns the broker compacts
///    changelogs, and forgets deletions a day after it first passed over them.
/// 3. Faults strike at the points that workers reach: see `Fault`. Who stands still in the middle of a turn goes on in the
///    middle of another's: see `PausableTurn`.
/// 4. Once all is sent it must come to rest, and everything said so far must be what is expected.
/// 5. At the end every worker is stopped, every shard is rebuilt from its changelog or from a copy, and the rebuilt one
///    must equal the owner's file, and that what is expected.
///
/// The same seed does the same things in the same order, on every machine.
public final class Simulation: @unchecked Sendable {
    let seed: UInt64
    let world: SmallWorld
    let sabotage: Sabotage?
    let disk: SimulatedDisk
    var directory: String { disk.folder }
    let time = SimulatedTime()
    let broker: MemoryBroker
    var random: SplitMix64
    var trace: Trace
    var witness: Witness
    var expectation: any Expectation
    var workers: [SimulatedWorker] = []
    /// Members that are gone, and rounds until the group lets them go.
    private var expiries: [(log: SimulatedLog, rounds: Int)] = []
    /// A group waits a little for its first members before it hands anything out: those who have not joined yet.
    private var missing: Set<Int> = []
    /// Records of this phase that are not sent yet, each partition's in order.
    private var unsent: [[ModelRecord]] = []
    private var receipts: ReceiptWorkload
    /// Files that were found damaged.
    var damages = 0
    /// Faults still to come, and the point at which the next one strikes.
    var faultsLeft = 0
    var nextFault = 0
    /// Points that workers have reached.
    var points = 0
    /// Moments that have passed: points, pauses and rounds. What stands still goes on when some have passed.
    var moments = 0
    /// Workers that wait, and whose wait others use.
    var depth = 0
    var publishFault: MemoryBroker.PublishFault?
    var catalogueFailures = 0
    /// Drawn from for what befalls changelogs and their readers, so that a seed without copies does the same with and
    /// without it until a shard is rebuilt.
    private var cleaner: SplitMix64
    /// Something may have been parked in this phase, or put off.
    var mayHaveParked = false
    private(set) var restoreChunk = 20_000
    /// How often each fault struck.
    var struck: [Fault: Int] = [:]
    /// What went wrong first.
    private(set) var failure: String?
    let logger: Logger

    /// - Parameters:
    ///   - disk: for the shards; left empty.
    ///   - sabotage: a rule of the worker that is broken on purpose.
    package init(seed: UInt64, disk: SimulatedDisk, sabotage: Sabotage?, keepsTrace: Bool = false) {
        self.seed = seed
        self.disk = disk
        self.sabotage = sabotage
        let world = SmallWorld(seed: seed)
        self.world = world
        random = SplitMix64(seed: SplitMix64.mixed(seed))
        cleaner = SplitMix64(seed: SplitMix64.mixed(~seed))
        trace = Trace(isKept: keepsTrace)
        let time = time
        broker = MemoryBroker(partitions: world.partitions, leavesMarkers: true) { time.log }
        expectation =
            world.crossing.map { CrossingExpectation($0) }
            ?? ModelExpectation(NaiveModel(keys: SmallWorld.keys, settings: world.settings))
        witness = Witness(broker: broker)
        receipts = ReceiptWorkload(seed: seed, keys: SmallWorld.keys, partitions: world.partitions)
        var logger = Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }
        logger.logLevel = .critical
        self.logger = logger
    }

    /// A cluster whose rules are whole.
    public convenience init(seed: UInt64, disk: SimulatedDisk, keepsTrace: Bool = false) {
        self.init(seed: seed, disk: disk, sabotage: nil, keepsTrace: keepsTrace)
    }

    /// Plays it through.
    public func run() -> SimulationResult {
        do {
            try play()
            if failure == nil { try compareAtEnd() }
        } catch {
            fail("the simulation itself failed: \(error)")
        }
        endPausedTurns()
        workers = []
        do { try disk.empty() } catch { fail("the simulation's folders cannot be emptied: \(error)") }
        return SimulationResult(
            seed: seed, failure: failure, trace: trace.lines, fingerprint: trace.fingerprint, events: trace.events,
            records: expectation.decided, faults: Dictionary(uniqueKeysWithValues: struck.map { ($0.rawValue, $1) }))
    }

    func fail(_ text: String) {
        guard failure == nil else { return }
        failure = text
        trace.note(1, "FAILED: \(text)")
    }

    // MARK: The play

    private func play() throws {
        trace.note(
            2,
            "seed \(seed): \(world.workers) workers, \(world.partitions) shards, \(world.sharesFolder ? "one folder" : "a folder each"), batches of \(world.batchRecords), \(world.isPipelined ? "published beside the next turn" : "published at once"), \(world.keepsCopies ? "with copies" : "without copies")"
        )
        if world.renumbers { expectation = try CalmCluster(world, folder: "\(directory)/calm") }
        restoreChunk = random.pick([40, 400, 20_000])
        if random.chance(3, of: 4) { missing = Set(1...world.workers) }
        for number in 1...world.workers {
            let folder = world.sharesFolder ? "\(directory)/shared" : "\(directory)/w\(number)"
            let worker = SimulatedWorker(number: number, folder: folder)
            worker.startsIn = random.below(4)
            try makeFolder(folder)
            workers.append(worker)
        }
        for (number, phase) in world.phases.enumerated() {
            if number > 0, phase.start.day > world.phases[number - 1].start.day, forgetsOffsets(before: number) {
                forgetOffsets()
            }
            trace.note(3, "— phase \(number): \(phase.start), \(phase.records.count) records")
            time.begin(phase.start)
            try expectation.advance(to: phase.start)
            compactChangelogs(oneOf: 2)
            letCopiesAge()
            if number > 0 { planFaults() }
            try comeToRest()
            try send(phase.records)
            guard world.hasReceipts, number > 0, failure == nil else { continue }
            let last = phase.records.last?.timestamp ?? phase.start.milliseconds
            let told = receipts.next(
                1 + random.below(8), of: try expectation.notifications(), hasUnknown: true, after: last)
            guard !told.isEmpty else { continue }
            trace.note(21, "— \(told.count) receipts")
            planFaults()
            try send(told)
        }
    }

    /// Sends records bit by bit while workers take turns, and waits until there is nothing left to do.
    private func send(_ records: [ModelRecord]) throws {
        guard failure == nil else { return }
        queue(records)
        while !unsent.isEmpty, failure == nil {
            sendSome()
            round()
        }
        if failure == nil { try comeToRest() }
    }

    /// Nothing is handed out yet.
    var isGroupForming: Bool { !missing.isEmpty }

    func joined(_ number: Int) { missing.remove(number) }

    /// Drawn apart from all else, so that what a seed does is the same but for this. Only where a day has passed: then every
    /// shard has something to publish, and the group is told of each.
    private func forgetsOffsets(before phase: Int) -> Bool {
        failure == nil && (seed &+ UInt64(phase)).isMultiple(of: 5)
    }

    /// All workers are away for so long that the broker forgets how far the group has come.
    private func forgetOffsets() {
        trace.note(22, "everybody is away, and the group's offsets are forgotten")
        for worker in workers {
            guard let process = worker.process else { continue }
            process.isDead = true
            end(worker, process)
        }
        for (log, _) in expiries { log.expire() }
        expiries = []
        broker.forgetOffsets()
    }

    /// The broker compacts one of so many changelogs.
    private func compactChangelogs(oneOf count: Int) {
        for shard in 0..<world.partitions where cleaner.chance(1, of: count) {
            let removed = broker.compactChangelog(partition: shard)
            if removed > 0 { trace.note(23, "the changelog of shard \(shard) is compacted: \(removed) records less") }
        }
    }

    /// A worker may be unable to read changelogs for days.
    private func letCopiesAge() {
        for worker in workers {
            worker.idlePhases = max(0, worker.idlePhases - 1)
            guard world.keepsCopies, worker.idlePhases == 0, cleaner.chance(1, of: 4) else { continue }
            worker.idlePhases = 1 + cleaner.below(4)
            trace.note(24, "\(worker.name)'s copies are not kept up")
        }
    }

    private func planFaults() {
        faultsLeft += random.below(4)
        nextFault = points + 1 + random.below(60)
    }

    private func queue(_ records: [ModelRecord]) {
        var queues: [[ModelRecord]] = []
        var places: [Int: Int] = [:]
        for record in records {
            expectation.take(record)
            let partition =
                record.topic == .catalogue
                ? 0
                : record.partition
                    ?? record.key.map { key in
                        key.withUnsafeBytes { Murmur2.partition(of: $0, partitions: world.partitions) }
                    } ?? 0
            let place = Int(record.topic.rawValue) << 8 | Int(partition)
            if let at = places[place] {
                queues[at].append(record)
            } else {
                places[place] = queues.count
                queues.append([record])
            }
        }
        unsent = queues.map { $0.reversed() }
    }

    /// Sends the next records of some partitions: order is kept within one, and nowhere else. A producer that is not sure
    /// sends again.
    func sendSome() {
        guard !unsent.isEmpty else { return }
        for _ in 0...random.below(unsent[0][0].topic == .catalogue ? 60 : 12) {
            guard !unsent.isEmpty else { return }
            let at = random.below(unsent.count)
            guard let record = unsent[at].popLast() else { return }
            if unsent[at].isEmpty { unsent.remove(at: at) }
            send(record)
            if record.topic != .catalogue, random.chance(1, of: 15) {
                trace.note(4, "the producer sends it again")
                expectation.take(record)
                send(record)
            }
        }
    }

    private func send(_ record: ModelRecord) {
        trace.note(
            5,
            "sent to \(record.topic.name): \(record.headers.first { $0.0 == "ce_id" }.map { String(decoding: $0.1, as: UTF8.self) } ?? "-")"
        )
        if record.topic == .catalogue {
            trace.tell(String(decoding: record.key ?? [], as: UTF8.self))
            trace.tell(record.value.map { String(decoding: $0, as: UTF8.self) } ?? "removed")
        }
        if record.topic == .receipts { witness.sentReceipt(record) }
        broker.append(
            topic: record.topic, partition: record.partition, key: record.key, headers: record.headers,
            value: record.value, timestamp: record.timestamp)
    }

    // MARK: Rounds

    /// Each worker takes a turn, or does not, in an order of the seed's.
    /// - Returns: how much was done.
    @discardableResult
    func round(everybody: Bool = false, milliseconds: Int? = nil) -> Int {
        time.advance(milliseconds: milliseconds ?? random.below(400))
        compactChangelogs(oneOf: 24)
        letPausedGoOn()
        for at in expiries.indices.reversed() {
            expiries[at].rounds -= 1
            guard expiries[at].rounds <= 0 else { continue }
            trace.note(6, "the group lets a dead member go")
            expiries.remove(at: at).log.expire()
        }
        var done = expiries.count
        for worker in random.shuffled(workers) where everybody || random.chance(3, of: 4) { done += step(worker) }
        return done
    }

    /// Lets workers take turns, and faults strike that are left, until nothing is to be done any more.
    private func comeToRest() throws {
        var quiet = 0
        var rounds = 0
        while quiet < 3, failure == nil {
            rounds += 1
            if rounds > 500 {
                fail(
                    "it does not come to rest: \(broker.lag) records are left, by topic \(Topic.consumed.map { broker.lag($0) })"
                )
                return
            }
            // Clocks are set right, so that everybody knows what day it is.
            if rounds > 4 { for worker in workers { worker.skew = 0 } }
            // Who could not read the catalogue tries again after five seconds, and looks at what waits after ten or sixty.
            let pause = mayHaveParked ? (rounds % 8 == 0 ? 61_000 : 5_100) : 600
            let done = round(everybody: true, milliseconds: pause)
            let isQuiet =
                done == 0 && broker.lag == 0 && catalogueFailures == 0 && rounds > 4 && (!mayHaveParked || rounds > 20)
                && workers.allSatisfy { $0.process != nil && !$0.isBusy } && isSharedOut
            quiet = isQuiet ? quiet + 1 : 0
        }
        mayHaveParked = false
        trace.note(7, "at rest after \(rounds) rounds")
        let differences = try witness.compare(with: &expectation)
        if let first = differences.first { fail(first) }
        for difference in differences.dropFirst() { trace.tell(difference) }
    }

    /// No shard is on its way from hand to hand.
    private var isSharedOut: Bool {
        Set(workers.flatMap { $0.process?.loop?.ownedShards ?? [] }).count == Int(world.partitions)
    }

    private func step(_ worker: SimulatedWorker) -> Int {
        guard !worker.isBusy, failure == nil else { return 0 }
        followChangelogs(worker)
        guard let process = worker.process, let loop = process.loop else {
            worker.startsIn -= 1
            if worker.startsIn <= 0 { start(worker) }
            return 1
        }
        worker.isBusy = true
        guard mayStandStill else {
            defer { worker.isBusy = false }
            return takeTurn(of: worker, process, loop)
        }
        let turn = PausableTurn()
        worker.turn = turn
        var done = 1
        turn.begin {
            done = self.takeTurn(of: worker, process, loop)
            worker.isBusy = false
            worker.turn = nil
        }
        return done
    }

    private func takeTurn(of worker: SimulatedWorker, _ process: SimulatedProcess, _ loop: WorkerLoop) -> Int {
        do {
            guard process.isToStop else { return try loop.turnOrJoinAgain() }
            try loop.finish()
            trace.note(8, "\(worker.name) has stopped")
            end(worker, process)
        } catch {
            ended(worker, process, error)
        }
        return 1
    }

    private func start(_ worker: SimulatedWorker) {
        let log = SimulatedLog(broker.member(), of: worker.number, in: self)
        let process = SimulatedProcess(log: log)
        worker.process = process
        trace.note(9, "\(worker.name) starts")
        let options = options(worker, process)
        let surroundings = surroundings(worker)
        let health = WorkerHealth(surroundings: surroundings)
        if world.keepsCopies {
            process.standby = Standby(
                options: options, source: log, surroundings: surroundings, health: health, logger: logger)
        }
        process.loop = WorkerLoop(
            options: options, log: log, surroundings: surroundings, logger: logger, health: health,
            standby: process.standby)
    }

    /// The process is gone: by a fault, or for a reason that must be one.
    private func ended(_ worker: SimulatedWorker, _ process: SimulatedProcess, _ error: any Error) {
        if process.isDead {
            trace.note(10, "\(worker.name) is dead")
        } else {
            trace.note(11, "\(worker.name) stops: \(error)")
            if !process.mayStop, !Self.isTemporary(error) { fail("\(worker.name) stopped: \(error)") }
        }
        end(worker, process)
        guard process.losesDisk else { return }
        do { try loseDisk(of: worker) } catch { fail("a disk could not be lost: \(error)") }
    }

    private func end(_ worker: SimulatedWorker, _ process: SimulatedProcess) {
        if !process.isDead { process.standby?.stop() }
        process.isDead = true
        process.log.cut()
        process.loop = nil
        process.standby = nil
        worker.process = nil
        worker.startsIn = 1 + random.below(8)
        expiries.append((process.log, 1 + random.below(6)))
    }

    /// Its supervisor starts it again: a disk that is busy or failing while a shard is opened, or a shard that went to
    /// somebody else while it was being stopped.
    private static func isTemporary(_ error: any Error) -> Bool {
        switch error {
        case let error as StoreError: error.consequence != .fatal
        case let error as LogFailure: error.consequence != .fatal
        default: false
        }
    }
}
