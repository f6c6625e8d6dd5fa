import FuldmagtDomain

/// A plan as one HTML page.
public struct PlanPage {
    private let job: Job
    private let tally: PlanTally
    private let day: Day
    private let catalogue: Int

    /// - Parameters:
    ///   - day: the day that the plan is for.
    ///   - packages: how many the catalogue holds.
    public init(job: Job, tally: PlanTally, day: Day, packages: Int) {
        self.job = job
        self.tally = tally
        self.day = day
        catalogue = packages
    }

    /// Municipalities in a plot: the ones where most happens.
    private static let plotted = 12

    public var html: String {
        let table = PlanTable(tally)
        var page = HTMLPage(title: "Plan of job \(job.id)")
        page.paragraph(
            "\(tally.total) lines of \(job.kind.rawValue), as they would be decided on \(day) under a catalogue of \(catalogue) packages. Nothing has been sent."
        )
        page.heading("What the lines come to")
        page.plot(lines)
        addTable("rejected", "Rejected by the rules", ["code", "lines", "e.g. line"], of: table, to: &page)
        addTable("faulty", "Faulty, not sent", ["code", "lines", "e.g. line"], of: table, to: &page)
        if !tally.grants.isEmpty {
            page.heading("Grants")
            page.plot(fates)
            page.heading("Grants that will not work any more, by municipality")
            page.plot(places)
            addTable(
                "grants", "By package and municipality",
                ["what", "package", "municipality", "grants", "e.g. line"], of: table, to: &page, isFolded: true)
        }
        if !tally.notifications.isEmpty {
            page.heading("Notifications")
            page.plot(channels)
            addTable(
                "notifications", "By kind and channel", ["kind", "channel", "count", "e.g. line"], of: table,
                to: &page)
        }
        page.paragraph(
            job.kind.changesCatalogue
                ? "Grants are those of everybody who lives in the municipalities that are switched, or holds a right in the old it-system, on the day that the new one takes over."
                : "Grants are counted once, from before the first line to after the last, by the municipality where the citizen lives afterwards. Lines that take effect on a day to come change no grant yet.",
            isNote: true)
        return page.html
    }

    private var lines: BarPlot {
        BarPlot(
            title: "Lines by what they come to",
            bars: [
                .init(label: "accepted", count: tally.accepted.count, style: "good"),
                .init(label: "of these, for a day to come", count: tally.later.count, style: "good"),
                .init(label: "rejected by the rules", count: tally.rejectedCount, style: "bad"),
                .init(label: "faulty, not sent", count: tally.faultyCount, style: "bad"),
                .init(label: "duplicate, not sent", count: tally.duplicates.count, style: "still"),
                .init(label: "decided before", count: tally.decidedBefore.count, style: "still"),
            ])
    }

    private var fates: BarPlot {
        BarPlot(
            title: "Grants by what becomes of them",
            bars: PlanTally.Fate.allCases.map { fate in
                let style =
                    switch fate {
                    case .staysActive, .wakes, .given: "good"
                    case .goesDormant, .ends: "bad"
                    case .staysDormant: "still"
                    }
                return .init(label: fate.rawValue, count: tally.count(of: fate), style: style)
            })
    }

    /// Where grants go dormant or end.
    private var places: BarPlot {
        var lost: [String: Int] = [:]
        for (key, fates) in tally.grants {
            let count = (fates[.goesDormant]?.count ?? 0) + (fates[.ends]?.count ?? 0)
            if count > 0 { lost[PlanTable.place(of: key), default: 0] += count }
        }
        let most = lost.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(Self.plotted)
        return BarPlot(
            title: "Grants that go dormant or end, by municipality",
            bars: most.map { .init(label: $0.key, count: $0.value, style: "bad") })
    }

    private var channels: BarPlot {
        BarPlot(
            title: "Notifications by channel",
            bars: PostChannel.allCases.map { channel in
                let count = tally.notifications.reduce(0) { $0 + ($1.key.channel == channel ? $1.value.count : 0) }
                return .init(label: channel.rawValue, count: count, style: "still")
            })
    }

    private func addTable(
        _ section: String, _ title: String, _ columns: [String], of table: PlanTable, to page: inout HTMLPage,
        isFolded: Bool = false
    ) {
        page.table(
            title, columns,
            table.rows.filter { $0.section == section }.map { row in
                [row.what] + [row.detail, row.place].filter { !$0.isEmpty }
                    + [String(row.count), row.examples.prefix(3).map(String.init).joined(separator: ", ")]
            }, isFolded: isFolded)
    }
}
