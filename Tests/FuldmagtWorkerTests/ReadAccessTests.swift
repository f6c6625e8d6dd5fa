import FuldmagtRecord
import Testing

/// Leave to read somebody's post, where its owner or its holder gets another number.
@Suite struct ReadAccessTests {
    private let anna = TestCluster.anna
    private let bent = TestCluster.bent
    private let carl = TestCluster.carl

    private func say(
        _ cluster: TestCluster, _ verb: String, _ owner: String, _ holder: String, id: String
    ) throws {
        cluster.send(
            "readaccess.\(verb)", #"{"citizen":{"cpr":"\#(owner)"},"holder":{"cpr":"\#(holder)"}}"#, id: id, key: owner,
            topic: .exemptionCommands)
        try cluster.drain()
    }

    private func inForce(_ cluster: TestCluster) throws -> Int {
        try cluster.dump().count { $0.contains(#""table":"readAccess""#) && !$0.contains(#""endedAt""#) }
    }

    @Test("a withdrawal ends all that the holder has, also where two files became one")
    func twoInForce() throws {
        let cluster = try TestCluster.atHome()
        let new = "6101500030"
        try say(cluster, "grant", anna, carl, id: "a")
        try say(cluster, "grant", new, carl, id: "b")
        cluster.renumber(anna, to: new, id: "n")
        try cluster.drain()
        #expect(try inForce(cluster) == 2)
        try say(cluster, "withdraw", new, carl, id: "w")
        #expect(cluster.answer("w") == "accepted")
        #expect(try inForce(cluster) == 0)
        #expect(cluster.notifications(to: carl).count { $0 == "readaccess-ended digital-post" } == 1)
        #expect(cluster.notifications(to: new).count { $0 == "readaccess-ended digital-post" } == 1)
        try say(cluster, "withdraw", new, carl, id: "none-left")
        #expect(cluster.answer("none-left") == "rejected unknown-readaccess@holder")
        #expect(try cluster.check() == [])
    }

    @Test("a holder is told of each whose post they may read, also where a source gave one id for two of them")
    func oneIDForTwo() throws {
        let cluster = try TestCluster.atHome()
        let shards = [anna, carl].map { Murmur2.partition(of: $0, partitions: cluster.partitions) }
        try #require(shards[0] != shards[1], "one shard would not take the id twice")
        for verb in ["grant", "withdraw"] {
            try say(cluster, verb, anna, bent, id: "\(verb)-twice")
            try say(cluster, verb, carl, bent, id: "\(verb)-twice")
            #expect(cluster.outcomes(of: "\(verb)-twice").map { $0.text("status") } == ["accepted", "accepted"])
        }
        let told = cluster.said(.notifications).filter { $0.text("recipient.cpr") == bent }
        #expect(told.count == 4)
        #expect(Set(told.map { $0.text("id") }).count == 4)
        #expect(try cluster.check() == [])
    }

    @Test(
        "a holder with another number is found by the one it was given to, and by the new one where the owner knows it",
        arguments: [true, false], [true, false])
    func holderRenumbered(isKnown: Bool, byNew: Bool) throws {
        let cluster = try TestCluster.atHome()
        let new = "6202800023"
        // Who was given a grant tells the grantor of a new number.
        if isKnown { cluster.issue(anna, to: bent, ["tax"], id: "g") }
        try say(cluster, "grant", anna, bent, id: "a")
        cluster.renumber(bent, to: new, id: "n")
        try cluster.drain()
        #expect(cluster.answer("a") == "accepted" && cluster.answer("n") == "accepted")
        // Given anew, it takes the place of the first.
        try say(cluster, "grant", anna, bent, id: "again")
        #expect(try inForce(cluster) == 1)
        try say(cluster, "withdraw", anna, byNew ? new : bent, id: "w")
        #expect(cluster.answer("w") == (!isKnown && byNew ? "rejected unknown-readaccess@holder" : "accepted"))
        #expect(try inForce(cluster) == (!isKnown && byNew ? 1 : 0))
        #expect(
            cluster.notifications(to: new).count { $0 == "readaccess-ended digital-post" }
                == (!isKnown && byNew ? 0 : 1))
        #expect(try cluster.check() == [])
    }
}
