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
        let read = hexDigits.withContiguousStorageIfAvailable { Self.read($0) } ?? Self.read(Array(hexDigits))
        guard let read else { return nil }
        self = read
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
        Self.write(high, 16, to: target)
        Self.write(low, 16, to: target + 16)
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
        Self.write(high >> 32, 8, to: target)
        target[8] = UInt8(ascii: "-")
        Self.write(high >> 16, 4, to: target + 9)
        target[13] = UInt8(ascii: "-")
        Self.write(high, 4, to: target + 14)
        target[18] = UInt8(ascii: "-")
        Self.write(low >> 48, 4, to: target + 19)
        target[23] = UInt8(ascii: "-")
        Self.write(low, 12, to: target + 24)
    }

    /// The last `width` hexadecimal digits of a number.
    private static func write(_ value: UInt64, _ width: Int, to target: UnsafeMutablePointer<UInt8>) {
        var value = value
        for at in stride(from: width - 1, through: 0, by: -1) {
            let digit = UInt8(truncatingIfNeeded: value) & 15
            target[at] = digit < 10 ? 48 + digit : 87 + digit
            value >>= 4
        }
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
