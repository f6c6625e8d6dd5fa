import Foundation
import FuldmagtDomain
import FuldmagtStore
import Testing

@testable import FuldmagtWorker

@Suite struct ExactlyOnceTests {
    private func begin(_ change: (inout WorkerOptions) -> Void = { _ in }) throws -> TestCluster {
        let cluster = try TestCluster()
        change(&cluster.options)
        cluster.defineCatalogue()
        try cluster.drain()
        return cluster
    }

    private func expectOnce(_ cluster: TestCluster) throws {
        #expect(cluster.answer("g1") == "accepted")
        #expect(cluster.notifications(to: TestCluster.anna) == ["grant-given digital-post"])
        #expect(cluster.notifications(to: TestCluster.bent) == ["grant-received digital-post"])
        #expect(try cluster.check() == [])
    }

    @Test("a publication that was refused is made again")
    func refused() throws {
        let cluster = try begin()
        cluster.issue(TestCluster.anna, to: TestCluster.bent, ["tax"], id: "g1")
        cluster.broker.fail(.refused(LogFailure(.retry, "not now")))
        try cluster.drain()
        try expectOnce(cluster)
    }

    @Test("stored and not published: the next owner publishes it first")
    func storedNotPublished() throws {
        let cluster = try begin()
        cluster.issue(TestCluster.anna, to: TestCluster.bent, ["tax"], id: "g1")
        cluster.broker.fail(.refused(LogFailure(.fatal, "the process dies here")))
        #expect(throws: LogFailure.self) { try cluster.drain() }
        cluster.abandon()
        try cluster.drain()
        try expectOnce(cluster)
    }

    @Test("published and not known to be: the next owner sees it by the committed offsets and does not repeat it")
    func publishedNotKnown() throws {
        let cluster = try begin()
        cluster.issue(TestCluster.anna, to: TestCluster.bent, ["tax"], id: "g1")
        cluster.broker.fail(.unknown(LogFailure(.fatal, "the process dies here")))
        #expect(throws: LogFailure.self) { try cluster.drain() }
        cluster.abandon()
        try cluster.drain()
        try expectOnce(cluster)
    }

    @Test("without a changelog, a shard older than what was published stops the worker: it never goes back in time")
    func staleShard() throws {
        let cluster = try begin { $0.recordsChanges = false }
        try cluster.stop()
        for file in try ShardFiles.all(in: cluster.directory) { try FileManager.default.removeItem(atPath: file.path) }
        let error = #expect(throws: WorkerStop.self) { try cluster.drain() }
        #expect(error?.kind == .staleShard)
    }

    @Test("shards change hands between turns of a working member, and nothing is lost or doubled")
    func handOver() throws {
        let cluster = try begin()
        cluster.issue(TestCluster.anna, to: TestCluster.bent, ["tax"], id: "g1")
        cluster.issue(TestCluster.bent, to: TestCluster.carl, ["tax"], id: "h1")
        try cluster.loop?.turn()
        try cluster.drain(members: 3)
        cluster.issue(TestCluster.carl, to: TestCluster.anna, ["tax"], id: "i1")
        try cluster.drain(members: 3)
        for id in ["g1", "h1", "i1"] { #expect(cluster.answer(id) == "accepted") }
        #expect(cluster.said(.notifications).count == 6)
    }

    @Test("a shard that was taken over cannot be written to by its former owner")
    func epoch() throws {
        let cluster = try begin()
        let anna = try CPR(TestCluster.anna, today: TestCluster.start.day)
        // The first worker still believes that it owns the shards.
        let other = try ShardStore(
            shard: TestCluster.keys.identity(of: .person(anna), partitions: 4).shard, keys: TestCluster.keys,
            options: .init(directory: cluster.directory, partitions: 4), owner: "other", today: TestCluster.start.day)
        for number in 0..<20 { cluster.issue(TestCluster.anna, to: TestCluster.bent, ["tax"], id: "g\(number)") }
        cluster.issue(TestCluster.bent, to: TestCluster.carl, ["tax"], id: "h")
        cluster.issue(TestCluster.carl, to: TestCluster.anna, ["tax"], id: "i")
        let error = #expect(throws: StoreError.self) { try cluster.drain() }
        #expect(error?.consequence == .fenced)
        try other.close()
    }
}
