import Foundation
import FuldmagtDomain
import FuldmagtStore
import FuldmagtTestKit
import Testing

/// Notifications the whole way: from the worker through the consumers and simulated transports, and back as receipts that
/// move their timelines, with SIGKILL for the worker and for the consumers.
@Suite(.serialized) struct PostWayTests {
    private static let grants =
        ProcessInfo.processInfo.environment["FULDMAGT_POST_GRANTS"].flatMap { Int($0) } ?? 300

    /// Test persons, 4,000 for each month of one year.
    private static func cpr(_ number: Int) -> String {
        let (month, digits) = (String(1 + number / 4_000), String(number % 4_000))
        return "61" + (month.count < 2 ? "0" : "") + month + "50" + String(repeating: "0", count: 4 - digits.count)
            + digits
    }

    private func give(_ number: Int) -> ModelRecord {
        let (grantor, representative) = (Self.cpr(2 * number), Self.cpr(2 * number + 1))
        return KafkaCluster.record(
            "grant.issue",
            #"{"grantor":{"cpr":"\#(grantor)"},"representative":{"cpr":"\#(representative)"},"packages":["tax"],"validUntil":"2030-01-01","channel":"digital"}"#,
            id: "g-\(number)", topic: .grantCommands, key: grantor)
    }

    private func revoke(_ number: Int) -> ModelRecord {
        let (grantor, representative) = (Self.cpr(2 * number), Self.cpr(2 * number + 1))
        return KafkaCluster.record(
            "grant.revoke",
            #"{"grantor":{"cpr":"\#(grantor)"},"representative":{"cpr":"\#(representative)"},"packages":["tax"],"by":"grantor"}"#,
            id: "r-\(number)", topic: .grantCommands, key: grantor)
    }

    private func exempt(_ number: Int) -> ModelRecord {
        let citizen = Self.cpr(2 * number)
        return KafkaCluster.record(
            "exemption.register",
            #"{"citizen":{"cpr":"\#(citizen)"},"municipality":"0101","form":"FD 001A","journal":"J","caseworker":"c","requestedBy":"citizen","appearedInPerson":true}"#,
            id: "e-\(number)", topic: .exemptionCommands, key: citizen)
    }

    private static let catalogue = KafkaCluster.record(
        "package.define",
        #"{"id":"tax","version":1,"title":{"da":"Eksempel","en":"Example"},"wording":{"da":"Jeg giver fuldmagt.","en":"I give."},"kind":"act","scope":"national","kle":["32.06"]}"#,
        id: "define-tax", topic: .catalogue, key: "package/tax")

    /// Where notifications stand: `channel state`, by id; `queued` where nothing has happened yet.
    private func standings(_ cluster: KafkaCluster) throws -> [String: String] {
        var channels: [String: String] = [:]
        var states: [String: String] = [:]
        for line in try cluster.dump() {
            guard line.contains(#""table":"notification""#) || line.contains(#""table":"post""#),
                let row = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
                let id = row["id"] as? String
            else { continue }
            if let channel = row["channel"] as? String {
                channels[id] = channel
                if states[id] == nil { states[id] = row["cancelledAt"] == nil ? "queued" : "cancelled" }
            } else {
                states[id] = row["state"] as? String
            }
        }
        return states.reduce(into: [:]) { all, state in all[state.key] = "\(channels[state.key] ?? "?") \(state.value)"
        }
    }

    private func isFinal(_ standing: String) -> Bool {
        standing.split(separator: " ").last.flatMap { PostState(rawValue: String($0)) }?.isFinal ?? false
    }

    @Test("each ends delivered, delivered by letter, as a task or withdrawn, and is sent under no other id")
    func wholeWay() throws {
        let cluster = try KafkaCluster(start: KafkaCluster.jobStart)
        let settings = ["FULDMAGT_RECEIPT_QUEUED_HOURS": "336"]
        try cluster.send([Self.catalogue])
        var worker = try cluster.worker("w1", environment: settings)
        try cluster.wait(seconds: 60) { try cluster.observe().outcomes.count == 1 }
        // Some are taken back, and some citizens become exempt, before anybody has sent anything.
        let taken = Array(stride(from: 0, to: Self.grants, by: 20))
        let exempted = Array(stride(from: 7, to: Self.grants, by: 25))
        try cluster.send((0..<Self.grants).map(give))
        try cluster.wait(seconds: 300) { try cluster.observe().notifications.count >= 2 * Self.grants }
        try cluster.send(taken.map(revoke) + exempted.map(exempt))
        let outcomes = 1 + Self.grants + taken.count + exempted.count
        try cluster.wait(seconds: 300) { try cluster.observe().outcomes.count == outcomes }

        let scene = PostScene(
            cluster,
            simulation: [
                "--failures", "5", "--duplicates", "5", "--reordered", "20", "--lost", "2", "--max-delay-ms", "300",
            ])
        for role in PostScene.Role.allCases { try scene.start(role) }
        for victim in PostScene.Role.allCases + PostScene.Role.allCases + PostScene.Role.allCases {
            try scene.kill(victim)
            if victim == .simulate {
                worker.kill()
                worker = try cluster.worker("w1", environment: settings)
            }
        }
        // What does not come by itself comes to an end with time: a day and more at a time.
        var offset = Int64(try cluster.text("clock").trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
        var days: Int64 = 0
        try cluster.wait(seconds: 240 + Double(Self.grants) / 4) {
            try scene.revive()
            guard try scene.isAtRest(notifications: 2 * Self.grants) else { return false }
            let standings = try self.standings(cluster)
            if standings.values.allSatisfy(isFinal) { return true }
            guard days < 60 else { return true }
            offset += 4 * 86_400
            days += 4
            try "\(offset)".write(toFile: cluster.directory + "/clock", atomically: true, encoding: .utf8)
            // The clock is read each second.
            let seen = Date().addingTimeInterval(3)
            try cluster.wait(seconds: 10) { Date() > seen }
            return false
        }
        try scene.stop()
        try worker.stop()

        let standings = try self.standings(cluster)
        let open = standings.filter { !isFinal($0.value) }
        #expect(open.isEmpty, "\(open.prefix(5))")
        let counts = standings.values.reduce(into: [String: Int]()) { $0[$1, default: 0] += 1 }
        let observed = try cluster.observe()
        #expect(observed.outcomes.allSatisfy { $0.status == "accepted" })
        #expect(Set(observed.notifications.map(\.id)) == Set(standings.keys))
        #expect(standings.count == 2 * Self.grants + 2 * taken.count + exempted.count)
        // Nobody is sent anything that was withdrawn, nor anything under an id of its own.
        let cancelled = Set(standings.filter { $0.value.hasSuffix("cancelled") }.keys)
        #expect(cancelled.count == 2 * taken.count)
        let given = Set(try scene.given(.digitalPost).keys).union(try scene.given(.letter).keys)
        #expect(given == Set(standings.keys).subtracting(cancelled))
        let tasks = try scene.tasks()
        #expect(Set(tasks.map(\.notification)).count == tasks.count)
        let taskStates = Set(standings.filter { $0.value.hasSuffix("task") }.keys)
        #expect(taskStates.isSubset(of: Set(tasks.map(\.notification))))
        #expect(observed.deadLetters.isEmpty)
        for file in try ShardFiles.all(in: cluster.directory + "/data") {
            #expect(try ShardFiles.check(shard: file.shard, path: file.path) == [])
        }
        print(counts.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }.joined(separator: ", "))
        print("\(tasks.count) tasks, \(days) days, \(scene.kills) kills of consumers, 3 of the worker")
        try cluster.stop()
    }
}
