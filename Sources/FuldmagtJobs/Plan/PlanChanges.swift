/// How a plan that is made anew differs from the one that was made before: the state has moved on meanwhile.
public struct PlanChanges {
    /// Lines that would come to something else now.
    public private(set) var lines = PlanTally.Lines()
    public private(set) var lineCount = 0
    /// Counts of grants and notifications that are others now: each with what it was and what it is.
    public private(set) var counts: [(name: String, before: Int, now: Int)] = []
    private var countsBefore = 0

    public init() {}

    /// The header of the CSV of lines that changed.
    public static let csvHeader = CSVText.line(["line", "planned", "now"])

    /// Compares the rows of a line, as `PlanRow` writes them, without their ends.
    /// - Returns: a row of the CSV of lines that changed; nil where nothing did.
    public mutating func take(before: Substring, now: Substring) -> String? {
        lineCount += 1
        guard before != now else { return nil }
        let fields = CSVText.fields(String(now)) ?? []
        lines.add(fields.first.flatMap { Int($0) } ?? lineCount)
        func said(_ row: Substring) -> String {
            (CSVText.fields(String(row)) ?? []).dropFirst().filter { !$0.isEmpty }.joined(separator: " · ")
        }
        return CSVText.line([fields.first ?? "", said(before), said(now)])
    }

    /// Compares the tables of counts, as `PlanTable` writes them.
    public mutating func take(tableBefore: String, now: String) {
        let (before, now) = (Self.counts(in: tableBefore), Self.counts(in: now))
        countsBefore = before.values.reduce(0, +)
        for name in Set(before.keys).union(now.keys).sorted() where before[name] != now[name] {
            counts.append((name, before[name] ?? 0, now[name] ?? 0))
        }
    }

    private static func counts(in table: String) -> [String: Int] {
        var counts: [String: Int] = [:]
        for row in table.split(separator: "\r\n") {
            guard let fields = CSVText.fields(String(row)), fields.count > 4, let count = Int(fields[4]),
                ["grants", "notifications"].contains(fields[0])
            else { continue }
            counts[fields[..<4].filter { !$0.isEmpty }.joined(separator: " · ")] = count
        }
        return counts
    }

    /// The share that changed, of the lines or of the counts: the larger one, from 0 to 1.
    public var share: Double {
        let changed = counts.reduce(0) { $0 + abs($1.now - $1.before) }
        return max(
            Double(lines.count) / Double(max(lineCount, 1)), Double(changed) / Double(max(countsBefore, changed, 1)))
    }

    /// For a terminal; empty where nothing changed.
    public var text: String {
        var text = ""
        if lines.count > 0 {
            let more = lines.count > lines.first.count ? ", …" : ""
            text +=
                "\(lines.count) of \(lineCount) lines would come to something else now: line \(lines.first.map(String.init).joined(separator: ", "))\(more)\n"
        }
        for (name, before, now) in counts { text += "  \(name): \(before) planned, \(now) now\n" }
        return text
    }
}
