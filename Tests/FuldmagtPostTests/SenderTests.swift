import Foundation
import FuldmagtDomain
import FuldmagtRecord
import Testing

@testable import FuldmagtPost

@Suite struct SenderTests {
    @Test("every state and arrival has the outcome that the table of LedgerState says")
    func table() {
        func row(_ arrival: LedgerState.Arrival) -> [LedgerState?] {
            [LedgerState.after(arrival, nil)] + LedgerState.allCases.map { LedgerState.after(arrival, $0) }
        }
        // nothing, queued, fixed, sent, failed, cancelled, elsewhere
        #expect(row(.ownChannel) == [.queued, nil, nil, nil, nil, nil, nil])
        #expect(row(.letter) == [.elsewhere, .elsewhere, .elsewhere, nil, nil, nil, nil])
        #expect(row(.digitalPost) == [nil, nil, nil, nil, nil, nil, nil])
        #expect(row(.cancelled) == [.cancelled, .cancelled, .cancelled, nil, nil, nil, .cancelled])
    }

    @Test("what is not withdrawn or re-routed is sent once, and told with the notification's key and shard")
    func sends() throws {
        let scene = try SenderScene()
        for number in 1...100 {
            scene.log.append(try Sample.notification(number, recipient: number), partition: Int32(number % 3))
        }
        for number in 1...10 {
            scene.log.append(
                try Sample.notification(number, kind: nil, recipient: number), partition: Int32(number % 3))
        }
        for number in 11...20 {
            scene.log.append(
                try Sample.notification(number, channel: .letter, recipient: number), partition: Int32(number % 3))
        }
        // A letter from the beginning, and a repeat.
        scene.log.append(try Sample.notification(200, channel: .letter))
        scene.log.append(try Sample.notification(50, recipient: 50), partition: 2)
        try scene.run()
        #expect(try scene.sent() == (21...100).map { Sample.id($0).uuidText + ".xml" }.sorted())
        #expect(scene.log.receipts.count == 80)
        let receipt = try #require(scene.log.receipts.first { $0.json["notification"] == Sample.id(50).uuidText })
        #expect(receipt.partition == 2 && receipt.key == Array(Sample.id(1_000_050).description.utf8))
        #expect(receipt.json["status"] == "submitted" && receipt.json["transport"] == "digital-post")
        #expect(receipt.headers["ce_type"] == "dk.fuldmagt.receipt.v1")
        // Started again, it does nothing.
        try scene.run()
        #expect(scene.log.receipts.count == 80)
        #expect(try scene.ledger().counts() == [.sent: 80, .cancelled: 10, .elsewhere: 11])
        try scene.end()
    }

    @Test(
        "dead at any point, it sends the same ids and bytes again, and tells the same",
        arguments: PostMilestone.allCases)
    func dies(_ milestone: PostMilestone) throws {
        let scene = try SenderScene()
        for number in 1...25 { scene.log.append(try Sample.notification(number, recipient: number)) }
        try scene.run(dyingAt: milestone)
        let before = try scene.sent().map { try Data(contentsOf: URL(fileURLWithPath: "\(scene.outbox)/\($0)")) }
        scene.now = scene.now.adding(seconds: 60)
        try scene.run(dyingAt: milestone)
        try scene.run()
        #expect(try scene.sent() == (1...25).map { Sample.id($0).uuidText + ".xml" }.sorted())
        let after = try scene.sent().map { try Data(contentsOf: URL(fileURLWithPath: "\(scene.outbox)/\($0)")) }
        #expect(Set(after).isSuperset(of: before))
        let told = Set(scene.log.receipts.map { $0.headers["ce_id"] ?? "" })
        #expect(told.count == 25 && scene.log.receipts.count >= 25)
        try scene.end()
    }

    @Test("what was withdrawn while the sender was dead is not sent, unless it was handed over before")
    func withdrawn() throws {
        for (milestone, sent) in [(PostMilestone.fixed, 0), (.handedOver, 5), (.settled, 5)] {
            let scene = try SenderScene()
            for number in 1...5 { scene.log.append(try Sample.notification(number, recipient: number)) }
            try scene.run(dyingAt: milestone)
            for number in 1...5 { scene.log.append(try Sample.notification(number, kind: nil, recipient: number)) }
            try scene.run()
            #expect(try scene.sent().count == sent && scene.log.receipts.count == sent, "\(milestone)")
            try scene.end()
        }
    }

