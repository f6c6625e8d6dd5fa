import FuldmagtBytes

/// Who gives, receives or is concerned: a person or a company.
public enum Party: Hashable, Sendable {
    case person(CPR)
    case company(CVR)

    /// The CPR or CVR number: for record keys, recipients and sealing only.
    public var digits: String {
        switch self {
        case .person(let cpr): cpr.digits
        case .company(let cvr): cvr.digits
        }
    }

    public var isPerson: Bool {
        if case .person = self { true } else { false }
    }
}

/// Sixteen bytes that name something without saying what: a pseudonym, or an id derived from a cause.
public struct Ident: Hashable, Sendable, Comparable, CustomStringConvertible {
    public let high: UInt64
    public let low: UInt64

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Takes the first sixteen bytes, big-endian.
    /// - Precondition: there are sixteen.
    public init(_ bytes: UnsafeRawBufferPointer) {
        high = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self))
        low = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    }

    /// Reads 32 hexadecimal digits, with or without the dashes of a UUID.
    public init?(hex: String) { self.init(hexDigits: hex.utf8) }

    /// The same for digits as bytes.
    public init?(hexDigits: some Sequence<UInt8>) {
        let read =
            hexDigits.withContiguousStorageIfAvailable { Self.readRun(UnsafeRawBufferPointer($0)) ?? Self.read($0) }
            ?? Self.read(Array(hexDigits))
        guard let read else { return nil }
        self = read
    }

    /// Thirty-two digits in a row; nil for anything else.
    private static func readRun(_ digits: UnsafeRawBufferPointer) -> Ident? {
        guard digits.count == 32, let first = HexDigits.read(digits, at: 0), let second = HexDigits.read(digits, at: 8),
            let third = HexDigits.read(digits, at: 16), let fourth = HexDigits.read(digits, at: 24)
        else { return nil }
        return Ident(high: UInt64(first) << 32 | UInt64(second), low: UInt64(third) << 32 | UInt64(fourth))
    }

    private static func read(_ digits: some RandomAccessCollection<UInt8>) -> Ident? {
        var high: UInt64 = 0
        var low: UInt64 = 0
        var count = 0
        for byte in digits where byte != UInt8(ascii: "-") {
            var digit = byte &- 48
            if digit > 9 {
                // Letters of both cases.
                digit = (byte | 0x20) &- 97
                guard digit < 6 else { return nil }
                digit += 10
            }
            guard count < 32 else { return nil }
            high = high << 4 | low >> 60
            low = low << 4 | UInt64(digit)
            count += 1
        }
        return count == 32 ? Ident(high: high, low: low) : nil
    }

    public static func < (left: Self, right: Self) -> Bool { (left.high, left.low) < (right.high, right.low) }

    /// Calls `body` with the sixteen bytes, big-endian.
    public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try withUnsafeBytes(of: (high.bigEndian, low.bigEndian)) { try body($0) }
    }

    /// 32 hexadecimal digits: the form of pseudonyms in keys.
    public var description: String {
        String(unsafeUninitializedCapacity: 32) { buffer in
            if let start = buffer.baseAddress { writeHex(to: start) }
            return 32
        }
    }

    /// Appends `description`.
    public func appendHex(to bytes: inout ByteSink) { bytes.append(count: 32) { writeHex(to: $0) } }

    /// Writes `description` as 32 bytes.
    func writeHex(to target: UnsafeMutablePointer<UInt8>) {
        let target = UnsafeMutableRawPointer(target)
        for (at, half) in [high >> 32, high, low >> 32, low].enumerated() {
            target.storeBytes(of: HexDigits.of(UInt32(truncatingIfNeeded: half)), toByteOffset: at * 8, as: UInt64.self)
        }
    }

    /// The same bits with the version and variant of a UUID version 4. MeMo demands that form also of derived ids.
    public var asUUIDv4: Ident {
        Ident(
            high: high & 0xffff_ffff_ffff_0fff | 0x4000,
            low: low & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000)
    }

    /// `8-4-4-4-12` hexadecimal digits.
    public var uuidText: String {
        String(unsafeUninitializedCapacity: 36) { buffer in
            if let start = buffer.baseAddress { writeUUID(to: start) }
            return 36
        }
    }

    /// Writes `uuidText` as 36 bytes.
    func writeUUID(to target: UnsafeMutablePointer<UInt8>) {
        let bytes = UnsafeMutableRawPointer(target)
        let second = HexDigits.of(UInt32(truncatingIfNeeded: high))
        let third = HexDigits.of(UInt32(truncatingIfNeeded: low >> 32))
        bytes.storeBytes(of: HexDigits.of(UInt32(truncatingIfNeeded: high >> 32)), as: UInt64.self)
        bytes.storeBytes(of: UInt32(truncatingIfNeeded: second), toByteOffset: 9, as: UInt32.self)
        bytes.storeBytes(of: UInt32(truncatingIfNeeded: second >> 32), toByteOffset: 14, as: UInt32.self)
        bytes.storeBytes(of: UInt32(truncatingIfNeeded: third), toByteOffset: 19, as: UInt32.self)
        bytes.storeBytes(of: UInt32(truncatingIfNeeded: third >> 32), toByteOffset: 24, as: UInt32.self)
        bytes.storeBytes(
            of: HexDigits.of(UInt32(truncatingIfNeeded: low)), toByteOffset: 28, as: UInt64.self)
        for at in [8, 13, 18, 23] { target[at] = UInt8(ascii: "-") }
    }
}

