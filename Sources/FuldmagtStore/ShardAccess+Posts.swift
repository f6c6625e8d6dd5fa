import FuldmagtDomain

/// A notification in a shard, with what is needed to move it on.
public struct StoredNotification: Sendable {
    public var notification: Notification
    public var standing: PostStanding
    /// Number of the next entry of its timeline; 0 where there is none yet.
    var nextEntry: Int
    /// The recipient's row.
    var citizen: Int64
    var row: Int64 { notification.row }
}

/// Finds a citizen's notifications by id, which no index does: the newest first, as receipts come soon. What was looked at
/// is kept while receipts for the same citizen follow in a turn.
public struct NotificationFinder {
    private var citizen: Int64 = 0
    private var rows: [Ident: Int64] = [:]
    private var below = Int64.max
    private var newest: Int64 = 0
    private static let page = 2_000

    public init() {}

    mutating func row(of id: Ident, citizen: Int64, _ access: ShardAccess) throws(StoreError) -> Int64? {
        let statements = try access.postStatements()
        if try statements.find.bind(1, id).next() {
            defer { statements.find.reset() }
            return statements.find.int(0)
        }
        if citizen != self.citizen {
            self = NotificationFinder()
            self.citizen = citizen
        }
        if let row = rows[id] { return row }
        // What was written since stands above what was looked at.
        try look(statements, from: Int64.max, downTo: newest)
        if let row = rows[id] { return row }
        while below > 0, rows[id] == nil { try look(statements, from: below, downTo: 0) }
        return rows[id]
    }

    private mutating func look(_ statements: PostStatements, from: Int64, downTo: Int64) throws(StoreError) {
        let found = statements.olderOf.bind(1, citizen).bind(2, from).bind(3, Self.page)
        var count = 0
        while try found.next() {
            let row = found.int(0)
            if row <= downTo {
                found.reset()
                return
            }
            rows[try found.ident(1)] = row
            newest = max(newest, row)
            below = min(below, row)
            count += 1
        }
        if count < Self.page, downTo == 0 { below = 0 }
    }
}

/// One entry of a timeline.
public struct TimelineEntry: Sendable, Equatable {
    public var event: PostEvent
    /// Where the notification stands since.
    public var standing: PostStanding
    /// As the transport says; the time of the record for what no transport says.
    public var at: Instant
    /// When it was processed.
    public var notedAt: Instant
    public var code: String?
    public var detail: String?
    /// Source and id of the receipt.
    public var source: String?
    public var receipt: String?

    public init(
        _ event: PostEvent, _ standing: PostStanding, at: Instant, notedAt: Instant, code: String? = nil,
        detail: String? = nil, source: String? = nil, receipt: String? = nil
    ) {
        self.event = event
        self.standing = standing
        self.at = at
        self.notedAt = notedAt
        self.code = code
        self.detail = detail
        self.source = source
        self.receipt = receipt
    }
}

extension ShardAccess {
    // MARK: Timelines

    /// A notification by id among a citizen's; nil where they have none of it.
    public func notification(
        _ id: Ident, of loaded: LoadedFile, finder: inout NotificationFinder
    ) throws(StoreError) -> StoredNotification? {
        guard let citizen = loaded.row, let row = try finder.row(of: id, citizen: citizen, self) else { return nil }
        return try notification(at: row)
    }

    func notification(at row: Int64) throws(StoreError) -> StoredNotification? {
        let statements = try postStatements()
        let rows = statements.notification.bind(1, row)
        guard try rows.next() else { return nil }
        defer { rows.reset() }
        let notification = try notification(rows)
        return StoredNotification(
            notification: notification, standing: PostStanding(notification.channel, notification.state),
            nextEntry: try nextEntry(of: row), citizen: rows.int(14))
    }

    private func nextEntry(of row: Int64) throws(StoreError) -> Int {
        let read = try postStatements().read.bind(1, row)
        guard try read.next() else { return 0 }
        defer { read.reset() }
        return Int(read.int(1)) + 1
    }

    /// Whether the timeline has a receipt of the same transport and status.
    public func knows(_ receipt: Receipt, of stored: StoredNotification) throws(StoreError) -> Bool {
        let found = try postStatements().hasReceipt.bind(1, stored.row).bind(2, receipt.transport.rawValue)
            .bind(3, receipt.status.rawValue)
        defer { found.reset() }
        return try found.next()
    }

