import FuldmagtDomain

/// Compares what the store holds with what a plan foresaw, citizen by citizen.
public struct Verification {
    /// Something that is otherwise than foreseen. Names a line and a pseudonym, never a citizen.
    public struct Difference: Equatable, Sendable {
        public var line: Int
        public var citizen: Ident
        /// `municipality`, `exempt`, or `grant` with its id.
        public var what: String
        public var foreseen: String
        public var found: String
        /// Id of the command or record that made it so, where that is known.
        public var cause: String

        /// The header of the CSV of differences.
        public static let csvHeader = CSVText.line(["line", "citizen", "what", "foreseen", "found", "because of"])

        public var csv: String {
            CSVText.line([String(line), citizen.description, what, foreseen, found, cause])
        }
    }

    private let causeOf: (Grant, CitizenFile) throws -> Cause?
    /// Citizens looked at.
    public private(set) var citizens = 0
    /// Grants that are as foreseen.
    public private(set) var grants = 0
    public private(set) var differences: [Difference] = []
    /// Citizens for whom something is foreseen on a day to come.
    public private(set) var early = 0

    /// - Parameter causeOf: what made a grant what it is now.
    public init(causeOf: @escaping (Grant, CitizenFile) throws -> Cause? = { _, _ in nil }) {
        self.causeOf = causeOf
    }

    /// Takes a citizen.
    /// - Parameters:
    ///   - file: with residences, exemptions and grants; nil where the store knows nobody by that pseudonym.
    ///   - today: what is foreseen for a later day is not compared.
    public mutating func take(_ foreseen: Foreseen, _ file: CitizenFile?, today: Day) throws {
        guard foreseen.day <= today else {
            early += 1
            return
        }
        citizens += 1
        func differ(_ what: String, _ expected: String, _ found: String, _ cause: Cause? = nil) {
            differences.append(
                Difference(
                    line: foreseen.line, citizen: foreseen.citizen, what: what, foreseen: expected, found: found,
                    cause: cause?.id.withoutNumbers ?? ""))
        }
        guard let file else {
            // Who only had rejected lines need not be known.
            if foreseen.municipality != nil || foreseen.isExempt || !foreseen.grants.isEmpty {
                differ("citizen", "known", "unknown")
            }
            return
        }
        // As of the day foreseen: what came later by itself is no difference.
        let residence = file.residence(on: foreseen.day)
        if residence?.municipality != foreseen.municipality {
            differ(
                "municipality", foreseen.municipality?.description ?? "none",
                residence?.municipality?.description ?? "none", residence?.cause)
        }
        if file.isExempt(on: foreseen.day) != foreseen.isExempt {
            let last = file.exemptions.last
            differ(
                "exempt", String(foreseen.isExempt), String(!foreseen.isExempt), last?.lifting?.cause ?? last?.cause)
        }
        var expected = foreseen.grants
        for grant in file.grants {
            let state = expected.removeValue(forKey: grant.id)
            if state == grant.state {
                grants += 1
            } else {
                differ(
                    "grant \(grant.id)", state?.rawValue ?? "none", grant.state.rawValue, try causeOf(grant, file))
            }
        }
        for (id, state) in expected.sorted(by: { $0.key < $1.key }) { differ("grant \(id)", state.rawValue, "none") }
    }
}
