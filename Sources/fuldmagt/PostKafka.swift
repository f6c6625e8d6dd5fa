import FuldmagtDomain
import FuldmagtKafka
import FuldmagtPost
import FuldmagtRecord
import FuldmagtWorker

/// Notifications and receipts on Kafka.
final class PostKafka: PostLog {
    /// What is committed.
    private let reader: RecordReader
    /// What is written, committed or not: see `WithdrawalLead`.
    private let lookout: RecordReader
    private let producer: KafkaProducer
    private let partitions: [TopicPartition]
    private var isAssigned = false
    private let acceptsGap: Bool
    /// Where the lookout goes on; nil where it reads nothing.
    private var lookingFrom: [Int32: Int64]?
    private static let timeoutMilliseconds: Int32 = 30_000

    init(_ environment: Environment) throws {
        let configuration = try environment.kafka
        acceptsGap = try environment.flag("accept.gap", name: "FULDMAGT_ACCEPT_GAP", default: false)
        partitions = try Connection.partitions(of: .notifications, configuration, saying: false)
        let properties = KafkaLog.properties(configuration, for: .reader)
        reader = try RecordReader(properties, topics: Topic.names)
        lookout = try RecordReader(properties.setting(["isolation.level": "read_uncommitted"]), topics: Topic.names)
        producer = try KafkaProducer(KafkaLog.properties(configuration, for: .producer), topics: Topic.names)
    }

    func read(from positions: [Int32: Int64], _ body: (Int32, RecordView) throws -> Void) throws -> [Int32: Int64] {
        // It is not to fetch what this reads.
        try rest()
        if !isAssigned {
            if !acceptsGap { try checkGap(positions) }
            try reader.assign(
                Dictionary(
                    uniqueKeysWithValues: partitions.map { partition in
                        (partition, positions[partition.partition].map { .offset($0) } ?? .beginning)
                    }))
            isAssigned = true
        }
        var ends: [TopicPartition: Int64] = [:]
        for (partition, end) in try reader.ends(of: partitions, timeoutMilliseconds: Self.timeoutMilliseconds) {
            let position = positions[partition.partition] ?? 0
            guard position <= end else {
                throw KafkaFailure(
                    code: 0, consequence: .configuration,
                    text:
                        "\(partition) ends at \(end), and the ledger has read up to \(position): it is another broker's, or the broker has lost records"
                )
            }
            if end > position { ends[partition] = end }
        }
        try Self.read(reader, to: ends, body)
        var reached = positions
        for partition in partitions {
            if let position = reader.position(of: partition) { reached[partition.partition] = position }
        }
        return reached
    }

    func look(from positions: [Int32: Int64], _ body: (Int32, RecordView) throws -> Void) throws -> [Int32: Int64] {
        let ends = try lookout.ends(of: partitions, timeoutMilliseconds: Self.timeoutMilliseconds)
        let ahead = ends.filter { $0.value > positions[$0.key.partition] ?? 0 }
        guard !ahead.isEmpty else { return positions }
        if lookingFrom != positions {
            try lookout.assign(
                Dictionary(
                    uniqueKeysWithValues: partitions.map { ($0, .offset(positions[$0.partition] ?? 0)) }))
        }
        try Self.read(lookout, to: ahead, body)
        var reached = positions
        for (partition, end) in ahead {
            reached[partition.partition] = max(end, lookout.position(of: partition) ?? 0)
        }
        lookingFrom = reached
        return reached
    }

    /// Stops where records were deleted before they were read: there may be withdrawals of what still waits among them.
    private func checkGap(_ positions: [Int32: Int64]) throws {
        for partition in partitions {
            guard let position = positions[partition.partition] else { continue }
            let first = try reader.watermarks(partition, timeoutMilliseconds: Self.timeoutMilliseconds).lowerBound
            guard position < first else { continue }
            throw KafkaFailure(
                code: 0, consequence: .configuration,
                text:
                    "\(partition) begins at \(first), and the ledger has read up to \(position) only: what stood between, withdrawals perhaps, is deleted. See to it, then go on with FULDMAGT_ACCEPT_GAP=1, for one start"
            )
        }
    }

    private func rest() throws {
        guard lookingFrom != nil else { return }
        lookingFrom = nil
        try lookout.assign([:])
    }

    /// Reads on until positions are reached.
    private static func read(
        _ reader: RecordReader, to ends: [TopicPartition: Int64], _ body: (Int32, RecordView) throws -> Void
    ) throws {
        var batches: [Int32: RecordBatch] = [:]
        var quietSince = Host.nanoseconds()
        while !ends.allSatisfy({ (reader.position(of: $0) ?? 0) >= $1 }) {
            let read = try reader.poll(maximumRecords: 2_000, timeoutMilliseconds: 100, into: &batches)
            if read > 0 { quietSince = Host.nanoseconds() }
            for partition in batches.keys.sorted() {
                try batches[partition]?.withRecords { (records) throws in
                    for record in records { try body(partition, record) }
                }
                batches[partition]?.removeAll()
            }
            // Nothing may be sent before the end is reached: there may be withdrawals.
            guard Host.nanoseconds() - quietSince < UInt64(timeoutMilliseconds) * 1_000_000 else {
                throw KafkaFailure(
                    code: 0, consequence: .retriable, text: "\(Topic.notifications.name) could not be read to its end")
            }
        }
    }

    func write(_ frame: Frame) throws {
        guard !frame.isEmpty else { return }
        try producer.produce(frame)
        try producer.flush(timeoutMilliseconds: 60_000)
    }
}
