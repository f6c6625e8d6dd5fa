import Testing

/// What a sender must give as evidence is found again in the state.
@Suite struct KeptEvidenceTests {
    private let anna = TestCluster.anna
    private let bent = TestCluster.bent
    private let carl = TestCluster.carl

    private func rows(_ cluster: TestCluster, _ table: String, _ parts: String...) throws -> Int {
        try cluster.dump().count { line in
            line.contains(#""table":"\#(table)""#) && parts.allSatisfy { line.contains($0) }
        }
    }

    @Test("a correction's journal stands in the history of what it changed, and of what it took back")
    func correction() throws {
        let cluster = try TestCluster.atHome()
        cluster.issue(anna, to: bent, ["tax"], id: "g")
        try cluster.drain()
        let grant = try #require(cluster.outcomes(of: "g").first?.text("grants.0.id"))
        func correct(_ changes: String, version: Int, journal: String) {
            cluster.send(
                "grant.correct",
                #"{"grantor":{"cpr":"\#(anna)"},"grant":"\#(grant)","version":\#(version),"changes":\#(changes),"journal":"\#(journal)"}"#,
                id: journal, key: anna)
        }
        correct(#"{"validUntil":"2027-06-01"}"#, version: 1, journal: "J-1")
        correct(#"{"representative":{"cpr":"\#(carl)"}}"#, version: 2, journal: "J-2")
        try cluster.drain()
        #expect(cluster.answer("J-1") == "accepted" && cluster.answer("J-2") == "accepted")
        #expect(try rows(cluster, "grantHistory", #""reason":"J-1""#, #""state":"active""#) == 1)
        #expect(try rows(cluster, "grantHistory", #""reason":"J-2""#, #""state":"revoked""#) == 1)
    }

    @Test("how a request was declined stands in its history")
    func decline() throws {
        let cluster = try TestCluster.atHome()
        cluster.send(
            "grant.request",
            #"{"grantor":{"cpr":"\#(anna)"},"representative":{"cpr":"\#(bent)"},"packages":["tax"],"validUntil":"2028-01-01"}"#,
            id: "ask", key: anna)
        cluster.send(
            "grant.decline", #"{"grantor":{"cpr":"\#(anna)"},"request":"ask","channel":"paper"}"#, id: "no", key: anna)
        try cluster.drain()
        #expect(cluster.answer("no") == "accepted")
        #expect(try rows(cluster, "grantHistory", #""state":"declined""#, #""channel":"paper""#) == 1)
    }

    @Test("who corrected an exemption, and on what evidence a read access was withdrawn, is kept")
    func exemptionAndReadAccess() throws {
        let cluster = try TestCluster.atHome()
        func say(_ type: String, _ more: String, id: String) {
            cluster.send(
                type, #"{"citizen":{"cpr":"\#(anna)"},\#(more)}"#, id: id, key: anna, topic: .exemptionCommands)
        }
        say(
            "exemption.register",
            #""municipality":"0101","form":"FD 001A","journal":"J","caseworker":"x","requestedBy":"citizen","appearedInPerson":true"#,
            id: "e")
        say(
            "exemption.correct", #""municipality":"0101","journal":"J-3","caseworker":"y","registeredByMistake":true"#,
            id: "c")
        say("readaccess.grant", #""holder":{"cpr":"\#(bent)"},"journal":"J-4","caseworker":"x""#, id: "a")
        say("readaccess.withdraw", #""holder":{"cpr":"\#(bent)"},"journal":"J-5","caseworker":"z""#, id: "w")
        try cluster.drain()
        #expect(["e", "c", "a", "w"].allSatisfy { cluster.answer($0) == "accepted" })
        #expect(try rows(cluster, "exemption", #""liftJournal":"J-3""#, #""liftCaseworker":"y""#) == 1)
        #expect(
            try rows(cluster, "readAccess", #""journal":"J-4""#, #""endJournal":"J-5""#, #""endCaseworker":"z""#) == 1)
    }
}
