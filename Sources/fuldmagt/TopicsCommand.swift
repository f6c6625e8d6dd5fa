import ArgumentParser
import Foundation
import FuldmagtDomain
import FuldmagtKafka
import FuldmagtOperations
import FuldmagtRecord
import FuldmagtWorker

struct TopicsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "topics", abstract: "Create the topics, or check them.",
        subcommands: [Create.self, Check.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Create the topics that do not exist yet.",
            discussion: """
                Commands, inbox, receipts and changelog get the same number of partitions. It is chosen once: the \
                shards follow from it. With three copies and more of each partition a record counts as written once two \
                brokers have it (min.insync.replicas=2).

                Example:
                  fuldmagt topics create --partitions 12 --replication-factor 3
                """)

        @Option(help: "Partitions of the command topics, 1 to 1000: so many workers can share the work.")
        var partitions: Int32 = 4
        @Option(help: "Copies of each partition: 3 in production; -1 for the broker's default, which is often 1.")
        var replicationFactor: Int32 = -1

        func validate() throws {
            guard (1...1000).contains(partitions) else {
                throw ValidationError("--partitions is \(partitions); 1 to 1000 are allowed")
            }
            guard replicationFactor == -1 || replicationFactor >= 1 else {
                throw ValidationError("--replication-factor is \(replicationFactor); -1, or 1 and more, is allowed")
            }
        }

        func run() async throws {
            let admin = try await Connection.admin()
            let topics = Topic.allCases.map { topic in
                KafkaAdmin.NewTopic(
                    name: topic.name, partitions: topic == .catalogue ? 1 : partitions,
                    replicationFactor: replicationFactor,
                    configuration: topic.creationSettings(copies: replicationFactor))
            }
            let made = try Connection.trying { () throws(KafkaFailure) in
                _ = try Connection.partitionCounts(admin)
                return try admin.create(topics, timeoutMilliseconds: 30_000)
            }
            var refused = false
            for topic in topics {
                switch made[topic.name] {
                case .created: Output.line("created  \(topic.name)  \(topic.partitions) partitions")
                case .existed: Output.line("exists   \(topic.name)")
                case .refused(let failure):
                    Output.line("refused  \(topic.name)  \(failure)")
                    refused = true
                case nil:
                    Output.line("refused  \(topic.name)  the broker gave no answer")
                    refused = true
                }
            }
            if refused { throw Exit.failure }
            try TopicCheck.run(admin, printing: false)
        }
    }

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check that all topics exist and that their partitions and limits fit together.",
            discussion: """
                Settings by which records can be lost are looked at too, as far as the broker tells them: who may lead, \
                how many brokers must have a record, how long and how much is kept. A single copy of each partition is a \
                warning only.

                Exit codes: 0 they do · 75 the broker did not answer · 78 they do not

                Example:
                  fuldmagt topics check
                """)

        func run() async throws { try TopicCheck.run(try await Connection.admin(), printing: true) }
    }
}

/// Whether the topics fit together.
enum TopicCheck {
    /// - Returns: the partition count of the command topics.
    @discardableResult
    static func run(_ admin: KafkaAdmin, printing: Bool) throws -> Int32 {
        let counts = try Connection.trying { () throws(KafkaFailure) in try Connection.partitionCounts(admin) }
        if printing {
            for topic in Topic.allCases {
                Output.line("\(counts[topic.name].map { "\($0) partitions" } ?? "missing")\t\(topic.name)")
            }
        }
        let partitions = try partitions(counts)
        if printing { try judge(admin) }
        return partitions
    }

    /// - Parameter counts: partitions by topic, as the broker told them.
    /// - Returns: the partition count of the command topics.
    static func partitions(_ counts: [String: Int32]) throws -> Int32 {
        var problems: [String] = []
        for topic in Topic.allCases where counts[topic.name] == nil {
            problems.append("\(topic.name) does not exist; run: fuldmagt topics create")
        }
        let expected = counts[Topic.grantCommands.name] ?? 0
        for topic in Topic.sharded {
            if let count = counts[topic.name], count != expected {
                problems.append(
                    "\(topic.name) has \(count) partitions, but \(Topic.grantCommands.name) has \(expected); they must be equal. Delete the topic that is wrong while it is empty, and run: fuldmagt topics create --partitions \(expected)"
                )
            }
        }
        if let count = counts[Topic.catalogue.name], count != 1 {
            problems.append("\(Topic.catalogue.name) has \(count) partitions; it must have 1")
        }
        try refuse(problems)
        return expected
    }

    private static func refuse(_ problems: [String]) throws {
        guard problems.isEmpty else { throw Exit.saying(problems.joined(separator: "\nfuldmagt: "), Exit.setting) }
    }

