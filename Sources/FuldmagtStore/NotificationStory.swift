import FuldmagtDomain
import GRDB

import struct Foundation.Data

/// One notification with all that has happened to it, for people. Holds no number of a person.
public struct NotificationStory: Sendable {
    public var shard: Int32
    /// The recipient's pseudonym.
    public var citizen: Ident
    public var id: Ident
    public var kind: String
    public var grant: Ident?
    public var sender: Sender
    public var createdAt: Instant
    public var cancelledAt: Instant?
    public var standing: PostStanding
    /// The channel it was first written for.
    public var firstChannel: PostChannel
    /// When it is too long that nothing has come; nil where nothing is waited for, or nothing has happened yet.
    public var due: Instant?
    public var entries: [TimelineEntry]

    /// Looks for a notification in a shard's file. Nothing is changed.
    ///
    /// One that a receipt has come for is found at once; for one that has just been written, all are looked through.
    /// - Returns: nil where the shard does not have it.
    public static func find(_ id: Ident, shard: Int32, path: String) throws(StoreError) -> NotificationStory? {
        do {
            let queue = try DatabaseQueue(path: path, configuration: ShardFiles.readOnly)
            let story = try queue.read { db -> NotificationStory? in
                let known = try Int64.fetchOne(
                    db, sql: "SELECT notification FROM posts WHERE id = ?", arguments: [id.data])
                let found =
                    try known
                    ?? Int64.fetchOne(db, sql: "SELECT row FROM notifications WHERE id = ?", arguments: [id.data])
                guard let found else { return nil }
                return try read(found, shard: shard, db)
            }
            try queue.close()
            return story
        } catch {
            throw StoreError(error, doing: "reading \(path)")
        }
    }

    private static func read(_ row: Int64, shard: Int32, _ db: Database) throws -> NotificationStory? {
        let sql = """
            SELECT c.pseudonym, n.id, n.kind, n.grant_id, n.channel, n.created_at, n.cancelled_at, s.cvr, s.name, p.state,
              p.due
            FROM notifications n JOIN citizens c ON c.row = n.citizen JOIN senders s ON s.row = n.sender
              LEFT JOIN posts p ON p.notification = n.row
            WHERE n.row = ?
            """
        guard let found = try Row.fetchOne(db, sql: sql, arguments: [row]),
            let channel = PostChannel(rawValue: found["channel"])
        else { return nil }
        let cancelledAt: Int64? = found["cancelled_at"]
        let text: String? = found["state"]
        let state = text.flatMap { PostState(rawValue: $0) } ?? (cancelledAt == nil ? .queued : .cancelled)
        let entries = try Row.fetchAll(
            db, sql: "SELECT * FROM timeline WHERE notification = ? ORDER BY entry", arguments: [row]
        ).compactMap(entry)
        let due: Int64? = found["due"]
        let grant: Data? = found["grant_id"]
        // A letter that no entry made one was written as one.
        let isRerouted = entries.contains { $0.standing.channel == .letter }
        return NotificationStory(
            shard: shard, citizen: ident(found["pseudonym"]), id: ident(found["id"]), kind: found["kind"],
            grant: grant.map(ident), sender: Sender(cvr: found["cvr"], name: found["name"]),
            createdAt: Instant(milliseconds: found["created_at"]),
            cancelledAt: cancelledAt.map { Instant(milliseconds: $0) }, standing: PostStanding(channel, state),
            firstChannel: isRerouted && entries.first.map(Self.wasDigital) ?? false ? .digitalPost : channel,
            due: due.map { Instant(milliseconds: $0) }, entries: entries)
    }

    /// Whether the first thing that happened happened to Digital Post.
    private static func wasDigital(_ entry: TimelineEntry) -> Bool {
        switch entry.event {
        case .receipt(let transport, _): transport == .digitalPost
        case .exempted: true
        // A letter that is overdue becomes a task.
        case .overdue: entry.standing.state == .queued
        case .cancelled: false
        }
    }

    private static func ident(_ data: Data) -> Ident { data.withUnsafeBytes { Ident($0) } }

    private static func entry(_ row: Row) -> TimelineEntry? {
        let name: String = row["event"]
        let transport: String? = row["transport"]
        let event: PostEvent
        switch name {
        case "exempted": event = .exempted
        case "overdue": event = .overdue
        case "cancelled": event = .cancelled
        default:
            guard let transport = transport.flatMap({ PostChannel(rawValue: $0) }),
                let status = ReceiptStatus(rawValue: name)
            else { return nil }
            event = .receipt(transport, status)
        }
        guard let channel = PostChannel(rawValue: row["channel"]), let state = PostState(rawValue: row["state"]) else {
            return nil
        }
        return TimelineEntry(
            event, PostStanding(channel, state), at: Instant(milliseconds: row["at"]),
            notedAt: Instant(milliseconds: row["noted_at"]), code: row["code"], detail: row["detail"],
            source: row["source"], receipt: row["receipt"])
    }
}
