import Foundation
import FuldmagtDomain
import FuldmagtRecord
import FuldmagtStore
import FuldmagtWorker
import GRDB

/// Folders of shard files, and what is in them at the end.
extension Simulation {
    func makeFolder(_ path: String) throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    func removeFolders() throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: directory) {
            try FileManager.default.removeItem(atPath: "\(directory)/\(name)")
        }
    }

    /// A machine of its own comes back without its disk, or with an older copy of it. Of a folder that others work in
    /// nothing is lost.
    func loseDisk(of worker: SimulatedWorker) throws {
        guard !world.sharesFolder else { return }
        let files = FileManager.default
        guard worker.hasCopy, random.chance(1, of: 2) else {
            // What is there now is the older copy of later on.
            if worker.hasCopy { try files.removeItem(atPath: worker.copy) }
            try files.moveItem(atPath: worker.folder, toPath: worker.copy)
            worker.hasCopy = true
            try makeFolder(worker.folder)
            trace.note(18, "\(worker.name)'s disk is lost")
            return
        }
        try files.removeItem(atPath: worker.folder)
        try files.moveItem(atPath: worker.copy, toPath: worker.folder)
        worker.hasCopy = false
        trace.note(19, "\(worker.name)'s disk is an older copy")
    }

    /// Ends every worker, rebuilds every shard, and compares.
    func compareAtEnd() throws {
        for worker in workers {
            try worker.process?.loop?.finish()
            worker.process?.loop = nil
            worker.process = nil
        }
        let rebuilt = "\(directory)/rebuilt"
        try makeFolder(rebuilt)
        var dump = Dump()
        for shard in 0..<world.partitions {
            guard let folder = witness.folders[shard] else { return fail("nobody ever owned shard \(shard)") }
            let name = ShardStore.fileName(of: shard)
            let restore = try ShardRestore(shard: shard, directory: rebuilt)
            try restore.apply(broker.read(.changelog, partition: shard))
            try restore.finish(mark: nil)
            let (was, is_) = (try Self.rows(of: "\(folder)/\(name)"), try Self.rows(of: "\(rebuilt)/\(name)"))
            if was != is_ {
                let lost = Set(was).subtracting(is_).sorted().prefix(2)
                let more = Set(is_).subtracting(was).sorted().prefix(2)
                fail("shard \(shard) rebuilt is not the lost one: lost \(lost), more \(more)")
            }
            for finding in try ShardFiles.check(shard: shard, path: "\(folder)/\(name)") {
                fail("shard \(shard): \(finding.check) is broken by \(finding.count) rows")
            }
            try dump.add(path: "\(folder)/\(name)")
        }
        let expected = model.dump()
        let known = Set(expected)
        // Of a citizen whose command was parked, and then rejected, the pseudonym is left.
        let state = dump.sorted().filter {
            !$0.contains(#""table":"processed""#) && (known.contains($0) || !$0.contains(#""table":"citizen""#))
        }
        guard state != expected else { return }
        let missing = Set(expected).subtracting(state).sorted()
        let extra = Set(state).subtracting(expected).sorted()
        fail("the state is not the model's: missing \(missing.prefix(2)), too much \(extra.prefix(2))")
    }

    /// Every row but what names the file and its owner, and what waits to be published.
    private static func rows(of path: String) throws -> [String] {
        var configuration = Configuration()
        configuration.readonly = true
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        let rows = try queue.read { db in
            var lines: [String] = []
            let tables = try String.fetchAll(
                db,
                sql: """
                    SELECT name FROM sqlite_schema
                    WHERE type = 'table' AND name NOT IN ('outbox', 'sqlite_sequence', 'grdb_migrations', 'meta')
                    """)
            for table in tables {
                for row in try Row.fetchAll(db, sql: "SELECT * FROM \(table)") {
                    lines.append("\(table) \(row.databaseValues.map(\.description))")
                }
            }
            let meta = try Row.fetchAll(
                db, sql: "SELECT shard, partitions, key_check, reviewed_day, reviewed_catalogue FROM meta")
            return lines + meta.map { "meta \($0.databaseValues.map(\.description))" }
        }
        try queue.close()
        return rows.sorted()
    }
}
