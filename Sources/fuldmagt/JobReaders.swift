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

    /// - Parameters:
    ///   - from: positions of an earlier reader; empty where there was none.
    ///   - isFromBeginning: where there was none, whether to begin with all there is; else with what is still to come.
    init(_ configuration: KafkaConfiguration, from begin: [String: [Int64]], isFromBeginning: Bool) throws {
        (reader, partitions, positions) = try Connection.trying { () throws(KafkaFailure) in
            let reader = try RecordReader(KafkaLog.properties(configuration, for: .reader), topics: Topic.names)
            var positions: [String: [Int64]] = [:]
            var starts: [TopicPartition: RecordReader.Start] = [:]
            let partitions = try Connection.partitions(of: Self.topics, configuration)
            for partition in partitions {
                let count = partitions.count { $0.topic == partition.topic }
                let known = begin[partition.topic].flatMap { $0.count == count ? $0[Int(partition.partition)] : nil }
                let range = try reader.watermarks(partition, timeoutMilliseconds: Self.timeoutMilliseconds)
                let start = known ?? (isFromBeginning ? range.lowerBound : range.upperBound)
                positions[partition.topic, default: []].append(start)
                starts[partition] = .offset(start)
            }
            try reader.assign(starts)
            return (reader, Array(starts.keys), positions)
        }
    }

    /// Calls `body` with what has come; waits for it up to the time given.
    /// - Returns: how many records came.
    @discardableResult
    func read(milliseconds: Int32, _ body: (RecordView) -> Void) throws -> Int {
        let count = try Connection.trying { () throws(KafkaFailure) in
            try reader.poll(maximumRecords: 1_000, timeoutMilliseconds: milliseconds, into: &batches)
        }
        for partition in batches.keys.sorted() {
            batches[partition]?.withRecords { for record in $0 { body(record) } }
            batches[partition]?.removeAll()
        }
        return count
    }

    /// Calls `body` with all there is up to the end.
    func readToEnd(_ body: (RecordView) -> Void) throws {
        var quietSince = Host.nanoseconds()
        while !partitions.allSatisfy({ reader.isAtEnd(of: $0) }) {
            if try read(milliseconds: 100, body) > 0 { quietSince = Host.nanoseconds() }
            guard Host.nanoseconds() - quietSince < UInt64(Self.timeoutMilliseconds) * 1_000_000 else {
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
            (
                try RecordReader(KafkaLog.properties(configuration, for: .reader), topics: Topic.names),
                try Connection.offsetReader(of: group, configuration),
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

/// Reads whether workers are past the commands that a run has sent: what is not answered then was decided before.
final class CommandReader {
    private static let timeoutMilliseconds: Int32 = 30_000
    /// How long to wait for what stands behind a committed offset.
    private static let peekMilliseconds: UInt64 = 500
    private let reader: RecordReader
    private let offsets: RecordReader
    private let partitions: [TopicPartition]
    /// Where the topic ended when all that had been sent was acknowledged, for partitions that workers are not past.
    private var goal: (sentBefore: UInt64, ends: [TopicPartition: Int64])?

    init(_ configuration: KafkaConfiguration, topic: Topic, group: String) throws {
        (reader, offsets, partitions) = try Connection.trying { () throws(KafkaFailure) in
            (
                try RecordReader(KafkaLog.properties(configuration, for: .reader), topics: Topic.names),
                try Connection.offsetReader(of: group, configuration),
                try Connection.partitions(of: topic, configuration)
            )
        }
    }

    /// Looks how far workers are. All that has been sent must be acknowledged.
    /// - Returns: the time before which everything was sent that workers are past; nil where they are not, as yet, past
    ///   what had been sent when this was first asked.
    func look(now: UInt64) throws -> UInt64? {
        try Connection.trying { () throws(KafkaFailure) -> UInt64? in
            if goal == nil {
                goal = (now, try offsets.ends(of: partitions, timeoutMilliseconds: Self.timeoutMilliseconds))
            }
            guard let (sentBefore, all) = goal else { return nil }
            let committed = try offsets.committed(Array(all.keys), timeoutMilliseconds: Self.timeoutMilliseconds)
            let ends = all.filter { (committed[$0.key] ?? 0) < $0.value }
            goal = (sentBefore, ends)
            if !ends.isEmpty {
                guard try areOnlyMarkers(from: committed, to: ends) else { return nil }
            }
            goal = nil
            return sentBefore
        }
    }

    /// Whether no record stands between two offsets: markers of transactions, for which nobody commits, have offsets too.
    private func areOnlyMarkers(
        from committed: [TopicPartition: Int64], to ends: [TopicPartition: Int64]
    ) throws(KafkaFailure) -> Bool {
        var starts: [TopicPartition: RecordReader.Start] = [:]
        for partition in ends.keys { starts[partition] = .offset(committed[partition] ?? 0) }
        try reader.assign(starts)
        let started = Host.nanoseconds()
        while Host.nanoseconds() - started < Self.peekMilliseconds * 1_000_000 {
            var batches: [Int32: RecordBatch] = [:]
            guard try reader.poll(maximumRecords: 1, timeoutMilliseconds: 100, into: &batches) == 0 else {
                return false
            }
            var isPast = true
            for (partition, end) in ends {
                let isEnded = reader.isAtEnd(of: partition) && (reader.position(of: partition) ?? 0) >= end
                isPast = isPast && isEnded
            }
            if isPast { return true }
        }
        return false
    }
}
