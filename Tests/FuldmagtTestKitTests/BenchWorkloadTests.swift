import FuldmagtDomain
import FuldmagtKeys
import FuldmagtRecord
import FuldmagtTestKit
import Testing

@Suite struct BenchWorkloadTests {
    static func record(
        _ topic: Topic, _ key: UnsafeRawBufferPointer, _ headers: UnsafeRawBufferPointer,
        _ value: UnsafeRawBufferPointer
    ) -> ModelRecord {
        var list: [(String, [UInt8])] = []
        HeaderBlock.forEach(in: headers) { name, value in
            list.append((String(decoding: name, as: UTF8.self), Array(value ?? .init(start: nil, count: 0))))
        }
        return ModelRecord(
            topic: topic, key: Array(key), headers: list, value: Array(value), timestamp: Scenario.noon)
    }

    @Test func everyCommandComesToWhatItsKindSays() throws {
        let bench = BenchWorkload(seed: 9, citizens: 300, commands: 3000)
        var buffer = bench.makeBuffer()
        var test = try Scenario()
        for record in bench.catalogue(at: Scenario.noon) { test.model.take(record) }
        for citizen in 0..<bench.citizens {
            test.model.take(bench.relocation(citizen, in: &buffer) { Self.record(.moveCommands, $0, $1, $2) })
        }
        let preloaded = test.model.outcomes.count
        #expect(test.model.outcomes.allSatisfy { $0.status == "accepted" })
        var bytes = 0
        for index in 0..<bench.commands {
            let record = bench.command(index, in: &buffer) { Self.record(.grantCommands, $0, $1, $2) }
            let before = test.model.outcomes.count
            test.model.take(record)
            bytes += record.value?.count ?? 0
            switch bench.kind(of: index) {
            case .repeated: #expect(test.model.outcomes.count == before)
            case .accepted: #expect(test.model.outcomes.last?.reasons == [] && test.model.outcomes.count > before)
            case .notActivated:
                #expect(test.model.outcomes.last?.reasons == [ExpectedReason("package-not-activated", "packages[0]")])
            }
        }
        #expect(test.model.deadLetters.isEmpty)
        #expect((370...390).contains(bytes / bench.commands))
        let counts = bench.counts()
        #expect(test.model.outcomes.count - preloaded == counts.accepted + counts.notActivated)
        #expect((40...80).contains(counts.repeated) && (70...110).contains(counts.notActivated))
    }

    @Test func anyCommandCanBeMadeAlone() {
        let bench = BenchWorkload(seed: 9, citizens: 1000, commands: 5000)
        var one = bench.makeBuffer()
        var other = bench.makeBuffer()
        for index in 0..<200 { bench.command(index, in: &one) { _, _, _ in } }
        for index in [4999, 0, 1234] {
            let first = bench.command(index, in: &one) { Self.record(.grantCommands, $0, $1, $2) }
            let second = bench.command(index, in: &other) { Self.record(.grantCommands, $0, $1, $2) }
            #expect(first == second)
        }
    }
}
