import Foundation
import FuldmagtDomain
import FuldmagtTestBroker
import FuldmagtTestKit
import FuldmagtWorker
import Testing

/// A real broker, the real program, and SIGKILL.
@Suite(.serialized) struct KillTests {
    @Test("20,000 commands through at least 20 kills: nothing lost, nothing doubled, and the state is the model's")
    func kills() throws {
        var options = Workload.Options()
        options.hasTimedActivations = false
        options.hasFutureMoves = false
        options.phases = 10
        let start = Instant(milliseconds: 1_772_434_800_000)
        let cluster = try KafkaCluster(start: start)
        let workload = Workload(
            seed: 11, citizens: 1_000, commands: 20_000, partitions: 4, keys: cluster.keys, options: options)
        var model = cluster.model
        var random = SplitMix64(seed: 5)
        var kills = 0
        // Named points first, each a few times deep into a phase; after them, random moments.
        var points = [
            Milestone.afterStoreCommit, .beforeStoreCommit, .afterProduce, .beforeLogCommit, .afterLogCommit, .polled,
        ]
        .flatMap { point in [2, 5].map { "\(point.rawValue):\($0)" } }
        var worker: ChildProcess?
        /// The point at which the worker that runs now ends itself.
        var point: String?
        func begin() throws {
            var environment = ["FULDMAGT_BATCH_RECORDS": "200"]
            // Days pass with the records, and the worker's clock stands still.
            for step in ["SUBMITTED", "ACCEPTED", "LETTER_SUBMITTED", "LETTER_ACCEPTED"] {
                environment["FULDMAGT_RECEIPT_\(step)_HOURS"] = "0"
            }
            // One that was not reached before the worker was killed comes again.
            point = point ?? points.popLast()
            if let point { environment["FULDMAGT_TEST_KILL"] = point }
            worker = try cluster.worker("w1", environment: environment)
        }
        /// Starts a worker where there is none, and sees to it that the one before was killed and did not fail.
        func replace() throws {
            guard let ended = worker else { return try begin() }
            guard !ended.isRunning else { return }
            try #require(ended.endedBySignal == SIGKILL, "a worker ended by itself, at \(point ?? "no point")")
            try #require(point != nil)
            point = nil
            kills += 1
            try begin()
        }
        func kill() throws {
            // It may have reached its point in this moment.
            if worker?.isRunning != true { return try replace() }
            worker?.kill()
            kills += 1
            try begin()
        }
        var receipts = ReceiptWorkload(seed: 12, keys: cluster.keys, partitions: 4)
        func send(_ records: [ModelRecord], pieces: Int) throws {
            for record in records { model.take(record) }
            try replace()
            for piece in 0..<pieces {
                let size = (records.count + pieces - 1) / pieces
                let from = min(piece * size, records.count)
                try cluster.send(Array(records[from..<min(from + size, records.count)]))
                try replace()
                // The moment is as random as the machine makes it.
                if random.next() % 2 == 0 { try kill() }
            }
            try cluster.wait(for: model) { try replace() }
        }
        for (number, phase) in workload.everything().enumerated() {
            try send(phase.records, pieces: 4)
            guard number % 3 == 2 else { continue }
            let last = phase.records.last?.timestamp ?? 0
            try send(receipts.next(300, of: model, hasUnknown: true, after: last), pieces: 1)
            // Most receipts are answered by nothing that could be waited for.
            try cluster.wait(seconds: 240, for: "the receipts") {
                try replace()
                return try cluster.isQuiet()
            }
        }
        #expect(points.isEmpty && point == nil, "not reached: \(points) \(point ?? "")")
        point = nil
        points = []
        while kills < 20 {
            try kill()
            try cluster.wait(for: model) { try replace() }
        }
        try replace()
        try #require(worker).stop()
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
        #expect(kills >= 20)
        // Every kind but a new number, which has scenarios of its own.
        let accepted = Set(model.outcomes.filter { $0.status == "accepted" }.map(\.type))
        #expect(accepted == Set(CommandType.allCases.filter { $0 != .moveRenumber }.map(\.name)))
        print("\(model.outcomes.count) outcomes, \(model.notifications.count) notifications, \(kills) kills")
        try cluster.stop()
    }
}
