import CSQLiteHook
import FuldmagtBytes
import FuldmagtRecord
import GRDBSQLite
import Synchronization

import func Foundation.strcmp

/// Writes every row that a turn changes as a record of the changelog: what another worker rebuilds the shard from.
///
/// SQLite itself tells of each row just before it changes, so no statement can be forgotten. A record's key names the row,
/// `grants/17`, and its value is the row as it becomes; a deleted row has none (a tombstone), so that compaction removes
/// what is deleted. Left out are the outbox, which is what is published, and SQLite's own tables.
final class ChangeRecorder {
    private let connection: OpaquePointer
    /// Reached by pointer: SQLite calls in the middle of a step, and everything is done where it stands.
    private let recording: UnsafeMutablePointer<Recording>
    /// What SQLite answered when a value could not be read; the turn fails by it.
    var failure: Int32? { recording.pointee.failure }

    /// - Parameter topic: index of the changelog in the producer's list.
    init(_ connection: OpaquePointer, shard: Int32, topic: UInt8) throws(StoreError) {
        self.connection = connection
        let descriptions = try ChangelogTable.all(connection)
        // Those that are looked for most come first.
        let first = ["notifications", "grants", "received", "processed"].compactMap { descriptions[$0] }
        let others = descriptions.values.filter { table in !first.contains { $0.name == table.name } }
        let tables = (first + others).map(WatchedTable.init)
        recording = .allocate(capacity: 1)
        recording.initialize(to: Recording(connection, shard: shard, topic: topic, tables: tables))
        _ = sqlite3_preupdate_hook(
            connection,
            { context, _, operation, _, table, oldRow, newRow in
                guard let context, let table else { return }
                context.assumingMemoryBound(to: Recording.self).pointee
                    .changed(operation, table, oldRow: oldRow, newRow: newRow)
            }, recording)
    }

    deinit {
        _ = sqlite3_preupdate_hook(connection, nil, nil)
        recording.deinitialize(count: 1)
        recording.deallocate()
    }

    /// Moves the records since the last call behind those of a frame.
    func move(to other: inout FrameWriter) { other.append(takenFrom: &recording.pointee.frame) }

    func forget() {
        recording.pointee.frame.removeAll()
        recording.pointee.failure = nil
    }
}

/// The records so far, and what they are written by.
private struct Recording: ~Copyable {
    private let connection: OpaquePointer
    private let shard: Int32
    private let topic: UInt8
    private let tables: UnsafeMutableBufferPointer<WatchedTable>
    var frame = FrameWriter()
    var failure: Int32?
    private var key = ByteSink(capacity: 256)
    /// The key that an updated row had.
    private var former = ByteSink(capacity: 256)

    init(_ connection: OpaquePointer, shard: Int32, topic: UInt8, tables: [WatchedTable]) {
        self.connection = connection
        self.shard = shard
        self.topic = topic
        self.tables = .allocate(capacity: tables.count)
        _ = self.tables.initialize(from: tables)
    }

    deinit {
        for table in tables { table.deallocate() }
        tables.deallocate()
    }

    mutating func changed(_ operation: Int32, _ name: UnsafePointer<CChar>, oldRow: Int64, newRow: Int64) {
        // A few names: comparing them costs less than hashing one.
        guard let at = tables.firstIndex(where: { strcmp($0.name, name) == 0 }) else { return }
        let table = tables[at]
        switch operation {
        case SQLITE_DELETE:
            writeKey(table, row: oldRow, isNew: false)
            appendTombstone()
            return
        case SQLITE_UPDATE where !table.hasRow || oldRow != newRow:
            // A key that changes leaves its old row behind.
            writeKey(table, row: oldRow, isNew: false)
            swap(&key, &former)
            writeKey(table, row: newRow, isNew: true)
            if !Self.areEqual(key, former) {
                swap(&key, &former)
                appendTombstone()
                swap(&key, &former)
            }
        default: writeKey(table, row: newRow, isNew: true)
        }
        let (connection, columns) = (connection, table.columns)
        var failure: Int32 = SQLITE_OK
        key.withUnsafeBytes { key in
            frame.append(topic: topic, partition: shard, timestamp: nil, key: key, headers: { _ in }) { image in
                image.append(UInt8(Schema.version))
                for column in 0..<columns {
                    var value: OpaquePointer?
                    let code = sqlite3_preupdate_new(connection, column, &value)
                    if code == SQLITE_OK, let value { Self.write(value, to: &image) } else { failure = code }
                }
                return true
            }
        }
        if failure != SQLITE_OK { self.failure = failure }
    }

