/// What bytes can be appended to: an array, or a sink.
public protocol ByteAppending: ~Copyable {
    mutating func append(_ byte: UInt8)
    mutating func append(contentsOf bytes: UnsafeRawBufferPointer)
}

extension [UInt8]: ByteAppending {}

/// A growing run of bytes that is only appended to: what records and JSON are written into. It owns its memory alone, so
/// that an append is a comparison and a copy.
public struct ByteSink: ~Copyable, ByteAppending {
    @usableFromInline var base: UnsafeMutablePointer<UInt8>?
    @usableFromInline var length = 0
    @usableFromInline var capacity = 0

    /// Bytes appended so far.
    @inlinable public var count: Int { length }

    @inlinable
    public init() {}

    /// - Parameter capacity: bytes that are appended without growing.
    public init(capacity: Int) { grow(by: capacity) }

    deinit { base?.deallocate() }

    /// Forgets the bytes and keeps the memory.
    public mutating func removeAll() { length = 0 }

    /// Room for `extra` bytes more, and a pointer to where they go.
    @inlinable @inline(__always)
    mutating func room(_ extra: Int) -> UnsafeMutablePointer<UInt8> {
        if length + extra > capacity { grow(by: extra) }
        return base.unsafelyUnwrapped + length
    }

    @usableFromInline @inline(never)
    mutating func grow(by extra: Int) {
        let larger = max(capacity * 2, count + extra, 256)
        let grown = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
        if let base {
            grown.update(from: base, count: count)
            base.deallocate()
        }
        base = grown
        capacity = larger
    }

    @inlinable @inline(__always)
    public mutating func append(_ byte: UInt8) {
        room(1).pointee = byte
        advance(1)
    }

    @inlinable @inline(__always)
    public mutating func append(contentsOf bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress, !bytes.isEmpty else { return }
        UnsafeMutableRawPointer(room(bytes.count)).copyMemory(from: start, byteCount: bytes.count)
        advance(bytes.count)
    }

    @inlinable
    public mutating func append(contentsOf bytes: [UInt8]) {
        bytes.withUnsafeBytes { append(contentsOf: $0) }
    }

    @inlinable @inline(__always)
    public mutating func append(_ text: StaticString) {
        append(contentsOf: UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    @inlinable
    public mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { append(contentsOf: UnsafeRawBufferPointer($0)) }
    }

    /// Appends `count` bytes that `body` writes all of.
    @inlinable @inline(__always)
    public mutating func append(count: Int, _ body: (UnsafeMutablePointer<UInt8>) -> Void) {
        body(room(count))
        advance(count)
    }

    /// Appends a 4-byte length, then what `body` appends, which it counts.
    @inlinable
    public mutating func appendCounted(_ body: (inout ByteSink) -> Void) {
        let at = count
        append(count: 4) { _ in }
        body(&self)
        let length = Int32(count - at - 4)
        UnsafeMutableRawPointer(base.unsafelyUnwrapped + at).storeBytes(of: length.littleEndian, as: Int32.self)
    }

    /// Overwrites a byte that was appended before.
    public mutating func set(_ byte: UInt8, at index: Int) {
        precondition(index >= 0 && index < count, "no byte was appended there")
        base.unsafelyUnwrapped[index] = byte
    }

    @usableFromInline @inline(__always)
    mutating func advance(_ bytes: Int) { length += bytes }

    /// Gives access to the bytes.
    public func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(start: base, count: count))
    }

    /// The bytes as an array, copied.
    public func array() -> [UInt8] { withUnsafeBytes { [UInt8]($0) } }
}
