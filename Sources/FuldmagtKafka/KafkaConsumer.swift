import CRdKafka
import FuldmagtRecord

/// What a group tells its member.
public enum RebalanceEvent: Sendable {
    case assigned([TopicPartition])
    /// They go to another member once this is answered.
    case revoked([TopicPartition])
    /// Another member may have them already.
    case lost([TopicPartition])
}

/// A member of a consumer group.
///
/// Pinned to its own executor, on which it is polled; rebalances are answered synchronously inside librdkafka's callback,
/// so no partition changes hands before the handler is done with it.
public actor KafkaConsumer {
    /// Told of rebalances on the consumer's executor, within `poll` or `close`.
    /// - Returns: for assigned partitions, the positions to read from; the beginning for those that are missing.
    public typealias RebalanceHandler = (RebalanceEvent) -> [TopicPartition: Int64]

    /// A position: what comes from now on.
    public static let end = Int64(RD_KAFKA_OFFSET_END)

    public nonisolated let executor: PinnedExecutor
    public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let handle: ConsumerHandle
    /// The same as the handle's, which outlives every call to this actor.
    private nonisolated(unsafe) let client: OpaquePointer
    private var onRebalance: RebalanceHandler
    private var rebalanceFailure: KafkaFailure?
    private var isClosed = false
    /// Partition numbers given up within the poll that is under way.
    private var givenUp: Set<Int32> = []
    /// Up to where partitions were read when there was no more.
    private var ends: [TopicPartition: Int64] = [:]

    /// Joins the group `group.id` for all partitions of the topics.
    public init(
        _ configuration: KafkaConfiguration, topics: [String], executor: PinnedExecutor,
        onRebalance: sending @escaping RebalanceHandler
    ) throws(KafkaFailure) {
        self.executor = executor
        self.onRebalance = onRebalance
        let made = try KafkaConfiguration(KafkaConfiguration.consumerDefaults)
            .setting(["partition.assignment.strategy": "range", "enable.partition.eof": "true"]).setting(
                configuration.properties
            ).make()
        let context = RebalanceContext()
        rd_kafka_conf_set_opaque(made, Unmanaged.passUnretained(context).toOpaque())
        rd_kafka_conf_set_rebalance_cb(made) { _, code, partitions, opaque in
            guard let opaque else { return }
            Unmanaged<RebalanceContext>.fromOpaque(opaque).takeUnretainedValue().consumer?
                .rebalance(code, partitions)
        }
        let handle = try ConsumerHandle(made, topics: topics, context: context)
        let list = PartitionList(topics.map { TopicPartition(topic: $0, partition: -1) })
        let code = rd_kafka_subscribe(handle.client, list.pointer)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaFailure(code, doing: "subscribing") }
        self.handle = handle
        client = handle.client
        self.context = context
        context.consumer = self
    }

    private let context: RebalanceContext

    /// Finds the consumer from librdkafka's callback. Weak: the callback comes only from within the consumer's own calls.
    private final class RebalanceContext: @unchecked Sendable {
        weak var consumer: KafkaConsumer?
    }

    /// Fetches into the batch of each record's partition number: waits up to the timeout for the first record, then takes
    /// what is at hand up to the bounds.
    public func poll(
        maximumRecords: Int, maximumBytes: Int, timeoutMilliseconds: Int32, into batches: inout [Int32: RecordBatch]
    ) throws(KafkaFailure) {
        var records = 0
        var bytes = 0
        var timeout = timeoutMilliseconds
        while records < maximumRecords, bytes < maximumBytes {
            let polled = try handle.poll(timeoutMilliseconds: timeout) { partition, append in
                dropGivenUp(from: &batches)
                let before = batches[partition]?.byteCount ?? 0
                append(&batches[partition, default: RecordBatch()])
                bytes += (batches[partition]?.byteCount ?? 0) - before
            }
            dropGivenUp(from: &batches)
            if let failure = rebalanceFailure {
                rebalanceFailure = nil
                throw failure
            }
            switch polled {
            case .nothing: return
            case .record:
                records += 1
                timeout = 0
            case .end(let partition, let offset): ends[partition] = offset
            }
        }
    }

    /// Records fetched before their partitions were given up are another member's, or come again.
    private func dropGivenUp(from batches: inout [Int32: RecordBatch]) {
        for number in givenUp { batches[number]?.removeAll() }
        givenUp = []
    }

    private nonisolated func rebalance(
        _ code: rd_kafka_resp_err_t, _ partitions: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?
    ) {
        let list = PartitionList.partitions(of: partitions)
        assumeIsolated { $0.answer(code, list) }
    }

    private func answer(_ code: rd_kafka_resp_err_t, _ partitions: [TopicPartition]) {
        ends = [:]
        do throws(KafkaFailure) {
            if code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
                let starts = onRebalance(.assigned(partitions))
                var offsets: [TopicPartition: Int64] = [:]
                for partition in partitions {
                    offsets[partition] = starts[partition] ?? Int64(RD_KAFKA_OFFSET_BEGINNING)
                }
                try handle.assign(offsets)
            } else {
                givenUp.formUnion(partitions.map(\.partition))
                let isLost = rd_kafka_assignment_lost(handle.client) != 0
                _ = onRebalance(isLost ? .lost(partitions) : .revoked(partitions))
                let result = rd_kafka_assign(handle.client, nil)
                guard result == RD_KAFKA_RESP_ERR_NO_ERROR else {
                    throw KafkaFailure(KafkaFailure.causeOfFatal(result, handle.client), doing: "giving partitions up")
                }
            }
        } catch {
            rebalanceFailure = error
        }
    }

    /// Records from a position to the end that the broker last told of, markers of transactions among them unless that
    /// end was reached. Asks nobody.
    /// - Returns: nil when the broker has not told yet.
    public func remaining(_ partition: TopicPartition, from position: Int64) -> Int64? {
        var low: Int64 = 0
        var high: Int64 = 0
        let code = rd_kafka_get_watermark_offsets(client, partition.topic, partition.partition, &low, &high)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR, high >= 0 else { return nil }
        if let end = ends[partition], end >= high { return 0 }
        return max(0, high - max(position, low))
    }

    /// Up to where a partition was read when there was no more, markers of transactions included; nil before that.
    public func end(of partition: TopicPartition) -> Int64? { ends[partition] }

    /// The group's committed offsets, and the text that was kept beside each; partitions without one are missing.
    public func committed(_ partitions: [TopicPartition], timeoutMilliseconds: Int32) throws(KafkaFailure)
        -> [TopicPartition: (offset: Int64, mark: String)]
    {
        try handle.committed(partitions, timeoutMilliseconds: timeoutMilliseconds)
    }

    /// What a transaction needs to fence off members of an older generation. May be asked for from any thread:
    /// librdkafka guards it.
    public nonisolated func groupMetadata() -> ConsumerGroupMetadata? {
        rd_kafka_consumer_group_metadata(client).map { ConsumerGroupMetadata($0) }
    }

    /// Gives all partitions up, through the handler, and leaves the group.
    public func close() throws(KafkaFailure) {
        guard !isClosed else { return }
        isClosed = true
        let code = rd_kafka_consumer_close(handle.client)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw KafkaFailure(KafkaFailure.causeOfFatal(code, handle.client), doing: "leaving the group")
        }
    }
}

/// A member's place in its group, for a transaction's offsets.
public final class ConsumerGroupMetadata: @unchecked Sendable {
    let pointer: OpaquePointer

    init(_ pointer: OpaquePointer) { self.pointer = pointer }

    deinit { rd_kafka_consumer_group_metadata_destroy(pointer) }
}
