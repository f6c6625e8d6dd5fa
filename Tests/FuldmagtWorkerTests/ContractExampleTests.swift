import FuldmagtDomain
import Testing

/// What the published contract shows as an example is accepted by a worker: whoever copies it has something that works.
@Suite struct ContractExampleTests {
    private let grant = "00000000-0000-4000-8000-000000000000"

    private func send(_ cluster: TestCluster, _ name: String, id: String, grant: String? = nil) throws {
        let record = try #require(Contract.record(name))
        let data = grant.map { record.example.replacing(self.grant, with: $0) } ?? record.example
        let key: String? =
            switch name {
            case "package.define": "package/tax-example"
            case "activation.set": "activation/0101/tax-example/urn:example:system"
            case "itsystem.define": "itsystem/urn:example:system"
            case "authority.define": "authority/99000007"
            default: TestCluster.anna
            }
        cluster.send(name, data, id: id, key: key, topic: record.topic)
        try cluster.drain()
    }

    @Test("every example of a command or catalogue record is accepted, in an order in which it makes sense")
    func accepted() throws {
        let cluster = try TestCluster()
        var sent: Set<String> = []
        func expect(_ name: String, grantOf command: String? = nil, id: String? = nil) throws {
            let grant = command.flatMap { cluster.outcomes(of: $0).first?.text("grants.0.id") }
            let id = id ?? "\(name)-\(sent.count)"
            try send(cluster, name, id: id, grant: grant)
            #expect(cluster.answer(id) == "accepted", "\(name)")
            sent.insert(name)
        }
        for name in ["itsystem.define", "package.define", "activation.set", "authority.define"] { try expect(name) }
        try expect("move.relocate")
        try expect("grant.issue", id: "g")
        try expect("grant.correct", grantOf: "g")
        try expect("grant.revoke")
        try expect("grant.issue", id: "g2")
        try expect("grant.renew", grantOf: "g2")
        for answer in ["grant.approve", "grant.decline"] {
            let request = try #require(Contract.record("grant.request"))
            let id = "request-\(answer)"
            // Its helper is asked for a second time only after the first grant is gone.
            cluster.send("grant.request", request.example, id: id, key: TestCluster.anna)
            try cluster.drain()
            #expect(cluster.answer(id) == "accepted")
            sent.insert("grant.request")
            let data = try #require(Contract.record(answer)).example.replacing("request-1", with: id)
            cluster.send(answer, data, id: answer, key: TestCluster.anna)
            try cluster.drain()
            #expect(cluster.answer(answer) == "accepted", "\(answer)")
            sent.insert(answer)
            cluster.send(
                "grant.revoke",
                #"{"grantor":{"cpr":"\#(TestCluster.anna)"},"representative":{"cvr":"99000007"},"packages":["tax-example"],"by":"grantor"}"#,
                id: "clear-\(answer)", key: TestCluster.anna)
            try cluster.drain()
        }
        cluster.move(TestCluster.anna, to: "0101", on: "2026-11-10", id: "to-copenhagen")
        try cluster.drain()
        try expect("exemption.register")
        try expect("exemption.correct")
        try expect("exemption.register", id: "exempt-again")
        try expect("exemption.lift")
        try expect("readaccess.grant")
        try expect("readaccess.withdraw")
        try expect("mailbox.enrol")
        try expect("move.emigrate")
        try expect("move.immigrate")
        try expect("move.decease")
        try expect("move.correct")
        try expect("move.renumber")
        let all = Set(Contract.records.map(\.name)).subtracting(["outcome", "notification", "receipt", "task"])
        #expect(sent == all)
    }
}
