import FuldmagtBytes
import FuldmagtJSON

extension JSONWriter {
    mutating func member(_ name: StaticString, _ value: Instant) {
        key(name)
        plainString(count: Instant.textLength) { value.write(to: $0) }
    }

    mutating func member(_ name: StaticString, _ value: Day) {
        key(name)
        plainString(count: Day.textLength) { value.write(to: $0) }
    }

    /// 32 hexadecimal digits.
    mutating func member(_ name: StaticString, hex value: Ident) {
        key(name)
        plainString(count: 32) { value.writeHex(to: $0) }
    }

    /// With the dashes of a UUID.
    mutating func member(_ name: StaticString, uuid value: Ident) {
        key(name)
        plainString(count: 36) { value.writeUUID(to: $0) }
    }
}

extension ByteSink {
    mutating func append(_ value: Instant) { append(count: Instant.textLength) { value.write(to: $0) } }
    /// 32 hexadecimal digits.
    mutating func append(hex value: Ident) { append(count: 32) { value.writeHex(to: $0) } }
    /// With the dashes of a UUID.
    mutating func append(uuid value: Ident) { append(count: 36) { value.writeUUID(to: $0) } }
}

extension JSONNode {
    /// Sixteen bytes in hexadecimal digits, with or without the dashes of a UUID; nil for anything else.
    var ident: Ident? { withStringBytes { Ident(hexDigits: $0) } ?? nil }
    /// Nil for anything but 64 hexadecimal digits.
    var sealedNumber: SealedNumber? { withStringBytes { SealedNumber(hexDigits: $0) } ?? nil }
}
