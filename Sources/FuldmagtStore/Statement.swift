import FuldmagtDomain
import GRDBSQLite

/// A prepared statement of one connection, for the hot path: bind by number, step, read columns. Everything that is not
/// hot goes through GRDB's own rows.
final class Statement {
    private let connection: OpaquePointer
    private let sql: String
    private var prepared: OpaquePointer?
    /// Short values stay here until the next binding, so that SQLite need not copy them: a slot for each parameter.
    private var slots: UnsafeMutablePointer<UInt8>?
    private static let slotSize = 64
    private var isFinished = false
    /// What SQLite said of a value that it did not take; nothing is run with the value that was there before.
    private var refusal: Int32 = SQLITE_OK

    /// One that is prepared when it is first used.
    init(_ connection: OpaquePointer, whenUsed sql: String) {
        self.connection = connection
        self.sql = sql
    }

    /// One that is prepared now.
    convenience init(_ connection: OpaquePointer, _ sql: String) throws(StoreError) {
        self.init(connection, whenUsed: sql)
        guard handle != nil else { throw failed("preparing") }
    }

    /// Nil where it cannot be prepared: then there is nothing to bind, and running it says why.
    private var handle: OpaquePointer? { prepared ?? prepare() }

    private func prepare() -> OpaquePointer? {
        guard !isFinished else { return nil }
        var handle: OpaquePointer?
        let code = sqlite3_prepare_v3(connection, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &handle, nil)
        guard code == SQLITE_OK, let handle else { return nil }
        let parameters = Int(sqlite3_bind_parameter_count(handle))
        slots = .allocate(capacity: max(parameters, 1) * Self.slotSize)
        prepared = handle
        return handle
    }

    /// Where a parameter's value may stay.
    private func slot(_ at: Int32) -> UnsafeMutablePointer<UInt8>? {
        slots.map { $0 + Int(at - 1) * Self.slotSize }
    }

    /// Lets SQLite prepare statements without telling GRDB what they touch: GRDB uses that for its own only, and to be
    /// told of every column takes longer than the preparing.
    static func stopReporting(_ connection: OpaquePointer) { _ = sqlite3_set_authorizer(connection, nil, nil) }

    /// Ends a transaction that failed, and whatever is half read: a statement that has rows left would go on with them, for
    /// whoever asks next, and hold what SQLite read them from. SQLite may have rolled back by itself; then there is nothing
    /// to roll back, and that is no fault.
    static func rollBack(_ connection: OpaquePointer) {
        var statement = sqlite3_next_stmt(connection, nil)
        while let one = statement {
            sqlite3_reset(one)
            statement = sqlite3_next_stmt(connection, one)
        }
        if sqlite3_get_autocommit(connection) == 0 { sqlite3_exec(connection, "ROLLBACK", nil, nil, nil) }
    }

    /// Gives the statement up before the connection is closed. It is of no use afterwards.
    func finish() {
        sqlite3_finalize(prepared)
        prepared = nil
        isFinished = true
    }

    deinit {
        sqlite3_finalize(prepared)
        slots?.deallocate()
    }

    private nonisolated(unsafe) static let empty: UnsafePointer<CChar> = {
        let text = UnsafeMutablePointer<CChar>.allocate(capacity: 1)
        text.pointee = 0
        return UnsafePointer(text)
    }()

    private func note(_ code: Int32) { if code != SQLITE_OK { refusal = code } }

    private static var transient: sqlite3_destructor_type { unsafeBitCast(-1, to: sqlite3_destructor_type.self) }

    @discardableResult
    func bind(_ at: Int32, _ value: Int64) -> Statement {
        note(sqlite3_bind_int64(handle, at, value))
        return self
    }

    @discardableResult
    func bind(_ at: Int32, _ value: Int) -> Statement { bind(at, Int64(value)) }

    @discardableResult
    func bind(_ at: Int32, _ value: Day) -> Statement { bind(at, Int64(value.number)) }

    @discardableResult
    func bind(_ at: Int32, _ value: Instant) -> Statement { bind(at, value.milliseconds) }

    @discardableResult
    func bind(_ at: Int32, _ value: Municipality) -> Statement { bind(at, Int64(value.code)) }

    @discardableResult
    func bind(_ at: Int32, _ value: Bool) -> Statement { bind(at, value ? 1 : 0 as Int64) }

