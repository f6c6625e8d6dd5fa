/// Statements about posts and their timelines, prepared when a shard first needs them.
final class PostStatements {
    let find, read, make, move, cancel, hasReceipt, insertEntry, setChannel: Statement
    let olderOf, notification, explanation, insertExplanation, overdue: Statement
    let keepEarly, early, deleteEarly, earlySpan: Statement
    let takenBack: Statement
    let watched, setWatched, unwatched, lastNotification: Statement

    init(_ connection: OpaquePointer) throws(StoreError) {
        func prepare(_ sql: String) throws(StoreError) -> Statement { Statement(connection, whenUsed: sql) }
        find = try prepare("SELECT notification FROM posts WHERE id = ?1")
        read = try prepare("SELECT state, entry FROM posts WHERE notification = ?1")
        make = try prepare("INSERT INTO posts (notification, id, state, entry, due) VALUES (?1, ?2, ?3, ?4, ?5)")
        move = try prepare("UPDATE posts SET state = ?2, entry = ?3, due = ?4 WHERE notification = ?1")
        cancel = try prepare(
            "UPDATE posts SET state = 'cancelled', entry = entry + 1, due = NULL WHERE notification = ?1")
        hasReceipt = try prepare(
            "SELECT 1 FROM timeline WHERE notification = ?1 AND transport = ?2 AND event = ?3")
        insertEntry = try prepare(
            """
            INSERT INTO timeline (notification, entry, event, state, channel, at, noted_at, transport, code, detail,
              source, receipt)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
            """)
        setChannel = try prepare("UPDATE notifications SET channel = ?2 WHERE row = ?1")
        olderOf = try prepare(
            "SELECT row, id FROM notifications WHERE citizen = ?1 AND row < ?2 ORDER BY row DESC LIMIT ?3")
        notification = try prepare(
            """
            SELECT n.row, n.id, n.kind, n.grant_id, n.terms, n.valid_until, n.channel, n.sender, n.kle, n.about_another,
              n.created_at, n.cancelled_at, p.state, e.explanation, n.citizen
            FROM notifications n LEFT JOIN posts p ON p.notification = n.row
              LEFT JOIN explanations e ON e.notification = n.row
            WHERE n.row = ?1
            """)
        explanation = try prepare("SELECT explanation FROM explanations WHERE notification = ?1")
        insertExplanation = try prepare("INSERT INTO explanations VALUES (?1, ?2)")
        overdue = try prepare("SELECT notification FROM posts WHERE due <= ?1 ORDER BY due, notification LIMIT ?2")
        keepEarly = try prepare(
            """
            INSERT INTO early_receipts (id, citizen, partition, position, at, kept_at, sealed)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
            """)
        early = try prepare(
            """
            SELECT row, id, citizen, partition, position, at, kept_at, sealed FROM early_receipts
            WHERE row > ?1 ORDER BY row LIMIT ?2
            """)
        deleteEarly = try prepare("DELETE FROM early_receipts WHERE row = ?1")
        earlySpan = try prepare(
            "SELECT coalesce(max(row) - min(row) + 1, 0), coalesce(min(kept_at), 0) FROM early_receipts")
        takenBack = try prepare(
            """
            SELECT EXISTS (
                SELECT 1 FROM received WHERE citizen = ?1 AND id = ?2 AND state IN ('revoked', 'ended'))
              OR EXISTS (SELECT 1 FROM grants WHERE citizen = ?1 AND id = ?2 AND state IN ('revoked', 'ended'))
            """)
        watched = try prepare("SELECT watched FROM meta")
        setWatched = try prepare("UPDATE meta SET watched = ?1")
        unwatched = try prepare(
            """
            SELECT n.row, n.created_at, n.cancelled_at IS NULL AND p.notification IS NULL
            FROM notifications n LEFT JOIN posts p ON p.notification = n.row
            WHERE n.row > ?1 ORDER BY n.row LIMIT ?2
            """)
        lastNotification = try prepare("SELECT coalesce(max(row), 0) FROM notifications")
    }
}