    private static func areEqual(_ left: borrowing ByteSink, _ right: borrowing ByteSink) -> Bool {
        left.withUnsafeBytes { left in right.withUnsafeBytes { left.elementsEqual($0) } }
    }

    private mutating func appendTombstone() {
        key.withUnsafeBytes { key in
            frame.append(
                topic: topic, partition: shard, timestamp: nil, key: key, headers: { _ in }, value: { _ in false })
        }
    }

    private mutating func writeKey(_ table: WatchedTable, row: Int64, isNew: Bool) {
        key.removeAll()
        key.append(contentsOf: UnsafeRawBufferPointer(start: table.name, count: table.nameLength))
        for column in table.key {
            key.append(UInt8(ascii: "/"))
            if table.hasRow {
                Self.append(row, to: &key)
                continue
            }
            var value: OpaquePointer?
            let code =
                isNew
                ? sqlite3_preupdate_new(connection, column, &value) : sqlite3_preupdate_old(connection, column, &value)
            guard code == SQLITE_OK, let value else {
                failure = code
                continue
            }
            switch sqlite3_value_type(value) {
            case SQLITE_INTEGER: Self.append(sqlite3_value_int64(value), to: &key)
            case SQLITE_BLOB: Self.appendHex(Self.bytes(value), to: &key)
            default: key.append(contentsOf: Self.bytes(value))
            }
        }
    }

    /// Of a text too: asked for as text it would be copied, to end with a zero.
    private static func bytes(_ value: OpaquePointer) -> UnsafeRawBufferPointer {
        let start = sqlite3_value_blob(value)
        return UnsafeRawBufferPointer(start: start, count: Int(sqlite3_value_bytes(value)))
    }

    private static func appendHex(_ bytes: UnsafeRawBufferPointer, to key: inout ByteSink) {
        key.append(count: bytes.count * 2) { target in
            for (at, byte) in bytes.enumerated() {
                target[at * 2] = digit(byte >> 4)
                target[at * 2 + 1] = digit(byte & 15)
            }
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 48 + value : 87 + value }

    /// Appends a number to a key in decimal digits.
    private static func append(_ number: Int64, to key: inout ByteSink) {
        if number < 0 { key.append(UInt8(ascii: "-")) }
        var rest = number.magnitude
        var width = 1
        while case let less = rest / 10, less > 0 {
            width += 1
            rest = less
        }
        rest = number.magnitude
        key.append(count: width) { digits in
            for at in stride(from: width - 1, through: 0, by: -1) {
                digits[at] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            }
        }
    }

    private static func write(_ value: OpaquePointer, to image: inout ByteSink) {
        switch sqlite3_value_type(value) {
        case SQLITE_INTEGER:
            image.append(1)
            RowImage.append(sqlite3_value_int64(value), to: &image)
        case SQLITE_TEXT:
            image.append(2)
            RowImage.append(bytes(value), to: &image)
        case SQLITE_BLOB:
            image.append(3)
            RowImage.append(bytes(value), to: &image)
        default: image.append(0)
        }
    }
}

/// A table of the changelog as the recorder finds it, without anything that is counted.
private struct WatchedTable {
    /// Ends with a zero.
    let name: UnsafeMutablePointer<CChar>
    let nameLength: Int
    let columns: Int32
    /// Places of the columns of the primary key.
    let key: UnsafeMutableBufferPointer<Int32>
    let hasRow: Bool

    init(_ description: ChangelogTable) {
        nameLength = description.name.utf8.count
        name = .allocate(capacity: nameLength + 1)
        for (at, byte) in description.name.utf8.enumerated() { name[at] = CChar(bitPattern: byte) }
        name[nameLength] = 0
        columns = Int32(description.columns.count)
        key = .allocate(capacity: description.key.count)
        _ = key.initialize(from: description.key.map(Int32.init))
        hasRow = description.hasRow
    }

    func deallocate() {
        name.deallocate()
        key.deallocate()
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

    /// Columns in which a shard and the same one rebuilt are alike: all but those that name the file and its owner.
    var comparedColumns: [String] {
        let own: Set = ["epoch", "owner", "lineage", "rebuilt_at"]
        return name == "meta" ? columns.filter { !own.contains($0) } : columns
    }

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
