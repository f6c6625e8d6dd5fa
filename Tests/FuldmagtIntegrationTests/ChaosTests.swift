import Foundation
import FuldmagtDomain
import FuldmagtTestKit
import Testing

/// A real broker, three workers of the real program, and everything that can happen to them.
@Suite(.serialized) struct ChaosTests {
    /// How long it goes on: FULDMAGT_CHAOS_SECONDS, which `deploy/test --chaos` sets. How many commands are sent follows
    /// from it: 50,000 in five minutes.
    private static let seconds = ProcessInfo.processInfo.environment["FULDMAGT_CHAOS_SECONDS"].flatMap { Double($0) }

    @Test(
        "killed, ended, paused, their disks lost and the broker restarted: nothing lost, nothing doubled",
        .enabled(if: seconds != nil, "run by deploy/test --chaos"))
    func chaos() throws {
        let seconds = try #require(Self.seconds)
        var options = Workload.Options()
        options.hasTimedActivations = false
        options.hasFutureMoves = false
        let commands = Int(seconds * 1_000 / 6)
        options.phases = max(4, commands / 2_500)
        let cluster = try KafkaCluster(partitions: 8, start: Instant(milliseconds: 1_772_434_800_000))
        let workload = Workload(
            seed: 61, citizens: commands / 20, commands: commands, partitions: 8, keys: cluster.keys, options: options)
        let phases = workload.everything()
        let total = phases.reduce(0) { $0 + $1.records.count }
        var model = cluster.model
        let scene = try ChaosScene(cluster: cluster, seed: 7)
        let started = Date()
        var sent = 0
        for phase in phases {
            for record in phase.records { model.take(record) }
            var rest = phase.records[...]
            while !rest.isEmpty {
                // A steady rate over the whole time, made up for where something took longer.
                if sent < Int(Date().timeIntervalSince(started) / seconds * Double(total)) {
                    try cluster.send(Array(rest.prefix(100)))
                    sent += min(100, rest.count)
                    rest = rest.dropFirst(100)
                } else {
                    try cluster.observe()
                }
                try scene.goOn()
            }
            try cluster.wait(for: model, seconds: 180) { try scene.goOn() }
            print("\(Int(Date().timeIntervalSince(started))) s: \(sent) of \(total) records; \(scene.summary)")
            try scene.restartBroker()
        }
        let struck = Int(Date().timeIntervalSince(started))
        try scene.calm()
        try scene.stop()
        let differences = try cluster.observe().differences(from: model)
        let isSame = differences.isEmpty
        #expect(isSame, "\(differences.count) differences:\n\(differences.prefix(8).joined(separator: "\n"))")
        let dump = try scene.rebuild(into: "fresh").filter { !$0.contains(#""table":"processed""#) }
        let expected = model.dump()
        let isEqual = dump == expected
        #expect(
            isEqual,
            "missing \(Set(expected).subtracting(dump).sorted().prefix(3))\nextra \(Set(dump).subtracting(expected).sorted().prefix(3))"
        )
        print(
            "\(model.outcomes.count) outcomes, \(model.notifications.count) notifications, \(total) records in \(struck) s: \(scene.summary)"
        )
        #expect(scene.endedByThemselves.isEmpty, "\(scene.endedByThemselves.joined(separator: "\n"))")
        #expect(scene.blows.count == ChaosScene.Blow.allCases.count)
        #expect(scene.brokerRestarts > 0)
        try cluster.stop()
    }
}
