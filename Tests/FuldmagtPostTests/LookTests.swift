import Foundation
import FuldmagtDomain
import FuldmagtRecord
import Testing

@testable import FuldmagtPost

/// What is withdrawn or re-routed until the very moment of a hand-over.
@Suite struct LookTests {
    private func withdraw(_ numbers: some Sequence<Int>, _ scene: SenderScene, recipient: Int = 7) {
        do {
            for number in numbers { scene.log.append(try Sample.notification(number, kind: nil, recipient: recipient)) }
        } catch {
            Issue.record(error)
        }
    }

    private func files(_ numbers: some Sequence<Int>) -> [String] {
        numbers.map { Sample.id($0).uuidText + ".xml" }.sorted()
    }

    @Test("what is withdrawn after its chunk was begun is not handed over, and leaves no file behind")
    func revoked() throws {
        let scene = try SenderScene()
        for number in 1...1_000 { scene.log.append(try Sample.notification(number, recipient: 7)) }
        var looks = 0
        scene.log.onLook = {
            looks += 1
            if looks == 4 { withdraw(1...1_000, scene) }
        }
        try scene.run()
        // What was held back is read by the next step.
        try scene.run()
        #expect(try scene.sent().count == 30)
        #expect(try scene.ledger().counts() == [.sent: 30, .cancelled: 970])
        let left = try FileManager.default.contentsOfDirectory(atPath: scene.outbox).filter { $0.hasPrefix(".") }
        #expect(left == [])
        try scene.end()
    }

    @Test("a withdrawal whose transaction is not decided holds its notification back, and only that")
    func undecided() throws {
        let scene = try SenderScene()
        for number in 1...100 { scene.log.append(try Sample.notification(number, recipient: 7)) }
        var looks = 0
        scene.log.onLook = {
            looks += 1
            guard looks == 2 else { return }
            scene.log.undecidedFrom[0] = 100
            withdraw(11...15, scene)
        }
        try scene.run()
        #expect(try scene.sent() == files(Array(1...10) + Array(16...100)))
        #expect(try scene.ledger().counts() == [.sent: 95, .queued: 5])
        scene.log.undecidedFrom = [:]
        try scene.run()
        #expect(try scene.ledger().counts() == [.sent: 95, .cancelled: 5])
        try scene.end()
    }

    @Test("a look counts for a short time only; where none is over in time nothing is sent, and nothing is in doubt")
    func old() throws {
        let scene = try SenderScene()
        for number in 1...40 { scene.log.append(try Sample.notification(number, recipient: number)) }
        var looks = 0
        scene.log.onLook = { looks += 1 }
        scene.tick = UInt64(WithdrawalLead.look) * 1_000_000
        #expect(throws: LookTooSlow.self) { try scene.run() }
        #expect(try scene.sent() == [] && scene.ledger().counts() == [.queued: 40])
        looks = 0
        scene.tick /= 5
        try scene.run()
        #expect(try scene.sent() == files(1...40))
        #expect(looks > 4 && looks <= 40)
        try scene.end()
    }

    @Test("what becomes a letter, because of an exemption, after its chunk was begun is not handed over")
    func exempted() throws {
        let scene = try SenderScene()
        for number in 1...10 { scene.log.append(try Sample.notification(number, recipient: 7)) }
        scene.log.onLook = {
            scene.log.onLook = nil
            do {
                scene.log.append(try Sample.notification(3, channel: .letter, recipient: 7))
            } catch {
                Issue.record(error)
            }
        }
        try scene.run()
        #expect(try scene.sent() == files([1, 2, 4, 5, 6, 7, 8, 9, 10]))
        #expect(try scene.ledger().counts() == [.sent: 9, .elsewhere: 1])
        try scene.end()
    }

    @Test("a bundle of which a part is withdrawn is made anew of what is left, under an id of what is left")
    func bundle() throws {
        let scene = try SenderScene()
        scene.quietSeconds = 60
        for number in 1...3 { scene.log.append(try Sample.notification(number, recipient: 7)) }
        try scene.run()
        scene.now = scene.now.adding(seconds: 60)
        scene.log.onLook = {
            scene.log.onLook = nil
            withdraw([1], scene)
        }
        try scene.run()
        try scene.run()
        #expect(try scene.sent() == files([2]))
        let found = try LedgerReader(paths: [scene.folder + "/memo.sqlite"]).notifications(ofMessage: Sample.id(2))
        #expect(found.map(\.notification) == [Sample.id(2), Sample.id(3)])
        try scene.end()
    }

    @Test("a bundle that a dead process may have sent keeps its id, whatever part of it is withdrawn since")
    func bundleInDoubt() throws {
        let scene = try SenderScene()
        scene.quietSeconds = 60
        for number in 1...3 {
            scene.log.append(try Sample.notification(number, body: "Nummer \(number).", recipient: 7))
        }
        try scene.run()
        scene.now = scene.now.adding(seconds: 60)
        try scene.run(dyingAt: .fixed)
        scene.log.onLook = {
            scene.log.onLook = nil
            withdraw([1], scene)
        }
        try scene.run()
        try scene.run()
        #expect(try scene.sent() == files([1]))
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(scene.outbox)/\(files([1])[0])")))
        let content = try #require(try XMLReader.read(bytes).first("content").flatMap { Base64.decode($0.text) })
        let text = String(decoding: content, as: UTF8.self)
        #expect(text.contains("Nummer 2.") && text.contains("Nummer 3.") && !text.contains("Nummer 1."))
        try scene.end()
    }

