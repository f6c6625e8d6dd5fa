import Foundation
import FuldmagtDomain
import GRDB
import GRDBSQLite

/// Shard files of simulations, and connections to them, that outlive the world they are made for: to open a file costs a
/// small world more than all that it does with it, as SQLite reads the schema and prepares each statement again.
///
/// A shard's path is a symbolic link to a kept file. SQLite opens what a link leads to, so that all who come by it, or came
/// by one that is not there any more, have the file, its write-ahead log and its locks in common, as they would have
/// otherwise; and a link is made, renamed and removed as a file is. Once a world is over its files are emptied, and are the
/// new ones of the next.
///
/// One world at a time uses them, in which nothing runs side by side.
package final class KeptFiles: @unchecked Sendable {
    private let directory: String
    private var files: [String: KeptFile] = [:]
    private var free: [KeptFile] = []
    /// Those that this world has had.
    private var used: [KeptFile] = []

    /// - Parameter directory: an empty folder for the files.
    package init(directory: String) { self.directory = directory }

    /// Puts an empty file where there is none.
    func put(at path: String) throws {
        var info = stat()
        guard lstat(path, &info) != 0 else { return }
        let file = try free.popLast() ?? make()
        guard symlink(file.path, path) == 0 else {
            free.append(file)
            throw StoreError(sqlite: SQLITE_CANTOPEN, doing: "making \(path)")
        }
        used.append(file)
    }

    private func make() throws -> KeptFile {
        let file = try KeptFile(path: "\(directory)/kept-\(files.count).sqlite")
        files[file.path] = file
        return file
    }

    func file(at path: String) throws -> KeptFile {
        guard let file = files[try FileManager.default.destinationOfSymbolicLink(atPath: path)] else {
            throw StoreError(.fatal, "\(path) is not one of the simulation's files")
        }
        return file
    }

    /// A connection to a shard's file that nobody uses; the file is made where there is none.
    func connect(to path: String, _ configuration: Configuration) throws -> KeptConnection {
        try put(at: path)
        return try file(at: path).connect(configuration)
    }

    /// Compares the rows of two shards, as `ShardFiles.difference` does.
    package func difference(_ path: String, from other: String) throws -> String? {
        try file(at: path).difference(from: file(at: other))
    }

    /// Reads a shard's file.
    package func read<Result>(_ path: String, _ body: (Database) throws -> Result) throws -> Result {
        try file(at: path).queue.inDatabase(body)
    }

    /// The world is over, and nothing of it is used any more.
    package func empty() throws {
        for file in used { try file.empty() }
        free += used.reversed()
        used = []
    }
}

/// A file that is kept, and the connection by which it is rebuilt, compared and emptied: without foreign keys.
final class KeptFile {
    let path: String
    let queue: DatabaseQueue
    let restoring: RestoreStatements
    private let connection: OpaquePointer
    private let begin, commit: Statement
    private let deletes: [Statement]
    /// The rows of each table, in order of their keys.
    private let reads: [(table: String, rows: Statement)]
    private var idle: [KeptConnection] = []

    init(path: String) throws {
        self.path = path
        BlankShard.put(at: path, maker: "simulation")
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        configuration.busyMode = .immediateError
        configuration.prepareDatabase { db in
            try db.execute(
                sql: """
                    PRAGMA journal_mode = WAL;
                    PRAGMA synchronous = OFF;
                    PRAGMA wal_autocheckpoint = 100;
                    """)
        }
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        self.queue = queue
        try ShardStore.migrate(queue, path: path)
        connection = try queue.inDatabase { db in
            guard let connection = db.sqliteConnection else { throw StoreError(.fatal, "\(path) was closed") }
            return connection
        }
        Statement.stopReporting(connection)
        restoring = try RestoreStatements(connection)
        begin = Statement(connection, whenUsed: "BEGIN IMMEDIATE")
        commit = Statement(connection, whenUsed: "COMMIT")
        let connection = connection
        let tables = try ChangelogTable.all(connection).sorted { $0.key < $1.key }
        deletes = (tables.map(\.key) + ["outbox", "sqlite_sequence"]).map {
            Statement(connection, whenUsed: "DELETE FROM \($0)")
        }
        reads = tables.map { name, table in
            let key = table.key.map { table.columns[$0] }.joined(separator: ", ")
            let columns = table.comparedColumns.joined(separator: ", ")
            return (name, Statement(connection, whenUsed: "SELECT \(columns) FROM \(name) ORDER BY \(key)"))
        }
    }

    func connect(_ configuration: Configuration) throws -> KeptConnection {
        try idle.popLast() ?? KeptConnection(self, configuration)
    }

    func giveBack(_ connection: KeptConnection) { idle.append(connection) }

    func empty() throws {
        Statement.rollBack(connection)
        try queue.inDatabase { _ in
            try begin.run()
            for delete in deletes { try delete.run() }
            try commit.run()
        }
    }

    func difference(from other: KeptFile) throws -> String? {
        for (mine, others) in zip(reads, other.reads) {
            defer {
                mine.rows.reset()
                others.rows.reset()
            }
            while true {
                let (mineLeft, othersLeft) = (try mine.rows.next(), try others.rows.next())
                guard mineLeft || othersLeft else { break }
                guard mineLeft, othersLeft, mine.rows.hasSameRow(as: others.rows) else {
                    let left = mineLeft ? mine.rows.description : "no row"
                    let right = othersLeft ? others.rows.description : "no row"
                    return "\(mine.table): lost (\(left)), rebuilt (\(right))"
                }
            }
        }
        return nil
    }
}

/// A connection by which a shard's owner works, with all that it has prepared.
final class KeptConnection {
    let queue: DatabaseQueue
    let statements: Statements
    private unowned let file: KeptFile
    private let connection: OpaquePointer

    init(_ file: KeptFile, _ configuration: Configuration) throws {
        self.file = file
        queue = try DatabaseQueue(path: file.path, configuration: configuration)
        connection = try queue.inDatabase { db in
            guard let connection = db.sqliteConnection else { throw StoreError(.fatal, "a kept file was closed") }
            return connection
        }
        statements = try Statements(connection)
    }

    /// Nothing is left of who used it: no transaction, nothing half read, and nobody whom SQLite tells of it.
    func giveBack() {
        Statement.rollBack(connection)
        _ = sqlite3_wal_hook(connection, nil, nil)
        file.giveBack(self)
    }
}