    @Test("notifications of one cause to one recipient within the quiet period are one message, and all are told of")
    func quiet() throws {
        let scene = try SenderScene()
        scene.quietSeconds = 120
        scene.log.append(try Sample.notification(1, recipient: 1, cause: "a"))
        scene.log.append(try Sample.notification(2, title: "Andet", recipient: 1, cause: "a"))
        scene.log.append(try Sample.notification(3, recipient: 1, cause: "b"))
        scene.log.append(try Sample.notification(4, recipient: 2, cause: "a"))
        try scene.run()
        #expect(try scene.sent().isEmpty)
        scene.now = scene.now.adding(seconds: 60)
        // Joins, and does not put off.
        scene.log.append(try Sample.notification(5, recipient: 1, cause: "a"))
        // Withdrawn within the period: never sent.
        scene.log.append(try Sample.notification(2, kind: nil, recipient: 1, cause: "a"))
        try scene.run()
        scene.now = scene.now.adding(seconds: 60)
        try scene.run()
        #expect(try scene.sent() == [1, 3, 4].map { Sample.id($0).uuidText + ".xml" }.sorted())
        #expect(
            Set(scene.log.receipts.compactMap { $0.json["notification"] })
                == Set([1, 3, 4, 5].map { Sample.id($0).uuidText }))
        let found = try LedgerReader(paths: [scene.folder + "/memo.sqlite", scene.folder + "/none.sqlite"])
            .notifications(ofMessage: Sample.id(1))
        #expect(found.map(\.notification) == [Sample.id(1), Sample.id(5)])
        try scene.end()
    }

    /// Takes nothing at first.
    private final class LateTransport: PostTransport {
        var isOpen = false
        /// Whether it may have taken what it did not answer for.
        let isInDoubt: Bool
        private(set) var taken: [OutgoingMessage] = []

        init(isInDoubt: Bool) { self.isInDoubt = isInDoubt }

        func has(_ message: Ident) -> Bool { false }

        func send(_ messages: [OutgoingMessage], now: Instant, clearance: Clearance)
            -> [(message: Ident, sending: PostLedger.Sending)]
        {
            if isOpen { taken += messages }
            return messages.map { ($0.id, isOpen ? .sent : .again(at: now, isInDoubt: isInDoubt)) }
        }
    }

    @Test(
        "a part withdrawn between two attempts has no receipts, unless the transport may have it from the first",
        arguments: [false, true])
    func partWithdrawn(isInDoubt: Bool) throws {
        let scene = try SenderScene()
        for number in 1...3 { scene.log.append(try Sample.notification(number, recipient: 1)) }
        let ledger = try scene.ledger()
        let transport = LateTransport(isInDoubt: isInDoubt)
        let sender = try PostSender(
            log: scene.log, transport: transport, ledger: ledger,
            options: .init(quietSeconds: 60, source: "urn:dk:cvr:99000007:fuldmagt-post", worker: "test"),
            now: { scene.now }, nanoseconds: { scene.nanoseconds() })
        _ = try sender.step()
        scene.now = scene.now.adding(seconds: 60)
        #expect(try sender.step().again == 1)
        scene.log.append(try Sample.notification(1, kind: nil, recipient: 1))
        scene.log.append(try Sample.notification(3, channel: .letter, recipient: 1))
        transport.isOpen = true
        #expect(try sender.step().sent == 1)
        #expect(transport.taken.map(\.id) == [Sample.id(1)])
        #expect(transport.taken.first?.parts.map(\.id) == [Sample.id(2)])
        #expect(try ledger.counts() == [.sent: 1, .cancelled: 1, .elsewhere: 1])
        #expect(scene.log.receipts.map { $0.json["notification"] } == [Sample.id(2).uuidText])
        let found = try LedgerReader(paths: [scene.folder + "/memo.sqlite"]).notifications(ofMessage: Sample.id(1))
        #expect(found.map(\.notification) == (isInDoubt ? [1, 2, 3] : [2]).map { Sample.id($0) })
        let delivered = PostStatus.document(
            receiptID: "r", message: Sample.id(1), status: "Afleveret Digital Post", code: nil, at: Sample.time)
        #expect(try scene.intake().take(delivered) == .taken(receipts: isInDoubt ? 3 : 1))
        try ledger.close()
        try scene.end()
    }

    @Test("a chunk that takes long gives a sign of life before each message")
    func alive() throws {
        let scene = try SenderScene()
        for number in 1...10 { scene.log.append(try Sample.notification(number, recipient: number)) }
        try scene.run()
        #expect(scene.signsOfLife >= 10)
        try scene.end()
    }

    @Test("a notification that cannot be read is a dead letter, bytes unchanged, and holds nothing up")
    func unreadable() throws {
        let scene = try SenderScene()
        scene.log.append(key: nil, headers: [], value: Array("no".utf8))
        scene.log.append(key: nil, headers: [], value: nil)
        var wrong = try Sample.notification(2)
        wrong.id = Ident(high: 1, low: 2)
        scene.log.append(wrong)
        scene.log.append(try Sample.notification(1))
        try scene.run()
        #expect(scene.log.deadLetters.map(\.value) == [Array("no".utf8), nil, MemoryLog.value(wrong)])
        #expect(scene.log.deadLetters.allSatisfy { $0.headers["dl_reason"] == "invalid-notification" })
        #expect(try scene.sent().count == 1)
        try scene.end()
    }

    @Test("a ledger keeps no readable number, and forgets what is sent")
    func sealed() throws {
        let scene = try SenderScene()
        scene.quietSeconds = 60
        for number in 1...20 { scene.log.append(try Sample.notification(number, recipient: number)) }
        try scene.run()
        for name in try FileManager.default.contentsOfDirectory(atPath: scene.folder)
        where name.hasPrefix("memo.sqlite") {
            let data = try Data(contentsOf: URL(fileURLWithPath: "\(scene.folder)/\(name)"))
            #expect(data.range(of: Data("620280".utf8)) == nil)
        }
        scene.now = scene.now.adding(seconds: 60)
        try scene.run()
        let ledger = try scene.ledger()
        #expect(try ledger.counts() == [.sent: 20])
        try ledger.forget(endedBefore: scene.now.adding(seconds: 1))
        #expect(try ledger.counts() == [:])
        #expect(throws: PostLedger.LedgerMisuse.self) {
            try PostLedger(path: scene.folder + "/memo.sqlite", keys: scene.keys, channel: .letter)
        }
        try scene.end()
    }
}
