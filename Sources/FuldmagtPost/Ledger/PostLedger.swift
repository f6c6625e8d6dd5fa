import Crypto
import FuldmagtDomain
import FuldmagtJSON
import FuldmagtKeys
import FuldmagtRecord
import GRDB

/// What one consumer knows of the notifications of its channel: an SQLite file, and the only thing that must survive its
/// death.
///
/// Positions in the topic stand beside what was read up to them, so both are kept or neither. What is still to be said is
/// sealed under the cluster key, and forgotten once the transport has it. One process at a time may use a ledger for
/// sending; whoever reads receipts looks into it with `LedgerReader`.
public final class PostLedger {
    private let queue: DatabaseQueue
    private let keys: ClusterKey
    public let channel: PostChannel
    private let document = JSONDocument()
    /// At most so many notifications are one message.
    private static let bundleLimit = 50
    /// What is due later than any quiet period or pause allows is from before the clock was set back, and is due now.
    private static let isDue = "(due <= ?1 OR due > ?1 + 90000000)"

    /// Opens the file, or makes it.
    /// - Parameters:
    ///   - path: of the file.
    ///   - channel: whose notifications it is about; a file is never used for another.
    public init(path: String, keys: ClusterKey, channel: PostChannel) throws {
        self.keys = keys
        self.channel = channel
        var configuration = Configuration()
        configuration.busyMode = .timeout(10)
        configuration.prepareDatabase { db in
            try db.execute(sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")
        }
        queue = try DatabaseQueue(path: path, configuration: configuration)
        try queue.write { db in
            try db.execute(sql: Self.schema)
            if try !db.columns(in: "notifications").contains(where: { $0.name == "attempts" }) {
                try db.execute(sql: "ALTER TABLE notifications ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0")
            }
            if try !db.columns(in: "notifications").contains(where: { $0.name == "doubtful" }) {
                // Of attempts made before this was noted nobody knows.
                try db.execute(
                    sql: """
                        ALTER TABLE notifications ADD COLUMN doubtful INTEGER NOT NULL DEFAULT 0
                            CHECK (doubtful IN (0, 1));
                        UPDATE notifications SET doubtful = 1 WHERE attempts > 0;
                        """)
            }
            try db.execute(
                sql: "INSERT OR IGNORE INTO meta (name, value) VALUES ('version', '1'), ('channel', ?)",
                arguments: [channel.rawValue])
        }
        let found = try queue.read { try String.fetchOne($0, sql: "SELECT value FROM meta WHERE name = 'channel'") }
        guard found == channel.rawValue else {
            throw LedgerMisuse(description: "\(path) is the ledger of \(found ?? "nobody"), not of \(channel.rawValue)")
        }
    }

    public struct LedgerMisuse: Error, CustomStringConvertible {
        public let description: String
    }

    private static let schema = """
        CREATE TABLE IF NOT EXISTS meta (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT;
        CREATE TABLE IF NOT EXISTS positions (
            partition INTEGER NOT NULL PRIMARY KEY, next INTEGER NOT NULL CHECK (next >= 0)) STRICT;
        CREATE TABLE IF NOT EXISTS notifications (
            row INTEGER PRIMARY KEY,
            id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
            recipient BLOB NOT NULL CHECK (length(recipient) = 16),
            shard INTEGER NOT NULL CHECK (shard >= 0),
            bundle BLOB NOT NULL CHECK (length(bundle) = 16),
            state TEXT NOT NULL
                CHECK (state IN ('queued', 'fixed', 'sent', 'failed', 'cancelled', 'elsewhere')),
            due INTEGER NOT NULL,
            message BLOB CHECK (length(message) = 16),
            fixedAt INTEGER,
            endedAt INTEGER,
            code TEXT,
            told INTEGER CHECK (told IN (0, 1)),
            sealed BLOB,
            attempts INTEGER NOT NULL DEFAULT 0,
            doubtful INTEGER NOT NULL DEFAULT 0 CHECK (doubtful IN (0, 1)),
            CHECK (state NOT IN ('fixed', 'sent', 'failed') OR (message IS NOT NULL AND fixedAt IS NOT NULL)),
            CHECK (state NOT IN ('queued', 'fixed') OR sealed IS NOT NULL)) STRICT;
        CREATE INDEX IF NOT EXISTS waiting ON notifications (state, due, row) WHERE state IN ('queued', 'fixed');
        CREATE INDEX IF NOT EXISTS bundles ON notifications (bundle) WHERE state = 'queued';
        CREATE INDEX IF NOT EXISTS messages ON notifications (message) WHERE message IS NOT NULL;
        CREATE INDEX IF NOT EXISTS untold ON notifications (row) WHERE told = 0;
        """

    public func close() throws { try queue.close() }

    // MARK: What is read

    /// Positions next to read, by partition of `fuldmagt.notifications`.
    public func positions() throws -> [Int32: Int64] {
        try queue.read { db in
            let rows = try Row.fetchAll(db, sql: "SELECT partition, next FROM positions")
            return Dictionary(uniqueKeysWithValues: rows.map { ($0["partition"], $0["next"]) })
        }
    }

    /// A notification with the bytes it was read from.
    public struct Arrived: Sendable {
        public var notification: PostNotification
        public var value: [UInt8]

        public init(_ notification: PostNotification, value: [UInt8]) {
            self.notification = notification
            self.value = value
        }
    }

    /// What became of arrivals.
    public struct Taken: Equatable, Sendable {
        public var queued = 0
        public var cancelled = 0
        public var rerouted = 0

        public init() {}
    }

    /// Takes records in, in the order of their partitions, with the positions behind them: all or nothing.
    /// - Parameters:
    ///   - now: when they were read.
    ///   - quietSeconds: how long a notification waits for others of its cause and recipient; 0 sends each by itself.
    @discardableResult
    public func take(
        _ arrivals: [Arrived], positions: [Int32: Int64], now: Instant, quietSeconds: Int
    ) throws -> Taken {
        try queue.write { db in
            var taken = Taken()
            for arrived in arrivals { try take(arrived, db, now, quietSeconds, &taken) }
            for (partition, next) in positions {
                try db.cachedStatement(
                    sql:
                        "INSERT INTO positions VALUES (?, ?) ON CONFLICT (partition) DO UPDATE SET next = excluded.next"
                ).execute(arguments: [partition, next])
            }
            return taken
        }
    }

    private func take(_ arrived: Arrived, _ db: Database, _ now: Instant, _ quietSeconds: Int, _ taken: inout Taken)
        throws
    {
        let notification = arrived.notification
        let id = notification.id.data
        let known = try Row.fetchOne(
            db.cachedStatement(sql: "SELECT row, state FROM notifications WHERE id = ?"), arguments: [id])
        let state = (known?["state"] as String?).flatMap { LedgerState(rawValue: $0) }
        let arrival = LedgerState.Arrival(notification, inLedgerOf: channel)
        guard let next = LedgerState.after(arrival, state) else { return }
        switch next {
        case .queued: taken.queued += 1
        case .cancelled where known != nil: taken.cancelled += 1
        case .elsewhere where known != nil: taken.rerouted += 1
        default: break
        }
        let isOpen = next == .queued
        let due = now.milliseconds + Int64(quietSeconds) * 1000
        let sealed = isOpen ? keys.seal(frame: arrived.value).data : nil
        if let row = known?["row"] as Int64? {
            // Receipts of a message are about what may have travelled in it: not about what left it before that.
            try db.cachedStatement(
                sql: """
                    UPDATE notifications SET state = ?, due = ?, sealed = ?, endedAt = ?,
                        message = CASE doubtful WHEN 0 THEN NULL ELSE message END
                    WHERE row = ?
                    """
            ).execute(arguments: [next.rawValue, due, sealed, isOpen ? nil : now.milliseconds, row])
        } else {
            let bundle = quietSeconds > 0 ? Self.bundle(of: notification).data : id
            try db.cachedStatement(
                sql: """
                    INSERT INTO notifications (id, recipient, shard, bundle, state, due, sealed, endedAt)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                    """
            ).execute(
                arguments: [
                    id, notification.pseudonym.data, notification.shard, bundle, next.rawValue, due, sealed,
                    isOpen ? nil : now.milliseconds,
                ])
        }
    }

    /// The same for what may be one message: recipient, cause, sender and language.
    private static func bundle(of notification: PostNotification) -> Ident {
        var hash = SHA256()
        notification.pseudonym.withBytes { hash.update(bufferPointer: $0) }
        for text in [notification.cause, notification.sender.cvr, notification.sender.name, notification.language] {
            withUnsafeBytes(of: UInt32(text.utf8.count).littleEndian) { hash.update(bufferPointer: $0) }
            hash.update(data: Array(text.utf8))
        }
        return hash.finalize().withUnsafeBytes { Ident($0) }
    }

    // MARK: What is sent

    /// Notes that what an attempt was not concluded for may be on its way: its id stays the same whatever comes.
    public func doubtUnsettled() throws {
        try queue.write { db in
            try db.execute(
                sql: "UPDATE notifications SET attempts = attempts + 1, doubtful = 1 WHERE state = 'fixed'")
        }
    }

    /// Messages that an attempt was not concluded for.
    public func unsettled() throws -> [Ident] {
        try queue.read { db in
            try Row.fetchAll(db, sql: "SELECT DISTINCT message FROM notifications WHERE state = 'fixed'")
                .map { Self.ident($0["message"]) }
        }
    }

    /// Chooses what is sent now and fixes its ids, durably: what an attempt was not concluded for, then what is due, in the
    /// order of arrival. What has failed most often comes last, and leaves room for others.
    /// - Parameter alone: whether nothing joins what an attempt was not concluded for.
    /// - Returns: the same messages, under the same ids and times, until `settle` says what became of them.
    public func fix(limit: Int, alone: Bool, now: Instant) throws -> [OutgoingMessage] {
        try durably { db in
            let unsettled = try unsettled(db, limit: limit, now: now)
            guard unsettled.isEmpty || !alone else { return unsettled }
            var messages: [OutgoingMessage] = []
            let due = try Row.fetchAll(
                db.cachedStatement(
                    sql: """
                        SELECT row, id, bundle FROM notifications WHERE state = 'queued' AND \(Self.isDue)
                        ORDER BY due, row LIMIT ?2
                        """), arguments: [now.milliseconds, limit - min(unsettled.count, (limit + 1) / 2)])
            var fixed: Set<[UInt8]> = []
            for row in due {
                let id: [UInt8] = Self.bytes(row["id"])
                let bundle: [UInt8] = Self.bytes(row["bundle"])
                guard fixed.insert(bundle).inserted else { continue }
                let rows: [Int64] =
                    bundle == id
                    ? [row["row"]]
                    : try Int64.fetchAll(
                        db.cachedStatement(
                            sql:
                                "SELECT row FROM notifications WHERE bundle = ? AND state = 'queued' ORDER BY row LIMIT ?"
                        ), arguments: [bundle.data, Self.bundleLimit])
                let first = try Row.fetchOne(
                    db.cachedStatement(sql: "SELECT id FROM notifications WHERE row = ?"), arguments: [rows[0]])
                guard let first else { continue }
                for row in rows {
                    try db.cachedStatement(
                        sql: "UPDATE notifications SET state = 'fixed', message = ?, fixedAt = ?, due = ? WHERE row = ?"
                    ).execute(arguments: [first["id"] as DatabaseValue, now.milliseconds, now.milliseconds, row])
                }
                messages.append(try message(Self.bytes(first["id"]), db, fixedAt: now))
            }
            return messages + unsettled.prefix(limit - messages.count)
        }
    }

    /// A transaction that is on the disk when this returns, and with it all before it. A power cut may undo what others
    /// stored since: it is then read, sent or told again, as after a death.
    private func durably<Result>(_ body: (Database) throws -> Result) throws -> Result {
        try queue.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA synchronous = FULL")
            var result: Result?
            try db.inTransaction {
                result = try body(db)
                return .commit
            }
            try db.execute(sql: "PRAGMA synchronous = NORMAL")
            guard let result else { preconditionFailure("a transaction ends with a result") }
            return result
        }
    }

