/// Finds what looks like a CPR number in a text, as people write them.
///
/// That is a day, a month and a year of two digits each, test persons' days included; up to three blanks, tabs, line ends,
/// hyphens, dashes, dots or slashes; and four characters, of which the second and third may be letters in replacement
/// numbers. The date may be written in pairs, too, `01 01 70 1234`, and then with a year of four digits; where it is not,
/// low lines, colons, semicolons, commas, bars, pluses and a parenthesis may follow it. Blanks and hyphens are those of any
/// width, none included, as they come along when text is copied from documents. What else has ten digits stays: case
/// numbers such as `2026012345`, KLE numbers, telephone numbers, identifiers, dates and times.
public enum WrittenCPR {
    /// Calls `body` with each place, from the front on. They do not overlap.
    public static func forEach(in bytes: [UInt8], _ body: (Range<Int>) -> Void) {
        var at = 0
        while at < bytes.count {
            guard isAlphanumeric(bytes[at]) else {
                at += 1
                continue
            }
            let isWordStart = at == 0 || !isAlphanumeric(bytes[at - 1])
            if isWordStart, let end = identifier(in: bytes, from: at) {
                at = end
            } else if isDigit(bytes[at]), at == 0 || !isDigit(bytes[at - 1]), let end = number(in: bytes, from: at) {
                body(at..<end)
                at = end
            } else {
                at += 1
            }
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }
    private static func isLetter(_ byte: UInt8) -> Bool { (65...90).contains(byte & 0xdf) }
    private static func isAlphanumeric(_ byte: UInt8) -> Bool { isDigit(byte) || isLetter(byte) }
    private static func isHex(_ byte: UInt8) -> Bool { isDigit(byte) || (65...70).contains(byte & 0xdf) }

    /// Where a UUID, or a word of 32 hexadecimal digits or more, ends.
    private static func identifier(in bytes: [UInt8], from start: Int) -> Int? {
        var end = start
        while end < bytes.count, isHex(bytes[end]) { end += 1 }
        if end - start >= 32 { return end }
        guard end - start == 8 else { return nil }
        for length in [4, 4, 4, 12] {
            guard end + length < bytes.count, bytes[end] == UInt8(ascii: "-"),
                bytes[(end + 1)...(end + length)].allSatisfy(isHex)
            else { return nil }
            end += length + 1
        }
        return end
    }

    private static func number(in bytes: [UInt8], from start: Int) -> Int? {
        guard let day = two(bytes, at: start), (1...31).contains(day > 60 ? day - 60 : day) else { return nil }
        var at = start + 2
        // One sign between the pairs, the same twice, or none.
        let sign = separator(in: bytes, at: at)
        at += sign
        guard let month = two(bytes, at: at), (1...12).contains(month) else { return nil }
        at += 2
        guard separator(in: bytes, at: at) == sign, bytes[at..<at + sign] == bytes[(start + 2)..<(start + 2 + sign)],
            let year = two(bytes, at: at + sign)
        else { return nil }
        at += sign + 2
        if let end = serial(in: bytes, from: at, ofNumberAt: start, isPlain: sign == 0) { return end }
        // Else what was read is the century.
        guard sign > 0, (18...20).contains(year), two(bytes, at: at) != nil,
            let end = serial(in: bytes, from: at + 2, ofNumberAt: start, isPlain: false)
        else { return nil }
        return bytes[at + 2] == UInt8(ascii: " ") && isCaseNumber(in: bytes, at: end) ? nil : end
    }

    /// Whether four digits after a date and a blank are the first of a case number: `24.12.2026 2026-00123`.
    private static func isCaseNumber(in bytes: [UInt8], at end: Int) -> Bool {
        guard end + 1 < bytes.count, isDigit(bytes[end + 1]) else { return false }
        return bytes[end] == UInt8(ascii: "-") || bytes[end] == UInt8(ascii: "/")
    }

    /// Where the four characters after a date end, and what may stand between.
    /// - Parameters:
    ///   - start: where the number begins.
    ///   - isPlain: whether its date is six digits without a sign.
    private static func serial(in bytes: [UInt8], from date: Int, ofNumberAt start: Int, isPlain: Bool) -> Int? {
        var at = date
        var isOpened = false
        for _ in 0..<3 {
            let width = joint(in: bytes, at: at, isPlain: isPlain)
            isOpened = isOpened || (width == 1 && bytes[at] == UInt8(ascii: "("))
            at += width
        }
        let end = at + 4
        guard end <= bytes.count, isDigit(bytes[at]), isDigit(bytes[at + 3]),
            isAlphanumeric(bytes[at + 1]), isAlphanumeric(bytes[at + 2])
        else { return nil }
        let next = end < bytes.count ? bytes[end] : 0
        guard !isDigit(next) else { return nil }
        let hasLetters = isLetter(bytes[at + 1]) || isLetter(bytes[at + 2])
        let isWithinWord = isAlphanumeric(next) || (start > 0 && isHex(bytes[start - 1]))
        guard !hasLetters || !isWithinWord else { return nil }
        return isOpened && next == UInt8(ascii: ")") ? end + 1 : end
    }

    /// How many bytes a sign takes that may stand between the date and the rest; 0 where there is none.
    private static func joint(in bytes: [UInt8], at: Int, isPlain: Bool) -> Int {
        let width = separator(in: bytes, at: at)
        guard width == 0, at < bytes.count else { return width }
        switch bytes[at] {
        case UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: "\r"): return 1
        case UInt8(ascii: "_"), UInt8(ascii: ":"), UInt8(ascii: ";"), UInt8(ascii: ","), UInt8(ascii: "|"),
            UInt8(ascii: "+"), UInt8(ascii: "("):
            return isPlain ? 1 : 0
        default: return 0
        }
    }

