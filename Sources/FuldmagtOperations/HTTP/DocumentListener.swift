import FuldmagtJSON
import Logging
import NIOCore
import NIOHTTP1
import ServiceLifecycle
import Synchronization

/// Takes documents by HTTP POST on one thread, one a connection. What becomes of them others say; an answer is given once
/// they have said it, and never before.
///
/// No TLS: a reverse proxy does that. Who may bring something is decided by a secret, or by being on this machine.
public struct DocumentListener: Service {
    /// - Parameters:
    ///   - document: the whole body.
    ///   - answer: called once, from any thread.
    public typealias Take = @Sendable (_ document: [UInt8], _ answer: @escaping @Sendable (HTTPAnswer) -> Void) -> Void

    public struct Limits: Sendable {
        /// Bytes of a document.
        public var bytes = 1 << 20
        /// From the connection to the document's last byte; and from a refusal to the end of the connection.
        public var seconds: Int64 = 30
        public var connections = 64

        public init() {}
    }

    private let address: ListeningAddress
    private let path: String
    private let secret: [UInt8]?
    private let limits: Limits
    private let take: Take
    private let onRefused: @Sendable (_ code: String) -> Void

    /// - Parameters:
    ///   - port: 0 for any that is free.
    ///   - path: the only one that is answered.
    ///   - secret: must stand in `Authorization: Bearer …`; nil asks for none.
    ///   - onBound: told the port that is listened on.
    ///   - onRefused: told why a request was not taken.
    public init(
        host: String, port: Int, path: String, secret: [UInt8]?, limits: Limits = Limits(), logger: Logger,
        onBound: @escaping @Sendable (Int) -> Void = { _ in },
        onRefused: @escaping @Sendable (String) -> Void = { _ in },
        take: @escaping Take
    ) {
        address = ListeningAddress(setting: "--listen", host: host, port: port, logger: logger, onBound: onBound)
        self.path = path
        self.secret = secret
        self.limits = limits
        self.onRefused = onRefused
        self.take = take
    }

    /// Whether an address is of this machine only.
    public static func isLoopback(_ host: String) -> Bool {
        host == "localhost" || host == "::1" || host.hasPrefix("127.")
    }

    /// Listens until the group shuts down.
    /// - Throws: `ListenerFailure` when the address cannot be listened on.
    public func run() async throws {
        let door = Door(path: path, secret: secret, limits: limits, onRefused: onRefused, take: take)
        try await address.listen(for: "taking receipts by HTTP", metadata: ["path": "\(path)"]) { channel in
            guard door.enter() else { throw TooManyConnections() }
            channel.closeFuture.whenComplete { _ in door.leave() }
            // Whoever has sent its document may close its half before it has the answer.
            try channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: true)
            let pipeline = channel.pipeline.syncOperations
            try pipeline.configureHTTPServerPipeline(withPipeliningAssistance: false, withErrorHandling: true)
            try pipeline.addHandler(OneDocument(door: door))
        }
    }

    private struct TooManyConnections: Error {}
}

/// What all connections share.
private final class Door: Sendable {
    let path: String
    let secret: [UInt8]?
    let limits: DocumentListener.Limits
    let onRefused: @Sendable (String) -> Void
    let take: DocumentListener.Take
    private let connections = Atomic(0)

    init(
        path: String, secret: [UInt8]?, limits: DocumentListener.Limits,
        onRefused: @escaping @Sendable (String) -> Void,
        take: @escaping DocumentListener.Take
    ) {
        self.path = path
        self.secret = secret
        self.limits = limits
        self.onRefused = onRefused
        self.take = take
    }

    func enter() -> Bool {
        guard connections.add(1, ordering: .relaxed).newValue <= limits.connections else {
            leave()
            onRefused("too-many")
            return false
        }
        return true
    }

    func leave() { connections.subtract(1, ordering: .relaxed) }

