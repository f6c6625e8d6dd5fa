import Foundation
import FuldmagtDomain
import FuldmagtRecord
import Synchronization
import Testing

@testable import FuldmagtPost

@Suite struct ReceiptDeskTests {
    /// Answers, by what was brought.
    private final class Answers: Sendable {
        private let all = Mutex<[String: ReceiptDesk.Answer]>([:])

        subscript(name: String) -> ReceiptDesk.Answer? { all.withLock { $0[name] } }
        func take(_ name: String) -> @Sendable (ReceiptDesk.Answer) -> Void {
            { answer in self.all.withLock { $0[name] = answer } }
        }
    }

    private func delivered(_ number: Int) -> [UInt8] {
        PostStatus.document(
            receiptID: "r\(number)", message: Sample.id(number), status: "Afleveret Digital Post", code: nil,
            at: Sample.time)
    }

    @Test("each who brought something is told what became of it, once it is written")
    func serves() throws {
        let scene = try SenderScene.afterSending()
        let sent = scene.log.receipts.count
        let (desk, answers, intake) = (ReceiptDesk(), Answers(), scene.intake())
        desk.bring(delivered(1), answers.take("known"))
        desk.bring(delivered(2), answers.take("unknown"))
        desk.bring([0x3c, 0xff, 0xfe], answers.take("no text"))
        desk.bring(Array("<x6101500014:a/>".utf8), answers.take("named"))
        desk.bring([UInt8](repeating: 97, count: ReceiptIntake.documentLimit + 1), answers.take("large"))
        #expect(answers["known"] == nil)
        #expect(try desk.serve(intake) { try scene.log.write($0) } == 5)
        #expect(answers["known"] == .taken(receipts: 1))
        #expect(
            answers["unknown"]
                == .setAside(.init(.unknownReceipt, detail: "no ledger knows the message")))
        #expect(
            answers["no text"] == .setAside(.init(.invalidReceipt, detail: "line 1: it is not UTF-8")))
        #expect(scene.log.receipts.count == sent + 1)
        let details = scene.log.deadLetters.compactMap { $0.headers["dl_detail"] }
        #expect(details.count == 4 && !details.contains { $0.contains("6101500014") })
        #expect(scene.log.deadLetters.last?.value == nil)
        #expect(scene.log.deadLetters.last?.headers["dl_reason"] == "too-large")
        #expect(try desk.serve(intake) { try scene.log.write($0) } == 0)
        try scene.end()
    }

    @Test(
        "what could not be written is brought again and has the same ids; a desk that is full or closed takes nothing")
    func later() throws {
        let scene = try SenderScene.afterSending()
        let (desk, answers, intake) = (ReceiptDesk(bytesAtMost: 1_000), Answers(), scene.intake())
        desk.bring(delivered(1), answers.take("first"))
        #expect(throws: SenderScene.Death.self) {
            try desk.serve(intake) {
                try scene.log.write($0)
                throw SenderScene.Death()
            }
        }
        #expect(answers["first"] == .later)
        desk.bring(delivered(1), answers.take("second"))
        #expect(try desk.serve(intake) { try scene.log.write($0) } == 1)
        #expect(answers["second"] == .taken(receipts: 1))
        let delivered = scene.log.receipts.filter { $0.json["status"] == "delivered" }
        #expect(delivered.count == 2 && Set(delivered.compactMap { $0.headers["ce_id"] }).count == 1)
        desk.bring([UInt8](repeating: 97, count: 1_001), answers.take("too much"))
        #expect(answers["too much"] == .later)
        desk.bring([97], answers.take("left"))
        desk.close()
        desk.bring([97], answers.take("closed"))
        #expect(answers["left"] == .later && answers["closed"] == .later)
        try scene.end()
    }

    @Test("a transport's words lose what looks like a CPR number before they are written")
    func words() throws {
        let scene = try SenderScene.afterSending()
        let end = "</PKO_PostStatus>"
        let document = Array(
            String(decoding: delivered(1), as: UTF8.self)
                .replacing(end, with: "<tekst>Til 610150-0014</tekst>\(end)").utf8)
        let intake = scene.intake()
        #expect(try intake.take(document) == .taken(receipts: 1))
        try scene.log.write(intake.takeFrame())
        let detail = try #require(scene.log.receipts.last?.json["detail"])
        #expect(detail.hasSuffix("Til […]") && !detail.contains("0014"))
        try scene.end()
    }

    @Test("what lies in the folder and is no file, and a file too large to be read, holds nothing up")
    func folder() throws {
        let scene = try SenderScene.afterSending()
        let inbox = scene.receipts
        let folder = try ReceiptFolder(path: inbox)
        try FileManager.default.createDirectory(atPath: inbox + "/a.xml", withIntermediateDirectories: false)
        try FileManager.default.createSymbolicLink(atPath: inbox + "/b.xml", withDestinationPath: inbox + "/nowhere")
        try Data([UInt8](repeating: 97, count: 2 << 20)).write(to: URL(fileURLWithPath: inbox + "/c.xml"))
        try Data(delivered(1)).write(to: URL(fileURLWithPath: inbox + "/d.xml"))
        #expect(try folder.takeIn(scene.intake()) { try scene.log.write($0) } == 2)
        #expect(try FileManager.default.contentsOfDirectory(atPath: inbox + "/done") == ["d.xml"])
        #expect(try FileManager.default.contentsOfDirectory(atPath: inbox + "/set-aside") == ["c.xml"])
        #expect(try folder.takeIn(scene.intake()) { try scene.log.write($0) } == 0)
        try scene.end()
    }
}
