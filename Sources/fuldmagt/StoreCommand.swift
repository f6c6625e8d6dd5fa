import ArgumentParser
import Foundation
import FuldmagtStore

struct StoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "store", abstract: "Look at shard files, or copy them.",
        subcommands: [DumpCommand.self, CheckCommand.self, CopyCommand.self])

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
                Ends with 0 when all hold, with 3 when one does not. A file that was copied without the -wal beside it lacks \
                what was written last, and nothing in it tells: copies are made by store copy.

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

    struct CopyCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "copy",
            abstract: "Copy every shard, each as it is at one moment, while a worker may be at work.",
            discussion: """
                Each copy is one file, with what is still in the shard's -wal, which a plain copy of the file would lack. A \
                file that is there already is not replaced. Copies are for looking at them: store dump, store check, job \
                plan. They are no backup: frames that wait to be published stay behind, and a worker that is given a copy \
                which lacks some rebuilds the shard, or stops.

                Prints shard, last frame, rows and bytes. Exit codes: 0 all were copied · 1 a file cannot be read, or is \
                there already · 75 the disk did not answer, or is full

                Example:
                  fuldmagt store copy --data /var/lib/fuldmagt --to /var/tmp/shards
                """)
        @OptionGroup var folder: Folder
        @Option(help: "Folder that the copies are put into; made where it does not exist.")
        var to: String

        func run() async throws {
            do {
                let files = try ShardFiles.all(in: try await folder.path())
                // Before anything is copied.
                for file in files { try ShardFiles.placeForCopy(of: file.shard, in: to) }
                try make()
                for file in files {
                    let copied = try ShardFiles.copy(shard: file.shard, path: file.path, to: to)
                    Output.line(
                        "shard \(file.shard): frame \(copied.lastFrame), \(Output.counted(copied.rows, "row")), \(copied.bytes) bytes in \(copied.path)"
                    )
                }
            } catch let error as StoreError {
                throw Exit.saying(error.description, error.consequence == .retry ? Exit.temporary : Exit.failure)
            }
        }

        /// A folder that is there keeps its mode: it may be for others too.
        private func make() throws {
            guard !FileManager.default.fileExists(atPath: to) else { return }
            do {
                try FileManager.default.createDirectory(
                    atPath: to, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            } catch {
                throw Exit.saying("--to: \(to) cannot be made; check the path and its permissions", Exit.failure)
            }
        }
    }
}