    /// Adds an entry to a notification's timeline and moves it there.
    /// - Parameter due: when it is too long that nothing more has come.
    public func append(
        _ entry: TimelineEntry, to stored: inout StoredNotification, due: Instant?
    ) throws(StoreError) {
        let statements = try postStatements()
        let state = entry.standing.state.rawValue
        if stored.nextEntry == 0 {
            try statements.make.bind(1, stored.row).bind(2, stored.notification.id).bind(3, state)
                .bind(4, stored.nextEntry).bind(5, due).run()
        } else {
            try statements.move.bind(1, stored.row).bind(2, state).bind(3, stored.nextEntry).bind(4, due).run()
        }
        try insert(entry, number: stored.nextEntry, of: stored.row)
        if entry.standing.channel != stored.standing.channel {
            try statements.setChannel.bind(1, stored.row).bind(2, entry.standing.channel.rawValue).run()
        }
        stored.nextEntry += 1
        stored.standing = entry.standing
        stored.notification.channel = entry.standing.channel
        stored.notification.state = entry.standing.state
    }

    private func insert(_ entry: TimelineEntry, number: Int, of row: Int64) throws(StoreError) {
        try postStatements().insertEntry.bind(1, row).bind(2, number).bind(3, entry.event.name)
            .bind(4, entry.standing.state.rawValue).bind(5, entry.standing.channel.rawValue).bind(6, entry.at)
            .bind(7, entry.notedAt).bind(8, entry.event.transport?.rawValue).bind(9, entry.code)
            .bind(10, entry.detail).bind(11, entry.source).bind(12, entry.receipt).run()
    }

    /// A notification is withdrawn: its timeline says so, where it has one.
    func cancelPost(_ row: Int64, channel: PostChannel, at now: Instant) throws(StoreError) {
        let statements = try postStatements()
        guard try statements.cancel.bind(1, row).run() == 1 else { return }
        let entry = TimelineEntry(.cancelled, PostStanding(channel, .cancelled), at: now, notedAt: now)
        try insert(entry, number: try nextEntry(of: row) - 1, of: row)
    }

    func noteExplanation(_ explanation: Notification.Explanation, of row: Int64) throws(StoreError) {
        try postStatements().insertExplanation.bind(1, row).bind(2, explanation.rawValue).run()
    }

    /// A citizen's notifications below a row, newest first, as many as are looked at together.
    public func notifications(
        of loaded: LoadedFile, below row: Int64, limit: Int
    ) throws(StoreError) -> [StoredNotification] {
        guard let citizen = loaded.row else { return [] }
        let found = try postStatements().olderOf.bind(1, citizen).bind(2, row).bind(3, limit)
        var rows: [Int64] = []
        while try found.next() { rows.append(found.int(0)) }
        return try notifications(at: rows)
    }

    /// Whether a notification tells of a grant that has been revoked or has ended since, and not of that.
    public func isTakenBack(_ stored: StoredNotification) throws(StoreError) -> Bool {
        guard let grant = stored.notification.grant, stored.notification.kind != .grantRevoked,
            stored.notification.kind != .grantEnded
        else { return false }
        let found = try postStatements().takenBack.bind(1, stored.citizen).bind(2, grant)
        defer { found.reset() }
        return try found.next() && found.int(0) == 1
    }

    /// What was not sent because the recipient was dead, but for what was revoked.
    public func undeliverable(to loaded: LoadedFile) throws(StoreError) -> [StoredNotification] {
        guard let citizen = loaded.row else { return [] }
        let found = try Statement(
            connection,
            """
            SELECT p.notification FROM notifications n JOIN posts p ON p.notification = n.row
            WHERE n.citizen = ?1 AND p.state = 'undeliverable' AND NOT EXISTS (
              SELECT 1 FROM received r WHERE r.citizen = n.citizen AND r.id = n.grant_id AND r.state = 'revoked')
            ORDER BY n.row
            """
        ).bind(1, citizen)
        var rows: [Int64] = []
        while try found.next() { rows.append(found.int(0)) }
        return try notifications(at: rows)
    }

    // MARK: What is overdue

    /// Whether a look at what is overdue would find something.
    public func isPostDue(at now: Instant, patience: ReceiptPatience) throws(StoreError) -> Bool {
        if try !overdue(at: now, limit: 1).isEmpty { return true }
        let early = try postStatements().earlySpan
        guard try early.next() else { return false }
        let isEarly = early.int(0) > 0
        early.reset()
        if isEarly { return true }
        guard let queued = patience.queued else { return false }
        guard let watched = try watched() else { return true }
        let next = try postStatements().unwatched.bind(1, watched).bind(2, 1)
        guard try next.next() else { return false }
        defer { next.reset() }
        return next.instant(1).adding(seconds: queued) <= now
    }

    /// Notifications whose next receipt is overdue, the longest overdue first.
    public func overdue(at now: Instant, limit: Int) throws(StoreError) -> [StoredNotification] {
        let found = try postStatements().overdue.bind(1, now).bind(2, limit)
        var rows: [Int64] = []
        while try found.next() { rows.append(found.int(0)) }
        return try notifications(at: rows)
    }

