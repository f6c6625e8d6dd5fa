import FuldmagtDomain
import FuldmagtStore
import Testing

/// What transports say happened to notifications, and what follows from it.
@Suite struct ReceiptTests {
    private let anna = TestCluster.anna
    private let bent = TestCluster.bent

    private func begin(patience: ReceiptPatience = .endless) throws -> TestCluster {
        try TestCluster.atHome(patience)
    }

    private func revoke(_ cluster: TestCluster, id: String = "r") throws {
        cluster.revoke(anna, from: bent, ["tax"], id: id)
        try cluster.drain()
    }

    private func exempt(
        _ cluster: TestCluster, _ cpr: String, id: String = "e", extensions: [(String, String)] = []
    ) throws {
        cluster.send(
            "exemption.register",
            #"{"citizen":{"cpr":"\#(cpr)"},"municipality":"0101","form":"FD 001A","journal":"J","caseworker":"c","requestedBy":"citizen","appearedInPerson":true}"#,
            id: id, key: cpr, extensions: extensions)
        try cluster.drain()
        #expect(cluster.answer(id) == "accepted")
    }

    @Test("submitted, accepted, delivered: each is a step of the timeline, with its proof; a repeat is none")
    func delivered() throws {
        let cluster = try begin()
        let told = try cluster.given()
        for status in ["accepted", "submitted", "delivered", "submitted", "delivered"] {
            cluster.receipt(told, status)
            try cluster.drain()
        }
        #expect(try cluster.post(told) == "delivered")
        #expect(
            try cluster.timeline(told) == [
                "accepted digital-post accepted", "submitted digital-post accepted",
                "delivered digital-post delivered",
            ])
        #expect(
            try cluster.dump().contains {
                $0.contains(#""table":"timeline""#) && $0.contains(#""receipt":"receipt-1""#)
                    && $0.contains(#""source":"urn:dk:cvr:99000007:post""#)
            })
        #expect(cluster.said(.tasks).isEmpty && cluster.said(.deadLetters).isEmpty)
        #expect(cluster.notifications(to: bent) == ["grant-received digital-post"])
        #expect(try cluster.check() == [])
    }

    @Test("an event that is the whole value is a receipt like any other, and is set aside unchanged where it is wrong")
    func structured() throws {
        let cluster = try begin()
        let told = try cluster.given()
        let partition = try #require(told.headers["fm_shard"].flatMap { Int32($0) })
        let id = try #require(told.text("id"))
        func send(_ receipt: String, _ status: String, source: String) -> [UInt8] {
            let data =
                #"{"notification":"\#(id)","transport":"digital-post","status":"\#(status)","at":"2026-11-24T10:00:00Z"}"#
            let event =
                #"{"specversion":"1.0","id":"\#(receipt)","type":"dk.fuldmagt.receipt.v1"\#(source),"data":\#(data)}"#
            let value = Array(event.utf8)
            cluster.broker.append(
                topic: .receipts, partition: partition, key: Array((told.key ?? "").utf8),
                headers: [("content-type", Array("application/cloudevents+json".utf8))], value: value)
            return value
        }
        let source = #","source":"urn:dk:cvr:99000007:whole""#
        _ = send("whole-1", "submitted", source: source)
        _ = send("whole-2", "delivered", source: source)
        let wrong = send("whole-3", "failed", source: "")
        try cluster.drain()
        #expect(
            try cluster.timeline(told) == ["submitted digital-post submitted", "delivered digital-post delivered"])
        #expect(
            try cluster.dump().contains {
                $0.contains(#""table":"timeline""#) && $0.contains(#""receipt":"whole-2""#)
                    && $0.contains(#""source":"urn:dk:cvr:99000007:whole""#)
            })
        let letters = cluster.said(.deadLetters)
        #expect(letters.map { $0.headers["dl_reason"] } == ["missing-attribute"])
        #expect(letters.first?.value == wrong)
        #expect(try cluster.check() == [])
    }

