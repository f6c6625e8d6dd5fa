import Foundation
import FuldmagtStore
import GRDB
import Logging
import Testing

@testable import FuldmagtWorker

/// Files of shards whose damage shows only in use.
@Suite struct DamagedShardTests {
    private typealias Cluster = TestCluster

    /// Anna has given Bent a grant; the worker has ended.
    private func lived() throws -> TestCluster {
        let cluster = try TestCluster(partitions: 2)
        cluster.defineCatalogue()
        cluster.issue(Cluster.anna, to: Cluster.bent, ["tax"], id: "first")
        cluster.issue(Cluster.bent, to: Cluster.carl, ["tax"], id: "second")
        try cluster.drain()
        try cluster.stop()
        return cluster
    }

    /// Overwrites the page that a table of each shard begins with: the file still opens. Who has it open learns that
    /// somebody wrote to it, and does not go on from what it has in memory.
    private func damage(_ cluster: TestCluster) throws {
        for file in try ShardFiles.all(in: cluster.directory) {
            let queue = try DatabaseQueue(path: file.path)
            let (page, size) = try queue.writeWithoutTransaction { db in
                try db.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE); UPDATE meta SET reviewed_day = reviewed_day")
                return (
                    try Int.fetchOne(db, sql: "SELECT rootpage FROM sqlite_schema WHERE name = 'grants'"),
                    try Int.fetchOne(db, sql: "PRAGMA page_size")
                )
            }
            try queue.close()
            let handle = try FileHandle(forUpdating: URL(fileURLWithPath: file.path))
            try handle.seek(toOffset: UInt64((try #require(page) - 1) * (try #require(size))))
            try handle.write(contentsOf: Data(repeating: 0x41, count: try #require(size)))
            try handle.close()
        }
    }

    private func worker(_ cluster: TestCluster) -> WorkerLoop {
        WorkerLoop(
            options: cluster.options, log: cluster.broker.member(), surroundings: cluster.surroundings,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func work(_ loop: WorkerLoop, _ cluster: TestCluster) throws {
        while try loop.turnOrJoinAgain() > 0 || cluster.broker.lag > 0 {}
    }

    private func setAside(_ cluster: TestCluster) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: cluster.directory).filter { $0.contains(".damaged-") }
    }

    @Test("it is set aside and rebuilt by the same process, and what was being decided is decided once")
    func rebuilt() throws {
        let cluster = try lived()
        try damage(cluster)
        let loop = worker(cluster)
        cluster.issue(Cluster.anna, to: Cluster.carl, ["tax"], id: "third")
        cluster.revoke(Cluster.bent, from: Cluster.carl, ["tax"], id: "revoked")
        try work(loop, cluster)
        for id in ["first", "second", "third", "revoked"] {
            #expect(cluster.outcomes(of: id).count == 1 && cluster.answer(id) == "accepted", "\(id)")
        }
        #expect(
            cluster.notifications(to: Cluster.carl) == [
                "grant-received digital-post", "grant-received digital-post", "cancelled digital-post",
                "grant-revoked digital-post",
            ])
        try loop.finish()
        #expect(try !setAside(cluster).isEmpty)
        for name in try setAside(cluster) {
            try FileManager.default.removeItem(atPath: "\(cluster.directory)/\(name)")
        }
        #expect(try cluster.check() == [])
    }

    @Test("without a changelog nobody can rebuild it: the worker ends, and the file stays where it is")
    func withoutChangelog() throws {
        let cluster = try lived()
        cluster.options.recordsChanges = false
        try damage(cluster)
        cluster.issue(Cluster.anna, to: Cluster.carl, ["tax"], id: "third")
        let loop = worker(cluster)
        let failure = #expect(throws: WorkerStop.self) { try work(loop, cluster) }
        #expect(failure?.description.contains("Put the last good file of the shard there") == true)
        #expect(try setAside(cluster).isEmpty)
    }

    @Test("nor where it does not even open")
    func withoutChangelogAtAll() throws {
        let cluster = try TestCluster(partitions: 1)
        cluster.options.recordsChanges = false
        cluster.issue(Cluster.anna, to: Cluster.bent, ["tax"], id: "first")
        try cluster.drain()
        try cluster.stop()
        let path = "\(cluster.directory)/\(ShardStore.fileName(of: 0))"
        try Data(repeating: 0x41, count: 100_000).write(to: URL(fileURLWithPath: path))
        let loop = worker(cluster)
        let failure = #expect(throws: WorkerStop.self) { try work(loop, cluster) }
        #expect(failure?.description.contains("Put the last good file of the shard there") == true)
        #expect(try setAside(cluster).isEmpty)
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)).count == 100_000)
    }

    @Test("a file that somebody else has put there since is not the damaged one")
    func another() {
        var damage = WorkerLoop.Damage()
        let error = StoreError.damage(of: 3)
        damage.note(DamagedShard(shard: 3, error: error), file: 5)
        #expect(damage.take(2, file: 5) == nil && damage.take(3, file: 6) == nil)
        damage.note(DamagedShard(shard: 3, error: error), file: 5)
        #expect(damage.take(3, file: nil) == nil)
        damage.note(DamagedShard(shard: 3, error: error), file: 5)
        #expect(damage.take(3, file: 5) == error && damage.take(3, file: 5) == nil)
    }

    @Test("a disk that damages a file again and again ends the worker: somebody has to look at it")
    func again() throws {
        let cluster = try lived()
        let loop = worker(cluster)
        try work(loop, cluster)
        var failure: StoreError?
        var rounds = 0
        while failure == nil, rounds < 20 {
            rounds += 1
            cluster.clock.advance(seconds: 1)
            try damage(cluster)
            cluster.issue(Cluster.anna, to: Cluster.carl, ["tax"], id: "round-\(rounds)")
            do { try work(loop, cluster) } catch let error as StoreError { failure = error }
        }
        #expect(failure?.text.contains("3 others of the shard lie aside already") == true)
        #expect(rounds == 4, "\(rounds)")
    }
}
