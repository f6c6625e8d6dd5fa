import CRdKafka
import FuldmagtRecord

/// A producer of frames. Used from one thread at a time.
public final class KafkaProducer: @unchecked Sendable {
    private let client: OpaquePointer
    private let topics: [String]
    private var handles: [OpaquePointer?]
    private let deliveries = Deliveries()

    /// Records that were or were not acknowledged, counted by librdkafka's callback within our own calls.
    private final class Deliveries {
        var acknowledged = 0
        var failed = 0
        var lastFailure: rd_kafka_resp_err_t = RD_KAFKA_RESP_ERR_NO_ERROR
    }

    /// - Parameters:
    ///   - topics: frames name topics by their index here.
    public init(_ configuration: KafkaConfiguration, topics: [String]) throws(KafkaFailure) {
        self.topics = topics
        handles = Array(repeating: nil, count: topics.count)
        let made = try KafkaConfiguration(KafkaConfiguration.producerDefaults).setting(configuration.properties).make()
        rd_kafka_conf_set_opaque(made, Unmanaged.passUnretained(deliveries).toOpaque())
        rd_kafka_conf_set_dr_msg_cb(made) { _, record, opaque in
            guard let record, let opaque else { return }
            let deliveries = Unmanaged<Deliveries>.fromOpaque(opaque).takeUnretainedValue()
            if record.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR {
                deliveries.acknowledged += 1
            } else {
                deliveries.failed += 1
                deliveries.lastFailure = record.pointee.err
            }
        }
        client = try KafkaConfiguration.client(RD_KAFKA_PRODUCER, made)
    }

    deinit {
        for handle in handles { if let handle { rd_kafka_topic_destroy(handle) } }
        rd_kafka_destroy(client)
    }

    private func topic(_ index: UInt8) throws(KafkaFailure) -> OpaquePointer {
        guard Int(index) < topics.count else {
            throw KafkaFailure(code: 0, consequence: .fatal, text: "a frame names a topic that is not in the list")
        }
        if let handle = handles[Int(index)] { return handle }
        guard let handle = rd_kafka_topic_new(client, topics[Int(index)], nil) else {
            throw KafkaFailure(rd_kafka_last_error(), doing: "opening topic \(topics[Int(index)])")
        }
        handles[Int(index)] = handle
        return handle
    }

    /// Hands a frame's records to librdkafka, which sends them on its own threads. Waits while its queue is full.
    public func produce(_ frame: Frame) throws {
        try frame.forEach { try self.produce($0) }
    }

    /// Hands one record over.
    public func produce(_ record: FrameRecord) throws(KafkaFailure) {
        let topic = try topic(record.topic)
        while true {
            let headers = makeHeaders(record.headers)
            let code = fm_produce(
                client, topic, record.partition ?? RD_KAFKA_PARTITION_UA, Self.address(record.key),
                record.key?.count ?? 0, Self.address(record.value), record.value?.count ?? 0, record.timestamp ?? 0,
                headers)
            if code == RD_KAFKA_RESP_ERR_NO_ERROR { return }
            if let headers { rd_kafka_headers_destroy(headers) }
            guard code == RD_KAFKA_RESP_ERR__QUEUE_FULL else {
                throw KafkaFailure(
                    KafkaFailure.causeOfFatal(code, client), doing: "producing to \(topics[Int(record.topic)])")
            }
            rd_kafka_poll(client, 100)
        }
    }

    /// An empty run has no address of its own, but must not be taken for null.
    private static func address(_ bytes: UnsafeRawBufferPointer?) -> UnsafeRawPointer? {
        guard let bytes else { return nil }
        return bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 8)
    }

    private func makeHeaders(_ block: UnsafeRawBufferPointer) -> OpaquePointer? {
        // Records of the changelog, which are most, have none.
        guard block.count > 0 else { return nil }
        let headers = rd_kafka_headers_new(8)
        HeaderBlock.forEach(in: block) { name, value in
            rd_kafka_header_add(
                headers, name.baseAddress?.assumingMemoryBound(to: CChar.self), name.count, Self.address(value),
                value?.count ?? 0)
        }
        return headers
    }

    /// Lets librdkafka report deliveries.
    /// - Returns: records handed over and not yet reported.
    @discardableResult
    public func poll(timeoutMilliseconds: Int32 = 0) -> Int {
        rd_kafka_poll(client, timeoutMilliseconds)
        return Int(rd_kafka_outq_len(client))
    }

    /// Records acknowledged and refused so far.
    public var delivered: (acknowledged: Int, failed: Int) { (deliveries.acknowledged, deliveries.failed) }

    /// Waits until everything is delivered.
    /// - Throws: when the time is up, or a record was refused.
    public func flush(timeoutMilliseconds: Int32) throws(KafkaFailure) {
        let code = rd_kafka_flush(client, timeoutMilliseconds)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaFailure(code, doing: "waiting for deliveries") }
        guard deliveries.failed == 0 else {
            throw KafkaFailure(deliveries.lastFailure, doing: "delivering \(deliveries.failed) records")
        }
    }

    // MARK: Transactions

    /// Waits until everything is acknowledged or refused; which of the two, the commit says.
    public func awaitDeliveries(timeoutMilliseconds: Int32) throws(KafkaFailure) {
        let code = rd_kafka_flush(client, timeoutMilliseconds)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaFailure(code, doing: "waiting for deliveries") }
    }

    /// Fences off earlier producers of the same `transactional.id` and ends what they left open. Once, before all else.
    public func initTransactions(timeoutMilliseconds: Int32) throws(KafkaFailure) {
        try check(rd_kafka_init_transactions(client, timeoutMilliseconds), "starting transactions")
    }

    public func begin() throws(KafkaFailure) {
        try check(rd_kafka_begin_transaction(client), "beginning a transaction")
    }

    /// Makes positions part of the transaction.
    public func send(
        offsets: [TopicPartition: Int64], marks: [TopicPartition: String] = [:], metadata: ConsumerGroupMetadata,
        timeoutMilliseconds: Int32
    ) throws(KafkaFailure) {
        let list = PartitionList(offsets, marks: marks)
        try check(
            rd_kafka_send_offsets_to_transaction(client, list.pointer, metadata.pointer, timeoutMilliseconds),
            "sending offsets")
    }

    /// Makes the transaction's records and offsets visible. A retriable failure is answered by calling again: the outcome
    /// is not known until a call says so.
    public func commit(timeoutMilliseconds: Int32) throws(KafkaFailure) {
        try check(rd_kafka_commit_transaction(client, timeoutMilliseconds), "committing a transaction")
    }

    public func abort(timeoutMilliseconds: Int32) throws(KafkaFailure) {
        try check(rd_kafka_abort_transaction(client, timeoutMilliseconds), "aborting a transaction")
    }

    private func check(_ error: OpaquePointer?, _ doing: String) throws(KafkaFailure) {
        if let error { throw KafkaFailure(error, doing: doing) }
    }
}
