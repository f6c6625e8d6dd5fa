import FuldmagtDomain
import FuldmagtKafka
import FuldmagtRecord

/// Tells the listener of shards, which are partitions of all consumed topics together.
///
/// A group gives all partitions of one number to one member only while all members consume the same topics, with equally
/// many partitions each. Else a shard would have two owners, each of which fences the other off; so one that comes without
/// some of its topics is not taken over, and stands still until the group gives it whole to somebody.
final class ShardAnswers: @unchecked Sendable {
    private weak var listener: (any AssignmentListener)?
    private let onNothingOwned: () -> Void
    private var owned: Set<Int32> = []

    /// - Parameter onNothingOwned: called when shards are lost, and before the first shards are taken over.
    init(_ listener: any AssignmentListener, onNothingOwned: @escaping () -> Void) {
        self.listener = listener
        self.onNothingOwned = onNothingOwned
    }

    func answer(_ event: RebalanceEvent) -> [TopicPartition: Int64] {
        switch event {
        case .assigned(let partitions):
            // A broker that was started anew while this worker owned nothing told it nothing of that. It may not know
            // the producer any more, and then nobody could fence it off: shards are taken over by a new one.
            if owned.isEmpty { onNothingOwned() }
            let missing = Self.missing(partitions)
            let shards = Self.shards(partitions).filter { missing[$0] == nil }
            owned.formUnion(shards)
            let positions = listener?.assigned(shards) ?? [:]
            if !missing.isEmpty { listener?.withheld(missing) }
            var starts: [TopicPartition: Int64] = [:]
            for partition in partitions {
                guard let topic = Topic(name: partition.topic) else { continue }
                guard missing[partition.partition] == nil else {
                    // What is there already is whole to be read by whoever gets the shard; nobody reads it here.
                    starts[partition] = KafkaConsumer.end
                    continue
                }
                starts[partition] = positions[partition.partition]?[topic]
            }
            return starts
        case .revoked(let partitions):
            let shards = Self.shards(partitions).filter(owned.contains)
            listener?.revoked(shards)
            owned.subtract(shards)
        case .lost(let partitions):
            let shards = Self.shards(partitions).filter(owned.contains)
            listener?.lost(shards)
            owned.subtract(shards)
            onNothingOwned()
        }
        return [:]
    }

    private static func shards(_ partitions: [TopicPartition]) -> [Int32] {
        Set(partitions.map(\.partition)).sorted()
    }

    /// Topics that did not come with a shard, by shard.
    private static func missing(_ partitions: [TopicPartition]) -> [Int32: [Topic]] {
        var given: [Int32: Set<String>] = [:]
        for partition in partitions { given[partition.partition, default: []].insert(partition.topic) }
        return given.mapValues { names in Topic.consumed.filter { !names.contains($0.name) } }.filter { !$1.isEmpty }
    }
}
