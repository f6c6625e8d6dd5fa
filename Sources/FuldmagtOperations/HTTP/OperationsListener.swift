import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import ServiceLifecycle

/// Answers probes and scrapes by HTTP on one thread, each connection once. Nothing is read but method and path.
public struct OperationsListener: Service {
    public typealias Answer = @Sendable (_ method: String, _ path: String) -> HTTPAnswer

    private let host: String
    private let port: Int
    private let logger: Logger
    private let answer: Answer
    private let onBound: @Sendable (Int) -> Void
    /// A connection that is silent for so long is closed.
    private static let silence = TimeAmount.seconds(10)

    /// - Parameters:
    ///   - port: 0 for any that is free.
    ///   - onBound: told the port that is listened on.
    public init(
        host: String, port: Int, logger: Logger, onBound: @escaping @Sendable (Int) -> Void = { _ in },
        answer: @escaping Answer
    ) {
        self.host = host
        self.port = port
        self.logger = logger
        self.onBound = onBound
        self.answer = answer
    }

    /// Listens until the group shuts down.
    /// - Throws: `ListenerFailure` when the address cannot be listened on.
    public func run() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        do {
            try await listen(on: group)
        } catch {
            try await group.shutdownGracefully()
            throw error
        }
        try await group.shutdownGracefully()
    }

    private func listen(on group: MultiThreadedEventLoopGroup) async throws {
        let answer = answer
        let channel: any Channel
        do {
            channel = try await ServerBootstrap(group: group)
                .serverChannelOption(.backlog, value: 64)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let pipeline = channel.pipeline.syncOperations
                        try pipeline.addHandler(IdleStateHandler(allTimeout: Self.silence))
                        try pipeline.configureHTTPServerPipeline(withErrorHandling: true)
                        try pipeline.addHandler(OneAnswer(answer: answer))
                    }
                }
                .bind(host: host, port: port).get()
        } catch {
            throw ListenerFailure(setting: "FULDMAGT_HTTP", address: "\(host):\(port)", reason: "\(error)")
        }
        let bound = channel.localAddress?.port ?? port
        logger.info("answering probes and scrapes", metadata: ["address": "\(host):\(bound)"])
        onBound(bound)
        do {
            try await gracefulShutdown()
        } catch {
            logger.debug("the listener was cancelled", metadata: ["error": "\(error)"])
        }
        try await channel.close().get()
    }
}

/// The address cannot be listened on.
public struct ListenerFailure: Error, CustomStringConvertible {
    /// What names the address.
    let setting: String
    let address: String
    let reason: String

    public var description: String {
        "\(setting): \(address) cannot be listened on (\(reason)); is another process using it, and is the host this machine's?"
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
