import ArgumentParser
import FuldmagtDomain
import FuldmagtJobs
import FuldmagtKafka
import FuldmagtRecord
import FuldmagtWorker

/// Reads outcomes and dead letters as they are committed.
final class AnswerReader {
    private static let timeoutMilliseconds: Int32 = 30_000
    private static let topics = [Topic.outcomes, Topic.deadLetters]
    private let reader: RecordReader
    private var batches: [Int32: RecordBatch] = [:]
    private let partitions: [TopicPartition]
    /// Where it began, by topic name and partition.
    let positions: [String: [Int64]]

    /// - Parameter from: positions of an earlier reader; empty to begin with what is still to come.
    init(_ configuration: KafkaConfiguration, from begin: [String: [Int64]]) throws {
        (reader, partitions, positions) = try Connection.trying { () throws(KafkaFailure) in
            let reader = try RecordReader(KafkaLog.properties(configuration, for: .reader), topics: Topic.names)
            var positions: [String: [Int64]] = [:]
            var starts: [TopicPartition: RecordReader.Start] = [:]
            let partitions = try Connection.partitions(of: Self.topics, configuration)
            for partition in partitions {
                let count = partitions.count { $0.topic == partition.topic }
                let known = begin[partition.topic].flatMap { $0.count == count ? $0[Int(partition.partition)] : nil }
                let end = try reader.watermarks(partition, timeoutMilliseconds: Self.timeoutMilliseconds).upperBound
                positions[partition.topic, default: []].append(known ?? end)
                starts[partition] = .offset(known ?? end)
            }
            try reader.assign(starts)
            return (reader, Array(starts.keys), positions)
        }
    }

    /// Calls `body` with what has come; waits for it up to the time given.
    func read(milliseconds: Int32, _ body: (RecordView) -> Void) throws {
        try Connection.trying { () throws(KafkaFailure) in
            _ = try reader.poll(maximumRecords: 1_000, timeoutMilliseconds: milliseconds, into: &batches)
        }
        for partition in batches.keys.sorted() {
            batches[partition]?.withRecords { for record in $0 { body(record) } }
            batches[partition]?.removeAll()
        }
    }

    /// Calls `body` with all there is up to the end.
    func readToEnd(_ body: (RecordView) -> Void) throws {
        let deadline = Host.nanoseconds() + UInt64(Self.timeoutMilliseconds) * 1_000_000
        while !partitions.allSatisfy({ reader.isAtEnd(of: $0) }) {
            try read(milliseconds: 100, body)
            guard Host.nanoseconds() < deadline else {
                throw Exit.saying("the outcomes could not be read to their end; is the broker well?", Exit.temporary)
            }
        }
    }
}

/// Reads how far workers are with the inbox.
final class InboxReader {
    private static let timeoutMilliseconds: Int32 = 30_000
    /// Nanoseconds between two looks, for each partition: a look asks the broker once for each.
    private static let interval: UInt64 = 50_000_000
    private let ends: RecordReader
    private let offsets: RecordReader
    private let partitions: [TopicPartition]
    private var readAt: UInt64 = 0
    private(set) var queue = QueueWait()

    init(_ configuration: KafkaConfiguration, group: String) throws {
        (ends, offsets, partitions) = try Connection.trying { () throws(KafkaFailure) in
            let reading = KafkaLog.properties(configuration, for: .reader)
            // Asked of committed readers, a broker waits for transactions that are still open.
            let offsets = reading.setting(["group.id": group, "isolation.level": "read_uncommitted"])
            return (
                try RecordReader(reading, topics: Topic.names), try RecordReader(offsets, topics: Topic.names),
                try Connection.partitions(of: .inbox, configuration)
            )
        }
    }

    /// Looks, if it is time.
    func read(now: UInt64) throws {
        guard now >= readAt + Self.interval * UInt64(partitions.count) else { return }
        readAt = now
        try Connection.trying { () throws(KafkaFailure) in
            let committed = try offsets.committed(partitions, timeoutMilliseconds: Self.timeoutMilliseconds)
            var (end, processed): (Int64, Int64) = (0, 0)
            for partition in partitions {
                let range = try ends.watermarks(partition, timeoutMilliseconds: Self.timeoutMilliseconds)
                end += range.upperBound
                processed += max(committed[partition] ?? range.lowerBound, range.lowerBound)
            }
            queue.take(end: end, processed: processed, now: now)
        }
    }
}
