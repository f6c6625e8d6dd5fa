import FuldmagtDomain
import FuldmagtRecord
import Logging
import Testing

@testable import FuldmagtWorker

/// A shard goes to a worker that knows less of the catalogue than the last one did, and cannot read it.
@Suite struct OlderCatalogueTests {
    private typealias Cluster = TestCluster

    private func kinds(_ cluster: TestCluster) -> [String: Int] {
        cluster.said(.notifications).reduce(into: [:]) { $0[$1.text("kind") ?? "", default: 0] += 1 }
    }

    @Test("nobody is looked at under an older catalogue than before, and everybody once it can be read")
    func takeOver() throws {
        let cluster = try Cluster(partitions: 1)
        cluster.options.sweepSize = 1
        cluster.defineCatalogue()
        let grantors = (20..<26).map { "61015000\($0)" }
        for grantor in grantors {
            cluster.move(grantor, to: "0101", on: "2026-01-01", id: "home-\(grantor)")
        }
        try cluster.drain()
        for grantor in grantors { cluster.issue(grantor, to: Cluster.bent, ["care"], id: "g-\(grantor)") }
        try cluster.drain()
        // The second has read the catalogue as it is now, and owns nothing yet.
        var options = cluster.options
        options.worker = "late"
        let late = WorkerLoop(
            options: options, log: cluster.broker.member(), surroundings: cluster.surroundings,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try late.start()

        cluster.activate("care", in: "0101", until: "2026-11-23", id: "ends")
        let first = try #require(cluster.loop)
        while kinds(cluster)["grant-dormant"] ?? 0 < 2 { try first.turn() }
        cluster.broker.failCatalogue(LogFailure(.retry, "no leader"))
        let clock = cluster.clock
        cluster.onPause.withLock { $0.act = { clock.nanoseconds.withLock { $0 += 1_000_000_000 } } }
        try cluster.stop()
        for _ in 0..<20 { try late.turn() }
        #expect(late.ownedShards == [0])
        // Nor is whose file is handed over meanwhile.
        let sleeper = try #require(
            cluster.said(.notifications).first {
                $0.text("kind") == "grant-dormant" && grantors.contains($0.text("recipient.cpr") ?? "")
            }?.text("recipient.cpr"))
        cluster.renumber(sleeper, to: "6101500099", id: "n")
        for _ in 0..<20 { try late.turn() }
        #expect(cluster.answer("n") == "accepted")
        #expect(kinds(cluster)["grant-awake"] == nil)

        cluster.broker.failCatalogue(nil)
        cluster.clock.advance(seconds: 61)
        for _ in 0..<60 { try late.turn() }
        #expect(cluster.broker.lag == 0)
        // Its grantor and its representative, of each grant.
        #expect(kinds(cluster)["grant-dormant"] == 12)
        #expect(kinds(cluster)["grant-awake"] == nil)
        try late.finish()
        #expect(try cluster.check() == [])
    }

    /// Lets its member be let go while it gives shards back.
    private final class Listener: AssignmentListener {
        let log: MemoryLog
        init(_ log: MemoryLog) { self.log = log }
        var owned: Set<Int32> = []
        var expiresWhenRevoked = false

        func assigned(_ shards: [Int32]) -> [Int32: [Topic: Int64]] {
            owned.formUnion(shards)
            return [:]
        }

        func revoked(_ shards: [Int32]) {
            owned.subtract(shards)
            if expiresWhenRevoked { log.expire() }
        }

        func lost(_ shards: [Int32]) { owned.subtract(shards) }
    }

    @Test("a member of the log in memory that is let go while it gives shards back gets none")
    func letGo() throws {
        let cluster = try Cluster(partitions: 3)
        let logs = (0..<3).map { _ in cluster.broker.member() }
        let listeners = logs.map(Listener.init)
        func poll(_ at: Int) throws {
            var batches: [Int32: RecordBatch] = [:]
            try logs[at].poll(PollLimits(records: 1, bytes: 1, timeoutMilliseconds: 0), into: &batches)
        }
        for at in 0..<2 { try logs[at].join(listeners[at]) }
        for at in [0, 1, 0, 1] { try poll(at) }
        listeners[0].expiresWhenRevoked = true
        try logs[2].join(listeners[2])
        for _ in 0..<4 { for at in 0..<3 { try poll(at) } }
        #expect(listeners.map(\.owned.count) == [1, 1, 1])
    }
}
