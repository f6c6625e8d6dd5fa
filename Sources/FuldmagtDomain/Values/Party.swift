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
    public init?(hex: String) {
        var high: UInt64 = 0
        var low: UInt64 = 0
        var count = 0
        for byte in hex.utf8 where byte != UInt8(ascii: "-") {
            let digit: UInt8
            switch byte {
            case 48...57: digit = byte - 48
            case 97...102: digit = byte - 87
            case 65...70: digit = byte - 55
            default: return nil
            }
            guard count < 32 else { return nil }
            high = high << 4 | low >> 60
            low = low << 4 | UInt64(digit)
            count += 1
        }
        guard count == 32 else { return nil }
        self.init(high: high, low: low)
    }

    public static func < (left: Self, right: Self) -> Bool { (left.high, left.low) < (right.high, right.low) }

    /// Calls `body` with the sixteen bytes, big-endian.
    public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        withUnsafeBytes(of: (high.bigEndian, low.bigEndian)) { body($0) }
    }

    /// 32 hexadecimal digits: the form of pseudonyms in keys.
    public var description: String {
        String(unsafeUninitializedCapacity: 32) { buffer in
            for at in 0..<32 { buffer[at] = hexDigit(at) }
            return 32
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
            var to = 0
            for at in 0..<32 {
                if at == 8 || at == 12 || at == 16 || at == 20 {
                    buffer[to] = UInt8(ascii: "-")
                    to += 1
                }
                buffer[to] = hexDigit(at)
                to += 1
            }
            return 36
        }
    }

    private func hexDigit(_ at: Int) -> UInt8 {
        let word = at < 16 ? high : low
        let digit = UInt8(truncatingIfNeeded: word >> UInt64(60 - (at & 15) * 4)) & 15
        return digit < 10 ? 48 + digit : 87 + digit
    }
}

/// A party as the system knows it: by pseudonym, with the number sealed under the cluster key, and the shard it lives in.
public struct Identity: Hashable, Sendable {
    public let party: Party
    /// Keyed hash of the number.
    public let pseudonym: Ident
    /// The number encrypted under the cluster key: what shards, changelog and inbox hold.
    public let sealed: [UInt8]
    /// The partition of every command topic, and the shard, that this party's state belongs to.
    public let shard: Int32

    public init(party: Party, pseudonym: Ident, sealed: [UInt8], shard: Int32) {
        self.party = party
        self.pseudonym = pseudonym
        self.sealed = sealed
        self.shard = shard
    }

    public static func == (left: Self, right: Self) -> Bool { left.pseudonym == right.pseudonym }
    public func hash(into hasher: inout Hasher) { hasher.combine(pseudonym) }
}
