import ArgumentParser
import Foundation
import FuldmagtDomain
import FuldmagtJobs

struct JobVerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Compare what the shards hold with what the plan foresaw.",
        discussion: """
            Looks at the residence, the exemption and each grant of every citizen whom the plan concerned. Writes each \
            difference to verify.csv: line, pseudonym, what was foreseen, what was found, and the id of the command \
            that made it so. What is foreseen for a day to come is not compared yet.

            Example:
              fuldmagt job verify moves.yaml --data fuldmagt-data

            Ends with 0 when all is as foreseen, with 3 when something is not.
            """)

    @OptionGroup var options: JobOptions
    @Option(help: "Folder with the files of all shards (default FULDMAGT_DATA).")
    var data: String?
    @OptionGroup var day: DayOption

    /// Differences that are shown; all are written.
    private static let shown = 20

    func run() async throws {
        let environment = try await Environment()
        let files = try options.open()
        guard FileManager.default.fileExists(atPath: files.foreseen) else {
            throw Exit.saying("job \(files.job.id) has no plan to compare with", Exit.failure)
        }
        let folder = data ?? environment.directory
        let shards = try Shards(in: folder, keys: try environment.keys)
        try CopiedShards.warn(
            of: folder, environment, consequence: "what the job did after the copy was taken seems not to be done")
        let day = day.day ?? Host.now().day
        var verification = Verification { try shards.lastCause(of: $0, in: $1) }
        let source = try LineSource(path: files.foreseen)
        var line = 0
        while let row = try source.next() {
            line += 1
            guard let foreseen = Foreseen(json: row) else {
                throw Exit.saying("\(files.foreseen), line \(line), is not of this version", Exit.failure)
            }
            let file = try shards.file(
                of: foreseen.citizen, shard: foreseen.shard, [.residences, .exemptions, .grants])
            try verification.take(foreseen, file, today: day)
        }
        try shards.close()
        try tell(verification, files)
    }

    private func tell(_ verification: Verification, _ files: JobFiles) throws {
        let listed = try TextFile(files.file("verify.csv"))
        try listed.append(Verification.Difference.csvHeader)
        for difference in verification.differences { try listed.append(difference.csv) }
        try listed.close()
        Output.line(
            "\(verification.citizens) citizens compared, \(verification.grants) grants as foreseen, \(verification.differences.count) differences"
        )
        if verification.early > 0 {
            Output.line("\(verification.early) citizens were not compared: what is foreseen is for a day to come")
        }
        for difference in verification.differences.prefix(Self.shown) {
            let cause = difference.cause.isEmpty ? "" : ", because of \(difference.cause)"
            Output.line(
                "  line \(difference.line): \(difference.what) foreseen \(difference.foreseen), found \(difference.found)\(cause)"
            )
        }
        guard verification.differences.isEmpty else {
            Output.line("all of them: \(files.folder)/verify.csv")
            throw Exit.found
        }
    }
}
