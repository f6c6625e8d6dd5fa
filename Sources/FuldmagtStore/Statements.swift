import GRDBSQLite

/// All statements of the hot path, prepared once, when each is first used: a shard that is taken over does not wait for
/// the hundred that it has, of which most turns need a few.
final class Statements {
    private let connection: OpaquePointer
    private var madePosts: PostStatements?
    let begin, commit, epoch, noteMeta, lastFrame: Statement
    let owning, insertMeta, setOwner, owned, places: Statement
    let positions, setPosition, reviewed, setReviewed: Statement
    let claim, remember, claimed, processedBound, forget, setKeyedSince: Statement
    let appendFrame, pendingFrames, markSent: Statement
    let knownCitizen, setDied, readDeaths, insertDeath, correctDeath, readCause, readLastCause, readGiving: Statement
    let setReminded: Statement
    let readPackages: Statement
    let citizensWithPackage, lastGrant, readRenumbering, setRenumbering, deleteRenumbering, setRenumbered: Statement
    let setRepresentativeDied, renumberRepresentative, renumberGrantor, renumberHolder: Statement
    let findCitizen, insertCitizen, setMunicipality, citizensOf, dueCitizens, insertDue, deleteDue: Statement
    let readResidences, insertResidence: Statement
    let readExemptions, insertExemption, liftExemption: Statement
    let readGrants, readEvidence, insertGrant, keepGiving, changeGrant, insertHistory: Statement
    let readReadAccesses, insertReadAccess, endReadAccess: Statement
    let readReceived, insertReceived, changeReceived: Statement
    let readNotifications, readNotificationsAbout, insertNotification, cancelNotification: Statement
    let findOrigin, insertOrigin, readOrigin: Statement
    let findTerms, insertTerms, readTerms: Statement
    let findSender, insertSender, readSender: Statement
    let readParked, isParked, insertParked, deleteParked, setParkedWhy, setParkedSince: Statement

