import CRdKafka
import FuldmagtKafka
import FuldmagtRecord

/// librdkafka's broker for tests, within this process: it can be told to fail.
final class MockCluster {
    private let client: OpaquePointer
    private let cluster: OpaquePointer
    let configuration: KafkaConfiguration

    struct NotStarted: Error {}

    /// - Parameter brokers: numbered from 1.
    init(topics: [String: Int32], brokers: Int32 = 1) throws {
        guard let client = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), nil, 0),
            let cluster = rd_kafka_mock_cluster_new(client, brokers),
            let address = rd_kafka_mock_cluster_bootstraps(cluster)
        else { throw NotStarted() }
        self.client = client
        self.cluster = cluster
        configuration = KafkaConfiguration(["bootstrap.servers": String(cString: address)])
        for (name, partitions) in topics { rd_kafka_mock_topic_create(cluster, name, partitions, 1) }
    }

    deinit {
        rd_kafka_mock_cluster_destroy(cluster)
        rd_kafka_destroy(client)
    }

    enum Request: Int16 {
        case produce = 0
        case addPartitions = 24
        case addOffsets = 25
        case endTransaction = 26
    }

    /// The next requests of a kind are answered with these errors, one each.
    func fail(_ request: Request, _ errors: [rd_kafka_resp_err_t]) {
        rd_kafka_mock_push_request_errors_array(cluster, request.rawValue, errors.count, errors)
    }

    /// Has every request about a topic answered with an error; nil for none.
    func fail(topic: String, _ error: rd_kafka_resp_err_t?) {
        rd_kafka_mock_topic_set_error(cluster, topic, error ?? RD_KAFKA_RESP_ERR_NO_ERROR)
    }

    /// - Parameter broker: nil for none.
    func setLeader(of topic: String, _ partition: Int32 = 0, to broker: Int32?) {
        rd_kafka_mock_partition_set_leader(cluster, topic, partition, broker ?? -1)
    }

    func producer(_ id: String, topics: [String]) throws(KafkaFailure) -> KafkaProducer {
        let producer = try KafkaProducer(
            configuration.setting(["transactional.id": id, "transaction.timeout.ms": "60000"]), topics: topics)
        try producer.initTransactions(timeoutMilliseconds: 60_000)
        return producer
    }
}

func frame(_ records: [(key: String?, value: String?)], topic: UInt8 = 0, partition: Int32? = nil) -> Frame {
    var writer = FrameWriter()
    for record in records {
        let key = record.key.map { Array($0.utf8) }
        (key ?? []).withUnsafeBytes { bytes in
            writer.append(
                topic: topic, partition: partition, timestamp: 1_700_000_000_000, key: key == nil ? nil : bytes,
                headers: { HeaderBlock.append("h", "1", to: &$0) },
                value: { sink in
                    guard let value = record.value else { return false }
                    sink.append(value)
                    return true
                })
        }
    }
    return writer.take()
}
