import FuldmagtDomain
import FuldmagtTestBroker
import FuldmagtTestKit
import Testing

/// The same commands on a real broker, cut into other batches and shared out among other workers.
@Suite(.serialized) struct SameBytesTests {
    struct Way: Sendable, CustomTestStringConvertible {
        var batch: Int
        var workers: Int
        var testDescription: String { "batches of \(batch), \(workers) workers" }
    }

    @Test(
        "whatever the batches and the number of workers, the state is the model's to the byte",
        arguments: [Way(batch: 8_000, workers: 1), Way(batch: 50, workers: 2)])
    func sameBytes(_ way: Way) throws {
        var options = Workload.Options()
        options.hasTimedActivations = false
        options.hasFutureMoves = false
        options.phases = 4
        let cluster = try KafkaCluster(start: Instant(milliseconds: 1_772_434_800_000))
        let workload = Workload(
            seed: 21, citizens: 300, commands: 3_000, partitions: 4, keys: cluster.keys, options: options)
        var model = cluster.model
        let workers = try (1...way.workers).map {
            try cluster.worker("w\($0)", environment: ["FULDMAGT_BATCH_RECORDS": "\(way.batch)"])
        }
        for phase in workload.everything() {
            for record in phase.records { model.take(record) }
            try cluster.send(phase.records)
            try cluster.wait(for: model)
        }
        for worker in workers { try worker.stop() }
        let differences = try cluster.observe().differences(from: model)
        let isSame = differences.isEmpty
        #expect(isSame, "\(differences.count) differences:\n\(differences.prefix(8).joined(separator: "\n"))")
        let dump = try cluster.dump().filter { !$0.contains(#""table":"processed""#) }
        let expected = model.dump()
        let isEqual = dump == expected
        #expect(
            isEqual,
            "missing \(Set(expected).subtracting(dump).sorted().prefix(3))\nextra \(Set(dump).subtracting(expected).sorted().prefix(3))"
        )
        try cluster.stop()
    }
}
