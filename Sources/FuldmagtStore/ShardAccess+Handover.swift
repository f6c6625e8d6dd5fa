import FuldmagtDomain
import FuldmagtJSON
import FuldmagtKeys

/// All rows of one citizen as text, to be taken over by another shard: table by table as they are, but for row numbers,
/// which mean nothing elsewhere. Rows that many refer to go along by content.
extension ShardAccess {
    /// Tables with a citizen's rows, in the order in which they can be inserted. `counter` is the column by which a
    /// citizen's rows are told apart, where there is one.
    private static let tables: [(name: String, counter: String?)] = [
        ("residences", "arrival"), ("exemptions", "ordinal"), ("deaths", "ordinal"), ("read_accesses", "ordinal"),
        ("grants", "ordinal"), ("grant_history", nil), ("received", nil), ("notifications", nil), ("due", nil),
        ("posts", nil), ("timeline", nil), ("explanations", nil),
    ]
    /// Tables that a file handed over by an earlier version does not have.
    private static let later: Set<String> = ["posts", "timeline", "explanations"]
    /// Rows of others that rows of the file refer to, by the column that does.
    private static let owners = ["grant_row": "grants", "notification": "notifications"]
    private static let shared: Set<String> = ["origins", "terms", "senders"]

    /// Takes everything there is about a citizen out of the shard, and leaves where it went.
    public func handOver(_ loaded: inout LoadedFile) throws(StoreError) -> String {
        guard let citizen = loaded.row else { throw StoreError(.fatal, "nothing is stored about a renumbered citizen") }
        var json = JSONWriter()
        var referred: [String: Set<Int64>] = [:]
        json.beginObject()
        json.member("schema", Schema.version)
        json.key("died")
        if let died = loaded.file.died { json.int(Int(died.number)) } else { json.null() }
        for table in Self.tables {
            json.key(table.name)
            try write(table.name, of: citizen, referred: &referred, to: &json)
        }
        json.key("shared")
        json.beginObject()
        for (table, rows) in referred.sorted(by: { $0.key < $1.key }) {
            json.key(table)
            json.beginArray()
            for row in rows.sorted() {
                let statement = try Statement(connection, "SELECT * FROM \(table) WHERE row = ?1").bind(1, row)
                while try statement.next() { Self.write(statement, to: &json) }
            }
            json.endArray()
        }
        json.endObject()
        json.endObject()
        for table in Self.tables.reversed() {
            try Statement(connection, "DELETE FROM \(table.name) WHERE \(Self.condition(table.name))").bind(1, citizen)
                .run()
        }
        // Numbers of the last notifications are given anew, to some that nobody has looked at.
        try Statement(
            connection,
            "UPDATE meta SET watched = (SELECT coalesce(max(row), 0) FROM notifications) WHERE watched > (SELECT coalesce(max(row), 0) FROM notifications)"
        ).run()
        try Statement(connection, "UPDATE citizens SET municipality = NULL, died = NULL WHERE row = ?1")
            .bind(1, citizen).run()
        forgetHead(of: &loaded)
        let renumbering = loaded.file.renumbering
        loaded.file = CitizenFile(citizen: loaded.file.citizen)
        loaded.file.renumbering = renumbering
        loaded.loaded = []
        return String(decoding: json.finish(), as: UTF8.self)
    }

    private static func condition(_ table: String) -> String {
        switch table {
        case "grant_history": "grant_row IN (SELECT row FROM grants WHERE citizen = ?1)"
        case "posts", "timeline", "explanations":
            "notification IN (SELECT row FROM notifications WHERE citizen = ?1)"
        default: "citizen = ?1"
        }
    }

    /// Column name by the shared table it refers to.
    private func references(of table: String) throws(StoreError) -> [String: String] {
        let keys = try Statement(connection, "SELECT \"from\", \"table\" FROM pragma_foreign_key_list(?1)")
            .bind(1, table)
        var references: [String: String] = [:]
        while try keys.next() { references[keys.text(0)] = keys.text(1) }
        return references.filter { Self.shared.contains($0.value) }
    }

    private func write(
        _ table: String, of citizen: Int64, referred: inout [String: Set<Int64>], to json: inout JSONWriter
    ) throws(StoreError) {
        let references = try references(of: table)
        let rows = try Statement(connection, "SELECT * FROM \(table) WHERE \(Self.condition(table))").bind(1, citizen)
        let names = rows.columnNames
        json.beginArray()
        while try rows.next() {
            for (at, name) in names.enumerated() {
                if let other = references[name], case .int(let row) = rows.stored(Int32(at)) {
                    referred[other, default: []].insert(row)
                }
            }
            Self.write(rows, to: &json)
        }
        json.endArray()
    }

