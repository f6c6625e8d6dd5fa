/// Records fetched together for one partition number, in the order of their arrival, copied once into one arena.
public struct RecordBatch: Sendable {
    @usableFromInline
    struct Entry: Sendable {
        @usableFromInline var topic: UInt8
        @usableFromInline var offset: Int64
        @usableFromInline var timestamp: Int64
        @usableFromInline var start: Int
        /// -1 for a null key.
        @usableFromInline var keyLength: Int32
        @usableFromInline var headersLength: Int32
        /// -1 for a null value (a tombstone).
        @usableFromInline var valueLength: Int32

        @usableFromInline
        init(
            topic: UInt8, offset: Int64, timestamp: Int64, start: Int, keyLength: Int32, headersLength: Int32,
            valueLength: Int32
        ) {
            self.topic = topic
            self.offset = offset
            self.timestamp = timestamp
            self.start = start
            self.keyLength = keyLength
            self.headersLength = headersLength
            self.valueLength = valueLength
        }
    }

    @usableFromInline var arena: [UInt8] = []
    @usableFromInline var entries: [Entry] = []

    public init() {}

    /// Number of records.
    @inlinable public var count: Int { entries.count }
    @inlinable public var isEmpty: Bool { entries.isEmpty }
    /// Bytes of all keys, headers and values.
    @inlinable public var byteCount: Int { arena.count }

    /// Forgets the records and keeps the memory.
    public mutating func removeAll() {
        arena.removeAll(keepingCapacity: true)
        entries.removeAll(keepingCapacity: true)
    }

    /// Copies one record in.
    /// - Parameters:
    ///   - topic: index of the record's topic in the consumer's list of topics.
    ///   - timestamp: milliseconds since 1970, UTC.
    ///   - headers: appends the headers with `HeaderBlock`.
    @inlinable
    public mutating func append(
        topic: UInt8, offset: Int64, timestamp: Int64, key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?,
        headers: (inout [UInt8]) -> Void
    ) {
        let start = arena.count
        if let key { arena.append(contentsOf: key) }
        let headersStart = arena.count
        headers(&arena)
        let headersEnd = arena.count
        if let value { arena.append(contentsOf: value) }
        entries.append(
            Entry(
                topic: topic, offset: offset, timestamp: timestamp, start: start,
                keyLength: key.map { Int32($0.count) } ?? -1, headersLength: Int32(headersEnd - headersStart),
                valueLength: value.map { Int32($0.count) } ?? -1))
    }

    /// Copies a record of another batch in.
    @inlinable
    public mutating func append(_ record: RecordView) {
        append(
            topic: record.topic, offset: record.offset, timestamp: record.timestamp, key: record.key,
            value: record.value
        ) { $0.append(contentsOf: record.headers) }
    }

    /// Gives access to the records; what the views point to must not be used after `body` returns.
    @inlinable
    public func withRecords<Result, Failure: Error>(_ body: (RecordViews) throws(Failure) -> Result) throws(Failure)
        -> Result
    {
        try arena.withUnsafeBufferPointer { (bytes) throws(Failure) in
            try body(RecordViews(bytes: UnsafeRawBufferPointer(bytes), entries: entries))
        }
    }
}

/// The records of a batch while its bytes are pinned.
public struct RecordViews: RandomAccessCollection {
    @usableFromInline let bytes: UnsafeRawBufferPointer
    @usableFromInline let entries: [RecordBatch.Entry]

    @usableFromInline
    init(bytes: UnsafeRawBufferPointer, entries: [RecordBatch.Entry]) {
        self.bytes = bytes
        self.entries = entries
    }

    @inlinable public var startIndex: Int { 0 }
    @inlinable public var endIndex: Int { entries.count }

    @inlinable
    public subscript(position: Int) -> RecordView {
        let entry = entries[position]
        var at = entry.start
        func take(_ length: Int32) -> UnsafeRawBufferPointer? {
            guard length >= 0 else { return nil }
            defer { at += Int(length) }
            return UnsafeRawBufferPointer(rebasing: bytes[at..<at + Int(length)])
        }
        let key = take(entry.keyLength)
        let headers = take(entry.headersLength) ?? UnsafeRawBufferPointer(start: nil, count: 0)
        return RecordView(
            topic: entry.topic, offset: entry.offset, timestamp: entry.timestamp, key: key, headers: headers,
            value: take(entry.valueLength))
    }
}

/// One fetched record; its bytes belong to the batch.
public struct RecordView {
    /// Index of the topic in the consumer's list.
    public let topic: UInt8
    public let offset: Int64
    /// Milliseconds since 1970, UTC: Kafka's timestamp of the record.
    public let timestamp: Int64
    /// Nil for a null key.
    public let key: UnsafeRawBufferPointer?
    /// See `HeaderBlock`.
    public let headers: UnsafeRawBufferPointer
    /// Nil for a null value (a tombstone); an empty value has no bytes.
    public let value: UnsafeRawBufferPointer?

    @inlinable
    public init(
        topic: UInt8, offset: Int64, timestamp: Int64, key: UnsafeRawBufferPointer?, headers: UnsafeRawBufferPointer,
        value: UnsafeRawBufferPointer?
    ) {
        self.topic = topic
        self.offset = offset
        self.timestamp = timestamp
        self.key = key
        self.headers = headers
        self.value = value
    }

    /// The text of the last header of a name; nil where there is none, and where that is null or no UTF-8.
    public func header(_ wanted: String) -> String? {
        var text: String?
        HeaderBlock.forEach(in: headers) { name, value in
            if name.elementsEqual(wanted.utf8) { text = value.flatMap { String(validating: $0, as: UTF8.self) } }
        }
        return text
    }
}
