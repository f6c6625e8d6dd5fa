import Foundation
import FuldmagtDomain
import FuldmagtJSON
import FuldmagtKeys
import FuldmagtStore
import GRDB
import Testing

/// What is kept of a command so that a repeat is known.
@Suite struct IdempotencyTests {
    private let anna = TestCluster.anna
    private var data: String { #"{"citizen":{"cpr":"\#(anna)"},"reason":"voluntary"}"# }

    private func enrol(_ cluster: TestCluster, _ data: String, id: String, at time: Instant? = nil) {
        cluster.broker.append(
            topic: .exemptionCommands, key: Array(anna.utf8),
            headers: [
                ("ce_specversion", "1.0"), ("ce_id", id), ("ce_type", "dk.fuldmagt.mailbox.enrol.v1"),
                ("ce_source", TestCluster.source), ("content-type", "application/json"),
            ].map { ($0.0, Array($0.1.utf8)) }, value: Array(data.utf8), timestamp: time?.milliseconds)
    }

    /// The digest that versions before the keyed one kept.
    private func former(_ data: String) throws -> Ident {
        let document = JSONDocument()
        defer { withExtendedLifetime(document) {} }
        var scratch: [UInt8] = []
        return try Array(data.utf8).withUnsafeBytes { bytes in
            try document.parse(bytes)
            return ClusterKey.digest(
                .content(type: "dk.fuldmagt.mailbox.enrol.v1", data: document.root), scratch: &scratch)
        }
    }

    @Test("nobody without the cluster key can try numbers on what is kept of a command")
    func keyed() throws {
        let cluster = try TestCluster()
        enrol(cluster, data, id: "e")
        try cluster.drain()
        #expect(cluster.answer("e") == "accepted")
        let kept = try cluster.dump().filter { $0.contains(#""table":"processed""#) }
        #expect(kept.count == 1)
        let digest = try former(data).description
        #expect(!kept.contains { $0.contains(digest) })
        enrol(cluster, #"{"reason":"voluntary","citizen":{"cpr":"\#(anna)"}}"#, id: "e")
        enrol(cluster, #"{"reason":"automatic","citizen":{"cpr":"\#(anna)"}}"#, id: "e")
        try cluster.drain()
        #expect(cluster.outcomes(of: "e").count == 1)
        #expect(cluster.said(.deadLetters).compactMap { $0.headers["dl_reason"] } == ["id-reused"])
    }

    @Test("what an earlier version kept is still known: a repeat stays a repeat, and a reused id is told")
    func earlierVersion() throws {
        let cluster = try TestCluster()
        cluster.defineCatalogue()
        try cluster.drain()
        try cluster.stop()
        let party = Party.person(try CPR(anna, today: .last))
        let store = try ShardStore(
            shard: TestCluster.keys.identity(of: party, partitions: 4).shard, keys: TestCluster.keys,
            options: .init(directory: cluster.directory, partitions: 4), owner: "earlier",
            today: TestCluster.start.day)
        var scratch: [UInt8] = []
        let keys = ["a", "b"].map {
            CommandKey(source: TestCluster.source, id: $0, scratch: &scratch)
        }
        let digest = try former(data)
        try store.turn { access in
            for key in keys { _ = try access.claim(key, content: digest, day: TestCluster.start.day) }
        }
        try store.close()
        // Under the keys of then, in a file of then.
        let file = try DatabaseQueue(path: "\(cluster.directory)/\(ShardStore.fileName(of: store.shard))")
        try file.write { db in
            for key in keys {
                try db.execute(
                    sql: "UPDATE processed SET command = ? WHERE command = ?",
                    arguments: [key.digest.withBytes { Data($0) }, key.key.withBytes { Data($0) }])
            }
            try db.execute(sql: "UPDATE meta SET keyed_since = NULL")
        }
        try file.close()
        enrol(cluster, data, id: "a")
        enrol(cluster, #"{"reason":"automatic","citizen":{"cpr":"\#(anna)"}}"#, id: "b")
        enrol(cluster, data, id: "c")
        try cluster.drain()
        #expect(cluster.outcomes(of: "a").isEmpty && cluster.outcomes(of: "b").isEmpty)
        #expect(cluster.said(.deadLetters).compactMap { $0.headers["dl_reason"] } == ["id-reused"])
        #expect(cluster.answer("c") == "accepted")
    }

    @Test("very many ids that are to be forgotten on one day are forgotten a few at a time, and no other")
    func forgotten() throws {
        let cluster = try TestCluster(partitions: 1)
        cluster.options.processedDays = 90
        cluster.options.sweepIDs = 7
        cluster.defineCatalogue()
        for number in 0..<40 { enrol(cluster, data, id: "old\(number)") }
        try cluster.drain()
        cluster.clock.advance(days: 1)
        for number in 0..<40 { enrol(cluster, data, id: "new\(number)") }
        try cluster.drain()
        func kept() throws -> Int { try cluster.dump().count { $0.contains(#""table":"processed""#) } }
        #expect(try kept() == 80)
        cluster.clock.advance(days: 90)
        try cluster.drain()
        #expect(try kept() == 40)
        let steps = cluster.said(.inbox).count { $0.text("step") == "processed" && $0.text("day") == "20270223" }
        #expect(steps == 80 / 7)
        for number in 0..<40 {
            for age in ["old", "new"] { enrol(cluster, data, id: "\(age)\(number)") }
        }
        try cluster.drain()
        for number in 0..<40 {
            #expect(cluster.outcomes(of: "old\(number)").count == 2 && cluster.outcomes(of: "new\(number)").count == 1)
        }
    }

    @Test("an id is remembered from the day its command was decided, however old the command was")
    func decidedLate() throws {
        let cluster = try TestCluster()
        cluster.options.processedDays = 90
        cluster.defineCatalogue()
        try cluster.drain()
        cluster.clock.advance(days: 20)
        try cluster.drain()
        // Written on the first day, decided on the twentieth.
        enrol(cluster, data, id: "e", at: TestCluster.start)
        try cluster.drain()
        #expect(cluster.outcomes(of: "e").count == 1)
        cluster.clock.advance(days: 89)
        try cluster.drain()
        enrol(cluster, data, id: "e")
        try cluster.drain()
        #expect(cluster.outcomes(of: "e").count == 1)
        cluster.clock.advance(days: 2)
        try cluster.drain()
        enrol(cluster, data, id: "e")
        try cluster.drain()
        #expect(cluster.outcomes(of: "e").count == 2)
    }
}