    private static func write(_ row: Statement, to json: inout JSONWriter) {
        json.beginObject()
        for (at, name) in row.columnNames.enumerated() {
            switch row.stored(Int32(at)) {
            case .null: continue
            case .int(let number):
                json.key(name)
                json.int(Int(number))
            case .text(let text):
                json.key(name)
                json.string("t" + text)
            case .blob(let bytes):
                json.key(name)
                json.string("x" + Hex.text(bytes))
            }
        }
        json.endObject()
    }

    // MARK: Taking over

    /// Adds what another shard handed over to what is stored about a citizen. Counters go on after those that are taken.
    public func takeOver(_ rows: String, into loaded: inout LoadedFile) throws(StoreError) {
        let citizen = try citizenRow(of: &loaded)
        forgetHead(of: &loaded)
        let document = JSONDocument()
        let isRead: Bool = try Array(rows.utf8).withUnsafeBufferPointer { (bytes) throws(StoreError) in
            do { try document.parse(UnsafeRawBufferPointer(bytes)) } catch { return false }
            let schema = document.root["schema"]?.int ?? 0
            guard schema > Schema.version else { return try takeOver(document.root, citizen, &loaded) }
            guard Self.isWithinBounds(document.root) else { throw Self.tooNew(schema) }
            do throws(StoreError) { return try takeOver(document.root, citizen, &loaded) } catch {
                throw error.consequence == .fatal ? Self.tooNew(schema, code: error.code) : error
            }
        }
        guard isRead else { throw StoreError(.fatal, "a file that was handed over cannot be read") }
        // What was read before is no longer all there is.
        loaded.loaded = []
    }

    /// - Returns: whether it could be read.
    private func takeOver(
        _ root: JSONNode, _ citizen: Int64, _ loaded: inout LoadedFile
    ) throws(StoreError) -> Bool {
        let map = try takeOverShared(root["shared"])
        var owners: [String: [Int64: Int64]] = [:]
        for table in Self.tables {
            guard let node = Self.member(table.name, of: root) else {
                if Self.later.contains(table.name) { continue }
                return false
            }
            try takeOver(node, table: table, citizen: citizen, shared: map, owners: &owners)
        }
        if let died = root["died"]?.int {
            try Statement(connection, "UPDATE citizens SET died = ?2 WHERE row = ?1").bind(1, citizen)
                .bind(2, died).run()
            loaded.file.died = Day(number: died)
        }
        return true
    }

    /// Whether a newer version hands over nothing but what this one has a place for; it may be of a kind that has none.
    private static func isWithinBounds(_ root: JSONNode) -> Bool {
        func isEmpty(_ node: JSONNode) -> Bool {
            var isEmpty = node.string == nil && node.int == nil
            node.forEachElement { _, _ in isEmpty = false }
            node.forEachMember { _, _ in isEmpty = false }
            return isEmpty
        }
        var isWithin = true
        let known = Set(tables.map(\.name)).union(["schema", "died", "shared"])
        root.forEachMember { isWithin = isWithin && (known.contains($0) || isEmpty($1)) }
        root["shared"]?.forEachMember { isWithin = isWithin && (shared.contains($0) || isEmpty($1)) }
        return isWithin
    }

    private static func tooNew(_ schema: Int, code: Int32 = 0) -> StoreError {
        StoreError(
            .fatal, code: code,
            "a citizen's file that was handed over by a newer version of this program (schema \(schema), this one reads up to \(Schema.version)) holds what this one has no place for; run the newer version"
        )
    }

    private static func member(_ name: String, of node: JSONNode) -> JSONNode? {
        var found: JSONNode?
        node.forEachMember { if $0 == name { found = $1 } }
        return found
    }

    private static func values(of row: JSONNode) -> [(name: String, value: StoredValue)] {
        var values: [(name: String, value: StoredValue)] = []
        row.forEachMember { name, node in
            if let number = node.int {
                values.append((name, .int(Int64(number))))
            } else if let text = node.string {
                // Bytes, not characters: what follows the letter may combine with it.
                let rest = String(decoding: text.utf8.dropFirst(), as: UTF8.self)
                let isBlob = text.utf8.first == UInt8(ascii: "x")
                values.append((name, isBlob ? .blob(Hex.read(rest) ?? []) : .text(rest)))
            }
        }
        return values
    }

