import Foundation
import FuldmagtDomain
import FuldmagtKeys
import FuldmagtRecord
import GRDB
import GRDBSQLite

/// Rebuilds a shard from its changelog, into a file beside the old one that takes its place once it is whole.
///
/// A restore that dies leaves only a file that the worker's next one begins by deleting. One that was overtaken, as it had
/// lost the shard without knowing, leaves the other's file alone. The rebuilt shard equals the lost one row
/// by row, but for the outbox: what was stored and never published is not in the changelog, and is decided again.
/// Used by one thread.
public final class ShardRestore {
    private let path: String
    private let target: String
    private let shard: Int32
    private let disk: ShardDisk?
    /// Which file stood in the target's place when the shard was taken over.
    private var replaced: UInt64?
    private let queue: DatabaseQueue
    private let statements: RestoreStatements
    /// The file and its connection outlive this.
    private let isKept: Bool
    private var indexes: [String] = []
    private var hasFailed = false
    /// Records applied.
    public private(set) var rows = 0

    /// What a shard is rebuilt for.
    public enum Purpose: String, CaseIterable, Sendable {
        /// To be owned as soon as it is whole.
        case takeover = "restoring"
        /// To be kept as far as the changelog is while another worker owns it: indexes and all, in little memory.
        case standby
    }

    /// - Parameter worker: names the file that is being written; two workers of one folder may be at it, one of them late.
    /// - Throws: when the folder cannot be written to.
    public convenience init(
        shard: Int32, directory: String, worker: String = "alone", purpose: Purpose = .takeover
    ) throws(StoreError) {
        try self.init(shard: shard, directory: directory, worker: worker, purpose: purpose, disk: nil)
    }

    /// - Parameter disk: of a simulation.
    package init(
        shard: Int32, directory: String, worker: String = "alone", purpose: Purpose = .takeover, disk: ShardDisk?
    ) throws(StoreError) {
        self.shard = shard
        self.disk = disk
        target = "\(directory)/\(ShardStore.fileName(of: shard))"
        path = "\(target).\(purpose.rawValue)-\(worker.replacing("/", with: "_"))"
        do {
            replaced = try Self.fileNumber(target)
            try Self.remove(path)
            if let files = disk?.files {
                try files.put(at: path)
                let file = try files.file(at: path)
                (queue, statements, isKept) = (file.queue, file.restoring, true)
                return
            }
            isKept = false
            (queue, indexes) = try Self.make(path, worker: worker, purpose)
            statements = try queue.inDatabase { db in
                guard let connection = db.sqliteConnection else {
                    throw StoreError(.fatal, "a file was closed while it was being restored")
                }
                Statement.stopReporting(connection)
                return try RestoreStatements(connection)
            }
        } catch {
            throw StoreError(error, doing: "restoring \(target)")
        }
    }

    /// - Returns: also the SQL of indexes that are to be made once all rows are there.
    private static func make(
        _ path: String, worker: String, _ purpose: Purpose
    ) throws -> (DatabaseQueue, indexes: [String]) {
        _ = SQLiteStatistics.areOff
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        configuration.prepareDatabase { db in
            // The file counts only once it is whole and on the disk.
            try db.execute(
                sql: """
                    PRAGMA journal_mode = OFF;
                    PRAGMA synchronous = OFF;
                    PRAGMA locking_mode = EXCLUSIVE;
                    PRAGMA cache_size = \(purpose == .takeover ? -65536 : -4096);
                    """)
        }
        // Small indexes are built once, at the end.
        var indexes: [String]?
        if purpose == .takeover {
            indexes = BlankShard.putBare(at: path, maker: worker)
        } else {
            BlankShard.put(at: path, maker: worker)
        }
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        try ShardStore.migrate(queue, path: path)
        if purpose == .takeover, indexes == nil { indexes = try queue.inDatabase(BlankShard.dropIndexes) }
        return (queue, indexes ?? [])
    }

    /// Nil where there is no file.
    private static func fileNumber(_ path: String) throws -> UInt64? {
        var info = stat()
        if lstat(path, &info) == 0 { return UInt64(info.st_ino) }
        guard errno == ENOENT else { throw StoreError(sqlite: SQLITE_IOERR, doing: "looking at \(path)") }
        return nil
    }

