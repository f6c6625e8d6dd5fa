import FuldmagtDomain
import FuldmagtKeys
import GRDB

import struct Foundation.Data

/// One shard's file as it was at one moment, read only: what a worker writes meanwhile is not seen, and nothing is taken
/// over or changed.
///
/// While it is open the write-ahead log of that file cannot be folded away, so it grows with what the worker writes.
public final class ShardSnapshot {
    public let shard: Int32
    /// Partitions of the command topics.
    public let partitions: Int32
    private let queue: DatabaseQueue
    private var access: ShardAccess?

    /// - Parameter path: of a shard file.
    /// - Throws: when it cannot be read, or was written under another cluster key.
    public init(path: String, keys: ClusterKey) throws(StoreError) {
        do {
            var configuration = ShardFiles.readOnly
            configuration.allowsUnsafeTransactions = true
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            let opened = try queue.inDatabase { db -> (Int32, Int32, ShardAccess) in
                try db.execute(sql: "BEGIN")
                // The first read is what fixes the moment.
                guard let row = try Row.fetchOne(db, sql: "SELECT shard, partitions, key_check FROM meta") else {
                    throw StoreError(.fatal, "\(path) has no meta row; was it ever taken over by a worker?")
                }
                let check: Data = row["key_check"]
                guard check == keys.pseudonym(ofText: "key check").data else {
                    throw StoreError(
                        .fatal, "\(path) was written under another cluster key; set the key it was written under")
                }
                guard let connection = db.sqliteConnection else {
                    throw StoreError(.fatal, "\(path) was closed while it was being opened")
                }
                let access = ShardAccess(
                    connection, try Statements(connection), keys: keys, changes: nil, frames: nil, headsAtMost: 1024)
                return (row["shard"], row["partitions"], access)
            }
            self.queue = queue
            (shard, partitions, access) = opened
        } catch {
            throw StoreError(error, doing: "reading \(path)")
        }
    }

    /// Reads the sections of a citizen's file; empty where nothing is stored about them.
    /// - Parameter grants: also the notifications about these.
    public func file(
        of citizen: Identity, _ sections: FileSections, notificationsAbout grants: [Ident] = []
    ) throws(StoreError) -> CitizenFile {
        try read { access in
            var loaded = try access.file(of: citizen)
            try access.load(sections, into: &loaded)
            try access.loadNotifications(about: grants, into: &loaded)
            return loaded.file
        }
    }

    /// The digest of the content that was decided under a command's source and id; nil when none was.
    public func processed(_ command: CommandKey) throws(StoreError) -> Ident? {
        try read { try $0.content(ofProcessed: command.key) ?? $0.content(ofProcessed: command.digest) }
    }

    /// Who a pseudonym stands for; nil when nothing is stored about them.
    public func citizen(_ pseudonym: Ident) throws(StoreError) -> KnownCitizen? {
        try read { try $0.citizen(pseudonym) }
    }

    /// Calls `body` with each citizen who lives in a municipality, by pseudonym.
    public func forEachResident(of municipality: Municipality, _ body: (KnownCitizen) throws -> Void) throws {
        var after: Ident?
        while true {
            let citizens = try read { try $0.citizens(of: municipality, after: after, limit: Self.page) }
            for citizen in citizens { try body(citizen) }
            guard citizens.count == Self.page else { return }
            after = citizens.last?.pseudonym
        }
    }

    /// Calls `body` with each citizen who has a living grant of a package; with some of them more than once.
    public func forEachGrantor(of package: String, _ body: (KnownCitizen) throws -> Void) throws {
        var row: Int64? = 0
        while let from = row {
            let (citizens, next) = try read { try $0.citizens(withGrantsOf: package, from: from, rows: Self.page) }
            for citizen in citizens { try body(citizen) }
            row = next
        }
    }

    /// Citizens, or grants, that are read at a time.
    private static let page = 2_000

    /// What made a grant what it is now.
    /// - Parameter grant: as it was read from this snapshot.
    public func lastCause(of grant: Grant) throws(StoreError) -> Cause? {
        try read { try $0.lastCause(of: grant) }
    }

    private func read<Result>(_ body: (ShardAccess) throws -> Result) throws(StoreError) -> Result {
        guard let access else { throw StoreError(.fatal, "the snapshot of shard \(shard) is closed") }
        do {
            return try queue.inDatabase { _ in try body(access) }
        } catch {
            throw StoreError(error, doing: "reading shard \(shard)")
        }
    }

    /// Lets the file go. The snapshot is of no use afterwards.
    public func close() throws(StoreError) {
        do {
            queue.inDatabase { _ in access = nil }
            try queue.inDatabase { try $0.execute(sql: "ROLLBACK") }
            try queue.close()
        } catch {
            throw StoreError(error, doing: "closing shard \(shard)")
        }
    }
}

extension ShardAccess {
    func lastCause(of grant: Grant) throws(StoreError) -> Cause? {
        let rows = statements.readLastCause.bind(1, grant.row).bind(2, grant.entry)
        guard try rows.next() else { return nil }
        defer { rows.reset() }
        return try cause(id: rows.text(0), origin: rows.int(1), extensions: rows.optionalText(2))
    }

    /// What `claim` noted of a command.
    func content(ofProcessed command: Ident) throws(StoreError) -> Ident? {
        guard try statements.claimed.bind(1, command).next() else { return nil }
        defer { statements.claimed.reset() }
        return try statements.claimed.ident(0)
    }
}
