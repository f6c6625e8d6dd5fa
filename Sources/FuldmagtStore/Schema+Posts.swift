/// What receipts have told about notifications.
///
/// Kept beside the notifications, so that writing one costs nothing more: a notification without a row here is queued, or
/// cancelled where its own row says so. The first event makes the row.
extension Schema {
    static var eighth: String {
        """
        CREATE TABLE posts (
          notification INTEGER PRIMARY KEY REFERENCES notifications,
          id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
          state TEXT NOT NULL CHECK (\(postStates)),
          -- Number of the last entry of the timeline.
          entry INTEGER NOT NULL CHECK (entry >= 0),
          -- When it is too long that nothing has come; null where nothing is waited for.
          due INTEGER
        ) STRICT;
        CREATE INDEX posts_by_due ON posts (due) WHERE due IS NOT NULL;

        CREATE TABLE timeline (
          notification INTEGER NOT NULL REFERENCES posts,
          entry INTEGER NOT NULL CHECK (entry >= 0),
          event TEXT NOT NULL CHECK (\(postEvents)),
          -- Where the notification stands since.
          state TEXT NOT NULL CHECK (\(postStates)),
          channel TEXT NOT NULL CHECK (\(`is`("channel", "digital-post", "letter"))),
          -- As the transport says, and when it was processed.
          at INTEGER NOT NULL,
          noted_at INTEGER NOT NULL,
          transport TEXT CHECK (\(`is`("transport", "digital-post", "letter"))),
          code TEXT,
          detail TEXT,
          -- The receipt's source and id.
          source TEXT,
          receipt TEXT,
          CHECK ((transport IS NULL) = (receipt IS NULL) AND (transport IS NULL) = (source IS NULL)),
          PRIMARY KEY (notification, entry)
        ) STRICT, WITHOUT ROWID;
        CREATE UNIQUE INDEX timeline_of_receipts ON timeline (notification, transport, event)
          WHERE transport IS NOT NULL;
        CREATE TRIGGER timeline_is_never_changed BEFORE UPDATE ON timeline
          BEGIN SELECT RAISE(ABORT, 'a timeline is never changed'); END;

        -- Why something happened that nobody asked for, where a notification says so.
        CREATE TABLE explanations (
          notification INTEGER PRIMARY KEY REFERENCES notifications,
          explanation TEXT NOT NULL CHECK (explanation <> '')
        ) STRICT;

        CREATE TABLE early_receipts (
          -- In the order in which they came.
          row INTEGER PRIMARY KEY,
          id BLOB NOT NULL CHECK (length(id) = 16),
          citizen BLOB NOT NULL CHECK (length(citizen) = 16),
          partition INTEGER NOT NULL CHECK (partition >= 0),
          position INTEGER NOT NULL CHECK (position >= 0),
          at INTEGER NOT NULL,
          kept_at INTEGER NOT NULL,
          sealed BLOB NOT NULL
        ) STRICT;
        CREATE INDEX early_receipts_of_citizen ON early_receipts (citizen);

        -- Notifications up to this row are in `posts`, or nothing more is expected of them. What a shard holds from before
        -- receipts were read has long been sent.
        ALTER TABLE meta ADD COLUMN watched INTEGER CHECK (watched >= 0);
        UPDATE meta SET watched = (SELECT coalesce(max(row), 0) FROM notifications);
        """
    }

    private static let postStates = `is`(
        "state", "queued", "submitted", "accepted", "delivered", "task", "cancelled", "undeliverable")
    private static let postEvents = `is`(
        "event", "submitted", "accepted", "delivered", "failed", "returned", "exempted", "overdue", "cancelled")
}
