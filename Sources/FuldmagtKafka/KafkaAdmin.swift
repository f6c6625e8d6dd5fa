import CRdKafka
import FuldmagtRecord

/// Creates and describes topics.
public final class KafkaAdmin: @unchecked Sendable {
    let client: OpaquePointer

    public init(_ configuration: KafkaConfiguration) throws(KafkaFailure) {
        client = try KafkaConfiguration.client(RD_KAFKA_PRODUCER, try configuration.make())
    }

    deinit { rd_kafka_destroy(client) }

    public struct NewTopic: Sendable {
        public var name: String
        public var partitions: Int32
        /// -1 for the broker's default.
        public var replicationFactor: Int32
        public var configuration: [String: String]

        public init(name: String, partitions: Int32, replicationFactor: Int32, configuration: [String: String]) {
            self.name = name
            self.partitions = partitions
            self.replicationFactor = replicationFactor
            self.configuration = configuration
        }
    }

    public enum Creation: Sendable, Equatable {
        case created
        case existed
        case refused(KafkaFailure)
    }

    /// Creates topics; each has an answer of its own.
    public func create(_ topics: [NewTopic], timeoutMilliseconds: Int32) throws(KafkaFailure) -> [String: Creation] {
        var made: [OpaquePointer?] = []
        defer { for topic in made { rd_kafka_NewTopic_destroy(topic) } }
        var explanation = [CChar](repeating: 0, count: 512)
        for topic in topics {
            guard
                let new = rd_kafka_NewTopic_new(
                    topic.name, topic.partitions, topic.replicationFactor, &explanation, explanation.count)
            else {
                throw KafkaFailure(
                    code: 0, consequence: .configuration, text: "topic \(topic.name) cannot be described")
            }
            made.append(new)
            for (name, value) in topic.configuration { rd_kafka_NewTopic_set_config(new, name, value) }
        }
        let queue = rd_kafka_queue_new(client)
        defer { rd_kafka_queue_destroy(queue) }
        let options = rd_kafka_AdminOptions_new(client, RD_KAFKA_ADMIN_OP_CREATETOPICS)
        defer { rd_kafka_AdminOptions_destroy(options) }
        rd_kafka_AdminOptions_set_request_timeout(options, timeoutMilliseconds, &explanation, explanation.count)
        rd_kafka_CreateTopics(client, &made, made.count, options, queue)
        guard let event = rd_kafka_queue_poll(queue, timeoutMilliseconds + 1000) else {
            throw KafkaFailure(RD_KAFKA_RESP_ERR__TIMED_OUT, doing: "creating topics")
        }
        defer { rd_kafka_event_destroy(event) }
        let code = rd_kafka_event_error(event)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaFailure(code, doing: "creating topics") }
        var count = 0
        let result = rd_kafka_event_CreateTopics_result(event)
        let answers = rd_kafka_CreateTopics_result_topics(result, &count)
        var creations: [String: Creation] = [:]
        for at in 0..<count {
            guard let answer = answers?[at], let name = rd_kafka_topic_result_name(answer) else { continue }
            let code = rd_kafka_topic_result_error(answer)
            creations[String(cString: name)] =
                switch code {
                case RD_KAFKA_RESP_ERR_NO_ERROR: .created
                case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS: .existed
                default: .refused(KafkaFailure(code, doing: "creating \(String(cString: name))"))
                }
        }
        return creations
    }

    /// Partition counts of all topics the broker knows.
    public func partitionCounts(timeoutMilliseconds: Int32) throws(KafkaFailure) -> [String: Int32] {
        try counts(timeoutMilliseconds: timeoutMilliseconds) { $0.partition_cnt }
    }

    /// How many copies the partition with the fewest has, of all topics the broker knows; 0 where it does not tell.
    public func copies(timeoutMilliseconds: Int32) throws(KafkaFailure) -> [String: Int32] {
        try counts(timeoutMilliseconds: timeoutMilliseconds) { topic in
            let partitions = UnsafeMutableBufferPointer(start: topic.partitions, count: Int(topic.partition_cnt))
            return partitions.map { Int32($0.replica_cnt) }.min() ?? 0
        }
    }

    /// A number for each topic that the broker knows.
    private func counts(
        timeoutMilliseconds: Int32, _ count: (rd_kafka_metadata_topic) -> Int32
    ) throws(KafkaFailure) -> [String: Int32] {
        var metadata: UnsafePointer<rd_kafka_metadata>?
        let code = rd_kafka_metadata(client, 1, nil, &metadata, timeoutMilliseconds)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR, let metadata else {
            throw KafkaFailure(code, doing: "asking the broker for its topics")
        }
        defer { rd_kafka_metadata_destroy(metadata) }
        var counts: [String: Int32] = [:]
        for at in 0..<Int(metadata.pointee.topic_cnt) {
            let topic = metadata.pointee.topics[at]
            counts[String(cString: topic.topic)] = count(topic)
        }
        return counts
    }

    /// Settings of a topic.
    public func configuration(of topic: String, timeoutMilliseconds: Int32) throws(KafkaFailure) -> [String: String] {
        let resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic)
        defer { rd_kafka_ConfigResource_destroy(resource) }
        var resources: [OpaquePointer?] = [resource]
        let queue = rd_kafka_queue_new(client)
        defer { rd_kafka_queue_destroy(queue) }
        rd_kafka_DescribeConfigs(client, &resources, 1, nil, queue)
        guard let event = rd_kafka_queue_poll(queue, timeoutMilliseconds) else {
            throw KafkaFailure(RD_KAFKA_RESP_ERR__TIMED_OUT, doing: "reading the settings of \(topic)")
        }
        defer { rd_kafka_event_destroy(event) }
        let code = rd_kafka_event_error(event)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw KafkaFailure(code, doing: "reading the settings of \(topic)")
        }
        var count = 0
        let answers = rd_kafka_DescribeConfigs_result_resources(
            rd_kafka_event_DescribeConfigs_result(event), &count)
        guard count == 1, let answer = answers?[0] else { return [:] }
        var entries = 0
        let found = rd_kafka_ConfigResource_configs(answer, &entries)
        var settings: [String: String] = [:]
        for at in 0..<entries {
            guard let entry = found?[at], let name = rd_kafka_ConfigEntry_name(entry) else { continue }
            settings[String(cString: name)] = rd_kafka_ConfigEntry_value(entry).map { String(cString: $0) } ?? ""
        }
        return settings
    }
}
