import FuldmagtOperations
import FuldmagtTestBroker
import Logging
import Synchronization
import Testing

@Suite(.serialized) struct DocumentListenerTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    private static let secret = "0123456789abcdef"
    private static let permitted = ["authorization": "Bearer 0123456789abcdef"]

    /// What was brought, and why what was not taken was not.
    private final class Seen: Sendable {
        let documents = Mutex<[[UInt8]]>([])
        let refusals = Mutex<[String]>([])
        let hasAnswer = Mutex(false)
        /// Called to answer; nil answers at once.
        let held = Mutex<[@Sendable (HTTPAnswer) -> Void]>([])
    }

    private static let done = HTTPAnswer(status: 200, contentType: "application/json", body: "{}")

    private func listening(
        bytes: Int = 1_000, seconds: Int64 = 30, connections: Int = 64, holding: Bool = false,
        _ body: @Sendable (Int, Seen) async throws -> Void
    ) async throws {
        let seen = Seen()
        var limits = DocumentListener.Limits()
        limits.bytes = bytes
        limits.seconds = seconds
        limits.connections = connections
        try await serving { onBound in
            DocumentListener(
                host: "127.0.0.1", port: 0, path: "/receipts", secret: Array(Self.secret.utf8), limits: limits,
                logger: logger, onBound: onBound,
                onRefused: { code in seen.refusals.withLock { $0.append(code) } }
            ) { document, answer in
                seen.documents.withLock { $0.append(document) }
                if holding { seen.held.withLock { $0.append(answer) } } else { answer(Self.done) }
            }
        } _: { port in
            try await body(port, seen)
        }
    }

    @Test("a document is answered once somebody has said what became of it, and not before")
    func answers() async throws {
        try await listening(holding: true) { port, seen in
            let body = Array("<a/>".utf8)
            async let answer = {
                let answer = PlainHTTP.post("/receipts?x=1", body, headers: Self.permitted, port: port)
                seen.hasAnswer.withLock { $0 = true }
                return answer
            }()
            try #require(Poll.until(seconds: 60) { seen.held.withLock { !$0.isEmpty } })
            #expect(seen.hasAnswer.withLock { !$0 })
            for reply in seen.held.withLock({ $0 }) {
                reply(HTTPAnswer(status: 422, contentType: "application/json", body: "{\"code\":\"x\"}"))
            }
            let said = await answer
            #expect(said?.status == 422 && said?.body == "{\"code\":\"x\"}")
            #expect(seen.documents.withLock { $0 } == [body])
        }
    }

    @Test("whatever is not a document of the right size, by POST, to the right path, with the secret, is told so")
    func refusals() async throws {
        try await listening { port, seen in
            func status(_ request: String) -> Int? {
                PlainHTTP.exchange(Array(request.replacing("\n", with: "\r\n").utf8), port: port)?.status
            }
            let end = "\nhost: x\nauthorization: Bearer \(Self.secret)\ncontent-length: 1\n\na"
            #expect(status("GET /receipts HTTP/1.1\(end)") == 405)
            #expect(status("POST / HTTP/1.1\(end)") == 404)
            #expect(status("POST /receipts HTTP/1.1\nhost: x\ncontent-length: 1\n\na") == 401)
            #expect(status("POST /receipts HTTP/1.1\(end.replacing("f\n", with: "g\n"))") == 401)
            let chunked =
                "POST /receipts HTTP/1.1\nhost: x\nauthorization: Bearer \(Self.secret)\ntransfer-encoding: chunked\n\n"
            #expect(status(chunked + "1f4\n\(String(repeating: "a", count: 500))\n0\n\n") == 200)
            let three = String(repeating: "1f4\n\(String(repeating: "a", count: 500))\n", count: 3)
            #expect(status(chunked + three + "0\n\n") == 413)
            // Sent to its end or not, what is too large is answered.
            for size in [1_001, 2 << 20] {
                let body = [UInt8](repeating: 97, count: size)
                #expect(PlainHTTP.post("/receipts", body, headers: Self.permitted, port: port)?.status == 413)
            }
            #expect(PlainHTTP.exchange(Array("\u{0}\u{1}nonsense\r\n\r\n".utf8), port: port)?.status != 200)
            #expect(PlainHTTP.post("/receipts", [97], headers: Self.permitted, port: port)?.status == 200)
            #expect(seen.documents.withLock { $0.map(\.count) } == [500, 1])
            let refused = seen.refusals.withLock { $0 }
            #expect(
                refused.prefix(7) == [
                    "not-post", "unknown-path", "unauthorised", "unauthorised", "too-large", "too-large", "too-large",
                ])
        }
    }

    @Test("a client that sends half a document, or nothing, is not waited for, and holds nobody up")
    func slow() async throws {
        try await listening(seconds: 1) { port, seen in
            let half = Array(
                "POST /receipts HTTP/1.1\r\nhost: x\r\nauthorization: Bearer \(Self.secret)\r\ncontent-length: 90\r\n\r\na"
                    .utf8)
            async let slow = PlainHTTP.exchange(half, port: port)
            async let silent = PlainHTTP.exchange([], port: port)
            #expect(PlainHTTP.post("/receipts", [97], headers: Self.permitted, port: port)?.status == 200)
            #expect(await slow?.status == 408)
            #expect(await silent == nil)
            #expect(seen.documents.withLock { $0 } == [[97]])
        }
    }

    @Test("more connections than are allowed are closed, and make room again")
    func many() async throws {
        try await listening(connections: 1, holding: true) { port, seen in
            async let first = PlainHTTP.post("/receipts", [97], headers: Self.permitted, port: port)
            try #require(Poll.until(seconds: 60) { seen.held.withLock { !$0.isEmpty } })
            #expect(PlainHTTP.post("/receipts", [97], headers: Self.permitted, port: port) == nil)
            for reply in seen.held.withLock({ $0 }) { reply(Self.done) }
            #expect(await first?.status == 200)
        }
    }
}
