import FuldmagtDomain
import FuldmagtKeys
import FuldmagtRecord
import GRDB
import GRDBSQLite

import struct Foundation.Data

/// One shard: the SQLite database that holds the state of the citizens of one partition.
///
/// Invariants:
/// - State, history, outputs and positions change together, in one transaction, or not at all.
/// - Every transaction checks the epoch that its owner took the shard over with. A later owner has raised it, so a stale
///   one cannot write.
/// - One thread uses a store at a time.
public final class ShardStore: @unchecked Sendable {
    /// What a shard is opened with.
    public struct Options: Sendable {
        /// Folder of the shard files; made where it does not exist.
        public var directory: String
        /// Partitions of the command topics.
        public var partitions: Int32
        /// Page cache, bytes. What is kept in memory of citizens besides takes up to as much as half of it.
        public var cacheBytes: Int
        /// Waits for the disk on every commit. Without it a power failure, not a crash of the process, can undo the last
        /// commits: the file is whole, and as it was earlier. With a changelog that is no loss. What was published is
        /// beyond the file's last frame then, which shows it to be behind; what was not is decided again.
        public var isDurable: Bool
        /// Pages the write-ahead log grows to before it is folded into the database.
        public var checkpointPages: Int
        /// Every changed row goes to the changelog, from which a shard can be rebuilt.
        public var recordsChanges: Bool
        /// Names a file that is made now; unlike every other file of the shard.
        public var lineage: String
        /// Called again and again while a file is brought to this program's schema, which takes long for a large one.
        public var onProgress: @Sendable () -> Void = {}
        /// Between the store and its disk in a simulation.
        package var disk: ShardDisk?

        public init(
            directory: String, partitions: Int32, cacheBytes: Int = 32 << 20, isDurable: Bool = true,
            checkpointPages: Int = 8_000, recordsChanges: Bool = false, lineage: String = "only"
        ) {
            self.recordsChanges = recordsChanges
            self.lineage = lineage
            self.directory = directory
            self.partitions = partitions
            self.cacheBytes = cacheBytes
            self.isDurable = isDurable
            self.checkpointPages = checkpointPages
        }
    }

    public let shard: Int32
    let queue: DatabaseQueue
    /// Where the connection goes when it is of no use here any more; nil where it is closed.
    private var kept: KeptConnection?
    let keys: ClusterKey
    let options: Options
    private var access: ShardAccess?
    /// Nil for a shard in memory.
    private let checkpointer: Checkpointer?
    private var logSize: LogSize?
    private(set) var epoch: Int64 = 0
    /// Names this file of the shard.
    ///
    /// Ends with `~` once it has been taken over without a changelog: then the changelog has a hole.
    public private(set) var lineage = ""
    /// The mark of the frame that this file was rebuilt up to; nil for one that was not.
    public private(set) var rebuiltAt: String?

    /// The file of a shard: `shard-0003.sqlite`.
    public static func fileName(of shard: Int32) -> String {
        let digits = String(shard)
        return "shard-\(String(repeating: "0", count: max(0, 4 - digits.count)))\(digits).sqlite"
    }

    /// Opens a shard, makes it where there is none, and takes it over: from now on no earlier owner can write to it.
    /// - Parameters:
    ///   - owner: told to whoever looks at the file.
    ///   - today: the first day that is taken as reviewed in a new shard.
    public init(shard: Int32, keys: ClusterKey, options: Options, owner: String, today: Day) throws(StoreError) {
        self.shard = shard
        self.keys = keys
        self.options = options
        let path = "\(options.directory)/\(Self.fileName(of: shard))"
        try options.disk?.before(.opening, shard)
        do {
            if let files = options.disk?.files {
                let kept = try files.connect(to: path, Self.configuration(options))
                queue = kept.queue
                self.kept = kept
            } else {
                BlankShard.put(at: path, maker: owner)
                queue = try DatabaseQueue(path: path, configuration: Self.configuration(options))
                try Self.migrate(queue, path: path, onProgress: options.onProgress)
            }
            checkpointer = Checkpointer(path: path, pages: options.checkpointPages)
        } catch {
            throw StoreError(error, doing: "opening \(path)")
        }
        try takeOver(owner: owner, today: today, path: path)
        options.disk?.tookOver(.init(shard: shard, lineage: lineage, epoch: epoch))
    }

    /// A shard in memory, for plans and tests.
    public init(inMemory shard: Int32, keys: ClusterKey, partitions: Int32, today: Day) throws(StoreError) {
        self.shard = shard
        self.keys = keys
        options = Options(directory: "", partitions: partitions)
        checkpointer = nil
        do {
            queue = try DatabaseQueue(configuration: Self.configuration(options))
            try Self.migrate(queue, path: "the shard in memory")
        } catch {
            throw StoreError(error, doing: "opening a shard in memory")
        }
        try takeOver(owner: "memory", today: today, path: "the shard in memory")
    }

    private static func configuration(_ options: Options) -> Configuration {
        _ = SQLiteStatistics.areOff
        var configuration = Configuration()
        configuration.foreignKeysEnabled = true
        // In a simulation nobody else works meanwhile, so that waiting changes nothing.
        configuration.busyMode = options.disk == nil ? .timeout(5) : .immediateError
        // Of the options only what is needed: a kept connection would keep its own files for good.
        let synchronous = options.isDurable ? "FULL" : "NORMAL"
        let cacheKiB = max(options.cacheBytes / 1024, 1024)
        configuration.prepareDatabase { db in
            try db.execute(
                sql: """
                    PRAGMA journal_mode = WAL;
                    PRAGMA synchronous = \(synchronous);
                    PRAGMA secure_delete = ON;
                    PRAGMA temp_store = MEMORY;
                    PRAGMA cache_size = -\(cacheKiB);
                    """)
        }
        return configuration
    }

