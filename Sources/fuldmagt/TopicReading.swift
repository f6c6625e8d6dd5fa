import FuldmagtDomain
import FuldmagtKafka
import FuldmagtRecord
import FuldmagtWorker

/// Reads a topic's committed records from its beginning to the end it has when asked.
enum TopicReading {
    private static let timeoutMilliseconds: Int32 = 30_000

    static func forEach(_ topic: Topic, _ environment: Environment, _ body: (RecordView) -> Void) throws {
        let configuration = try environment.kafka
        try Connection.trying { () throws(KafkaFailure) in
            let partitions = try Connection.partitions(of: topic, configuration)
            let reader = try RecordReader(KafkaLog.properties(configuration, for: .reader), topics: Topic.names)
            var ranges: [TopicPartition: Range<Int64>] = [:]
            for partition in partitions {
                let range = try reader.watermarks(partition, timeoutMilliseconds: timeoutMilliseconds)
                if !range.isEmpty { ranges[partition] = range }
            }
            guard !ranges.isEmpty else { return }
            try reader.assign(ranges.mapValues { _ in .beginning })
            var batches: [Int32: RecordBatch] = [:]
            var quietSince = Host.nanoseconds()
            while !ranges.allSatisfy({ (reader.position(of: $0) ?? 0) >= $1.upperBound }) {
                let read = try reader.poll(maximumRecords: 10_000, timeoutMilliseconds: 100, into: &batches)
                if read > 0 { quietSince = Host.nanoseconds() }
                for partition in batches.keys.sorted() {
                    batches[partition]?.withRecords { for record in $0 { body(record) } }
                    batches[partition]?.removeAll()
                }
                guard Host.nanoseconds() - quietSince < UInt64(timeoutMilliseconds) * 1_000_000 else {
                    throw KafkaFailure(
                        code: 0, consequence: .retriable, text: "\(topic.name) could not be read to its end")
                }
            }
        }
    }
}
