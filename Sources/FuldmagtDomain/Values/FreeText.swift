extension String {
    /// The text as it may be kept: what looks like a CPR number gives way to `[…]`.
    ///
    /// That is ten digits, also with a hyphen or a blank after the sixth, of which the first four can be a day and a month,
    /// test persons' included. A case number such as `2026012345` stays.
    public var withoutNumbers: String {
        guard utf8.lazy.filter(Self.isDigit).count >= 10 else { return self }
        let bytes = Array(utf8)
        var kept: [UInt8] = []
        var at = 0
        while at < bytes.count {
            let start = at
            while at < bytes.count, Self.isDigit(bytes[at]) { at += 1 }
            if let end = Self.number(in: bytes, from: start, digits: at - start) {
                kept += "[…]".utf8
                at = end
            } else {
                if at == start { at += 1 }
                kept += bytes[start..<at]
            }
        }
        return String(decoding: kept, as: UTF8.self)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }

    /// Where what looks like a CPR number ends; nil where none begins.
    /// - Parameter count: digits in a row from `start` on.
    private static func number(in bytes: [UInt8], from start: Int, digits count: Int) -> Int? {
        var end = start + count
        if count == 6 {
            let rest = bytes[end...]
            guard let mark = rest.first, mark == UInt8(ascii: "-") || mark == UInt8(ascii: " "),
                rest.dropFirst().prefix(while: isDigit).count == 4
            else { return nil }
            end += 5
        } else if count != 10 {
            return nil
        }
        func two(_ at: Int) -> Int { Int(bytes[start + at] - 48) * 10 + Int(bytes[start + at + 1] - 48) }
        let day = two(0) > 60 ? two(0) - 60 : two(0)
        return (1...31).contains(day) && (1...12).contains(two(2)) ? end : nil
    }
}
