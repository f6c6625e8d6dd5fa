import ArgumentParser
import Foundation
import FuldmagtStore

struct StoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "store", abstract: "Look at shard files.", subcommands: [DumpCommand.self, CheckCommand.self])

    struct Folder: ParsableArguments {
        @Option(help: "Folder of the shard files. Overrides FULDMAGT_DATA.")
        var data: String?

        func path() async throws -> String {
            if let data { return data }
            return try await Environment().directory
        }
    }

    struct DumpCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "dump",
            abstract: "Print the state of every shard as canonical JSON lines, sorted: equal states give equal bytes.",
            discussion: """
                Persons and companies are pseudonyms; no CPR number is printed. How far the shards have read is left \
                out.

                Example:
                  fuldmagt store dump --data /var/lib/fuldmagt | sha256sum
                """)
        @OptionGroup var folder: Folder

        func run() async throws {
            do {
                var dump = Dump()
                for file in try ShardFiles.all(in: try await folder.path()) { try dump.add(path: file.path) }
                Output.lines(dump.sorted())
            } catch let error as StoreError {
                throw Exit.saying(error.description, Exit.failure)
            }
        }
    }

    struct CheckCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check",
            abstract: "Check every shard: SQLite's integrity, foreign keys and the system's own invariants.",
            discussion: """
                Ends with 0 when all hold, with 3 when one does not.

                Example:
                  fuldmagt store check --data /var/lib/fuldmagt
                """)
        @OptionGroup var folder: Folder

        func run() async throws {
            do {
                var findings: [ShardFiles.Finding] = []
                let files = try ShardFiles.all(in: try await folder.path())
                for file in files { findings += try ShardFiles.check(shard: file.shard, path: file.path) }
                for name in ShardFiles.checkNames {
                    let broken = findings.filter { $0.check == name }
                    if broken.isEmpty {
                        Output.line("ok      \(name)")
                    } else {
                        let places = broken.map { "shard \($0.shard): \($0.count)" }.joined(separator: ", ")
                        Output.line("BROKEN  \(name) (\(places))")
                    }
                }
                Output.line("\(Output.counted(files.count, "shard")), \(Output.counted(findings.count, "finding"))")
                if !findings.isEmpty { throw Exit.found }
            } catch let error as StoreError {
                throw Exit.saying(error.description, Exit.failure)
            }
        }
    }
}
