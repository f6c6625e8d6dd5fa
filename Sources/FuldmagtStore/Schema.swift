import GRDB

/// The tables of a shard. Migrations are appended, never edited.
///
/// Days are integers that read as dates (20281122), instants are milliseconds since 1970, municipalities are their code as
/// an integer, pseudonyms and ids are 16 bytes (`hex(id)`). `sealed` columns hold CPR or CVR numbers encrypted under the
/// cluster key; no table holds a readable number. Rows that only grow (grants, received, notifications) are appended to
/// rowid tables, so that a batch touches few pages; small indexes find a citizen's rows.
enum Schema {
    /// The version this build writes, in `PRAGMA user_version`.
    static let version = 14

    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 the shard") { db in
            try db.execute(sql: first)
        }
        migrator.registerMigration("2 requests and read access") { db in
            try db.execute(sql: second)
        }
        migrator.registerMigration("3 deaths, ends, and lives abroad") { db in
            try db.execute(sql: third)
        }
        migrator.registerMigration("4 supplier switches and new numbers") { db in
            try db.execute(sql: fourth)
        }
        migrator.registerMigration("5 lineage") { db in
            // Names the file: the group's committed offsets say which file's frames they were published from.
            // A file that was rebuilt is as far as the frame whose mark it keeps.
            try db.execute(
                sql: """
                    ALTER TABLE meta ADD COLUMN lineage TEXT;
                    ALTER TABLE meta ADD COLUMN rebuilt_at TEXT;
                    """)
        }
        migrator.registerMigration("6 extensions of deaths") { db in
            // What a death to come brings about on its day names the same cause, extensions and all.
            try db.execute(
                sql: """
                    ALTER TABLE deaths ADD COLUMN extensions TEXT CHECK (extensions IS NULL OR json_valid(extensions));
                    """)
        }
        migrator.registerMigration("7 parked commands") { db in
            try db.execute(sql: seventh)
        }
        migrator.registerMigration("8 receipts and timelines") { db in
            try db.execute(sql: eighth)
        }
        migrator.registerMigration("9 extensions of grants' causes") { db in
            // A reminder of the end names the command that set it, extensions and all. Null where there are none.
            try db.execute(
                sql: """
                    ALTER TABLE grant_history ADD COLUMN extensions TEXT
                      CHECK (extensions IS NULL OR json_valid(extensions));
                    """)
        }
        migrator.registerMigration("10 how a grant was given") { db in
            try db.execute(sql: tenth)
        }
        migrator.registerMigration("11 how new a view is") { db in
            // The entry of the grant's history that the representative's view shows: what comes by way of an old number
            // may be older than that. Null in views of earlier versions.
            try db.execute(sql: "ALTER TABLE received ADD COLUMN entry INTEGER CHECK (entry >= 0);")
        }
        migrator.registerMigration("12 frames beside the file, and neighbouring ids") { db in
            try db.execute(sql: twelfth)
        }
        migrator.registerMigration("13 ends nobody was reminded of") { db in
            // Whether both parties were reminded comes first: a look at reminders then meets none that were sent.
            try db.execute(
                sql: """
                    DROP INDEX grants_by_end;
                    CREATE INDEX grants_by_end ON grants (reminded_of IS valid_until, valid_until)
                      WHERE state = 'active' OR state = 'dormant';
                    """)
        }
        migrator.registerMigration("14 former numbers of readers, and evidence") { db in
            try db.execute(sql: fourteenth)
        }
        return migrator
    }

    private static let day = "BETWEEN 18000101 AND 99991231"

    /// A column holds one of some texts. Spelled out: for IN with more than two, SQLite builds a table for every row.
    static func `is`(_ column: String, _ texts: String...) -> String {
        texts.map { "\(column) = '\($0)'" }.joined(separator: " OR ")
    }

    private static let states = `is`(
        "state", "active", "dormant", "revoked", "requested", "expired", "declined", "lapsed", "ended")

    private static var first: String {
        """
        CREATE TABLE meta (
          one INTEGER PRIMARY KEY CHECK (one = 1),
          shard INTEGER NOT NULL CHECK (shard >= 0),
          partitions INTEGER NOT NULL CHECK (partitions > shard),
          epoch INTEGER NOT NULL CHECK (epoch >= 0),
          owner TEXT NOT NULL,
          key_check BLOB NOT NULL CHECK (length(key_check) = 16),
          reviewed_day INTEGER NOT NULL CHECK (reviewed_day \(day)),
          reviewed_catalogue INTEGER NOT NULL CHECK (reviewed_catalogue >= 0)
        ) STRICT;

        CREATE TABLE positions (
          topic TEXT PRIMARY KEY,
          position INTEGER NOT NULL CHECK (position >= 0)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE outbox (
          -- Never the number of an earlier frame: "sent through n" must not cover a later one.
          frame INTEGER PRIMARY KEY AUTOINCREMENT,
          records INTEGER NOT NULL CHECK (records >= 0),
          ends TEXT NOT NULL CHECK (json_valid(ends)),
          bytes BLOB NOT NULL
        ) STRICT;

        CREATE TABLE processed (
          command BLOB PRIMARY KEY CHECK (length(command) = 16),
          content BLOB NOT NULL CHECK (length(content) = 16),
          day INTEGER NOT NULL CHECK (day \(day))
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE citizens (
          row INTEGER PRIMARY KEY,
          pseudonym BLOB NOT NULL UNIQUE CHECK (length(pseudonym) = 16),
          sealed BLOB NOT NULL CHECK (length(sealed) = 32),
          kind TEXT NOT NULL CHECK (\(`is`("kind", "person", "company"))),
          municipality INTEGER CHECK (municipality BETWEEN 1 AND 9999)
        ) STRICT;
        CREATE INDEX citizens_of_municipality ON citizens (municipality, pseudonym) WHERE municipality IS NOT NULL;

        CREATE TABLE origins (
          row INTEGER PRIMARY KEY,
          source TEXT NOT NULL,
          type TEXT NOT NULL,
          UNIQUE (source, type)
        ) STRICT;

        CREATE TABLE terms (
          row INTEGER PRIMARY KEY,
          package TEXT NOT NULL CHECK (package <> ''),
          version INTEGER NOT NULL CHECK (version >= 1),
          kind TEXT NOT NULL CHECK (\(`is`("kind", "act", "contact", "read"))),
          scope TEXT NOT NULL CHECK (\(`is`("scope", "municipal", "national", "itSystem"))),
          kle TEXT NOT NULL,
          title_da TEXT NOT NULL,
          title_en TEXT NOT NULL,
          wording_da TEXT NOT NULL,
          wording_en TEXT NOT NULL
        ) STRICT;

        CREATE TABLE senders (
          row INTEGER PRIMARY KEY,
          cvr TEXT NOT NULL,
          name TEXT NOT NULL,
          UNIQUE (cvr, name)
        ) STRICT;

        CREATE TABLE residences (
          citizen INTEGER NOT NULL REFERENCES citizens,
          arrival INTEGER NOT NULL CHECK (arrival >= 0),
          effective INTEGER NOT NULL CHECK (effective \(day)),
          municipality INTEGER NOT NULL CHECK (municipality BETWEEN 1 AND 9999),
          came_from INTEGER CHECK (came_from BETWEEN 1 AND 9999),
          registered_at INTEGER,
          at INTEGER NOT NULL,
          cause TEXT NOT NULL,
          origin INTEGER NOT NULL REFERENCES origins,
          extensions TEXT CHECK (extensions IS NULL OR json_valid(extensions)),
          PRIMARY KEY (citizen, arrival)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE exemptions (
          citizen INTEGER NOT NULL REFERENCES citizens,
          ordinal INTEGER NOT NULL CHECK (ordinal >= 0),
          municipality INTEGER NOT NULL CHECK (municipality BETWEEN 1 AND 9999),
          form TEXT NOT NULL CHECK (form <> ''),
          journal TEXT NOT NULL CHECK (journal <> ''),
          caseworker TEXT NOT NULL CHECK (caseworker <> ''),
          requested_by TEXT NOT NULL CHECK (\(`is`("requested_by", "citizen", "representative", "guardian", "institution"))),
          appeared_in_person INTEGER NOT NULL CHECK (appeared_in_person IN (0, 1)),
          departure INTEGER NOT NULL CHECK (departure IN (0, 1)),
          valid_until INTEGER CHECK (valid_until \(day)),
          at INTEGER NOT NULL,
          cause TEXT NOT NULL,
          origin INTEGER NOT NULL REFERENCES origins,
          lifted_at INTEGER,
          lifted_by TEXT CHECK (\(`is`("lifted_by", "citizen", "authority", "representative"))),
          lift_cause TEXT,
          lift_origin INTEGER REFERENCES origins,
          lift_journal TEXT,
          CHECK ((lifted_at IS NULL) = (lift_cause IS NULL) AND (lifted_at IS NULL) = (lift_origin IS NULL)),
          PRIMARY KEY (citizen, ordinal)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE grants (
          row INTEGER PRIMARY KEY,
          citizen INTEGER NOT NULL REFERENCES citizens,
          ordinal INTEGER NOT NULL CHECK (ordinal >= 0),
          id BLOB NOT NULL CHECK (length(id) = 16),
          representative BLOB NOT NULL CHECK (length(representative) = 16),
          representative_sealed BLOB NOT NULL CHECK (length(representative_sealed) = 32),
          representative_shard INTEGER NOT NULL CHECK (representative_shard >= 0),
          terms INTEGER NOT NULL REFERENCES terms,
          state TEXT NOT NULL CHECK (\(states)),
          version INTEGER NOT NULL CHECK (version >= 1),
          entry INTEGER NOT NULL CHECK (entry >= 0),
          valid_from INTEGER NOT NULL CHECK (valid_from \(day)),
          valid_until INTEGER NOT NULL CHECK (valid_until \(day)),
          channel TEXT NOT NULL CHECK (\(`is`("channel", "digital", "paper", "assisted"))),
          evidence TEXT CHECK (evidence IS NULL OR json_valid(evidence)),
          CHECK (valid_from <= valid_until),
          CHECK (channel = 'digital' OR evidence IS NOT NULL)
        ) STRICT;
        CREATE UNIQUE INDEX grants_of_citizen ON grants (citizen, ordinal);

        CREATE TABLE grant_history (
          grant_row INTEGER NOT NULL REFERENCES grants,
          entry INTEGER NOT NULL CHECK (entry >= 0),
          state TEXT NOT NULL CHECK (\(states)),
          version INTEGER NOT NULL CHECK (version >= 1),
          valid_from INTEGER NOT NULL CHECK (valid_from \(day)),
          valid_until INTEGER NOT NULL CHECK (valid_until \(day)),
          at INTEGER NOT NULL,
          cause TEXT NOT NULL,
          origin INTEGER NOT NULL REFERENCES origins,
          asked_by TEXT,
          reason TEXT,
          PRIMARY KEY (grant_row, entry)
        ) STRICT, WITHOUT ROWID;
        CREATE TRIGGER grant_history_is_never_changed BEFORE UPDATE ON grant_history
          BEGIN SELECT RAISE(ABORT, 'history is never changed'); END;

        CREATE TABLE received (
          row INTEGER PRIMARY KEY,
          citizen INTEGER NOT NULL REFERENCES citizens,
          id BLOB NOT NULL CHECK (length(id) = 16),
          grantor BLOB NOT NULL CHECK (length(grantor) = 16),
          grantor_shard INTEGER NOT NULL CHECK (grantor_shard >= 0),
          terms INTEGER NOT NULL REFERENCES terms,
          state TEXT NOT NULL CHECK (\(states)),
          valid_from INTEGER NOT NULL CHECK (valid_from \(day)),
          valid_until INTEGER NOT NULL CHECK (valid_until \(day))
        ) STRICT;
        CREATE UNIQUE INDEX received_of_citizen ON received (citizen, id);

        CREATE TABLE notifications (
          row INTEGER PRIMARY KEY,
          citizen INTEGER NOT NULL REFERENCES citizens,
          id BLOB NOT NULL CHECK (length(id) = 16),
          kind TEXT NOT NULL,
          grant_id BLOB CHECK (length(grant_id) = 16),
          terms INTEGER REFERENCES terms,
          valid_until INTEGER CHECK (valid_until \(day)),
          channel TEXT NOT NULL CHECK (\(`is`("channel", "digital-post", "letter"))),
          sender INTEGER NOT NULL REFERENCES senders,
          kle TEXT NOT NULL,
          about_another INTEGER NOT NULL CHECK (about_another IN (0, 1)),
          created_at INTEGER NOT NULL,
          cancelled_at INTEGER,
          CHECK ((grant_id IS NULL) = (terms IS NULL))
        ) STRICT;
        CREATE INDEX notifications_of_citizen ON notifications (citizen);

        CREATE TABLE due (
          day INTEGER NOT NULL CHECK (day \(day)),
          citizen INTEGER NOT NULL REFERENCES citizens,
          PRIMARY KEY (day, citizen)
        ) STRICT, WITHOUT ROWID;

        CREATE VIEW grants_readable AS
          SELECT lower(hex(c.pseudonym)) AS citizen, lower(hex(g.id)) AS grant_id,
            lower(hex(g.representative)) AS representative, t.package, t.version AS package_version, g.state, g.version,
            g.valid_from, g.valid_until, g.channel
          FROM grants g JOIN citizens c ON c.row = g.citizen JOIN terms t ON t.row = g.terms;

        CREATE VIEW history_readable AS
          SELECT lower(hex(g.id)) AS grant_id, h.entry, h.state, h.version, h.valid_from, h.valid_until,
            datetime(h.at / 1000, 'unixepoch') AS at_utc, h.cause, o.source, o.type, h.asked_by, h.reason
          FROM grant_history h JOIN grants g ON g.row = h.grant_row JOIN origins o ON o.row = h.origin;
        """
    }

    private static var second: String {
        """
        ALTER TABLE grants ADD COLUMN request TEXT CHECK (state <> 'requested' OR request IS NOT NULL);

        CREATE TABLE read_accesses (
          citizen INTEGER NOT NULL REFERENCES citizens,
          ordinal INTEGER NOT NULL CHECK (ordinal >= 0),
          holder BLOB NOT NULL CHECK (length(holder) = 16),
          holder_sealed BLOB NOT NULL CHECK (length(holder_sealed) = 32),
          holder_shard INTEGER NOT NULL CHECK (holder_shard >= 0),
          journal TEXT,
          caseworker TEXT,
          valid_until INTEGER CHECK (valid_until \(day)),
          at INTEGER NOT NULL,
          cause TEXT NOT NULL,
          origin INTEGER NOT NULL REFERENCES origins,
          ended_at INTEGER,
          end_cause TEXT,
          end_origin INTEGER REFERENCES origins,
          CHECK ((ended_at IS NULL) = (end_cause IS NULL) AND (ended_at IS NULL) = (end_origin IS NULL)),
          PRIMARY KEY (citizen, ordinal)
        ) STRICT, WITHOUT ROWID;
        """
    }

    private static var third: String {
        """
        CREATE TABLE homes (
          citizen INTEGER NOT NULL REFERENCES citizens,
          arrival INTEGER NOT NULL CHECK (arrival >= 0),
          kind TEXT NOT NULL CHECK (\(`is`("kind", "relocate", "emigrate", "immigrate"))),
          effective INTEGER NOT NULL CHECK (effective \(day)),
          municipality INTEGER CHECK (municipality BETWEEN 1 AND 9999),
          came_from INTEGER CHECK (came_from BETWEEN 1 AND 9999),
          registered_at INTEGER,
          at INTEGER NOT NULL,
          cause TEXT NOT NULL,
          origin INTEGER NOT NULL REFERENCES origins,
          extensions TEXT CHECK (extensions IS NULL OR json_valid(extensions)),
          CHECK (kind <> 'relocate' OR municipality IS NOT NULL),
          PRIMARY KEY (citizen, arrival)
        ) STRICT, WITHOUT ROWID;
        INSERT INTO homes
          SELECT citizen, arrival, 'relocate', effective, municipality, came_from, registered_at, at, cause, origin,
            extensions
          FROM residences;
        DROP TABLE residences;
        ALTER TABLE homes RENAME TO residences;

        ALTER TABLE citizens ADD COLUMN died INTEGER CHECK (died \(day));
        CREATE TABLE deaths (
          citizen INTEGER NOT NULL REFERENCES citizens,
          ordinal INTEGER NOT NULL CHECK (ordinal >= 0),
          effective INTEGER NOT NULL CHECK (effective \(day)),
          at INTEGER NOT NULL,
          cause TEXT NOT NULL,
          origin INTEGER NOT NULL REFERENCES origins,
          corrected_at INTEGER,
          correction_cause TEXT,
          correction_origin INTEGER REFERENCES origins,
          correction_journal TEXT,
          CHECK ((corrected_at IS NULL) = (correction_cause IS NULL)
            AND (corrected_at IS NULL) = (correction_origin IS NULL)
            AND (corrected_at IS NULL) = (correction_journal IS NULL)),
          PRIMARY KEY (citizen, ordinal)
        ) STRICT, WITHOUT ROWID;

        ALTER TABLE grants ADD COLUMN lapses_on INTEGER CHECK (lapses_on \(day));
        -- The end that both parties have been reminded of, or that needs no reminder.
        ALTER TABLE grants ADD COLUMN reminded_of INTEGER CHECK (reminded_of \(day));
        CREATE INDEX grants_by_end ON grants (valid_until) WHERE state = 'active' OR state = 'dormant';
        """
    }

    private static var fourth: String {
        """
        -- What the grant was from this entry on; null in entries of earlier versions, which never changed it.
        ALTER TABLE grant_history ADD COLUMN terms INTEGER REFERENCES terms;

        ALTER TABLE grants ADD COLUMN representative_former BLOB CHECK (length(representative_former) = 16);
        ALTER TABLE grants ADD COLUMN representative_died INTEGER CHECK (representative_died IN (0, 1));
        -- 0: is to get another number; 1: has another number, under which all there is was handed over.
        -- Null with a row in renumberings: is in use again, and not all that was sent on is back; "at" is then what the
        -- echo was asked behind.
        ALTER TABLE citizens ADD COLUMN renumbered INTEGER CHECK (renumbered IN (0, 1));
        CREATE TABLE renumberings (
          citizen INTEGER PRIMARY KEY REFERENCES citizens,
          pseudonym BLOB NOT NULL CHECK (length(pseudonym) = 16),
          sealed BLOB NOT NULL CHECK (length(sealed) = 32),
          shard INTEGER NOT NULL CHECK (shard >= 0),
          effective INTEGER NOT NULL CHECK (effective \(day)),
          at INTEGER NOT NULL,
          cause TEXT NOT NULL,
          origin INTEGER NOT NULL REFERENCES origins,
          extensions TEXT CHECK (extensions IS NULL OR json_valid(extensions))
        ) STRICT;
        """
    }

    private static var seventh: String {
        """
        CREATE TABLE parked (
          -- In the order in which a citizen's commands came.
          row INTEGER PRIMARY KEY,
          citizen INTEGER NOT NULL REFERENCES citizens,
          command BLOB NOT NULL UNIQUE CHECK (length(command) = 16),
          cause TEXT NOT NULL,
          origin INTEGER NOT NULL REFERENCES origins,
          topic TEXT NOT NULL,
          partition INTEGER NOT NULL CHECK (partition >= 0),
          position INTEGER NOT NULL CHECK (position >= 0),
          at INTEGER NOT NULL,
          sealed BLOB NOT NULL,
          why TEXT NOT NULL CHECK (\(`is`("why", "catalogue", "order", "fault"))),
          fault TEXT,
          revocation INTEGER NOT NULL CHECK (revocation IN (0, 1)),
          told INTEGER NOT NULL CHECK (told IN (0, 1)),
          -- When it was first looked at again; its patience is counted from there.
          since INTEGER,
          CHECK ((why = 'fault') = (fault IS NOT NULL))
        ) STRICT;
        CREATE INDEX parked_of_citizen ON parked (citizen);
        """
    }
}
