import Foundation
import FuldmagtDomain
import FuldmagtKafka
import FuldmagtPost
import FuldmagtRecord
import FuldmagtStore
import FuldmagtTestBroker
import FuldmagtTestKit
import Testing

/// From a command to the end of its notifications: worker, consumers and simulated transports on a real broker, killed.
@Suite(.serialized) struct PostChainTests {
    /// Notifications, about; FULDMAGT_POST_NOTIFICATIONS=10000 is the full length.
    private static let size =
        ProcessInfo.processInfo.environment["FULDMAGT_POST_NOTIFICATIONS"].flatMap { Int($0) } ?? 1_000
    private static var grantors: Int { min(size / 2, 8_000) }
    private static let package = """
        {"id":"tax","version":1,"title":{"da":"Skat","en":"Tax"},"wording":{"da":"Jeg giver fuldmagt.","en":"I give."},
         "kind":"act","scope":"national","kle":["27.60"]}
        """

    /// Standings that are no end.
    private static let open = [
        "queued", "submitted by digital-post", "accepted by digital-post", "submitted by letter", "accepted by letter",
    ]

    private func representative(_ number: Int) -> String { KafkaCluster.cpr(9_000 + number % 500) }

    private func grants(_ numbers: some Sequence<Int>) -> [ModelRecord] {
        numbers.flatMap { number -> [ModelRecord] in
            let cpr = KafkaCluster.cpr(number)
            var records: [ModelRecord] = []
            // One of ten is exempt before, and gets letters.
            if number % 10 == 3 { records.append(exemption(number)) }
            records.append(
                KafkaCluster.record(
                    "grant.issue",
                    #"{"grantor":{"cpr":"\#(cpr)"},"representative":{"cpr":"\#(representative(number))"},"packages":["tax"],"validUntil":"2030-06-01","channel":"digital"}"#,
                    id: "g\(number)", topic: .grantCommands, key: cpr))
            return records
        }
    }

    private func exemption(_ number: Int) -> ModelRecord {
        let cpr = KafkaCluster.cpr(number)
        return KafkaCluster.record(
            "exemption.register",
            #"{"citizen":{"cpr":"\#(cpr)"},"municipality":"0101","form":"FD 001A","journal":"j","caseworker":"c","requestedBy":"citizen","appearedInPerson":true}"#,
            id: "x\(number)", topic: .exemptionCommands, key: cpr)
    }

    private func revocation(_ number: Int) -> ModelRecord {
        let cpr = KafkaCluster.cpr(number)
        return KafkaCluster.record(
            "grant.revoke",
            #"{"grantor":{"cpr":"\#(cpr)"},"representative":{"cpr":"\#(representative(number))"},"packages":["tax"],"by":"grantor"}"#,
            id: "v\(number)", topic: .grantCommands, key: cpr)
    }

    /// Where every notification stands in the shards, by id.
    private func standings(_ cluster: KafkaCluster) throws -> [String: String] {
        var cancelled: [String: Bool] = [:]
        var channels: [String: String] = [:]
        var states: [String: String] = [:]
        for line in try cluster.dump()
        where line.contains(#""table":"notification""#) || line.contains(#""table":"post""#) {
            let row = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            let id = try #require(row["id"] as? String)
            if let state = row["state"] as? String {
                states[id] = state
            } else {
                cancelled[id] = row["cancelledAt"] is NSNumber || row["cancelledAt"] is String
                channels[id] = row["channel"] as? String
            }
        }
        return cancelled.reduce(into: [:]) { found, item in
            let state = states[item.key] ?? (item.value ? "cancelled" : "queued")
            found[item.key] =
                ["task", "cancelled", "queued"].contains(state) ? state : "\(state) by \(channels[item.key] ?? "?")"
        }
    }

    /// Whether the worker has taken in all receipts.
    private func receiptsAreRead(_ cluster: KafkaCluster) throws -> Bool {
        let reader = try RecordReader(
            KafkaConfiguration(["bootstrap.servers": cluster.broker.address, "group.id": "fuldmagt-fuldmagt"]),
            topics: Topic.names)
        let ends = try cluster.ends(of: .receipts)
        let committed = try reader.committed(
            ends.keys.map { TopicPartition(topic: Topic.receipts.name, partition: $0) }, timeoutMilliseconds: 30_000)
        return ends.allSatisfy {
            $0.value == 0 || (committed[TopicPartition(topic: Topic.receipts.name, partition: $0.key)] ?? 0) >= $0.value
        }
    }

    /// Waits until nothing more comes of what has happened so far.
    private func settle(_ scene: PostScene, _ cluster: KafkaCluster) throws {
        try cluster.wait(seconds: 600) {
            try scene.revive()
            let before = try cluster.ends(of: .notifications)
            guard try scene.isAtRest(), try receiptsAreRead(cluster) else { return false }
            return try cluster.ends(of: .notifications) == before
        }
    }

