import Foundation
import FuldmagtDomain
import FuldmagtKafka
import FuldmagtTestBroker
import Testing

/// A worker whose surroundings are wrong says so and ends; it does not go on with less.
@Suite(.serialized) struct WrongSurroundingsTests {
    private func run(_ broker: String, data: String, log: String) throws -> Int32 {
        try ChildProcess(
            KafkaCluster.program, ["worker", "--data", data],
            environment: [
                "FULDMAGT_KAFKA_BOOTSTRAP_SERVERS": broker, "FULDMAGT_TEST_MODE": "1", "FULDMAGT_WORKER_ID": "w",
                "FULDMAGT_KAFKA_SOCKET_TIMEOUT_MS": "2000",
            ], log: log
        ).wait()
    }

    private func run(_ broker: String, log: String) throws -> (status: Int32, text: String) {
        let status = try run(broker, data: log + ".data", log: log)
        return (status, try String(contentsOfFile: log, encoding: .utf8))
    }

    @Test("a topic with another partition count is named with both counts, and the exit code says it is a setting")
    func partitionCounts() throws {
        let broker = try BrokerProcess()
        let admin = try KafkaAdmin(KafkaConfiguration(["bootstrap.servers": broker.address]))
        let topics = Topic.allCases.map {
            KafkaAdmin.NewTopic(
                name: $0.name, partitions: $0 == .catalogue ? 1 : $0 == .inbox ? 3 : 4, replicationFactor: 1,
                configuration: [:])
        }
        _ = try admin.create(topics, timeoutMilliseconds: 30_000)
        let (status, text) = try run(broker.address, log: broker.directory + "-worker.log")
        #expect(status == 78)
        #expect(text.contains("fuldmagt.inbox has 3 partitions, but fuldmagt.commands.grant has 4"))
        // A log that takes no line, as on a full disk, changes nothing about that.
        #expect(try run(broker.address, data: broker.directory + "-unheard", log: "/dev/full") == 78)
        try broker.stop()
    }

    @Test("a limit of a topic that would hold a worker up is found by the check, with what to set")
    func topicLimits() throws {
        let broker = try BrokerProcess()
        let admin = try KafkaAdmin(KafkaConfiguration(["bootstrap.servers": broker.address]))
        let topics = Topic.allCases.map { topic in
            let limits: [String: String] =
                switch topic {
                case .catalogue: ["cleanup.policy": "compact", "min.compaction.lag.ms": "1000"]
                case .deadLetters: ["max.message.bytes": "1000000"]
                case .grantCommands: ["max.message.bytes": "8000000"]
                case .changelog: ["cleanup.policy": "compact", "max.compaction.lag.ms": "2592000001"]
                default: ["max.message.bytes": "10000"]
                }
            return KafkaAdmin.NewTopic(
                name: topic.name, partitions: topic == .catalogue ? 1 : 2, replicationFactor: 1, configuration: limits)
        }
        _ = try admin.create(topics, timeoutMilliseconds: 30_000)
        let log = broker.directory + "-check.log"
        let check = try ChildProcess(
            KafkaCluster.program, ["topics", "check"],
            environment: ["FULDMAGT_KAFKA_BOOTSTRAP_SERVERS": broker.address], log: log)
        #expect(check.wait() == 78)
        let text = try String(contentsOfFile: log, encoding: .utf8)
        #expect(text.contains("Set max.message.bytes of fuldmagt.dead-letters to 16000000 or more"))
        #expect(text.contains("Set min.compaction.lag.ms to 7776000000 or more"))
        #expect(text.contains("Set max.compaction.lag.ms to 2592000000 or less"))
        #expect(!text.contains("fuldmagt.commands.move of"))
        try broker.stop()
    }

    @Test("topics as they are created on one broker pass the check, with a warning that there is one copy of each")
    func singleCopies() throws {
        let broker = try BrokerProcess()
        let environment = ["FULDMAGT_KAFKA_BOOTSTRAP_SERVERS": broker.address]
        let created = try Program.run(["topics", "create", "--partitions", "2"], environment: environment)
        #expect(created.status == 0 && !created.text.contains("warning"), "\(created.text)")
        let checked = try Program.run(["topics", "check"], environment: environment)
        #expect(checked.status == 0, "\(checked.text)")
        #expect(checked.text.contains("warning: each topic has 1 copy of each partition"), "\(checked.text)")
        try broker.stop()
    }

