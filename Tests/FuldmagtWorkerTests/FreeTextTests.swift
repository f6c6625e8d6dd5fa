import Foundation
import FuldmagtDomain
import Testing

/// What people write into commands and shards keep.
@Suite struct FreeTextTests {
    private let anna = TestCluster.anna
    private let bent = TestCluster.bent

    /// Whose number people write into their texts; it is nobody's key.
    private static let stranger = "6404950017"
    private static let spellings = [stranger, "640495-0017", "640495 0017"]

    /// Expects the stranger's number in no file of the worker, and nowhere in what it wrote to topics.
    private func expectNowhere(_ cluster: TestCluster) throws {
        func holds(_ bytes: Data) -> Bool { Self.spellings.contains { bytes.range(of: Data($0.utf8)) != nil } }
        for name in try FileManager.default.contentsOfDirectory(atPath: cluster.directory) {
            guard let bytes = FileManager.default.contents(atPath: "\(cluster.directory)/\(name)") else { continue }
            #expect(!holds(bytes), "\(name)")
        }
        for topic in [Topic.outcomes, .inbox, .changelog, .notifications] {
            let said = cluster.said(topic)
            #expect(!said.isEmpty, "\(topic)")
            for record in said {
                let texts = [record.key ?? ""] + record.headers.map { "\($0.key)=\($0.value)" }
                #expect(!holds(Data(record.value ?? [])) && !texts.contains { holds(Data($0.utf8)) }, "\(topic)")
            }
        }
    }

    @Test("CPR numbers in free texts are kept nowhere")
    func freeTexts() throws {
        let cluster = try TestCluster.atHome()
        let stranger = Self.stranger
        cluster.send(
            "grant.issue",
            #"{"grantor":{"cpr":"\#(anna)"},"representative":{"cpr":"\#(bent)"},"packages":["tax"],"validUntil":"2028-01-01","channel":"assisted","evidence":{"journal":"\#(stranger)","caseworker":"x\#(stranger)","identification":"passport","assessment":{"possibilities":"as for \#(stranger)","consequences":"640495-0017, 2026012345","citizenPresent":true,"decidedOn":"2026-11-01"}}}"#,
            id: "g", key: anna)
        cluster.send(
            "grant.revoke",
            #"{"grantor":{"cpr":"\#(anna)"},"representative":{"cpr":"\#(bent)"},"packages":["tax"],"by":"grantor","reason":"asked by 640495 0017"}"#,
            id: "r", key: anna)
        try cluster.drain()
        #expect(cluster.answer("g") == "accepted" && cluster.answer("r") == "accepted")
        let dump = try cluster.dump()
        #expect(dump.contains { $0.contains(#""journal":"[…]""#) && $0.contains(#""caseworker":"x[…]""#) })
        #expect(dump.contains { $0.contains(#""reason":"asked by […]""#) })
        try cluster.stop()
        var isSomethingKept = false
        for name in try FileManager.default.contentsOfDirectory(atPath: cluster.directory) {
            guard let bytes = FileManager.default.contents(atPath: "\(cluster.directory)/\(name)") else { continue }
            if bytes.range(of: Data("[…], 2026012345".utf8)) != nil { isSomethingKept = true }
        }
        #expect(isSomethingKept)
        try expectNowhere(cluster)
    }

    @Test("nor in those of moves, exemptions, read accesses and corrections")
    func otherTexts() throws {
        let cluster = try TestCluster.atHome()
        cluster.issue(anna, to: bent, ["tax"], id: "g")
        try cluster.drain()
        let grant = try #require(cluster.outcomes(of: "g").first?.text("grants.0.id"))
        cluster.send(
            "grant.correct",
            #"{"grantor":{"cpr":"\#(anna)"},"grant":"\#(grant)","version":1,"changes":{"validUntil":"2027-01-01"},"journal":"J \#(Self.stranger)"}"#,
            id: "gc", key: anna)
        try cluster.drain()
        let texts = #""journal":"J \#(Self.stranger)","caseworker":"x 640495-0017""#
        for (type, more) in [
            (
                "exemption.register",
                #""municipality":"0101","form":"FD 640495 0017","requestedBy":"citizen","appearedInPerson":true,"#
            ), ("exemption.correct", #""municipality":"0101","registeredByMistake":true,"#),
            ("readaccess.grant", #""holder":{"cpr":"\#(bent)"},"#),
            ("readaccess.withdraw", #""holder":{"cpr":"\#(bent)"},"#),
        ] {
            cluster.send(
                type, #"{"citizen":{"cpr":"\#(anna)"},\#(more)\#(texts)}"#, id: type, key: anna,
                topic: .exemptionCommands)
            try cluster.drain()
            #expect(cluster.answer(type) == "accepted", "\(type)")
        }
        for (type, more) in [
            ("move.decease", #""effective":"2026-11-20""#),
            ("move.correct", #""journal":"J 640495-0017","diedByMistake":true"#),
        ] {
            cluster.send(type, #"{"citizen":{"cpr":"\#(anna)"},\#(more)}"#, id: type, key: anna)
            try cluster.drain()
            #expect(cluster.answer(type) == "accepted", "\(type)")
        }
        #expect(cluster.answer("gc") == "accepted")
        let dump = try cluster.dump()
        for kept in [#""form":"FD […]""#, #""journal":"J […]""#, #""caseworker":"x […]""#, #""reason":"J […]""#] {
            #expect(dump.contains { $0.contains(kept) }, "\(kept)")
        }
        try cluster.stop()
        try expectNowhere(cluster)
    }
}
