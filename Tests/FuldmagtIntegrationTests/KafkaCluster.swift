import Foundation
import FuldmagtDomain
import FuldmagtKafka
import FuldmagtKeys
import FuldmagtRecord
import FuldmagtStore
import FuldmagtTestBroker
import FuldmagtTestKit

/// A broker process, and worker processes of the program as it was built beside these tests.
final class KafkaCluster {
    /// The key that test mode uses.
    static let keyHex = String(repeating: "7e57", count: 16)
    let broker: BrokerProcess
    let partitions: Int32
    let directory: String
    let keys: ClusterKey
    let settings: Settings
    private let producer: KafkaProducer
    private let start: Instant
    private let offsetMilliseconds: Int64
    private var observed = Observed()
    private var observedThrough: [TopicPartition: Int64] = [:]

    /// - Parameter start: what the workers take the present for.
    init(partitions: Int32 = 4, start: Instant) throws {
        self.partitions = partitions
        self.start = start
        keys = try ClusterKey(hex: Self.keyHex)
        settings = Settings(
            admitsTestPersons: true, sender: Sender(cvr: "10000009", name: "Fuldmagt (example authority)"),
            cluster: "fuldmagt", partitions: partitions)
        broker = try BrokerProcess()
        directory = NSTemporaryDirectory() + "fuldmagt-cluster-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let now = Int64(Date().timeIntervalSince1970)
        offsetMilliseconds = (start.milliseconds / 1000 - now) * 1000
        try "\(offsetMilliseconds / 1000)".write(toFile: directory + "/clock", atomically: true, encoding: .utf8)
        let configuration = KafkaConfiguration(["bootstrap.servers": broker.address])
        let admin = try KafkaAdmin(configuration)
        let topics = Topic.allCases.map {
            KafkaAdmin.NewTopic(
                name: $0.name, partitions: $0 == .catalogue ? 1 : partitions, replicationFactor: 1,
                configuration: [
                    "message.timestamp.type": "CreateTime",
                    "max.message.bytes": $0 == .deadLetters ? "16777216" : "8388608",
                    "retention.ms": "-1",
                ])
        }
        for (_, creation) in try admin.create(topics, timeoutMilliseconds: 30_000) {
            if case .refused(let failure) = creation { throw failure }
        }
        producer = try KafkaProducer(configuration, topics: Topic.names)
    }

    /// The program, beside the test bundle.
    static let program: String = {
        var parts = (ProcessInfo.processInfo.arguments.first ?? "").split(
            separator: "/", omittingEmptySubsequences: false)
        parts.removeLast()
        return parts.joined(separator: "/") + "/fuldmagt"
    }()

    /// What the workers should do while days pass with the records, and their clock stands still.
    var model: NaiveModel {
        var model = NaiveModel(keys: keys, settings: settings)
        model.lookedThrough = start.day
        return model
    }

    func worker(_ name: String, folder: String = "data", environment: [String: String] = [:]) throws -> ChildProcess {
        try ChildProcess(
            Self.program, ["worker", "--data", "\(directory)/\(folder)"],
            environment: [
                "FULDMAGT_KAFKA_BOOTSTRAP_SERVERS": broker.address, "FULDMAGT_TEST_MODE": "1",
                "FULDMAGT_TEST_CLOCK": directory + "/clock", "FULDMAGT_WORKER_ID": name,
                "FULDMAGT_PROCESSED_DAYS": "36500", "FULDMAGT_STORE_DURABLE": "0",
                "FULDMAGT_DEAD_LETTERS_IN_A_ROW": "1000000",
                // Few tests here write receipts.
                "FULDMAGT_RECEIPT_QUEUED_HOURS": "0",
            ].merging(environment) { _, new in new }, log: "\(directory)/\(name).log")
    }

    /// Lets workers take the present for so much later than when the cluster was made.
    func turnClock(hours: Int64) throws {
        try "\(offsetMilliseconds / 1000 + hours * 3_600)".write(
            toFile: directory + "/clock", atomically: true, encoding: .utf8)
    }

    /// Sends records; a record's timestamp is what the workers will take it for.
    func send(_ records: [ModelRecord]) throws {
        var frame = FrameWriter()
        for record in records {
            (record.key ?? []).withUnsafeBytes { key in
                frame.append(
                    topic: record.topic.rawValue, partition: record.partition,
                    timestamp: record.timestamp - offsetMilliseconds, key: record.key == nil ? nil : key,
                    headers: { block in
                        for (name, value) in record.headers {
                            var name = name
                            name.withUTF8 { name in
                                value.withUnsafeBytes { HeaderBlock.append(name: .init(name), value: $0, to: &block) }
                            }
                        }
                    },
                    value: {
                        guard let value = record.value else { return false }
                        $0.append(contentsOf: value)
                        return true
                    })
            }
        }
        try producer.produce(frame.take())
        try producer.flush(timeoutMilliseconds: 60_000)
    }

