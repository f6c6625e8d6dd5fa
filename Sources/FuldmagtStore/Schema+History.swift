/// A grant's history begins in the grant's own row.
///
/// Most grants never change: one row less for each of them. The first change moves entry 0 to `grant_history`, where that of
/// grants from before has been from the start.
extension Schema {
    static var fourteenth: String {
        """
        ALTER TABLE read_accesses ADD COLUMN holder_former BLOB CHECK (length(holder_former) = 16);

        -- What is demanded of whoever takes something back.
        ALTER TABLE read_accesses ADD COLUMN end_journal TEXT;
        ALTER TABLE read_accesses ADD COLUMN end_caseworker TEXT;
        ALTER TABLE exemptions ADD COLUMN lift_caseworker TEXT;
        -- How a request was declined.
        ALTER TABLE grant_history ADD COLUMN channel TEXT
          CHECK (channel = 'digital' OR channel = 'paper' OR channel = 'assisted');

        DROP VIEW history;
        CREATE VIEW history AS
          SELECT grant_row, entry, state, version, valid_from, valid_until, at, cause, origin, asked_by, reason, terms,
            extensions, channel
          FROM grant_history
          UNION ALL
          SELECT row, 0, state, version, valid_from, valid_until, given_at, given_cause, given_origin, NULL, NULL, terms,
            given_extensions, NULL
          FROM grants WHERE given_at IS NOT NULL;
        """
    }

    static var tenth: String {
        """
        -- When, by which command and from where it was given: entry 0, kept here while it is the only one.
        ALTER TABLE grants ADD COLUMN given_at INTEGER CHECK (given_at IS NULL OR entry = 0);
        ALTER TABLE grants ADD COLUMN given_cause TEXT CHECK ((given_cause IS NULL) = (given_at IS NULL));
        ALTER TABLE grants ADD COLUMN given_origin INTEGER REFERENCES origins
          CHECK ((given_origin IS NULL) = (given_at IS NULL));
        ALTER TABLE grants ADD COLUMN given_extensions TEXT
          CHECK (given_extensions IS NULL OR (given_at IS NOT NULL AND json_valid(given_extensions)));

        CREATE TRIGGER a_giving_is_never_changed BEFORE UPDATE ON grants
          WHEN OLD.given_at IS NOT NULL AND NEW.given_at IS NOT NULL
            AND (NEW.given_at <> OLD.given_at OR NEW.given_cause <> OLD.given_cause
              OR NEW.given_origin <> OLD.given_origin OR NEW.given_extensions IS NOT OLD.given_extensions
              OR NEW.state <> OLD.state OR NEW.version <> OLD.version OR NEW.valid_from <> OLD.valid_from
              OR NEW.valid_until <> OLD.valid_until OR NEW.terms <> OLD.terms)
          BEGIN SELECT RAISE(ABORT, 'history is never changed'); END;
        CREATE TRIGGER a_giving_is_never_lost BEFORE UPDATE ON grants
          WHEN OLD.given_at IS NOT NULL AND NEW.given_at IS NULL
            AND NOT EXISTS (SELECT 1 FROM grant_history WHERE grant_row = OLD.row AND entry = 0)
          BEGIN SELECT RAISE(ABORT, 'history is never lost'); END;

        CREATE VIEW history AS
          SELECT grant_row, entry, state, version, valid_from, valid_until, at, cause, origin, asked_by, reason, terms,
            extensions
          FROM grant_history
          UNION ALL
          SELECT row, 0, state, version, valid_from, valid_until, given_at, given_cause, given_origin, NULL, NULL, terms,
            given_extensions
          FROM grants WHERE given_at IS NOT NULL;

        DROP VIEW history_readable;
        CREATE VIEW history_readable AS
          SELECT lower(hex(g.id)) AS grant_id, h.entry, h.state, h.version, h.valid_from, h.valid_until,
            datetime(h.at / 1000, 'unixepoch') AS at_utc, h.cause, o.source, o.type, h.asked_by, h.reason
          FROM history h JOIN grants g ON g.row = h.grant_row JOIN origins o ON o.row = h.origin;
        """
    }
}
