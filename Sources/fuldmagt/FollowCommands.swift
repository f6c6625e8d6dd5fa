import ArgumentParser
import Foundation
import FuldmagtDomain
import FuldmagtJSON
import FuldmagtKafka
import FuldmagtRecord
import FuldmagtWorker

/// What `outcomes` and `notifications` share.
struct FollowOptions: ParsableArguments {
    @Flag(name: [.short, .long], help: "Go on with what is still to come, until Ctrl-C.")
    var follow = false
    @Flag(help: "Begin with what is still to come.")
    var fromEnd = false
    @Flag(help: "Print each record's data as one line of JSON.")
    var json = false

    /// Records that are held until those of other partitions are there, which may be older.
    private static let held = 10_000

    /// Calls `body` with each committed record of a topic, up to the end it has now, or on and on. Records of different
    /// partitions come in the order of their time, as far as they are read together.
    func read(_ topic: Topic, _ body: (RecordView) -> Void) async throws {
        let environment = try await Environment()
        let configuration = try environment.kafka
        try Connection.trying { () throws(KafkaFailure) in
            let partitions = try Connection.partitions(of: topic, configuration)
            let reader = try RecordReader(KafkaLog.properties(configuration, for: .reader), topics: Topic.names)
            var ends: [TopicPartition: Int64] = [:]
            for partition in partitions {
                ends[partition] = try reader.watermarks(partition, timeoutMilliseconds: 30_000).upperBound
            }
            try reader.assign(
                Dictionary(uniqueKeysWithValues: partitions.map { ($0, fromEnd ? .end : .beginning) }))
            var batches: [Int32: RecordBatch] = [:]
            var held = 0
            while true {
                let read = try reader.poll(
                    maximumRecords: Self.held - held, timeoutMilliseconds: 100, into: &batches)
                held += read
                let isAtEnd = partitions.allSatisfy { (reader.position(of: $0) ?? 0) >= ends[$0] ?? 0 }
                if isAtEnd || read == 0 || held >= Self.held {
                    Self.inOrder(batches, body)
                    for partition in batches.keys { batches[partition]?.removeAll() }
                    held = 0
                }
                if !follow, fromEnd { return }
                if !follow, read == 0, isAtEnd { return }
            }
        }
    }

    private static func inOrder(_ batches: [Int32: RecordBatch], _ body: (RecordView) -> Void) {
        var places: [(time: Int64, partition: Int32, index: Int)] = []
        for (partition, batch) in batches {
            // Within a partition order is what it is, whatever the times say.
            var latest = Int64.min
            batch.withRecords { records in
                for (index, record) in records.enumerated() {
                    latest = max(latest, record.timestamp)
                    places.append((latest, partition, index))
                }
            }
        }
        for place in places.sorted(by: { $0 < $1 }) {
            batches[place.partition]?.withRecords { body($0[place.index]) }
        }
    }
}