    /// Brings a file to this program's schema.
    static func migrate(_ queue: DatabaseQueue, path: String, onProgress: @escaping () -> Void = {}) throws {
        let migrator = Schema.migrator
        let applied = try queue.inDatabase { try migrator.appliedIdentifiers($0) }
        let known = Set(migrator.migrations)
        guard applied.isSubset(of: known) else {
            throw StoreError(
                .fatal,
                "\(path) was written by a newer version of this program; this one reads up to schema \(Schema.version). Run the newer version, or move the file away to have the shard rebuilt"
            )
        }
        guard applied != known else { return }
        let connection = queue.inDatabase { $0.sqliteConnection }
        try LongWork.run(connection, onProgress: onProgress) { try migrator.migrate(queue) }
    }

    private func takeOver(owner: String, today: Day, path: String) throws(StoreError) {
        do {
            access = try queue.inDatabase { db in
                guard let connection = db.sqliteConnection else {
                    throw StoreError(.fatal, "\(path) was closed while it was being opened")
                }
                Statement.stopReporting(connection)
                let statements = try kept?.statements ?? Statements(connection)
                try statements.begin.run()
                do throws(StoreError) {
                    try raiseEpoch(statements, owner: owner, today: today, path: path)
                    try statements.commit.run()
                } catch {
                    Statement.rollBack(connection)
                    throw error
                }
                guard try statements.owned.next() else { throw StoreError(.fatal, "\(path) has no meta row") }
                defer { statements.owned.reset() }
                lineage = statements.owned.text(0)
                rebuiltAt = statements.owned.optionalText(1)
                if checkpointer != nil { logSize = LogSize(connection) }
                let recorder =
                    options.recordsChanges
                    ? try ChangeRecorder(connection, shard: shard, topic: Topic.changelog.rawValue) : nil
                let frames =
                    checkpointer == nil
                    ? nil
                    : try FrameFile(
                        besides: path, places: try Self.places(statements.places), waitsForDisk: options.isDurable)
                return ShardAccess(
                    connection, statements, keys: keys, changes: recorder, frames: frames,
                    keyedSince: Int(statements.owned.int(2)), headsAtMost: max(options.cacheBytes / 512, 1024))
            }
        } catch {
            throw StoreError(error, doing: "taking over \(path)")
        }
    }

    private func raiseEpoch(
        _ statements: Statements, owner: String, today: Day, path: String
    ) throws(StoreError) {
        let check = keys.pseudonym(ofText: "key check")
        epoch = 1
        let owning = statements.owning
        defer { owning.reset() }
        if try owning.next() {
            guard owning.int(0) == shard, owning.int(1) == options.partitions else {
                throw StoreError(
                    .fatal,
                    "\(path) is shard \(owning.int(0)) of \(owning.int(1)), but the topics ask for shard \(shard) of \(options.partitions); the partition count cannot change once a shard exists"
                )
            }
            guard try owning.ident(3) == check else {
                throw StoreError(
                    .fatal, "\(path) was written under another cluster key; set the key it was written under")
            }
            epoch = owning.int(2) + 1
        } else {
            try statements.insertMeta.bind(1, Int64(shard)).bind(2, Int64(options.partitions)).bind(3, check)
                .bind(4, today).run()
        }
        owning.reset()
        try statements.setOwner.bind(1, epoch).bind(2, owner).bind(3, options.lineage)
            .bind(4, options.recordsChanges ? 1 : 0).run()
    }

    private static func places(_ rows: Statement) throws(StoreError) -> [FrameFile.Place] {
        var places: [FrameFile.Place] = []
        while try rows.next() {
            places.append(.init(frame: rows.int(0), start: rows.int(1), size: Int(rows.int(2))))
        }
        return places
    }

    /// A store that is dropped as it is: what watches the connection goes before it does.
    deinit {
        access = nil
        kept?.giveBack()
    }

    // MARK: Turns

    /// Does one turn: everything that `body` writes commits together, guarded by the epoch, or not at all.
    public func turn<Result>(_ body: (ShardAccess) throws -> Result) throws(StoreError) -> Result {
        guard let access else { throw StoreError(.fatal, "shard \(shard) is closed") }
        try checkpointer?.throwFailure()
        try options.disk?.before(.beginning, shard)
        do {
            let result = try queue.inDatabase { _ in
                try access.begin(epoch: options.disk?.checksEpoch == false ? nil : epoch)
                do {
                    let result = try body(access)
                    try options.disk?.before(.committing, shard)
                    try access.commit()
                    return result
                } catch {
                    access.rollBack()
                    throw error
                }
            }
            if let logSize, let checkpointer { checkpointer.committed(pagesInLog: logSize.pages) }
            return result
        } catch {
            throw StoreError(error, doing: "shard \(shard)")
        }
    }

    /// Closes the file. The store is of no use afterwards.
    public func close() throws(StoreError) {
        do {
            queue.inDatabase { _ in access = nil }
            try checkpointer?.close()
            if let kept {
                self.kept = nil
                kept.giveBack()
            } else {
                try queue.close()
            }
        } catch {
            throw StoreError(error, doing: "closing shard \(shard)")
        }
    }
}

extension Ident {
    /// Sixteen bytes, as GRDB stores a BLOB.
    var data: Data { withBytes { Data($0) } }
}
