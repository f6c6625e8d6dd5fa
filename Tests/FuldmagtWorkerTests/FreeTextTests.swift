import Foundation
import Testing

/// What people write into commands and shards keep.
@Suite struct FreeTextTests {
    private let anna = TestCluster.anna
    private let bent = TestCluster.bent

    @Test("CPR numbers in free texts are kept nowhere")
    func freeTexts() throws {
        let cluster = try TestCluster.atHome()
        let stranger = "6404950017"
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
            for number in [stranger, "640495-0017", "640495 0017"] {
                #expect(bytes.range(of: Data(number.utf8)) == nil, "\(name)")
            }
            if bytes.range(of: Data("[…], 2026012345".utf8)) != nil { isSomethingKept = true }
        }
        #expect(isSomethingKept)
    }
}