    private static func two(_ bytes: [UInt8], at: Int) -> Int? {
        guard at + 1 < bytes.count, isDigit(bytes[at]), isDigit(bytes[at + 1]) else { return nil }
        return Int(bytes[at] - 48) * 10 + Int(bytes[at + 1] - 48)
    }

    /// How many bytes a sign that may stand within a number takes; 0 where there is none.
    private static func separator(in bytes: [UInt8], at: Int) -> Int {
        guard at < bytes.count else { return 0 }
        switch bytes[at] {
        case UInt8(ascii: " "), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "/"): return 1
        // No-break space, soft hyphen.
        case 0xc2 where at + 1 < bytes.count && (bytes[at + 1] == 0xa0 || bytes[at + 1] == 0xad): return 2
        case 0xe2 where at + 2 < bytes.count:
            switch (bytes[at + 1], bytes[at + 2]) {
            // U+2000 to U+200D, spaces of all widths and none, and joiners; U+2010 to U+2014, hyphens and dashes; U+202F,
            // narrow no-break space; U+2060, word joiner; U+2212, minus.
            case (0x80, 0x80...0x8d), (0x80, 0x90...0x94), (0x80, 0xaf), (0x81, 0xa0), (0x88, 0x92): return 3
            default: return 0
            }
        // U+FEFF, a space without width.
        case 0xef where at + 2 < bytes.count && bytes[at + 1] == 0xbb && bytes[at + 2] == 0xbf: return 3
        default: return 0
        }
    }
}

extension String {
    /// The text as it may be kept: what looks like a CPR number gives way to `[…]`.
    public var withoutNumbers: String {
        guard utf8.lazy.filter({ (48...57).contains($0) }).count >= 8 else { return self }
        let bytes = Array(utf8)
        var kept: [UInt8] = []
        var through = 0
        WrittenCPR.forEach(in: bytes) { found in
            kept += bytes[through..<found.lowerBound]
            kept += "[…]".utf8
            through = found.upperBound
        }
        guard through > 0 else { return self }
        kept += bytes[through...]
        return String(decoding: kept, as: UTF8.self)
    }
}
