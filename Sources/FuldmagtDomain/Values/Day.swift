/// A calendar day in Europe/Copenhagen, between 1800-01-01 and 9999-12-31.
public struct Day: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Year, month and day as one number, 20281122 for 22 November 2028: ordered, and readable in a table.
    public let number: Int32

    /// The last day there is here.
    public static let last = Day(daysSince1970: 2_932_896)

    public var year: Int { Int(number) / 10_000 }
    public var month: Int { Int(number) / 100 % 100 }
    public var dayOfMonth: Int { Int(number) % 100 }

    /// Nil when there is no such day.
    public init?(year: Int, month: Int, day: Int) {
        guard (1800...9999).contains(year), (1...12).contains(month), day >= 1,
            day <= Self.length(ofMonth: month, year: year)
        else { return nil }
        number = Int32(year * 10_000 + month * 100 + day)
    }

    /// The day of a number as in `number`; nil when there is no such day.
    public init?(number: Int) {
        self.init(year: number / 10_000, month: number / 100 % 100, day: number % 100)
    }

    /// Reads `YYYY-MM-DD` and nothing else.
    public init?(_ text: String) {
        var text = text
        let parsed: Day? = text.withUTF8 { bytes in
            guard bytes.count == 10, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-") else { return nil }
            func number(_ range: Range<Int>) -> Int? {
                var value = 0
                for at in range {
                    let digit = Int(bytes[at]) - 48
                    guard (0...9).contains(digit) else { return nil }
                    value = value * 10 + digit
                }
                return value
            }
            guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10) else { return nil }
            return Day(year: year, month: month, day: day)
        }
        guard let parsed else { return nil }
        self = parsed
    }

    /// The day `days` after 1970-01-01, kept within the range of this type.
    public init(daysSince1970 days: Int) {
        // Howard Hinnant's civil-from-days arithmetic on eras of 400 years.
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        number = min(max(Int32(clamping: year * 10_000 + month * 100 + day), 18_000_101), 99_991_231)
    }

    /// Days since 1970-01-01; negative before.
    public var daysSince1970: Int {
        let year = month <= 2 ? self.year - 1 : self.year
        let era = year / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + dayOfMonth - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    public func adding(days: Int) -> Day { Day(daysSince1970: daysSince1970 + days) }

    /// The same date `years` later; 29 February becomes 28 February where there is none.
    public func adding(years: Int) -> Day {
        let year = min(max(self.year + years, 1800), 9999)
        let day = min(dayOfMonth, Self.length(ofMonth: month, year: year))
        return Day(year: year, month: month, day: day) ?? self
    }

    /// Whole years from this day to `day`: a person's age.
    public func years(until day: Day) -> Int {
        let had = (day.month, day.dayOfMonth) >= (month, dayOfMonth)
        return day.year - year - (had ? 0 : 1)
    }

    /// `YYYY-MM-DD`.
    public var description: String {
        String(unsafeUninitializedCapacity: Self.textLength) { buffer in
            if let start = buffer.baseAddress { write(to: start) }
            return Self.textLength
        }
    }

    static let textLength = 10

    /// Writes `description` as 10 bytes.
    func write(to target: UnsafeMutablePointer<UInt8>) {
        let (year, month, day) = (year, month, dayOfMonth)
        target[0] = UInt8(truncatingIfNeeded: 48 + year / 1000)
        target[1] = UInt8(truncatingIfNeeded: 48 + year / 100 % 10)
        target[2] = UInt8(truncatingIfNeeded: 48 + year / 10 % 10)
        target[3] = UInt8(truncatingIfNeeded: 48 + year % 10)
        target[4] = UInt8(ascii: "-")
        target[5] = UInt8(truncatingIfNeeded: 48 + month / 10)
        target[6] = UInt8(truncatingIfNeeded: 48 + month % 10)
        target[7] = UInt8(ascii: "-")
        target[8] = UInt8(truncatingIfNeeded: 48 + day / 10)
        target[9] = UInt8(truncatingIfNeeded: 48 + day % 10)
    }

    public static func < (left: Day, right: Day) -> Bool { left.number < right.number }

    static func length(ofMonth month: Int, year: Int) -> Int {
        switch month {
        case 2: (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}
