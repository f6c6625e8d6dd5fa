import FuldmagtDomain
import FuldmagtJSON
import FuldmagtKeys
import GRDB

import struct Foundation.Data

/// The state of shards as canonical JSON lines: members sorted, lines sorted, nothing in them that depends on how the
/// state came about. Two equal states dump equal bytes. Persons and companies are pseudonyms.
///
/// Left out are positions, epochs, the outbox and row numbers: they tell how far and by whom, not what.
public struct Dump {
    private var lines: [String] = []

    public init() {}

    /// All lines so far, sorted.
    public func sorted() -> [String] { lines.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) } }

    /// Adds the file of a shard, read only.
    public mutating func add(path: String) throws(StoreError) {
        do {
            let queue = try DatabaseQueue(path: path, configuration: ShardFiles.readOnly)
            try queue.read { try add($0) }
            try queue.close()
        } catch {
            throw StoreError(error, doing: "reading \(path)")
        }
    }

    /// Adds a shard through a connection that is open.
    /// - Parameter leftOut: kinds of lines that are left out.
    package mutating func add(_ db: Database, leavingOut leftOut: Set<String> = []) throws {
        for table in Self.tables where !leftOut.contains(table.name) {
            let rows = try Row.fetchCursor(db.cachedStatement(sql: table.sql))
            while let row = try rows.next() { lines.append(Self.line(table.name, row)) }
        }
    }

    private static func line(_ table: String, _ row: Row) -> String {
        var members: [(String, DatabaseValue)] = row.map { ($0, $1) }
        members.append(("table", table.databaseValue))
        members.sort { $0.0 < $1.0 }
        var json = JSONWriter()
        json.beginObject()
        for (name, value) in members where !value.isNull {
            let kind = name.split(separator: "$")
            json.key(String(kind[0]))
            write(value, as: kind.count > 1 ? String(kind[1]) : "", to: &json)
        }
        json.endObject()
        return String(decoding: json.finish(), as: UTF8.self)
    }

    private static func write(_ value: DatabaseValue, as kind: String, to json: inout JSONWriter) {
        switch (value.storage, kind) {
        case (.int64(let number), "bool"): json.bool(number == 1)
        case (.int64(let number), "day"): json.string(Day(number: Int(number))?.description ?? String(number))
        case (.int64(let number), "municipality"):
            json.string(Municipality(code: Int(number))?.description ?? String(number))
        case (.int64(let number), _): json.int(Int(number))
        case (.blob(let data), "uuid") where data.count == 16: json.string(ident(data).uuidText)
        case (.blob(let data), _) where data.count == 16: json.string(ident(data).description)
        case (.blob(let data), _): json.string(data.map { String($0, radix: 16) }.joined())
        case (.string(let text), _): json.string(text)
        case (.double(let number), _): json.string(String(number))
        case (.null, _): json.null()
        }
    }

    private static func ident(_ data: Data) -> Ident { data.withUnsafeBytes { Ident($0) } }

    /// What is dumped of each table. A name's part after `$` says how its value is written.
    private static let tables: [(name: String, sql: String)] = [
        ("citizen", "SELECT pseudonym AS citizen, kind FROM citizens"),
        (
            "residence",
            """
            SELECT c.pseudonym AS citizen, r.arrival, nullif(r.kind, 'relocate') AS kind,
              r.effective AS "effective$day",
              r.municipality AS "municipality$municipality", r.came_from AS "from$municipality",
              r.registered_at AS registeredAt, r.at, r.cause
            FROM residences r JOIN citizens c ON c.row = r.citizen
            """
        ),
        (
            "exemption",
            """
            SELECT c.pseudonym AS citizen, e.ordinal, e.municipality AS "municipality$municipality", e.form, e.journal,
              e.caseworker, e.requested_by AS requestedBy, e.appeared_in_person AS "appearedInPerson$bool",
              e.departure AS "departure$bool", e.valid_until AS "validUntil$day", e.at, e.cause,
              e.lifted_at AS liftedAt, e.lifted_by AS liftedBy, e.lift_cause AS liftCause, e.lift_journal AS liftJournal,
              e.lift_caseworker AS liftCaseworker
            FROM exemptions e JOIN citizens c ON c.row = e.citizen
            """
        ),
        (
            "grant",
            """
            SELECT c.pseudonym AS citizen, g.ordinal, g.id AS "grant$uuid", g.representative, t.package,
              t.version AS packageVersion, g.state, g.version, g.valid_from AS "validFrom$day",
              g.valid_until AS "validUntil$day", g.channel, g.evidence ->> 'journal' AS journal,
              g.evidence ->> 'caseworker' AS caseworker, g.evidence ->> 'identification' AS identification, g.request
            FROM grants g JOIN citizens c ON c.row = g.citizen JOIN terms t ON t.row = g.terms
            """
        ),
        (
            "grantHistory",
            """
            SELECT g.id AS "grant$uuid", h.entry, h.state, h.version, h.valid_from AS "validFrom$day",
              h.valid_until AS "validUntil$day", h.at, h.cause, o.source, h.asked_by AS by, h.reason,
              h.channel
            FROM history h JOIN grants g ON g.row = h.grant_row JOIN origins o ON o.row = h.origin
            """
        ),
        (
            "received",
            """
            SELECT c.pseudonym AS citizen, r.id AS "grant$uuid", r.grantor, t.package, t.version AS packageVersion,
              t.kind, r.state, r.valid_from AS "validFrom$day", r.valid_until AS "validUntil$day"
            FROM received r JOIN citizens c ON c.row = r.citizen JOIN terms t ON t.row = r.terms
            """
        ),
        (
            "notification",
            """
            SELECT c.pseudonym AS citizen, n.id AS "id$uuid", n.kind, n.grant_id AS "grant$uuid", n.channel,
              n.created_at AS createdAt, n.cancelled_at AS cancelledAt
            FROM notifications n JOIN citizens c ON c.row = n.citizen
            """
        ),
        (
            "post",
            "SELECT n.id AS \"id$uuid\", p.state FROM posts p JOIN notifications n ON n.row = p.notification"
        ),
        (
            "timeline",
            """
            SELECT n.id AS "id$uuid", t.entry, t.event, t.state, t.channel, t.at, t.transport, t.code, t.source, t.receipt
            FROM timeline t JOIN notifications n ON n.row = t.notification
            """
        ),
        (
            "earlyReceipt",
            "SELECT id AS \"id$uuid\", citizen, at FROM early_receipts"
        ),
        (
            "readAccess",
            """
            SELECT c.pseudonym AS citizen, a.ordinal, a.holder, a.journal, a.caseworker,
              a.valid_until AS "validUntil$day", a.at, a.cause, a.ended_at AS endedAt, a.end_cause AS endCause,
              a.end_journal AS endJournal, a.end_caseworker AS endCaseworker
            FROM read_accesses a JOIN citizens c ON c.row = a.citizen
            """
        ),
        (
            "death",
            """
            SELECT c.pseudonym AS citizen, d.ordinal, d.effective AS "effective$day", d.at, d.cause,
              d.corrected_at AS correctedAt, d.correction_cause AS correctionCause,
              d.correction_journal AS correctionJournal
            FROM deaths d JOIN citizens c ON c.row = d.citizen
            """
        ),
        (
            "parked",
            """
            SELECT c.pseudonym AS citizen, p.command, p.cause, o.source, o.type, p.topic, p.partition, p.position, p.at,
              p.why
            FROM parked p JOIN citizens c ON c.row = p.citizen JOIN origins o ON o.row = p.origin
            """
        ),
        ("processed", #"SELECT command, content, day AS "day$day" FROM processed"#),
        ("due", #"SELECT c.pseudonym AS citizen, d.day AS "day$day" FROM due d JOIN citizens c ON c.row = d.citizen"#),
    ]
}
