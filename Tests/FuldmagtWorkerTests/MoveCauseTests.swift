import FuldmagtDomain
import Testing

/// What a move that was told ahead brings about names that move, whatever is looked at first on its day.
@Suite struct MoveCauseTests {
    private let anna = TestCluster.anna

    /// Anna has a municipal grant, and is to move on the 25th to where its package is not offered.
    private func aboutToMove() throws -> TestCluster {
        let cluster = try TestCluster()
        cluster.defineCatalogue()
        cluster.move(anna, to: "0101", on: "2026-01-01", id: "home")
        try cluster.drain()
        cluster.issue(anna, to: TestCluster.bent, ["care"], id: "g")
        cluster.move(anna, to: "0461", on: "2026-11-25", id: "moves")
        try cluster.drain()
        #expect(cluster.answer("moves") == "accepted")
        return cluster
    }

    private func expectAsleep(_ cluster: TestCluster) throws {
        let told = cluster.said(.notifications).filter { $0.text("kind") == "grant-dormant" }
        #expect(told.count == 2)
        let grantor = try #require(told.first { $0.text("recipient.cpr") == anna })
        #expect(grantor.text("cause.id") == "moves")
        // Not of a catalogue record of old.
        #expect(told.allSatisfy { $0.headers["ce_time"]?.hasPrefix("2026-11-25") == true })
        #expect(try cluster.check() == [])
    }

    @Test(
        "another move of that day, which changes nothing, takes nothing of it away",
        arguments: [("0461", "2026-11-20"), ("0751", "2020-05-01"), ("0751", "2026-12-01")])
    func another(municipality: String, day: String) throws {
        let cluster = try aboutToMove()
        cluster.clock.advance(days: 1)
        // Decided before the day's look.
        cluster.move(anna, to: municipality, on: day, id: "other")
        try cluster.drain()
        #expect(cluster.answer("other") == "accepted")
        try expectAsleep(cluster)
    }

    @Test("nor does a change of the catalogue where they lived, which is looked at first")
    func catalogue() throws {
        let cluster = try aboutToMove()
        try cluster.stop()
        cluster.clock.advance(days: 1)
        cluster.activate("tax", in: "0101")
        cluster.clock.advance(seconds: 60)
        try cluster.drain()
        try expectAsleep(cluster)
    }

    @Test("a second move of that day which does change where they live is what is named")
    func second() throws {
        let cluster = try aboutToMove()
        cluster.clock.advance(days: 1)
        cluster.move(anna, to: "0147", on: "2026-11-25", id: "second")
        try cluster.drain()
        let told = cluster.said(.notifications).filter { $0.text("kind") == "grant-dormant" }
        #expect(told.first { $0.text("recipient.cpr") == anna }?.text("cause.id") == "second")
        #expect(told.count == 2)
    }
}
