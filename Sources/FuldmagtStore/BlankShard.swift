import Foundation
import GRDB
import GRDBSQLite

/// A shard file without rows: every new file begins as a copy of it, instead of going through all migrations again.
enum BlankShard {
    /// The bytes of a file, and the SQL of the indexes that were left out of it.
    private struct Image {
        var bytes: Data
        var indexes: [String]
    }

    /// Nil where SQLite could not make it, and migrations do.
    private static let whole = image(withIndexes: true)
    private static let bare = image(withIndexes: false)

    private static func image(withIndexes: Bool) -> Image? {
        _ = SQLiteStatistics.areOff
        do {
            let queue = try DatabaseQueue()
            try Schema.migrator.migrate(queue)
            return try queue.inDatabase { db in
                let indexes = withIndexes ? [] : try dropIndexes(db)
                var size: sqlite3_int64 = 0
                guard let connection = db.sqliteConnection,
                    let bytes = sqlite3_serialize(connection, "main", &size, 0)
                else { return nil }
                defer { sqlite3_free(bytes) }
                return Image(bytes: Data(bytes: bytes, count: Int(size)), indexes: indexes)
            }
        } catch {
            return nil
        }
    }

    /// Drops all indexes but those of primary keys and unique columns.
    /// - Returns: the SQL that makes them again.
    static func dropIndexes(_ db: Database) throws -> [String] {
        let found = try Row.fetchAll(
            db, sql: "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL")
        for index in found { try db.execute(sql: "DROP INDEX \(index["name"] as String)") }
        return found.map { $0["sql"] }
    }

    /// Puts it where there is no file yet, nor the log of one; a file that is there, or gets there meanwhile, stays.
    /// - Parameter maker: names the file that is being written; two workers of one folder may be at it.
    static func put(at path: String, maker: String) {
        guard let whole else { return }
        put(whole, at: path, maker: maker)
    }

    /// Puts one without indexes.
    /// - Returns: the SQL that makes them; nil where no such file could be made.
    static func putBare(at path: String, maker: String) -> [String]? {
        guard let bare else { return nil }
        put(bare, at: path, maker: maker)
        return bare.indexes
    }

    private static func put(_ image: Image, at path: String, maker: String) {
        // Of a log whose file is gone SQLite makes an end, as the file that it makes has no pages. Over this one, which has,
        // it would lay what the log holds.
        guard !["", "-wal"].contains(where: { FileManager.default.fileExists(atPath: path + $0) }) else { return }
        let made = "\(path).new-\(maker.replacing("/", with: "_"))"
        defer { unlink(made) }
        // For its owner only: SQLite makes the log beside it as it finds the file.
        let descriptor = open(made, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return }
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        do {
            try file.write(contentsOf: image.bytes)
            try file.synchronize()
            try file.close()
            _ = link(made, path)
        } catch {
            // SQLite, which opens the file next, says what is wrong with the folder.
            return
        }
    }
}
