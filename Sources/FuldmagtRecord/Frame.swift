import FuldmagtBytes

/// Records to be produced together, as one run of bytes: what a shard stores in its outbox is what the producer sends.
///
/// Each record: topic (1 byte), flags (1: bit 0 null key, bit 1 null value), partition (4; -1 lets the key decide),
/// timestamp (8; -1 for the broker's or producer's own), then key, header block and value, each after a 4-byte length.
/// Integers are little-endian.
public struct Frame: Sendable, Equatable {
    /// The encoded records.
    public let bytes: [UInt8]
    /// Number of records.
    public let count: Int

    public init() {
        bytes = []
        count = 0
    }

    /// A frame read back from storage.
    /// - Parameter count: as stored beside the bytes.
    public init(bytes: [UInt8], count: Int) {
        self.bytes = bytes
        self.count = count
    }

    public var isEmpty: Bool { count == 0 }

    /// Calls `body` with each record in order.
    /// - Throws: `FrameDamaged` when the bytes do not hold `count` whole records.
    @inlinable
    public func forEach(_ body: (FrameRecord) throws -> Void) throws {
        try bytes.withUnsafeBytes { bytes in
            var reader = FrameReader(bytes: bytes)
            for _ in 0..<count { try body(try reader.next()) }
            guard reader.at == bytes.count else { throw FrameDamaged() }
        }
    }
}

/// Writes a frame, record by record.
public struct FrameWriter: ~Copyable {
    @usableFromInline var sink: ByteSink
    /// Records written so far.
    public private(set) var count = 0

    /// - Parameter capacity: bytes that are written without growing.
    public init(capacity: Int = 0) { sink = ByteSink(capacity: capacity) }

    /// The frame so far; the writer starts a new one and keeps its memory.
    public mutating func take() -> Frame {
        defer { removeAll() }
        return Frame(bytes: sink.array(), count: count)
    }

    /// Takes over another writer's records, behind this one's own. The other starts a new frame and keeps its memory.
    public mutating func append(takenFrom other: inout FrameWriter) {
        other.sink.withUnsafeBytes { sink.append(contentsOf: $0) }
        count += other.count
        other.removeAll()
    }

    /// Forgets the records and keeps the memory.
    public mutating func removeAll() {
        sink.removeAll()
        count = 0
    }

    /// Appends one record; `headers` and `value` write straight into the frame.
    /// - Parameters:
    ///   - topic: index in the producer's list of topics.
    ///   - partition: nil lets the partitioner decide by key.
    ///   - timestamp: milliseconds since 1970; nil for the time of sending.
    ///   - key: nil for a null key.
    ///   - value: returns false for a null value.
    @inlinable
    public mutating func append(
        topic: UInt8, partition: Int32?, timestamp: Int64?, key: UnsafeRawBufferPointer?,
        headers: (inout ByteSink) -> Void, value: (inout ByteSink) -> Bool
    ) {
        let flagsAt = begin(topic: topic, partition: partition, timestamp: timestamp, key: key)
        sink.appendCounted(headers)
        var hasValue = true
        sink.appendCounted { hasValue = value(&$0) }
        if !hasValue { sink.set((key == nil ? 1 : 0) | 2, at: flagsAt) }
    }

    @usableFromInline
    mutating func begin(topic: UInt8, partition: Int32?, timestamp: Int64?, key: UnsafeRawBufferPointer?) -> Int {
        count += 1
        sink.append(topic)
        let flagsAt = sink.count
        sink.append(key == nil ? 1 : 0)
        HeaderBlock.append(partition ?? -1, to: &sink)
        HeaderBlock.append(timestamp ?? -1, to: &sink)
        HeaderBlock.append(Int32(key?.count ?? 0), to: &sink)
        if let key { sink.append(contentsOf: key) }
        return flagsAt
    }
}

/// A stored frame whose bytes cannot be read back.
public struct FrameDamaged: Error, CustomStringConvertible {
    public init() {}
    public var description: String { "a stored frame is damaged" }
}

/// One record of a frame; its bytes belong to the frame.
public struct FrameRecord {
    public let topic: UInt8
    public let partition: Int32?
    public let timestamp: Int64?
    public let key: UnsafeRawBufferPointer?
    /// See `HeaderBlock`.
    public let headers: UnsafeRawBufferPointer
    public let value: UnsafeRawBufferPointer?

    @usableFromInline
    init(
        topic: UInt8, partition: Int32?, timestamp: Int64?, key: UnsafeRawBufferPointer?,
        headers: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer?
    ) {
        self.topic = topic
        self.partition = partition
        self.timestamp = timestamp
        self.key = key
        self.headers = headers
        self.value = value
    }
}

@usableFromInline
struct FrameReader {
    @usableFromInline let bytes: UnsafeRawBufferPointer
    @usableFromInline var at = 0

    @usableFromInline
    init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    @usableFromInline
    mutating func next() throws(FrameDamaged) -> FrameRecord {
        guard at + 14 <= bytes.count else { throw FrameDamaged() }
        let topic = bytes[at]
        let flags = bytes[at + 1]
        let partition = Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: at + 2, as: Int32.self))
        let timestamp = Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: at + 6, as: Int64.self))
        at += 14
        let key = try run()
        let headers = try run()
        let value = try run()
        return FrameRecord(
            topic: topic, partition: partition < 0 ? nil : partition, timestamp: timestamp < 0 ? nil : timestamp,
            key: flags & 1 == 0 ? key : nil, headers: headers, value: flags & 2 == 0 ? value : nil)
    }

    private mutating func run() throws(FrameDamaged) -> UnsafeRawBufferPointer {
        guard at + 4 <= bytes.count else { throw FrameDamaged() }
        let length = Int(Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: Int32.self)))
        at += 4
        guard length >= 0, at + length <= bytes.count else { throw FrameDamaged() }
        defer { at += length }
        return UnsafeRawBufferPointer(rebasing: bytes[at..<at + length])
    }
}