    @Test("Digital Post fails: the same notification once more, by letter; the letter comes back: a task")
    func letterThenTask() throws {
        let cluster = try begin()
        let told = try cluster.given()
        cluster.receipt(told, "submitted")
        cluster.receipt(told, "failed")
        cluster.receipt(told, "failed")
        try cluster.drain()
        #expect(cluster.notifications(to: bent) == ["grant-received digital-post", "grant-received letter"])
        let letter = try #require(cluster.posted(to: bent).last)
        for field in ["id", "kind", "title", "body", "grant", "kle", "createdAt", "sender.cvr", "recipient.cpr"] {
            #expect(letter.text(field) == told.text(field), "\(field)")
        }
        #expect(letter.key == told.key && letter.headers["fm_shard"] == told.headers["fm_shard"])
        #expect(letter.headers["ce_id"] != told.headers["ce_id"])
        #expect(try cluster.post(told) == "queued")

        cluster.receipt(letter, "submitted", by: "letter")
        cluster.receipt(letter, "returned", by: "letter", more: #","code":"R7","detail":"unknown at 6202800015""#)
        try cluster.drain()
        #expect(try cluster.post(told) == "task")
        let task = try #require(cluster.said(.tasks).first)
        #expect(cluster.said(.tasks).count == 1)
        #expect(task.key == told.text("id") && task.text("reason") == "letter-returned")
        #expect(task.text("notification") == told.text("id") && task.text("citizen") == told.key)
        #expect(task.text("kind") == "grant-received" && task.text("grant") == told.text("grant"))
        #expect(task.text("sender.cvr") == told.text("sender.cvr") && task.text("cause.id") == "receipt-5")
        #expect(task.headers["ce_type"] == "dk.fuldmagt.task.v1")
        // No number stands in a task, nor in what is kept of a receipt.
        #expect(!"\(task)".contains(bent))
        #expect(try cluster.dump().allSatisfy { !$0.contains(bent) })
        #expect(try cluster.check() == [])
    }

    @Test("a revocation withdraws what no transport has, and only that; what is withdrawn stays so")
    func revoked() throws {
        let cluster = try begin()
        let told = try cluster.given()
        let own = try #require(cluster.posted(to: anna).last)
        cluster.receipt(told, "submitted")
        try cluster.drain()
        try revoke(cluster)
        #expect(cluster.answer("r") == "accepted")
        #expect(cluster.notifications(to: bent) == ["grant-received digital-post", "grant-revoked digital-post"])
        #expect(
            cluster.notifications(to: anna) == [
                "grant-given digital-post", "cancelled digital-post", "grant-revoked digital-post",
            ])
        // It was sent before the withdrawal was seen: noted, and nothing follows.
        cluster.receipt(own, "submitted")
        cluster.receipt(own, "failed")
        cluster.receipt(told, "delivered")
        try cluster.drain()
        #expect(try cluster.post(own) == "cancelled" && cluster.post(told) == "delivered")
        #expect(cluster.notifications(to: anna).count == 3)
        #expect(try cluster.check() == [])
    }

    @Test("what fails once the grant is revoked goes to the former representative by no other way")
    func failsAfterRevocation() throws {
        let cluster = try begin()
        let told = try cluster.given()
        cluster.receipt(told, "submitted")
        try cluster.drain()
        try revoke(cluster)
        cluster.receipt(told, "failed")
        try cluster.drain()
        #expect(cluster.notifications(to: bent) == ["grant-received digital-post", "grant-revoked digital-post"])
        #expect(try cluster.post(told) == "undeliverable" && cluster.said(.tasks).isEmpty)
        // That it was revoked is told by letter, where Digital Post fails.
        let revoked = try #require(cluster.posted(to: bent).last)
        cluster.receipt(revoked, "failed")
        cluster.receipt(told, "delivered")
        try cluster.drain()
        #expect(cluster.notifications(to: bent).last == "grant-revoked letter")
        #expect(try cluster.post(told) == "delivered")
        #expect(try cluster.check() == [])
    }

