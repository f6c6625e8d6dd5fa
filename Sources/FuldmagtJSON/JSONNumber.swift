/// Numbers are checked when parsed and converted when asked for.
extension JSONParser {
    /// Reads a number; `at` stands on its minus sign or first digit.
    @inline(__always)
    mutating func parseNumber() throws(JSONFailure) {
        let start = at
        if byte == UInt8(ascii: "-") { at += 1 }
        let digits = at
        if byte == UInt8(ascii: "0") { at += 1 } else { try skipDigits() }
        let whole = at - digits
        var fractional = false
        var exponent = false
        if byte == UInt8(ascii: ".") {
            fractional = true
            at += 1
            try skipDigits()
        }
        if byte | 0x20 == UInt8(ascii: "e") {
            exponent = true
            at += 1
            if byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-") { at += 1 }
            try skipDigits()
        }
        // Below 10 to the 308th nothing overflows.
        if exponent || whole > 308 {
            let text = UnsafeRawBufferPointer(start: base + start, count: at - start)
            guard JSONNumber.double(text).isFinite else { throw failure(start, "a number a double can hold") }
        }
        append(.number, from: start, flag: fractional || exponent)
    }

    @inline(__always)
    private mutating func skipDigits() throws(JSONFailure) {
        guard byte &- UInt8(ascii: "0") < 10 else { throw failure(at, "a digit") }
        repeat { at += 1 } while byte &- UInt8(ascii: "0") < 10
    }
}

/// The value of a number's source text, which must be well-formed.
enum JSONNumber {
    /// The integer a run of digits with an optional minus sign stands for; nil when out of range.
    static func plainInteger(_ text: UnsafeRawBufferPointer) -> Int? {
        let negative = text[0] == UInt8(ascii: "-")
        var value = 0
        for at in (negative ? 1 : 0)..<text.count {
            guard let larger = shifted(value, text[at] - UInt8(ascii: "0"), negative) else { return nil }
            value = larger
        }
        return value
    }

    /// The integer a number stands for, however it is written; nil when it has a fraction or is out of range.
    static func integer(_ text: UnsafeRawBufferPointer) -> Int? {
        var decimal = JSONDecimal(text)
        guard !decimal.isZero else { return 0 }
        decimal.dropTrailingZeros()
        // 19 digits hold every Int.
        guard decimal.exponent >= 0, decimal.exponent < 19 else { return nil }
        var value = 0
        for at in decimal.first..<decimal.end where text[at] != UInt8(ascii: ".") {
            guard let larger = shifted(value, text[at] - UInt8(ascii: "0"), decimal.negative) else { return nil }
            value = larger
        }
        for _ in 0..<decimal.exponent {
            guard let larger = shifted(value, 0, decimal.negative) else { return nil }
            value = larger
        }
        return value
    }

    /// Ten times the value, with a digit added away from zero; nil when out of range.
    @inline(__always)
    private static func shifted(_ value: Int, _ digit: UInt8, _ negative: Bool) -> Int? {
        let (tenfold, overflow) = value.multipliedReportingOverflow(by: 10)
        let digit = negative ? -Int(digit) : Int(digit)
        let (sum, overflowToo) = tenfold.addingReportingOverflow(digit)
        return overflow || overflowToo ? nil : sum
    }

    /// The nearest double; infinite when there is none. Minus zero is zero.
    static func double(_ text: UnsafeRawBufferPointer) -> Double {
        let decimal = JSONDecimal(text)
        guard !decimal.isZero else { return 0 }
        // Both the digits and the power of ten are exact, so that one operation rounds once.
        if let digits = decimal.mantissa, digits <= 1 << 53, abs(decimal.exponent) <= 22 {
            let value = Double(digits)
            let power = powers[abs(decimal.exponent)]
            let magnitude = decimal.exponent < 0 ? value / power : value * power
            return decimal.negative ? -magnitude : magnitude
        }
        return Double(String(decoding: text, as: UTF8.self)) ?? .infinity
    }

    private static let powers: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
        1e20, 1e21, 1e22,
    ]
}

/// A number taken apart: digits and a power of ten.
struct JSONDecimal {
    private let text: UnsafeRawBufferPointer
    let negative: Bool
    /// Where the digits begin and end in the text; a point among them is to be skipped.
    private(set) var first: Int
    private(set) var end: Int
    /// The power of ten of the last digit; held within ±10^15, far from any that matters.
    private(set) var exponent: Int
    /// The digits as an integer; nil from 10^18 on.
    let mantissa: UInt64?

    var isZero: Bool { first == end }

    init(_ text: UnsafeRawBufferPointer) {
        self.text = text
        negative = text[0] == UInt8(ascii: "-")
        var at = negative ? 1 : 0
        var point: Int?
        var first: Int?
        var value: UInt64 = 0
        var fits = true
        while at < text.count {
            let byte = text[at]
            if byte == UInt8(ascii: ".") {
                point = at
            } else {
                let digit = byte &- UInt8(ascii: "0")
                guard digit < 10 else { break }
                if digit != 0, first == nil { first = at }
                if value < 100_000_000_000_000_000 { value = value * 10 + UInt64(digit) } else { fits = false }
            }
            at += 1
        }
        self.first = first ?? at
        end = at
        exponent = point.map { $0 + 1 - at } ?? 0
        mantissa = fits ? value : nil
        guard at < text.count else { return }
        at += 1
        let below = text[at] == UInt8(ascii: "-")
        if below || text[at] == UInt8(ascii: "+") { at += 1 }
        var power = 0
        while at < text.count {
            if power < 100_000_000_000_000 { power = power * 10 + Int(text[at] - UInt8(ascii: "0")) }
            at += 1
        }
        exponent += below ? -power : power
    }

    /// Moves the zeros at the end of the digits into the power of ten. The number must not be zero.
    mutating func dropTrailingZeros() {
        while true {
            let byte = text[end - 1]
            if byte == UInt8(ascii: "0") { exponent += 1 } else if byte != UInt8(ascii: ".") { return }
            end -= 1
        }
    }
}
