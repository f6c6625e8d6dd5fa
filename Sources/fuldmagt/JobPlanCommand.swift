import ArgumentParser
import Foundation
import FuldmagtDomain
import FuldmagtJobs

struct JobPlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "Foresee what a job will come to. Nothing is sent.",
        discussion: """
            Decides every line by the rules of the workers, on a read-only snapshot of the shard files and the \
            catalogue. Writes to the job's folder: plan.html and plan.csv (counts and examples), plan-lines.csv (each \
            line: what it comes to, which grants it changes, who is told what by which channel), rejects.csv (faulty \
            lines as they stand), faults.csv (what is wrong with them) and foreseen.jsonl (for verify). All but \
            rejects.csv hold line numbers and pseudonyms only.

            Examples:
              fuldmagt job plan moves.yaml --data fuldmagt-data
              fuldmagt job plan moves.yaml --data copy --today 2027-01-01

            Ends with 0, or with 3 when lines have faults.
            """)

    @OptionGroup var options: JobOptions
    @OptionGroup var state: StateOptions
    @OptionGroup var day: DayOption

    func run() async throws {
        let environment = try await Environment()
        let files = try options.open()
        let lock = try files.hold()
        defer { withExtendedLifetime(lock) {} }
        if try files.readCheckpoint(digest: nil) != nil {
            throw Exit.saying(
                "job \(files.job.id) was begun, and its report needs the plan it was begun with; see: fuldmagt job status \(options.job)",
                Exit.failure)
        }
        let planner = JobPlanner(files: files, environment: environment, state: state, day: day.day)
        let result = try planner.plan(digest: try files.digest())
        Output.line("job \(files.job.id) on \(result.day): \(result.tally.total) lines. Nothing was sent.")
        Output.text(PlanTable(result.tally).text)
        Output.line("written to \(files.folder): plan.html, plan.csv, plan-lines.csv, faults.csv, rejects")
        if result.tally.faultyCount > 0 { throw Exit.found }
    }
}
