import FuldmagtDomain
import Testing

@testable import FuldmagtStore

@Suite struct ParkedOrderTests {
    private func parked(_ row: Int64, _ partition: Int32, _ offset: Int64, _ topic: Topic = .grantCommands)
        -> ParkedCommand
    {
        ParkedCommand(
            row: row, key: Ident(high: 0, low: 0), id: "",
            record: PassedOnCommand(
                topic: topic, position: Position(topic: topic, partition: partition, offset: offset),
                at: Instant(milliseconds: 0), sealed: []),
            why: .order, isRevocation: false)
    }

    @Test(
        "commands of one partition are in its order, in the places that they had among those of others",
        arguments: [
            ([(1, 5), (1, 6), (1, 7)], [1, 2, 3]),
            ([(1, 7), (1, 5), (1, 6)], [2, 3, 1]),
            ([(1, 9), (2, 3), (1, 4), (2, 1)], [3, 4, 1, 2]),
            ([(2, 3), (1, 9), (3, 1), (1, 4)], [1, 4, 3, 2]),
            ([(1, 1)], [1]),
            ([], []),
        ] as [([(Int32, Int64)], [Int64])])
    func ordered(_ came: [(Int32, Int64)], _ rows: [Int64]) {
        let commands = came.enumerated().map { parked(Int64($0.offset) + 1, $0.element.0, $0.element.1) }
        #expect(ParkedCommand.ordered(commands).map(\.row) == rows)
    }

    @Test("a topic's offsets say nothing of another's")
    func topics() {
        let commands = [parked(1, 1, 9), parked(2, 1, 2, .moveCommands), parked(3, 1, 4)]
        #expect(ParkedCommand.ordered(commands).map(\.row) == [3, 2, 1])
    }
}
