import Foundation
import FuldmagtBytes
import FuldmagtDomain
import FuldmagtKeys
import FuldmagtRecord
import Testing

@testable import FuldmagtPost

@Suite struct ReceiptTests {
    @Test("accepted is not delivered: what each status stands for")
    func meanings() {
        let table = PostStatus.Meaning.all.map {
            "\($0.name) · \($0.transport?.rawValue ?? "either") · \($0.status.rawValue)"
        }
        #expect(
            table == [
                "Afsendt · either · accepted", "Modtaget Digital Post · digital-post · accepted",
                "Afleveret Digital Post · digital-post · delivered", "Modtaget fjernprint · letter · accepted",
                "Klar · letter · accepted", "Afleveret til print · letter · accepted",
                "Modtaget PostDanmark · letter · delivered", "Fejlet · either · failed",
                "Tilbagekaldt · either · failed",
            ])
    }

    @Test("what both transports say is about the letter, once there is one")
    func either() throws {
        func receipts(_ status: String, _ channels: [PostChannel]) throws -> [PostChannel] {
            let address = ReceiptAddress(pseudonym: Sample.id(2), shard: 0)
            let found = channels.map {
                LedgerReader.Found(notification: Sample.id(1), address: address, channel: $0)
            }
            return try PostStatus.read(document(1, status), layout: .init()).receipts(found).map(\.transport)
        }
        #expect(try receipts("Fejlet", [.digitalPost]) == [.digitalPost])
        #expect(try receipts("Fejlet", [.letter]) == [.letter])
        #expect(try receipts("Fejlet", [.digitalPost, .letter]) == [.letter])
        #expect(try receipts("Afleveret Digital Post", [.digitalPost, .letter]) == [.digitalPost])
        #expect(try receipts("Klar", [.digitalPost]) == [])
    }

    private func document(_ number: Int, _ status: String, id: String = "r1", code: String? = nil) -> [UInt8] {
        PostStatus.document(
            receiptID: id, message: Sample.id(number), status: status, code: code, at: Sample.time)
    }

    @Test("receipts find their notifications; the unknown and the unreadable are dead letters, bytes unchanged")
    func intake() throws {
        let scene = try SenderScene()
        scene.quietSeconds = 60
        scene.log.append(try Sample.notification(1, recipient: 1))
        scene.log.append(try Sample.notification(2, recipient: 1))
        try scene.run()
        scene.now = scene.now.adding(seconds: 60)
        try scene.run()
        let inbox = scene.receipts
        let folder = try ReceiptFolder(path: inbox)
        let documents: [(name: String, bytes: [UInt8])] = [
            ("a", document(1, "Modtaget Digital Post")), ("b", document(1, "Afleveret Digital Post", id: "r2")),
            ("c", document(9, "Afleveret Digital Post")), ("d", Array("<no".utf8)), ("e", document(1, "Sendt måske")),
            // Digital Post has it, no letter was sent.
            ("f", document(1, "Modtaget PostDanmark")),
            ("g", document(1, "fejlet", id: "r3", code: "recipient.is.closed")),
            ("h", document(1, "Tilbagekaldt", id: "r4")),
        ]
        for document in documents {
            try Data(document.bytes).write(to: URL(fileURLWithPath: "\(inbox)/\(document.name).xml"))
        }
        let intake = scene.intake()
        let log = MemoryLog()
        #expect(try folder.takeIn(intake) { try log.write($0) } == 8)
        #expect(
            log.receipts.map { "\($0.json["status"] ?? "") \($0.json["code"] ?? "-")" } == [
                "accepted -", "accepted -", "delivered -", "delivered -", "failed recipient.is.closed",
                "failed recipient.is.closed", "failed recalled", "failed recalled",
            ])
        // Both notifications that travelled in the message, each with its own id.
        #expect(Set(log.receipts.map { $0.headers["ce_id"] ?? "" }).count == 8)
        #expect(
            Set(log.receipts.compactMap { $0.json["notification"] }) == [Sample.id(1).uuidText, Sample.id(2).uuidText])
        #expect(log.receipts.allSatisfy { $0.partition == 2 && ($0.json["detail"] ?? "").hasPrefix("receipt r") })
        #expect(
            log.deadLetters.map { $0.headers["dl_reason"] } == [
                "unknown-receipt", "invalid-receipt", "unknown-status", "unknown-receipt",
            ])
        #expect(
            log.deadLetters.map(\.value) == [
                documents[2].bytes, documents[3].bytes, documents[4].bytes, documents[5].bytes,
            ])
        #expect(try FileManager.default.contentsOfDirectory(atPath: inbox + "/done").count == 4)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: inbox + "/set-aside").sorted() == [
                "c.xml", "d.xml", "e.xml", "f.xml",
            ])
        try scene.end()
    }

    @Test("a file leaves the folder only once its record is acknowledged, and a repeat has the same ids")
    func unacknowledged() throws {
        let scene = try SenderScene.afterSending()
        let inbox = scene.receipts
        let folder = try ReceiptFolder(path: inbox)
        try Data(document(1, "Afleveret Digital Post")).write(to: URL(fileURLWithPath: inbox + "/a.xml"))
        let log = MemoryLog()
        #expect(throws: SenderScene.Death.self) {
            try folder.takeIn(scene.intake()) {
                try log.write($0)
                throw SenderScene.Death()
            }
        }
        #expect(FileManager.default.fileExists(atPath: inbox + "/a.xml"))
        #expect(try folder.takeIn(scene.intake()) { try log.write($0) } == 1)
        #expect(log.receipts.count == 2 && Set(log.receipts.map { $0.headers["ce_id"] ?? "" }).count == 1)
        try scene.end()
    }

    @Test("a file that cannot be read holds no other up, is counted once, and taken in once it can be")
    func unreadableFile() throws {
        let scene = try SenderScene.afterSending()
        let inbox = scene.receipts
        let folder = try ReceiptFolder(path: inbox)
        // Whoever runs this may be let read everything; a file that never ends well cannot be read by anybody.
        try FileManager.default.createSymbolicLink(atPath: inbox + "/a.xml", withDestinationPath: "/proc/self/mem")
        try Data(document(1, "Modtaget Digital Post")).write(to: URL(fileURLWithPath: inbox + "/B.XML"))
        let intake = scene.intake()
        let log = MemoryLog()
        #expect(try folder.takeIn(intake) { try log.write($0) } == 1)
        #expect(try folder.takeIn(intake) { try log.write($0) } == 0)
        #expect(log.receipts.count == 1 && log.deadLetters.isEmpty && intake.counts.unreadable == 1)
        #expect(try FileManager.default.contentsOfDirectory(atPath: inbox + "/done") == ["B.XML"])
        try FileManager.default.removeItem(atPath: inbox + "/a.xml")
        try Data(document(1, "Afleveret Digital Post", id: "r2")).write(to: URL(fileURLWithPath: inbox + "/a.xml"))
        #expect(try folder.takeIn(intake) { try log.write($0) } == 1)
        #expect(log.receipts.count == 2 && intake.counts.unreadable == 1)
        try scene.end()
    }

    @Test("what was set aside under a wrong layout is taken in again, and carries on how often it was")
    func replayed() throws {
        let scene = try SenderScene.afterSending()
        let inbox = scene.receipts
        let folder = try ReceiptFolder(path: inbox)
        let bytes = document(1, "Afleveret Digital Post")
        var layout = PostStatus.Layout()
        layout.status = "tilstand"
        let log = MemoryLog()
        try folder.put([.init(bytes, partition: 3, offset: 4711, attempt: 1)])
        #expect(try folder.takeIn(scene.intake(layout: layout)) { try log.write($0) } == 1)
        let letter = try #require(log.deadLetters.first)
        #expect(letter.value == bytes && letter.headers["dl_attempt"] == "1")
        #expect(letter.headers["dl_topic"] == "post-status" && letter.headers["dl_reason"] == "invalid-receipt")
        try folder.put([.init(bytes, partition: 3, offset: 4712, attempt: 2)])
        #expect(try folder.takeIn(scene.intake()) { try log.write($0) } == 1)
        #expect(log.receipts.map { $0.json["status"] } == ["delivered"])
        #expect(try FileManager.default.contentsOfDirectory(atPath: inbox + "/done") == ["replay-2-3-4712.xml"])
        try scene.end()
    }

    @Test("the names of the elements are configurable, and found in any namespace at any depth")
    func layout() throws {
        let text = """
            <s:Envelope xmlns:s="soap"><s:Body><p:PostStatus xmlns:p="x"><p:Id> 1 </p:Id><p:Msg>\(Sample.id(1).uuidText)</p:Msg>
            <p:State>Klar</p:State><p:When>2026-11-22T11:00:00+01:00</p:When></p:PostStatus></s:Body></s:Envelope>
            """
        var layout = PostStatus.Layout()
        layout.receiptID = "Id"
        layout.message = "Msg"
        layout.status = "State"
        layout.at = "When"
        let status = try PostStatus.read(Array(text.utf8), layout: layout)
        #expect(status.receiptID == "1" && status.message == Sample.id(1) && status.at == Sample.time)
        #expect(status.meaning.status == .accepted)
        #expect(throws: PostStatus.Unusable.self) { try PostStatus.read(Array(text.utf8), layout: .init()) }
    }
}

