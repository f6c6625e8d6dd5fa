import CRdKafka
import Dispatch
import FuldmagtRecord

/// What group consumers and readers share: a librdkafka consumer, polled record by record.
///
/// The batch calls of librdkafka 2.0 can hand out records of partitions that were given up, so they are not used.
final class ConsumerHandle {
    let client: OpaquePointer
    private let topics: [String]
    /// Index in `topics` of librdkafka's topic handles, which stay the same while the client lives.
    private var indices: [OpaquePointer: UInt8] = [:]

    /// What librdkafka's callbacks are given: it lives as long as the client.
    private let context: (any AnyObject & Sendable)?
    /// How long the end of a client is waited for. librdkafka 2.0 waits for ever for a thread of its own where a topic that
    /// was consumed was unknown to the broker for a moment.
    private static let endingSeconds = 5

    /// - Parameters:
    ///   - configuration: taken over.
    ///   - context: what its callbacks are given.
    init(
        _ configuration: OpaquePointer, topics: [String], context: (any AnyObject & Sendable)? = nil
    ) throws(KafkaFailure) {
        self.context = context
        do throws(KafkaFailure) {
            try FetchPace.keep(in: configuration)
        } catch {
            rd_kafka_conf_destroy(configuration)
            throw error
        }
        client = try KafkaConfiguration.client(RD_KAFKA_CONSUMER, configuration)
        self.topics = topics
        rd_kafka_poll_set_consumer(client)
    }

    deinit {
        nonisolated(unsafe) let client = client
        let context = context
        let isOver = DispatchSemaphore(value: 0)
        // A queue of its own: those that all share may have no thread left, and whoever waits here may hold the last one.
        DispatchQueue(label: "fuldmagt.kafka.ending").async {
            rd_kafka_destroy(client)
            withExtendedLifetime(context) {}
            isOver.signal()
        }
        // One that does not end is left behind: it has left its group, and holds nobody else up.
        _ = isOver.wait(timeout: .now() + .seconds(Self.endingSeconds))
    }

    enum Polled {
        case nothing
        case record
        /// All there is has been read, up to an offset; markers of transactions at the tail count.
        case end(TopicPartition, Int64)
    }

    /// Takes one record, copied into the batch that `batch` picks, and destroys it at once.
    func poll(
        timeoutMilliseconds: Int32, into take: (_ partition: Int32, _ append: (inout RecordBatch) -> Void) -> Void
    )
        throws(KafkaFailure) -> Polled
    {
        guard let record = rd_kafka_consumer_poll(client, timeoutMilliseconds) else { return .nothing }
        defer { rd_kafka_message_destroy(record) }
        let fetched = record.pointee
        switch fetched.err {
        case RD_KAFKA_RESP_ERR_NO_ERROR: break
        case RD_KAFKA_RESP_ERR__PARTITION_EOF:
            return .end(
                TopicPartition(topic: name(of: fetched.rkt), partition: fetched.partition), fetched.offset)
        case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
            throw KafkaFailure(
                code: fetched.err.rawValue, consequence: .fatal,
                text:
                    "the position in partition \(fetched.partition) of \(name(of: fetched.rkt)) is not there any more: records were deleted before they were read, or the log has lost some"
            )
        default:
            let failure = KafkaFailure(KafkaFailure.causeOfFatal(fetched.err, client), doing: "fetching")
            // A lost connection heals by itself while we poll on.
            if fetched.err == RD_KAFKA_RESP_ERR__TRANSPORT || fetched.err == RD_KAFKA_RESP_ERR__RESOLVE {
                return .nothing
            }
            throw failure
        }
        guard let topic = index(of: fetched.rkt) else { return .nothing }
        let key = fetched.key.map { UnsafeRawBufferPointer(start: $0, count: fetched.key_len) }
        let value = fetched.payload.map { UnsafeRawBufferPointer(start: $0, count: fetched.len) }
        var kind = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
        let timestamp = rd_kafka_message_timestamp(record, &kind)
        take(fetched.partition) { batch in
            batch.append(
                topic: topic, offset: fetched.offset, timestamp: max(timestamp, 0), key: key, value: value,
                headers: { Self.copyHeaders(of: record, into: &$0) })
        }
        return .record
    }