    private func unsettled(_ db: Database, limit: Int, now: Instant) throws -> [OutgoingMessage] {
        let rows = try Row.fetchAll(
            db.cachedStatement(
                sql: """
                    SELECT message, min(fixedAt) AS fixedAt, min(row) AS first FROM notifications
                    WHERE state = 'fixed' AND \(Self.isDue) GROUP BY message ORDER BY max(attempts), first LIMIT ?2
                    """), arguments: [now.milliseconds, limit])
        return try rows.map { row in
            try message(Self.bytes(row["message"]), db, fixedAt: Instant(milliseconds: row["fixedAt"]))
        }
    }

    private func message(_ id: [UInt8], _ db: Database, fixedAt: Instant) throws -> OutgoingMessage {
        let rows = try Row.fetchAll(
            db.cachedStatement(
                sql: """
                    SELECT sealed, recipient, shard FROM notifications WHERE message = ? AND state = 'fixed' ORDER BY row
                    """), arguments: [id.data])
        let parts = try rows.map { row in
            let value = try keys.open(frame: Self.bytes(row["sealed"]))
            return try value.withUnsafeBytes {
                try PostNotification.read(
                    $0, pseudonym: Self.ident(row["recipient"]), shard: row["shard"], into: document)
            }
        }
        return OutgoingMessage(id: id.withUnsafeBytes { Ident($0) }, fixedAt: fixedAt, parts: parts)
    }