    /// Why a request is refused by what stands above its body; nil where it is not.
    func refusal(of head: HTTPRequestHead) -> (status: Int, code: String, text: String)? {
        let path = head.uri.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false).first.map(String.init)
        guard path == self.path else { return (404, "unknown-path", "documents are taken at \(self.path)") }
        guard head.method == .POST else { return (405, "not-post", "documents are taken by POST") }
        if let secret {
            let given = Array((head.headers.first(name: "authorization") ?? "").utf8)
            guard Self.areEqual(given, Array("Bearer ".utf8) + secret) else {
                return (401, "unauthorised", "Authorization: Bearer, and the secret, are expected")
            }
        }
        if let length = head.headers.first(name: "content-length").flatMap({ Int($0) }), length > limits.bytes {
            return tooLarge
        }
        return nil
    }

    var tooLarge: (status: Int, code: String, text: String) {
        (413, "too-large", "a document has at most \(limits.bytes) bytes")
    }

    /// Takes as long whatever differs.
    private static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        return zip(left, right).reduce(into: UInt8(0)) { $0 |= $1.0 ^ $1.1 } == 0
    }
}

/// Takes the first document of a connection, answers, and closes it.
private final class OneDocument: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private enum State {
        case waiting
        case reading([UInt8])
        /// Read, and not answered yet.
        case read
        /// Answered: what still comes is not looked at.
        case answered
    }

    private let door: Door
    private var state = State.waiting
    private var deadline: Scheduled<Void>?

    init(door: Door) { self.door = door }

    func handlerAdded(context: ChannelHandlerContext) {
        let (context, handler) = (
            NIOLoopBound(context, eventLoop: context.eventLoop), NIOLoopBound(self, eventLoop: context.eventLoop)
        )
        deadline = context.value.eventLoop.scheduleTask(in: .seconds(door.limits.seconds)) {
            handler.value.timeIsUp(context.value)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { deadline?.cancel() }

    private func timeIsUp(_ context: ChannelHandlerContext) {
        switch state {
        case .waiting: context.close(promise: nil)
        case .reading: refuse((408, "too-slow", "a document must be here within \(door.limits.seconds) s"), context)
        case .read, .answered: break
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch (unwrapInboundIn(data), state) {
        case (.head(let head), .waiting):
            if let refusal = door.refusal(of: head) {
                refuse(refusal, context)
                return
            }
            state = .reading([])
            if head.headers.first(name: "expect")?.lowercased() == "100-continue" {
                context.writeAndFlush(
                    wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .continue))), promise: nil)
            }
        case (.body(let part), .reading(var body)):
            state = .waiting
            guard body.count + part.readableBytes <= door.limits.bytes else {
                refuse(door.tooLarge, context)
                return
            }
            part.withUnsafeReadableBytes { body.append(contentsOf: $0) }
            state = .reading(body)
        case (.end, .reading(let body)):
            state = .read
            deadline?.cancel()
            let (context, handler) = (
                NIOLoopBound(context, eventLoop: context.eventLoop), NIOLoopBound(self, eventLoop: context.eventLoop)
            )
            let loop = context.value.eventLoop
            door.take(body) { answer in
                loop.execute { handler.value.respond(answer, context.value) }
            }
        default: break
        }
    }

    private func refuse(_ refusal: (status: Int, code: String, text: String), _ context: ChannelHandlerContext) {
        door.onRefused(refusal.code)
        var json = JSONWriter()
        json.beginObject()
        json.member("taken", false)
        json.member("code", refusal.code)
        json.member("text", refusal.text)
        json.endObject()
        respond(
            HTTPAnswer(
                status: refusal.status, contentType: "application/json",
                body: String(decoding: json.finish(), as: UTF8.self)), context)
    }

    private func respond(_ answer: HTTPAnswer, _ context: ChannelHandlerContext) {
        if case .answered = state { return }
        state = .answered
        deadline?.cancel()
        guard context.channel.isActive else { return }
        var headers: HTTPHeaders = [
            "content-type": answer.contentType, "content-length": String(answer.body.utf8.count), "connection": "close",
            "cache-control": "no-store",
        ]
        if let seconds = answer.retryAfter { headers.add(name: "retry-after", value: String(seconds)) }
        let status = HTTPResponseStatus(statusCode: answer.status)
        context.write(
            wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: status, headers: headers))), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: answer.body)))), promise: nil)
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in
            // Whoever still sends would otherwise be cut off before it has read the answer.
            channel.close(mode: .output, promise: nil)
        }
        deadline = context.eventLoop.scheduleTask(in: .seconds(min(door.limits.seconds, 5))) {
            channel.close(promise: nil)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard let event = event as? ChannelEvent, event == .inputClosed else { return }
        switch state {
        // Half a document is none.
        case .waiting, .reading, .answered: context.close(promise: nil)
        case .read: break
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        door.onRefused("not-http")
        context.close(promise: nil)
    }
}