    private static func remove(_ path: String) throws {
        for suffix in ["", "-wal", "-shm", "-journal", FrameFile.suffix]
        where FileManager.default.fileExists(atPath: path + suffix) {
            try FileManager.default.removeItem(atPath: path + suffix)
        }
    }

    /// The system's number of a shard's file: another file has another.
    /// - Returns: nil where there is none.
    public static func fileNumber(of shard: Int32, directory: String) throws(StoreError) -> UInt64? {
        let path = "\(directory)/\(ShardStore.fileName(of: shard))"
        do { return try fileNumber(path) } catch { throw StoreError(error, doing: "looking at \(path)") }
    }

    /// Removes a shard's file, of which nothing was ever published.
    public static func remove(shard: Int32, directory: String) throws(StoreError) {
        let path = "\(directory)/\(ShardStore.fileName(of: shard))"
        do { try remove(path) } catch { throw StoreError(error, doing: "removing \(path)") }
    }

    /// Applies records in the order of the changelog.
    /// - Throws: when a record cannot be understood: then nothing can be rebuilt from this changelog, and what was is of no
    ///   use.
    public func apply(_ batch: RecordBatch) throws(StoreError) {
        do {
            try inTransaction { _ in
                try batch.withRecords { (records) throws(StoreError) in
                    for record in records { try apply(record) }
                }
            }
            rows += batch.count
        } catch {
            throw StoreError(error, doing: "restoring \(target)")
        }
    }

    /// What fails leaves a file of no use, as nothing is kept to undo it by; the transaction ends all the same.
    private func inTransaction(_ body: (Database) throws -> Void) throws {
        guard !hasFailed else { throw StoreError(.fatal, "\(path) is of no use since a restore failed; begin anew") }
        do { try disk?.before(.restoring, shard) } catch {
            hasFailed = true
            throw error
        }
        try queue.inDatabase { db in
            try statements.begin.run()
            do {
                try body(db)
                try statements.commit.run()
            } catch {
                hasFailed = true
                if let connection = db.sqliteConnection { Statement.rollBack(connection) }
                throw error
            }
        }
    }

    private func apply(_ record: RecordView) throws(StoreError) {
        guard let key = record.key, let slash = key.firstIndex(of: UInt8(ascii: "/")),
            let table = statements.tables[Array(key[..<slash])]
        else { throw damaged(record) }
        guard let value = record.value else {
            try bind(key[(slash + 1)...], of: table, at: record)
            try table.delete.run()
            return
        }
        var reader = RowImage.Reader(value)
        guard reader.version <= Schema.version else {
            var error = StoreError(
                .fatal,
                "the changelog of shard \(shard) was written by a newer version of this program (schema \(reader.version), this one reads up to \(Schema.version)); run the newer version"
            )
            error.isOfNewerVersion = true
            throw error
        }
        for column in table.description.columns.indices {
            let at = Int32(column + 1)
            // Columns that a later version added are empty in rows from before.
            if reader.isAtEnd, reader.version < Schema.version {
                table.put.bindNull(at)
                continue
            }
            switch reader.next() {
            case .null: table.put.bindNull(at)
            case .number(let number): table.put.bind(at, number)
            case .text(let text): table.put.bindText(at, text)
            case .bytes(let bytes): table.put.bindBytes(at, bytes)
            case nil: throw damaged(record)
            }
        }
        guard reader.isAtEnd else { throw damaged(record) }
        try table.put.run()
    }

    private func bind(_ key: Slice<UnsafeRawBufferPointer>, of table: RestoreStatements.Table, at record: RecordView)
        throws(StoreError)
    {
        let parts = key.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard parts.count == table.description.keyTypes.count else { throw damaged(record) }
        for (place, part) in parts.enumerated() {
            let text = String(decoding: part, as: UTF8.self)
            let at = Int32(place + 1)
            switch table.description.keyTypes[place] {
            case "INTEGER":
                guard let number = Int64(text) else { throw damaged(record) }
                table.delete.bind(at, number)
            case "BLOB":
                guard let bytes = Hex.read(text) else { throw damaged(record) }
                table.delete.bind(at, bytes)
            default: table.delete.bind(at, text)
            }
        }
    }

    private func damaged(_ record: RecordView) -> StoreError {
        StoreError(
            .fatal, "record \(record.offset) of the changelog of shard \(shard) is not one of this program's rows")
    }

