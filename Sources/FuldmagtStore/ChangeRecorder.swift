import CSQLiteHook
import FuldmagtBytes
import FuldmagtRecord
import GRDBSQLite
import Synchronization

/// Writes every row that a turn changes as a record of the changelog: what another worker rebuilds the shard from.
///
/// SQLite itself tells of each row just before it changes, so no statement can be forgotten. A record's key names the row,
/// `grants/17`, and its value is the row as it becomes; a deleted row has none (a tombstone), so that compaction removes
/// what is deleted. Left out are the outbox, which is what is published, and SQLite's own tables.
final class ChangeRecorder {
    private let connection: OpaquePointer
    private let shard: Int32
    private let topic: UInt8
    private let tables: [WatchedTable]
    private var frame = FrameWriter()
    private var key: [UInt8] = []
    /// What SQLite answered when a value could not be read; the turn fails by it.
    private(set) var failure: Int32?

    /// - Parameter topic: index of the changelog in the producer's list.
    init(_ connection: OpaquePointer, shard: Int32, topic: UInt8) throws(StoreError) {
        self.connection = connection
        self.shard = shard
        self.topic = topic
        tables = try ChangelogTable.all(connection).values.map(WatchedTable.init)
        _ = sqlite3_preupdate_hook(
            connection,
            { context, _, operation, _, table, oldRow, newRow in
                guard let context, let table else { return }
                Unmanaged<ChangeRecorder>.fromOpaque(context).takeUnretainedValue()
                    .changed(operation, table, oldRow: oldRow, newRow: newRow)
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    deinit { _ = sqlite3_preupdate_hook(connection, nil, nil) }

    /// Moves the records since the last call behind those of a frame.
    func move(to other: inout FrameWriter) { other.append(takenFrom: &frame) }

    func forget() {
        frame.removeAll()
        failure = nil
    }

    private func changed(_ operation: Int32, _ name: UnsafePointer<CChar>, oldRow: Int64, newRow: Int64) {
        guard let table = table(name) else { return }
        if operation == SQLITE_DELETE {
            writeKey(table, row: oldRow, isNew: false)
            append { _ in false }
            return
        }
        if operation == SQLITE_UPDATE {
            // A key that changes leaves its old row behind.
            writeKey(table, row: oldRow, isNew: false)
            let old = key
            writeKey(table, row: newRow, isNew: true)
            if old != key {
                let new = key
                key = old
                append { _ in false }
                key = new
            }
        } else {
            writeKey(table, row: newRow, isNew: true)
        }
        append { value in
            value.append(UInt8(Schema.version))
            for column in 0..<table.description.columns.count { self.write(column, to: &value) }
            return true
        }
    }

    /// The table of a name that SQLite lends; nil for one that is left out.
    private func table(_ name: UnsafePointer<CChar>) -> WatchedTable? {
        // A dozen names: comparing them costs less than hashing one.
        tables.first { $0.isNamed(name) }
    }

    private func append(_ value: (inout ByteSink) -> Bool) {
        key.withUnsafeBytes { key in
            frame.append(topic: topic, partition: shard, timestamp: nil, key: key, headers: { _ in }, value: value)
        }
    }

    private func value(_ column: Int, isNew: Bool) -> OpaquePointer? {
        var value: OpaquePointer?
        let code =
            isNew
            ? sqlite3_preupdate_new(connection, Int32(column), &value)
            : sqlite3_preupdate_old(connection, Int32(column), &value)
        if code != SQLITE_OK { failure = code }
        return value
    }

    private func writeKey(_ table: WatchedTable, row: Int64, isNew: Bool) {
        key.removeAll(keepingCapacity: true)
        key.append(contentsOf: table.nameBytes)
        for column in table.description.key {
            key.append(UInt8(ascii: "/"))
            if table.description.hasRow {
                append(row)
                continue
            }
            guard let value = value(column, isNew: isNew) else { continue }
            switch sqlite3_value_type(value) {
            case SQLITE_INTEGER: append(sqlite3_value_int64(value))
            case SQLITE_BLOB:
                let bytes = UnsafeRawBufferPointer(
                    start: sqlite3_value_blob(value), count: Int(sqlite3_value_bytes(value)))
                for byte in bytes {
                    key.append(Self.digits[Int(byte >> 4)])
                    key.append(Self.digits[Int(byte & 15)])
                }
            default:
                key.append(
                    contentsOf: UnsafeRawBufferPointer(
                        start: sqlite3_value_text(value), count: Int(sqlite3_value_bytes(value))))
            }
        }
    }

    /// Appends a number to the key in decimal digits.
    private func append(_ number: Int64) {
        if number < 0 { key.append(UInt8(ascii: "-")) }
        let start = key.count
        var rest = number.magnitude
        repeat {
            key.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest > 0
        key[start...].reverse()
    }

    private static let digits = Array("0123456789abcdef".utf8)

    private func write(_ column: Int, to sink: inout ByteSink) {
        guard let value = value(column, isNew: true) else { return }
        switch sqlite3_value_type(value) {
        case SQLITE_INTEGER:
            sink.append(1)
            RowImage.append(sqlite3_value_int64(value), to: &sink)
        case SQLITE_TEXT:
            sink.append(2)
            let text = sqlite3_value_text(value)
            RowImage.append(
                UnsafeRawBufferPointer(start: text, count: Int(sqlite3_value_bytes(value))), to: &sink)
        case SQLITE_BLOB:
            sink.append(3)
            let blob = sqlite3_value_blob(value)
            RowImage.append(
                UnsafeRawBufferPointer(start: blob, count: Int(sqlite3_value_bytes(value))), to: &sink)
        default: sink.append(0)
        }
    }
}

/// A table of the changelog as the recorder finds it.
private final class WatchedTable {
    let description: ChangelogTable
    /// The name, without the zero at its end.
    let nameBytes: [UInt8]

    init(_ description: ChangelogTable) {
        self.description = description
        nameBytes = Array(description.name.utf8)
    }

    func isNamed(_ name: UnsafePointer<CChar>) -> Bool {
        for (at, byte) in nameBytes.enumerated() where UInt8(bitPattern: name[at]) != byte { return false }
        return name[nameBytes.count] == 0
    }
}

/// A table whose rows are in the changelog.
struct ChangelogTable {
    let name: String
    let columns: [String]
    /// Places of the columns of the primary key.
    let key: [Int]
    /// Whether the key's columns hold bytes, written as hexadecimal digits, or text; numbers otherwise.
    let keyTypes: [String]
    /// Whether the key is a row number of SQLite's.
    let hasRow: Bool

    /// The outbox is what is published, not what is remembered.
    private static let leftOut: Set<String> = ["outbox", "grdb_migrations"]

    /// All files of this program's schema have the same.
    private static let known = Mutex<[String: ChangelogTable]?>(nil)

    /// - Parameter connection: to a file of this program's schema.
    static func all(_ connection: OpaquePointer) throws(StoreError) -> [String: ChangelogTable] {
        if let known = known.withLock({ $0 }) { return known }
        let found = try read(connection)
        known.withLock { $0 = found }
        return found
    }

    private static func read(_ connection: OpaquePointer) throws(StoreError) -> [String: ChangelogTable] {
        var tables: [String: ChangelogTable] = [:]
        let list = try Statement(
            connection, "SELECT name, wr FROM pragma_table_list WHERE type = 'table' AND schema = 'main'")
        var names: [(String, Bool)] = []
        while try list.next() {
            let name = list.text(0)
            if !leftOut.contains(name), !name.hasPrefix("sqlite_") { names.append((name, list.int(1) == 0)) }
        }
        for (name, hasRow) in names {
            let info = try Statement(connection, "SELECT name, type, pk FROM pragma_table_info(?1)").bind(1, name)
            var columns: [String] = []
            var key: [(order: Int64, place: Int, type: String)] = []
            while try info.next() {
                if info.int(2) > 0 { key.append((info.int(2), columns.count, info.text(1))) }
                columns.append(info.text(0))
            }
            key.sort { $0.order < $1.order }
            tables[name] = ChangelogTable(
                name: name, columns: columns, key: key.map(\.place), keyTypes: key.map(\.type), hasRow: hasRow)
        }
        return tables
    }
}

/// A row as the changelog holds it: the schema version, then each column after a byte that says what it is: 0 null,
/// 1 number, 2 text, 3 bytes. Numbers are zigzag varints; texts and bytes stand after their length.
enum RowImage {
    static func append(_ number: Int64, to sink: inout ByteSink) {
        appendVarint(UInt64(bitPattern: (number << 1) ^ (number >> 63)), to: &sink)
    }

    static func append(_ bytes: UnsafeRawBufferPointer, to sink: inout ByteSink) {
        appendVarint(UInt64(bytes.count), to: &sink)
        sink.append(contentsOf: bytes)
    }

    private static func appendVarint(_ value: UInt64, to sink: inout ByteSink) {
        var rest = value
        while rest >= 0x80 {
            sink.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        sink.append(UInt8(rest))
    }

    /// Reads the columns of a value one after the other.
    struct Reader {
        let bytes: UnsafeRawBufferPointer
        var at = 1

        init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

        var version: Int { bytes.isEmpty ? 0 : Int(bytes[0]) }
        var isAtEnd: Bool { at >= bytes.count }

        enum Column {
            case null
            case number(Int64)
            case text(UnsafeRawBufferPointer)
            case bytes(UnsafeRawBufferPointer)
        }

        /// - Returns: nil where the value is cut short or damaged.
        mutating func next() -> Column? {
            guard at < bytes.count else { return nil }
            let kind = bytes[at]
            at += 1
            switch kind {
            case 0: return .null
            case 1:
                guard let value = varint() else { return nil }
                return .number(Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1))
            case 2, 3:
                guard let length = varint(), length <= UInt64(bytes.count - at) else { return nil }
                defer { at += Int(length) }
                let run = UnsafeRawBufferPointer(rebasing: bytes[at..<at + Int(length)])
                return kind == 2 ? .text(run) : .bytes(run)
            default: return nil
            }
        }

        private mutating func varint() -> UInt64? {
            var value: UInt64 = 0
            var shift: UInt64 = 0
            while at < bytes.count, shift < 64 {
                let byte = bytes[at]
                at += 1
                value |= UInt64(byte & 0x7f) << shift
                if byte < 0x80 { return value }
                shift += 7
            }
            return nil
        }
    }
}
