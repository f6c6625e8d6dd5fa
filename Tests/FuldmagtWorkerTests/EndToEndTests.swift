import FuldmagtDomain
import FuldmagtStore
import Testing

@testable import FuldmagtWorker

@Suite struct EndToEndTests {
    @Test("a grant is given, used, moved with and revoked")
    func lifeOfAGrant() throws {
        let cluster = try TestCluster()
        cluster.defineCatalogue()
        cluster.move(TestCluster.anna, to: "0101", on: "2020-01-01", id: "m1")
        try cluster.drain()
        #expect(cluster.answer("define-care") == "accepted")
        #expect(cluster.answer("m1") == "accepted")
        cluster.issue(TestCluster.anna, to: TestCluster.bent, ["care", "tax"], id: "g1")
        try cluster.drain()
        #expect(cluster.answer("g1") == "accepted")
        #expect(
            cluster.notifications(to: TestCluster.anna) == ["grant-given digital-post", "grant-given digital-post"])
        #expect(
            cluster.notifications(to: TestCluster.bent) == [
                "grant-received digital-post", "grant-received digital-post",
            ])
        cluster.issue(TestCluster.anna, to: TestCluster.bent, ["care"], id: "g2")
        cluster.move(TestCluster.anna, to: "0461", on: "2026-11-01", id: "m2")
        try cluster.drain()
        #expect(cluster.answer("g2") == "rejected already-granted@packages[0]")
        #expect(cluster.outcomes(of: "m2").first?.text("grants.0.state") == "dormant")
        #expect(cluster.outcomes(of: "m2").first?.text("grants.1.state") == nil)
        #expect(cluster.notifications(to: TestCluster.bent).last == "grant-dormant digital-post")
        let grant = cluster.outcomes(of: "g1").first?.text("grants.0.id") ?? ""
        cluster.send(
            "grant.revoke", #"{"grantor":{"cpr":"\#(TestCluster.anna)"},"grant":"\#(grant)","by":"grantor"}"#, id: "r1",
            key: TestCluster.anna)
        try cluster.drain()
        #expect(cluster.answer("r1") == "accepted")
        #expect(cluster.outcomes(of: "r1").first?.text("grants.0.state") == "revoked")
        #expect(
            cluster.notifications(to: TestCluster.bent).suffix(3) == [
                "cancelled digital-post", "cancelled digital-post", "grant-revoked digital-post",
            ])
        #expect(try cluster.check() == [])
        let dump = try cluster.dump()
        try cluster.stop()
        try cluster.drain()
        #expect(try cluster.dump() == dump)
    }

    @Test("a municipality's activation ends, and grants there become dormant; it comes back and they wake")
    func activationEnds() throws {
        let cluster = try TestCluster()
        cluster.defineCatalogue()
        for (number, cpr) in [TestCluster.anna, TestCluster.bent].enumerated() {
            cluster.move(cpr, to: number == 0 ? "0101" : "0751", on: "2020-01-01", id: "m\(number)")
        }
        try cluster.drain()
        cluster.issue(TestCluster.anna, to: TestCluster.carl, ["care"], id: "g1")
        cluster.issue(TestCluster.bent, to: TestCluster.carl, ["care"], id: "g2")
        try cluster.drain()
        cluster.activate("care", in: "0101", until: "2026-11-30", id: "end")
        try cluster.drain()
        #expect(!cluster.notifications(to: TestCluster.anna).contains { $0.hasPrefix("grant-dormant") })
        cluster.clock.advance(days: 8)
        try cluster.drain()
        #expect(cluster.notifications(to: TestCluster.anna).last == "grant-dormant digital-post")
        #expect(cluster.notifications(to: TestCluster.bent) == ["grant-given digital-post"])
        let dormant = cluster.said(.notifications).last { $0.text("recipient.cpr") == TestCluster.anna }
        #expect(dormant?.text("cause.id") == "end")
        cluster.activate("care", in: "0101", id: "again")
        try cluster.drain()
        #expect(cluster.notifications(to: TestCluster.anna).last == "grant-awake digital-post")
        #expect(try cluster.check() == [])
    }

    @Test("a move to come takes effect on its day, and names its command")
    func futureMove() throws {
        let cluster = try TestCluster()
        cluster.defineCatalogue()
        cluster.move(TestCluster.anna, to: "0101", on: "2020-01-01", id: "m1")
        try cluster.drain()
        cluster.issue(TestCluster.anna, to: TestCluster.bent, ["care"], id: "g1")
        cluster.move(TestCluster.anna, to: "0461", on: "2026-12-01", id: "m2")
        try cluster.drain()
        #expect(cluster.answer("m2") == "accepted")
        #expect(cluster.notifications(to: TestCluster.anna) == ["grant-given digital-post"])
        cluster.clock.advance(days: 9)
        try cluster.drain()
        #expect(cluster.notifications(to: TestCluster.anna).last == "grant-dormant digital-post")
        let last = cluster.said(.notifications).last { $0.text("recipient.cpr") == TestCluster.anna }
        #expect(last?.text("cause.id") == "m2")
        #expect(cluster.outcomes(of: "m2").count == 1)
    }

    @Test("an exemption turns later post into letters, the representative's own by theirs")
    func exemption() throws {
        let cluster = try TestCluster()
        cluster.defineCatalogue()
        cluster.send(
            "exemption.register",
            #"{"citizen":{"cpr":"\#(TestCluster.bent)"},"municipality":"0101","form":"FD 001A","journal":"J1","caseworker":"c1","requestedBy":"citizen","appearedInPerson":true}"#,
            id: "e1", key: TestCluster.bent)
        try cluster.drain()
        #expect(cluster.answer("e1") == "accepted")
        cluster.issue(TestCluster.anna, to: TestCluster.bent, ["tax"], id: "g1")
        try cluster.drain()
        #expect(
            cluster.notifications(to: TestCluster.bent) == ["exemption-registered letter", "grant-received letter"])
        #expect(cluster.notifications(to: TestCluster.anna) == ["grant-given digital-post"])
    }

    @Test("a command in another citizen's partition is decided once, as if it had come right")
    func wrongPartition() throws {
        let cluster = try TestCluster()
        cluster.defineCatalogue()
        try cluster.drain()
        for partition in 0..<4 {
            cluster.send(
                "grant.issue",
                #"{"grantor":{"cpr":"\#(TestCluster.anna)"},"representative":{"cpr":"\#(TestCluster.bent)"},"packages":["tax"],"validUntil":"2028-01-01","channel":"digital"}"#,
                id: "g1", partition: Int32(partition))
        }
        try cluster.drain()
        #expect(cluster.answer("g1") == "accepted")
        #expect(cluster.notifications(to: TestCluster.bent).count == 1)
        let forwarded = cluster.said(.grantCommands).filter { $0.headers["fm_time"] != nil }
        #expect(forwarded.count == 3)
    }

    @Test("the marks of a re-published command count on that command only, and those of an earlier form on none")
    func borrowedMarks() throws {
        let cluster = try TestCluster()
        cluster.defineCatalogue()
        try cluster.drain()
        let shard = TestCluster.keys.identity(
            of: .person(try CPR(TestCluster.anna, today: .last)), partitions: 4
        ).shard
        func issue(_ id: String, to representative: String, partition: Int32, marks: [(String, String)]) {
            let headers =
                [
                    ("ce_specversion", "1.0"), ("ce_id", id), ("ce_type", "dk.fuldmagt.grant.issue.v1"),
                    ("ce_source", TestCluster.source), ("content-type", "application/json"),
                ] + marks
            cluster.broker.append(
                topic: .grantCommands, partition: partition, key: nil,
                headers: headers.map { ($0.0, Array($0.1.utf8)) },
                value: Array(
                    #"{"grantor":{"cpr":"\#(TestCluster.anna)"},"representative":{"cpr":"\#(representative)"},"packages":["tax"],"validUntil":"2028-01-01","channel":"digital"}"#
                        .utf8))
        }
        issue("g1", to: TestCluster.bent, partition: (shard + 1) % 4, marks: [])
        try cluster.drain()
        #expect(cluster.outcomes(of: "g1").first?.text("position.partition") == "\((shard + 1) % 4)")
        let genuine = try #require(cluster.said(.grantCommands).first { $0.headers["fm_time"] != nil }).headers
        let marks = try ["fm_time", "fm_position", "fm_proof"].map { ($0, try #require(genuine[$0])) }
        let old = TestCluster.keys.proof(of: ["first-written", marks[0].1, marks[1].1]).description

        cluster.clock.advance(days: 20)
        try cluster.drain()
        // The same id and other content, another id and the same content, in the right partition and in a wrong one.
        issue("g1", to: TestCluster.carl, partition: shard, marks: marks)
        issue("g2", to: TestCluster.carl, partition: shard, marks: marks)
        issue("g3", to: "6404950017", partition: (shard + 2) % 4, marks: marks)
        issue("g4", to: "6505950018", partition: shard, marks: [marks[0], marks[1], ("fm_proof", old)])
        try cluster.drain()
        #expect(cluster.said(.deadLetters).compactMap { $0.headers["dl_reason"] } == ["id-reused"])
        for id in ["g2", "g3", "g4"] {
            #expect(cluster.answer(id) == "accepted")
            #expect(cluster.outcomes(of: id).first?.text("decidedAt")?.hasPrefix("2026-12-14") == true, "\(id)")
        }
        #expect(cluster.outcomes(of: "g3").first?.text("position.partition") == "\((shard + 2) % 4)")
        #expect(cluster.outcomes(of: "g1").first?.text("decidedAt")?.hasPrefix("2026-11-24") == true)
    }
}