    /// Positions next to read, by topic, as far as the changelog was applied.
    public func positions() throws(StoreError) -> [Topic: Int64] {
        do {
            return try queue.inDatabase { db in
                var positions: [Topic: Int64] = [:]
                for row in try Row.fetchAll(db, sql: "SELECT topic, position FROM positions") {
                    guard let topic = Topic(name: row["topic"]) else { continue }
                    positions[topic] = row["position"]
                }
                return positions
            }
        } catch {
            throw StoreError(error, doing: "restoring \(target)")
        }
    }

    /// Says that the shard is being taken over: what is rebuilt is to replace the file that stands there now.
    public func takeOver() throws(StoreError) {
        do { replaced = try Self.fileNumber(target) } catch { throw StoreError(error, doing: "restoring \(target)") }
    }

    /// Gives up what was rebuilt, and its file.
    public func discard() throws(StoreError) {
        do {
            try close()
            try Self.remove(path)
        } catch {
            throw StoreError(error, doing: "giving up \(path)")
        }
    }

    private func close() throws {
        guard !isKept else { return }
        statements.finish()
        try queue.close()
    }

    /// Checks what was rebuilt and puts it in the place of the shard's file.
    /// - Throws: fenced, where another worker has put a file there meanwhile.
    /// - Parameters:
    ///   - mark: of the frame that the group's committed offsets name; the rebuilt file is as far as that.
    ///   - onProgress: called again and again meanwhile: indexes of a large shard take long.
    public func finish(mark: String?, onProgress: @escaping () -> Void = {}) throws(StoreError) {
        do {
            try inTransaction { db in
                let orphans = try LongWork.run(db.sqliteConnection, onProgress: onProgress) {
                    for index in indexes {
                        try db.execute(sql: index)
                        onProgress()
                    }
                    // A file of its own: what another file of this shard has published says nothing about this one.
                    try db.cachedStatement(sql: "UPDATE meta SET lineage = NULL, rebuilt_at = ?")
                        .execute(arguments: [mark])
                    return try Row.fetchAll(db.cachedStatement(sql: "PRAGMA foreign_key_check")).count
                }
                guard orphans == 0 else {
                    throw StoreError(
                        .fatal,
                        "the changelog of shard \(shard) has gaps: \(orphans) rows refer to rows that are not there")
                }
            }
            try close()
            onProgress()
            try Self.sync(path)
            guard try Self.fileNumber(target) == replaced else {
                try Self.remove(path)
                throw StoreError(.fenced, "another worker has rebuilt shard \(shard) meanwhile")
            }
            try Self.remove(target)
            try FileManager.default.moveItem(atPath: path, toPath: target)
        } catch {
            throw StoreError(error, doing: "restoring \(target)")
        }
    }

    /// Sees to it that the file is on the disk before its name is.
    private static func sync(_ path: String) throws {
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        try file.synchronize()
        try file.close()
    }

    /// Files of one shard that may lie aside in a folder: a disk that damages it again and again is somebody's to look at,
    /// and would be full of them in the end.
    public static let asideAtMost = 3

    /// Puts a file that is damaged aside, with its write-ahead log, where somebody can look at it.
    /// - Returns: its new name.
    public static func setAside(shard: Int32, directory: String, mark: String) throws(StoreError) -> String {
        let name = ShardStore.fileName(of: shard)
        let path = "\(directory)/\(name)"
        let aside = "\(path).damaged-\(mark)"
        let before: Int
        do {
            before = try FileManager.default.contentsOfDirectory(atPath: directory).count {
                $0.hasPrefix("\(name).damaged-") && !$0.hasSuffix("-wal")
            }
        } catch {
            throw StoreError(error, doing: "looking into \(directory)")
        }
        guard before < asideAtMost else {
            throw StoreError(
                .fatal,
                "\(path) is damaged, and \(before) others of the shard lie aside already: see to the disk, then move them away"
            )
        }
        do {
            try FileManager.default.moveItem(atPath: path, toPath: aside)
            if FileManager.default.fileExists(atPath: path + "-wal") {
                try FileManager.default.moveItem(atPath: path + "-wal", toPath: aside + "-wal")
            }
            try remove(path)
        } catch {
            throw StoreError(.fatal, "\(path) is damaged and cannot be moved aside; check the folder's permissions")
        }
        return aside
    }
}
