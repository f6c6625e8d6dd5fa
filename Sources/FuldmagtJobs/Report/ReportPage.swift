import FuldmagtDomain

/// What became of a job's lines, as one HTML page.
public struct ReportPage {
    private let job: Job
    private let result: Reconciliation.Result
    private let at: Instant
    /// Lines that came to something else than the plan foresaw; nil where there is no plan.
    private let unforeseen: PlanTally.Lines?

    public init(job: Job, result: Reconciliation.Result, unforeseen: PlanTally.Lines?, at: Instant) {
        self.job = job
        self.result = result
        self.unforeseen = unforeseen
        self.at = at
    }

    public var html: String {
        var page = HTMLPage(title: "Report of job \(job.id)")
        page.paragraph(
            result.addsUp
                ? "All \(result.total) lines are accounted for, as of \(at)."
                : "\(result.unaccounted.count) of \(result.total) lines are unaccounted for, \(result.doubled.count) were answered more than once, as of \(at)."
        )
        page.plot(
            BarPlot(
                title: "Lines by what became of them",
                bars: [
                    .init(label: "accepted", count: result.accepted, style: "good"),
                    .init(label: "rejected", count: result.rejectedCount, style: "bad"),
                    .init(label: "duplicate", count: result.duplicates, style: "still"),
                    .init(label: "dead-lettered", count: result.deadLetteredCount, style: "bad"),
                    .init(label: "not sent", count: result.notSent, style: "still"),
                    .init(label: "unaccounted for", count: result.unaccounted.count, style: "bad"),
                ]))
        page.table("Rejected", ["code", "lines"], Self.rows(result.rejected))
        page.table("Dead-lettered", ["code", "lines"], Self.rows(result.deadLettered))
        page.table("Faulty, not sent", ["code", "lines"], Self.rows(result.faulty))
        var open: [[String]] = []
        func add(_ name: String, _ lines: PlanTally.Lines) {
            guard lines.count > 0 else { return }
            open.append([name, String(lines.count), lines.first.map(String.init).joined(separator: ", ")])
        }
        add("unaccounted for", result.unaccounted)
        add("answered more than once", result.doubled)
        if let unforeseen { add("otherwise than planned", unforeseen) }
        page.table("To look at", ["what", "lines", "e.g. line"], open)
        page.paragraph("Each line is in report-lines.csv, beside this page.", isNote: true)
        return page.html
    }

    private static func rows(_ counts: [String: Int]) -> [[String]] {
        counts.sorted { $0.key < $1.key }.map { [$0.key, String($0.value)] }
    }
}
