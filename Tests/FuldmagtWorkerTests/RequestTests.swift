import Testing

/// What a representative asks for: whom an answer means, and what the asker is told.
@Suite struct RequestTests {
    private let anna = TestCluster.anna
    private let bent = TestCluster.bent
    private let carl = TestCluster.carl

    private func ask(
        _ cluster: TestCluster, _ package: String, for representative: String, source: String = TestCluster.source
    ) {
        cluster.send(
            "grant.request",
            #"{"grantor":{"cpr":"\#(anna)"},"representative":{"cpr":"\#(representative)"},"packages":["\#(package)"],"validUntil":"2028-01-01"}"#,
            id: "ask", source: source, key: anna)
    }

    @Test("one request id from two sources: a third's answer is to neither, and each is answered by its own")
    func requestsOfTwoSources() throws {
        let cluster = try TestCluster.atHome()
        let (other, third) = ("urn:dk:cvr:29189846:other", "urn:dk:cvr:29189846:third")
        ask(cluster, "tax", for: bent)
        ask(cluster, "tax", for: carl, source: other)
        func answer(_ verb: String, id: String, source: String) {
            cluster.send(
                "grant.\(verb)", #"{"grantor":{"cpr":"\#(anna)"},"request":"ask","channel":"digital"}"#, id: id,
                source: source, key: anna)
        }
        answer("approve", id: "third", source: third)
        answer("decline", id: "third-no", source: third)
        answer("approve", id: "yes", source: TestCluster.source)
        try cluster.drain()
        #expect(cluster.answer("third") == "rejected unknown-request@request")
        #expect(cluster.answer("third-no") == "rejected unknown-request@request")
        #expect(cluster.answer("yes") == "accepted")
        #expect((cluster.outcomes(of: "yes").first?.json["grants"] as? [Any])?.count == 1)
        #expect(cluster.notifications(to: bent) == ["grant-received digital-post"])
        #expect(cluster.notifications(to: carl) == [])
        // One is left, yet nobody can tell that a third means that one.
        answer("decline", id: "third-again", source: third)
        answer("decline", id: "no", source: other)
        try cluster.drain()
        #expect(cluster.answer("third-again") == "rejected unknown-request@request")
        #expect(cluster.answer("no") == "accepted")
        #expect(cluster.notifications(to: carl) == ["grant-declined digital-post"])
        #expect(try cluster.check() == [])
    }

    @Test(
        "a second answer is not taken for one to another source's request, whatever became of the first",
        arguments: ["approve", "decline", "lapses"])
    func answeredTwice(first: String) throws {
        let cluster = try TestCluster.atHome()
        let other = "urn:dk:cvr:29189846:other"
        func answer(_ verb: String, id: String, source: String = TestCluster.source) {
            cluster.send(
                "grant.\(verb)", #"{"grantor":{"cpr":"\#(anna)"},"request":"ask","channel":"digital"}"#, id: id,
                source: source, key: anna)
        }
        ask(cluster, "tax", for: bent)
        try cluster.drain()
        if first == "lapses" { cluster.clock.advance(days: 100) }
        ask(cluster, "care", for: carl, source: other)
        try cluster.drain()
        if first == "lapses" { cluster.clock.advance(days: 90) } else { answer(first, id: "one") }
        try cluster.drain()
        answer("approve", id: "two")
        answer("decline", id: "three")
        try cluster.drain()
        #expect(cluster.answer("two") == "rejected unknown-request@request")
        #expect(cluster.answer("three") == "rejected unknown-request@request")
        #expect(cluster.notifications(to: carl) == [])
        answer("approve", id: "theirs", source: other)
        try cluster.drain()
        #expect(cluster.answer("theirs") == "accepted")
        #expect(cluster.notifications(to: carl) == ["grant-received digital-post"])
        #expect(try cluster.check() == [])
    }

    @Test("a request that has lapsed cannot be approved, nor is it in the way, before the day is looked through either")
    func lapsedBeforeTheSweep() throws {
        let cluster = try TestCluster.atHome()
        ask(cluster, "tax", for: bent)
        try cluster.drain()
        try cluster.stop()
        // Nobody worked over its last day; the commands are decided before anything is looked through.
        cluster.clock.advance(days: 187)
        cluster.send(
            "grant.approve", #"{"grantor":{"cpr":"\#(anna)"},"request":"ask","channel":"digital"}"#, id: "yes",
            key: anna)
        cluster.send(
            "grant.request",
            #"{"grantor":{"cpr":"\#(anna)"},"representative":{"cpr":"\#(bent)"},"packages":["tax"],"validUntil":"2028-01-01"}"#,
            id: "again", key: anna)
        try cluster.drain()
        #expect(cluster.answer("yes") == "rejected unknown-request@request")
        #expect(cluster.answer("again") == "accepted")
        #expect(try cluster.check() == [])
    }

    @Test("a representative who asks is not told where the citizen lives; the citizen's own command is")
    func requestTellsNoMunicipality() throws {
        let cluster = try TestCluster.atHome()
        cluster.move(anna, to: "0147", on: "2026-11-01", id: "away")
        try cluster.drain()
        ask(cluster, "care", for: bent)
        cluster.issue(anna, to: bent, ["care"], id: "give")
        try cluster.drain()
        #expect(cluster.answer("ask") == "rejected package-not-activated@packages[0]")
        #expect(cluster.outcomes(of: "give").first?.text("reasons.0.da")?.contains("Frederiksberg") == true)
        for language in ["da", "en"] {
            let text = try #require(cluster.outcomes(of: "ask").first?.text("reasons.0.\(language)"))
            #expect(!text.contains("Frederiksberg") && !text.contains("0147"))
        }
    }
}