    /// What an attempt to send a message came to.
    public enum Sending: Equatable, Sendable {
        /// The transport has it.
        case sent
        /// The transport refuses it for good, with a code of its own.
        case refused(code: String)
        /// Not known, or not now: the same again at this time.
        /// - Parameter isInDoubt: whether the transport may have it all the same.
        case again(at: Instant, isInDoubt: Bool = false)
        /// It was not handed over, as something was written about it meanwhile that has to be read first.
        case withheld
    }

    /// Notes what attempts came to.
    public func settle(_ results: [(message: Ident, sending: Sending)], now: Instant) throws {
        guard !results.isEmpty else { return }
        try queue.write { db in
            for (message, sending) in results {
                switch sending {
                case .sent: try end(message, .sent, code: nil, db, now)
                case .refused(let code): try end(message, .failed, code: code, db, now)
                case .again(let time, let isInDoubt):
                    try db.cachedStatement(
                        sql: """
                            UPDATE notifications SET due = ?, attempts = attempts + 1, doubtful = max(doubtful, ?)
                            WHERE message = ? AND state = 'fixed'
                            """
                    ).execute(arguments: [time.milliseconds, isInDoubt ? 1 : 0, message.data])
                case .withheld:
                    // As if it had never been fixed, unless an earlier attempt may have brought it there.
                    try db.cachedStatement(
                        sql: """
                            UPDATE notifications SET state = 'queued', message = NULL, fixedAt = NULL
                            WHERE message = ? AND state = 'fixed' AND attempts = 0
                            """
                    ).execute(arguments: [message.data])
                }
            }
        }
    }

