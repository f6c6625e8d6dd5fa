/// A pattern of KLE numbers (KL's subject list): `27`, `27.60`, `27.60.20`, or a prefix with a wildcard: `27.*`, `27.60.*`.
public struct KLEPattern: Hashable, Sendable, CustomStringConvertible {
    /// The two-digit levels before any wildcard: main group, group, subject; one to three of them.
    public let levels: [String]
    public let isWildcard: Bool

    public init?(_ text: String) {
        var parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        let isWildcard = parts.last == "*"
        if isWildcard { parts.removeLast() }
        guard (1...(isWildcard ? 2 : 3)).contains(parts.count),
            parts.allSatisfy({ $0.utf8.count == 2 && $0.utf8.allSatisfy { (48...57).contains($0) } })
        else { return nil }
        levels = parts
        self.isWildcard = isWildcard
    }

    /// The number, or the longest prefix of a pattern: `27.*` is told as `27`.
    public var number: String { levels.joined(separator: ".") }

    public var description: String { isWildcard ? number + ".*" : number }

    /// Whether everything under `other` is under this pattern too.
    public func covers(_ other: KLEPattern) -> Bool { other.levels.starts(with: levels) }
}

/// An action facet of KLE: a letter and two digits, as in `G01`.
public struct KLEFacet: Hashable, Sendable, CustomStringConvertible {
    public let description: String

    /// Letters are A P S Ø G K I.
    public init?(_ text: String) {
        guard let letter = text.first, "APSØGKI".contains(letter) else { return nil }
        let digits = text.dropFirst()
        guard digits.utf8.count == 2, digits.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        description = text
    }
}

/// Which KLE numbers exist.
///
/// The full list is KL's and changes four times a year, so it is configuration. Without one, only the main group is
/// checked.
public struct KLERegister: Sendable {
    private let numbers: Set<String>?

    /// Only main groups are known.
    public init() { numbers = nil }

    /// All numbers in use, of all three levels.
    public init(numbers: some Sequence<String>) { self.numbers = Set(numbers) }

    public func knows(_ pattern: KLEPattern) -> Bool {
        if let numbers { return numbers.contains(pattern.number) }
        return Self.mainGroups.contains(pattern.levels[0])
    }

    static let mainGroups: Set<String> = [
        "00", "01", "02", "03", "04", "05", "06", "07", "08", "09", "13", "14", "15", "17", "18", "19", "20", "21",
        "22",
        "23", "24", "25", "27", "28", "29", "30", "32", "34", "81", "82", "84", "85", "87", "88",
    ]
}
