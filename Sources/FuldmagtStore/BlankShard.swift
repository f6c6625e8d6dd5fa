import Foundation
import GRDB
import GRDBSQLite

/// A shard file without rows: every new file begins as a copy of it, instead of going through all migrations again.
enum BlankShard {
    /// The bytes of the file; nil where SQLite could not make it, and migrations do.
    private static let image: Data? = {
        do {
            let queue = try DatabaseQueue()
            try Schema.migrator.migrate(queue)
            return queue.inDatabase { db in
                var size: sqlite3_int64 = 0
                guard let connection = db.sqliteConnection,
                    let bytes = sqlite3_serialize(connection, "main", &size, 0)
                else { return nil }
                defer { sqlite3_free(bytes) }
                return Data(bytes: bytes, count: Int(size))
            }
        } catch {
            return nil
        }
    }()

    /// Puts it where there is no file yet; a file that is there, or gets there meanwhile, stays.
    /// - Parameter maker: names the file that is being written; two workers of one folder may be at it.
    static func put(at path: String, maker: String) {
        guard let image, !FileManager.default.fileExists(atPath: path) else { return }
        let made = "\(path).new-\(maker.replacing("/", with: "_"))"
        defer { unlink(made) }
        do {
            try image.write(to: URL(fileURLWithPath: made))
            let file = try FileHandle(forUpdating: URL(fileURLWithPath: made))
            try file.synchronize()
            try file.close()
            _ = link(made, path)
        } catch {
            // SQLite, which opens the file next, says what is wrong with the folder.
            return
        }
    }
}
