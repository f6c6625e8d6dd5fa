import Testing

/// What people are told of a grant that does not work, or not yet: they act on it.
@Suite struct NotificationTextTests {
    private let anna = TestCluster.anna
    private let bent = TestCluster.bent

    private func bodies(_ cluster: TestCluster, _ kind: String) -> [String] {
        cluster.said(.notifications).filter { $0.text("kind") == kind }.compactMap { $0.text("body") }
    }

    @Test("what is told of a dormant grant, to either party, says that it may not be used")
    func dormant() throws {
        let cluster = try TestCluster.atHome()
        cluster.issue(anna, to: bent, ["care"], id: "g", until: "2027-03-01")
        try cluster.drain()
        let grant = try #require(cluster.outcomes(of: "g").first?.text("grants.0.id"))
        let seen = #"{"grantor":{"cpr":"\#(anna)"},"grant":"\#(grant)","version":"#
        cluster.move(anna, to: "0461", on: "2026-11-22", id: "away")
        try cluster.drain()
        cluster.send("grant.renew", seen + #"1,"validUntil":"2027-04-01"}"#, id: "renew", key: anna)
        cluster.send(
            "grant.correct", seen + #"2,"changes":{"validUntil":"2027-05-01"},"journal":"J"}"#, id: "correct", key: anna
        )
        try cluster.drain()
        #expect(cluster.answer("renew") == "accepted" && cluster.answer("correct") == "accepted")
        cluster.clock.advance(days: 130)
        try cluster.drain()
        for kind in ["grant-renewed", "grant-corrected", "grant-expiring"] {
            let bodies = bodies(cluster, kind)
            #expect(bodies.count == 2)
            #expect(bodies.allSatisfy { $0.contains("virker den ikke") && $0.contains("ikke bruges") }, "\(bodies)")
        }
        // It works again: no word of that any more.
        cluster.move(anna, to: "0101", on: "2027-03-31", id: "back")
        try cluster.drain()
        #expect(bodies(cluster, "grant-awake").count == 2)
        #expect(bodies(cluster, "grant-awake").allSatisfy { !$0.contains("ikke") })
    }

    @Test("what is told of a grant that begins later says when, and so does what withdraws it")
    func later() throws {
        let cluster = try TestCluster.atHome()
        func issue(_ package: String, from: String, id: String) {
            cluster.send(
                "grant.issue",
                #"{"grantor":{"cpr":"\#(anna)"},"representative":{"cpr":"\#(bent)"},"packages":["\#(package)"],"validFrom":"\#(from)","validUntil":"2028-01-01","channel":"digital"}"#,
                id: id, key: anna)
        }
        issue("tax", from: "2026-12-24", id: "g")
        try cluster.drain()
        let told = bodies(cluster, "grant-given") + bodies(cluster, "grant-received")
        #expect(told.count == 2 && told.allSatisfy { $0.contains("først fra 24. december 2026") }, "\(told)")
        cluster.revoke(anna, from: bent, ["tax"], id: "r")
        try cluster.drain()
        #expect(bodies(cluster, "cancelled").sorted() == told.sorted())
        issue("care", from: "2026-11-24", id: "today")
        try cluster.drain()
        #expect(bodies(cluster, "grant-received").last?.contains("først fra") == false)
    }
}
