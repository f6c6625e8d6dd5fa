import FuldmagtDomain
import FuldmagtKafka
import FuldmagtRecord
import Testing

@testable import FuldmagtWorker

/// What a worker makes of the partitions that its group gives it.
@Suite struct ShardAnswersTests {
    private final class Listener: AssignmentListener {
        var owned: Set<Int32> = []
        var given: [Int32: [Topic]] = [:]

        func assigned(_ shards: [Int32]) -> [Int32: [Topic: Int64]] {
            owned.formUnion(shards)
            return Dictionary(uniqueKeysWithValues: shards.map { ($0, [.grantCommands: 7]) })
        }
        func revoked(_ shards: [Int32]) { owned.subtract(shards) }
        func lost(_ shards: [Int32]) { owned.subtract(shards) }
        func withheld(_ shards: [Int32: [Topic]]) { given = shards }
    }

    private func partitions(_ numbers: [Int32], _ topics: [Topic] = Topic.consumed) -> [TopicPartition] {
        numbers.flatMap { number in topics.map { TopicPartition(topic: $0.name, partition: number) } }
    }

    @Test("a shard that comes with all its topics is taken over, and read from where it stands")
    func whole() {
        let listener = Listener()
        let answers = ShardAnswers(listener, onNothingOwned: {})
        let starts = answers.answer(.assigned(partitions([0, 1])))
        #expect(listener.owned == [0, 1])
        #expect(listener.given.isEmpty)
        #expect(
            starts == Dictionary(uniqueKeysWithValues: partitions([0, 1], [.grantCommands]).map { ($0, Int64(7)) }))
    }

    @Test("a shard that comes without some of its topics is nobody's, until the group gives it whole")
    func partly() {
        let listener = Listener()
        let answers = ShardAnswers(listener, onNothingOwned: {})
        let rest = Topic.consumed.filter { $0 != .receipts }
        // As where another member does not consume receipts.
        let given = partitions([0]) + partitions([1], [.receipts])
        let starts = answers.answer(.assigned(given))
        #expect(listener.owned == [0])
        #expect(listener.given == [1: rest])
        #expect(starts[TopicPartition(topic: Topic.receipts.name, partition: 1)] == KafkaConsumer.end)
        #expect(starts[TopicPartition(topic: Topic.grantCommands.name, partition: 0)] == 7)
        _ = answers.answer(.revoked(given))
        #expect(listener.owned.isEmpty)
        _ = answers.answer(.assigned(partitions([0, 1])))
        #expect(listener.owned == [0, 1])
    }
}
