import FuldmagtDomain
import Testing

/// What becomes of grants when their package is removed from the catalogue.
@Suite struct CatalogueRemovalTests {
    private let anna = TestCluster.anna
    private let bent = TestCluster.bent

    private func states(_ cluster: TestCluster, _ table: String) throws -> [String] {
        try cluster.dump().filter { $0.contains(#""table":"\#(table)""#) }.compactMap {
            $0.firstMatch(of: /"package":"care".*"state":"([a-z]+)"/).map { String($0.1) }
        }
    }

    @Test("a removed package gives no right: grants sleep until it is defined again")
    func removed() throws {
        let cluster = try TestCluster()
        cluster.defineCatalogue()
        cluster.move(anna, to: "0101", on: "2026-01-01", id: "home")
        try cluster.drain()
        cluster.issue(anna, to: bent, ["care"], id: "g")
        try cluster.drain()
        cluster.broker.append(topic: .catalogue, partition: 0, key: Array("package/care".utf8), headers: [], value: nil)
        try cluster.drain()
        #expect(try states(cluster, "grant") == ["dormant"] && states(cluster, "received") == ["dormant"])
        let asleep = cluster.said(.notifications).filter { $0.text("kind") == "grant-dormant" }
        #expect(asleep.count == 2 && asleep.contains { $0.text("cause.id") == "package/care" })
        cluster.issue(anna, to: TestCluster.carl, ["care"], id: "none")
        try cluster.drain()
        #expect(cluster.answer("none") == "rejected unknown-package@packages[0]")
        cluster.send(
            "package.define",
            #"{"id":"care","version":2,"title":{"da":"t","en":"t"},"wording":{"da":"w","en":"w"},"kind":"act","scope":"municipal","kle":["27.60"]}"#,
            id: "again", key: "package/care")
        try cluster.drain()
        #expect(try states(cluster, "grant") == ["active"] && states(cluster, "received") == ["active"])
        // What made it work again, and when: not the activation, which is older.
        let awake = cluster.said(.notifications).filter { $0.text("kind") == "grant-awake" }
        #expect(awake.count == 2 && awake.contains { $0.text("cause.id") == "again" })
        let written = cluster.said(.outcomes).first { $0.key == "again" }?.text("decidedAt")
        #expect(awake.allSatisfy { $0.text("createdAt") == written })
        #expect(try cluster.check() == [])
    }

    @Test("a tombstone whose key is not the definition's, byte by byte, removes nothing: compaction would keep both")
    func strangeKeys() throws {
        let cluster = try TestCluster()
        cluster.defineCatalogue()
        cluster.package("caf\u{e9}", scope: "national")
        cluster.move(anna, to: "0101", on: "2026-01-01", id: "home")
        try cluster.drain()
        cluster.issue(anna, to: bent, ["care", "caf\u{e9}"], id: "g")
        try cluster.drain()
        for key in ["activation/101/care/urn:example:system", "package/cafe\u{301}"] {
            cluster.broker.append(topic: .catalogue, partition: 0, key: Array(key.utf8), headers: [], value: nil)
        }
        try cluster.drain()
        #expect(cluster.said(.deadLetters).map { $0.headers["dl_reason"] } == ["empty-value", "empty-value"])
        #expect(!cluster.said(.notifications).contains { $0.text("kind") == "grant-dormant" })
        // The right ones do.
        for key in ["activation/0101/care/urn:example:system", "package/caf\u{e9}"] {
            cluster.broker.append(topic: .catalogue, partition: 0, key: Array(key.utf8), headers: [], value: nil)
        }
        try cluster.drain()
        #expect(cluster.said(.notifications).filter { $0.text("kind") == "grant-dormant" }.count == 2)
        cluster.issue(anna, to: TestCluster.carl, ["caf\u{e9}"], id: "none")
        try cluster.drain()
        #expect(cluster.answer("none") == "rejected unknown-package@packages[0]")
        #expect(cluster.said(.deadLetters).count == 2)
    }

    @Test("a definition whose key is written with other accents is wrong, as compaction keeps both")
    func otherAccents() throws {
        let cluster = try TestCluster()
        cluster.send(
            "package.define",
            #"{"id":"caf\#u{e9}","version":1,"title":{"da":"t","en":"t"},"wording":{"da":"w","en":"w"},"kind":"act","scope":"national","kle":["27.60"]}"#,
            id: "d", key: "package/cafe\u{301}")
        try cluster.drain()
        #expect(cluster.answer("d") == "rejected invalid-field@key")
    }
}
