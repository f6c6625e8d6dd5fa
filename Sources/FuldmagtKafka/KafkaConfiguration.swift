import CRdKafka

/// Properties of librdkafka, by their own names: any of them can be set, so TLS and SASL need no code.
public struct KafkaConfiguration: Sendable, CustomStringConvertible {
    public private(set) var properties: [String: String]

    public init(_ properties: [String: String]) { self.properties = properties }

    /// Later settings win.
    public func setting(_ more: [String: String]) -> KafkaConfiguration {
        KafkaConfiguration(properties.merging(more) { _, new in new })
    }

    /// Bounds on what a consumer holds, and what a worker's correctness rests on.
    public static let consumerDefaults: [String: String] = [
        "enable.auto.commit": "false",
        "enable.auto.offset.store": "false",
        "isolation.level": "read_committed",
        "auto.offset.reset": "earliest",
        // Of all partitions of a client together, looked at before each fetch: bytes of values, and records, each of which
        // takes some 320 bytes beside its value, key and headers. Once either is reached nothing is fetched for up to a
        // second, by librdkafka's own clock, so it is about what a second can take in.
        "queued.max.messages.kbytes": "32768",
        "queued.min.messages": "200000",
        // Small, so that many partitions that are far behind have each some of what waits; and more than a batch of our own
        // producers, as a broker answers with a larger one only where nothing comes before it.
        "fetch.message.max.bytes": "262144",
        "fetch.max.bytes": "16777216",
        "fetch.wait.max.ms": "10",
        "fetch.error.backoff.ms": "100",
        // One compatible broker ignores fetch limits and answers with all it has.
        "receive.message.max.bytes": "2147483647",
    ].merging(hasQueueBackoff ? ["fetch.queue.backoff.ms": "50"] : [:]) { _, new in new }

    /// Whether that second can be set: since librdkafka 2.2.
    private static let hasQueueBackoff = rd_kafka_version() >= 0x0202_0000

    public static let producerDefaults: [String: String] = [
        "enable.idempotence": "true",
        // Java's hash: librdkafka's own default is another.
        "partitioner": "murmur2_random",
        "linger.ms": "1",
        "batch.num.messages": "10000",
        "batch.size": "250000",
        "queue.buffering.max.kbytes": "65536",
        "queue.buffering.max.messages": "100000",
        // A record that is set aside whole, with headers added, is larger than the largest that topics take from others.
        "message.max.bytes": "17825792",
    ]

    /// Properties that correctness rests on: what they may be set to, all of which mean the same, and what would follow
    /// from anything else. Where nothing is allowed the program sets them itself.
    private static let required: [(name: String, allowed: [String], otherwise: String)] = [
        ("isolation.level", ["read_committed"], "what was aborted would be read as if it had been said"),
        (
            "enable.auto.commit", ["false", "f", "0"],
            "offsets would be committed apart from the outputs they belong to"
        ),
        (
            "auto.commit.enable", ["false", "f", "0"],
            "offsets would be committed apart from the outputs they belong to"
        ),
        ("enable.auto.offset.store", ["false", "f", "0"], "offsets would run ahead of what is stored"),
        ("partition.assignment.strategy", ["range"], "a shard's topics would be shared out among several workers"),
        ("enable.partition.eof", ["true", "t", "1"], "the end of a partition would not be noticed"),
        ("auto.offset.reset", [], "records that were deleted before they were read would be passed over"),
        ("enable.idempotence", ["true", "t", "1"], "records could be written twice, or in another order"),
        ("acks", ["all", "-1"], "what was acknowledged could be lost with one broker"),
        ("request.required.acks", ["all", "-1"], "what was acknowledged could be lost with one broker"),
        ("partitioner", ["murmur2_random"], "records would go to partitions where nobody expects them"),
        ("group.id", [], "workers of a cluster are one group, which its name (FULDMAGT_CLUSTER) tells"),
        ("transactional.id", [], "producers of one id fence each other off; FULDMAGT_WORKER_ID tells a worker's"),
    ]

    /// What is wrong with these properties, by the name of the one that is; nil where each may be set so.
    public var refusal: (name: String, text: String)? {
        for property in Self.required {
            guard let value = properties[property.name], !property.allowed.contains(value.lowercased()) else {
                continue
            }
            let allowed = property.allowed.first.map { "only \($0) is allowed" } ?? "it is not to be set"
            return (property.name, "is “\(value)”; \(allowed): \(property.otherwise)")
        }
        return nil
    }

    /// Names of properties whose values are never shown.
    static func isSecret(_ name: String) -> Bool {
        ["password", "secret", "key.pem", "private", "token", "sasl.jaas", "credentials", "oauthbearer.config"]
            .contains { name.contains($0) }
    }

    /// Values of secret properties are masked.
    public var description: String {
        properties.sorted { $0.key < $1.key }.map { "\($0.key)=\(Self.isSecret($0.key) ? "(masked)" : $0.value)" }
            .joined(separator: " ")
    }

    /// librdkafka's own object, each property checked.
    func make() throws(KafkaFailure) -> OpaquePointer {
        guard let configuration = rd_kafka_conf_new() else {
            throw KafkaFailure(code: 0, consequence: .fatal, text: "librdkafka gave no configuration object")
        }
        var explanation = [CChar](repeating: 0, count: 512)
        for (name, value) in properties.sorted(by: { $0.key < $1.key }) {
            let result = rd_kafka_conf_set(configuration, name, value, &explanation, explanation.count)
            guard result == RD_KAFKA_CONF_OK else {
                rd_kafka_conf_destroy(configuration)
                if result == RD_KAFKA_CONF_UNKNOWN {
                    // A secret under a misspelt name is a secret still.
                    throw KafkaFailure(
                        code: 0, consequence: .configuration,
                        text: "librdkafka has no property \(name); see its CONFIGURATION.md for their names")
                }
                let shown = Self.isSecret(name) ? "(masked)" : "“\(value)”"
                let length = explanation.firstIndex(of: 0) ?? explanation.count
                var why = String(decoding: explanation[..<length].map(UInt8.init(bitPattern:)), as: UTF8.self)
                if Self.isSecret(name) { why = "the value is refused" }
                throw KafkaFailure(
                    code: 0, consequence: .configuration, text: "Kafka property \(name) cannot be \(shown): \(why)")
            }
        }
        // librdkafka writes its log to standard error unless told otherwise.
        rd_kafka_conf_set_log_cb(configuration) { client, level, facility, text in
            guard let facility, let text else { return }
            KafkaLogging.write(level: Int(level), facility: String(cString: facility), text: String(cString: text))
        }
        return configuration
    }

    /// A client, or why there is none.
    static func client(_ kind: rd_kafka_type_t, _ configuration: OpaquePointer) throws(KafkaFailure) -> OpaquePointer {
        var explanation = [CChar](repeating: 0, count: 512)
        guard let client = rd_kafka_new(kind, configuration, &explanation, explanation.count) else {
            rd_kafka_conf_destroy(configuration)
            let length = explanation.firstIndex(of: 0) ?? explanation.count
            let why = String(decoding: explanation[..<length].map(UInt8.init(bitPattern:)), as: UTF8.self)
            throw KafkaFailure(code: 0, consequence: .configuration, text: "no Kafka client: \(why)")
        }
        return client
    }
}
