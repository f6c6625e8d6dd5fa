import FuldmagtDomain
import GRDB

import struct Foundation.Data

/// A parked command as an operator sees it: who waits and why, without a number of a person.
public struct ParkedEntry: Sendable {
    public var shard: Int32
    /// Names it within its shard, and gives its place in the order.
    public var row: Int64
    /// Pseudonym of whom it is about.
    public var citizen: Ident
    /// Digest of its source and id.
    public var command: Ident
    /// The sender's id, source and type.
    public var cause: Cause
    public var record: PassedOnCommand
    /// `catalogue`, `order` or `fault`.
    public var why: String
    /// What the store said, where `why` is `fault`.
    public var fault: String?
    public var isRevocation: Bool
    /// When it was first looked at again; nil until then.
    public var since: Instant?

    /// What waits in a shard's file, in order of rows. Nothing is changed.
    public static func all(shard: Int32, path: String) throws(StoreError) -> [ParkedEntry] {
        do {
            let queue = try DatabaseQueue(path: path, configuration: ShardFiles.readOnly)
            let entries = try queue.read { db in
                let rows = try Row.fetchCursor(
                    db,
                    sql: """
                        SELECT p.*, c.pseudonym, o.source, o.type FROM parked p
                        JOIN citizens c ON c.row = p.citizen JOIN origins o ON o.row = p.origin ORDER BY p.row
                        """)
                var entries: [ParkedEntry] = []
                while let row = try rows.next() {
                    if let entry = ParkedEntry(row, shard: shard) { entries.append(entry) }
                }
                return entries
            }
            try queue.close()
            return entries
        } catch {
            throw StoreError(error, doing: "reading \(path)")
        }
    }

    private init?(_ row: Row, shard: Int32) {
        guard let topic = Topic(name: row["topic"] as String) else { return nil }
        let citizen: Data = row["pseudonym"]
        let command: Data = row["command"]
        let sealed: Data = row["sealed"]
        let at: Int64 = row["at"]
        let since: Int64? = row["since"]
        self.shard = shard
        self.row = row["row"]
        self.citizen = citizen.withUnsafeBytes { Ident($0) }
        self.command = command.withUnsafeBytes { Ident($0) }
        cause = Cause(id: row["cause"], source: row["source"], type: row["type"])
        record = PassedOnCommand(
            topic: topic, position: Position(topic: topic, partition: row["partition"], offset: row["position"]),
            at: Instant(milliseconds: at), sealed: [UInt8](sealed), isTold: row["told"] == 1)
        why = row["why"]
        fault = row["fault"]
        isRevocation = row["revocation"] == 1
        self.since = since.map { Instant(milliseconds: $0) }
    }
}
