import Foundation
import FuldmagtDomain
import FuldmagtStore
import Testing

@testable import FuldmagtWorker

/// A group whose offsets are forgotten, as happens to one that nobody belongs to for long: the changelog knows them too.
@Suite struct LostOffsetsTests {
    private let anna = TestCluster.anna
    private let bent = TestCluster.bent
    private let carl = TestCluster.carl

    private func lived() throws -> TestCluster {
        let cluster = try TestCluster()
        cluster.defineCatalogue()
        cluster.issue(anna, to: bent, ["tax"], id: "g")
        cluster.issue(bent, to: carl, ["tax"], id: "h")
        try cluster.drain()
        return cluster
    }

    private func deleteFiles(_ cluster: TestCluster) throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: cluster.directory) {
            try FileManager.default.removeItem(atPath: "\(cluster.directory)/\(name)")
        }
    }

    private func expectOnce(_ cluster: TestCluster, _ ids: [String]) throws {
        for id in ids { #expect(cluster.answer(id) == "accepted", "\(id)") }
        #expect(cluster.said(.outcomes).filter { $0.text("status") == "duplicate" }.isEmpty)
        #expect(cluster.notifications(to: bent).count { $0.hasPrefix("grant-received") } == 1)
        try cluster.stop()
        #expect(try cluster.check() == [])
    }

    @Test("files and offsets are lost: the shards are rebuilt and go on where they were")
    func bothLost() throws {
        let cluster = try lived()
        try cluster.stop()
        try deleteFiles(cluster)
        cluster.broker.forgetOffsets()
        cluster.issue(anna, to: carl, ["tax"], id: "after")
        try cluster.start()
        while cluster.outcomes(of: "after").isEmpty { try cluster.loop?.turn() }
        for _ in 0..<20 { try cluster.loop?.turn() }
        try expectOnce(cluster, ["g", "h", "after"])
    }

    @Test("the files are there and the offsets lost: what was published is not published again")
    func filesKept() throws {
        let cluster = try lived()
        // Its outputs are out, and the file does not know: the worker died before it was told.
        cluster.issue(anna, to: carl, ["tax"], id: "last")
        cluster.broker.fail(.unknown(LogFailure(.fatal, "the connection is lost")))
        #expect(throws: LogFailure.self) { try cluster.drain() }
        cluster.abandon()
        #expect(cluster.answer("last") == "accepted")
        cluster.broker.forgetOffsets()
        cluster.issue(bent, to: anna, ["tax"], id: "after")
        try cluster.start()
        while cluster.outcomes(of: "after").isEmpty { try cluster.loop?.turn() }
        for _ in 0..<20 { try cluster.loop?.turn() }
        try expectOnce(cluster, ["g", "h", "last", "after"])
    }

    @Test("a worker that dies before its first publication publishes what it stored")
    func firstFrame() throws {
        let cluster = try TestCluster(partitions: 1)
        cluster.defineCatalogue()
        cluster.issue(anna, to: bent, ["tax"], id: "g")
        cluster.broker.fail(.refused(LogFailure(.fatal, "the machine is cut off")))
        #expect(throws: LogFailure.self) { try cluster.drain() }
        cluster.abandon()
        try cluster.drain()
        #expect(cluster.answer("g") == "accepted")
        #expect(cluster.notifications(to: bent) == ["grant-received digital-post"])
    }

    @Test("without a changelog nobody knows whether the last frames are out: the worker stops and says what to do")
    func noChangelog() throws {
        let cluster = try TestCluster(partitions: 1)
        cluster.options.recordsChanges = false
        cluster.defineCatalogue()
        cluster.issue(anna, to: bent, ["tax"], id: "g")
        cluster.broker.fail(.unknown(LogFailure(.fatal, "the connection is lost")))
        #expect(throws: LogFailure.self) { try cluster.drain() }
        cluster.abandon()
        cluster.broker.forgetOffsets()
        let stop = #expect(throws: WorkerStop.self) { try cluster.drain() }
        #expect(stop?.kind == .staleShard)
        #expect(stop?.text.contains("--reset-offsets") == true)
        #expect(stop?.text.contains("fuldmagt.commands.grant 1") == true)
    }

    @Test("a changelog that was off for a while does not reach the file: nothing is rebuilt, and the file stays")
    func changelogBehind() throws {
        let cluster = try lived()
        try cluster.stop()
        cluster.options.recordsChanges = false
        cluster.issue(anna, to: carl, ["tax"], id: "unrecorded")
        try cluster.drain()
        try cluster.stop()
        let dump = try cluster.dump()
        cluster.options.recordsChanges = true
        cluster.broker.forgetOffsets()
        let stop = #expect(throws: WorkerStop.self) { try cluster.drain() }
        #expect(stop?.kind == .staleShard)
        #expect(stop?.text.contains("FULDMAGT_CHANGELOG=0") == true)
        cluster.abandon()
        #expect(try cluster.dump() == dump)
    }

    @Test(
        "a changelog that was off for a while and on again has a hole: the file goes on, and is never rebuilt from it")
    func changelogHole() throws {
        let cluster = try lived()
        try cluster.stop()
        cluster.options.recordsChanges = false
        cluster.revoke(anna, from: bent, ["tax"], id: "unrecorded")
        try cluster.drain()
        try cluster.stop()
        cluster.options.recordsChanges = true
        cluster.issue(anna, to: carl, ["tax"], id: "after")
        cluster.issue(bent, to: anna, ["tax"], id: "beside")
        try cluster.drain()
        #expect(cluster.answer("after") == "accepted")
        try cluster.stop()
        try deleteFiles(cluster)
        let stop = #expect(throws: WorkerStop.self) { try cluster.drain() }
        #expect(stop?.kind == .staleShard)
        #expect(stop?.text.contains("hole") == true)
    }
}