    private static func copyHeaders(of record: UnsafeMutablePointer<rd_kafka_message_t>, into block: inout [UInt8]) {
        var headers: OpaquePointer?
        guard rd_kafka_message_headers(record, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR, let headers else { return }
        var at = 0
        var name: UnsafePointer<CChar>?
        var value: UnsafeRawPointer?
        var size = 0
        while rd_kafka_header_get_all(headers, at, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR {
            if let name {
                HeaderBlock.append(
                    name: UnsafeRawBufferPointer(start: name, count: length(of: name)),
                    value: value.map { UnsafeRawBufferPointer(start: $0, count: size) }, to: &block)
            }
            at += 1
        }
    }

    private static func length(of name: UnsafePointer<CChar>) -> Int {
        var length = 0
        while name[length] != 0 { length += 1 }
        return length
    }

    private func index(of topic: OpaquePointer?) -> UInt8? {
        guard let topic else { return nil }
        if let index = indices[topic] { return index }
        guard let place = topics.firstIndex(of: name(of: topic)) else { return nil }
        indices[topic] = UInt8(place)
        return UInt8(place)
    }

    private func name(of topic: OpaquePointer?) -> String {
        topic.flatMap { rd_kafka_topic_name($0) }.map { String(cString: $0) } ?? ""
    }

    /// The group's committed offsets; partitions without one are missing. Waits for transactions being decided.
    func committed(_ partitions: [TopicPartition], timeoutMilliseconds: Int32) throws(KafkaFailure)
        -> [TopicPartition: (offset: Int64, mark: String)]
    {
        let list = PartitionList(partitions)
        let code = rd_kafka_committed(client, list.pointer, timeoutMilliseconds)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw KafkaFailure(code, doing: "reading committed offsets")
        }
        return try list.marked(doing: "reading committed offsets")
    }

    /// Offset of the first record that is still there, and the offset the next record will get.
    func watermarks(_ partition: TopicPartition, timeoutMilliseconds: Int32) throws(KafkaFailure) -> Range<Int64> {
        var low: Int64 = 0
        var high: Int64 = 0
        let code = rd_kafka_query_watermark_offsets(
            client, partition.topic, partition.partition, &low, &high, timeoutMilliseconds)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw notTold(code, of: [partition.topic], doing: "asking where \(partition) ends")
        }
        return max(low, 0)..<max(low, high, 0)
    }

    /// Offsets that the next records will get, by one request to each leader. With `isolation.level` read_uncommitted
    /// records of open transactions count.
    func ends(of partitions: [TopicPartition], timeoutMilliseconds: Int32) throws(KafkaFailure)
        -> [TopicPartition: Int64]
    {
        // What librdkafka passes on as a time is the protocol's own mark for the end.
        let list = PartitionList(
            Dictionary(uniqueKeysWithValues: partitions.map { ($0, Int64(RD_KAFKA_OFFSET_END)) }))
        let code = rd_kafka_offsets_for_times(client, list.pointer, timeoutMilliseconds)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw notTold(code, of: Set(partitions.map(\.topic)), doing: "asking where topics end")
        }
        return try list.offsets(doing: "asking where topics end")
    }

    /// Why nobody told where partitions end.
    ///
    /// librdkafka asks the leaders that it has noted down, and notes new ones down by itself only for topics that are
    /// consumed; so they are asked for here, and the next call goes to the right ones. A partition that has no leader for
    /// a moment it calls unknown: that heals, so it says nothing about a setting.
    private func notTold(_ code: rd_kafka_resp_err_t, of topics: Set<String>, doing: String) -> KafkaFailure {
        for topic in topics {
            guard let handle = rd_kafka_topic_new(client, topic, nil) else { continue }
            defer { rd_kafka_topic_destroy(handle) }
            var leaders: UnsafePointer<rd_kafka_metadata>?
            // Where this fails too, the same is asked again.
            if rd_kafka_metadata(client, 0, handle, &leaders, Self.leadersMilliseconds) == RD_KAFKA_RESP_ERR_NO_ERROR {
                rd_kafka_metadata_destroy(leaders)
            }
        }
        var failure = KafkaFailure(code, doing: doing)
        if failure.isUnknownTopic { failure.consequence = .retriable }
        return failure
    }

    private static let leadersMilliseconds: Int32 = 5_000

    func assign(_ offsets: [TopicPartition: Int64]) throws(KafkaFailure) {
        let list = PartitionList(offsets)
        let code = rd_kafka_assign(client, list.pointer)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw KafkaFailure(KafkaFailure.causeOfFatal(code, client), doing: "taking partitions")
        }
    }
}