    init(_ connection: OpaquePointer) throws(StoreError) {
        self.connection = connection
        func prepare(_ sql: String) throws(StoreError) -> Statement { Statement(connection, whenUsed: sql) }
        begin = try prepare("BEGIN IMMEDIATE")
        commit = try prepare("COMMIT")
        epoch = try prepare("SELECT epoch FROM meta")
        owning = try prepare("SELECT shard, partitions, epoch, key_check FROM meta")
        insertMeta = try prepare("INSERT INTO meta VALUES (1, ?1, ?2, 0, '', ?3, ?4, 0, NULL, NULL, 0, NULL)")
        setOwner = try prepare(
            """
            UPDATE meta SET epoch = ?1, owner = ?2,
              lineage = rtrim(coalesce(lineage, ?3), '~')
                || CASE WHEN ?4 AND coalesce(lineage, '') NOT LIKE '%~' THEN '' ELSE '~' END,
              keyed_since = coalesce(keyed_since, (SELECT coalesce(max(day) + 1, 0) FROM processed))
            """)
        owned = try prepare("SELECT lineage, rebuilt_at, keyed_since FROM meta")
        places = try prepare("SELECT frame, place, size FROM outbox WHERE place IS NOT NULL")
        noteMeta = try prepare("UPDATE meta SET epoch = epoch")
        lastFrame = try prepare("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'")
        positions = try prepare("SELECT topic, position FROM positions")
        setPosition = try prepare(
            "INSERT INTO positions VALUES (?1, ?2) ON CONFLICT (topic) DO UPDATE SET position = ?2")
        reviewed = try prepare("SELECT reviewed_day, reviewed_catalogue FROM meta")
        setReviewed = try prepare("UPDATE meta SET reviewed_day = ?1, reviewed_catalogue = ?2")
        claim = try prepare("INSERT INTO processed VALUES (?1, ?2, ?3) ON CONFLICT (command) DO NOTHING")
        remember = try prepare(
            """
            INSERT INTO processed VALUES (?1, ?2, ?3)
            ON CONFLICT (command) DO UPDATE SET content = ?2, day = max(day, ?3) WHERE day < ?3 OR content <> ?2
            """)
        claimed = try prepare("SELECT content FROM processed WHERE command = ?1")
        processedBound = try prepare(
            "SELECT command FROM processed WHERE command >= ?1 ORDER BY command LIMIT 1 OFFSET ?2")
        // Beyond all keys of 16 bytes where there is no bound.
        forget = try prepare(
            """
            DELETE FROM processed
            WHERE command >= ?2 AND command < coalesce(?3, x'ffffffffffffffffffffffffffffffffff') AND day < ?1
            """)
        setKeyedSince = try prepare("UPDATE meta SET keyed_since = ?1")
        appendFrame = try prepare("INSERT INTO outbox (records, ends, bytes, place, size) VALUES (?1, ?2, ?3, ?4, ?5)")
        pendingFrames = try prepare("SELECT frame, records, ends, bytes, place, size FROM outbox ORDER BY frame")
        markSent = try prepare("DELETE FROM outbox WHERE frame <= ?1")

        findCitizen = try prepare("SELECT row, died, renumbered, municipality FROM citizens WHERE pseudonym = ?1")
        knownCitizen = try prepare("SELECT sealed, pseudonym FROM citizens WHERE pseudonym = ?1")
        citizensWithPackage = try prepare(
            """
            SELECT DISTINCT c.sealed, c.pseudonym
            FROM grants g JOIN terms t ON t.row = g.terms JOIN citizens c ON c.row = g.citizen
            WHERE g.row >= ?1 AND g.row < ?2 AND t.package = ?3 AND (g.state = 'active' OR g.state = 'dormant')
            ORDER BY c.pseudonym
            """)
        lastGrant = try prepare("SELECT coalesce(max(row), 0) FROM grants")
        readRenumbering = try prepare(
            """
            SELECT pseudonym, sealed, shard, effective, at, cause, origin, extensions FROM renumberings
            WHERE citizen = ?1
            """)
        setRenumbering = try prepare(
            """
            INSERT INTO renumberings VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
            ON CONFLICT (citizen) DO UPDATE SET pseudonym = ?2, sealed = ?3, shard = ?4, effective = ?5, at = ?6,
              cause = ?7, origin = ?8, extensions = ?9
            """)
        deleteRenumbering = try prepare("DELETE FROM renumberings WHERE citizen = ?1")
        setRenumbered = try prepare("UPDATE citizens SET renumbered = ?2 WHERE row = ?1")
        renumberRepresentative = try prepare(
            """
            UPDATE grants SET representative = ?3, representative_sealed = ?4, representative_shard = ?5,
              representative_former = ?2
            WHERE citizen = ?1 AND representative = ?2
            """)
        setRepresentativeDied = try prepare(
            """
            UPDATE grants SET representative_died = ?3
            WHERE citizen = ?1 AND (representative = ?2 OR representative_former = ?2)
            """)
        renumberGrantor = try prepare(
            "UPDATE received SET grantor = ?3, grantor_shard = ?4 WHERE citizen = ?1 AND grantor = ?2")
        renumberHolder = try prepare(
            """
            UPDATE read_accesses SET holder = ?3, holder_sealed = ?4, holder_shard = ?5, holder_former = ?2
            WHERE citizen = ?1 AND holder = ?2
            """)
        setDied = try prepare("UPDATE citizens SET died = ?2 WHERE row = ?1")
        readDeaths = try prepare(
            """
            SELECT ordinal, effective, at, cause, origin, corrected_at, correction_cause, correction_origin,
              correction_journal, extensions
            FROM deaths WHERE citizen = ?1 ORDER BY ordinal
            """)
        insertDeath = try prepare(
            """
            INSERT INTO deaths (citizen, ordinal, effective, at, cause, origin, extensions)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
            """)
        correctDeath = try prepare(
            """
            UPDATE deaths SET corrected_at = ?2, correction_cause = ?3, correction_origin = ?4, correction_journal = ?5
            WHERE citizen = ?1 AND corrected_at IS NULL
            """)
        readCause = try prepare(
            """
            SELECT cause, origin, extensions FROM grant_history WHERE grant_row = ?1 AND version = ?2
            ORDER BY entry LIMIT 1
            """)
        readLastCause = try prepare(
            "SELECT cause, origin, extensions FROM history WHERE grant_row = ?1 AND entry = ?2")
        readPackages = try prepare(
            """
            SELECT DISTINCT t.package FROM grant_history h JOIN terms t ON t.row = h.terms WHERE h.grant_row = ?1
            """)
        readGiving = try prepare(
            "SELECT given_cause, given_origin, given_extensions FROM grants WHERE row = ?1 AND given_at IS NOT NULL")
        setReminded = try prepare("UPDATE grants SET reminded_of = ?2 WHERE row = ?1")
        insertCitizen = try prepare("INSERT INTO citizens (pseudonym, sealed, kind) VALUES (?1, ?2, ?3)")
        setMunicipality = try prepare(
            "UPDATE citizens SET municipality = ?2 WHERE row = ?1 AND municipality IS NOT ?2")
        citizensOf = try prepare(
            """
            SELECT sealed, pseudonym FROM citizens WHERE municipality = ?1 AND pseudonym > ?2 ORDER BY pseudonym LIMIT ?3
            """)
        // Each source stops at the limit by itself, or a look would read all that is due.
        dueCitizens = try prepare(
            """
            SELECT c.sealed, c.pseudonym
            FROM (
              SELECT citizen FROM (SELECT DISTINCT citizen FROM due WHERE day <= ?1 LIMIT ?3)
              UNION SELECT citizen FROM (
                SELECT DISTINCT citizen FROM grants
                WHERE (state = 'active' OR state = 'dormant')
                  AND (reminded_of IS valid_until) IN (0, 1) AND valid_until < ?1 LIMIT ?3)
              UNION SELECT citizen FROM (
                SELECT DISTINCT citizen FROM grants
                WHERE (state = 'active' OR state = 'dormant')
                  AND (reminded_of IS valid_until) = 0 AND valid_until BETWEEN ?1 AND ?2 LIMIT ?3)
            ) d JOIN citizens c ON c.row = d.citizen
            LIMIT ?3
            """)
        insertDue = try prepare("INSERT INTO due VALUES (?1, ?2) ON CONFLICT DO NOTHING")
        deleteDue = try prepare("DELETE FROM due WHERE day <= ?1 AND citizen = ?2")

        readResidences = try prepare(
            """
            SELECT arrival, effective, municipality, came_from, registered_at, at, cause, origin, extensions, kind
            FROM residences WHERE citizen = ?1 ORDER BY arrival
            """)
        insertResidence = try prepare("INSERT INTO residences VALUES (?1, ?2, ?11, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")
        readExemptions = try prepare(
            """
            SELECT ordinal, municipality, form, journal, caseworker, requested_by, appeared_in_person, departure,
              valid_until, at, cause, origin, lifted_at, lifted_by, lift_cause, lift_origin, lift_journal,
              lift_caseworker
            FROM exemptions WHERE citizen = ?1 ORDER BY ordinal
            """)
        insertExemption = try prepare(
            """
            INSERT INTO exemptions (citizen, ordinal, municipality, form, journal, caseworker, requested_by,
              appeared_in_person, departure, valid_until, at, cause, origin)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
            """)
        liftExemption = try prepare(
            """
            UPDATE exemptions SET lifted_at = ?3, lifted_by = ?4, lift_cause = ?5, lift_origin = ?6, lift_journal = ?7,
              lift_caseworker = ?8
            WHERE citizen = ?1 AND ordinal = ?2
            """)
        readGrants = try prepare(
            """
            SELECT row, ordinal, id, representative, representative_sealed, representative_shard, terms, state, version,
              entry, valid_from, valid_until, channel, evidence IS NOT NULL, request, lapses_on, reminded_of,
              representative_former, representative_died
            FROM grants WHERE citizen = ?1 ORDER BY ordinal
            """)
        readEvidence = try prepare("SELECT evidence FROM grants WHERE row = ?1")
        insertGrant = try prepare(
            """
            INSERT INTO grants (citizen, ordinal, id, representative, representative_sealed, representative_shard, terms,
              state, version, entry, valid_from, valid_until, channel, evidence, request,
              lapses_on, reminded_of, given_at, given_cause, given_origin, given_extensions)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)
            """)
        keepGiving = try prepare(
            """
            INSERT INTO grant_history
              SELECT row, 0, state, version, valid_from, valid_until, given_at, given_cause, given_origin, NULL, NULL,
                terms, given_extensions, NULL
              FROM grants WHERE row = ?1 AND given_at IS NOT NULL
            """)
        changeGrant = try prepare(
            """
            UPDATE grants SET state = ?2, version = ?3, entry = ?4, valid_from = ?5, valid_until = ?6, channel = ?7,
              evidence = CASE WHEN ?12 THEN evidence ELSE ?8 END, lapses_on = ?9, reminded_of = ?10, terms = ?11,
              given_at = NULL, given_cause = NULL,
              given_origin = NULL, given_extensions = NULL
            WHERE row = ?1
            """)
        readReadAccesses = try prepare(
            """
            SELECT ordinal, holder, holder_sealed, holder_shard, journal, caseworker, valid_until, at, cause, origin,
              ended_at, end_cause, end_origin, holder_former, end_journal, end_caseworker
            FROM read_accesses WHERE citizen = ?1 ORDER BY ordinal
            """)
        insertReadAccess = try prepare(
            """
            INSERT INTO read_accesses (citizen, ordinal, holder, holder_sealed, holder_shard, journal, caseworker,
              valid_until, at, cause, origin, holder_former)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
            """)
        endReadAccess = try prepare(
            """
            UPDATE read_accesses SET ended_at = ?3, end_cause = ?4, end_origin = ?5, end_journal = ?6, end_caseworker = ?7
            WHERE citizen = ?1 AND ordinal = ?2
            """)
        insertHistory = try prepare(
            "INSERT INTO grant_history VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)")
        readReceived = try prepare(
            """
            SELECT row, id, grantor, grantor_shard, terms, state, valid_from, valid_until, entry
            FROM received WHERE citizen = ?1 ORDER BY row
            """)
        insertReceived = try prepare(
            """
            INSERT INTO received (citizen, id, grantor, grantor_shard, terms, state, valid_from, valid_until, entry)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (citizen, id) DO NOTHING
            """)
        changeReceived = try prepare(
            """
            UPDATE received SET grantor = ?3, grantor_shard = ?4, terms = ?5, state = ?6, valid_from = ?7,
              valid_until = ?8, entry = ?9
            WHERE citizen = ?1 AND id = ?2
            """)
        readNotifications = try prepare(
            """
            SELECT row, n.id, kind, grant_id, terms, valid_until, channel, sender, kle, about_another, created_at,
              cancelled_at, p.state, e.explanation
            FROM notifications n LEFT JOIN posts p ON p.notification = n.row
              LEFT JOIN explanations e ON e.notification = n.row
            WHERE citizen = ?1 ORDER BY row
            """)
        readNotificationsAbout = try prepare(
            """
            SELECT row, n.id, kind, grant_id, terms, valid_until, channel, sender, kle, about_another, created_at,
              cancelled_at, p.state, e.explanation
            FROM notifications n LEFT JOIN posts p ON p.notification = n.row
              LEFT JOIN explanations e ON e.notification = n.row
            WHERE citizen = ?1 AND grant_id = ?2 ORDER BY row
            """)
        insertNotification = try prepare(
            """
            INSERT INTO notifications (citizen, id, kind, grant_id, terms, valid_until, channel, sender, kle,
              about_another, created_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
            """)
        cancelNotification = try prepare(
            "UPDATE notifications SET cancelled_at = ?2 WHERE row = ?1 AND cancelled_at IS NULL")

        findOrigin = try prepare("SELECT row FROM origins WHERE source = ?1 AND type = ?2")
        insertOrigin = try prepare("INSERT INTO origins (source, type) VALUES (?1, ?2)")
        readOrigin = try prepare("SELECT source, type FROM origins WHERE row = ?1")
        findTerms = try prepare(
            """
            SELECT row FROM terms WHERE package = ?1 AND version = ?2 AND kind = ?3 AND scope = ?4 AND kle = ?5
              AND title_da = ?6 AND title_en = ?7 AND wording_da = ?8 AND wording_en = ?9
            """)
        insertTerms = try prepare(
            """
            INSERT INTO terms (package, version, kind, scope, kle, title_da, title_en, wording_da, wording_en)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
            """)
        readTerms = try prepare(
            """
            SELECT package, version, kind, scope, kle, title_da, title_en, wording_da, wording_en
            FROM terms WHERE row = ?1
            """)
        findSender = try prepare("SELECT row FROM senders WHERE cvr = ?1 AND name = ?2")
        insertSender = try prepare("INSERT INTO senders (cvr, name) VALUES (?1, ?2)")
        readSender = try prepare("SELECT cvr, name FROM senders WHERE row = ?1")
        readParked = try prepare(
            """
            SELECT row, command, cause, topic, partition, position, at, sealed, why, fault, revocation, told, since
            FROM parked WHERE citizen = ?1 ORDER BY row
            """)
        insertParked = try prepare(
            """
            INSERT INTO parked (citizen, command, cause, origin, topic, partition, position, at, sealed, why, fault,
              revocation, told)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
            """)
        isParked = try prepare("SELECT 1 FROM parked WHERE command = ?1")
        deleteParked = try prepare("DELETE FROM parked WHERE row = ?1")
        setParkedWhy = try prepare("UPDATE parked SET why = ?2, fault = ?3 WHERE row = ?1")
        setParkedSince = try prepare("UPDATE parked SET since = ?2 WHERE citizen = ?1 AND since IS NULL")
    }

    /// Those about posts, made when a shard first needs them.
    func posts() throws(StoreError) -> PostStatements {
        if let madePosts { return madePosts }
        let made = try PostStatements(connection)
        madePosts = made
        return made
    }
}
