/// A Danish personal identification number: `DDMMYYSSSS`.
///
/// It never shows in a description, so a log line or an error text cannot leak it by accident: use `digits` where the
/// contract demands the number itself.
public struct CPR: Hashable, Sendable {
    /// The ten characters. Replacement numbers may have letters in positions 8 and 9.
    public let digits: String
    /// The date of birth the number states.
    public let birth: Day
    /// A test person: 60 is added to the day of birth. Accepted only where test persons are admitted.
    public let isTestPerson: Bool

    public enum Invalid: Error, Equatable, Sendable {
        /// Not ten characters of the right kinds.
        case form
        /// No such date of birth, or one that is yet to come.
        case date
    }

    /// Reads a number.
    ///
    /// The century follows digit 7 and the year (CPR-kontoret, "Personnummeret i CPR"); modulus 11 has not been guaranteed
    /// since October 2007 and is not checked.
    /// - Parameter today: a person cannot be born after it.
    public init(_ text: String, today: Day) throws(Invalid) {
        var text = text
        var numbers = (day: 0, month: 0, year: 0, seventh: 0)
        let hasForm = text.withUTF8 { bytes in
            guard bytes.count == 10 else { return false }
            for (at, byte) in bytes.enumerated() {
                let isDigit = (48...57).contains(byte)
                let isLetter = (65...90).contains(byte)
                guard isDigit || (isLetter && (at == 7 || at == 8)) else { return false }
            }
            func pair(_ at: Int) -> Int { Int(bytes[at] - 48) * 10 + Int(bytes[at + 1] - 48) }
            numbers = (pair(0), pair(2), pair(4), Int(bytes[6] - 48))
            return true
        }
        guard hasForm else { throw .form }
        let isTestPerson = numbers.day > 60
        guard
            let birth = Day(
                year: Self.century(seventh: numbers.seventh, year: numbers.year) + numbers.year, month: numbers.month,
                day: isTestPerson ? numbers.day - 60 : numbers.day), birth <= today
        else { throw .date }
        self.digits = text
        self.birth = birth
        self.isTestPerson = isTestPerson
    }

    static func century(seventh: Int, year: Int) -> Int {
        switch seventh {
        case 0...3: 1900
        case 4, 9: year <= 36 ? 2000 : 1900
        default: year <= 57 ? 2000 : 1800
        }
    }

    /// Age in whole years on a day.
    public func age(on day: Day) -> Int { birth.years(until: day) }
}

extension CPR: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "CPR(masked)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// A Danish company number: eight digits whose weighted sum is divisible by 11.
public struct CVR: Hashable, Sendable, CustomStringConvertible {
    public let digits: String

    /// Reads a number; weights 2, 7, 6, 5, 4, 3, 2, 1 modulus 11, with which all CVR numbers comply.
    public init?(_ text: String) {
        var text = text
        let isValid = text.withUTF8 { bytes in
            guard bytes.count == 8, bytes.allSatisfy({ (48...57).contains($0) }) else { return false }
            let weights: InlineArray<8, Int> = [2, 7, 6, 5, 4, 3, 2, 1]
            var sum = 0
            for at in 0..<8 { sum += Int(bytes[at] - 48) * weights[at] }
            return sum > 0 && sum % 11 == 0
        }
        guard isValid else { return nil }
        digits = text
    }

    public var description: String { digits }
}
