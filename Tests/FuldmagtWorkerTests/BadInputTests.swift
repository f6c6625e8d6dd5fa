import FuldmagtDomain
import FuldmagtRecord
import FuldmagtWorker
import Testing

/// Nothing from outside stops the worker or gets lost: every wrong record becomes a rejection or a dead letter whose bytes
/// are unchanged, and the next good command is decided.
@Suite struct BadInputTests {
    static let issue =
        #"{"grantor":{"cpr":"6101500014"},"representative":{"cpr":"6202800015"},"packages":["tax"],"validUntil":"2028-01-01","channel":"digital"}"#

    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var value: [UInt8]?
        var headers: [(String, [UInt8])]
        /// A dead letter's reason.
        var reason: String
        var testDescription: String { name }

        init(
            _ name: String, _ reason: String, value: [UInt8]? = Array(BadInputTests.issue.utf8),
            set: [String: [UInt8]?] = [:]
        ) {
            self.name = name
            self.value = value
            self.reason = reason
            var all: [(String, [UInt8])] = [
                ("ce_specversion", Array("1.0".utf8)), ("ce_id", Array("bad".utf8)),
                ("ce_type", Array("dk.fuldmagt.grant.issue.v1".utf8)),
                ("ce_source", Array(TestCluster.source.utf8)), ("content-type", Array("application/json".utf8)),
            ]
            for (header, value) in set {
                all.removeAll { $0.0 == header }
                if let value { all.append((header, value)) }
            }
            headers = all
        }
    }

    static func text(_ text: String) -> [UInt8] { Array(text.utf8) }

    static let cases: [Case] = [
        Case("a tombstone", "empty-value", value: nil),
        Case("an empty value", "empty-value", value: []),
        Case("invalid UTF-8", "invalid-utf8", value: text(#"{"grantor":""#) + [0xff, 0xfe] + text(#""}"#)),
        Case("invalid JSON", "invalid-json", value: text("{not json")),
        Case("a repeated member", "invalid-json", value: text(#"{"grantor":1,"grantor":2}"#)),
        Case("2 MB", "too-large", value: Array(repeating: 0x20, count: 2 << 20)),
        Case("nesting", "too-deep", value: Array(repeating: 0x5b, count: 5000)),
        Case("an unknown type", "unknown-type", set: ["ce_type": text("dk.fuldmagt.grant.frobnicate.v1")]),
        Case("an unknown version", "unknown-version", set: ["ce_type": text("dk.fuldmagt.grant.issue.v9")]),
        Case("a command of another topic", "wrong-topic", set: ["ce_type": text("dk.fuldmagt.move.relocate.v1")]),
        Case("no ce_id", "missing-attribute", set: ["ce_id": nil as [UInt8]?]),
        Case("no ce_source", "missing-attribute", set: ["ce_source": nil as [UInt8]?]),
        Case(
            "an id of 129 characters", "invalid-attribute",
            set: ["ce_id": Array(repeating: UInt8(ascii: "x"), count: 129)]),
        Case(
            "an id of 129 characters of two bytes", "invalid-attribute",
            set: ["ce_id": text(String(repeating: "å", count: 129))]),
        Case("another specversion", "invalid-attribute", set: ["ce_specversion": text("0.3")]),
        Case("a source that is no CVR number", "invalid-attribute", set: ["ce_source": text("urn:dk:cvr:12345678")]),
        Case("a header in another encoding", "invalid-attribute", set: ["ce_id": [0xe6, 0xf8, 0xe5]]),
        Case("no grantor", "invalid-citizen", value: text(#"{"representative":{"cpr":"6202800015"}}"#)),
        Case("a CPR number of nine digits", "invalid-citizen", value: text(#"{"grantor":{"cpr":"610150001"}}"#)),
        Case("an impossible date", "invalid-citizen", value: text(#"{"grantor":{"cpr":"9113500014"}}"#)),
        Case("a birth to come", "invalid-citizen", value: text(#"{"grantor":{"cpr":"6101364014"}}"#)),
        Case("data that is no object", "invalid-citizen", value: text("42")),
    ]

    @Test("is set aside byte by byte, and the next command is decided", arguments: cases)
    func deadLetter(_ wrong: Case) throws {
        let cluster = try TestCluster()
        cluster.defineCatalogue()
        let key: [UInt8] = Array("any key".utf8)
        cluster.broker.append(
            topic: .grantCommands, partition: 1, key: key, headers: wrong.headers, value: wrong.value)
        cluster.send("grant.issue", Self.issue, id: "good", key: TestCluster.anna)
        try cluster.drain()
        let letters = cluster.said(.deadLetters)
        #expect(letters.count == 1)
        #expect(letters.first?.headers["dl_reason"] == wrong.reason)
        #expect(letters.first?.headers["dl_topic"] == "fuldmagt.commands.grant")
        #expect(letters.first?.headers["dl_partition"] == "1")
        #expect(letters.first?.key == "any key")
        #expect(letters.first?.value == wrong.value)
        #expect(cluster.answer("good") == "accepted")
    }

    @Test("an id of 128 characters is one, whatever its bytes")
    func longID() throws {
        let cluster = try TestCluster()
        cluster.defineCatalogue()
        let id = String(repeating: "å", count: 128)
        cluster.send("grant.issue", Self.issue, id: id, key: TestCluster.anna)
        try cluster.drain()
        #expect(cluster.answer(id) == "accepted")
    }

    @Test(
        "a rejection names every field",
        arguments: [
            (
                #"{"grantor":{"cpr":"6101500014"},"representative":{"cpr":"61"},"packages":["nope"],"validUntil":"2020-01-01","channel":"fax"}"#,
                "rejected invalid-cpr@representative.cpr invalid-field@channel unknown-package@packages[0] validity-ended@validUntil"
            ),
            (
                #"{"grantor":{"cpr":"6101500014"},"representative":{"cvr":"12345678"},"packages":[],"channel":"digital"}"#,
                "rejected invalid-cvr@representative.cvr invalid-field@packages missing-field@validUntil"
            ),
            (
                #"{"grantor":{"cpr":"6101500014"},"representative":{"cpr":"6101500014"},"packages":["tax","tax"],"validFrom":"2027-02-01","validUntil":"2027-01-01","channel":"digital"}"#,
                "rejected invalid-field@packages[1] invalid-field@validUntil same-party@representative"
            ),
            (
                #"{"grantor":{"cpr":"6101500014"},"representative":{"cpr":"6202800015"},"packages":["care"],"validUntil":"9999-12-31","channel":"assisted"}"#,
                "rejected assessment-missing@evidence.assessment.citizenPresent assessment-missing@evidence.assessment.consequences assessment-missing@evidence.assessment.decidedOn assessment-missing@evidence.assessment.possibilities evidence-missing@evidence.caseworker evidence-missing@evidence.identification journal-missing@evidence.journal residence-unknown@packages[0] validity-too-long@validUntil"
            ),
        ])
    func rejections(_ data: String, _ expected: String) throws {
        let cluster = try TestCluster()
        cluster.defineCatalogue()
        cluster.send("grant.issue", data, id: "x", key: TestCluster.anna)
        try cluster.drain()
        #expect(cluster.answer("x") == expected)
    }

    @Test("51 packages are refused, 50 are not")
    func packageLimit() throws {
        let cluster = try TestCluster()
        for number in 0..<51 { cluster.package("p\(number)", scope: "national") }
        cluster.issue(TestCluster.anna, to: TestCluster.bent, (0..<51).map { "p\($0)" }, id: "51")
        cluster.issue(TestCluster.anna, to: TestCluster.bent, (0..<50).map { "p\($0)" }, id: "50")
        try cluster.drain()
        #expect(cluster.answer("51") == "rejected invalid-field@packages")
        #expect(cluster.answer("50") == "accepted")
        #expect(cluster.notifications(to: TestCluster.bent).count == 50)
    }

    @Test("test persons are refused where none are admitted")
    func testPersons() throws {
        let cluster = try TestCluster(admitsTestPersons: false)
        cluster.defineCatalogue()
        cluster.send("grant.issue", Self.issue, id: "x", key: TestCluster.anna)
        try cluster.drain()
        #expect(cluster.answer("x") == "rejected test-person@grantor.cpr test-person@representative.cpr")
    }

    @Test("a repeat says nothing, however it is spelled; other content under the same id is set aside")
    func idempotency() throws {
        let cluster = try TestCluster()
        cluster.defineCatalogue()
        cluster.send("grant.issue", Self.issue, id: "g", key: TestCluster.anna)
        cluster.send(
            "grant.issue",
            #"{ "channel":"digit\u0061l", "validUntil":"2028-01-01","packages":["tax"], "representative":{"cpr":"6202800015"},"grantor":{"cpr":"6101500014"}}"#,
            id: "g", key: TestCluster.anna)
        cluster.send(
            "grant.issue", Self.issue.replacing("2028", with: "2029"), id: "g", key: TestCluster.anna)
        try cluster.drain()
        #expect(cluster.answer("g") == "accepted")
        #expect(cluster.notifications(to: TestCluster.anna).count == 1)
        #expect(cluster.said(.deadLetters).map { $0.headers["dl_reason"] } == ["id-reused"])
    }

    @Test("a wrong catalogue record changes nothing, and is answered once")
    func catalogue() throws {
        let cluster = try TestCluster()
        cluster.activate("care", in: "0999", id: "municipality")
        cluster.package("far", scope: "national", kle: "99.99")
        cluster.package("form", scope: "national", kle: "x")
        try cluster.drain()
        #expect(cluster.answer("municipality") == "rejected unknown-municipality@municipality")
        #expect(cluster.answer("define-far") == "rejected unknown-kle@kle[0]")
        #expect(cluster.answer("define-form") == "rejected invalid-field@kle[0]")
        cluster.issue(TestCluster.anna, to: TestCluster.bent, ["far"], id: "g")
        try cluster.drain()
        #expect(cluster.answer("g") == "rejected unknown-package@packages[0]")
        try cluster.stop()
        try cluster.drain()
        #expect(cluster.outcomes(of: "define-far").count == 1)
    }

    @Test("500 unreadable records in a row stop the worker, and none of them is passed over")
    func tooMany() throws {
        let cluster = try TestCluster(partitions: 1)
        for _ in 0..<500 {
            cluster.broker.append(topic: .grantCommands, partition: 0, key: nil, headers: [], value: [1])
        }
        #expect(throws: WorkerStop.self) { try cluster.drain() }
        #expect(cluster.said(.deadLetters).isEmpty)
        #expect(cluster.broker.lag == 500)
    }

    @Test("what only turns out to be for the dead letters once it is decided counts, too")
    func tooManyReused() throws {
        let cluster = try TestCluster(partitions: 1)
        cluster.options.deadLettersInARow = 5
        cluster.defineCatalogue()
        cluster.issue(TestCluster.anna, to: TestCluster.bent, ["tax"], id: "g")
        try cluster.drain()
        func reuse(_ times: Int) {
            for _ in 0..<times { cluster.issue(TestCluster.anna, to: TestCluster.carl, ["tax"], id: "g") }
        }
        reuse(4)
        cluster.issue(TestCluster.anna, to: TestCluster.carl, ["tax"], id: "good")
        try cluster.drain()
        #expect(cluster.said(.deadLetters).count == 4)
        reuse(5)
        let stop = #expect(throws: WorkerStop.self) { try cluster.drain() }
        #expect(stop?.kind == .deadLetters)
        let text = stop?.text ?? ""
        #expect(text.contains("from fuldmagt.commands.grant[0] offset 6 on"), "\(text)")
        #expect(text.contains("the last is fuldmagt.commands.grant[0] offset 10 (id-reused"), "\(text)")
        // Nothing of it was done, and whoever allows more goes on from there.
        #expect(cluster.said(.deadLetters).count == 4 && cluster.broker.lag == 5)
        cluster.abandon()
        cluster.options.deadLettersInARow = 6
        try cluster.drain()
        #expect(cluster.said(.deadLetters).count == 9)
    }

    @Test("so do wrong records of the catalogue, which are counted by themselves")
    func tooManyOfTheCatalogue() throws {
        let cluster = try TestCluster(partitions: 1)
        cluster.options.deadLettersInARow = 5
        cluster.defineCatalogue()
        try cluster.drain()
        for _ in 0..<5 {
            cluster.broker.append(topic: .catalogue, partition: 0, key: nil, headers: [], value: [1])
        }
        let stop = #expect(throws: WorkerStop.self) { try cluster.drain() }
        #expect(stop?.text.contains("fuldmagt.catalogue[0] offset 4 on") == true, "\(stop?.text ?? "")")
        #expect(cluster.said(.deadLetters).isEmpty)
    }

    @Test("more than the allowed share of the last 10,000 records stops the worker; as much as it does not")
    func tooLargeShare() throws {
        let cluster = try TestCluster(partitions: 1)
        cluster.options.deadLettersRatio = 0.5
        func half() {
            for number in 0..<10_000 {
                // Readable: it is rejected, not set aside.
                let value = number % 2 == 0 ? [1] : Array(#"{"grantor":{"cpr":"6101500014"}}"#.utf8)
                cluster.broker.append(
                    topic: .grantCommands, partition: 0, key: nil,
                    headers: [
                        ("ce_specversion", Array("1.0".utf8)), ("ce_id", Array("\(number)".utf8)),
                        ("ce_type", Array("dk.fuldmagt.grant.issue.v1".utf8)),
                        ("ce_source", Array(TestCluster.source.utf8)),
                    ], value: value)
            }
        }
        half()
        try cluster.drain()
        #expect(cluster.said(.deadLetters).count == 5_000)
        // Each pushes one out: unreadable, readable, and now a readable one gives way to the second unreadable one.
        for _ in 0..<2 { cluster.broker.append(topic: .grantCommands, partition: 0, key: nil, headers: [], value: [1]) }
        let stop = #expect(throws: WorkerStop.self) { try cluster.drain() }
        #expect(stop?.kind == .deadLetters)
        #expect(stop?.text.contains("5001 of the last 10000") == true)
        #expect(stop?.text.contains("FULDMAGT_DEAD_LETTERS_RATIO") == true)
        #expect(cluster.broker.lag == 2)
    }

    @Test("a CPR number shows in no key of what is written, nor in a rejection")
    func keys() throws {
        let cluster = try TestCluster()
        cluster.defineCatalogue()
        cluster.issue(TestCluster.anna, to: TestCluster.bent, ["tax"], id: "g1")
        cluster.issue(TestCluster.anna, to: TestCluster.bent, ["tax"], id: "g2")
        try cluster.drain()
        for topic in [Topic.outcomes, .notifications, .inbox] {
            for record in cluster.said(topic) {
                let key = record.key ?? ""
                #expect(!key.contains(TestCluster.anna) && !key.contains(TestCluster.bent))
                let text = topic == .notifications ? record.text("body") ?? "" : record.description
                #expect(!text.contains(TestCluster.anna) && !text.contains(TestCluster.bent))
            }
        }
    }
}
