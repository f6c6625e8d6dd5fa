import Logging
import NIOCore
import NIOHTTP1
import ServiceLifecycle

/// Answers probes and scrapes by HTTP on one thread, each connection once. Nothing is read but method and path.
public struct OperationsListener: Service {
    public typealias Answer = @Sendable (_ method: String, _ path: String) -> HTTPAnswer

    private let address: ListeningAddress
    private let answer: Answer
    /// A connection that is silent for so long is closed.
    private static let silence = TimeAmount.seconds(10)

    /// - Parameters:
    ///   - port: 0 for any that is free.
    ///   - onBound: told the port that is listened on.
    public init(
        host: String, port: Int, logger: Logger, onBound: @escaping @Sendable (Int) -> Void = { _ in },
        answer: @escaping Answer
    ) {
        address = ListeningAddress(
            setting: "FULDMAGT_HTTP", host: host, port: port, logger: logger, onBound: onBound)
        self.answer = answer
    }

    /// Listens until the group shuts down.
    /// - Throws: `ListenerFailure` when the address cannot be listened on.
    public func run() async throws {
        let answer = answer
        try await address.listen(for: "answering probes and scrapes") { channel in
            let pipeline = channel.pipeline.syncOperations
            try pipeline.addHandler(IdleStateHandler(allTimeout: Self.silence))
            try pipeline.configureHTTPServerPipeline(withErrorHandling: true)
            try pipeline.addHandler(OneAnswer(answer: answer))
        }
    }
}

/// Answers the first request of a connection and closes it.
private final class OneAnswer: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let answer: OperationsListener.Answer
    private var head: HTTPRequestHead?

    init(answer: @escaping OperationsListener.Answer) { self.answer = answer }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): self.head = head
        case .body: break
        case .end:
            guard let head else { return }
            self.head = nil
            respond(to: head, context: context)
        }
    }

    private func respond(to head: HTTPRequestHead, context: ChannelHandlerContext) {
        let path = head.uri.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false).first ?? ""
        let said = answer(head.method.rawValue, String(path))
        let headers: HTTPHeaders = [
            "content-type": said.contentType, "content-length": String(said.body.utf8.count), "connection": "close",
            "cache-control": "no-store",
        ]
        let status = HTTPResponseStatus(statusCode: said.status)
        context.write(
            wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: status, headers: headers))), promise: nil)
        if head.method != .HEAD {
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: said.body)))), promise: nil)
        }
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in channel.close(promise: nil) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent { context.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
