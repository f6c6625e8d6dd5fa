/// A moment: milliseconds since 1970-01-01T00:00:00Z, as in Kafka's record timestamps.
public struct Instant: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let milliseconds: Int64

    /// Times before 1800 and after 9999 are moved to that edge: no such record is genuine, and none may trap.
    public init(milliseconds: Int64) {
        self.milliseconds = min(max(milliseconds, -5_364_662_400_000), 253_402_300_799_999)
    }

    public static func < (left: Instant, right: Instant) -> Bool { left.milliseconds < right.milliseconds }

    public func adding(seconds: Int64) -> Instant { Instant(milliseconds: milliseconds + seconds * 1000) }

    /// The day in Europe/Copenhagen.
    ///
    /// Summer time is the European Union's rule (directive 2000/84/EC): from 01:00 UTC on the last Sunday of March to
    /// 01:00 UTC on the last Sunday of October.
    public var day: Day {
        let utc = Int((milliseconds - (milliseconds < 0 ? 86_399_999 : 0)) / 86_400_000)
        let hours = isSummerTime(utcDay: Day(daysSince1970: utc)) ? 2 : 1
        let local = milliseconds + Int64(hours) * 3_600_000
        return Day(daysSince1970: Int((local - (local < 0 ? 86_399_999 : 0)) / 86_400_000))
    }

    private func isSummerTime(utcDay: Day) -> Bool {
        guard (3...10).contains(utcDay.month) else { return false }
        if (4...9).contains(utcDay.month) { return true }
        return (Self.change(month: 3, year: utcDay.year)..<Self.change(month: 10, year: utcDay.year))
            .contains(milliseconds)
    }

    /// 01:00 UTC on the last Sunday of a month of 31 days.
    private static func change(month: Int, year: Int) -> Int64 {
        guard let last = Day(year: year, month: month, day: 31)?.daysSince1970 else { return 0 }
        // 1970-01-01 was a Thursday; Sunday is weekday 0.
        let weekday = ((last + 4) % 7 + 7) % 7
        return Int64(last - weekday) * 86_400_000 + 3_600_000
    }

    /// RFC 3339 in UTC with milliseconds: `2026-11-22T10:00:00.000Z`.
    public var description: String {
        String(unsafeUninitializedCapacity: Self.textLength) { buffer in
            if let start = buffer.baseAddress { write(to: start) }
            return Self.textLength
        }
    }

    static let textLength = 24

    /// Writes `description` as 24 bytes.
    func write(to target: UnsafeMutablePointer<UInt8>) {
        let days = (milliseconds - (milliseconds < 0 ? 86_399_999 : 0)) / 86_400_000
        let rest = Int(milliseconds - days * 86_400_000)
        Day(daysSince1970: Int(days)).write(to: target)
        func put(_ value: Int, at: Int, width: Int) {
            var value = value
            for position in stride(from: at + width - 1, through: at, by: -1) {
                target[position] = UInt8(truncatingIfNeeded: 48 + value % 10)
                value /= 10
            }
        }
        target[10] = UInt8(ascii: "T")
        put(rest / 3_600_000, at: 11, width: 2)
        target[13] = UInt8(ascii: ":")
        put(rest / 60_000 % 60, at: 14, width: 2)
        target[16] = UInt8(ascii: ":")
        put(rest / 1000 % 60, at: 17, width: 2)
        target[19] = UInt8(ascii: ".")
        put(rest % 1000, at: 20, width: 3)
        target[23] = UInt8(ascii: "Z")
    }

    /// Reads RFC 3339: any offset, any number of decimals (cut to milliseconds).
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20, bytes[10] == UInt8(ascii: "T") || bytes[10] == UInt8(ascii: "t"),
            let day = Day(String(text.prefix(10))), bytes[13] == UInt8(ascii: ":"), bytes[16] == UInt8(ascii: ":")
        else { return nil }
        func number(_ at: Int, _ width: Int) -> Int64? {
            guard at + width <= bytes.count else { return nil }
            var value: Int64 = 0
            for byte in bytes[at..<at + width] {
                guard (48...57).contains(byte) else { return nil }
                value = value * 10 + Int64(byte - 48)
            }
            return value
        }
        guard let hour = number(11, 2), let minute = number(14, 2), let second = number(17, 2), hour < 24, minute < 60,
            second <= 60
        else { return nil }
        var at = 19
        var fraction: Int64 = 0
        if bytes[at] == UInt8(ascii: ".") {
            at += 1
            var weight: Int64 = 100
            let start = at
            while at < bytes.count, (48...57).contains(bytes[at]) {
                fraction += Int64(bytes[at] - 48) * weight
                weight /= 10
                at += 1
            }
            guard at > start else { return nil }
        }
        guard at < bytes.count else { return nil }
        var offset: Int64 = 0
        switch bytes[at] {
        case UInt8(ascii: "Z"), UInt8(ascii: "z"):
            guard at + 1 == bytes.count else { return nil }
        case UInt8(ascii: "+"), UInt8(ascii: "-"):
            guard at + 6 == bytes.count, bytes[at + 3] == UInt8(ascii: ":"), let hours = number(at + 1, 2),
                let minutes = number(at + 4, 2), hours < 24, minutes < 60
            else { return nil }
            offset = (hours * 60 + minutes) * (bytes[at] == UInt8(ascii: "-") ? -60 : 60)
        default: return nil
        }
        let seconds = Int64(day.daysSince1970) * 86_400 + hour * 3600 + minute * 60 + min(second, 59) - offset
        self.init(milliseconds: seconds * 1000 + fraction)
    }
}