/// Eight hexadecimal digits at a time, a byte of a word each.
private enum HexDigits {
    /// The digits as they stand in memory, the first in the lowest byte.
    static func of(_ number: UInt32) -> UInt64 {
        var digits = UInt64(number)
        digits = (digits << 16 | digits) & 0x0000_ffff_0000_ffff
        // Two bytes of the number to each half, the higher first.
        digits = (digits << 8 | digits) & 0x00ff_00ff_00ff_00ff
        digits = (digits << 4 | digits) & 0x0f0f_0f0f_0f0f_0f0f
        let letters = ((digits &+ 0x0606_0606_0606_0606) >> 4) & 0x0101_0101_0101_0101
        return (digits &+ 0x3030_3030_3030_3030 &+ letters &* 39).byteSwapped
    }

    /// Reads eight digits of either case.
    static func read(_ bytes: UnsafeRawBufferPointer, at place: Int) -> UInt32? {
        let text = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self))
        var digits =
            (text & 0x0f0f_0f0f_0f0f_0f0f) &+ ((text >> 6) & 0x0101_0101_0101_0101) &* 9
        digits &= 0x0f0f_0f0f_0f0f_0f0f
        digits = (digits | digits >> 4) & 0x00ff_00ff_00ff_00ff
        digits = (digits | digits >> 8) & 0x0000_ffff_0000_ffff
        let number = UInt32(truncatingIfNeeded: digits | digits >> 16)
        // Letters are lowered, and what was no digit does not come back.
        let lowered = text | ((text & 0x4040_4040_4040_4040) >> 1)
        return of(number).byteSwapped == lowered ? number : nil
    }
}

/// A CPR or CVR number encrypted under the cluster key; it is opened together with its pseudonym. It is what shards,
/// changelog and inbox hold.
public struct SealedNumber: Hashable, Sendable {
    /// The ciphertext.
    public let block: Ident
    /// What proves that nobody has changed it.
    public let tag: Ident

    public init(block: Ident, tag: Ident) {
        self.block = block
        self.tag = tag
    }

    /// Reads 64 hexadecimal digits.
    public init?(hex: String) {
        var hex = hex
        guard let read = hex.withUTF8({ SealedNumber(hexDigits: UnsafeRawBufferPointer($0)) }) else { return nil }
        self = read
    }

    /// The same for digits as bytes.
    public init?(hexDigits: UnsafeRawBufferPointer) {
        guard hexDigits.count == 64,
            let block = Ident(hexDigits: UnsafeRawBufferPointer(rebasing: hexDigits[..<32])),
            let tag = Ident(hexDigits: UnsafeRawBufferPointer(rebasing: hexDigits[32...]))
        else { return nil }
        self.init(block: block, tag: tag)
    }
}

/// A party as the system knows it: by pseudonym, and with the shard it lives in.
public struct Identity: Hashable, Sendable {
    public let party: Party
    /// Keyed hash of the number.
    public let pseudonym: Ident
    /// The partition of every command topic, and the shard, that this party's state belongs to.
    public let shard: Int32

    public init(party: Party, pseudonym: Ident, shard: Int32) {
        self.party = party
        self.pseudonym = pseudonym
        self.shard = shard
    }

    public static func == (left: Self, right: Self) -> Bool { left.pseudonym == right.pseudonym }
    public func hash(into hasher: inout Hasher) { hasher.combine(pseudonym) }
}
