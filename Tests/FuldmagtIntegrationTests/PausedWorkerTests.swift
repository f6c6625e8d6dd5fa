import Foundation
import FuldmagtDomain
import FuldmagtTestBroker
import FuldmagtTestKit
import Testing

/// A worker that is stopped in the middle of its work, replaced, and let go on.
@Suite(.serialized) struct PausedWorkerTests {
    @Test("stopped under load, replaced on another machine, and resumed: it joins again, and the state is the model's")
    func resumed() throws {
        var options = Workload.Options()
        options.hasTimedActivations = false
        options.hasFutureMoves = false
        options.phases = 4
        let cluster = try KafkaCluster(start: Instant(milliseconds: 1_772_434_800_000))
        let workload = Workload(
            seed: 41, citizens: 400, commands: 6_000, partitions: 4, keys: cluster.keys, options: options)
        var model = cluster.model
        let phases = workload.phases()
        // One member of the group, wherever it runs: this broker never lets a member go that does not come back.
        let environment = ["FULDMAGT_BATCH_RECORDS": "100", "FULDMAGT_WORKER_ID": "member"]
        let first = try cluster.worker("w1", folder: "a", environment: environment)
        for phase in phases.indices {
            for record in phases[phase].records { model.take(record) }
            guard phase % 2 == 1 else {
                try cluster.send(phases[phase].records)
                try cluster.wait(for: model)
                continue
            }
            // Stopped with work in hand: some of it is decided, some published, some neither.
            let half = phases[phase].records.count / 2
            try cluster.send(Array(phases[phase].records[..<half]))
            first.pause()
            try cluster.send(Array(phases[phase].records[half...]))
            let second = try cluster.worker("w2", folder: "b", environment: environment)
            try cluster.wait(for: model)
            second.kill()
            first.resume()
        }
        #expect(first.isRunning)
        try first.stop()
        // It was let go on in the middle of its work: it must have found out that somebody else went on meanwhile.
        let log = try String(contentsOfFile: cluster.directory + "/w1.log", encoding: .utf8)
        #expect(log.contains("fenced off: another worker owns the shards"))
        let differences = try cluster.observe().differences(from: model)
        let isSame = differences.isEmpty
        #expect(isSame, "\(differences.count) differences:\n\(differences.prefix(8).joined(separator: "\n"))")
        // Whoever is next finds all of it.
        let last = try cluster.worker("w3", folder: "c", environment: environment)
        try cluster.wait(for: model)
        try cluster.wait(seconds: 120, for: "four rebuilt shards") { try rebuilt(cluster, "w3") == 4 }
        try last.stop()
        let isModels = try cluster.dump("c").filter { !$0.contains(#""table":"processed""#) } == model.dump()
        #expect(isModels)
        try cluster.stop()
    }

    private func rebuilt(_ cluster: KafkaCluster, _ worker: String) throws -> Int {
        try String(contentsOfFile: "\(cluster.directory)/\(worker).log", encoding: .utf8).split(separator: "\n")
            .count { $0.contains("shard rebuilt from the changelog") }
    }
}