    /// Finds or makes the rows that many refer to.
    /// - Returns: this shard's row by table and the other's row.
    private func takeOverShared(_ node: JSONNode?) throws(StoreError) -> [String: [Int64: Int64]] {
        var tables: [(String, [[(name: String, value: StoredValue)]])] = []
        node?.forEachMember { table, rows in
            var read: [[(name: String, value: StoredValue)]] = []
            rows.forEachElement { read.append(Self.values(of: $1)) }
            tables.append((table, read))
        }
        var map: [String: [Int64: Int64]] = [:]
        for (table, rows) in tables where Self.shared.contains(table) {
            for values in rows {
                guard case .int(let theirs)? = values.first(where: { $0.name == "row" })?.value else { continue }
                let content = values.filter { $0.name != "row" }
                map[table, default: [:]][theirs] = try ours(table, content)
            }
        }
        return map
    }

    private func ours(_ table: String, _ content: [(name: String, value: StoredValue)]) throws(StoreError) -> Int64 {
        let condition = content.indices.map { "\(content[$0].name) IS ?\($0 + 1)" }.joined(separator: " AND ")
        let found = try Statement(connection, "SELECT row FROM \(table) WHERE \(condition)")
        for (at, column) in content.enumerated() { found.bind(Int32(at + 1), column.value) }
        if try found.next() { return found.int(0) }
        return try insert(table, content, orIgnore: false)
    }

    @discardableResult
    private func insert(
        _ table: String, _ content: [(name: String, value: StoredValue)], orIgnore: Bool
    ) throws(StoreError) -> Int64 {
        let names = content.map(\.name).joined(separator: ", ")
        let places = content.indices.map { "?\($0 + 1)" }.joined(separator: ", ")
        let statement = try Statement(
            connection, "INSERT \(orIgnore ? "OR IGNORE " : "")INTO \(table) (\(names)) VALUES (\(places))")
        for (at, column) in content.enumerated() { statement.bind(Int32(at + 1), column.value) }
        try statement.run()
        return statement.insertedRow
    }

    private func takeOver(
        _ node: JSONNode, table: (name: String, counter: String?), citizen: Int64, shared: [String: [Int64: Int64]],
        owners: inout [String: [Int64: Int64]]
    ) throws(StoreError) {
        let references = try references(of: table.name)
        var first: Int64 = 0
        if let counter = table.counter {
            let last = try Statement(
                connection, "SELECT coalesce(max(\(counter)) + 1, 0) FROM \(table.name) WHERE citizen = ?1"
            ).bind(1, citizen)
            if try last.next() { first = last.int(0) }
        }
        var rows: [[(name: String, value: StoredValue)]] = []
        node.forEachElement { rows.append(Self.values(of: $1)) }
        for var row in rows {
            var theirs: Int64?
            row.removeAll {
                guard $0.name == "row", case .int(let number) = $0.value else { return false }
                theirs = number
                return true
            }
            for at in row.indices {
                guard case .int(let number) = row[at].value else { continue }
                let name = row[at].name
                if name == "citizen" {
                    row[at].value = .int(citizen)
                } else if name == table.counter {
                    row[at].value = .int(first + number)
                } else if let owner = Self.owners[name] {
                    guard let ours = owners[owner]?[number] else { throw Self.dangling(table.name) }
                    row[at].value = .int(ours)
                } else if let other = references[name] {
                    guard let ours = shared[other]?[number] else { throw Self.dangling(table.name) }
                    row[at].value = .int(ours)
                }
            }
            guard table.name != "received" else {
                try insertView(row)
                continue
            }
            // A day something is due on may be there already.
            let inserted = try insert(table.name, row, orIgnore: table.name == "due")
            if let theirs { owners[table.name, default: [:]][theirs] = inserted }
        }
    }

    /// A view of a received grant. Where there is one already the newer is kept: where two changes of number cross, news go
    /// past a file that is sent back. What is over does not come to life again.
    private func insertView(_ row: [(name: String, value: StoredValue)]) throws(StoreError) {
        let names = row.map(\.name)
        let places = row.indices.map { "?\($0 + 1)" }.joined(separator: ", ")
        let changes = names.filter { $0 != "citizen" && $0 != "id" }.map { "\($0) = excluded.\($0)" }
        let statement = try Statement(
            connection,
            """
            INSERT INTO received (\(names.joined(separator: ", "))) VALUES (\(places))
            ON CONFLICT (citizen, id) DO UPDATE SET \(changes.joined(separator: ", "))
            WHERE CASE (received.state IN ('active', 'dormant')) - (excluded.state IN ('active', 'dormant'))
              WHEN 1 THEN 1 WHEN -1 THEN 0
              ELSE coalesce(excluded.entry, -1) > coalesce(received.entry, -1) END
            """)
        for (at, column) in row.enumerated() { statement.bind(Int32(at + 1), column.value) }
        try statement.run()
    }

    private static func dangling(_ table: String) -> StoreError {
        StoreError(.fatal, "a row of \(table) that was handed over refers to nothing")
    }
}
