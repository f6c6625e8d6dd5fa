import FuldmagtDomain
import FuldmagtKafka
import FuldmagtOperations
import FuldmagtRecord
import FuldmagtWorker

/// Asks the broker how the cluster stands.
struct StatusReader {
    let environment: Environment
    private static let timeoutMilliseconds: Int32 = 30_000
    /// Longest wait for the first unprocessed record of a partition.
    private static let peekMilliseconds: UInt64 = 5_000
    /// Dead letters that are counted one by one.
    private static let countedDeadLetters = 10_000

    func read() async throws -> ClusterStatus {
        let configuration = try environment.kafka
        let group = "fuldmagt-\(try environment.cluster)"
        let admin = try await Connection.admin()
        let partitions = try TopicCheck.run(admin, printing: false)
        let description = try members(of: group, admin)
        let places = try Connection.trying { () throws(KafkaFailure) in
            try Self.places(partitions, group: group, configuration)
        }
        let letters = try deadLetters(partitions)
        let parked = places.parked
        var owners: [Int32: String] = [:]
        var members: [ClusterStatus.Member] = []
        for member in description?.members ?? [] {
            let shards = Set(
                member.partitions.filter { Topic(name: $0.topic).map(Topic.consumed.contains) ?? false }
                    .map(\.partition)
            ).sorted()
            for shard in shards { owners[shard] = member.name }
            members.append(.init(name: member.name, host: member.host, shards: shards))
        }
        return ClusterStatus(
            group: group, state: description?.state, members: members,
            shards: (0..<partitions).map {
                .init(
                    number: $0, owner: owners[$0], places: places.byShard[$0] ?? [],
                    deadLetters: letters.byShard[$0] ?? 0, parked: parked[$0]?.commands,
                    parkedRevocations: parked[$0]?.revocations ?? 0)
            },
            otherDeadLetters: letters.others, hasMoreDeadLetters: letters.areMore,
            otherGroups: description?.members.isEmpty == true ? Self.groups(besides: group, admin) : [])
    }

    /// Groups that are named as those of clusters are. None where the broker does not tell: that adds to a message only.
    private static func groups(besides group: String, _ admin: KafkaAdmin) -> [String] {
        do {
            let all = try admin.groups(timeoutMilliseconds: 5_000)
            return all.filter { $0.hasPrefix("fuldmagt-") && $0 != group }
        } catch {
            return []
        }
    }

    /// Nil where the broker does not tell of groups.
    private func members(of group: String, _ admin: KafkaAdmin) throws -> GroupDescription? {
        do {
            return try admin.describe(group: group, timeoutMilliseconds: Self.timeoutMilliseconds)
        } catch  where error.isUnsupported {
            return nil
        } catch {
            return try Connection.trying { () throws(KafkaFailure) in throw error }
        }
    }

    private static func places(
        _ partitions: Int32, group: String, _ configuration: KafkaConfiguration
    ) throws(KafkaFailure) -> (byShard: [Int32: [ClusterStatus.Place]], parked: [Int32: InboxNote.Parked]) {
        let reader = try RecordReader(KafkaLog.properties(configuration, for: .reader), topics: Topic.names)
        let offsets = try Connection.offsetReader(of: group, configuration)
        let all = (0..<partitions).flatMap { number in
            Topic.consumed.map { TopicPartition(topic: $0.name, partition: number) }
        }
        let found = try offsets.committedAndMarked(all, timeoutMilliseconds: timeoutMilliseconds)
        let committed = found.mapValues(\.offset)
        var parked: [Int32: InboxNote.Parked] = [:]
        for (partition, found) in found where partition.topic == Topic.inbox.name {
            parked[partition.partition] = InboxNote(text: found.mark).parked
        }
        var places: [Int32: [ClusterStatus.Place]] = [:]
        for partition in all {
            guard let topic = Topic(name: partition.topic) else { continue }
            let range = try reader.watermarks(partition, timeoutMilliseconds: timeoutMilliseconds)
            let position = max(committed[partition] ?? range.lowerBound, range.lowerBound)
            var lag = max(0, range.upperBound - position)
            var oldest: Instant?
            if lag > 0 {
                switch try peek(reader, partition, at: position) {
                case .record(let time): oldest = time
                case .onlyMarkers: lag = 0
                case .silence: break
                }
            }
            places[partition.partition, default: []].append(
                .init(topic: topic, committed: committed[partition], end: range.upperBound, lag: lag, oldest: oldest))
        }
        return (places, parked)
    }

    /// The frames that were published last, by shard. Shards of which nothing was are missing.
    static func marks(
        of shards: [Int32], _ environment: Environment, timeoutMilliseconds: Int32
    ) throws -> [Int32: FrameMark] {
        let group = "fuldmagt-\(try environment.cluster)"
        let configuration = try environment.kafka
        let inboxes = shards.map { TopicPartition(topic: Topic.inbox.name, partition: $0) }
        return try Connection.trying { () throws(KafkaFailure) in
            let reader = try Connection.offsetReader(of: group, configuration)
            var marks: [Int32: FrameMark] = [:]
            for (partition, found) in try reader.committedAndMarked(inboxes, timeoutMilliseconds: timeoutMilliseconds) {
                marks[partition.partition] = InboxNote(text: found.mark).mark
            }
            return marks
        }
    }

    private enum Peek {
        case record(Instant)
        case onlyMarkers
        case silence
    }

    private static func peek(
        _ reader: RecordReader, _ partition: TopicPartition, at position: Int64
    ) throws(KafkaFailure) -> Peek {
        try reader.assign([partition: .offset(position)])
        let started = Host.nanoseconds()
        while Host.nanoseconds() - started < peekMilliseconds * 1_000_000 {
            var batches: [Int32: RecordBatch] = [:]
            try reader.poll(maximumRecords: 1, timeoutMilliseconds: 100, into: &batches)
            if let time = batches[partition.partition]?.withRecords({ $0.first?.timestamp }) {
                return .record(Instant(milliseconds: time))
            }
            if reader.isAtEnd(of: partition) { return .onlyMarkers }
        }
        return .silence
    }

    private struct EnoughCounted: Error {}

    /// Dead letters by the shard they came from.
    private func deadLetters(_ partitions: Int32) throws -> (byShard: [Int32: Int], others: Int, areMore: Bool) {
        var byShard: [Int32: Int] = [:]
        var others = 0
        var count = 0
        do {
            try DeadLetterTopic(environment).forEach { record in
                guard count < Self.countedDeadLetters else { throw EnoughCounted() }
                count += 1
                if let topic = Topic(name: record.topic), Topic.consumed.contains(topic),
                    let shard = record.sourcePartition, (0..<partitions).contains(shard)
                {
                    byShard[shard, default: 0] += 1
                } else {
                    others += 1
                }
            }
        } catch is EnoughCounted {
            return (byShard, others, true)
        }
        return (byShard, others, false)
    }
}
