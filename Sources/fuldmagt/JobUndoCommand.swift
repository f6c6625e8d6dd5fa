import ArgumentParser
import Foundation
import FuldmagtDomain
import FuldmagtJobs

struct JobUndoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "undo",
        abstract: "Make and plan the job that takes back what a job did by mistake. Nothing is sent.",
        discussion: """
            Moves are taken back by a move, on the same day, to where the citizen would have lived; enrolments that \
            ended an exemption, by registering it again as it was. What the job did stays as history. Lines that did \
            nothing, or that something newer has superseded, are told and left alone. The parties are told again, as \
            the plan says. Other kinds cannot be taken back like this: exemptions are corrected one by one \
            (exemption.correct), grants revoked, a switch switched back.

            Writes <job id>-undo.yaml and its input beside the job file, and plans that job.

            Example:
              fuldmagt job undo moves.yaml --data fuldmagt-data
              fuldmagt job run moves-2026-undo.yaml

            Ends as plan does, with 1 when there is nothing to take back.
            """)

    @OptionGroup var options: JobOptions
    @OptionGroup var state: StateOptions
    @OptionGroup var day: DayOption

    func run() async throws {
        let environment = try await Environment()
        let files = try options.open()
        guard Undo.kind(of: files.job) != nil else {
            throw Exit.saying("a job of \(files.job.kind.rawValue) cannot be taken back; see --help", Exit.failure)
        }
        _ = try files.begunCheckpoint(digest: try files.digest())
        let path = try write(files, environment)
        let undoing = try JobFiles(path: path, output: nil)
        let planner = JobPlanner(
            files: undoing, environment: environment, state: state, day: day.day)
        let result = try planner.plan(digest: try undoing.digest())
        Output.text(PlanTable(result.tally).text)
        Output.line("nothing was sent; look at \(undoing.folder)/plan.html, then: fuldmagt job run \(path)")
        if result.tally.faultyCount > 0 { throw Exit.found }
    }

    /// - Returns: the path of the compensating job's file.
    private func write(_ files: JobFiles, _ environment: Environment) throws -> String {
        let id = String(files.job.id.prefix(59)) + "-undo"
        let base = URL(fileURLWithPath: files.path).deletingLastPathComponent()
        let path = base.appendingPathComponent(id + ".yaml").path
        if try JobFiles.wasBegun(path) {
            throw Exit.saying("\(path) was begun already; see: fuldmagt job status \(path)", Exit.failure)
        }
        let day = day.day ?? Host.now().day
        let shards = try Shards(in: state.data ?? environment.directory, keys: try environment.keys)
        let settings = try environment.settings(partitions: shards.partitions)
        var undo = Undo(job: files.job, today: day)
        let input = try TextFile(base.appendingPathComponent(id + ".csv").path)
        try input.append(undo.csvHeader)
        try files.forEachLine(settings: settings, today: day, ids: try files.ids(environment)) { line, _ in
            guard case .command(let command) = line, let party = command.command?.citizen else { return true }
            if let row = undo.take(command, try shards.file(of: party, [.residences, .exemptions])) {
                try input.append(row)
            }
            return true
        }
        try input.close()
        try shards.close()
        for refusal in Undo.Refusal.allCases {
            guard let lines = undo.refusals[refusal] else { continue }
            let examples = lines.first.map(String.init).joined(separator: ", ")
            Output.line("\(lines.count) lines are left alone: \(refusal.text) (line \(examples))")
        }
        guard undo.count > 0 else {
            throw Exit.saying("nothing of job \(files.job.id) is to be taken back", Exit.failure)
        }
        try TextFile.write(undo.jobFile(id: id, input: id + ".csv").utf8, to: path)
        return path
    }
}

extension JobFiles {
    /// Whether a job file is there, and its job was begun.
    static func wasBegun(_ path: String) throws -> Bool {
        guard FileManager.default.fileExists(atPath: path) else { return false }
        return try JobFiles(path: path, output: nil).readCheckpoint(digest: nil) != nil
    }
}
