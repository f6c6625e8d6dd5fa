import FuldmagtBytes

/// Record headers as one run of bytes: for each header a 2-byte name length, the name, a 4-byte value length (-1 for a
/// null value) and the value; integers little-endian. Headers keep their order and may repeat, as Kafka allows.
///
/// The form is the same in fetched batches and in stored frames, so headers are copied without being taken apart.
public enum HeaderBlock {
    /// Appends one header. Names longer than 65,535 bytes are cut: Kafka clients do not produce them.
    @inlinable
    public static func append<Block: ByteAppending & ~Copyable>(
        name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer?, to block: inout Block
    ) {
        let nameLength = min(name.count, Int(UInt16.max))
        append(UInt16(nameLength), to: &block)
        block.append(contentsOf: UnsafeRawBufferPointer(rebasing: name[..<nameLength]))
        guard let value else {
            append(Int32(-1), to: &block)
            return
        }
        append(Int32(value.count), to: &block)
        block.append(contentsOf: value)
    }

    /// Appends one header with a textual value.
    @inlinable
    public static func append<Block: ByteAppending & ~Copyable>(
        _ name: StaticString, _ value: String, to block: inout Block
    ) {
        var value = value
        value.withUTF8 {
            append(
                name: UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount),
                value: UnsafeRawBufferPointer($0), to: &block)
        }
    }

    /// Appends one header with a textual name and value.
    @inlinable
    public static func append<Block: ByteAppending & ~Copyable>(
        name: String, value: String, to block: inout Block
    ) {
        var name = name
        var value = value
        name.withUTF8 { name in
            value.withUTF8 { append(name: .init(name), value: .init($0), to: &block) }
        }
    }

    /// Appends one header whose value `value` writes.
    @inlinable
    public static func append(_ name: StaticString, to block: inout ByteSink, value: (inout ByteSink) -> Void) {
        append(UInt16(name.utf8CodeUnitCount), to: &block)
        block.append(name)
        block.appendCounted(value)
    }

    /// Calls `body` with each header of a block, in order.
    @inlinable
    public static func forEach<Failure: Error>(
        in block: UnsafeRawBufferPointer,
        _ body: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer?) throws(Failure) -> Void
    ) throws(Failure) {
        var at = 0
        while at + 6 <= block.count {
            let nameLength = Int(UInt16(littleEndian: block.loadUnaligned(fromByteOffset: at, as: UInt16.self)))
            at += 2
            precondition(at + nameLength + 4 <= block.count, "a header block is cut short")
            let name = UnsafeRawBufferPointer(rebasing: block[at..<at + nameLength])
            at += nameLength
            let valueLength = Int(Int32(littleEndian: block.loadUnaligned(fromByteOffset: at, as: Int32.self)))
            at += 4
            guard valueLength >= 0 else {
                try body(name, nil)
                continue
            }
            precondition(at + valueLength <= block.count, "a header block is cut short")
            try body(name, UnsafeRawBufferPointer(rebasing: block[at..<at + valueLength]))
            at += valueLength
        }
    }

    @inlinable
    static func append<Number: FixedWidthInteger, Block: ByteAppending & ~Copyable>(
        _ number: Number, to block: inout Block
    ) {
        withUnsafeBytes(of: number.littleEndian) { block.append(contentsOf: $0) }
    }
}
