import FuldmagtDomain
import FuldmagtKeys
import FuldmagtTestKit
import FuldmagtWorker
import Testing

/// The whole worker against the model that was written from the contract.
@Suite struct ModelAgreementTests {
    struct Run: Sendable, CustomTestStringConvertible {
        var seed: UInt64
        var batch: Int
        var members: Int
        var testDescription: String { "seed \(seed), batches of \(batch), \(members) workers" }
    }

    @Test(
        "outcomes, notifications, dead letters and state are the model's",
        arguments: [
            Run(seed: 1, batch: 8000, members: 1), Run(seed: 1, batch: 7, members: 1),
            Run(seed: 1, batch: 100, members: 2), Run(seed: 2, batch: 1, members: 3),
            Run(seed: 3, batch: 500, members: 1),
        ])
    func agrees(_ run: Run) throws {
        let cluster = try TestCluster(partitions: 4)
        cluster.options.batchRecords = run.batch
        let workload = Workload(
            seed: run.seed, citizens: 200, commands: 3000, partitions: 4, keys: TestCluster.keys)
        var model = NaiveModel(keys: TestCluster.keys, settings: cluster.options.settings)
        var receipts = ReceiptWorkload(seed: run.seed, keys: TestCluster.keys, partitions: 4)
        func send(_ records: [ModelRecord]) throws {
            for record in records {
                model.take(record)
                cluster.broker.append(
                    topic: record.topic, partition: record.partition, key: record.key, headers: record.headers,
                    value: record.value, timestamp: record.timestamp)
            }
            try cluster.drain(members: run.members)
        }
        for phase in workload.everything() {
            cluster.clock.now.withLock { $0 = phase.start }
            model.advance(to: phase.start)
            try cluster.drain(members: run.members)
            try send(phase.records)
            let last = phase.records.last?.timestamp ?? phase.start.milliseconds
            try send(receipts.next(12, of: model, hasUnknown: true, after: last))
        }
        try cluster.stop()
        var observed = Observed()
        for topic in [Topic.outcomes, .notifications, .deadLetters] {
            for partition in 0..<4 {
                cluster.broker.read(topic, partition: Int32(partition)).withRecords {
                    for record in $0 { observed.take(record) }
                }
            }
        }
        let differences = observed.differences(from: model)
        let isSame = differences.isEmpty
        #expect(isSame, "\(differences.count) differences:\n\(differences.prefix(8).joined(separator: "\n"))")
        let dump = try cluster.dump().filter { !$0.contains(#""table":"processed""#) }
        let expected = model.dump()
        let missing = Set(expected).subtracting(dump).sorted()
        let extra = Set(dump).subtracting(expected).sorted()
        let isEqual = dump == expected
        // Receipts moved notifications to wherever they can be moved.
        let states = Set(dump.compactMap { $0.firstMatch(of: /"state":"([a-z]+)","table":"post"/)?.1 })
        #expect(states.isSuperset(of: ["submitted", "accepted", "delivered", "queued", "task", "cancelled"]))
        #expect(model.deadLetters.contains { $0.reason == "unknown-receipt" })
        #expect(isEqual, "missing \(missing.count): \(missing.prefix(3))\nextra \(extra.count): \(extra.prefix(3))")
        #expect(try cluster.check() == [])
    }
}
