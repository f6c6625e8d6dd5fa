import ArgumentParser
import Foundation
import FuldmagtDomain
import FuldmagtKafka
import FuldmagtRecord
import FuldmagtStore
import FuldmagtWorker

struct ParkedCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "parked",
        abstract: "See commands that wait until they can be decided, and have them tried or rejected.",
        discussion: """
            A command waits while the catalogue cannot be read and it asks for something there (catalogue), while the \
            store refuses what it comes to, which is a fault of this program (fault), and while an earlier command \
            about the same citizen waits, or their file is on its way back to a CPR number that they have again \
            (order; the latter for a moment, and retry does nothing about it). Workers look at what waits again and \
            again; what the store refused only when another worker takes the shard over, or when you say so.

            These read the shard files of this machine (--data). retry and reject change nothing by themselves: they \
            write a record to fuldmagt.inbox, and the worker that owns the shard does it.

            Examples:
              fuldmagt parked list --data /var/lib/fuldmagt --why fault
              fuldmagt parked show 3 17 --data /var/lib/fuldmagt --with-personal-data
              fuldmagt parked retry --data /var/lib/fuldmagt --why fault
              fuldmagt parked reject 3 17 --data /var/lib/fuldmagt
            """,
        subcommands: [List.self, Show.self, Retry.self, Reject.self])

    struct Choice: ParsableArguments {
        @OptionGroup var folder: StoreCommand.Folder
        @Option(help: "Only what waits for this: catalogue, order or fault.")
        var why: String?

        func validate() throws {
            if let why, !["catalogue", "order", "fault"].contains(why) {
                throw ValidationError("--why is \(why); allowed are catalogue, order and fault")
            }
        }

        func entries() async throws -> [ParkedEntry] {
            do {
                return try await shards().flatMap { try ParkedEntry.all(shard: $0.shard, path: $0.path) }
                    .filter { why == nil || $0.why == why }
            } catch let error as StoreError {
                throw Exit.saying(error.description, Exit.failure)
            }
        }

        /// Files that are shards, and no copies that a worker of this machine gave up: what waits in those was decided
        /// elsewhere since.
        private func shards() async throws -> [(shard: Int32, path: String)] {
            let files = try ShardFiles.all(in: try await folder.path())
            guard let copies = try CopiedShards.find(among: files, try await Environment()) else { return files }
            return files.filter { file in
                guard copies.contains(file.shard) else { return true }
                StandardError.write(
                    "fuldmagt: the file of shard \(file.shard) is a copy, and is passed over; see fuldmagt status for the worker that has the shard, and look there\n"
                )
                return false
            }
        }
    }

    struct Place: ParsableArguments {
        @Argument(help: "Shard of the command.")
        var shard: Int32
        @Argument(help: "Row of the command, as parked list shows it.")
        var row: Int64
        @OptionGroup var folder: StoreCommand.Folder

        func entry() async throws -> ParkedEntry {
            let all = try await Choice.parse(["--data", try await folder.path()]).entries()
            guard let entry = all.first(where: { $0.shard == shard && $0.row == row }) else {
                throw Exit.saying(
                    "nothing waits in row \(row) of shard \(shard); see fuldmagt parked list", Exit.failure)
            }
            return entry
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List what waits, in order, without personal data.",
            discussion: """
                Columns: shard, row, citizen's pseudonym, what it waits for, since when, type, id, what the store \
                said.

                Example:
                  fuldmagt parked list --json | jq -r .why | sort | uniq -c
                """)
        @OptionGroup var choice: Choice
        @Flag(help: "One JSON object for each.")
        var json = false

        func run() async throws {
            let entries = try await choice.entries()
            for entry in entries { Output.line(json ? Self.object(entry) : Self.row(entry)) }
            let revocations = entries.count { $0.isRevocation }
            StandardError.write("\(entries.count) parked, \(revocations) of them revocations\n")
        }

        static func row(_ entry: ParkedEntry) -> String {
            [
                String(entry.shard).padded(to: 4), String(entry.row).padded(to: 6), entry.citizen.description,
                entry.why.padded(to: 9), (entry.since ?? entry.record.at).description,
                CPRMask.masked(entry.cause.type).padded(to: 28), CPRMask.masked(entry.cause.id), entry.fault ?? "",
            ].joined(separator: "  ")
        }

        static func object(_ entry: ParkedEntry) -> String {
            JSONText.object([
                "shard": entry.shard, "row": entry.row, "citizen": entry.citizen.description, "why": entry.why,
                "since": (entry.since ?? entry.record.at).description, "type": CPRMask.masked(entry.cause.type),
                "id": CPRMask.masked(entry.cause.id), "source": CPRMask.masked(entry.cause.source),
                "topic": entry.record.topic.name, "partition": entry.record.position.partition,
                "offset": entry.record.position.offset, "revocation": entry.isRevocation, "fault": entry.fault ?? "",
            ])
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show one parked command, with its data only where that is asked for.",
            discussion: """
                Example:
                  fuldmagt parked show 3 17 --data /var/lib/fuldmagt --with-personal-data
                """)
        @OptionGroup var place: Place
        @Flag(help: "Print the command's data: it holds CPR numbers. The cluster key is needed.")
        var withPersonalData = false

        func run() async throws {
            let entry = try await place.entry()
            Output.line(List.object(entry))
            guard withPersonalData else { return }
            let environment = try await Environment()
            guard let record = try environment.keys.open(entry.record) else {
                throw Exit.saying(
                    "the command was sealed under another cluster key; set FULDMAGT_CLUSTER_KEY_FILE", Exit.setting)
            }
            record.withRecords { records in
                guard let value = records.first?.value else { return }
                Output.line(String(decoding: value, as: UTF8.self))
            }
        }
    }

    struct Retry: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Have the commands of citizens who wait tried again, in order.",
            discussion: """
                Example:
                  fuldmagt parked retry --data /var/lib/fuldmagt --why fault
                """)
        @OptionGroup var choice: Choice

        func run() async throws {
            var citizens: [Ident: ParkedEntry] = [:]
            for entry in try await choice.entries() where citizens[entry.citizen] == nil {
                citizens[entry.citizen] = entry
            }
            try await ParkedCommands.ask(.retry, about: Array(citizens.values), for: nil)
            Output.line(
                "asked for \(Output.counted(citizens.count, "citizen")); see fuldmagt parked list for what still waits")
        }
    }

    struct Reject: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Reject one parked command (parked-too-long), and have what waited behind it tried.",
            discussion: """
                A revocation is rejected only with --force: whoever sent it counts on it.

                Example:
                  fuldmagt parked reject 3 17 --data /var/lib/fuldmagt
                """)
        @OptionGroup var place: Place
        @Flag(help: "Also a revocation.")
        var force = false

        func run() async throws {
            let entry = try await place.entry()
            guard force || !entry.isRevocation else {
                throw Exit.saying("it is a revocation; retry it, or say --force", Exit.failure)
            }
            try await ParkedCommands.ask(.reject, about: [entry], for: entry.command)
            Output.line("asked for; its sender gets the outcome")
        }
    }

    /// Writes to the inbox what is asked for, one record for each citizen.
    private static func ask(
        _ action: ParkedRequest.Action, about entries: [ParkedEntry], for command: Ident?
    ) async throws {
        let environment = try await Environment()
        let settings = try environment.settings(partitions: 1)
        let producer = try ReplayCommand.producer(environment)
        let request = ParkedRequest(action: action, command: command, at: Host.now())
        for entry in entries {
            let frame = request.record(citizen: entry.citizen, shard: entry.shard, settings: settings)
            try ReplayCommand.produce(frame, with: producer)
        }
        try Connection.trying { () throws(KafkaFailure) in try producer.flush(timeoutMilliseconds: 60_000) }
    }
}
