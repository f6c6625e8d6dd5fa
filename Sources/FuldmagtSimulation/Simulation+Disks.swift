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
        endFaults()
        var folders: [Int32: String] = [:]
        for worker in workers {
            for shard in worker.process?.loop?.ownedShards ?? [] { folders[shard] = worker.folder }
        }
        var standbys: [(Standby, folder: String)] = []
        for worker in workers {
            try worker.process?.loop?.finish()
            if let standby = worker.process?.standby { standbys.append((standby, worker.folder)) }
            worker.process?.loop = nil
            worker.process = nil
        }
        let rebuilt = "\(directory)/rebuilt"
        try makeFolder(rebuilt)
        var files: ShardDisk?
        if world.keepsFiles {
            files = ShardDisk(before: { _, _ in }, tookOver: { _ in })
            files?.files = disk.files
        }
        var dump = Dump()
        for shard in 0..<world.partitions {
            guard let folder = folders[shard] else { return fail("nobody owns shard \(shard)") }
            let name = ShardStore.fileName(of: shard)
            var again = "\(rebuilt)/\(name)"
            if let copied = try finishCopy(of: shard, random.shuffled(standbys)) {
                again = "\(copied)/\(name)"
            } else {
                let restore = try ShardRestore(shard: shard, directory: rebuilt, disk: files)
                try restore.apply(broker.read(.changelog, partition: shard))
                try restore.finish(mark: nil)
            }
            let lost = "\(folder)/\(name)"
            if world.keepsFiles {
                compare(shard, try disk.files.difference(lost, from: again))
                try disk.files.read(lost) { try check(shard, $0, &dump) }
                continue
            }
            var configuration = Configuration()
            configuration.readonly = true
            let queue = try DatabaseQueue(path: lost, configuration: configuration)
            try queue.inDatabase { db in
                try db.execute(sql: "ATTACH ? AS rebuilt", arguments: [again])
                compare(shard, try ShardFiles.difference(db, from: "rebuilt"))
                try check(shard, db, &dump)
            }
            try queue.close()
        }
        try compare(dump)
    }

    /// Makes a shard of a copy that was kept of it, where there is one that is of use.
    /// - Returns: the folder that it is in.
    private func finishCopy(of shard: Int32, _ standbys: [(Standby, folder: String)]) throws -> String? {
        for (standby, folder) in standbys where random.chance(1, of: 2) {
            guard let copy = standby.take(shard) else { continue }
            trace.note(20, "the copy of shard \(shard) in \(folder) is as far as \(copy.position)")
            var rest = RecordBatch()
            _ = try broker.member().readChangelog(shard: shard, from: copy.position, into: &rest, limit: .max)
            try copy.restore.takeOver()
            try copy.restore.apply(rest)
            try copy.restore.finish(mark: nil)
            return folder
        }
        return nil
    }

    private func compare(_ shard: Int32, _ difference: String?) {
        if let difference { fail("shard \(shard) rebuilt is not the lost one: \(difference)") }
    }

    private func check(_ shard: Int32, _ db: Database, _ dump: inout Dump) throws {
        for finding in try ShardFiles.check(shard: shard, db) {
            fail("shard \(shard): \(finding.check) is broken by \(finding.count) rows")
        }
        let comingBack = """
            SELECT count(*) FROM renumberings r JOIN citizens c ON c.row = r.citizen WHERE c.renumbered IS NULL
            """
        if let count = try Int.fetchOne(db, sql: comingBack), count > 0 {
            fail("\(count) numbers of shard \(shard) still wait for what was sent on")
        }
        // The model knows no digests, and a number's ids are remembered by the shard that they came to.
        try dump.add(db, leavingOut: ["processed"])
    }

    private func compare(_ dump: Dump) throws {
        let differences = try expectation.differences(fromState: dump.sorted())
        guard !differences.isEmpty else { return }
        fail("the state is not the expected one: \(differences.prefix(4).joined(separator: ", "))")
    }
}
