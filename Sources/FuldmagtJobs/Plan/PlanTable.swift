import FuldmagtDomain

/// A plan's counts as rows, from which terminal, CSV and HTML are written alike.
public struct PlanTable {
    public struct Row: Equatable, Sendable {
        /// `lines`, `rejected`, `faulty`, `grants` or `notifications`.
        public var section: String
        public var what: String
        /// Package of grants, channel of notifications; else empty.
        public var detail: String
        /// Municipality code with its name; else empty.
        public var place: String
        public var count: Int
        /// Line numbers as examples.
        public var examples: [Int] = []
    }

    public let rows: [Row]

    public init(_ tally: PlanTally) {
        var rows = [
            Self.row("accepted", tally.accepted), Self.row("of these, for a day to come", tally.later),
            Row(section: "lines", what: "rejected by the rules", detail: "", place: "", count: tally.rejectedCount),
            Row(section: "lines", what: "faulty, not sent", detail: "", place: "", count: tally.faultyCount),
            Self.row("duplicate, not sent", tally.duplicates), Self.row("decided before", tally.decidedBefore),
        ]
        for (code, lines) in tally.rejected.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            rows.append(
                Row(
                    section: "rejected", what: code.rawValue, detail: "", place: "", count: lines.count,
                    examples: lines.first))
        }
        for (code, lines) in tally.faulty.sorted(by: { $0.key < $1.key }) {
            rows.append(
                Row(section: "faulty", what: code, detail: "", place: "", count: lines.count, examples: lines.first))
        }
        for (key, fates) in tally.grants.sorted(by: { $0.key < $1.key }) {
            let place = Self.place(of: key)
            for fate in PlanTally.Fate.allCases {
                guard let lines = fates[fate] else { continue }
                rows.append(
                    Row(
                        section: "grants", what: fate.rawValue, detail: key.package, place: place, count: lines.count,
                        examples: lines.first))
            }
        }
        for (key, lines) in tally.notifications.sorted(by: { $0.key < $1.key }) {
            rows.append(
                Row(
                    section: "notifications", what: key.kind.rawValue, detail: key.channel.rawValue, place: "",
                    count: lines.count, examples: lines.first))
        }
        self.rows = rows
    }

    static func place(of key: PlanTally.GrantKey) -> String {
        key.municipality.map { "\($0) \($0.name)" } ?? "none known"
    }

    private static func row(_ what: String, _ lines: PlanTally.Lines) -> Row {
        Row(section: "lines", what: what, detail: "", place: "", count: lines.count, examples: lines.first)
    }

    /// For a terminal: one line a row.
    public var text: String {
        var text = ""
        var section = ""
        for row in rows {
            if row.section != section {
                section = row.section
                text += "\(section)\n"
            }
            let name = [row.what, row.detail, row.place].filter { !$0.isEmpty }.joined(separator: " · ")
            let count = String(row.count)
            let examples =
                row.examples.isEmpty
                ? ""
                : "  lines \(row.examples.map(String.init).joined(separator: ", "))\(row.count > row.examples.count ? ", …" : "")"
            text += "  \(String(repeating: " ", count: max(0, 9 - count.count)))\(count)  \(name)\(examples)\n"
        }
        return text
    }

    /// With a header; fields are separated by semicolons, as Danish spreadsheets expect.
    public var csv: String {
        CSVText.line(["section", "what", "detail", "municipality", "count", "example lines"])
            + rows.map {
                CSVText.line([
                    $0.section, $0.what, $0.detail, $0.place, String($0.count),
                    $0.examples.map(String.init).joined(separator: " "),
                ])
            }.joined()
    }
}
