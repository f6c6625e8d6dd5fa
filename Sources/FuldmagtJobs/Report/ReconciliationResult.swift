extension Reconciliation {
    /// How the lines of a job add up.
    public struct Result: Equatable, Sendable {
        public internal(set) var total = 0
        public internal(set) var accepted = 0
        /// By code of the first reason.
        public internal(set) var rejected: [String: Int] = [:]
        public internal(set) var duplicates = 0
        public internal(set) var deadLettered: [String: Int] = [:]
        /// By code: wrong, and not sent for that.
        public internal(set) var faulty: [String: Int] = [:]
        public internal(set) var notReached = 0
        public internal(set) var unaccounted = PlanTally.Lines()
        /// Lines with more than one final answer: none, or exactly-once is broken.
        public internal(set) var doubled = PlanTally.Lines()
        /// Answers that carry the job's id and belong to no line: the input is not the one that was sent.
        public internal(set) var strangers = 0

        public var rejectedCount: Int { rejected.values.reduce(0, +) }
        public var deadLetteredCount: Int { deadLettered.values.reduce(0, +) }
        public var faultyCount: Int { faulty.values.reduce(0, +) }
        public var notSent: Int { faultyCount + notReached }

        /// Whether every line is accounted for, once.
        public var addsUp: Bool { unaccounted.count == 0 && doubled.count == 0 && strangers == 0 }

        /// For a terminal.
        public var text: String {
            var rows: [(Int, String)] = [(total, "lines in"), (accepted, "= accepted"), (rejectedCount, "+ rejected")]
            rows += Self.rows(rejected)
            rows += [(duplicates, "+ duplicate"), (deadLetteredCount, "+ dead-lettered")]
            rows += Self.rows(deadLettered)
            rows += [(notSent, "+ not sent")]
            rows += Self.rows(faulty)
            if notReached > 0 { rows.append((notReached, "    the run has not come to them")) }
            rows += [(unaccounted.count, "unaccounted for\(Self.examples(unaccounted))")]
            rows += [(doubled.count, "answered more than once\(Self.examples(doubled))")]
            if strangers > 0 { rows.append((strangers, "answers to lines that the input does not have")) }
            return rows.map { count, name in
                let count = String(count)
                return "\(String(repeating: " ", count: max(0, 9 - count.count)))\(count)  \(name)\n"
            }.joined()
        }

        private static func rows(_ counts: [String: Int]) -> [(Int, String)] {
            counts.sorted { $0.key < $1.key }.map { ($0.value, "    \($0.key)") }
        }

        private static func examples(_ lines: PlanTally.Lines) -> String {
            lines.count == 0
                ? ""
                : ": line \(lines.first.map(String.init).joined(separator: ", "))\(lines.count > lines.first.count ? ", …" : "")"
        }
    }
}

extension Reconciliation.Row {
    /// The header of the CSV of lines.
    public static let csvHeader = CSVText.line(["line", "became", "code", "grants", "foreseen"])

    /// The line's row in the CSV of lines: a number, codes and counts, nothing of the line.
    /// - Parameter foreseen: what the plan says, where it says something else.
    public func csv(foreseen: String = "") -> String {
        CSVText.line([String(line), word, detail, grants, foreseen])
    }

    public var word: String {
        switch fate {
        case .accepted: "accepted"
        case .rejected: "rejected"
        case .duplicate: "duplicate"
        case .deadLettered: "dead-lettered"
        case .faulty, .notReached: "not-sent"
        case .unaccounted: "unaccounted"
        }
    }

    public var detail: String {
        switch fate {
        case .accepted: ""
        case .rejected(let code), .deadLettered(let code), .faulty(let code): code
        case .duplicate(let line): "of line \(line)"
        case .notReached: "not-reached"
        case .unaccounted(let isParked): isParked ? "parked" : ""
        }
    }

    /// What a plan's row would say of this.
    fileprivate var asForeseen: [String] {
        if case .faulty(let code) = fate { return ["faulty", code, ""] }
        return [word, detail, grants]
    }

    /// Compares with the plan's row for the line.
    /// - Parameter row: the row of `plan-lines.csv`, taken apart.
    /// - Returns: what the plan says, where it is something else; nil where the line came to what was foreseen, or has
    ///   not come to anything.
    public func differs(from row: [String]) -> String? {
        guard row.count > 3, row[0] == String(line) else { return "no such line" }
        switch fate {
        case .notReached, .unaccounted: return nil
        default: break
        }
        let foreseen = [row[1] == "accepted-for-later" ? "accepted" : row[1], row[2], row[3]]
        // Decided before the plan was made: it foresees nothing.
        guard foreseen != asForeseen, row[1] != "decided-before" else { return nil }
        return row[1...3].filter { !$0.isEmpty }.joined(separator: " ")
    }
}
