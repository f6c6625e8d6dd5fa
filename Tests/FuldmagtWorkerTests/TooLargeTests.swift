import FuldmagtDomain
import FuldmagtRecord
import Testing

@testable import FuldmagtWorker

/// What is said where a record is larger than its topic takes.
@Suite struct TooLargeTests {
    private func frame(_ topic: Topic, bytes: Int) -> Frame {
        var writer = FrameWriter()
        writer.append(
            topic: topic.rawValue, partition: 0, timestamp: nil, key: nil, headers: { _ in },
            value: {
                $0.append(contentsOf: Array(repeating: 0, count: bytes))
                return true
            })
        return writer.take()
    }

    @Test("the largest record is the one that was refused: its topic's limit is named", arguments: Topic.allCases)
    func names(_ topic: Topic) {
        var transaction = LogTransaction()
        transaction.frames = [frame(.outcomes, bytes: 9), frame(topic, bytes: 1_000), frame(.notifications, bytes: 10)]
        let failure = KafkaLog.tooLarge("it is too large", in: transaction)
        #expect(failure.consequence == .fatal && failure.text.contains("has 1000 bytes"))
        #expect(failure.text.contains("Raise max.message.bytes of \(topic.name), and FULDMAGT_KAFKA_MESSAGE_MAX_BYTES"))
    }
}