struct OutcomesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "outcomes", abstract: "Print the outcomes of commands.",
        discussion: """
            Prints what is there and ends; --follow goes on. Without --json what looks like a CPR number in an id is \
            masked.

            Examples:
              fuldmagt outcomes --id 4711
              fuldmagt outcomes --follow --status rejected
              fuldmagt outcomes --kind grant.revoke --source urn:dk:cvr:29189846
              fuldmagt outcomes --json | jq -r .status | sort | uniq -c
            """)

    @OptionGroup var options: FollowOptions
    @Option(help: "Only of the command with this id.")
    var id: String?
    @Option(help: "Only of commands from this source.")
    var source: String?
    @Option(help: "Only of commands of this kind, such as grant.issue.")
    var kind: String?
    @Option(help: "Only those with this status: accepted, rejected or parked.")
    var status: String?

    func validate() throws {
        let allowed = ["accepted", "rejected", "parked"]
        if let status, !allowed.contains(status) {
            throw ValidationError("--status is \(status); allowed are \(allowed.joined(separator: ", "))")
        }
        let kinds = Contract.records.filter(\.isWrittenByClients).map(\.name)
        // A worker of a later version may know kinds that this program does not: by their whole type.
        if let kind, !kind.hasPrefix("dk.fuldmagt."),
            !kinds.contains(where: { kind == $0 || kind.hasPrefix($0 + ".v") })
        {
            throw ValidationError(
                "--kind is \(kind); allowed are \(kinds.joined(separator: ", ")), and whole types, such as dk.fuldmagt.grant.issue.v2"
            )
        }
    }

    func run() async throws {
        let document = JSONDocument()
        try await options.read(.outcomes) { record in
            guard let value = record.value else { return }
            do throws(JSONFailure) { try document.parse(value) } catch {
                Output.line("a record that is no outcome, at offset \(record.offset)")
                return
            }
            let outcome = document.root
            let command = outcome["command"]
            if let id, command?["id"]?.string != id { return }
            if let source, command?["source"]?.string != source { return }
            if let kind, !Self.isKind(kind, command?["type"]?.string) { return }
            if let status, outcome["status"]?.string != status { return }
            if options.json {
                Output.line(value)
                return
            }
            var words = [
                outcome["decidedAt"]?.string ?? "", (outcome["status"]?.string ?? "").padded(to: 8),
                Self.shortType(command?["type"]?.string), command?["id"]?.string ?? "",
            ]
            outcome["reasons"]?.forEachElement { _, reason in
                let field = reason["field"]?.string.map { "@\($0)" } ?? ""
                words.append("\(reason["code"]?.string ?? "")\(field)")
            }
            outcome["grants"]?.forEachElement { _, grant in
                words.append("\(grant["package"]?.string ?? "")=\(grant["state"]?.string ?? "")")
            }
            // Ids are their producers' own.
            Output.line(CPRMask.masked(words.joined(separator: "  ")))
        }
    }

    /// Whether a type is meant by a kind: `grant.issue` is `dk.fuldmagt.grant.issue.v1`.
    private static func isKind(_ kind: String, _ type: String?) -> Bool {
        type == kind || type.map { shortType($0) == kind || shortType($0).hasPrefix(kind + ".v") } ?? false
    }

    static func shortType(_ type: String?) -> String {
        (type ?? "").replacingOccurrences(of: "dk.fuldmagt.", with: "")
    }
}

struct NotificationsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "notifications", abstract: "Print notifications.",
        discussion: """
            Prints what is there and ends; --follow goes on. Without --json the recipient's number is left out.

            Examples:
              fuldmagt notifications --kind grant-revoked
              fuldmagt notifications --source urn:dk:cvr:29189846
              fuldmagt notifications --follow --json
            """)

    @OptionGroup var options: FollowOptions
    @Option(help: "Only with this notification id, or caused by the command with this id.")
    var id: String?
    @Option(help: "Only of this kind, such as grant-received or cancelled.")
    var kind: String?
    @Option(help: "Only with this sender: a CVR number, or urn:dk:cvr: and the number.")
    var source: String?
    @Option(help: "Only by this channel: digital-post or letter.")
    var channel: String?

    func validate() throws {
        let channels = PostChannel.allCases.map(\.rawValue)
        if let channel, !channels.contains(channel) {
            throw ValidationError("--channel is \(channel); allowed are \(channels.joined(separator: ", "))")
        }
        let kinds = NotificationKind.allCases.map(\.rawValue) + ["cancelled"]
        if let kind, !kinds.contains(kind) {
            throw ValidationError("--kind is \(kind); allowed are \(kinds.joined(separator: ", "))")
        }
    }

    func run() async throws {
        let document = JSONDocument()
        try await options.read(.notifications) { record in
            guard let value = record.value else { return }
            do throws(JSONFailure) { try document.parse(value) } catch {
                Output.line("a record that is no notification, at offset \(record.offset)")
                return
            }
            let notification = document.root
            if let id, notification["id"]?.string != id, notification["cause"]?["id"]?.string != id { return }
            if let kind, notification["kind"]?.string != kind { return }
            if let source,
                notification["sender"]?["cvr"]?.string.map({ source == $0 || source == "urn:dk:cvr:\($0)" }) != true
            {
                return
            }
            if let channel, notification["channel"]?.string != channel { return }
            if options.json {
                Output.line(value)
                return
            }
            let recipient = record.key.map { String(decoding: $0.prefix(8), as: UTF8.self) } ?? ""
            Output.line(
                [
                    notification["createdAt"]?.string ?? "", (notification["kind"]?.string ?? "").padded(to: 19),
                    (notification["channel"]?.string ?? "").padded(to: 12), "to \(recipient)",
                    notification["body"]?.string ?? "",
                ].joined(separator: "  "))
        }
    }
}

extension String {
    func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
