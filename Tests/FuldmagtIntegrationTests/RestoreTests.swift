import Foundation
import FuldmagtDomain
import FuldmagtTestBroker
import FuldmagtTestKit
import Testing

/// A real broker, and machines that lose their disks or come back with old ones.
@Suite(.serialized) struct RestoreTests {
    /// What each rebuilt shard's log line says: rows, rows a second.
    private func rebuilt(_ cluster: KafkaCluster, _ worker: String) throws -> [(rows: Int, perSecond: Int)] {
        try String(contentsOfFile: "\(cluster.directory)/\(worker).log", encoding: .utf8).split(separator: "\n")
            .compactMap { line in
                // The last line may be half written.
                let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String]
                guard object?["text"] == "shard rebuilt from the changelog" else { return nil }
                return (Int(object?["rows"] ?? "") ?? 0, Int(object?["rows_per_second"] ?? "") ?? 0)
            }
    }

    @Test(
        "a disk is lost, another machine takes over, and the first comes back with its old disk: the state is the model's"
    )
    func disks() throws {
        var options = Workload.Options()
        options.hasTimedActivations = false
        options.hasFutureMoves = false
        options.phases = 4
        let cluster = try KafkaCluster(start: Instant(milliseconds: 1_772_434_800_000))
        let workload = Workload(
            seed: 31, citizens: 400, commands: 6_000, partitions: 4, keys: cluster.keys, options: options)
        var model = cluster.model
        // The catalogue, the first moves and some commands before the disk is lost.
        let all = workload.everything().map(\.records)
        let phases = [Array(all[0...2])] + all.dropFirst(3).map { [$0] }
        func play(_ phase: Int, by name: String, folder: String) throws {
            // One member of the group, wherever it runs: this broker never lets a member go that does not come back.
            let worker = try cluster.worker(
                name, folder: folder,
                environment: ["FULDMAGT_BATCH_RECORDS": "300", "FULDMAGT_WORKER_ID": "member"])
            for records in phases[phase] {
                for record in records { model.take(record) }
                try cluster.send(records)
                try cluster.wait(for: model)
            }
            try worker.stop()
        }
        try play(0, by: "w1", folder: "a")
        let before = try cluster.dump("a")
        try FileManager.default.removeItem(atPath: "\(cluster.directory)/a")
        // Nothing new is published: what is there afterwards is what was rebuilt.
        let restorer = try cluster.worker("w1", folder: "a", environment: ["FULDMAGT_WORKER_ID": "member"])
        try cluster.wait(for: model) {
            guard restorer.isRunning else { throw KafkaCluster.Timeout(text: "the worker ended") }
        }
        try cluster.wait(seconds: 120, for: "four rebuilt shards") { try rebuilt(cluster, "w1").count == 4 }
        try restorer.stop()
        #expect(try rebuilt(cluster, "w1").count == 4)
        let isSame = try cluster.dump("a") == before
        #expect(isSame)
        try play(1, by: "w1", folder: "a")
        try play(2, by: "w2", folder: "b")
        #expect(try rebuilt(cluster, "w2").count == 4)
        try play(3, by: "w1", folder: "a")
        #expect(try rebuilt(cluster, "w1").count == 8)
        let differences = try cluster.observe().differences(from: model)
        let isEqual = differences.isEmpty
        #expect(isEqual, "\(differences.count) differences:\n\(differences.prefix(8).joined(separator: "\n"))")
        let isModels = try cluster.dump("a").filter { !$0.contains(#""table":"processed""#) } == model.dump()
        #expect(isModels)
        for one in try rebuilt(cluster, "w1") + rebuilt(cluster, "w2") {
            print("rebuilt \(one.rows) rows at \(one.perSecond)/s")
        }
        try cluster.stop()
    }
}
