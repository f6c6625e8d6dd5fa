import FuldmagtDomain

/// What one line of a job is foreseen to come to. Holds a line number, never a citizen.
public struct PlanRow: Equatable, Sendable {
    public var line: Int
    public var verdict: Plan.Verdict
    /// Grants that it changes.
    public var grants = GrantCounts()
    public var notices = Notices()

    init(line: Int, verdict: Plan.Verdict) {
        self.line = line
        self.verdict = verdict
    }

    /// Who is told what, and how.
    public struct Notices: Equatable, Sendable {
        /// To the citizen that the line is about.
        public var toCitizen: [PlanTally.NoticeKey: Int] = [:]
        /// To their representatives.
        public var toOthers: [PlanTally.NoticeKey: Int] = [:]

        static func text(_ counts: [PlanTally.NoticeKey: Int]) -> String {
            counts.sorted { $0.key < $1.key }.map {
                "\($0.key.kind.rawValue) \($0.key.channel.rawValue)\($0.value > 1 ? " ×\($0.value)" : "")"
            }.joined(separator: ", ")
        }
    }

    /// One word, or two.
    public var word: String {
        switch verdict {
        case .accepted: "accepted"
        case .acceptedForLater: "accepted-for-later"
        case .rejected: "rejected"
        case .decidedBefore: "decided-before"
        case .duplicate: "duplicate"
        case .faulty: "faulty"
        }
    }

    /// Code of the first reason; the other line's number for a duplicate; empty where it was accepted.
    public var detail: String {
        switch verdict {
        case .accepted, .acceptedForLater, .decidedBefore: ""
        case .rejected(let reasons): reasons.first?.code.rawValue ?? ""
        case .duplicate(let line): "of line \(line)"
        case .faulty(let faults): faults.first?.code ?? ""
        }
    }

    /// The header of the CSV of lines.
    public static let csvHeader = CSVText.line([
        "line", "foreseen", "code", "grants", "to the citizen", "to representatives",
    ])

    /// The line's row in the CSV of lines: a number, codes and counts, nothing of the line.
    public var csv: String {
        CSVText.line([
            String(line), word, detail, grants.text, Notices.text(notices.toCitizen), Notices.text(notices.toOthers),
        ])
    }
}

/// How many grants a command brings to which state.
public struct GrantCounts: Equatable, Sendable {
    private var counts: [GrantState: Int] = [:]

    public init(_ states: [GrantState] = []) {
        for state in states { counts[state, default: 0] += 1 }
    }

    /// `active 1, dormant 2`; empty where there are none.
    public var text: String {
        counts.isEmpty
            ? ""
            : GrantState.allCases.compactMap { state in counts[state].map { "\(state.rawValue) \($0)" } }
                .joined(separator: ", ")
    }
}

extension LineFault {
    /// The header of the CSV of faults.
    public static let csvHeader = CSVText.line(["line", "column", "field", "code", "what is wrong", "what to do"])

    /// The fault's row: nothing of the line itself.
    public func csv(line: Int) -> String {
        CSVText.line([String(line), column.map(String.init) ?? "", field ?? "", code, text, remedy])
    }
}