    private func notifications(at rows: [Int64]) throws(StoreError) -> [StoredNotification] {
        var notifications: [StoredNotification] = []
        for row in rows {
            if let stored = try notification(at: row) { notifications.append(stored) }
        }
        return notifications
    }

    /// The row up to which notifications are watched; nil in a shard from before receipts were read.
    private func watched() throws(StoreError) -> Int64? {
        let rows = try postStatements().watched
        guard try rows.next() else { throw StoreError(.fatal, "the shard has no meta row") }
        defer { rows.reset() }
        return rows.isNull(0) ? nil : rows.int(0)
    }

    /// Takes the next notifications that no event has come for and that have been queued too long. They stand in the order
    /// in which they were written, so a row number says how far that has been looked at.
    /// - Returns: those that are still queued, and whether there may be more.
    public func takeStale(
        queuedSeconds: Int64, at now: Instant, limit: Int
    ) throws(StoreError) -> (notifications: [StoredNotification], isMore: Bool) {
        let statements = try postStatements()
        guard let watched = try watched() else {
            guard try statements.lastNotification.next() else { return ([], false) }
            let last = statements.lastNotification.int(0)
            statements.lastNotification.reset()
            try statements.setWatched.bind(1, last).run()
            return ([], false)
        }
        let found = statements.unwatched.bind(1, watched).bind(2, limit)
        var through = watched
        var rows: [Int64] = []
        var count = 0
        while try found.next() {
            guard found.instant(1).adding(seconds: queuedSeconds) <= now else {
                found.reset()
                break
            }
            through = found.int(0)
            count += 1
            if found.int(2) == 1 { rows.append(through) }
        }
        if through != watched { try statements.setWatched.bind(1, through).run() }
        return (try notifications(at: rows), count == limit)
    }

    /// Who a notification is to.
    public func recipient(of stored: StoredNotification) throws(StoreError) -> KnownCitizen {
        let rows = try Statement(connection, "SELECT sealed, pseudonym FROM citizens WHERE row = ?1")
            .bind(1, stored.citizen)
        guard let citizen = try citizens(rows).first else {
            throw StoreError(.fatal, "a notification refers to a citizen who is not there")
        }
        return citizen
    }

    // MARK: Receipts that come before their notification

    /// How many early receipts are kept, at most.
    public func earlyReceiptsAtMost() throws(StoreError) -> Int {
        let span = try postStatements().earlySpan
        guard try span.next() else { return 0 }
        defer { span.reset() }
        return Int(span.int(0))
    }

    public func keep(
        _ record: PassedOnCommand, notification: Ident, citizen: Ident, at now: Instant
    ) throws(StoreError) {
        try postStatements().keepEarly.bind(1, notification).bind(2, citizen)
            .bind(3, Int64(record.position.partition)).bind(4, record.position.offset).bind(5, record.at)
            .bind(6, now).bind(7, record.sealed).run()
    }

    /// Early receipts, in the order in which they came, after one of them.
    public func earlyReceipts(after row: Int64, limit: Int) throws(StoreError) -> [EarlyReceipt] {
        try earlyReceipts(try postStatements().early.bind(1, row).bind(2, limit))
    }

    /// Those that name a citizen.
    public func earlyReceipts(of citizen: Ident) throws(StoreError) -> [EarlyReceipt] {
        try earlyReceipts(
            Statement(
                connection,
                """
                SELECT row, id, citizen, partition, position, at, kept_at, sealed FROM early_receipts
                WHERE citizen = ?1 ORDER BY row
                """
            ).bind(1, citizen))
    }

    private func earlyReceipts(_ rows: Statement) throws(StoreError) -> [EarlyReceipt] {
        var receipts: [EarlyReceipt] = []
        while try rows.next() {
            receipts.append(
                EarlyReceipt(
                    row: rows.int(0), notification: try rows.ident(1), citizen: try rows.ident(2),
                    record: PassedOnCommand(
                        topic: .receipts,
                        position: Position(topic: .receipts, partition: Int32(rows.int(3)), offset: rows.int(4)),
                        at: rows.instant(5), sealed: rows.bytes(7)),
                    keptAt: rows.instant(6)))
        }
        return receipts
    }

    public func forget(_ receipt: EarlyReceipt) throws(StoreError) {
        try postStatements().deleteEarly.bind(1, receipt.row).run()
    }
}

/// A receipt whose notification is not known yet.
public struct EarlyReceipt: Sendable {
    public var row: Int64
    public var notification: Ident
    /// The pseudonym that the receipt names as its key.
    public var citizen: Ident
    /// The record as it came.
    public var record: PassedOnCommand
    public var keptAt: Instant
}
