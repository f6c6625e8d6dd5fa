import Foundation
import FuldmagtDomain
import FuldmagtRecord
import FuldmagtStore
import GRDB
import Logging
import Testing

@testable import FuldmagtWorker

/// The disk is a cache: a shard without its file, or with the wrong one, is rebuilt from the changelog row by row.
@Suite struct RestoreTests {
    private let anna = TestCluster.anna
    private let bent = TestCluster.bent
    private let carl = TestCluster.carl

    /// Every row of every table but the outbox, and what names the file and its owner.
    private func rows(_ cluster: TestCluster) throws -> [String] {
        var lines: [String] = []
        for file in try ShardFiles.all(in: cluster.directory) {
            let queue = try DatabaseQueue(path: file.path)
            try queue.read { db in
                let tables = try String.fetchAll(
                    db,
                    sql: """
                        SELECT name FROM sqlite_schema
                        WHERE type = 'table' AND name NOT IN ('outbox', 'sqlite_sequence', 'grdb_migrations', 'meta')
                        """)
                for table in tables {
                    for row in try Row.fetchAll(db, sql: "SELECT * FROM \(table)") {
                        lines.append("\(file.shard) \(table) \(row.databaseValues.map(\.description))")
                    }
                }
                let meta = try Row.fetchAll(db, sql: "SELECT shard, partitions, key_check, reviewed_day FROM meta")
                lines += meta.map { "\(file.shard) meta \($0.databaseValues.map(\.description))" }
            }
            try queue.close()
        }
        return lines.sorted()
    }

