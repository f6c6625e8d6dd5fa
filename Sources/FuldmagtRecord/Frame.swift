/// Records to be produced together, as one run of bytes: what a shard stores in its outbox is what the producer sends.
///
/// Each record: topic (1 byte), flags (1: bit 0 null key, bit 1 null value), partition (4; -1 lets the key decide),
/// timestamp (8; -1 for the broker's or producer's own), then key, header block and value, each after a 4-byte length.
/// Integers are little-endian.
public struct Frame: Sendable, Equatable {
    /// The encoded records.
    public private(set) var bytes: [UInt8]
    /// Number of records.
    public private(set) var count: Int

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

    public mutating func reserveCapacity(_ byteCount: Int) { bytes.reserveCapacity(byteCount) }

    public mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
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
        headers: (inout [UInt8]) -> Void, value: (inout [UInt8]) -> Bool
    ) {
        withStorage { bytes in
            bytes.append(topic)
            let flagsAt = bytes.count
            bytes.append(key == nil ? 1 : 0)
            HeaderBlock.append(partition ?? -1, to: &bytes)
            HeaderBlock.append(timestamp ?? -1, to: &bytes)
            HeaderBlock.append(Int32(key?.count ?? 0), to: &bytes)
            if let key { bytes.append(contentsOf: key) }
            Self.patchLength(&bytes) { headers(&$0) }
            var hasValue = true
            Self.patchLength(&bytes) { hasValue = value(&$0) }
            if !hasValue { bytes[flagsAt] |= 2 }
        }
    }

    @usableFromInline
    mutating func withStorage(_ body: (inout [UInt8]) -> Void) {
        body(&bytes)
        count += 1
    }

    @usableFromInline
    static func patchLength(_ bytes: inout [UInt8], _ body: (inout [UInt8]) -> Void) {
        let at = bytes.count
        HeaderBlock.append(Int32(0), to: &bytes)
        body(&bytes)
        let length = Int32(bytes.count - at - 4)
        bytes.withUnsafeMutableBytes { $0.storeBytes(of: length.littleEndian, toByteOffset: at, as: Int32.self) }
    }

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