    private func end(_ message: Ident, _ state: LedgerState, code: String?, _ db: Database, _ now: Instant) throws {
        try db.cachedStatement(
            sql: """
                UPDATE notifications SET state = ?, endedAt = ?, code = ?, told = 0, sealed = NULL
                WHERE message = ? AND state = 'fixed'
                """
        ).execute(arguments: [state.rawValue, now.milliseconds, code, message.data])
    }

    // MARK: What is told

    /// A receipt that is still to be written: the transport has a notification, or refuses it.
    public struct Untold: Sendable, Equatable {
        var row: Int64
        public var receipt: PostReceipt
    }

    public func untold(limit: Int) throws -> [Untold] {
        try queue.read { db in
            let rows = try Row.fetchAll(
                db.cachedStatement(
                    sql: """
                        SELECT row, id, recipient, shard, message, state, endedAt, code FROM notifications
                        WHERE told = 0 ORDER BY row LIMIT ?
                        """), arguments: [limit])
            return rows.map { row in
                let isSent = row["state"] as String == LedgerState.sent.rawValue
                return Untold(
                    row: row["row"],
                    receipt: PostReceipt(
                        notification: Self.ident(row["id"]),
                        address: ReceiptAddress(pseudonym: Self.ident(row["recipient"]), shard: row["shard"]),
                        transport: channel, status: isSent ? .submitted : .failed,
                        transportID: Self.ident(row["message"]).uuidText, code: row["code"], detail: nil,
                        at: Instant(milliseconds: row["endedAt"])))
            }
        }
    }

