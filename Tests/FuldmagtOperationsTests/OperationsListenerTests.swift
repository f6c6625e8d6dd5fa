import FuldmagtOperations
import FuldmagtTestBroker
import Logging
import Testing

@Suite struct OperationsListenerTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    @Test("answers by method and path until the group shuts down, and then lets the port go")
    func answers() async throws {
        var released: Int?
        try await serving { onBound in
            OperationsListener(
                host: "127.0.0.1", port: 0, logger: logger, onBound: onBound,
                answer: { method, path in
                    HTTPAnswer(status: path == "/x" ? 200 : 503, contentType: "text/plain", body: "\(method) \(path)")
                })
        } _: { port in
            for _ in 0..<20 {
                let answer = try #require(PlainHTTP.get("/x?query=1", port: port))
                #expect(answer.status == 200 && answer.body == "GET /x")
            }
            #expect(PlainHTTP.get("/y", port: port)?.status == 503)
            #expect(PlainHTTP.get("not http\r\n\r\n\u{0}", port: port)?.status != 200)
            released = port
        }
        #expect(PlainHTTP.get("/x", port: try #require(released)) == nil)
    }

    @Test("an address that is taken is told with the setting that names it")
    func taken() async throws {
        let broker = OperationsListener(host: "256.0.0.1", port: 1, logger: logger) { _, _ in
            HTTPAnswer(status: 200, contentType: "text/plain", body: "")
        }
        let failure = await #expect(throws: ListenerFailure.self) { try await broker.run() }
        #expect(failure?.description.hasPrefix("FULDMAGT_HTTP: 256.0.0.1:1 cannot be listened on") == true)
    }
}
