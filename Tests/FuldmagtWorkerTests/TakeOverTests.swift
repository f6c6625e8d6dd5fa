import Foundation
import FuldmagtDomain
import FuldmagtOperations
import FuldmagtRecord
import FuldmagtStore
import GRDB
import Logging
import Synchronization
import Testing

@testable import FuldmagtWorker

/// A worker that is given shards while its disk or its log do not answer, and one that must give them up then.
@Suite struct TakeOverTests {
    private let anna = TestCluster.anna
    private let bent = TestCluster.bent

    /// A log that cannot be joined, or asked for offsets, for a while.
    private final class FailingLog: RecordLog, @unchecked Sendable {
        private let log: MemoryLog
        private let failures: Mutex<[LogFailure]>

        init(_ log: MemoryLog, failures: [LogFailure]) {
            self.log = log
            self.failures = Mutex(failures)
        }

        func join(_ listener: any AssignmentListener) throws(LogFailure) {
            if let failure = failures.withLock({ $0.popLast() }) { throw failure }
            try log.join(listener)
        }

        func poll(_ limits: PollLimits, into batches: inout [Int32: RecordBatch]) throws(LogFailure) {
            try log.poll(limits, into: &batches)
        }

        func committed(shard: Int32) throws(LogFailure) -> Committed { try log.committed(shard: shard) }

        func readChangelog(
            shard: Int32, from position: Int64, into batch: inout RecordBatch, limit: Int
        ) throws(LogFailure) -> ChangelogProgress {
            try log.readChangelog(shard: shard, from: position, into: &batch, limit: limit)
        }

        func publish(_ transaction: LogTransaction) throws(LogFailure) { try log.publish(transaction) }

        func readCatalogue(into batch: inout RecordBatch, limit: Int) throws(LogFailure) -> Bool {
            try log.readCatalogue(into: &batch, limit: limit)
        }

        func rewindCatalogue() throws(LogFailure) { try log.rewindCatalogue() }

        func remaining(shard: Int32, from positions: [Topic: Int64]) -> [Topic: Int64] {
            log.remaining(shard: shard, from: positions)
        }

        func leave() throws(LogFailure) { try log.leave() }
    }

    private func answers(_ cluster: TestCluster) -> OperationsAnswers {
        OperationsAnswers(health: cluster.health, metrics: cluster.metrics, liveSeconds: 60)
    }