    /// Notes that receipts are written. A death before this writes them again, with the same ids.
    public func told(_ untold: [Untold]) throws {
        guard !untold.isEmpty else { return }
        try queue.write { db in
            for item in untold {
                try db.cachedStatement(sql: "UPDATE notifications SET told = 1 WHERE row = ?")
                    .execute(arguments: [item.row])
            }
        }
    }

    // MARK: Keeping house

    /// Forgets what ended before a time and is told. Receipts for it are unknown afterwards.
    public func forget(endedBefore time: Instant) throws {
        try queue.write { db in
            try db.execute(
                sql: """
                    DELETE FROM notifications WHERE endedAt < ? AND state NOT IN ('queued', 'fixed') AND told IS NOT 0
                    """, arguments: [time.milliseconds])
        }
    }

    /// Notifications by state.
    public func counts() throws -> [LedgerState: Int] {
        try queue.read { db in
            let rows = try Row.fetchAll(db, sql: "SELECT state, count(*) AS count FROM notifications GROUP BY state")
            return Dictionary(
                uniqueKeysWithValues: rows.compactMap { row in
                    LedgerState(rawValue: row["state"]).map { ($0, row["count"]) }
                })
        }
    }

    /// What waits: notifications, when the first of them falls due, and receipts that are still to be written.
    public struct Waiting: Equatable, Sendable {
        public var notifications = 0
        public var due: Instant?
        public var untold = 0
    }

    public func waiting() throws -> Waiting {
        try queue.read { db in
            var waiting = Waiting()
            if let row = try Row.fetchOne(
                db, sql: "SELECT count(*), min(due) FROM notifications WHERE state IN ('queued', 'fixed')")
            {
                waiting.notifications = row[0]
                waiting.due = (row[1] as Int64?).map { Instant(milliseconds: $0) }
            }
            waiting.untold = try Int.fetchOne(db, sql: "SELECT count(*) FROM notifications WHERE told = 0") ?? 0
            return waiting
        }
    }

    /// Values of the schema's own columns.
    static func bytes(_ value: DatabaseValue) -> [UInt8] {
        switch value.storage {
        case .blob(let data): [UInt8](data)
        default: []
        }
    }

    static func ident(_ value: DatabaseValue) -> Ident {
        let bytes = bytes(value)
        guard bytes.count == 16 else { return Ident(high: 0, low: 0) }
        return bytes.withUnsafeBytes { Ident($0) }
    }
}
