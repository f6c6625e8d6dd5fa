import Foundation
import FuldmagtDomain
import FuldmagtTestBroker
import Testing

@testable import FuldmagtPost

@Suite struct EndpointStateMachineTests {
    private let now = Sample.time

    /// The machine is a value; an expectation holds no variable.
    private final class Held {
        private var machine: EndpointStateMachine

        init(_ options: EndpointStateMachine.Options = .init()) { machine = EndpointStateMachine(options) }

        var circuit: EndpointStateMachine.Circuit { machine.circuit }
        func closedUntil(now: Instant) -> Instant? { machine.closedUntil(now: now) }
        func mayAttempt(now: Instant) -> Bool { machine.mayAttempt(now: now) }

        @discardableResult
        func concluded(_ attempt: EndpointStateMachine.Attempt, of message: Ident, now: Instant, jitter: Double)
            -> PostLedger.Sending
        {
            machine.concluded(attempt, of: message, now: now, jitter: jitter)
        }
    }

    @Test("what each answer means for a message")
    func answers() {
        func meaning(_ status: Int) -> EndpointStateMachine.Consequence {
            EndpointStateMachine.consequence(of: .answered(status))
        }
        for status in [200, 201, 202, 204, 409] { #expect(meaning(status) == .sent) }
        for status in [400, 410, 413, 415, 422] { #expect(meaning(status) == .refused(code: "http-\(status)")) }
        for status in [0, 100, 301, 302, 401, 403, 404, 405, 408, 429, 500, 502, 503, 504] {
            #expect(meaning(status) == .failed)
        }
        #expect(EndpointStateMachine.consequence(of: .noAnswer) == .failed)
        for status in [401, 404, 429] { #expect(!EndpointStateMachine.isInDoubt(.answered(status))) }
        for status in [0, 408, 500, 502, 504] { #expect(EndpointStateMachine.isInDoubt(.answered(status))) }
        #expect(EndpointStateMachine.isInDoubt(.noAnswer))
    }

    @Test("a message's pauses double up to an hour, between half and the whole")
    func pauses() {
        var options = EndpointStateMachine.Options()
        options.failuresAtMost = .max
        let machine = Held(options)
        func pause(_ jitter: Double) -> Int64 {
            let sending = machine.concluded(.noAnswer, of: Sample.id(1), now: now, jitter: jitter)
            guard case .again(let time, true) = sending else { return -1 }
            return time.milliseconds - now.milliseconds
        }
        #expect(pause(1) == 1_000)
        #expect(pause(0) == 1_000)
        #expect(pause(1) == 4_000)
        for _ in 0..<40 { _ = pause(1) }
        #expect(pause(1) == 3_600_000 && pause(0) == 1_800_000)
        // An answer ends it.
        #expect(machine.concluded(.answered(200), of: Sample.id(1), now: now, jitter: 0) == .sent)
        #expect(pause(1) == 1_000)
    }

    @Test("the fifth failure in a row opens the circuit; one message tries it, and opens it for longer or closes it")
    func circuit() {
        let machine = Held()
        for number in 0..<4 {
            #expect(machine.mayAttempt(now: now))
            _ = machine.concluded(.answered(503), of: Sample.id(number), now: now, jitter: 1)
        }
        // What concerns a message only says that the endpoint is there.
        _ = machine.concluded(.answered(422), of: Sample.id(9), now: now, jitter: 1)
        #expect(machine.circuit == .closed(failures: 0))
        for number in 0..<5 { _ = machine.concluded(.noAnswer, of: Sample.id(number), now: now, jitter: 1) }
        let first = now.adding(seconds: 1)
        #expect(machine.circuit == .open(until: first, openings: 1))
        #expect(machine.closedUntil(now: now) == first && !machine.mayAttempt(now: now))
        #expect(machine.closedUntil(now: first) == nil && machine.mayAttempt(now: first))
        #expect(machine.circuit == .halfOpen(openings: 1))
        _ = machine.concluded(.noAnswer, of: Sample.id(1), now: first, jitter: 1)
        let second = first.adding(seconds: 2)
        #expect(machine.circuit == .open(until: second, openings: 2) && !machine.mayAttempt(now: first))
        #expect(machine.mayAttempt(now: second))
        #expect(machine.concluded(.answered(202), of: Sample.id(1), now: second, jitter: 1) == .sent)
        #expect(machine.circuit == .closed(failures: 0))
    }
}

@Suite(.serialized) struct EndpointTests {
    /// Answers POSTs over TLS to who has a certificate of ours: with the statuses of a file, one a request, then 200.
    private static let server = """
        import http.server, ssl, sys
        folder = sys.argv[1]
        statuses = [int(word) for word in open(folder + '/statuses').read().split()]
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'
            def do_POST(self):
                body = self.rfile.read(int(self.headers['content-length']))
                with open(folder + '/posted', 'ab') as posted: posted.write(body)
                self.send_response(statuses.pop(0) if statuses else 200)
                self.send_header('content-length', '0')
                self.end_headers()
            def log_message(self, *words): pass
        class Server(http.server.HTTPServer):
            def handle_error(self, request, address): pass
        server = Server(('127.0.0.1', 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder + '/server.pem')
        context.load_verify_locations(folder + '/client.pem')
        context.verify_mode = ssl.CERT_REQUIRED
        server.socket = context.wrap_socket(server.socket, server_side=True)
        with open(folder + '/port.new', 'w') as port: port.write(str(server.server_address[1]))
        import os; os.rename(folder + '/port.new', folder + '/port')
        server.serve_forever()
        """

    private func certificate(_ name: String, in folder: String) throws {
        let process = try ChildProcess(
            "/usr/bin/openssl",
            [
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
                "subjectAltName=IP:127.0.0.1", "-keyout", "\(folder)/\(name).key", "-out", "\(folder)/\(name).crt",
            ], environment: [:], log: folder + "/openssl.log")
        try #require(process.wait() == 0)
        let both = try ["key", "crt"].map { try String(contentsOfFile: "\(folder)/\(name).\($0)", encoding: .utf8) }
        try both.joined().write(toFile: "\(folder)/\(name).pem", atomically: true, encoding: .utf8)
    }

    private func serving(_ statuses: String, _ body: (String, MeMoEndpoint.Options) throws -> Void) throws {
        let folder = try Sample.folder()
        for name in ["server", "client", "stranger"] { try certificate(name, in: folder) }
        try statuses.write(toFile: folder + "/statuses", atomically: true, encoding: .utf8)
        try Self.server.write(toFile: folder + "/server.py", atomically: true, encoding: .utf8)
        let server = try ChildProcess(
            "/usr/bin/env", ["python3", folder + "/server.py", folder], environment: [:], log: folder + "/server.log")
        try #require(Poll.until(seconds: 120) { FileManager.default.fileExists(atPath: folder + "/port") })
        let port = try String(contentsOfFile: folder + "/port", encoding: .utf8)
        var options = MeMoEndpoint.Options(url: "https://127.0.0.1:\(port)/KombiPostAfsend")
        options.certificate = folder + "/client.pem"
        options.authorities = folder + "/server.crt"
        try body(folder, options)
        server.kill()
        try Sample.remove(folder)
    }

    private func endpoint(_ options: MeMoEndpoint.Options) throws -> MeMoEndpoint {
        try MeMoEndpoint(options, writer: MeMoWriter(), now: { Sample.time }, jitter: { 1 })
    }

    @Test("messages are posted with the client certificate; each answer has its consequence")
    func posts() throws {
        try serving("200 503 422 409") { folder, options in
            var endpoint = try endpoint(options)
            let messages = try (1...4).map {
                OutgoingMessage(id: Sample.id($0), fixedAt: Sample.time, parts: [try Sample.notification($0)])
            }
            let results = try endpoint.send(messages, now: Sample.time, clearance: Sample.all)
            #expect(results.map(\.message) == messages.map(\.id))
            let again = PostLedger.Sending.again(at: Sample.time.adding(seconds: 1), isInDoubt: true)
            #expect(results.map(\.sending) == [.sent, again, .refused(code: "http-422"), .sent])
            let posted = try String(contentsOfFile: folder + "/posted", encoding: .utf8)
            let first = try #require(posted.components(separatedBy: "<?xml").dropFirst().first)
            let root = try XMLReader.read(Array(("<?xml" + first).utf8))
            #expect(root.name == "KombiPostAfsend" && root.child("Message")?.prefix == "memo")
            #expect(root.first("messageUUID")?.text == Sample.id(1).uuidText)
            #expect(posted.components(separatedBy: "<?xml").count == 5)
        }
    }

    @Test("without a certificate, with a stranger's, or to a stranger, nothing is posted, and it is tried again")
    func strangers() throws {
        try serving("") { folder, options in
            var without = options
            without.certificate = nil
            var stranger = options
            stranger.certificate = folder + "/stranger.pem"
            var unvouched = options
            unvouched.authorities = folder + "/stranger.crt"
            for options in [without, stranger, unvouched] {
                var endpoint = try endpoint(options)
                let message = OutgoingMessage(
                    id: Sample.id(1), fixedAt: Sample.time, parts: [try Sample.notification(1)])
                let result = try endpoint.send([message], now: Sample.time, clearance: Sample.all)
                #expect(result.map(\.sending) == [.again(at: Sample.time.adding(seconds: 1), isInDoubt: true)])
            }
            #expect(!FileManager.default.fileExists(atPath: folder + "/posted"))
        }
        for url in [
            "http://example.org/", "http://127.0.0.1.example.org/", "http://localhost:80@example.org/",
            "ftp://localhost/",
            "localhost",
        ] {
            #expect(throws: MeMoEndpoint.Misuse.self, "\(url)") { try endpoint(.init(url: url)) }
        }
    }

    @Test("a sender whose endpoint fails withdraws what is revoked meanwhile, and sends the rest under the same ids")
    func recovers() throws {
        try serving("503 503 503 503 503 503") { folder, options in
            let scene = try SenderScene()
            for number in 1...8 { scene.log.append(try Sample.notification(number, recipient: number)) }
            let ledger = try scene.ledger()
            let sender = try PostSender(
                log: scene.log,
                transport: try MeMoEndpoint(options, writer: MeMoWriter(), now: { scene.now }, jitter: { 1 }),
                ledger: ledger,
                options: .init(chunk: 10, source: "urn:dk:cvr:99000007:fuldmagt-post", worker: "test"),
                now: { scene.now }, nanoseconds: { scene.nanoseconds() })
            // Five fail, the circuit opens, the rest is not tried.
            #expect(try sender.step().again == 8)
            #expect(try sender.step().again == 0)
            scene.log.append(try Sample.notification(8, kind: nil, recipient: 8))
            scene.now = scene.now.adding(seconds: 2)
            #expect(try sender.step().again == 7)
            scene.now = scene.now.adding(seconds: 10)
            #expect(try sender.step().sent == 7)
            #expect(try ledger.counts() == [.sent: 7, .cancelled: 1])
            #expect(scene.log.receipts.count == 7)
            try scene.end()
        }
    }
}