    @discardableResult
    func bind(_ at: Int32, _ value: String) -> Statement {
        var value = value
        guard let handle, let slot = slot(at) else { return self }
        value.withUTF8 { text in
            if text.count <= Self.slotSize {
                if let start = text.baseAddress { slot.update(from: start, count: text.count) }
                slot.withMemoryRebound(to: CChar.self, capacity: text.count) {
                    note(sqlite3_bind_text(handle, at, $0, Int32(text.count), nil))
                }
            } else {
                text.withMemoryRebound(to: CChar.self) {
                    note(sqlite3_bind_text(handle, at, $0.baseAddress, Int32($0.count), Self.transient))
                }
            }
        }
        return self
    }

    @discardableResult
    func bind(_ at: Int32, _ value: Ident) -> Statement {
        guard let handle, let slot = slot(at).map({ UnsafeMutableRawPointer($0) }) else { return self }
        slot.storeBytes(of: value.high.bigEndian, as: UInt64.self)
        slot.storeBytes(of: value.low.bigEndian, toByteOffset: 8, as: UInt64.self)
        note(sqlite3_bind_blob(handle, at, slot, 16, nil))
        return self
    }

    @discardableResult
    func bind(_ at: Int32, _ value: SealedNumber) -> Statement {
        guard let handle, let slot = slot(at).map({ UnsafeMutableRawPointer($0) }) else { return self }
        for (place, word) in [value.block.high, value.block.low, value.tag.high, value.tag.low].enumerated() {
            slot.storeBytes(of: word.bigEndian, toByteOffset: place * 8, as: UInt64.self)
        }
        note(sqlite3_bind_blob(handle, at, slot, 32, nil))
        return self
    }

    @discardableResult
    func bind(_ at: Int32, _ value: [UInt8]) -> Statement {
        value.withUnsafeBytes {
            note(sqlite3_bind_blob64(handle, at, $0.baseAddress, UInt64($0.count), Self.transient))
        }
        return self
    }

    /// The bytes must stay until the statement has run.
    func bindText(_ at: Int32, _ text: UnsafeRawBufferPointer) {
        note(
            sqlite3_bind_text(
                handle, at, text.assumingMemoryBound(to: CChar.self).baseAddress ?? Self.empty, Int32(text.count), nil))
    }

    /// The bytes must stay until the statement has run.
    func bindBytes(_ at: Int32, _ bytes: UnsafeRawBufferPointer) {
        if bytes.isEmpty {
            note(sqlite3_bind_zeroblob(handle, at, 0))
        } else {
            note(sqlite3_bind_blob64(handle, at, bytes.baseAddress, UInt64(bytes.count), nil))
        }
    }

    @discardableResult
    func bindNull(_ at: Int32) -> Statement {
        note(sqlite3_bind_null(handle, at))
        return self
    }

    @discardableResult
    func bind(_ at: Int32, _ value: String?) -> Statement { value.map { bind(at, $0) } ?? bindNull(at) }
    @discardableResult
    func bind(_ at: Int32, _ value: Int64?) -> Statement { value.map { bind(at, $0) } ?? bindNull(at) }
    @discardableResult
    func bind(_ at: Int32, _ value: Day?) -> Statement { value.map { bind(at, $0) } ?? bindNull(at) }
    @discardableResult
    func bind(_ at: Int32, _ value: Instant?) -> Statement { value.map { bind(at, $0) } ?? bindNull(at) }
    @discardableResult
    func bind(_ at: Int32, _ value: Ident?) -> Statement { value.map { bind(at, $0) } ?? bindNull(at) }
    @discardableResult
    func bind(_ at: Int32, _ value: Municipality?) -> Statement { value.map { bind(at, $0) } ?? bindNull(at) }

    /// Runs a statement that gives no rows.
    /// - Returns: number of rows changed.
    @discardableResult
    func run() throws(StoreError) -> Int {
        guard let handle else { throw notPrepared() }
        try throwRefusal()
        let code = sqlite3_step(handle)
        sqlite3_reset(handle)
        guard code == SQLITE_DONE || code == SQLITE_ROW else {
            throw failed("writing")
        }
        return Int(sqlite3_changes(connection))
    }

