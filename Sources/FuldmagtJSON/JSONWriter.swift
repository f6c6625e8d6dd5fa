import FuldmagtBytes

/// Writes compact JSON; puts the commas itself.
///
/// What it writes is well-formed when every `begin` has its `end` and every member its key.
public struct JSONWriter: ~Copyable {
    private var bytes: ByteSink
    /// Whether a value stands just before in the same container.
    private var needsComma = false

    public init() { bytes = ByteSink() }

    /// Everything written so far.
    public consuming func finish() -> [UInt8] { bytes.array() }

    /// Lends a sink to a writer, which appends to it, and takes it back.
    public static func append(to sink: inout ByteSink, _ body: (inout JSONWriter) -> Void) {
        var writer = JSONWriter()
        swap(&writer.bytes, &sink)
        body(&writer)
        swap(&writer.bytes, &sink)
    }

    @inline(__always)
    private mutating func beginValue() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
    }

    private mutating func open(_ bracket: UInt8) {
        beginValue()
        bytes.append(bracket)
        needsComma = false
    }

    private mutating func close(_ bracket: UInt8) {
        bytes.append(bracket)
        needsComma = true
    }

    public mutating func beginObject() { open(UInt8(ascii: "{")) }
    public mutating func endObject() { close(UInt8(ascii: "}")) }
    public mutating func beginArray() { open(UInt8(ascii: "[")) }
    public mutating func endArray() { close(UInt8(ascii: "]")) }

    /// The name of the member whose value is written next.
    public mutating func key(_ name: StaticString) {
        // Names of ours need no escapes.
        let (count, comma) = (name.utf8CodeUnitCount, needsComma ? 1 : 0)
        bytes.append(count: count + comma + 3) { target in
            target[0] = UInt8(ascii: ",")
            target[comma] = UInt8(ascii: "\"")
            (target + comma + 1).update(from: name.utf8Start, count: count)
            target[comma + count + 1] = UInt8(ascii: "\"")
            target[comma + count + 2] = UInt8(ascii: ":")
        }
        needsComma = false
    }

    /// The name of the member whose value is written next.
    public mutating func key(_ name: String) {
        string(name)
        endKey()
    }

    private mutating func endKey() {
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    public mutating func string(_ value: String) {
        var value = value
        value.withUTF8 { stringBytes(UnsafeRawBufferPointer($0)) }
    }

    public mutating func string(_ value: StaticString) {
        value.withUTF8Buffer { stringBytes(UnsafeRawBufferPointer($0)) }
    }

    /// A string of `count` bytes of printable ASCII without quotes and backslashes, which `body` writes.
    public mutating func plainString(count: Int, _ body: (UnsafeMutablePointer<UInt8>) -> Void) {
        beginValue()
        bytes.append(count: count + 2) { target in
            target[0] = UInt8(ascii: "\"")
            body(target + 1)
            target[count + 1] = UInt8(ascii: "\"")
        }
    }

    /// A string in pieces: `body` writes them with `piece`.
    public mutating func pieces(_ body: (inout JSONWriter) -> Void) {
        beginValue()
        bytes.append(UInt8(ascii: "\""))
        body(&self)
        bytes.append(UInt8(ascii: "\""))
    }

    /// One piece of a string, not yet escaped.
    public mutating func piece(_ value: String) {
        var value = value
        value.withUTF8 { appendEscaped(UnsafeRawBufferPointer($0)) }
    }

    /// A string given as valid UTF-8, not yet escaped.
    public mutating func stringBytes(_ value: UnsafeRawBufferPointer) {
        if let start = value.baseAddress?.assumingMemoryBound(to: UInt8.self),
            Self.escapeFreeEnd(start, 0, value.count) == value.count
        {
            // Most texts are copied as they stand.
            plainString(count: value.count) { $0.update(from: start, count: value.count) }
            return
        }
        beginValue()
        bytes.append(UInt8(ascii: "\""))
        appendEscaped(value)
        bytes.append(UInt8(ascii: "\""))
    }

    public mutating func int(_ value: Int) { int(Int64(value)) }

    public mutating func int(_ value: Int64) {
        beginValue()
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        var magnitude = value.magnitude
        var width = 1
        var rest = magnitude / 10
        while rest > 0 {
            width += 1
            rest /= 10
        }
        bytes.append(count: width) { digits in
            for at in stride(from: width - 1, through: 0, by: -1) {
                digits[at] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: magnitude % 10)
                magnitude /= 10
            }
        }
    }

    public mutating func bool(_ value: Bool) { raw(value ? "true" : "false") }
    public mutating func null() { raw("null") }

    /// One value, already encoded.
    public mutating func raw(_ json: StaticString) {
        beginValue()
        bytes.append(json)
    }

    /// One value, already encoded.
    public mutating func rawBytes(_ json: UnsafeRawBufferPointer) {
        beginValue()
        bytes.append(contentsOf: json)
    }

    public mutating func member(_ name: StaticString, _ value: String) {
        key(name)
        string(value)
    }

    public mutating func member(_ name: StaticString, _ value: Int) {
        key(name)
        int(value)
    }

    public mutating func member(_ name: StaticString, _ value: Bool) {
        key(name)
        bool(value)
    }

    /// Writes nothing when the value is nil.
    public mutating func memberIfPresent(_ name: StaticString, _ value: String?) {
        guard let value else { return }
        member(name, value)
    }

    private mutating func appendEscaped(_ text: UnsafeRawBufferPointer) {
        guard let start = text.baseAddress else { return }
        let base = start.assumingMemoryBound(to: UInt8.self)
        var at = 0
        while at < text.count {
            let end = Self.escapeFreeEnd(base, at, text.count)
            bytes.append(contentsOf: UnsafeRawBufferPointer(start: base + at, count: end - at))
            guard end < text.count else { return }
            appendEscape(base[end])
            at = end + 1
        }
    }

    /// Where the first byte stands that is written as an escape.
    private static func escapeFreeEnd(_ base: UnsafePointer<UInt8>, _ start: Int, _ count: Int) -> Int {
        var end = plainEnd(base, start, count)
        while end < count, base[end] >= 0x80 { end = plainEnd(base, end + 1, count) }
        return end
    }

    private mutating func appendEscape(_ byte: UInt8) {
        bytes.append(UInt8(ascii: "\\"))
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(byte)
        case 0x08: bytes.append(UInt8(ascii: "b"))
        case 0x0c: bytes.append(UInt8(ascii: "f"))
        case 0x0a: bytes.append(UInt8(ascii: "n"))
        case 0x0d: bytes.append(UInt8(ascii: "r"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        default:
            let low = byte & 0x0f
            let digit = low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") + low - 10
            bytes.append("u00")
            bytes.append(UInt8(ascii: "0") + byte >> 4)
            bytes.append(digit)
        }
    }
}
