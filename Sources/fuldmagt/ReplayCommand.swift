import ArgumentParser
import Foundation
import FuldmagtDomain
import FuldmagtKafka
import FuldmagtOperations
import FuldmagtPost
import FuldmagtRecord
import FuldmagtWorker

/// `dead-letters replay`.
struct ReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Send listed dead letters to the topics they came from, as they were.",
        discussion: """
            Without --execute nothing is sent: each line says what would be, and where to. Key, value and headers are \
            sent unchanged, without dl_* and with dl_attempt, which counts replays; a record that fails again carries \
            it on. Skipped, with the reason: a record that is not the one listed, one replayed --attempts times \
            already, one that would be set aside again as far as the record tells, an id that was reused, and workers' \
            own records (fuldmagt.inbox, fuldmagt.notifications).

            What a transport brought (post-status) stood on no topic: --receipts names the folder that post receipts \
            reads, and it is put there, as replay-ATTEMPT-PARTITION-OFFSET.xml.

            What is delivered is noted in FILE.done, so a repeat goes on where the last one stopped. What was \
            delivered and not noted, because the process died between the two, is sent twice; workers ignore the \
            second by ce_source and ce_id. "Today" of a command sent again is the day it is sent, and it comes after \
            what its citizen's other commands did meanwhile.

            Exit codes:
              0   all of it is sent, or would be
              3   some were skipped or are gone
              1   the list cannot be used
              75  the broker did not answer: run it again

            Examples:
              fuldmagt dead-letters replay --list wrong.jsonl
              fuldmagt dead-letters replay --list wrong.jsonl --execute
              fuldmagt dead-letters replay --list wrong.jsonl --execute --attempts 5
              fuldmagt dead-letters replay --list receipts.jsonl --execute \\
                --receipts /var/lib/fuldmagt-post/post/receipts
            """)

    @Option(help: "File that dead-letters list --output wrote.")
    var list: String
    @Flag(help: "Send. Without it, only say what would be sent.")
    var execute = false
    @Flag(help: "Send also what would be set aside again, reused ids and workers' own records.")
    var force = false
    @Option(help: "How often a record may be replayed in all.")
    var attempts = 3
    @Option(help: "Folder that post receipts reads, for receipts that it set aside.")
    var receipts: String?

    /// Records between two notes in FILE.done.
    private static let chunk = 500

    func validate() throws {
        guard (1...1000).contains(attempts) else {
            throw ValidationError("--attempts is \(attempts); 1 to 1000 are allowed")
        }
    }

    func run() async throws {
        let environment = try await Environment()
        let entries = try readList()
        let progress = try openProgress()
        let open = entries.filter { !(progress?.done.contains($0) ?? false) }
        let keys = try environment.keys
        let replay = Replay(
            settings: try environment.settings(partitions: 1), keys: keys, today: Host.now().day, attempts: attempts,
            isForced: force)
        let producer = execute ? try Self.producer(environment) : nil
        let folder = try openReceipts()
        var digests: [Int32: [Int64: String]] = [:]
        for entry in open { digests[entry.partition, default: [:]][entry.offset] = entry.digest }
        var counts = (sent: 0, skipped: 0, found: 0)
        var underWay: [FrozenList.Entry] = []
        var documents: [ReceiptFolder.Replayed] = []
        func settle() throws {
            guard let producer, let progress else { return }
            try put(documents, into: folder)
            documents = []
            try Connection.trying { () throws(KafkaFailure) in try producer.flush(timeoutMilliseconds: 60_000) }
            try progress.note(underWay)
            underWay = []
        }
        try DeadLetterTopic(environment).forEach(digests.mapValues { Set($0.keys) }) { record in
            counts.found += 1
            let place = "\(record.partition)/\(record.offset)"
            switch replay.decide(record, digest: digests[record.partition]?[record.offset] ?? "") {
            case .skip(let why):
                counts.skipped += 1
                Output.line("\(place)  skipped: \(CPRMask.masked(why.description))")
            case .deliver(let attempt):
                guard let receipts else {
                    counts.skipped += 1
                    Output.line("\(place)  skipped: a transport's receipt; --receipts names the folder to put it into")
                    return
                }
                counts.sent += 1
                if folder != nil {
                    documents.append(
                        .init(
                            record.value ?? [], partition: record.partition, offset: record.offset, attempt: attempt))
                    underWay.append(FrozenList.Entry(record, keys: keys))
                    if underWay.count >= Self.chunk { try settle() }
                }
                Output.line("\(place)  \(execute ? "put" : "would be put") into \(receipts), attempt \(attempt)")
            case .send(let topic, let partition, let attempt):
                counts.sent += 1
                if let producer {
                    try Self.produce(
                        Replay.frame(record, to: topic, partition: partition, attempt: attempt), with: producer)
                    underWay.append(FrozenList.Entry(record, keys: keys))
                    if underWay.count >= Self.chunk { try settle() }
                }
                let target = partition.map { "\(topic.name)/\($0)" } ?? topic.name
                Output.line("\(place)  \(execute ? "sent" : "would be sent") to \(target), attempt \(attempt)")
            }
        }
        try settle()
        let gone = open.count - counts.found
        Output.line(
            "\(entries.count) listed, \(entries.count - open.count) sent before, \(counts.sent) \(execute ? "sent" : "would be sent"), \(counts.skipped) skipped, \(gone) gone\(execute ? "" : " (nothing was sent; --execute sends)")"
        )
        if counts.skipped > 0 || gone > 0 { throw Exit.found }
    }

    private func readList() throws -> [FrozenList.Entry] {
        guard let data = FileManager.default.contents(atPath: list) else {
            throw Exit.saying("--list: \(list) cannot be read; check the path and its permissions", Exit.failure)
        }
        do {
            return try FrozenList(lines: data).entries
        } catch {
            throw Exit.saying("--list: \(list): \(error)", Exit.failure)
        }
    }

    /// Nil where there is none yet and none is made: a dry run writes nothing.
    private func openProgress() throws -> ReplayProgress? {
        guard execute || FileManager.default.fileExists(atPath: ReplayProgress.path(list: list)) else { return nil }
        do {
            return try ReplayProgress(list: list)
        } catch {
            throw Exit.saying("--list: \(error)", Exit.failure)
        }
    }

    /// Nil where nothing is put there.
    private func openReceipts() throws -> ReceiptFolder? {
        guard let receipts, execute else { return nil }
        do {
            return try ReceiptFolder(path: receipts)
        } catch {
            throw Exit.saying(
                "--receipts: \(receipts) cannot be made; check the path and its permissions", Exit.failure)
        }
    }

    private func put(_ documents: [ReceiptFolder.Replayed], into folder: ReceiptFolder?) throws {
        do {
            try folder?.put(documents)
        } catch let error as FolderFailure {
            throw Exit.saying("--receipts: \(error)", Exit.failure)
        }
    }

    static func producer(_ environment: Environment) throws -> KafkaProducer {
        let configuration = try environment.kafka
        return try Connection.trying { () throws(KafkaFailure) in
            try KafkaProducer(KafkaLog.properties(configuration, for: .producer), topics: Topic.names)
        }
    }

    static func produce(_ frame: Frame, with producer: KafkaProducer) throws {
        do {
            try producer.produce(frame)
        } catch let error as KafkaFailure {
            throw try Connection.trying { () throws(KafkaFailure) -> ExitCode in throw error }
        }
        producer.poll()
    }
}
