import CRdKafka
import FuldmagtRecord

/// Reads partitions from positions of its own, without a group. Used from one thread at a time.
public final class RecordReader: @unchecked Sendable {
    private let handle: ConsumerHandle
    private var ends: [TopicPartition: Int64] = [:]
    /// Numbers of partitions that a record came from since they were assigned. What librdkafka calls a position before that
    /// may be the former assignment's, which it forgets on a thread of its own.
    private var heard: Set<Int32> = []

    /// - Parameter topics: records name theirs by its index here.
    public init(_ configuration: KafkaConfiguration, topics: [String]) throws(KafkaFailure) {
        let made = try KafkaConfiguration(KafkaConfiguration.consumerDefaults)
            .setting(["group.id": "fuldmagt-reader", "enable.partition.eof": "true"])
            .setting(configuration.properties).make()
        handle = try ConsumerHandle(made, topics: topics)
    }

    deinit { rd_kafka_consumer_close(handle.client) }

    /// Where to begin in a partition.
    public enum Start: Sendable {
        case beginning
        case end
        case offset(Int64)
    }

    /// Begins to read; what was read before is given up.
    public func assign(_ partitions: [TopicPartition: Start]) throws(KafkaFailure) {
        ends = [:]
        heard = []
        try handle.assign(
            partitions.mapValues { start in
                switch start {
                case .beginning: Int64(RD_KAFKA_OFFSET_BEGINNING)
                case .end: Int64(RD_KAFKA_OFFSET_END)
                case .offset(let offset): offset
                }
            })
    }

    /// Fetches into one batch for each partition number; waits up to the timeout for the first record.
    /// - Returns: how many.
    @discardableResult
    public func poll(
        maximumRecords: Int, timeoutMilliseconds: Int32, into batches: inout [Int32: RecordBatch]
    ) throws(KafkaFailure) -> Int {
        var records = 0
        var timeout = timeoutMilliseconds
        while records < maximumRecords {
            let polled = try handle.poll(timeoutMilliseconds: timeout) { partition, append in
                heard.insert(partition)
                append(&batches[partition, default: RecordBatch()])
            }
            switch polled {
            case .nothing: return records
            case .record:
                records += 1
                timeout = 0
            case .end(let partition, let offset): ends[partition] = offset
            }
        }
        return records
    }

    /// Position next to read; nil before the first record. Markers of transactions, which are not handed out, count as
    /// read once the end has been reached.
    public func position(of partition: TopicPartition) -> Int64? {
        guard heard.contains(partition.partition) else { return ends[partition] }
        let list = PartitionList([partition])
        guard rd_kafka_position(handle.client, list.pointer) == RD_KAFKA_RESP_ERR_NO_ERROR else {
            return ends[partition]
        }
        let offset = list.pointer.pointee.elems[0].offset
        return offset >= 0 ? max(offset, ends[partition] ?? 0) : ends[partition]
    }

    /// Committed offsets of the group that the configuration names; partitions without one are missing. Does not join it.
    public func committed(_ partitions: [TopicPartition], timeoutMilliseconds: Int32) throws(KafkaFailure)
        -> [TopicPartition: Int64]
    {
        try handle.committed(partitions, timeoutMilliseconds: timeoutMilliseconds).mapValues(\.offset)
    }

    /// The same, and the text that was kept beside each.
    public func committedAndMarked(_ partitions: [TopicPartition], timeoutMilliseconds: Int32) throws(KafkaFailure)
        -> [TopicPartition: (offset: Int64, mark: String)]
    {
        try handle.committed(partitions, timeoutMilliseconds: timeoutMilliseconds)
    }

    /// Whether all there is of a partition has been read.
    public func isAtEnd(of partition: TopicPartition) -> Bool { ends[partition] != nil }

    /// Offset of the first record that is still there, and the offset the next record will get.
    public func watermarks(_ partition: TopicPartition, timeoutMilliseconds: Int32) throws(KafkaFailure)
        -> Range<Int64>
    {
        try handle.watermarks(partition, timeoutMilliseconds: timeoutMilliseconds)
    }

    /// Offsets that the next records will get, asked of all partitions at once.
    public func ends(of partitions: [TopicPartition], timeoutMilliseconds: Int32) throws(KafkaFailure)
        -> [TopicPartition: Int64]
    {
        try handle.ends(of: partitions, timeoutMilliseconds: timeoutMilliseconds)
    }
}
