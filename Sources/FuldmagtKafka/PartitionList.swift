import CRdKafka
import FuldmagtRecord
import Glibc

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

    /// - Parameters:
    ///   - offsets: positions next to read; negative ones are librdkafka's logical offsets.
    ///   - marks: texts that the group keeps beside an offset.
    convenience init(_ offsets: [TopicPartition: Int64], marks: [TopicPartition: String] = [:]) {
        self.init(rd_kafka_topic_partition_list_new(Int32(offsets.count)))
        for (partition, offset) in offsets.sorted(by: { $0.key < $1.key }) {
            let element = rd_kafka_topic_partition_list_add(pointer, partition.topic, partition.partition)
            element?.pointee.offset = offset
            guard let mark = marks[partition] else { continue }
            // The list frees it.
            element?.pointee.metadata = UnsafeMutableRawPointer(strdup(mark))
            element?.pointee.metadata_size = mark.utf8.count
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

    /// Offsets that are set, with the text beside each; an element with an error of its own is a failure.
    func marked(doing: String) throws(KafkaFailure) -> [TopicPartition: (offset: Int64, mark: String)] {
        var marks: [TopicPartition: String] = [:]
        for at in 0..<Int(pointer.pointee.cnt) {
            let element = pointer.pointee.elems[at]
            guard let metadata = element.metadata, element.metadata_size > 0 else { continue }
            marks[TopicPartition(topic: String(cString: element.topic), partition: element.partition)] = String(
                decoding: UnsafeRawBufferPointer(start: metadata, count: element.metadata_size), as: UTF8.self)
        }
        return try offsets(doing: doing).reduce(into: [:]) { $0[$1.key] = ($1.value, marks[$1.key] ?? "") }
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
