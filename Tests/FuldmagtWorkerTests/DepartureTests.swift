import FuldmagtDomain
import Testing

/// An exemption that was given because the citizen left the country ends when they come back, and not before.
@Suite struct DepartureTests {
    private let anna = TestCluster.anna

    private func says(_ cluster: TestCluster, _ type: String, _ who: String, _ more: String, id: String) throws {
        cluster.send(
            type, #"{"citizen":{"cpr":"\#(who)"},\#(more)}"#, id: id, key: who,
            topic: type.hasPrefix("move") ? .moveCommands : .exemptionCommands)
        try cluster.drain()
    }

    private func departs(_ cluster: TestCluster, _ who: String) throws {
        try says(
            cluster, "exemption.register", who,
            #""municipality":"0101","form":"FD 001A","journal":"J","caseworker":"x","requestedBy":"citizen","#
                + #""appearedInPerson":true,"departure":true"#, id: "e")
    }

    @Test("a return that is told before the exemption was registered ends it on its day")
    func toldEarly() throws {
        let cluster = try TestCluster.atHome()
        try says(cluster, "move.immigrate", anna, #""to":"0751","effective":"2026-11-27""#, id: "back")
        cluster.clock.advance(seconds: 60)
        try departs(cluster, anna)
        #expect(cluster.notifications(to: anna) == ["exemption-registered letter"])
        cluster.clock.advance(days: 4)
        try cluster.drain()
        #expect(cluster.notifications(to: anna) == ["exemption-registered letter", "exemption-lifted digital-post"])
        #expect(try cluster.check() == [])
    }

    @Test("a register that tells a return as a move ends it; a move within the country does not")
    func toldAsMove() throws {
        let cluster = try TestCluster.atHome()
        try departs(cluster, anna)
        try says(cluster, "move.relocate", anna, #""to":"0751","effective":"2026-11-20""#, id: "within")
        try says(cluster, "move.emigrate", anna, #""effective":"2026-11-21""#, id: "out")
        #expect(cluster.notifications(to: anna) == ["exemption-registered letter"])
        try says(cluster, "move.relocate", anna, #""to":"0751","effective":"2026-11-22""#, id: "back")
        #expect(cluster.notifications(to: anna) == ["exemption-registered letter", "exemption-lifted digital-post"])
        #expect(try cluster.check() == [])
    }

    @Test("who came back while they were called dead by mistake is exempt no longer once that is corrected")
    func backWhileCalledDead() throws {
        let cluster = try TestCluster.atHome()
        try departs(cluster, anna)
        cluster.clock.advance(seconds: 60)
        try says(cluster, "move.immigrate", anna, #""to":"0751","effective":"2026-11-27""#, id: "back")
        try says(cluster, "move.decease", anna, #""effective":"2026-11-22""#, id: "dead")
        cluster.clock.advance(days: 7)
        try cluster.drain()
        #expect(!cluster.notifications(to: anna).contains("exemption-lifted digital-post"))
        try says(cluster, "move.correct", anna, #""journal":"J","diedByMistake":true"#, id: "alive")
        #expect(cluster.answer("alive") == "accepted")
        #expect(cluster.notifications(to: anna).contains("exemption-lifted digital-post"))
        #expect(try cluster.check() == [])
    }

    @Test("an emigration that is told after the return shows that it was one")
    func toldInAnotherOrder() throws {
        let cluster = try TestCluster.atHome()
        try departs(cluster, anna)
        try says(cluster, "move.relocate", anna, #""to":"0751","effective":"2026-11-22""#, id: "back")
        #expect(cluster.notifications(to: anna) == ["exemption-registered letter"])
        try says(cluster, "move.emigrate", anna, #""effective":"2026-11-20""#, id: "out")
        #expect(cluster.notifications(to: anna) == ["exemption-registered letter", "exemption-lifted digital-post"])
        #expect(try cluster.check() == [])
    }
}
