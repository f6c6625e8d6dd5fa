import Foundation
import FuldmagtDomain
import GRDB

extension [UInt8] {
    /// As GRDB stores a BLOB.
    var data: Data { Data(self) }
}

extension Ident {
    /// As GRDB stores a BLOB.
    var data: Data { withBytes { Data($0) } }
}

/// Looks into the ledgers of senders, which may be at work: who was told under an id, and where receipts go.
public final class LedgerReader {
    private let paths: [String]
    private var queues: [String: DatabaseQueue] = [:]

    /// - Parameter paths: of ledgers; one that is not there yet is looked for again.
    public init(paths: [String]) { self.paths = paths }

    /// A notification that travelled in a message.
    public struct Found: Equatable, Sendable {
        public var notification: Ident
        public var address: ReceiptAddress
        public var channel: PostChannel
    }

    /// All notifications of a message, in all ledgers.
    public func notifications(ofMessage message: Ident) throws -> [Found] {
        var found: [Found] = []
        for path in paths {
            guard let (queue, channel) = try opened(path) else { continue }
            found += try queue.read { db in
                let rows = try Row.fetchAll(
                    db.cachedStatement(
                        sql: "SELECT id, recipient, shard FROM notifications WHERE message = ? ORDER BY row"),
                    arguments: [message.data])
                return rows.map { row in
                    Found(
                        notification: PostLedger.ident(row["id"]),
                        address: ReceiptAddress(
                            pseudonym: PostLedger.ident(row["recipient"]), shard: row["shard"]), channel: channel)
                }
            }
        }
        return found
    }

    /// What a ledger holds.
    public struct Account: Equatable, Sendable {
        public var channel: PostChannel
        public var notifications: [LedgerState: Int] = [:]
        /// Different messages that the transport has.
        public var sentMessages = 0
        /// Receipts that are still to be written.
        public var untold = 0
        /// Positions next to read, of all partitions together.
        public var position: Int64 = 0
    }

    /// For each ledger that is there.
    public func accounts() throws -> [Account] {
        var all: [Account] = []
        for path in paths {
            guard let (queue, channel) = try opened(path) else { continue }
            var account = Account(channel: channel)
            try queue.read { db in
                for row in try Row.fetchAll(
                    db, sql: "SELECT state, count(*) AS count FROM notifications GROUP BY state")
                {
                    if let state = LedgerState(rawValue: row["state"]) { account.notifications[state] = row["count"] }
                }
                account.sentMessages =
                    try Int.fetchOne(db, sql: "SELECT count(DISTINCT message) FROM notifications WHERE state = 'sent'")
                    ?? 0
                account.position = try Int64.fetchOne(db, sql: "SELECT sum(next) FROM positions") ?? 0
                account.untold = try Int.fetchOne(db, sql: "SELECT count(*) FROM notifications WHERE told = 0") ?? 0
            }
            all.append(account)
        }
        return all
    }

    private func opened(_ path: String) throws -> (DatabaseQueue, PostChannel)? {
        if queues[path] == nil {
            guard FileManager.default.fileExists(atPath: path) else { return nil }
            var configuration = Configuration()
            configuration.readonly = true
            configuration.busyMode = .timeout(10)
            queues[path] = try DatabaseQueue(path: path, configuration: configuration)
        }
        guard let queue = queues[path] else { return nil }
        let channel = try queue.read { db in
            guard try db.tableExists("meta"), try db.tableExists("notifications") else { return nil as String? }
            return try String.fetchOne(db, sql: "SELECT value FROM meta WHERE name = 'channel'")
        }
        return channel.flatMap { PostChannel(rawValue: $0) }.map { (queue, $0) }
    }
}