    @Test("every notification ends as delivered, letter delivered, task or cancelled, whatever dies; the counts add up")
    func chain() throws {
        let cluster = try KafkaCluster(start: KafkaCluster.jobStart)
        // The default times, in hours.
        let patience = ["FULDMAGT_RECEIPT_QUEUED_HOURS": "336"]
        var worker = try cluster.worker("w1", environment: patience)
        let scene = PostScene(
            cluster,
            simulation: [
                "--failures", "5", "--duplicates", "5", "--reordered", "20", "--lost", "2", "--max-delay-ms", "300",
            ])
        let everybody = Array(0..<Self.grantors)
        try cluster.send([
            KafkaCluster.record("package.define", Self.package, id: "p", topic: .catalogue, key: "package/tax")
        ])
        try cluster.send(
            everybody.map {
                let cpr = KafkaCluster.cpr($0)
                return KafkaCluster.record(
                    "move.relocate", #"{"citizen":{"cpr":"\#(cpr)"},"to":"0101","effective":"2020-01-01"}"#,
                    id: "r\($0)",
                    topic: .moveCommands, key: cpr)
            })
        try cluster.wait(seconds: 120) { try cluster.observe().outcomes.count > everybody.count }

        for role in PostScene.Role.allCases { try scene.start(role) }
        var random = SplitMix64(seed: 4)
        let slices = 10
        var commands = 1 + everybody.count
        var points = random.shuffled(
            PostScene.Role.allCases.flatMap { role in role.points.map { (role, "\($0.rawValue):2") } })
        for slice in 0..<slices {
            let numbers = everybody.filter { $0 % slices == slice }
            try cluster.send(grants(numbers))
            // Some are taken back at once, some become exempt while their post is on its way.
            let revoked = numbers.filter { $0 / slices % 20 == 1 }
            let exempted = numbers.filter { $0 / slices % 20 == 5 && $0 % 10 != 3 }
            try cluster.send(revoked.map(revocation) + exempted.map(exemption))
            commands += numbers.count + numbers.count { $0 % 10 == 3 } + revoked.count + exempted.count
            try scene.revive()
            let victim = PostScene.Role.allCases[slice % 4]
            let next = points.firstIndex { $0.0 == victim }
            try scene.kill(victim, thenAt: next.map { points.remove(at: $0).1 })
            if slice % 4 == 1 {
                worker.kill()
                worker = try cluster.worker("w1", environment: patience)
            }
        }
        try cluster.wait(seconds: 120) {
            try scene.revive()
            return try cluster.observe().outcomes.count >= commands
        }
        try settle(scene, cluster)
        // Nothing more is heard of some; when it has been too long, they are letters, and of some letters then tasks.
        for (hours, over) in [
            (100 as Int64, ["submitted by digital-post", "accepted by digital-post"]), (500, Self.open),
        ] {
            try cluster.turnClock(hours: hours)
            try cluster.wait(seconds: 300) {
                try scene.revive()
                return try !standings(cluster).values.contains { over.contains($0) }
            }
            try settle(scene, cluster)
        }
        try scene.stop()
        try worker.stop()

        let states = try standings(cluster)
        let observed = try cluster.observe()
        let written = Set(observed.notifications.map(\.id))
        #expect(Set(states.keys) == written)
        let counts = states.values.reduce(into: [String: Int]()) { $0[$1, default: 0] += 1 }
        let final: Set = ["delivered by digital-post", "delivered by letter", "task", "cancelled"]
        #expect(Set(counts.keys).isSubset(of: final), "\(counts)")
        #expect(counts.values.reduce(0, +) == written.count && written.count >= 2 * Self.grantors)
        #expect((counts["delivered by letter"] ?? 0) > 0 && (counts["task"] ?? 0) > 0)
        // Under no id but its own, and nothing that was not written.
        let (byPost, byLetter) = (try scene.given(.digitalPost), try scene.given(.letter))
        #expect(Set(byPost.keys).union(byLetter.keys).isSubset(of: written))
        #expect(observed.deadLetters.isEmpty)
        // Each that is a task is one once, on the topic too.
        let tasks = try scene.tasks().map(\.notification)
        #expect(Set(tasks).count == tasks.count)
        #expect(Set(states.filter { $0.value == "task" }.keys).isSubset(of: tasks))
        for file in try ShardFiles.all(in: cluster.directory + "/data") {
            #expect(try ShardFiles.check(shard: file.shard, path: file.path) == [])
        }
        let report = SimulationReport(simulation: try scene.simulated(), ledgers: try scene.ledgers.accounts())
        #expect(report.addsUp, "\(report.text)")
        #expect(scene.kills >= 10)
        print(report.text)
        print("\(written.count) notifications: \(counts.sorted { $0.key < $1.key }), \(scene.kills) kills of consumers")
        try cluster.stop()
    }
}
