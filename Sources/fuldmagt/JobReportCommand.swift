import ArgumentParser
import Foundation
import FuldmagtDomain
import FuldmagtJobs
import FuldmagtRecord

struct JobReportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "Account for every line of a job: what became of it.",
        discussion: """
            Reads the input again, the checkpoint, and all committed outcomes and dead letters that carry the job's \
            id. in = accepted + rejected + duplicate + dead-lettered + not sent. Writes report.html and \
            report-lines.csv: line numbers and codes, no personal data, and where a line came to something else than \
            planned, what was planned.

            Examples:
              fuldmagt job report moves.yaml
              fuldmagt job report moves.yaml --wait 60

            Ends with 0 when it adds up, with 3 when a line is unaccounted for or was answered twice.
            """)

    @OptionGroup var options: JobOptions
    @Option(help: "Seconds to wait for outcomes that are still to come.")
    var wait = 0

    func validate() throws {
        guard (0...86_400).contains(wait) else {
            throw ValidationError("--wait is \(wait); 0 to 86400 seconds are allowed")
        }
    }

    func run() async throws {
        let environment = try await Environment()
        let settings = try environment.settings(partitions: 1)
        let files = try options.open()
        let checkpoint = try files.begunCheckpoint(digest: try files.digest())
        let today = Host.now().day
        let deadline = Host.nanoseconds() + UInt64(wait) * 1_000_000_000
        var empty = Reconciliation(job: files.job, sentThrough: checkpoint.line)
        try files.forEachLine(settings: settings, today: today, ids: try files.ids(environment)) { line, _ in
            empty.take(line)
            return true
        }
        var found = empty
        while true {
            found = empty
            try TopicReading.forEach(.outcomes, environment) { found.take(outcome: $0) }
            try TopicReading.forEach(.deadLetters, environment) { found.take(deadLetter: $0) }
            guard found.result.unaccounted.count > 0, Host.nanoseconds() < deadline else { break }
            usleep(250_000)
        }
        let unforeseen = try writeLines(found, files)
        let result = found.result
        let page = ReportPage(job: files.job, result: result, unforeseen: unforeseen, at: Host.now())
        try TextFile.write(page.html.utf8, to: files.file("report.html"))
        Output.text(result.text)
        if let unforeseen, unforeseen.count > 0 {
            let more = unforeseen.count > unforeseen.first.count ? ", …" : ""
            Output.line(
                "otherwise than planned: \(unforeseen.count), line \(unforeseen.first.map(String.init).joined(separator: ", "))\(more)"
            )
        } else if unforeseen != nil {
            Output.line("every line that was decided came to what was planned")
        }
        Output.line("written to \(files.folder): report.html, report-lines.csv")
        if !result.addsUp { throw Exit.found }
    }

    /// - Returns: lines that came to something else than planned; nil where there is no plan.
    private func writeLines(_ found: Reconciliation, _ files: JobFiles) throws -> PlanTally.Lines? {
        let lines = try TextFile(files.file("report-lines.csv"))
        try lines.append(Reconciliation.Row.csvHeader)
        let isPlanned = FileManager.default.fileExists(atPath: files.planLines)
        let plan = isPlanned ? try LineSource(path: files.planLines) : nil
        _ = try plan?.next()
        var unforeseen = PlanTally.Lines()
        try found.forEach { row in
            var planned = ""
            if let plan {
                let fields = try plan.next().flatMap { CSVText.fields(String(decoding: $0, as: UTF8.self)) } ?? []
                if let difference = row.differs(from: fields) {
                    planned = difference
                    unforeseen.add(row.line)
                }
            }
            try lines.append(row.csv(foreseen: planned))
        }
        try lines.close()
        return isPlanned ? unforeseen : nil
    }
}