    @Test("a name that is no setting is told once, with the one that may be meant; others' names are left alone")
    func misspelt() throws {
        let log = NSTemporaryDirectory() + "fuldmagt-misspelt-\(UUID().uuidString).log"
        let status = try ChildProcess(
            KafkaCluster.program, ["status"],
            environment: [
                "FULDMAGT_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "FULDMAGT_CLUSTR": "a",
                "FULDMAGT_KAFKA_SOCKET_TIMEOUT_MS": "2000", "FULDMAGT_SERVICE_HOST": "10.0.0.1",
                "FULDMAGT_PORT_8080_TCP": "tcp://10.0.0.1:8080", "OTHER": "b",
            ], log: log)
        #expect(status.wait() == 75)
        let complaints = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n").filter {
            $0.contains("is no setting")
        }
        #expect(complaints == ["fuldmagt: FULDMAGT_CLUSTR is no setting and is ignored; is FULDMAGT_CLUSTER meant?"])
    }

    @Test(
        "a member of the settings' file that nobody would read is refused, and no broker is asked without it",
        arguments: [
            (#"{"fuldmagt": {"kafka.security.protocol": "ssl"}}"#, 78, "kafka.properties"),
            (#"{"fuldmagt": {"kafka": {"security.protocol": "ssl"}}}"#, 78, "kafka.properties"),
            (#"{"fuldmagt": {}, "sources": "enforce"}"#, 78, "its only member is to be “fuldmagt”"),
            (#"["sources"]"#, 78, "FULDMAGT_CONFIG"), ("{", 78, "not a readable JSON file"),
            (#"{"fuldmagt": {"kafka.properties": ["no.such.property=1"]}}"#, 78, "no.such.property"),
        ])
    func settingsFile(_ text: String, _ status: Int32, _ told: String) throws {
        let path = NSTemporaryDirectory() + "fuldmagt-settings-\(UUID().uuidString)"
        try text.write(toFile: path + ".json", atomically: true, encoding: .utf8)
        let check = try ChildProcess(
            KafkaCluster.program, ["topics", "check"], environment: ["FULDMAGT_CONFIG": path + ".json"],
            log: path + ".log")
        #expect(check.wait() == status)
        #expect(try String(contentsOfFile: path + ".log", encoding: .utf8).contains(told))
    }

    @Test(
        "a number that no clock and no topic has is refused with what is allowed, and is no trap",
        arguments: [
            ["post", "letters", "--interval", "9223372036854775807"], ["post", "letters", "--interval", "0"],
            ["dead-letters", "show", "0", "--", "-1"], ["post", "bench", "--notifications", "0"],
        ])
    func numbers(_ arguments: [String]) throws {
        let log = NSTemporaryDirectory() + "fuldmagt-number-\(UUID().uuidString).log"
        #expect(try ChildProcess(KafkaCluster.program, arguments, environment: [:], log: log).wait() == 64)
    }

    @Test("a setting that correctness rests on is refused before anything is asked, with its name and what is allowed")
    func overridden() throws {
        let log = NSTemporaryDirectory() + "fuldmagt-setting-\(UUID().uuidString).log"
        let worker = try ChildProcess(
            KafkaCluster.program, ["worker", "--data", log + ".data"],
            environment: [
                "FULDMAGT_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "FULDMAGT_TEST_MODE": "1",
                "FULDMAGT_KAFKA_ISOLATION_LEVEL": "read_uncommitted",
            ], log: log)
        #expect(worker.wait() == 78)
        let text = try String(contentsOfFile: log, encoding: .utf8)
        #expect(text.contains("FULDMAGT_KAFKA_ISOLATION_LEVEL is “read_uncommitted”; only read_committed is allowed"))
    }

    @Test("a broker that is not there is told with the setting that names it, and the exit code says to try again")
    func wrongAddress() throws {
        let log = NSTemporaryDirectory() + "fuldmagt-nobody-\(UUID().uuidString).log"
        let check = try ChildProcess(
            KafkaCluster.program, ["topics", "check"],
            environment: [
                "FULDMAGT_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "FULDMAGT_KAFKA_SOCKET_TIMEOUT_MS": "2000",
            ], log: log)
        #expect(check.wait() == 75)
        #expect(try String(contentsOfFile: log, encoding: .utf8).contains("FULDMAGT_KAFKA_BOOTSTRAP_SERVERS"))
    }
}