    /// Reads what workers have committed since it was last read.
    /// - Returns: all that was read so far.
    @discardableResult
    func observe() throws -> Observed {
        let reader = try RecordReader(
            KafkaConfiguration(["bootstrap.servers": broker.address]), topics: Topic.names)
        for topic in [Topic.outcomes, .notifications, .deadLetters] {
            var ends: [TopicPartition: Int64] = [:]
            for number in 0..<partitions {
                let partition = TopicPartition(topic: topic.name, partition: number)
                let end = try reader.watermarks(partition, timeoutMilliseconds: 30_000).upperBound
                if end > observedThrough[partition] ?? 0 { ends[partition] = end }
            }
            try reader.assign(
                Dictionary(uniqueKeysWithValues: ends.keys.map { ($0, .offset(observedThrough[$0] ?? 0)) }))
            let deadline = Date().addingTimeInterval(120)
            while !ends.allSatisfy({ (reader.position(of: $0.key) ?? 0) >= $0.value }) {
                guard Date() < deadline else { throw Timeout(text: "\(topic.name) could not be read to its end") }
                var batches: [Int32: RecordBatch] = [:]
                try reader.poll(maximumRecords: 10_000, timeoutMilliseconds: 100, into: &batches)
                for partition in batches.keys.sorted() {
                    batches[partition]?.withRecords { for record in $0 { observed.take(record) } }
                }
            }
            for partition in ends.keys { observedThrough[partition] = reader.position(of: partition) }
        }
        return observed
    }

    struct Timeout: Error, CustomStringConvertible {
        let text: String
        var description: String { text }
    }

    /// Reads until as much has been written as the model says.
    /// - Parameter seconds: how long nothing may come of what is missing. However long it takes, as long as it goes on.
    /// - Throws: what is missing, and how the cluster stands.
    func wait(for model: NaiveModel, seconds: Double = 60, whileWaiting: () throws -> Void = {}) throws {
        var deadline = Date().addingTimeInterval(seconds)
        var seen = observed.count
        while true {
            try whileWaiting()
            let observed = try observe()
            if observed.outcomes.count >= model.outcomes.count,
                observed.notifications.count >= model.notifications.count,
                observed.deadLetters.count >= model.deadLetters.count
            {
                return
            }
            if observed.count > seen {
                seen = observed.count
                deadline = Date().addingTimeInterval(seconds)
            }
            guard Date() < deadline else {
                throw Timeout(text: "nothing came for \(seconds) s\n\(try standing(against: model))")
            }
            Poll.pause()
        }
    }

    /// Whether all that workers read has been processed, and no transaction is open.
    func isQuiet() throws -> Bool {
        let lags = try status(["--json"]).matches(of: /"lag":([0-9]+)/).map(\.1)
        guard lags.count > Int(partitions), lags.allSatisfy({ $0 == "0" }) else { return false }
        let topics = Topic.allCases
        let decided = try topics.map { try ends(of: $0) }
        return try topics.map { try ends(of: $0, isolation: "read_uncommitted") } == decided
    }

    /// What is missing, and how the cluster stands: members, owners, and how far behind each shard is.
    func standing(against model: NaiveModel) throws -> String {
        let differences = observed.differences(from: model)
        return """
            outcomes \(observed.outcomes.count) of \(model.outcomes.count), notifications \
            \(observed.notifications.count) of \(model.notifications.count), dead letters \
            \(observed.deadLetters.count) of \(model.deadLetters.count); \(differences.count) differences
            \(differences.prefix(8).joined(separator: "\n"))
            \(try status())
            logs are in \(directory)
            """
    }

    /// What `fuldmagt status` says.
    func status(_ arguments: [String] = []) throws -> String {
        let log = "\(directory)/status-\(UUID().uuidString).out"
        try ChildProcess(
            Self.program, ["status"] + arguments,
            environment: ["FULDMAGT_KAFKA_BOOTSTRAP_SERVERS": broker.address], log: log
        ).wait()
        defer { unlink(log) }
        return try String(contentsOfFile: log, encoding: .utf8)
    }

    /// Offsets that the next records of a topic will get, by partition.
    /// - Parameter isolation: librdkafka's `isolation.level`: committed ends are before transactions that are open.
    func ends(of topic: Topic, isolation: String = "read_committed") throws -> [Int32: Int64] {
        let reader = try RecordReader(
            KafkaConfiguration(["bootstrap.servers": broker.address, "isolation.level": isolation]),
            topics: Topic.names)
        var ends: [Int32: Int64] = [:]
        for number in 0..<(topic == .catalogue ? 1 : partitions) {
            let partition = TopicPartition(topic: topic.name, partition: number)
            ends[number] = try reader.watermarks(partition, timeoutMilliseconds: 30_000).upperBound
        }
        return ends
    }

    /// Waits until something is so.
    /// - Parameter what: is waited for.
    func wait(seconds: Double, for what: String = "it", until isSo: () throws -> Bool) throws {
        guard try Poll.until(seconds: seconds, isSo) else {
            throw Timeout(
                text: "\(what) did not come to pass in \(seconds) s; logs are in \(directory)\n\(try status())")
        }
    }

    func dump(_ folder: String = "data") throws -> [String] {
        var dump = Dump()
        for file in try ShardFiles.all(in: "\(directory)/\(folder)") { try dump.add(path: file.path) }
        return dump.sorted()
    }

    func stop() throws {
        try broker.stop()
        try FileManager.default.removeItem(atPath: directory)
    }
}
