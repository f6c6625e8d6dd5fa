import Foundation
import FuldmagtDomain
import FuldmagtRecord
import FuldmagtStore
import GRDB
import Testing

/// Receipts that stay away, come too early, or come to where the recipient is no more.
@Suite struct OverduePostTests {
    private let anna = TestCluster.anna
    private let bent = TestCluster.bent
    private let new = "6101500030"

    private func begin(_ patience: ReceiptPatience = ReceiptPatience()) throws -> TestCluster {
        try TestCluster.atHome(patience)
    }

    private func pass(_ cluster: TestCluster, hours: Int) throws {
        cluster.clock.advance(seconds: hours * 3_600)
        try cluster.drain()
    }

    @Test("each step is waited for as long as is set: then a letter, then a task, and then nothing more")
    func steps() throws {
        let cluster = try begin()
        let told = try cluster.given()
        let own = try #require(cluster.posted(to: anna).last)
        cluster.receipt(told, "submitted")
        try cluster.drain()
        try pass(cluster, hours: 23)
        #expect(cluster.notifications(to: bent) == ["grant-received digital-post"])
        try pass(cluster, hours: 1)
        #expect(cluster.notifications(to: bent) == ["grant-received digital-post", "grant-received letter"])
        cluster.receipt(told, "submitted", by: "letter")
        cluster.receipt(told, "accepted", by: "letter")
        try cluster.drain()
        try pass(cluster, hours: 335)
        #expect(cluster.said(.tasks).isEmpty)
        try pass(cluster, hours: 1)
        let task = try #require(cluster.said(.tasks).first)
        #expect(task.text("reason") == "no-receipt" && task.text("notification") == told.text("id"))
        #expect(task.text("cause.id") == told.text("id"))
        #expect(
            try cluster.timeline(told) == [
                "submitted digital-post submitted", "overdue letter queued", "submitted letter submitted",
                "accepted letter accepted", "overdue letter task",
            ])
        // What nobody has taken in all that time is a letter too, later than all else, and then a task.
        #expect(try cluster.timeline(own) == ["overdue letter queued"])
        try pass(cluster, hours: 336)
        try pass(cluster, hours: 3_000)
        #expect(cluster.said(.tasks).count == 2)
        #expect(try cluster.post(own) == "task" && cluster.post(told) == "task")
        #expect(cluster.notifications(to: bent).count == 2 && cluster.notifications(to: anna).count == 2)
        #expect(try cluster.check() == [])
    }

    @Test("a clock that is put right by two days does not put off the look for what is overdue")
    func clockSetBack() throws {
        let cluster = try begin()
        try pass(cluster, hours: 48)
        cluster.clock.now.withLock { $0 = $0.adding(seconds: -48 * 3_600) }
        let told = try cluster.given()
        cluster.receipt(told, "submitted")
        try cluster.drain()
        try pass(cluster, hours: 24)
        #expect(cluster.notifications(to: bent) == ["grant-received digital-post", "grant-received letter"])
    }

    @Test("what is overdue once the grant is revoked is neither a letter nor a task")
    func afterRevocation() throws {
        let cluster = try begin()
        let told = try cluster.given()
        cluster.receipt(told, "submitted")
        try cluster.drain()
        cluster.revoke(anna, from: bent, ["tax"], id: "r")
        try cluster.drain()
        for status in ["submitted", "accepted", "delivered"] {
            for notification in cluster.posted(to: bent).suffix(1) + cluster.posted(to: anna).suffix(1) {
                cluster.receipt(notification, status)
            }
        }
        try cluster.drain()
        try pass(cluster, hours: 24)
        try pass(cluster, hours: 3_000)
        #expect(try cluster.post(told) == "undeliverable" && cluster.said(.tasks).isEmpty)
        #expect(cluster.notifications(to: bent) == ["grant-received digital-post", "grant-revoked digital-post"])
        #expect(try cluster.check() == [])
    }

    @Test("a receipt in time begins the wait anew, and delivered ends it")
    func inTime() throws {
        let cluster = try begin()
        let told = try cluster.given()
        for status in ["submitted", "accepted", "delivered"] {
            try pass(cluster, hours: 20)
            cluster.receipt(told, status)
            try cluster.drain()
        }
        try pass(cluster, hours: 200)
        #expect(cluster.notifications(to: bent) == ["grant-received digital-post"])
        #expect(try cluster.post(told) == "delivered")
    }

    @Test("many are overdue at once: bounded steps, any worker, each once")
    func many() throws {
        let cluster = try begin()
        cluster.options.sweepSize = 7
        for number in 0..<40 { cluster.package("p\(number)", scope: "national") }
        try cluster.drain()
        cluster.issue(anna, to: bent, (0..<40).map { "p\($0)" }, id: "g")
        try cluster.drain(members: 2)
        let told = cluster.posted(to: bent)
        #expect(told.count == 40)
        for notification in told.prefix(20) { cluster.receipt(notification, "submitted") }
        try cluster.drain(members: 2)
        cluster.clock.advance(seconds: 14 * 86_400)
        try cluster.drain(members: 2)
        let letters = cluster.posted(to: bent).dropFirst(40)
        #expect(letters.count == 40 && letters.allSatisfy { $0.text("channel") == "letter" })
        #expect(Set(letters.compactMap { $0.text("id") }) == Set(told.compactMap { $0.text("id") }))
        #expect(cluster.posted(to: anna).count == 80)
        try cluster.stop()
        #expect(try cluster.check() == [])
    }

    @Test("a recipient who has died gets no letter: undeliverable; if it was a mistake, somebody's task")
    func dead() throws {
        let cluster = try begin()
        let told = try cluster.given()
        let own = try #require(cluster.posted(to: anna).last)
        cluster.receipt(told, "submitted")
        try cluster.drain()
        cluster.send("move.decease", #"{"citizen":{"cpr":"\#(bent)"},"effective":"2026-11-20"}"#, id: "d", key: bent)
        try cluster.drain()
        #expect(cluster.answer("d") == "accepted")
        cluster.receipt(told, "failed")
        try cluster.drain()
        #expect(try cluster.post(told) == "undeliverable")
        #expect(cluster.notifications(to: bent) == ["grant-received digital-post"])
        #expect(cluster.said(.tasks).isEmpty)
        // Withdrawn from the grantor, as before.
        #expect(try cluster.post(own) == nil && cluster.notifications(to: anna).contains("cancelled digital-post"))
        cluster.send(
            "move.correct", #"{"citizen":{"cpr":"\#(bent)"},"journal":"J","diedByMistake":true}"#, id: "c", key: bent,
            extensions: [("traceparent", "00-1-2-01"), ("jobid", "corrections")])
        try cluster.drain()
        #expect(cluster.answer("c") == "accepted")
        let task = try #require(cluster.said(.tasks).first)
        #expect(cluster.said(.tasks).count == 1 && task.text("reason") == "undeliverable")
        #expect(task.text("notification") == told.text("id"))
        // The notification is about Anna: of what brought this about, only the trace is for others.
        #expect(task.headers["ce_traceparent"] == "00-1-2-01" && task.headers["ce_jobid"] == nil)
        #expect(try cluster.check() == [])
    }

    @Test("what waits in vain for the dead is withdrawn, so that nobody sends it any more")
    func deadUnsent() throws {
        let cluster = try begin()
        cluster.send(
            "readaccess.grant", #"{"citizen":{"cpr":"\#(anna)"},"holder":{"cpr":"\#(bent)"}}"#, id: "a", key: anna,
            topic: .exemptionCommands)
        try cluster.drain()
        cluster.send("move.decease", #"{"citizen":{"cpr":"\#(bent)"},"effective":"2026-11-20"}"#, id: "d", key: bent)
        try cluster.drain()
        try pass(cluster, hours: 336)
        #expect(cluster.notifications(to: bent) == ["readaccess-given digital-post", "cancelled digital-post"])
        #expect(try cluster.post(try #require(cluster.posted(to: bent).first)) == "undeliverable")
        #expect(try cluster.check() == [])
    }

    @Test("a receipt for a notification that is not known is kept, and set aside as it came when nothing becomes known")
    func unknown() throws {
        let cluster = try begin()
        let told = try cluster.given()
        let key = told.key ?? ""
        let nobody = String(repeating: "ab", count: 16)
        let id = "2f1c6c1e-6f0a-4c57-9a51-2f1c6c1e6f0a"
        cluster.receipt(of: id, key: key, "submitted", partition: told.headers["fm_shard"].flatMap { Int32($0) } ?? 0)
        cluster.receipt(of: told.text("id") ?? "", key: nobody, "submitted", partition: 0)
        try cluster.drain()
        #expect(cluster.said(.deadLetters).isEmpty)
        #expect(try cluster.dump().filter { $0.contains(#""table":"earlyReceipt""#) }.count == 2)
        try pass(cluster, hours: 23)
        #expect(cluster.said(.deadLetters).isEmpty)
        try pass(cluster, hours: 1)
        let letters = cluster.said(.deadLetters)
        #expect(letters.count == 2)
        let sent = cluster.said(.receipts)
        for letter in letters {
            let original = try #require(sent.first { $0.value == letter.value })
            #expect(letter.key == original.key)
            #expect(letter.headers.filter { !$0.key.hasPrefix("dl_") } == original.headers)
            #expect(letter.headers["dl_reason"] == "unknown-receipt")
            #expect(letter.headers["dl_topic"] == "fuldmagt.receipts")
        }
        #expect(try cluster.dump().allSatisfy { !$0.contains(#""table":"earlyReceipt""#) })
        #expect(try cluster.check() == [])
    }

    @Test("too many early receipts are set aside at once, and an unreadable one always is")
    func limits() throws {
        let cluster = try begin()
        cluster.options.earlyReceipts = 3
        try cluster.stop()
        let key = String(repeating: "ab", count: 16)
        for number in 10..<15 {
            cluster.receipt(
                of: "2f1c6c1e-6f0a-4c57-9a51-2f1c6c1e6f\(number)", key: key, "submitted", partition: 1)
        }
        cluster.receipt(of: "nonsense", key: key, "submitted", partition: 1)
        cluster.receipt(of: "2f1c6c1e-6f0a-4c57-9a51-2f1c6c1e6f0a", key: "nobody", "submitted", partition: 1)
        try cluster.drain()
        #expect(
            cluster.said(.deadLetters).compactMap { $0.headers["dl_reason"] }.sorted() == [
                "invalid-attribute", "invalid-citizen", "unknown-receipt", "unknown-receipt",
            ])
    }

    @Test("a receipt that an earlier version kept and this one cannot read is set aside, and its shard goes on")
    func keptByAnother() throws {
        let cluster = try begin()
        let told = try cluster.given()
        let shard = told.headers["fm_shard"].flatMap { Int32($0) } ?? 0
        cluster.receipt(
            of: "2f1c6c1e-6f0a-4c57-9a51-2f1c6c1e6f0a", key: told.key ?? "", "submitted", partition: shard)
        try cluster.drain()
        try cluster.stop()
        let sent = try #require(cluster.said(.receipts).last)
        var batch = RecordBatch()
        Array(#"{"notification":"nonsense"}"#.utf8).withUnsafeBytes { value in
            batch.append(topic: Topic.receipts.rawValue, offset: 0, timestamp: 0, key: nil, value: value) { block in
                for (name, value) in sent.headers { HeaderBlock.append(name: name, value: value, to: &block) }
            }
        }
        let kept = batch.withRecords { records in
            TestCluster.keys.seal(
                records[0], topic: .receipts, position: Position(topic: .receipts, partition: shard, offset: 0),
                at: TestCluster.start)
        }
        let path = "\(cluster.directory)/\(ShardStore.fileName(of: shard))"
        try DatabaseQueue(path: path).write { db in
            try db.execute(sql: "UPDATE early_receipts SET sealed = ?", arguments: [Data(kept.sealed)])
            #expect(db.changesCount == 1)
        }
        cluster.receipt(told, "submitted")
        try pass(cluster, hours: 1)
        #expect(cluster.said(.deadLetters).map { $0.headers["dl_reason"] } == ["invalid-attribute"])
        #expect(try cluster.timeline(told) == ["submitted digital-post submitted"])
        #expect(try cluster.dump().allSatisfy { !$0.contains(#""table":"earlyReceipt""#) })
    }

    @Test("a receipt for an old number follows the file, and one that came before it is applied there")
    func renumbered() throws {
        let cluster = try begin()
        let told = try cluster.given()
        cluster.receipt(told, "submitted")
        try cluster.drain()
        let early = "2f1c6c1e-6f0a-4c57-9a51-2f1c6c1e6f0a"
        let shard = told.headers["fm_shard"].flatMap { Int32($0) } ?? 0
        cluster.receipt(of: early, key: told.key ?? "", "submitted", partition: shard)
        try cluster.drain()
        cluster.renumber(bent, to: new, id: "n")
        try cluster.drain()
        #expect(cluster.answer("n") == "accepted")
        #expect(try cluster.timeline(told) == ["submitted digital-post submitted"])
        // The sender knows nothing of it: the same partition and key.
        cluster.receipt(told, "failed")
        try cluster.drain()
        #expect(
            try cluster.timeline(told) == ["submitted digital-post submitted", "failed letter queued"])
        let letter = try #require(cluster.posted(to: new).last)
        #expect(letter.text("id") == told.text("id") && letter.text("channel") == "letter")
        #expect(letter.key != told.key)
        cluster.receipt(letter, "submitted", by: "letter")
        try cluster.drain()
        #expect(try cluster.post(told) == "submitted")
        // The wait followed too, and so did the receipt that nobody knows.
        try pass(cluster, hours: 168)
        #expect(try cluster.post(told) == "task")
        #expect(cluster.said(.tasks).first?.text("citizen") == letter.key)
        #expect(cluster.said(.deadLetters).compactMap { $0.headers["dl_reason"] } == ["unknown-receipt"])
        #expect(try cluster.check() == [])
    }

    @Test("what is written after the last notifications have gone to another shard is waited for, too")
    func rowsUsedAgain() throws {
        let cluster = try begin()
        // All of it is older than what receipts are waited for.
        let told = try cluster.given()
        try pass(cluster, hours: 336)
        #expect(cluster.notifications(to: bent).last == "grant-received letter")
        cluster.receipt(told, "delivered", by: "letter")
        try cluster.drain()
        cluster.renumber(bent, to: new, id: "n")
        try cluster.drain()
        #expect(cluster.answer("n") == "accepted")
        // Somebody else of the old shard, whose notification gets a number that was used before.
        func shard(_ digits: String) throws -> Int32 {
            TestCluster.keys.identity(of: .person(try CPR(digits, today: .last)), partitions: 4).shard
        }
        try #require(try shard(bent) != shard(anna) && shard(bent) != shard(new))
        let other = try #require(
            try (100..<200).map { "6202800\($0)" }.first { try shard($0) == shard(bent) })
        cluster.issue(TestCluster.carl, to: other, ["tax"], id: "later")
        try cluster.drain()
        #expect(cluster.notifications(to: other) == ["grant-received digital-post"])
        try pass(cluster, hours: 336)
        #expect(cluster.notifications(to: other) == ["grant-received digital-post", "grant-received letter"])
        #expect(try cluster.check() == [])
    }

    @Test("a shard from before receipts were read: what it holds has long been sent")
    func fromBefore() throws {
        let cluster = try begin(.endless)
        _ = try cluster.given()
        try cluster.stop()
        try cluster.forgetWatch()
        cluster.options.settings.patience = ReceiptPatience()
        try cluster.drain()
        cluster.package("p", scope: "national")
        try cluster.drain()
        cluster.clock.advance(seconds: 86_400)
        cluster.issue(anna, to: bent, ["p"], id: "later")
        try cluster.drain()
        try pass(cluster, hours: 335)
        #expect(cluster.notifications(to: bent) == ["grant-received digital-post", "grant-received digital-post"])
        try pass(cluster, hours: 1)
        // Only what was written since is waited for.
        #expect(
            cluster.notifications(to: bent) == [
                "grant-received digital-post", "grant-received digital-post", "grant-received letter",
            ])
        #expect(
            cluster.posted(to: bent).map { $0.text("id") }.suffix(2).reduce(into: Set()) { $0.insert($1) }.count == 1)
    }
}
