import CRdKafka
import Testing

@testable import FuldmagtKafka

/// The table from librdkafka's codes to consequences, against names written down from Kafka's own error list.
@Suite struct FailureTableTests {
    static let expected: [KafkaFailure.Consequence: Set<String>] = [
        .fenced: [
            "_FENCED", "INVALID_PRODUCER_EPOCH", "PRODUCER_FENCED", "FENCED_INSTANCE_ID",
            "TRANSACTION_COORDINATOR_FENCED", "ILLEGAL_GENERATION", "UNKNOWN_MEMBER_ID", "_ASSIGNMENT_LOST",
            "OUT_OF_ORDER_SEQUENCE_NUMBER", "INVALID_PRODUCER_ID_MAPPING", "UNKNOWN_PRODUCER_ID", "INVALID_TXN_STATE",
        ],
        .fatal: [
            "_FATAL", "_DESTROY", "_CRIT_SYS_RESOURCE", "_INCONSISTENT", "_BAD_MSG", "_AUTO_OFFSET_RESET",
        ],
        .abortable: [
            "_STATE", "_PURGE_QUEUE", "_PURGE_INFLIGHT", "_MSG_TIMED_OUT", "CONCURRENT_TRANSACTIONS",
            "INVALID_RECORD",
        ],
        .configuration: [
            "_AUTHENTICATION", "_SSL", "_INVALID_ARG", "_UNKNOWN_TOPIC", "_UNKNOWN_PARTITION", "_UNSUPPORTED_FEATURE",
            "_NOT_CONFIGURED", "TOPIC_AUTHORIZATION_FAILED", "GROUP_AUTHORIZATION_FAILED",
            "CLUSTER_AUTHORIZATION_FAILED", "TRANSACTIONAL_ID_AUTHORIZATION_FAILED", "SASL_AUTHENTICATION_FAILED",
            "UNSUPPORTED_SASL_MECHANISM", "UNSUPPORTED_VERSION", "INVALID_CONFIG", "UNKNOWN_TOPIC_OR_PART",
            "SECURITY_DISABLED", "INVALID_REPLICATION_FACTOR", "INVALID_PARTITIONS", "INVALID_SESSION_TIMEOUT",
            "INCONSISTENT_GROUP_PROTOCOL", "POLICY_VIOLATION", "INVALID_TRANSACTION_TIMEOUT",
            "MSG_SIZE_TOO_LARGE",
        ],
    ]

    @Test("every code of librdkafka has the consequence written down for its name, and all others are retried")
    func everyCode() throws {
        var table: UnsafePointer<rd_kafka_err_desc>?
        var count = 0
        rd_kafka_get_err_descs(&table, &count)
        let codes = try #require(table)
        var seen: Set<String> = []
        for at in 0..<count {
            guard let name = codes[at].name.map({ String(cString: $0) }), codes[at].code.rawValue != 0 else { continue }
            let wanted = Self.expected.first { $0.value.contains(name) }?.key ?? .retriable
            #expect(KafkaFailure.consequence(of: codes[at].code) == wanted, "\(name)")
            seen.insert(name)
        }
        #expect(seen.count > 100)
        let unknown = Self.expected.values.reduce(into: Set<String>()) { $0.formUnion($1) }.subtracting(seen)
        #expect(unknown.isEmpty, "librdkafka knows no \(unknown)")
    }

    @Test("a failure says what was attempted and which code came back")
    func text() {
        let failure = KafkaFailure(RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, doing: "committing a transaction")
        #expect(failure.description.hasPrefix("committing a transaction: "))
        #expect(failure.description.hasSuffix("(COORDINATOR_LOAD_IN_PROGRESS)"))
    }

    @Test(
        "a property that correctness rests on is refused with its name, what is allowed and why",
        arguments: [
            ("isolation.level", "read_uncommitted", "only read_committed"),
            ("enable.auto.commit", "true", "only false"),
            ("enable.auto.offset.store", "1", "only false"),
            ("partition.assignment.strategy", "roundrobin", "only range"),
            ("auto.offset.reset", "latest", "not to be set"), ("enable.idempotence", "false", "only true"),
            ("group.id", "g", "not to be set"), ("transactional.id", "t", "not to be set"),
            ("acks", "1", "only all"), ("partitioner", "consistent_random", "only murmur2_random"),
        ])
    func overridden(name: String, value: String, allowed: String) {
        let refusal = KafkaConfiguration(["linger.ms": "5", name: value]).refusal
        #expect(refusal?.name == name)
        #expect(refusal?.text.contains(value) == true && refusal?.text.contains(allowed) == true)
    }

    @Test("what says the same in other words, and what nothing rests on, may be set")
    func allowed() {
        let properties = [
            "isolation.level": "READ_COMMITTED", "enable.auto.commit": "0", "acks": "-1", "linger.ms": "5",
            "session.timeout.ms": "15000",
        ]
        #expect(KafkaConfiguration(properties).refusal == nil)
        #expect(KafkaConfiguration(KafkaConfiguration.producerDefaults).refusal == nil)
    }

    @Test("a wrong property is named, and a secret value is not shown")
    func properties() {
        let wrong = #expect(throws: KafkaFailure.self) {
            _ = try KafkaProducer(KafkaConfiguration(["linger.ms": "soon"]), topics: [])
        }
        #expect(wrong?.consequence == .configuration)
        #expect(wrong?.text.contains("linger.ms") == true && wrong?.text.contains("soon") == true)
        let unknown = #expect(throws: KafkaFailure.self) {
            _ = try KafkaProducer(KafkaConfiguration(["sasl.pasword": "hunter2"]), topics: [])
        }
        #expect(unknown?.text.contains("sasl.pasword") == true)
        #expect(unknown?.text.contains("hunter2") == false)
    }
}
