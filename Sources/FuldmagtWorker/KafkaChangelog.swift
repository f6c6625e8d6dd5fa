import FuldmagtDomain
import FuldmagtKafka
import FuldmagtRecord

/// The changelog on Kafka, read with a client of its own that belongs to no group; the client is made when it is needed.
public final class KafkaChangelog: ChangelogSource, @unchecked Sendable {
    private let configuration: KafkaConfiguration
    private let timeoutMilliseconds: Int32
    private var client: RecordReader?
    /// The shard being read, to the end it had when that began.
    private var reading: (shard: Int32, progress: ChangelogProgress)?

    /// - Parameter timeoutMilliseconds: how long the broker may be silent.
    public init(_ configuration: KafkaConfiguration, timeoutMilliseconds: Int32) {
        self.configuration = KafkaLog.properties(configuration, for: .reader)
        self.timeoutMilliseconds = timeoutMilliseconds
    }

    public func readChangelog(
        shard: Int32, from position: Int64, into batch: inout RecordBatch, limit: Int
    ) throws(LogFailure) -> ChangelogProgress {
        let partition = TopicPartition(topic: Topic.changelog.name, partition: shard)
        do throws(KafkaFailure) {
            let reader = try reader()
            var progress = try begin(partition, at: position, reader)
            guard progress.end >= position else {
                throw KafkaFailure(
                    code: 0, consequence: .fatal,
                    text: "the changelog of shard \(shard) ends at \(progress.end), and was read to \(position)")
            }
            var batches: [Int32: RecordBatch] = [:]
            var idle: Int32 = 0
            while !progress.isAtEnd, batches[shard]?.count ?? 0 < limit {
                let read = try reader.poll(
                    maximumRecords: limit - (batches[shard]?.count ?? 0), timeoutMilliseconds: 100, into: &batches)
                // Markers of transactions have offsets too, which are passed over once the end is known to be reached.
                progress.next = max(progress.next, reader.position(of: partition) ?? 0)
                idle = read == 0 ? idle + 1 : 0
                if idle * 100 > timeoutMilliseconds {
                    throw KafkaFailure(code: 0, consequence: .retriable, text: "the changelog does not answer")
                }
            }
            if let read = batches[shard] { batch = read }
            reading = (shard, progress)
            if progress.isAtEnd {
                try reader.assign([:])
                reading = nil
            }
            return progress
        } catch {
            // What was read and not handed out is read again.
            reading = nil
            throw LogFailure(reading: error)
        }
    }

    private func begin(
        _ partition: TopicPartition, at position: Int64, _ reader: RecordReader
    ) throws(KafkaFailure) -> ChangelogProgress {
        if let reading, reading.shard == partition.partition, reading.progress.next == position {
            return reading.progress
        }
        let marks = try reader.watermarks(partition, timeoutMilliseconds: timeoutMilliseconds)
        let end = marks.upperBound
        if marks.lowerBound > position {
            throw KafkaFailure(
                code: 0, consequence: .fatal,
                text: LogFailure.beheaded(shard: partition.partition, at: marks.lowerBound).text)
        }
        if end > position { try reader.assign([partition: position == 0 ? .beginning : .offset(position)]) }
        return ChangelogProgress(next: position, end: end)
    }

    private func reader() throws(KafkaFailure) -> RecordReader {
        if let client { return client }
        let reader = try RecordReader(configuration, topics: Topic.names)
        client = reader
        return reader
    }
}
