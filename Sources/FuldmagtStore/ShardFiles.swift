import Foundation
import FuldmagtDomain
import GRDB

/// The shard files of a folder.
public enum ShardFiles {
    /// Paths in order of shard.
    /// - Throws: when the folder cannot be read, or holds none.
    public static func all(in directory: String) throws(StoreError) -> [(shard: Int32, path: String)] {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: directory)
        } catch {
            throw StoreError(.fatal, "the folder \(directory) cannot be read; check the path and its permissions")
        }
        let files = names.compactMap { name -> (shard: Int32, path: String)? in
            guard name.hasPrefix("shard-"), name.hasSuffix(".sqlite"),
                let shard = Int32(name.dropFirst(6).dropLast(7))
            else { return nil }
            return (shard, "\(directory)/\(name)")
        }
        guard !files.isEmpty else { throw StoreError(.fatal, "there are no shard files in \(directory)") }
        return files.sorted { $0.shard < $1.shard }
    }

    /// The schema that this program writes.
    package static var schemaVersion: Int { Schema.version }

    /// Deletes what restores and copies of one worker have left that were cut short. It holds what people wrote.
    /// - Parameter worker: none of its name is at work in this folder.
    /// - Returns: the names of what was deleted.
    public static func removeLeftovers(of worker: String, in directory: String) throws(StoreError) -> [String] {
        let name = worker.replacing("/", with: "_")
        let begun = ShardRestore.Purpose.allCases.map { ".\($0.rawValue)-\(name)" }
        let endings = begun + (begun + [""]).map { "\($0).new-\(name)" }
        do {
            let found = try FileManager.default.contentsOfDirectory(atPath: directory).filter { file in
                guard file.hasPrefix("shard-"), let end = file.range(of: ".sqlite")?.upperBound else { return false }
                return endings.contains(String(file[end...]))
            }
            for file in found { try FileManager.default.removeItem(atPath: "\(directory)/\(file)") }
            return found.sorted()
        } catch {
            throw StoreError(.fatal, "what a restore left in \(directory) cannot be deleted; check its permissions")
        }
    }

    /// What names a shard's file, and how far it is.
    public struct Standing: Sendable, Equatable {
        public var lineage: String?
        /// The mark of the frame that it was rebuilt up to; nil for one that was not.
        public var rebuiltAt: String?
        public var lastFrame: Int64

        public init(lineage: String?, rebuiltAt: String?, lastFrame: Int64) {
            self.lineage = lineage
            self.rebuiltAt = rebuiltAt
            self.lastFrame = lastFrame
        }
    }

    /// Reads a file's standing. Nothing is changed.
    public static func standing(path: String) throws(StoreError) -> Standing {
        do {
            let queue = try DatabaseQueue(path: path, configuration: readOnly)
            let standing = try queue.read { db in
                let row = try Row.fetchOne(db, sql: "SELECT lineage, rebuilt_at FROM meta")
                let last = try Int64.fetchOne(db, sql: "SELECT seq FROM sqlite_sequence WHERE name = 'outbox'")
                return Standing(lineage: row?["lineage"], rebuiltAt: row?["rebuilt_at"], lastFrame: last ?? 0)
            }
            try queue.close()
            return standing
        } catch {
            throw StoreError(error, doing: "reading \(path)")
        }
    }

    static var readOnly: Configuration {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        return configuration
    }

    /// An invariant that does not hold, and how many rows break it.
    public struct Finding: Sendable, Equatable {
        public var shard: Int32
        public var check: String
        public var count: Int
    }

    /// Checks a shard file: SQLite's own integrity, foreign keys, and the invariants that the schema cannot state.
    /// - Returns: what is wrong; empty when nothing is.
    public static func check(shard: Int32, path: String) throws(StoreError) -> [Finding] {
        do {
            let queue = try DatabaseQueue(path: path, configuration: readOnly)
            let findings = try queue.read { try check(shard: shard, $0) }
            try queue.close()
            return findings
        } catch {
            throw StoreError(error, doing: "checking \(path)")
        }
    }

    /// Compares every row of a file with those of one that is attached to its connection, but what names the file and its
    /// owner, and what waits to be published.
    /// - Returns: the first table that differs, and a row that one of them has and the other has not; nil where none does.
    package static func difference(_ db: Database, from attached: String) throws -> String? {
        guard let connection = db.sqliteConnection else { return "the file was closed" }
        Statement.stopReporting(connection)
        for (name, table) in try ChangelogTable.all(connection).sorted(by: { $0.key < $1.key }) {
            let columns = table.comparedColumns.joined(separator: ", ")
            func row(of one: String, not other: String) throws(StoreError) -> String? {
                let rows = try Statement(
                    connection,
                    "SELECT \(columns) FROM \(one).\(name) EXCEPT SELECT \(columns) FROM \(other).\(name) LIMIT 1")
                guard try rows.next() else { return nil }
                return rows.description
            }
            let lost = try row(of: "main", not: attached)
            let more = try row(of: attached, not: "main")
            if lost != nil || more != nil { return "\(name): lost (\(lost ?? "")), more (\(more ?? ""))" }
        }
        return nil
    }

    /// Checks a file through a connection that is open.
    package static func check(shard: Int32, _ db: Database) throws -> [Finding] {
        var findings: [Finding] = []
        let integrity = try String.fetchAll(db.cachedStatement(sql: "PRAGMA main.integrity_check"))
        if integrity != ["ok"] {
            findings.append(Finding(shard: shard, check: "SQLite integrity", count: integrity.count))
        }
        let orphans = try Row.fetchAll(db.cachedStatement(sql: "PRAGMA main.foreign_key_check")).count
        if orphans > 0 { findings.append(Finding(shard: shard, check: "foreign keys", count: orphans)) }
        for (name, sql) in invariants {
            let count = try Int.fetchOne(db.cachedStatement(sql: sql)) ?? 0
            if count > 0 { findings.append(Finding(shard: shard, check: name, count: count)) }
        }
        return findings
    }

    /// Names of all checks, for reports.
    public static var checkNames: [String] { ["SQLite integrity", "foreign keys"] + invariants.map(\.name) }

    /// Each counts the rows that break it.
    private static let invariants: [(name: String, sql: String)] = [
        (
            "a grant's state is its last history entry's",
            """
            SELECT count(*) FROM grants g LEFT JOIN grant_history h ON h.grant_row = g.row AND h.entry = g.entry
            WHERE g.given_at IS NULL
              AND (h.state IS NOT g.state OR h.version IS NOT g.version OR h.valid_until IS NOT g.valid_until)
            """
        ),
        (
            "history has no gaps",
            """
            SELECT count(*) FROM grants g
            WHERE (SELECT count(*) FROM grant_history h WHERE h.grant_row = g.row) + (g.given_at IS NOT NULL)
              <> g.entry + 1
            """
        ),
        (
            "a revoked or ended grant never lives again",
            """
            SELECT count(*) FROM grant_history a JOIN grant_history b
              ON b.grant_row = a.grant_row AND b.entry > a.entry
            WHERE a.state IN ('revoked', 'ended', 'expired', 'declined', 'lapsed')
            """
        ),
        (
            "a citizen's grants are numbered without gaps",
            """
            SELECT count(*) FROM (SELECT citizen, count(*) AS n, max(ordinal) AS last FROM grants GROUP BY citizen)
            WHERE n <> last + 1
            """
        ),
        (
            "grant ids are unique",
            "SELECT count(*) FROM (SELECT id FROM grants GROUP BY id HAVING count(*) > 1)"
        ),
        (
            "a grant is received once by a representative",
            "SELECT count(*) FROM (SELECT citizen, id FROM received GROUP BY citizen, id HAVING count(*) > 1)"
        ),
        (
            "notification ids are unique",
            "SELECT count(*) FROM (SELECT id FROM notifications GROUP BY id HAVING count(*) > 1)"
        ),
        (
            "no unsent notification about a revoked grant is left but the revocation's",
            """
            SELECT count(*) FROM notifications n JOIN received r ON r.citizen = n.citizen AND r.id = n.grant_id
            WHERE r.state = 'revoked' AND n.kind <> 'grant-revoked' AND n.cancelled_at IS NULL
              AND NOT EXISTS (SELECT 1 FROM posts p WHERE p.notification = n.row AND p.state <> 'queued')
            """
        ),
        (
            "a post's state is its last timeline entry's",
            """
            SELECT count(*) FROM posts p JOIN notifications n ON n.row = p.notification
              LEFT JOIN timeline t ON t.notification = p.notification AND t.entry = p.entry
            WHERE t.state IS NOT p.state OR t.channel IS NOT n.channel OR p.id <> n.id
            """
        ),
        (
            "a timeline has no gaps",
            """
            SELECT count(*) FROM posts p
            WHERE (SELECT count(*) FROM timeline t WHERE t.notification = p.notification) <> p.entry + 1
            """
        ),
        (
            "a post is cancelled exactly if its notification is",
            """
            SELECT count(*) FROM posts p JOIN notifications n ON n.row = p.notification
            WHERE (p.state = 'cancelled') <> (n.cancelled_at IS NOT NULL)
            """
        ),
        (
            "nothing is waited for once a post has ended",
            """
            SELECT count(*) FROM posts
            WHERE due IS NOT NULL AND state IN ('delivered', 'task', 'cancelled', 'undeliverable')
            """
        ),
        (
            "at most one exemption is in force",
            """
            SELECT count(*) FROM (SELECT citizen FROM exemptions WHERE lifted_at IS NULL AND valid_until IS NULL
              GROUP BY citizen HAVING count(*) > 1)
            """
        ),
    ]
}
