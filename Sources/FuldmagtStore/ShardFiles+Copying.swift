import Foundation
import GRDB
import GRDBSQLite

extension ShardFiles {
    /// What a copy of a shard's file holds.
    public struct Copied: Sendable, Equatable {
        public var path: String
        /// The frame that was stored last.
        public var lastFrame: Int64
        /// Of all tables but the outbox.
        public var rows: Int
        /// Of the file.
        public var bytes: Int64
    }

    /// Where a shard's copy is put.
    /// - Throws: where something is there already.
    @discardableResult
    public static func placeForCopy(of shard: Int32, in directory: String) throws(StoreError) -> String {
        let path = "\(directory)/\(ShardStore.fileName(of: shard))"
        var info = stat()
        guard lstat(path, &info) != 0 else {
            throw StoreError(.fatal, "\(path) is there already, and is not replaced; name an empty folder")
        }
        return path
    }

    /// Copies a shard as it is at one moment, with what is still in its log, while its owner may be at work. The copy is one
    /// file, without a log, and gets its name once it is whole.
    ///
    /// Frames that wait to be published stay behind. So a copy is for reading: a worker that is given one sees that they are
    /// missing, and does not go on from it.
    /// - Parameter directory: is there, and holds no file of this shard.
    public static func copy(shard: Int32, path: String, to directory: String) throws(StoreError) -> Copied {
        let target = try placeForCopy(of: shard, in: directory)
        let begun = target + ".copying"
        try make(begun)
        defer { for ending in ["", "-journal", "-wal", "-shm"] { unlink(begun + ending) } }
        do {
            try copyPages(from: path, to: begun)
            var copied = try finish(begun)
            try placeForCopy(of: shard, in: directory)
            guard rename(begun, target) == 0 else {
                throw StoreError(sqlite: FrameFile.code(of: errno) ?? SQLITE_CANTOPEN, doing: "naming \(target)")
            }
            copied.path = target
            return copied
        } catch {
            throw StoreError(error, doing: "copying \(path)")
        }
    }

    /// Makes an empty file, for its owner only.
    private static func make(_ begun: String) throws(StoreError) {
        let descriptor = Foundation.open(begun, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            let number = errno
            guard number == EEXIST else {
                throw StoreError(sqlite: FrameFile.code(of: number) ?? SQLITE_CANTOPEN, doing: "making \(begun)")
            }
            throw StoreError(.fatal, "\(begun) is there: delete it, unless another copy is being made")
        }
        _ = Foundation.close(descriptor)
    }

    private static func copyPages(from path: String, to begun: String) throws {
        let source = try DatabaseQueue(path: path, configuration: readOnly)
        let copy = try DatabaseQueue(path: begun)
        // All pages in one step, within one transaction of the source: what its owner writes meanwhile is not seen.
        try source.backup(to: copy)
        try copy.close()
        try source.close()
    }

    /// Has the copy need no log, so that it can be read where nothing can be written, and counts what is in it.
    private static func finish(_ begun: String) throws -> Copied {
        // A connection of its own: the one that was written through does not know that the pages tell of a log.
        let queue = try DatabaseQueue(path: begun)
        var copied = try queue.inDatabase { db -> Copied in
            guard try String.fetchOne(db, sql: "PRAGMA journal_mode = DELETE") == "delete" else {
                throw StoreError(.fatal, "\(begun) cannot be brought to need no log")
            }
            let tables = try String.fetchAll(
                db,
                sql: """
                    SELECT name FROM sqlite_schema
                    WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT IN ('outbox', 'grdb_migrations')
                    """)
            var rows = 0
            for table in tables { rows += try Int.fetchOne(db, sql: "SELECT count(*) FROM \(table)") ?? 0 }
            let last = try Int64.fetchOne(db, sql: "SELECT seq FROM sqlite_sequence WHERE name = 'outbox'")
            return Copied(path: begun, lastFrame: last ?? 0, rows: rows, bytes: 0)
        }
        try queue.close()
        var info = stat()
        guard lstat(begun, &info) == 0 else { throw StoreError(.fatal, "\(begun) was removed meanwhile") }
        copied.bytes = Int64(info.st_size)
        return copied
    }
}