    /// Steps to the next row; resets itself after the last.
    func next() throws(StoreError) -> Bool {
        guard let handle else { throw notPrepared() }
        try throwRefusal()
        switch sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE:
            sqlite3_reset(handle)
            return false
        default:
            sqlite3_reset(handle)
            throw failed("reading")
        }
    }

    private func notPrepared() -> StoreError {
        // Nor was any value taken.
        refusal = SQLITE_OK
        return failed("preparing")
    }

    private func throwRefusal() throws(StoreError) {
        guard refusal != SQLITE_OK else { return }
        defer { refusal = SQLITE_OK }
        throw StoreError(sqlite: refusal, doing: "binding a value (\(sql.prefix(60)))")
    }

    private func failed(_ doing: String) -> StoreError {
        StoreError(sqlite: sqlite3_extended_errcode(connection), doing: "\(doing) (\(sql.prefix(60)))")
    }

    /// Ends reading before the last row.
    func reset() { sqlite3_reset(handle) }

    var insertedRow: Int64 { sqlite3_last_insert_rowid(connection) }

    // MARK: Columns

    func isNull(_ at: Int32) -> Bool { sqlite3_column_type(handle, at) == SQLITE_NULL }
    func int(_ at: Int32) -> Int64 { sqlite3_column_int64(handle, at) }

    func text(_ at: Int32) -> String {
        guard let start = sqlite3_column_text(handle, at) else { return "" }
        return String(
            decoding: UnsafeBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, at))), as: UTF8.self)
    }

    func optionalText(_ at: Int32) -> String? { isNull(at) ? nil : text(at) }

    func bytes(_ at: Int32) -> [UInt8] {
        guard let start = sqlite3_column_blob(handle, at) else { return [] }
        return [UInt8](UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, at))))
    }

    /// - Throws: when the column does not hold 16 bytes.
    func ident(_ at: Int32) throws(StoreError) -> Ident {
        guard sqlite3_column_bytes(handle, at) == 16, let start = sqlite3_column_blob(handle, at) else {
            throw damaged(at)
        }
        return Ident(UnsafeRawBufferPointer(start: start, count: 16))
    }

    /// - Throws: when the column does not hold 32 bytes.
    func sealed(_ at: Int32) throws(StoreError) -> SealedNumber {
        guard sqlite3_column_bytes(handle, at) == 32, let start = sqlite3_column_blob(handle, at) else {
            throw damaged(at)
        }
        let bytes = UnsafeRawBufferPointer(start: start, count: 32)
        return SealedNumber(
            block: Ident(bytes), tag: Ident(UnsafeRawBufferPointer(rebasing: bytes[16...])))
    }

    func optionalIdent(_ at: Int32) throws(StoreError) -> Ident? { isNull(at) ? nil : try ident(at) }

    func day(_ at: Int32) throws(StoreError) -> Day {
        guard let day = Day(number: Int(int(at))) else { throw damaged(at) }
        return day
    }

    func optionalDay(_ at: Int32) throws(StoreError) -> Day? { isNull(at) ? nil : try day(at) }
    func instant(_ at: Int32) -> Instant { Instant(milliseconds: int(at)) }
    func optionalInstant(_ at: Int32) -> Instant? { isNull(at) ? nil : instant(at) }

    func municipality(_ at: Int32) throws(StoreError) -> Municipality {
        guard let municipality = Municipality(code: Int(int(at))) else { throw damaged(at) }
        return municipality
    }

    func optionalMunicipality(_ at: Int32) throws(StoreError) -> Municipality? {
        isNull(at) ? nil : try municipality(at)
    }

    /// A column as it is stored.
    func stored(_ at: Int32) -> StoredValue {
        switch sqlite3_column_type(handle, at) {
        case SQLITE_INTEGER: .int(int(at))
        case SQLITE_TEXT: .text(text(at))
        case SQLITE_BLOB: .blob(bytes(at))
        default: .null
        }
    }

    /// Whether the rows that two statements stand at hold the same.
    func hasSameRow(as other: Statement) -> Bool {
        (0..<sqlite3_column_count(handle)).allSatisfy { stored($0) == other.stored($0) }
    }

    /// The row that it stands at.
    var description: String {
        columnNames.enumerated().map { "\($1) \(stored(Int32($0)))" }.joined(separator: ", ")
    }

    var columnNames: [String] {
        (0..<sqlite3_column_count(handle)).map { sqlite3_column_name(handle, $0).map { String(cString: $0) } ?? "" }
    }

    @discardableResult
    func bind(_ at: Int32, _ value: StoredValue) -> Statement {
        switch value {
        case .null: bindNull(at)
        case .int(let number): bind(at, number)
        case .text(let text): bind(at, text)
        case .blob(let bytes): bind(at, bytes)
        }
    }

    func choice<Choice: RawRepresentable<String>>(_ at: Int32, _ type: Choice.Type) throws(StoreError) -> Choice {
        guard let choice = Choice(rawValue: text(at)) else { throw damaged(at) }
        return choice
    }

    private func damaged(_ at: Int32) -> StoreError {
        let name = sqlite3_column_name(handle, at).map { String(cString: $0) } ?? "?"
        return StoreError(.fatal, "column \(name) of a stored row holds what the schema does not allow")
    }
}

/// A value of a STRICT table's column.
enum StoredValue: Hashable {
    case null
    case int(Int64)
    case text(String)
    case blob([UInt8])
}
