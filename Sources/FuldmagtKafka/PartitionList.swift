import CRdKafka
import FuldmagtRecord

/// librdkafka's list of topics, partitions and offsets, owned.
final class PartitionList {
    let pointer: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>

    /// Takes over a list.
    init(_ pointer: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>) { self.pointer = pointer }

    convenience init(_ partitions: some Collection<TopicPartition>) {
        self.init(rd_kafka_topic_partition_list_new(Int32(partitions.count)))
        for partition in partitions {
            rd_kafka_topic_partition_list_add(pointer, partition.topic, partition.partition)
        }
    }

    /// - Parameter offsets: positions next to read; negative ones are librdkafka's logical offsets.
    convenience init(_ offsets: [TopicPartition: Int64]) {
        self.init(rd_kafka_topic_partition_list_new(Int32(offsets.count)))
        for (partition, offset) in offsets.sorted(by: { $0.key < $1.key }) {
            rd_kafka_topic_partition_list_add(pointer, partition.topic, partition.partition).pointee.offset = offset
        }
    }

    deinit { rd_kafka_topic_partition_list_destroy(pointer) }

    static func partitions(of pointer: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?) -> [TopicPartition] {
        guard let pointer else { return [] }
        return (0..<Int(pointer.pointee.cnt)).map { at in
            let element = pointer.pointee.elems[at]
            return TopicPartition(topic: String(cString: element.topic), partition: element.partition)
        }
    }

    /// Offsets that are set; an element with an error of its own is a failure.
    func offsets(doing: String) throws(KafkaFailure) -> [TopicPartition: Int64] {
        var offsets: [TopicPartition: Int64] = [:]
        for at in 0..<Int(pointer.pointee.cnt) {
            let element = pointer.pointee.elems[at]
            guard element.err == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaFailure(element.err, doing: doing) }
            guard element.offset >= 0 else { continue }
            offsets[TopicPartition(topic: String(cString: element.topic), partition: element.partition)] =
                element.offset
        }
        return offsets
    }
}