    @Test("a letter that no transport has is withdrawn too, whatever became of the Digital Post")
    func revokedLetter() throws {
        let cluster = try begin()
        let told = try cluster.given()
        cluster.receipt(told, "submitted")
        cluster.receipt(told, "failed")
        try cluster.drain()
        try revoke(cluster)
        #expect(
            cluster.notifications(to: bent) == [
                "grant-received digital-post", "grant-received letter", "cancelled letter",
                "grant-revoked digital-post",
            ])
        #expect(try cluster.post(told) == "cancelled")
        #expect(try cluster.check() == [])
    }

    @Test("a revocation while 1,000 notifications are queued withdraws those, before its outcome is written")
    func manyQueued() throws {
        let cluster = try begin()
        for number in 0..<500 { cluster.package("p\(number)", scope: "national") }
        try cluster.drain()
        let names = (0..<500).map { "p\($0)" }
        for part in 0..<10 {
            cluster.issue(anna, to: bent, Array(names[part * 50..<part * 50 + 50]), id: "g\(part)")
        }
        try cluster.drain()
        for part in 0..<10 {
            let list = names[part * 50..<part * 50 + 50].map { "\"\($0)\"" }.joined(separator: ",")
            cluster.send(
                "grant.revoke",
                #"{"grantor":{"cpr":"\#(anna)"},"representative":{"cpr":"\#(bent)"},"packages":[\#(list)],"by":"grantor"}"#,
                id: "r\(part)", key: anna)
        }
        // Every tenth has gone out already.
        let received = cluster.posted(to: bent)
        let sent = received.enumerated().filter { $0.offset % 10 == 0 }.map(\.element)
        for notification in sent { cluster.receipt(notification, "submitted") }
        // Receipts are in the representative's shard before the grantor's tells of the revocation.
        try cluster.drain()
        #expect((0..<10).allSatisfy { cluster.answer("r\($0)") == "accepted" })
        #expect(received.count == 500)
        let withdrawn = Set(
            cluster.posted(to: bent).filter { $0.text("kind") == "cancelled" }.compactMap { $0.text("id") })
        let sentIDs = Set(sent.compactMap { $0.text("id") })
        #expect(withdrawn == Set(received.compactMap { $0.text("id") }).subtracting(sentIDs))
        #expect(cluster.posted(to: anna).filter { $0.text("kind") == "cancelled" }.count == 500)
        #expect(try cluster.check() == [])
    }

    @Test("who becomes exempt gets by letter what was not sent; lifting the exemption pulls nothing back")
    func exempted() throws {
        let cluster = try begin()
        cluster.options.sweepRows = 2
        let sent = try cluster.given(id: "g0")
        let more = try (1...5).map { number -> TestCluster.Said in
            cluster.package("p\(number)", scope: "national")
            try cluster.drain()
            cluster.issue(anna, to: bent, ["p\(number)"], id: "g\(number)")
            try cluster.drain()
            return try #require(cluster.posted(to: bent).last)
        }
        cluster.receipt(sent, "submitted")
        try cluster.drain()
        // The rest of what one record looks at is the next record's.
        try cluster.stop()
        try exempt(cluster, bent, extensions: [("traceparent", "00-1-2-01")])
        let letters = cluster.posted(to: bent).filter { $0.text("channel") == "letter" }
        // Also those that a later record gets to.
        #expect(letters.count == 6 && letters.allSatisfy { $0.headers["ce_traceparent"] == "00-1-2-01" })
        #expect(Set(letters.compactMap { $0.text("id") }).isSuperset(of: more.compactMap { $0.text("id") }))
        #expect(letters.filter { $0.text("kind") == "grant-received" }.count == 5)
        #expect(try cluster.post(sent) == "submitted")
        #expect(try more.allSatisfy { try cluster.timeline($0) == ["exempted letter queued"] })
        let count = cluster.posted(to: bent).count
        cluster.send(
            "exemption.lift", #"{"citizen":{"cpr":"\#(bent)"},"by":"citizen"}"#, id: "l", key: bent)
        try cluster.drain()
        #expect(cluster.answer("l") == "accepted")
        #expect(cluster.posted(to: bent).dropFirst(count).map { $0.text("kind") } == ["exemption-lifted"])
        #expect(try cluster.check() == [])
    }

    @Test("files that are lost are rebuilt with every timeline, and what is waited for is waited for still")
    func restored() throws {
        let cluster = try begin(patience: ReceiptPatience())
        let told = try cluster.given()
        cluster.receipt(told, "submitted")
        try cluster.drain()
        let before = try cluster.dump()
        try cluster.stop()
        try cluster.loseFiles()
        try cluster.drain()
        #expect(try cluster.dump() == before)
        cluster.clock.advance(seconds: 86_401)
        try cluster.drain()
        #expect(cluster.notifications(to: bent) == ["grant-received digital-post", "grant-received letter"])
        #expect(try cluster.check() == [])
    }
}
