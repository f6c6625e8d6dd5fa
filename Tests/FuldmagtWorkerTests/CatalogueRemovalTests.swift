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
        #expect(try cluster.check() == [])
    }
}