    /// Tells what is set otherwise than it must be, and what is well for trying out only.
    private static func judge(_ admin: KafkaAdmin) throws {
        let told = try Connection.trying { () throws(KafkaFailure) in
            try admin.copies(timeoutMilliseconds: 30_000)
        }
        var copies: [Topic: Int32] = [:]
        for topic in Topic.allCases { copies[topic] = told[topic.name].flatMap { $0 > 0 ? $0 : nil } }
        for warning in TopicSettings.warnings(copies: copies) { Output.line("warning: \(warning)") }
        try refuse(TopicSettings.problems(try settings(admin), copies: copies))
    }

    /// How a broker that tells its settings has set the topics.
    private static func settings(_ admin: KafkaAdmin) throws -> [Topic: [String: String]] {
        var settings: [Topic: [String: String]] = [:]
        for topic in Topic.allCases {
            settings[topic] = try Connection.trying { () throws(KafkaFailure) -> [String: String] in
                do throws(KafkaFailure) {
                    return try admin.configuration(of: topic.name, timeoutMilliseconds: 30_000)
                } catch {
                    guard error.isUnsupported else { throw error }
                    return [:]
                }
            }
        }
        return settings
    }
}

/// Clients from the environment.
enum Connection {
    static func admin() async throws -> KafkaAdmin {
        let environment = try await Environment()
        let configuration = try environment.kafka
        return try trying { () throws(KafkaFailure) in
            try KafkaAdmin(KafkaLog.properties(configuration, for: .admin))
        }
    }

    /// A reader of what a group has committed. Asked of committed readers, a broker waits for transactions that are still
    /// open, and tells earlier ends.
    static func offsetReader(
        of group: String, _ configuration: KafkaConfiguration
    ) throws(KafkaFailure) -> RecordReader {
        try RecordReader(
            KafkaLog.properties(configuration, for: .reader)
                .setting(["group.id": group, "isolation.level": "read_uncommitted"]),
            topics: Topic.names)
    }

    /// The partitions of a topic.
    /// - Throws: what to do, when the topic does not exist.
    static func partitions(
        of topic: Topic, _ configuration: KafkaConfiguration, saying: Bool = true
    ) throws(KafkaFailure) -> [TopicPartition] {
        try partitions(of: [topic], configuration, saying: saying)
    }

    /// The partitions of some topics, asked for at once.
    /// - Throws: what to do, when a topic does not exist.
    static func partitions(
        of topics: [Topic], _ configuration: KafkaConfiguration, saying: Bool = true
    ) throws(KafkaFailure) -> [TopicPartition] {
        let admin = try KafkaAdmin(KafkaLog.properties(configuration, for: .admin))
        let counts = try partitionCounts(admin, saying: saying)
        var partitions: [TopicPartition] = []
        for topic in topics {
            guard let count = counts[topic.name], count > 0 else {
                throw KafkaFailure(
                    code: 0, consequence: .configuration,
                    text: "\(topic.name) does not exist; run: fuldmagt topics create")
            }
            partitions += (0..<count).map { TopicPartition(topic: topic.name, partition: $0) }
        }
        return partitions
    }

    /// Partitions by topic.
    /// - Parameter saying: whether a wait for the broker is told, to who would look at nothing for half a minute.
    static func partitionCounts(
        _ admin: KafkaAdmin, saying: Bool = true
    ) throws(KafkaFailure) -> [String: Int32] {
        do throws(KafkaFailure) {
            return try admin.partitionCounts(timeoutMilliseconds: 3_000)
        } catch {
            guard error.consequence == .retriable else { throw error }
        }
        if saying {
            StandardError.write("fuldmagt: no broker answers\(address) yet; waiting for up to half a minute\n")
        }
        return try admin.partitionCounts(timeoutMilliseconds: 27_000)
    }

    /// Where brokers are looked for, as far as variables say it.
    private static var address: String {
        let variables = ProcessInfo.processInfo.environment
        if let servers = variables["FULDMAGT_KAFKA_BOOTSTRAP_SERVERS"] { return " at \(servers)" }
        return variables["FULDMAGT_CONFIG"] == nil ? " at localhost:9092" : ""
    }

    /// Turns a failure into what the user reads and the exit code that fits.
    static func trying<Result>(_ body: () throws(KafkaFailure) -> Result) throws -> Result {
        do throws(KafkaFailure) {
            return try body()
        } catch {
            switch error.consequence {
            case .configuration: throw Exit.saying(error.text, Exit.setting)
            case .retriable, .abortable:
                throw Exit.saying(
                    "\(error.text). Is a broker running\(address)? FULDMAGT_KAFKA_BOOTSTRAP_SERVERS names it",
                    Exit.temporary)
            case .fenced, .fatal: throw Exit.saying(error.text, Exit.failure)
            }
        }
    }
}