@Suite struct LetterTests {
    private func scene(_ body: (String, PostLedger, MemoryLog) throws -> Void) throws {
        let folder = try Sample.folder()
        let keys = try ClusterKey(hex: String(repeating: "7e57", count: 16))
        try body(folder, try PostLedger(path: folder + "/letters.sqlite", keys: keys, channel: .letter), MemoryLog())
        try Sample.remove(folder)
    }

    private func sender(_ folder: String, _ ledger: PostLedger, _ log: MemoryLog, dyingAt: PostMilestone? = nil) throws
        -> PostSender<MemoryLog, LetterFolder>
    {
        try PostSender(
            log: log, transport: try LetterFolder(path: folder + "/letters"), ledger: ledger,
            options: .init(chunk: 10, source: "urn:dk:cvr:99000007:fuldmagt-post", worker: "test"),
            now: { Sample.time }, nanoseconds: { 1 }, reached: { if $0 == dyingAt { throw SenderScene.Death() } })
    }

    @Test(
        "a batch has a page for each letter and a manifest whose checksums fit, also after a death",
        arguments: [nil, PostMilestone.fixed, .handedOver])
    func batches(_ death: PostMilestone?) throws {
        try scene { folder, ledger, log in
            for number in 1...25 { log.append(try Sample.notification(number, channel: .letter, recipient: number)) }
            // Re-routed: it came by Digital Post first.
            log.append(try Sample.notification(26))
            log.append(try Sample.notification(26, channel: .letter))
            if let death {
                let dying = try sender(folder, ledger, log, dyingAt: death)
                #expect(throws: SenderScene.Death.self) { while try dying.step().isBusy {} }
            }
            let sender = try sender(folder, ledger, log)
            while try sender.step().isBusy {}
            let batches = try LetterFolder.batches(in: folder + "/letters")
            #expect(batches.count == 3)
            var ids: [String] = []
            for batch in batches {
                let path = "\(folder)/letters/\(batch)"
                let text = try Data(contentsOf: URL(fileURLWithPath: path + "/manifest.json"))
                let manifest = try JSONDecoder().decode(LetterFolder.Manifest.self, from: text)
                let sum = try String(contentsOfFile: path + "/manifest.sha256", encoding: .utf8)
                #expect(sum == "\(LetterFolder.digest([UInt8](text)))  manifest.json\n")
                for letter in manifest.letters {
                    let page = [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(letter.file)")))
                    #expect(LetterFolder.digest(page) == letter.sha256 && page.count == letter.bytes)
                    #expect(!String(decoding: page, as: UTF8.self).contains(try #require(letter.recipient.cpr)))
                    ids.append(letter.id)
                }
            }
            #expect(ids.sorted() == (1...26).map { Sample.id($0).uuidText }.sorted())
            #expect(log.receipts.count == 26 && log.receipts.allSatisfy { $0.json["transport"] == "letter" })
        }
    }
}

@Suite struct SimulationTests {
    @Test("2,000 messages with failures, copies, losses and disorder: a repeat is recognised, and the accounts add up")
    func accounts() throws {
        let scene = try SenderScene()
        scene.chunk = 500
        for number in 1...2_000 { scene.log.append(try Sample.notification(number, recipient: number)) }
        try scene.run()
        let options = SimulationOptions(
            seed: 3, failures: 5, duplicated: 5, lost: 2, reordered: 20, shortestDelay: 10, longestDelay: 1_000)
        func simulation() throws -> TransportSimulation {
            try TransportSimulation(
                path: scene.folder + "/simulation.sqlite", options: options, memo: scene.outbox,
                letters: scene.folder + "/letters", receipts: scene.folder + "/receipts")
        }
        // One message comes a second time, under its id.
        let name = try #require(try scene.sent().first)
        let copy = try Data(contentsOf: URL(fileURLWithPath: "\(scene.outbox)/\(name)"))
        #expect(try simulation().step(now: scene.now).taken == 2_000)
        try copy.write(to: URL(fileURLWithPath: "\(scene.outbox)/\(name)"))
        #expect(try simulation().step(now: scene.now).taken == 1)
        scene.now = scene.now.adding(seconds: 10)
        _ = try simulation().step(now: scene.now)
        let counts = try simulation().counts()
        #expect(counts.messages == [.digitalPost: 2_000] && counts.repeats == 1 && counts.waiting == 0)
        #expect(counts.refused == 0)
        let failed = try #require(counts.failed[.digitalPost])
        #expect(
            (60...140).contains(failed) && (40...130).contains(counts.lost) && (120...280).contains(counts.duplicates))
        #expect(counts.written + counts.lost == 4_000 + counts.duplicates)
        let log = MemoryLog()
        let intake = ReceiptIntake(
            ledgers: LedgerReader(paths: [scene.folder + "/memo.sqlite"]), layout: .init(),
            source: "urn:dk:cvr:99000007:fuldmagt-post", worker: "test", now: { scene.now })
        let files = try ReceiptFolder(path: scene.folder + "/receipts").takeIn(intake) { try log.write($0) }
        #expect(files == counts.written && log.receipts.count == files && log.deadLetters.isEmpty)
        // Every copy has the id of the first, or would stand in for it where that was lost.
        let different = Set(log.receipts.map { $0.headers["ce_id"] ?? "" }).count
        #expect(different < files && different >= 4_000 - counts.lost)
        let accounts = try LedgerReader(paths: [scene.folder + "/memo.sqlite"]).accounts()
        let report = SimulationReport(simulation: counts, ledgers: accounts)
        #expect(report.addsUp && report.text.contains("    2000  messages by digital-post"))
        var short = counts
        short.messages[.digitalPost] = 1_999
        #expect(!SimulationReport(simulation: short, ledgers: accounts).addsUp)
        #expect(!report.isEmpty && report.text.hasSuffix("what was sent is what was taken\n"))
        var unsent = accounts
        for at in unsent.indices { unsent[at].sentMessages = 0 }
        #expect(!SimulationReport(simulation: counts, ledgers: unsent).isEmpty)
        #expect(!SimulationReport(simulation: .init(), ledgers: accounts).isEmpty)
        let early = SimulationReport(simulation: .init(), ledgers: unsent)
        #expect(early.isEmpty && early.text.hasSuffix("nothing was sent yet\n"))
        try scene.end()
    }

    @Test("what happens to a message follows from seed and id")
    func seeded() {
        func fates(_ seed: UInt64) -> [[SimulatedFate.Receipt]] {
            let options = SimulationOptions(seed: seed, failures: 20, duplicated: 20, lost: 20, reordered: 20)
            return (0..<50).map { SimulatedFate(message: Sample.id($0), channel: .letter, options: options).receipts }
        }
        #expect(fates(1) == fates(1) && fates(1) != fates(2))
    }
}
