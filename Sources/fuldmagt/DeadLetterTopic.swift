import Foundation
import FuldmagtDomain
import FuldmagtKafka
import FuldmagtOperations
import FuldmagtRecord
import FuldmagtWorker

/// Reads `fuldmagt.dead-letters`, committed records only.
struct DeadLetterTopic {
    private let reader: RecordReader
    /// Offsets that are there, by partition.
    private let ranges: [TopicPartition: Range<Int64>]
    private static let timeoutMilliseconds: Int32 = 30_000

    init(_ environment: Environment) throws {
        let configuration = try environment.kafka
        (reader, ranges) = try Connection.trying { () throws(KafkaFailure) in
            let partitions = try Connection.partitions(of: .deadLetters, configuration)
            let reader = try RecordReader(KafkaLog.properties(configuration, for: .reader), topics: Topic.names)
            var ranges: [TopicPartition: Range<Int64>] = [:]
            for partition in partitions {
                ranges[partition] = try reader.watermarks(partition, timeoutMilliseconds: Self.timeoutMilliseconds)
            }
            return (reader, ranges)
        }
    }

    /// Calls `body` with each record, partition by partition, up to the end the topic had when this was made.
    func forEach(_ body: (SetAsideRecord) throws -> Void) throws {
        for (partition, range) in ranges.sorted(by: { $0.key < $1.key }) where !range.isEmpty {
            try read(partition, range) { try body(SetAsideRecord($0, partition: partition.partition)) }
        }
    }

    /// The records at these offsets, in the order of partitions and offsets; those that are gone are missing.
    func records(_ wanted: [Int32: Set<Int64>]) throws -> [SetAsideRecord] {
        var found: [SetAsideRecord] = []
        try forEach(wanted) { found.append($0) }
        return found
    }

    /// Calls `body` with the records at these offsets.
    func forEach(_ wanted: [Int32: Set<Int64>], _ body: (SetAsideRecord) throws -> Void) throws {
        for (number, offsets) in wanted.sorted(by: { $0.key < $1.key }) {
            let partition = TopicPartition(topic: Topic.deadLetters.name, partition: number)
            guard let range = ranges[partition], let first = offsets.min(), let last = offsets.max() else { continue }
            // An offset of a list, or of somebody's keyboard, may be the largest there is.
            let part = range.clamped(to: first..<max(first, last < .max ? last + 1 : last))
            guard !part.isEmpty else { continue }
            try read(partition, part) {
                if offsets.contains($0.offset) { try body(SetAsideRecord($0, partition: number)) }
            }
        }
    }

    private func read(
        _ partition: TopicPartition, _ range: Range<Int64>, _ body: (RecordView) throws -> Void
    ) throws {
        try Connection.trying { () throws(KafkaFailure) in
            try reader.assign([partition: .offset(range.lowerBound)])
        }
        var quietSince = Host.nanoseconds()
        while true {
            var batches: [Int32: RecordBatch] = [:]
            let read = try Connection.trying { () throws(KafkaFailure) in
                try reader.poll(maximumRecords: 1_000, timeoutMilliseconds: 100, into: &batches)
            }
            try batches[partition.partition]?.withRecords { records in
                for record in records where range.contains(record.offset) { try body(record) }
            }
            if (reader.position(of: partition) ?? 0) >= range.upperBound { return }
            if read > 0 { quietSince = Host.nanoseconds() }
            guard Host.nanoseconds() - quietSince < UInt64(Self.timeoutMilliseconds) * 1_000_000 else {
                throw Exit.saying(
                    "\(partition) does not answer; is the broker well? FULDMAGT_KAFKA_BOOTSTRAP_SERVERS names it",
                    Exit.temporary)
            }
        }
    }
}