    /// A bit of everything, deletions among it.
    private func lived() throws -> TestCluster {
        let cluster = try TestCluster()
        cluster.defineCatalogue()
        cluster.move(anna, to: "0101", on: "2020-01-01", id: "home")
        cluster.move(anna, to: "0147", on: "2026-12-01", id: "soon")
        try cluster.drain()
        cluster.issue(anna, to: bent, ["care", "tax"], id: "g", until: "2026-12-10")
        cluster.issue(bent, to: carl, ["tax"], id: "h")
        cluster.issue(carl, to: anna, ["tax"], id: "i")
        cluster.send(
            "readaccess.grant", #"{"citizen":{"cpr":"\#(carl)"},"holder":{"cpr":"\#(bent)"}}"#, id: "read", key: carl,
            topic: .exemptionCommands)
        cluster.send(
            "exemption.register",
            #"{"citizen":{"cpr":"\#(anna)"},"municipality":"0101","form":"FD 001A","journal":"J","caseworker":"c","requestedBy":"citizen","appearedInPerson":true}"#,
            id: "exempt", key: anna)
        try cluster.drain()
        cluster.clock.advance(days: 10)
        try cluster.drain()
        cluster.clock.advance(days: 10)
        try cluster.drain()
        cluster.renumber(bent, to: "6202800023", id: "n")
        cluster.send(
            "move.decease", #"{"citizen":{"cpr":"\#(carl)"},"effective":"2026-11-20"}"#, id: "d", key: carl)
        try cluster.drain()
        for id in ["soon", "g", "h", "i", "read", "exempt", "n", "d"] {
            #expect(cluster.answer(id) == "accepted", "\(id)")
        }
        return cluster
    }

    private func files(_ cluster: TestCluster) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: cluster.directory).filter { $0.hasPrefix("shard-") }
            .sorted()
    }

    /// What stands in some of the files.
    private func contents(_ cluster: TestCluster, where isWanted: (String) -> Bool) throws -> [String: Data] {
        try files(cluster).filter(isWanted).reduce(into: [:]) {
            $0[$1] = try Data(contentsOf: URL(fileURLWithPath: "\(cluster.directory)/\($1)"))
        }
    }

    private func write(_ contents: [String: Data], to cluster: TestCluster) throws {
        for (name, file) in contents { try file.write(to: URL(fileURLWithPath: "\(cluster.directory)/\(name)")) }
    }

    private func deleteFiles(_ cluster: TestCluster) throws {
        for name in try files(cluster) { try FileManager.default.removeItem(atPath: "\(cluster.directory)/\(name)") }
    }

    @Test("all files are lost: every row is there again, and nothing is said twice")
    func lost() throws {
        let cluster = try lived()
        try cluster.stop()
        let before = try rows(cluster)
        let dump = try cluster.dump()
        let said = [Topic.outcomes, .notifications].map { cluster.said($0).count }
        try deleteFiles(cluster)
        try cluster.drain()
        try cluster.stop()
        #expect(try rows(cluster) == before)
        #expect(try cluster.dump() == dump)
        #expect([Topic.outcomes, .notifications].map { cluster.said($0).count } == said)
        #expect(try cluster.check() == [])
        #expect(before.contains { $0.contains("grant_history") } && before.contains { $0.contains("renumberings") })
        // Life goes on where it was.
        cluster.issue(anna, to: carl, ["tax"], id: "again")
        try cluster.drain()
        #expect(cluster.answer("again") == "accepted")
        #expect(try cluster.check() == [])
    }

    @Test("a worker that lost its shard while it rebuilt it does not put its file in the place of the new owner's")
    func lateRestore() throws {
        let cluster = try lived()
        try cluster.stop()
        let dump = try cluster.dump()
        let late = try ShardRestore(shard: 0, directory: cluster.directory, worker: "late")
        try late.apply(cluster.broker.read(.changelog, partition: 0))
        let owner = try ShardRestore(shard: 0, directory: cluster.directory, worker: "owner")
        try owner.apply(cluster.broker.read(.changelog, partition: 0))
        try owner.finish(mark: "owner/1")
        let refused = #expect(throws: StoreError.self) { try late.finish(mark: "late/1") }
        #expect(refused?.consequence == .fenced)
        #expect(try cluster.dump() == dump)
        #expect(try files(cluster).filter { $0.contains("restoring") } == [])
    }

    @Test("an older copy of the files is put back: it is not believed")
    func olderCopy() throws {
        let cluster = try lived()
        try cluster.stop()
        let kept = cluster.directory + "-kept"
        defer {
            do { try FileManager.default.removeItem(atPath: kept) } catch { Issue.record(error) }
        }
        try FileManager.default.copyItem(atPath: cluster.directory, toPath: kept)
        cluster.issue(anna, to: "6202800023", ["tax"], id: "later", until: "2028-01-01")
        cluster.issue("6202800023", to: anna, ["tax"], id: "later2", until: "2028-01-01")
        try cluster.drain()
        try cluster.stop()
        let before = try rows(cluster)
        try deleteFiles(cluster)
        for name in try FileManager.default.contentsOfDirectory(atPath: kept) {
            try FileManager.default.copyItem(atPath: "\(kept)/\(name)", toPath: "\(cluster.directory)/\(name)")
        }
        try cluster.drain()
        try cluster.stop()
        #expect(try rows(cluster) == before)
    }

    @Test("a power cut tears the last commits out of the files: what was published of them is not lost")
    func powerCut() throws {
        let cluster = try lived()
        // As the disk has it: the log that commits are appended to reaches it as far as it happened to be written.
        var onDisk = try contents(cluster) { !$0.hasSuffix("-shm") }
        for (name, file) in onDisk where name.hasSuffix("-wal") || name.hasSuffix("-frames") {
            onDisk[name] = file.prefix(file.count * 2 / 3)
        }
        #expect(onDisk.keys.count { $0.hasSuffix("-wal") } == 4)
        try cluster.stop()
        let before = try rows(cluster)
        let said = [Topic.outcomes, .notifications].map { cluster.said($0).count }
        try deleteFiles(cluster)
        try write(onDisk, to: cluster)
        #expect(try rows(cluster) != before)
        try cluster.drain()
        try cluster.stop()
        #expect(try rows(cluster) == before)
        #expect([Topic.outcomes, .notifications].map { cluster.said($0).count } == said)
        #expect(try cluster.check() == [])
    }

    @Test("a shard's file is moved away, and the log of its last commits is left: it is rebuilt all the same")
    func logLeft() throws {
        let cluster = try lived()
        // What has been lived stands in the file; in the log there is only what comes now.
        try cluster.stop()
        for (number, citizen) in [anna, bent, TestCluster.carl].enumerated() {
            cluster.move(citizen, to: "0101", on: "2021-01-01", id: "later \(number)")
        }
        try cluster.drain()
        let logs = try contents(cluster) { $0.hasSuffix("-wal") || $0.hasSuffix("-frames") }
        #expect(logs.count { $0.key.hasSuffix("-wal") && !$0.value.isEmpty } == 4)
        try cluster.stop()
        let before = try rows(cluster)
        try deleteFiles(cluster)
        try write(logs, to: cluster)
        try cluster.drain()
        try cluster.stop()
        #expect(try rows(cluster) == before)
        #expect(try cluster.check() == [])
    }

    @Test(
        "a power cut takes a frame that was stored and not published: what it says is decided again",
        arguments: [true, false])
    func lostFrame(isNew: Bool) throws {
        let cluster = try TestCluster()
        cluster.defineCatalogue()
        if !isNew { try cluster.drain() }
        cluster.issue(anna, to: bent, ["tax"], id: "g")
        cluster.broker.fail(.refused(LogFailure(.fatal, "the machine is cut off")))
        #expect(throws: LogFailure.self) { try cluster.drain() }
        cluster.abandon()
        #expect(cluster.outcomes(of: "g").isEmpty)
        let frames = try files(cluster).filter { $0.hasSuffix("-frames") }
        #expect(frames.count == 4)
        for name in frames { try Data().write(to: URL(fileURLWithPath: "\(cluster.directory)/\(name)")) }
        try cluster.drain()
        try cluster.stop()
        #expect(cluster.outcomes(of: "g").count == 1)
        #expect(cluster.answer("g") == "accepted")
        #expect(cluster.notifications(to: bent) == ["grant-received digital-post"])
        #expect(try cluster.check() == [])
        let before = try rows(cluster)
        try deleteFiles(cluster)
        try cluster.drain()
        try cluster.stop()
        #expect(try rows(cluster) == before)
    }

    @Test("a machine comes back with a frame that it had stored and not published, after another went on without it")
    func overtaken() throws {
        let cluster = try TestCluster()
        cluster.defineCatalogue()
        try cluster.drain()
        // Stored on the first machine, never published.
        cluster.issue(anna, to: bent, ["tax"], id: "g")
        cluster.broker.fail(.refused(LogFailure(.fatal, "the machine is cut off")))
        #expect(throws: LogFailure.self) { try cluster.drain() }
        cluster.abandon()
        #expect(cluster.outcomes(of: "g").isEmpty)
        // The second machine has a folder of its own, decides the same command, and more.
        let first = cluster.options
        let other = cluster.directory + "-other"
        try FileManager.default.createDirectory(atPath: other, withIntermediateDirectories: true)
        defer {
            do { try FileManager.default.removeItem(atPath: other) } catch { Issue.record(error) }
        }
        cluster.options.directory = other
        cluster.options.worker = "w2"
        try cluster.drain()
        cluster.issue(anna, to: carl, ["tax"], id: "h")
        try cluster.drain()
        try cluster.stop()
        // The first is back, with its old file.
        cluster.options = first
        try cluster.drain()
        for id in ["g", "h"] { #expect(cluster.answer(id) == "accepted", "\(id)") }
        #expect(cluster.notifications(to: bent) == ["grant-received digital-post"])
        #expect(cluster.notifications(to: anna) == ["grant-given digital-post", "grant-given digital-post"])
        try cluster.stop()
        #expect(try cluster.check() == [])
    }

    @Test("a damaged file is set aside and rebuilt")
    func damaged() throws {
        let cluster = try lived()
        try cluster.stop()
        let before = try rows(cluster)
        for name in try files(cluster) where name.hasSuffix(".sqlite") {
            try Data(repeating: 0x41, count: 100_000).write(to: URL(fileURLWithPath: "\(cluster.directory)/\(name)"))
        }
        try cluster.drain()
        try cluster.stop()
        #expect(try files(cluster).count { $0.contains(".damaged-") } == 4)
        for name in try files(cluster) where name.contains(".damaged-") {
            try FileManager.default.removeItem(atPath: "\(cluster.directory)/\(name)")
        }
        #expect(try rows(cluster) == before)
    }

    @Test("a restore that was cut short leaves nothing that the next one believes")
    func cutShort() throws {
        let cluster = try lived()
        try cluster.stop()
        let before = try rows(cluster)
        try deleteFiles(cluster)
        let half = try ShardRestore(shard: 0, directory: cluster.directory, worker: "w1")
        try half.apply(RecordBatch())
        #expect(try files(cluster) == ["shard-0000.sqlite.restoring-w1"])
        try cluster.drain()
        try cluster.stop()
        #expect(try rows(cluster) == before)
        #expect(try files(cluster).allSatisfy { !$0.contains("restoring") })
    }

    @Test("a record that is no row ends the restore with its place, and what was rebuilt is given up")
    func wrongRecord() throws {
        let cluster = try lived()
        try cluster.stop()
        try deleteFiles(cluster)
        let restore = try ShardRestore(shard: 0, directory: cluster.directory, worker: "w1")
        var batch = RecordBatch()
        _ = try cluster.broker.member().readChangelog(shard: 0, from: 0, into: &batch, limit: 5)
        Array("nothing/1".utf8).withUnsafeBytes { key in
            batch.append(
                topic: Topic.changelog.rawValue, offset: 77, timestamp: 0, key: key, value: key, headers: { _ in })
        }
        let error = #expect(throws: StoreError.self) { try restore.apply(batch) }
        #expect(error?.consequence == .fatal)
        #expect(error?.description.contains("record 77 of the changelog of shard 0") == true)
        // Nothing goes on with it.
        #expect(throws: StoreError.self) { try restore.apply(RecordBatch()) }
        #expect(throws: StoreError.self) { try restore.finish(mark: nil) }
        try restore.discard()
        #expect(try files(cluster) == [])
    }

    @Test("a changelog that does not begin at its beginning rebuilds nothing, and the file goes on without it")
    func beheaded() throws {
        let cluster = try lived()
        try cluster.stop()
        cluster.broker.deleteRecords(of: .changelog)
        cluster.move(carl, to: "0751", on: "2020-01-01", id: "after")
        try cluster.drain()
        #expect(cluster.outcomes(of: "after").count == 1)
        try cluster.stop()
        try deleteFiles(cluster)
        let failure = #expect(throws: LogFailure.self) { try cluster.drain() }
        #expect(failure?.consequence == .fatal)
        #expect(failure?.text.contains("its first records were deleted") == true)
    }

    @Test("a changelog that gives nothing costs the worker its place in the group, not its life")
    func silent() throws {
        let cluster = try lived()
        let before = try cluster.dump()
        try cluster.stop()
        try deleteFiles(cluster)
        cluster.options.takeOverSeconds = 5
        let clock = cluster.clock
        cluster.onPause.withLock { $0.act = { clock.nanoseconds.withLock { $0 += 1_000_000_000 } } }
        cluster.broker.failChangelog(LogFailure(.retry, "no leader"))
        let loop = WorkerLoop(
            options: cluster.options, log: cluster.broker.member(), surroundings: cluster.surroundings,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        #expect(try loop.turnOrJoinAgain() == 0)
        cluster.broker.failChangelog(nil)
        while try loop.turnOrJoinAgain() > 0 || cluster.broker.lag > 0 {}
        try loop.finish()
        #expect(try cluster.dump() == before)
    }

    @Test("a changelog that has lost records rebuilds nothing")
    func gaps() throws {
        let cluster = try TestCluster()
        cluster.options.recordsChanges = false
        cluster.defineCatalogue()
        try cluster.drain()
        cluster.issue(anna, to: bent, ["tax"], id: "g")
        try cluster.drain()
        try cluster.stop()
        try deleteFiles(cluster)
        cluster.options.recordsChanges = true
        let error = #expect(throws: WorkerStop.self) { try cluster.drain() }
        #expect(error?.kind == .staleShard)
    }
}