    /// Another process in the middle of a transaction on a shard's file.
    private func lock(_ cluster: TestCluster, shard: Int32) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        let queue = try DatabaseQueue(
            path: "\(cluster.directory)/\(ShardStore.fileName(of: shard))", configuration: configuration)
        try queue.inDatabase { try $0.execute(sql: "BEGIN IMMEDIATE") }
        return queue
    }

    @Test("a file that the owner before holds locked is opened again and again: unready, alive, and then at work")
    func lockedFile() throws {
        let cluster = try TestCluster(partitions: 1)
        cluster.defineCatalogue()
        try cluster.drain()
        try cluster.stop()
        let owner = try lock(cluster, shard: 0)
        let probes = answers(cluster)
        let seen = Mutex<[HTTPAnswer]>([])
        cluster.onPause.withLock {
            $0.act = {
                seen.withLock {
                    $0.append(probes.answer(method: "GET", path: "/readyz"))
                    $0.append(probes.answer(method: "GET", path: "/livez"))
                }
                do { try owner.inDatabase { try $0.execute(sql: "ROLLBACK") } } catch { Issue.record(error) }
            }
        }
        cluster.issue(anna, to: bent, ["tax"], id: "g")
        try cluster.drain()
        #expect(cluster.answer("g") == "accepted")
        let probed = seen.withLock { $0 }
        #expect(probed.map(\.status) == [503, 200])
        #expect(probed.first?.body.contains("failing-store") == true)
        #expect(probes.answer(method: "GET", path: "/readyz").status == 200)
    }

    @Test("a file that stays locked costs the worker its place in the group, not its life")
    func lockedTooLong() throws {
        let cluster = try TestCluster(partitions: 1)
        cluster.options.takeOverSeconds = 0
        cluster.defineCatalogue()
        try cluster.drain()
        try cluster.stop()
        let owner = try lock(cluster, shard: 0)
        let loop = WorkerLoop(
            options: cluster.options, log: cluster.broker.member(), surroundings: cluster.surroundings,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        #expect(try loop.turnOrJoinAgain() == 0)
        try owner.inDatabase { try $0.execute(sql: "ROLLBACK") }
        cluster.issue(anna, to: bent, ["tax"], id: "g")
        while try loop.turnOrJoinAgain() > 0 || cluster.broker.lag > 0 {}
        #expect(cluster.answer("g") == "accepted")
    }

    @Test("a group that cannot be joined yet is asked again")
    func joining() throws {
        let cluster = try TestCluster()
        let pauses = Mutex(0)
        cluster.onPause.withLock { $0.act = { pauses.withLock { $0 += 1 } } }
        let log = FailingLog(
            cluster.broker.member(),
            failures: [LogFailure(.retry, "no coordinator yet"), LogFailure(.retry, "the broker is away")])
        let worker = WorkerLoop(
            options: cluster.options, log: log, surroundings: cluster.surroundings,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        cluster.defineCatalogue()
        cluster.issue(anna, to: bent, ["tax"], id: "g")
        while try worker.turnOrJoinAgain() > 0 || cluster.broker.lag > 0 {}
        #expect(cluster.answer("g") == "accepted")
        #expect(pauses.withLock { $0 } == 2)
        try worker.finish()
    }

    @Test("shards are given up unpublished when the log does not answer in time, and the next owner publishes, once")
    func handOver() throws {
        let cluster = try TestCluster()
        cluster.options.handOverSeconds = 20
        cluster.defineCatalogue()
        try cluster.drain()
        // Begun anew, so that nothing is under way when the log falls silent.
        try cluster.stop()
        cluster.options.isPipelined = true
        try cluster.start()
        let away = LogFailure(.retry, "the broker is away")
        let clock = cluster.clock
        let broker = cluster.broker
        let attempts = Mutex(0)
        cluster.onPause.withLock {
            $0.act = {
                clock.nanoseconds.withLock { $0 += 1_000_000_000 }
                // Not for ever, or a worker that waits for ever could not be told from one that is slow.
                if attempts.withLock({
                    $0 += 1
                    return $0 < 100_000
                }) {
                    broker.fail(.refused(away))
                }
            }
        }
        cluster.issue(anna, to: bent, ["tax"], id: "g")
        broker.fail(.refused(away))
        let loop = try #require(cluster.loop)
        while try loop.turn() == 0 {}
        try loop.finish()
        #expect(cluster.outcomes(of: "g").isEmpty)
        #expect(attempts.withLock { $0 } < 100_000)
        cluster.loop = nil
        cluster.onPause.withLock { $0.act = {} }
        broker.fail(nil)
        try cluster.drain()
        #expect(cluster.answer("g") == "accepted")
        #expect(cluster.notifications(to: bent) == ["grant-received digital-post"])
    }

    @Test("records that were deleted before they were read stop the worker, unless going on without them is asked for")
    func gap() throws {
        let cluster = try TestCluster()
        cluster.defineCatalogue()
        cluster.issue(anna, to: bent, ["tax"], id: "g")
        try cluster.drain()
        try cluster.stop()
        cluster.revoke(anna, from: bent, ["tax"], id: "r")
        cluster.broker.deleteRecords(of: .grantCommands)
        let stop = #expect(throws: WorkerStop.self) { try cluster.drain() }
        #expect(stop?.kind == .gap)
        #expect(stop?.text.contains("fuldmagt.commands.grant was read to 1 and begins at 2 now") == true)
        #expect(stop?.text.contains("FULDMAGT_ACCEPT_GAP=1") == true)
        cluster.abandon()
        cluster.options.acceptsGap = true
        cluster.issue(anna, to: TestCluster.carl, ["tax"], id: "h")
        try cluster.drain()
        #expect(cluster.answer("h") == "accepted")
        #expect(cluster.outcomes(of: "r").isEmpty)
    }

    @Test("a topic that was made anew stops the worker also once it is longer than the old one was")
    func remade() throws {
        let cluster = try TestCluster(partitions: 1)
        cluster.defineCatalogue()
        cluster.move(anna, to: "0101", on: "2026-11-01", id: "m")
        cluster.issue(anna, to: bent, ["tax"], id: "g")
        try cluster.drain()
        try cluster.stop()
        cluster.broker.remake(.grantCommands)
        cluster.revoke(anna, from: bent, ["tax"], id: "r")
        cluster.issue(anna, to: TestCluster.carl, ["tax"], id: "h")
        let stop = #expect(throws: WorkerStop.self) { try cluster.drain() }
        #expect(stop?.kind == .gap)
        #expect(stop?.text.contains("fuldmagt.commands.grant was read to 1, and the group has no offset") == true)
        cluster.abandon()
        cluster.options.acceptsGap = true
        try cluster.drain()
        #expect(cluster.answer("r") == "accepted")
        #expect(cluster.answer("h") == "accepted")
        try cluster.stop()
        cluster.options.acceptsGap = false
        cluster.issue(bent, to: anna, ["tax"], id: "after")
        try cluster.drain()
        #expect(cluster.answer("after") == "accepted")
    }

    @Test(
        "a group that has forgotten all topics knows them all again after the next publication, with a changelog or without",
        arguments: [true, false])
    func toldAgain(hasChangelog: Bool) throws {
        let cluster = try TestCluster(partitions: 1)
        cluster.options.recordsChanges = hasChangelog
        cluster.defineCatalogue()
        cluster.move(anna, to: "0101", on: "2026-11-01", id: "m")
        cluster.issue(anna, to: bent, ["tax"], id: "g")
        try cluster.drain()
        try cluster.stop()
        cluster.broker.forgetOffsets()
        for id in ["h", "i"] {
            cluster.issue(bent, to: id == "h" ? anna : TestCluster.carl, ["tax"], id: id)
            try cluster.drain()
            #expect(cluster.answer(id) == "accepted")
            try cluster.stop()
        }
    }

    @Test("a new shard begins with what there is: nothing was read of it that could be missed")
    func newShard() throws {
        let cluster = try TestCluster()
        cluster.defineCatalogue()
        cluster.issue(anna, to: bent, ["tax"], id: "before")
        cluster.broker.deleteRecords(of: .grantCommands)
        cluster.issue(anna, to: bent, ["tax"], id: "g")
        try cluster.drain()
        #expect(cluster.answer("g") == "accepted")
        #expect(cluster.outcomes(of: "before").isEmpty)
    }
}