    @Test("a withdrawal or a letter that is read before what it is about, as after a new CPR number, still counts")
    func otherOrder() throws {
        let scene = try SenderScene()
        scene.log.append(try Sample.notification(1, kind: nil, recipient: 8), partition: 0)
        scene.log.append(try Sample.notification(2, channel: .letter, recipient: 8), partition: 0)
        for number in 1...3 { scene.log.append(try Sample.notification(number, recipient: 7), partition: 1) }
        try scene.run()
        #expect(try scene.sent() == files([3]))
        let letters = try PostLedger(path: scene.folder + "/letters.sqlite", keys: scene.keys, channel: .letter)
        let arrivals = try [
            Sample.notification(1, kind: nil), Sample.notification(2, channel: .letter), Sample.notification(1),
            Sample.notification(2), Sample.notification(1, channel: .letter),
        ].map { PostLedger.Arrived($0, value: MemoryLog.value($0)) }
        try letters.take(arrivals, positions: [:], now: scene.now, quietSeconds: 0)
        #expect(try letters.counts() == [.cancelled: 1, .queued: 1])
        try scene.end()
    }

    @Test("a batch of letters of which some are withdrawn before it appears is made anew of the others")
    func letters() throws {
        let folder = try Sample.folder()
        let transport = try LetterFolder(path: folder)
        let messages = try (1...5).map {
            OutgoingMessage(id: Sample.id($0), fixedAt: Sample.time, parts: [try Sample.notification($0)])
        }
        var asked = 0
        let results = try transport.send(messages, now: Sample.time) { letters in
            asked += 1
            return Set(letters.map(\.id)).subtracting([Sample.id(1), Sample.id(asked > 2 ? 4 : 1)])
        }
        let kept: [PostLedger.Sending] = [.withheld, .sent, .sent, .withheld, .sent]
        #expect(results.map(\.sending) == kept)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
        let batch = try #require(names.first)
        #expect(names.count == 1 && batch.hasPrefix("batch-"))
        let letters = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(batch)")
            .filter { $0.hasSuffix(".html") }.sorted()
        #expect(letters == [2, 3, 5].map { Sample.id($0).uuidText + ".html" }.sorted())
        #expect(try transport.send(messages, now: Sample.time) { _ in [] }.allSatisfy { $0.sending == .withheld })
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [batch])
        try Sample.remove(folder)
    }

    @Test("what a dead process had begun is removed, as it may be withdrawn by now")
    func unfinished() throws {
        let scene = try SenderScene()
        let batch = scene.folder + "/letters/.batch-1"
        try FileManager.default.createDirectory(atPath: batch, withIntermediateDirectories: true)
        try FileManager.default.createDirectory(atPath: scene.outbox, withIntermediateDirectories: true)
        for path in ["\(scene.outbox)/.\(files([1])[0])", batch + "/manifest.json"] {
            try Data("6202800015".utf8).write(to: URL(fileURLWithPath: path))
        }
        try scene.run()
        _ = try LetterFolder(path: scene.folder + "/letters")
        for folder in [scene.outbox, scene.folder + "/letters"] {
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
        }
        try scene.end()
    }

    @Test("a clock that was far ahead, and is set right, leaves nothing waiting")
    func clockSetBack() throws {
        let scene = try SenderScene()
        scene.quietSeconds = 86_400
        scene.now = Sample.time.adding(seconds: 100 * 86_400)
        scene.log.append(try Sample.notification(1, recipient: 1))
        try scene.run()
        scene.now = Sample.time
        scene.log.append(try Sample.notification(2, recipient: 2))
        try scene.run()
        #expect(try scene.sent() == files([1]))
        let machine = Held()
        for _ in 0..<5 { machine.fail(now: Sample.time.adding(seconds: 100 * 86_400)) }
        #expect(machine.closedUntil(now: Sample.time.adding(seconds: 100 * 86_400)) != nil)
        #expect(machine.closedUntil(now: Sample.time) == nil && machine.mayAttempt(now: Sample.time))
        try scene.end()
    }

    /// The machine is a value; an expectation holds no variable.
    private final class Held {
        private var machine = EndpointStateMachine()

        func fail(now: Instant) { _ = machine.concluded(.noAnswer, of: Sample.id(1), now: now, jitter: 1) }
        func closedUntil(now: Instant) -> Instant? { machine.closedUntil(now: now) }
        func mayAttempt(now: Instant) -> Bool { machine.mayAttempt(now: now) }
    }

    @Test("a message that always fails holds no other up")
    func poison() throws {
        let scene = try SenderScene()
        for number in 1...4 { scene.log.append(try Sample.notification(number, recipient: number)) }
        let ledger = try scene.ledger()
        let sender = try PostSender(
            log: scene.log, transport: PoisonedTransport(poison: Sample.id(1)), ledger: ledger,
            options: .init(chunk: 2, source: "urn:dk:cvr:99000007:fuldmagt-post", worker: "test"),
            now: { scene.now }, nanoseconds: { scene.nanoseconds() })
        for _ in 0..<4 { _ = try sender.step() }
        #expect(try ledger.counts() == [.sent: 3, .fixed: 1])
        try scene.end()
    }

    /// Takes nothing after it has failed within a chunk, as an open circuit does.
    private struct PoisonedTransport: PostTransport {
        let poison: Ident

        func has(_ message: Ident) -> Bool { false }

        func send(_ messages: [OutgoingMessage], now: Instant, clearance: Clearance)
            -> [(message: Ident, sending: PostLedger.Sending)]
        {
            var hasFailed = false
            return messages.map { message in
                hasFailed = hasFailed || message.id == poison
                return (message.id, hasFailed ? .again(at: now) : .sent)
            }
        }
    }
}
