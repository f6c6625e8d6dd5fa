import FuldmagtDomain
import Testing

/// Who may send what.
@Suite struct SourceTests {
    private let anna = TestCluster.anna
    private static let register = "urn:dk:cvr:99000007"
    private static let town = "urn:dk:cvr:99000015:citizen-service"
    private static let other = "urn:dk:cvr:99000023"

    private func begin(_ check: SourceCheck, anyMunicipality: Bool = false, administrators: Set<String> = [])
        throws -> TestCluster
    {
        let cluster = try TestCluster()
        cluster.options.settings.sources = check
        cluster.options.settings.exemptionsFromAnyMunicipality = anyMunicipality
        cluster.options.settings.administrators = administrators
        cluster.defineCatalogue()
        func authority(_ source: String, _ roles: String, _ municipality: String?) {
            let cvr = source.split(separator: ":")[3]
            let place = municipality.map { #","municipality":"\#($0)""# } ?? ""
            cluster.send(
                "authority.define",
                #"{"cvr":"\#(cvr)","name":"n","contact":{"name":"n","phone":"1","url":"https://example.dk"},"roles":[\#(roles)]\#(place)}"#,
                id: "authority-\(cvr)", key: "authority/\(cvr)")
        }
        authority(Self.register, #""move""#, nil)
        authority(Self.town, #""grant","exemption""#, "0101")
        authority(Self.other, #""exemption""#, "0751")
        try cluster.drain()
        return cluster
    }

    private func sendAll(_ cluster: TestCluster) throws {
        let move = #"{"citizen":{"cpr":"\#(anna)"},"to":"0101","effective":"2020-01-01"}"#
        cluster.send("move.relocate", move, id: "m1", source: Self.register, key: anna)
        try cluster.drain()
        cluster.send("move.relocate", move, id: "m2", source: Self.town, key: anna)
        let issue =
            #"{"grantor":{"cpr":"\#(anna)"},"representative":{"cpr":"\#(TestCluster.bent)"},"packages":["tax"],"validUntil":"2028-01-01","channel":"digital"}"#
        cluster.send("grant.issue", issue, id: "g1", source: Self.register, key: anna)
        cluster.send("grant.issue", issue, id: "g2", source: Self.town, key: anna)
        cluster.send("grant.issue", issue, id: "g3", key: anna)
        let exempt =
            #"{"citizen":{"cpr":"\#(anna)"},"municipality":"0101","form":"FD 001A","journal":"J","caseworker":"x","requestedBy":"citizen","appearedInPerson":true}"#
        cluster.send("exemption.register", exempt, id: "e1", source: Self.other, key: anna)
        cluster.send("exemption.register", exempt, id: "e2", source: Self.town, key: anna)
        try cluster.drain()
    }

    @Test("enforced: only a defined authority with the topic's role is heard, and exemptions from the one that decides")
    func enforced() throws {
        let cluster = try begin(.enforce)
        try sendAll(cluster)
        #expect(cluster.answer("m1") == "accepted")
        #expect(cluster.answer("m2") == "rejected source-not-permitted@ce_source")
        #expect(cluster.answer("g1") == "rejected source-not-permitted@ce_source")
        #expect(cluster.answer("g2") == "accepted")
        #expect(cluster.answer("g3") == "rejected already-granted@packages[0] source-not-permitted@ce_source")
        #expect(cluster.answer("e1") == "rejected source-not-permitted@ce_source")
        #expect(cluster.answer("e2") == "accepted")
        #expect(cluster.loop?.counts.warnings == 0)
    }

    @Test("warned about: everything is decided as if nobody asked, and counted")
    func warned() throws {
        let cluster = try begin(.warn)
        try sendAll(cluster)
        #expect(cluster.answer("m2") == "accepted" && cluster.answer("g1") == "accepted")
        #expect(cluster.answer("e1") == "accepted")
        #expect(cluster.loop?.counts.warnings == 3)
    }

    @Test(
        "who lifts an exemption without saying for whom they decide decides for themselves", arguments: [true, false])
    func liftedByAnother(anyMunicipality: Bool) throws {
        let cluster = try begin(.enforce, anyMunicipality: anyMunicipality)
        try sendAll(cluster)
        func lift(_ by: String, id: String) {
            cluster.send(
                "exemption.lift", #"{"citizen":{"cpr":"\#(anna)"},"by":"\#(by)"}"#, id: id, source: Self.other,
                key: anna)
        }
        lift("authority", id: "l1")
        try cluster.drain()
        #expect(
            cluster.answer("l1") == (anyMunicipality ? "accepted" : "rejected not-deciding-authority@municipality"))
        guard !anyMunicipality else { return }
        // The citizen may rejoin wherever they are.
        lift("citizen", id: "l2")
        try cluster.drain()
        #expect(cluster.answer("l2") == "accepted")
    }

    @Test("any municipality may decide where it is set so, and only administrators change the catalogue")
    func settings() throws {
        let cluster = try begin(.enforce, anyMunicipality: true, administrators: ["29189846"])
        try sendAll(cluster)
        #expect(cluster.answer("e1") == "accepted")
        cluster.send(
            "activation.set", #"{"municipality":"0147","package":"care","itSystem":"x","from":"2020-01-01"}"#,
            id: "a1", source: Self.town, key: "activation/0147/care/x")
        try cluster.drain()
        #expect(cluster.answer("a1") == "rejected source-not-permitted@ce_source")
        #expect(cluster.answer("activate-care-0101") == "accepted")
    }

    @Test("where only administrators change the catalogue, a tombstone needs one's name, too")
    func tombstones() throws {
        let cluster = try begin(.enforce, administrators: ["29189846"])
        func remove(_ key: String, as source: String?) throws {
            cluster.broker.append(
                topic: .catalogue, partition: 0, key: Array(key.utf8),
                headers: source.map { [("ce_source", Array($0.utf8))] } ?? [], value: nil)
            try cluster.drain()
        }
        try remove("authority/99000007", as: nil)
        try remove("authority/99000007", as: Self.other)
        #expect(
            cluster.said(.deadLetters).map { $0.headers["dl_reason"] } == ["missing-attribute", "invalid-attribute"])
        // Each time the topic is given back what the key stands for.
        #expect(cluster.said(.catalogue).suffix(3).map { $0.value == nil } == [false, true, false])
        let move = #"{"citizen":{"cpr":"\#(anna)"},"to":"0101","effective":"2020-01-01"}"#
        cluster.send("move.relocate", move, id: "m1", source: Self.register, key: anna)
        try cluster.drain()
        #expect(cluster.answer("m1") == "accepted")
        try remove("authority/99000007", as: TestCluster.source)
        cluster.send("move.relocate", move, id: "m2", source: Self.register, key: anna)
        try cluster.drain()
        #expect(cluster.answer("m2") == "rejected source-not-permitted@ce_source")
        #expect(cluster.said(.deadLetters).count == 2)
    }
}
