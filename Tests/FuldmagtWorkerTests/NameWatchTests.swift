import FuldmagtKafka
import Testing

@testable import FuldmagtWorker

@Suite struct NameWatchTests {
    private static let second: UInt64 = 1_000_000_000

    @Test("a name that is taken once or twice was restarted; one that is taken again and again is used twice")
    func often() {
        var watch = NameWatch()
        #expect((1...5).map { watch.taken(at: $0 * 10 * Self.second) } == [nil, nil, 3, 4, 5])
        // Restarts, each an hour from the next.
        var calm = NameWatch()
        #expect((1...5).allSatisfy { calm.taken(at: $0 * 3_600 * Self.second) == nil })
    }

    @Test("it is the group's word about the name that counts, not that a producer was fenced off")
    func whichFailures() {
        func failure(_ code: Int32) -> LogFailure {
            LogFailure(KafkaFailure(code: code, consequence: .fenced, text: "fenced"))
        }
        // FENCED_INSTANCE_ID, UNKNOWN_MEMBER_ID, PRODUCER_FENCED.
        #expect(failure(82).isNameTaken && !failure(25).isNameTaken && !failure(90).isNameTaken)
    }
}
