/// Reads JSON strictly (RFC 8259): no repeated member, no lone surrogate, nothing after the value.
struct ModelJSONReader {
    struct Invalid: Error {
        /// The dead letter's reason.
        var reason: String
    }

    /// Nesting beyond this is `too-deep`. The contract names no number; workloads stay far from it on both sides.
    static let maximumDepth = 64

    private static let escapes: [UInt8: UInt16] = [
        UInt8(ascii: "\""): 0x22, UInt8(ascii: "\\"): 0x5c, UInt8(ascii: "/"): 0x2f, UInt8(ascii: "b"): 8,
        UInt8(ascii: "f"): 12, UInt8(ascii: "n"): 10, UInt8(ascii: "r"): 13, UInt8(ascii: "t"): 9,
    ]

    private let bytes: [UInt8]
    private var at = 0

    static func read(_ bytes: [UInt8]) throws(Invalid) -> ModelJSON {
        guard String(validating: bytes, as: UTF8.self) != nil else { throw Invalid(reason: "invalid-utf8") }
        var reader = ModelJSONReader(bytes: bytes)
        let value = try reader.value(depth: 1)
        reader.skipSpace()
        guard reader.at == bytes.count else { throw Invalid(reason: "invalid-json") }
        return value
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private var next: UInt8? { at < bytes.count ? bytes[at] : nil }
    private var invalid: Invalid { Invalid(reason: "invalid-json") }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d { at += 1 }
    }

    private mutating func take(_ byte: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: byte) else { return false }
        at += 1
        return true
    }

    private mutating func takeWord(_ text: String) -> Bool {
        guard bytes[at...].starts(with: text.utf8) else { return false }
        at += text.utf8.count
        return true
    }

    private mutating func value(depth: Int) throws(Invalid) -> ModelJSON {
        guard depth <= Self.maximumDepth else { throw Invalid(reason: "too-deep") }
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        default:
            if takeWord("true") { return .bool(true) }
            if takeWord("false") { return .bool(false) }
            if takeWord("null") { return .null }
            return .number(try number())
        }
    }

    private mutating func object(depth: Int) throws(Invalid) -> ModelJSON {
        var members: [(name: String, value: ModelJSON)] = []
        var names: Set<[UInt8]> = []
        at += 1
        skipSpace()
        if take("}") { return .object([]) }
        while true {
            skipSpace()
            let name = try string()
            guard names.insert(Array(name.utf8)).inserted else { throw invalid }
            skipSpace()
            guard take(":") else { throw invalid }
            members.append((name, try value(depth: depth + 1)))
            skipSpace()
            if take("}") { return .object(members) }
            guard take(",") else { throw invalid }
        }
    }

    private mutating func array(depth: Int) throws(Invalid) -> ModelJSON {
        var values: [ModelJSON] = []
        at += 1
        skipSpace()
        if take("]") { return .array([]) }
        while true {
            values.append(try value(depth: depth + 1))
            skipSpace()
            if take("]") { return .array(values) }
            guard take(",") else { throw invalid }
        }
    }

    private mutating func number() throws(Invalid) -> Double {
        let start = at
        func digits() throws(Invalid) {
            let first = at
            while let byte = next, (48...57).contains(byte) { at += 1 }
            guard at > first else { throw invalid }
        }
        _ = take("-")
        if !take("0") { try digits() }
        if take(".") { try digits() }
        if take("e") || take("E") {
            if !take("+") { _ = take("-") }
            try digits()
        }
        guard let number = Double(String(decoding: bytes[start..<at], as: UTF8.self)), number.isFinite else {
            throw invalid
        }
        return number
    }

    private mutating func string() throws(Invalid) -> String {
        guard take("\"") else { throw invalid }
        if let plain = plainString() { return plain }
        var units: [UInt16] = []
        var plain: [UInt8] = []
        func flush() {
            units.append(contentsOf: Array(String(decoding: plain, as: UTF8.self).utf16))
            plain = []
        }
        while let byte = next {
            at += 1
            switch byte {
            case UInt8(ascii: "\""):
                flush()
                let text = String(decoding: units, as: UTF16.self)
                guard Array(text.utf16) == units else { throw invalid }
                return text
            case ..<0x20: throw invalid
            case UInt8(ascii: "\\"):
                flush()
                units.append(try escape())
            default: plain.append(byte)
            }
        }
        throw invalid
    }

    /// One without escapes: what stands there, which is known to be UTF-8. Nil where it has any, or is not valid.
    private mutating func plainString() -> String? {
        var end = at
        while end < bytes.count, bytes[end] != UInt8(ascii: "\"") {
            guard bytes[end] >= 0x20, bytes[end] != UInt8(ascii: "\\") else { return nil }
            end += 1
        }
        guard end < bytes.count else { return nil }
        defer { at = end + 1 }
        return String(decoding: bytes[at..<end], as: UTF8.self)
    }

    private mutating func escape() throws(Invalid) -> UInt16 {
        guard let byte = next else { throw invalid }
        at += 1
        if let unit = Self.escapes[byte] { return unit }
        guard byte == UInt8(ascii: "u"), at + 4 <= bytes.count else { throw invalid }
        let hex = String(decoding: bytes[at..<at + 4], as: UTF8.self)
        guard hex.allSatisfy(\.isHexDigit), let unit = UInt16(hex, radix: 16) else { throw invalid }
        at += 4
        return unit
    }
}
