import Foundation
import FuldmagtDomain
import FuldmagtPost
import FuldmagtTestKit
import Testing

/// The consumers of notifications on a real broker, and SIGKILL.
@Suite(.serialized) struct PostKillTests {
    private static let size =
        ProcessInfo.processInfo.environment["FULDMAGT_POST_NOTIFICATIONS"].flatMap { Int($0) } ?? 1_500

    private func record(_ number: Int, _ random: Ident, kind: String, channel: String, _ cluster: KafkaCluster)
        -> ModelRecord
    {
        let data = """
            {"id":"\(random.asUUIDv4.uuidText)","kind":"\(kind)","recipient":{"cpr":"6101500014"},"channel":"\(channel)",
             "title":"Du har fået en fuldmagt","body":"Du har fået fuldmagt til “Eksempel \(number)”.","language":"da",
             "kle":"23.30.15","sender":{"cvr":"99000007","name":"Eksempel"},"cause":{"id":"c-\(number)"},
             "createdAt":"2026-03-02T07:00:00.000Z"}
            """
        let shard = Int32(number) % cluster.partitions
        return ModelRecord(
            topic: .notifications, partition: shard, key: Array(Ident(high: 1, low: UInt64(number)).description.utf8),
            headers: [
                ("ce_specversion", Array("1.0".utf8)), ("ce_type", Array("dk.fuldmagt.notification.v1".utf8)),
                ("fm_shard", Array(String(shard).utf8)),
            ], value: Array(data.utf8), timestamp: KafkaCluster.jobStart.milliseconds)
    }

    @Test(
        "notifications through consumers killed ten times and more: each sent under one id or withdrawn, all accounted for"
    )
    func kills() throws {
        let cluster = try KafkaCluster(start: KafkaCluster.jobStart)
        let scene = PostScene(
            cluster,
            simulation: [
                "--failures", "5", "--duplicates", "5", "--reordered", "20", "--lost", "2", "--max-delay-ms", "500",
            ])
        var random = SplitMix64(seed: 17)
        for role in PostScene.Role.allCases {
            try scene.start(role, killedAt: role.points.first.map { "\($0.rawValue):2" })
        }
        var digital: Set<String> = []
        var letters: Set<String> = []
        var rerouted: Set<String> = []
        var withdrawn: Set<String> = []
        let slices = 12
        var points = PostScene.Role.allCases.flatMap { role in role.points.map { (role, "\($0.rawValue):2") } }
        points = random.shuffled(points)
        for slice in 0..<slices {
            var records: [ModelRecord] = []
            for number in stride(from: slice, to: Self.size, by: slices) {
                let id = Ident(high: random.next(), low: random.next())
                let text = id.asUUIDv4.uuidText
                let isLetter = number % 10 == 0
                records.append(
                    record(number, id, kind: "grant-received", channel: isLetter ? "letter" : "digital-post", cluster))
                if isLetter { letters.insert(text) } else { digital.insert(text) }
                if number % 20 == 7 {
                    records.append(record(number, id, kind: "cancelled", channel: "digital-post", cluster))
                    withdrawn.insert(text)
                }
                if number % 25 == 13, !isLetter, !withdrawn.contains(text) {
                    records.append(record(number, id, kind: "grant-received", channel: "letter", cluster))
                    rerouted.insert(text)
                }
            }
            try cluster.send(records)
            try scene.revive()
            let victim = PostScene.Role.allCases[slice % 4]
            let next = points.firstIndex { $0.0 == victim }
            try scene.kill(victim, thenAt: next.map { points.remove(at: $0).1 })
        }
        try cluster.wait(seconds: 240) {
            try scene.revive()
            return try scene.isAtRest(notifications: digital.count + letters.count + rerouted.count)
        }
        try scene.stop()

        let (memoStates, letterStates) = (try scene.states(.digitalPost), try scene.states(.letter))
        let (byPost, byLetter) = (try scene.given(.digitalPost), try scene.given(.letter))
        // Nothing is sent under an id that is not its own, and everything is sent that was not withdrawn.
        #expect(Set(byPost.keys).isSubset(of: digital))
        #expect(Set(byLetter.keys) == letters.union(rerouted))
        #expect(Set(byPost.keys).isSuperset(of: digital.subtracting(withdrawn).subtracting(rerouted)))
        #expect(memoStates[.sent] == byPost.count && letterStates[.sent] == byLetter.count)
        #expect(
            memoStates == [
                .sent: byPost.count, .cancelled: withdrawn.subtracting(byPost.keys).count,
                .elsewhere: rerouted.subtracting(byPost.keys).count + letters.count,
            ])
        let counts = try scene.simulated()
        #expect(counts.messages == [.digitalPost: byPost.count, .letter: byLetter.count] && counts.refused == 0)
        let report = SimulationReport(simulation: counts, ledgers: try scene.ledgers.accounts())
        #expect(report.addsUp, "\(report.text)")
        // Everything that was handed over is told once, and every receipt that was not lost has come.
        let receipts = Array(try scene.receipts().values)
        let submitted = receipts.filter { $0.status == "submitted" }
        #expect(Set(submitted.filter { $0.transport == "digital-post" }.map(\.notification)) == Set(byPost.keys))
        #expect(Set(submitted.filter { $0.transport == "letter" }.map(\.notification)) == Set(byLetter.keys))
        #expect(submitted.count == byPost.count + byLetter.count)
        #expect(receipts.count - submitted.count == counts.written - counts.repeatsOfFirst)
        #expect(try cluster.observe().deadLetters.isEmpty)
        #expect(scene.kills >= 10)
        print(report.text)
        print("\(receipts.count) receipts, \(scene.kills) kills")
        try cluster.stop()
    }
}
