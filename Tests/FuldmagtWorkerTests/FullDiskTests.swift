import FuldmagtOperations
import GRDB
import Synchronization
import Testing

@testable import FuldmagtStore
@testable import FuldmagtWorker

/// A worker whose disk is full goes on by itself once there is room.
@Suite struct FullDiskTests {
    private struct Unchecked<Value>: @unchecked Sendable { let value: Value }

    @Test("a turn that finds the disk full is repeated, unready and alive, until there is room; nothing is done twice")
    func full() throws {
        let cluster = try TestCluster(partitions: 1)
        cluster.defineCatalogue()
        try cluster.drain()
        let store = Unchecked(value: try #require(cluster.loop?.shards[0]?.store))
        // No page more than there are now: what SQLite is told by a full disk.
        try store.value.queue.inDatabase { db in
            let pages = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
            _ = try Int.fetchOne(db, sql: "PRAGMA max_page_count = \(pages)")
        }
        let probes = OperationsAnswers(health: cluster.health, metrics: cluster.metrics, liveSeconds: 60)
        let clock = cluster.clock
        let seen = Mutex<[HTTPAnswer]>([])
        cluster.onPause.withLock {
            $0.act = {
                clock.advance(seconds: 7)
                let attempts = seen.withLock {
                    $0.append(probes.answer(method: "GET", path: "/readyz"))
                    $0.append(probes.answer(method: "GET", path: "/livez"))
                    return $0.count / 2
                }
                guard attempts == 3 else { return }
                do {
                    _ = try store.value.queue.inDatabase {
                        try Int.fetchOne($0, sql: "PRAGMA max_page_count = 1000000")
                    }
                } catch {
                    Issue.record(error)
                }
            }
        }
        for number in 100..<400 {
            cluster.issue("6101500\(number)", to: TestCluster.bent, ["tax"], id: "g\(number)")
        }
        try cluster.drain()
        let probed = seen.withLock { $0 }
        #expect(probed.map(\.status) == [503, 200, 503, 200, 503, 200])
        #expect(probed.first?.body.contains("the file of shard 0 has failed") == true)
        #expect(probes.answer(method: "GET", path: "/readyz").status == 200)
        for number in 100..<400 { #expect(cluster.answer("g\(number)") == "accepted") }
        #expect(cluster.notifications(to: TestCluster.bent).count == 300)
        try cluster.stop()
        #expect(try cluster.check() == [])
    }
}
