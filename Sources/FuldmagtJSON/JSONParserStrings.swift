/// Strings and their escapes.
extension JSONParser {
    /// Reads a string or member name; `at` stands on its opening quote.
    @inline(__always)
    mutating func parseString() throws(JSONFailure) {
        let start = at
        at += 1
        try skipToQuoteOrEscape()
        if base[at] != UInt8(ascii: "\"") { return try parseEscapedString(from: start) }
        at += 1
        append(.string, from: start)
    }

    /// Passes over characters that stand for themselves; stops at a quote or a backslash.
    @inline(__always)
    private mutating func skipToQuoteOrEscape() throws(JSONFailure) {
        while true {
            at = plainEnd(base, at, end)
            guard at < end else { throw failure(end, "a closing quote") }
            let byte = base[at]
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { return }
            guard byte >= 0x20 else { throw failure(at, "an escape for a control character") }
            let length = scalarLength(at)
            guard length > 0 else { throw failure(at, "well-formed UTF-8") }
            at += length
        }
    }

    /// Reads the rest of a string whose first backslash is at `at`, and keeps the bytes it stands for.
    @inline(never)
    private mutating func parseEscapedString(from start: Int) throws(JSONFailure) {
        // No escape is shorter than what it stands for, so the rest of the text bounds the string.
        storage.pointee.reserveDecoded(4 + end - start)
        let decodedStart = storage.pointee.decodedCount
        let target = (storage.pointee.decoded + decodedStart + 4).assumingMemoryBound(to: UInt8.self)
        var length = at - start - 1
        target.update(from: base + start + 1, count: length)
        while base[at] == UInt8(ascii: "\\") {
            length += try parseEscape(into: target + length)
            let from = at
            try skipToQuoteOrEscape()
            (target + length).update(from: base + from, count: at - from)
            length += at - from
        }
        at += 1
        storage.pointee.decoded.storeBytes(
            of: UInt32(truncatingIfNeeded: length), toByteOffset: decodedStart, as: UInt32.self)
        storage.pointee.decodedCount = decodedStart + 4 + length
        append(.string, from: start, count: UInt32(truncatingIfNeeded: decodedStart), flag: true)
    }

    /// Reads one escape, or a surrogate pair of them, and writes what it stands for.
    /// - Returns: the number of bytes written.
    private mutating func parseEscape(into target: UnsafeMutablePointer<UInt8>) throws(JSONFailure) -> Int {
        let start = at
        at += 1
        let plain: UInt8
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): plain = byte
        case UInt8(ascii: "b"): plain = 0x08
        case UInt8(ascii: "f"): plain = 0x0c
        case UInt8(ascii: "n"): plain = 0x0a
        case UInt8(ascii: "r"): plain = 0x0d
        case UInt8(ascii: "t"): plain = 0x09
        case UInt8(ascii: "u"): return try parseUnicodeEscape(from: start, into: target)
        default: throw failure(at, "an escape")
        }
        at += 1
        target.pointee = plain
        return 1
    }

    /// `at` stands on the "u".
    private mutating func parseUnicodeEscape(
        from start: Int, into target: UnsafeMutablePointer<UInt8>
    ) throws(JSONFailure) -> Int {
        at += 1
        var code = try parseHexadecimal()
        if code & 0xf800 == 0xd800 {
            guard code < 0xdc00, byte == UInt8(ascii: "\\"), at + 1 < end, base[at + 1] == UInt8(ascii: "u") else {
                throw failure(start, "a surrogate pair")
            }
            at += 2
            let low = try parseHexadecimal()
            guard low & 0xfc00 == 0xdc00 else { throw failure(start, "a surrogate pair") }
            code = 0x10000 + ((code & 0x3ff) << 10 | low & 0x3ff)
        }
        if code < 0x80 {
            target[0] = UInt8(truncatingIfNeeded: code)
            return 1
        }
        let last = UInt8(truncatingIfNeeded: 0x80 | code & 0x3f)
        let third = UInt8(truncatingIfNeeded: 0x80 | code >> 6 & 0x3f)
        if code < 0x800 {
            target[0] = UInt8(truncatingIfNeeded: 0xc0 | code >> 6)
            target[1] = last
            return 2
        }
        if code < 0x10000 {
            target[0] = UInt8(truncatingIfNeeded: 0xe0 | code >> 12)
            target[1] = third
            target[2] = last
            return 3
        }
        target[0] = UInt8(truncatingIfNeeded: 0xf0 | code >> 18)
        target[1] = UInt8(truncatingIfNeeded: 0x80 | code >> 12 & 0x3f)
        target[2] = third
        target[3] = last
        return 4
    }

    private mutating func parseHexadecimal() throws(JSONFailure) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: throw failure(at, "a hexadecimal digit")
            }
            code = code << 4 | UInt32(digit)
            at += 1
        }
        return code
    }

    /// The length of the well-formed UTF-8 sequence at `offset` (Unicode, table 3-7); 0 when there is none.
    func scalarLength(_ offset: Int) -> Int {
        let left = end - offset
        let lead = base[offset]
        switch lead {
        case 0x00...0x7f: return 1
        case 0xc2...0xdf: return left > 1 && base[offset + 1] & 0xc0 == 0x80 ? 2 : 0
        case 0xe0...0xef:
            guard left > 2 else { return 0 }
            let second = base[offset + 1]
            let low: UInt8 = lead == 0xe0 ? 0xa0 : 0x80
            let high: UInt8 = lead == 0xed ? 0x9f : 0xbf
            return second >= low && second <= high && base[offset + 2] & 0xc0 == 0x80 ? 3 : 0
        case 0xf0...0xf4:
            guard left > 3 else { return 0 }
            let second = base[offset + 1]
            let low: UInt8 = lead == 0xf0 ? 0x90 : 0x80
            let high: UInt8 = lead == 0xf4 ? 0x8f : 0xbf
            return second >= low && second <= high && base[offset + 2] & 0xc0 == 0x80
                && base[offset + 3] & 0xc0 == 0x80 ? 4 : 0
        default: return 0
        }
    }
}

/// The first byte from `at` on that is not printable ASCII standing for itself in a string; `end` when all are.
@inline(__always)
func plainEnd(_ base: UnsafePointer<UInt8>, _ at: Int, _ end: Int) -> Int {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let highs: UInt64 = 0x8080_8080_8080_8080
    var at = at
    while at + 8 <= end {
        let word = UInt64(littleEndian: UnsafeRawPointer(base + at).loadUnaligned(as: UInt64.self))
        let quote = word ^ (ones &* 0x22)
        let backslash = word ^ (ones &* 0x5c)
        // A byte's top bit is set if it is below 0x20, one of the two, or not ASCII; bits above the first may be wrong.
        let found = ((word &- ones &* 0x20) | (quote &- ones) | (backslash &- ones) | word) & highs
        if found != 0 {
            return at + found.trailingZeroBitCount >> 3
        }
        at += 8
    }
    while at < end {
        let byte = base[at]
        if byte < 0x20 || byte == 0x22 || byte == 0x5c || byte >= 0x80 { return at }
        at += 1
    }
    return at
}
