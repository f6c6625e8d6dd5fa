import ArgumentParser
import Foundation
import FuldmagtDomain
import FuldmagtKafka
import FuldmagtKeys
import FuldmagtOperations
import FuldmagtRecord
import FuldmagtWorker

struct DeadLettersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dead-letters", abstract: "See what could not be read, and send it again.",
        discussion: """
            Choose with list --output, look at single ones with show, see what would happen with replay, and send with \
            replay --execute.

            Examples:
              fuldmagt dead-letters list --reason unknown-type --output wrong.jsonl
              fuldmagt dead-letters show 3 4711
              fuldmagt dead-letters replay --list wrong.jsonl
              fuldmagt dead-letters replay --list wrong.jsonl --execute
            """,
        subcommands: [List.self, Show.self, ReplayCommand.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List dead letters, without keys and values: they hold personal data.",
            discussion: """
                Columns: position of the dead letter (partition/offset), the time that counted for the record, reason, \
                the topic it stood on, how often it was replayed, detail.

                Examples:
                  fuldmagt dead-letters list --topic fuldmagt.commands.move
                  fuldmagt dead-letters list --json | jq -r .reason | sort | uniq -c
                  fuldmagt dead-letters list --reason unknown-type --output wrong.jsonl
                """)

        @Option(help: "Only with this reason, such as invalid-json.")
        var reason: String?
        @Option(help: "Only from this topic; post-status for what transports brought to post receipts.")
        var topic: String?
        @Option(help: "Only from this time on (RFC 3339).", transform: Self.instant)
        var since: Instant?
        @Option(help: "Only before this time (RFC 3339).", transform: Self.instant)
        var until: Instant?
        @Flag(help: "One JSON object for each.")
        var json = false
        @Option(help: "Write the list to this file, for replay: position and digest of each, one JSON object a line.")
        var output: String?

        static func instant(_ text: String) throws -> Instant {
            guard let instant = Instant(text) else {
                throw ValidationError("“\(text)” is no time; allowed is RFC 3339, such as 2026-11-24T10:00:00Z")
            }
            return instant
        }

        func validate() throws {
            func check(_ value: String?, _ option: String, _ allowed: [String]) throws {
                guard let value, !allowed.contains(value) else { return }
                throw ValidationError("\(option) is \(value); allowed are \(allowed.joined(separator: ", "))")
            }
            try check(reason, "--reason", Replay.reasons)
            try check(topic, "--topic", Replay.origins)
        }

        func run() async throws {
            var chosen: [FrozenList.Entry] = []
            var count = 0
            let environment = try await Environment()
            // Digests are keyed; a list for reading has none.
            let keys = json || output != nil ? try environment.keys : nil
            try DeadLetterTopic(environment).forEach { record in
                if let reason, record.reason != reason { return }
                if let topic, record.topic != topic { return }
                if let since, record.time < since { return }
                if let until, record.time >= until { return }
                count += 1
                if output != nil, let keys { chosen.append(FrozenList.Entry(record, keys: keys)) }
                Output.line(json ? Self.object(record, keys) : Self.row(record))
            }
            if let output { try write(FrozenList(chosen), to: output) }
            let places = output.map { ", listed in \($0)" } ?? ""
            StandardError.write("\(Output.counted(count, "dead letter"))\(places)\n")
        }

        private func write(_ list: FrozenList, to path: String) throws {
            guard !FileManager.default.fileExists(atPath: ReplayProgress.path(list: path)) else {
                throw Exit.saying(
                    "--output: \(path) is being replayed (\(ReplayProgress.path(list: path)) is there); name another file",
                    Exit.failure)
            }
            do {
                try list.lines().write(to: URL(fileURLWithPath: path), options: .atomic)
            } catch {
                throw Exit.saying(
                    "--output: \(path) cannot be written; check the folder and its permissions", Exit.failure)
            }
        }

        static func row(_ record: SetAsideRecord) -> String {
            [
                "\(record.partition)/\(record.offset)".padded(to: 10), record.time.description,
                CPRMask.masked(record.reason).padded(to: 17), CPRMask.masked(record.topic).padded(to: 27),
                String(record.attempt), CPRMask.masked(record.detail),
            ].joined(separator: "  ")
        }

        static func object(_ record: SetAsideRecord, _ keys: ClusterKey?) -> String {
            JSONText.object([
                "partition": record.partition, "offset": record.offset, "time": record.time.description,
                "reason": CPRMask.masked(record.reason), "detail": CPRMask.masked(record.detail),
                "topic": CPRMask.masked(record.topic), "sourcePartition": record.sourcePartition,
                "sourceOffset": record.sourceOffset, "worker": CPRMask.masked(record.worker),
                "attempt": record.attempt, "digest": keys.map { record.digest(under: $0) },
            ])
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show one dead letter: its headers, and what there is to say of its value.",
            discussion: """
                Key and value hold personal data: they are printed only with --with-personal-data. Without it the \
                contract's own headers are shown, anything like a CPR number masked, and of others the length.

                Examples:
                  fuldmagt dead-letters show 3 4711
                  fuldmagt dead-letters show 3 4711 --with-personal-data
                """)

        /// Headers whose values are technical; what a producer puts into others is not known.
        private static let attributes: Set<String> = [
            "ce_specversion", "ce_id", "ce_type", "ce_source", "ce_time", "ce_jobid", "ce_traceparent", "content-type",
        ]

        @Argument(help: "Partition of the dead letter, as list shows it.")
        var partition: Int32
        @Argument(help: "Offset of the dead letter.")
        var offset: Int64
        @Flag(help: "Print key, value and all headers as they are. Not for logs, tickets or shared screens.")
        var withPersonalData = false

        func validate() throws {
            guard partition >= 0, offset >= 0 else {
                throw ValidationError("\(partition) \(offset) is no position; partitions and offsets begin at 0")
            }
        }

        func run() async throws {
            let environment = try await Environment()
            let keys = try environment.keys
            let topic = try DeadLetterTopic(environment)
            guard let record = try topic.records([partition: [offset]]).first else {
                throw Exit.saying(
                    "there is no dead letter \(partition)/\(offset): it has passed its retention, or never was; see fuldmagt dead-letters list",
                    Exit.failure)
            }
            Output.line("position   \(record.partition)/\(record.offset), set aside \(record.written)")
            Output.line("key        \(key(of: record))")
            record.headers.withUnsafeBytes { headers in
                HeaderBlock.forEach(in: headers) { name, value in
                    let name = String(decoding: name, as: UTF8.self)
                    Output.line("header     \(shown(name)): \(text(value, ofHeader: name))")
                }
            }
            guard let value = record.value else {
                Output.line("value      none (a tombstone)")
                return
            }
            Output.line("value      \(value.count) bytes, keyed digest \(record.valueDigest(under: keys) ?? "")")
            if withPersonalData { Output.line(String(decoding: value, as: UTF8.self)) }
        }

        private func shown(_ name: String) -> String { withPersonalData ? name : CPRMask.masked(name) }

        private func key(of record: SetAsideRecord) -> String {
            guard let key = record.key else { return "none" }
            return withPersonalData ? String(decoding: key, as: UTF8.self) : "\(key.count) bytes"
        }

        private func text(_ value: UnsafeRawBufferPointer?, ofHeader name: String) -> String {
            guard let value else { return "(null)" }
            let text = String(decoding: value, as: UTF8.self)
            if withPersonalData { return text }
            let isOurs = name.hasPrefix("dl_") || name.hasPrefix("fm_")
            return isOurs || Self.attributes.contains(name) ? CPRMask.masked(text) : "(\(value.count) bytes)"
        }
    }
}

/// One line of JSON for those who read by machine.
enum JSONText {
    /// Members that are nil are left out.
    static func object(_ members: [String: Any?]) -> String {
        do {
            let data = try JSONSerialization.data(
                withJSONObject: present(members), options: [.sortedKeys, .withoutEscapingSlashes])
            return String(decoding: data, as: UTF8.self)
        } catch {
            return "{}"
        }
    }

    /// The members that are there.
    static func present(_ members: [String: Any?]) -> [String: Any] { members.compactMapValues { $0 } }
}
