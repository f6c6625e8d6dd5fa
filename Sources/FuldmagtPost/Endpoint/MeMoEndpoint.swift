import CCurl
import Foundation
import FuldmagtBytes
import FuldmagtDomain

/// Hands MeMo messages over by HTTP POST, one at a time, to an endpoint like `KombiPostAfsend` of SF1601.
///
/// What is known of that service is that it takes MeMo messages with the prefix `memo:`, over TLS with a client
/// certificate. How it wraps them is not, so `Envelope` is an example of ours; the message in it is whole.
public struct MeMoEndpoint: PostTransport {
    public struct Options: Sendable {
        public var url: String
        /// PEM files; nil where they are not used. The key may be in the certificate's file.
        public var certificate: String?
        public var key: String?
        /// PEM file with who vouches for the endpoint; nil for the system's.
        public var authorities: String?
        public var envelope = Envelope.example
        public var timeoutSeconds = 30

        public init(url: String) { self.url = url }
    }

    public enum Envelope: String, CaseIterable, Sendable {
        /// `KombiPostAfsend` around the message, in a namespace of ours.
        case example
        /// The message by itself.
        case none
    }

    /// The endpoint cannot be used as it is configured.
    public struct Misuse: Error, CustomStringConvertible {
        public let description: String
    }

    private let connection: Connection
    private let writer: MeMoWriter
    private let options: Options
    private let jitter: () -> Double
    private let now: () -> Instant
    private var machine: EndpointStateMachine

    /// Whether messages may go to an address: by TLS, or on this machine.
    public static func allows(_ address: String) -> Bool {
        let url = URLComponents(string: address)
        return url?.scheme == "https" || isLocal(url)
    }

    private static func isLocal(_ url: URLComponents?) -> Bool {
        url?.scheme == "http" && ["127.0.0.1", "localhost"].contains(url?.host ?? "") && url?.user == nil
    }

    /// - Parameters:
    ///   - now: the present, asked after each attempt.
    ///   - jitter: from 0 to 1, asked for each pause.
    public init(
        _ options: Options, writer: MeMoWriter, machine: EndpointStateMachine = EndpointStateMachine(),
        now: @escaping () -> Instant, jitter: @escaping () -> Double
    ) throws {
        guard Self.allows(options.url) else {
            throw Misuse(
                description:
                    "messages go to https:// only, or to http:// on 127.0.0.1 or localhost; the endpoint is neither")
        }
        self.options = options
        self.writer = writer
        self.machine = machine
        self.now = now
        self.jitter = jitter
        connection = try Connection(options, isLocal: Self.isLocal(URLComponents(string: options.url)))
    }

    /// Nobody can be asked; sending the same id again is harmless.
    public func has(_ message: Ident) -> Bool { false }

    public func closedUntil(now: Instant) -> Instant? { machine.closedUntil(now: now) }

    public mutating func send(_ messages: [OutgoingMessage], now: Instant, clearance: Clearance) throws
        -> [(message: Ident, sending: PostLedger.Sending)]
    {
        var sink = ByteSink(capacity: 1 << 14)
        var results: [(message: Ident, sending: PostLedger.Sending)] = []
        for message in messages {
            let before = self.now()
            guard machine.mayAttempt(now: before) else {
                results.append((message.id, .again(at: machine.closedUntil(now: before) ?? before)))
                continue
            }
            sink.removeAll()
            append(message, to: &sink)
            // Once the connection stands: making one may take seconds.
            let answer = sink.withUnsafeBytes { body in
                connection.post(body) { clearance([message]).contains(message.id) }
            }
            guard let attempt = answer else {
                results.append((message.id, .withheld))
                continue
            }
            results.append(
                (message.id, machine.concluded(attempt, of: message.id, now: self.now(), jitter: jitter())))
        }
        return results
    }

    private func append(_ message: OutgoingMessage, to sink: inout ByteSink) {
        guard options.envelope == .example else {
            writer.append(message, to: &sink)
            return
        }
        sink.append("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")
        sink.append("<kombi:KombiPostAfsend xmlns:kombi=\"urn:fuldmagt:example:kombipostafsend\">\n")
        writer.appendElement(message, to: &sink)
        sink.append("</kombi:KombiPostAfsend>\n")
    }

    /// One connection that is kept open between posts.
    private final class Connection {
        private let handle: UnsafeMutableRawPointer
        private var headers: UnsafeMutablePointer<curl_slist>?
        /// Asked before a request is sent, and what it said.
        private var maySend: (() -> Bool)?
        private var isWithheld = false

        /// - Parameter isLocal: no proxy is asked then, as it would see what it passes on.
        init(_ options: Options, isLocal: Bool) throws(Misuse) {
            guard curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK, let handle = curl_easy_init() else {
                throw Misuse(description: "libcurl cannot be used")
            }
            self.handle = handle
            headers = curl_slist_append(nil, "Content-Type: application/xml; charset=utf-8")
            // Not waiting to be asked for the body.
            headers = curl_slist_append(headers, "Expect:")
            var codes = [
                fm_curl_set_text(handle, CURLOPT_URL, options.url), fm_curl_set_number(handle, CURLOPT_POST, 1),
                fm_curl_set_number(handle, CURLOPT_NOSIGNAL, 1),
                fm_curl_set_number(handle, CURLOPT_TIMEOUT, options.timeoutSeconds),
                fm_curl_set_number(handle, CURLOPT_CONNECTTIMEOUT, min(10, options.timeoutSeconds)),
                fm_curl_set_number(handle, CURLOPT_FOLLOWLOCATION, 0),
                fm_curl_set_text(handle, CURLOPT_USERAGENT, "fuldmagt-post"),
                fm_curl_set_list(handle, CURLOPT_HTTPHEADER, headers), fm_curl_drop_answer(handle),
                fm_curl_set_ask(handle, Self.ask, Unmanaged.passUnretained(self).toOpaque()),
            ]
            if isLocal { codes.append(fm_curl_set_text(handle, CURLOPT_PROXY, "")) }
            if let file = options.authorities { codes.append(fm_curl_set_text(handle, CURLOPT_CAINFO, file)) }
            if let file = options.certificate {
                codes.append(fm_curl_set_text(handle, CURLOPT_SSLCERT, file))
                codes.append(fm_curl_set_text(handle, CURLOPT_SSLKEY, options.key ?? file))
            }
            guard codes.allSatisfy({ $0 == CURLE_OK }) else {
                throw Misuse(description: "libcurl takes not all of the endpoint's options")
            }
        }

        deinit {
            curl_easy_cleanup(handle)
            curl_slist_free_all(headers)
        }

        private static let ask: fm_curl_ask = { context, _, _, _, _ in
            guard let context else { return CURL_PREREQFUNC_ABORT }
            let connection = Unmanaged<Connection>.fromOpaque(context).takeUnretainedValue()
            if connection.maySend?() ?? false { return CURL_PREREQFUNC_OK }
            connection.isWithheld = true
            return CURL_PREREQFUNC_ABORT
        }

        /// - Returns: nil where `maySend` said no and nothing was sent.
        func post(_ body: UnsafeRawBufferPointer, maySend: () -> Bool) -> EndpointStateMachine.Attempt? {
            withoutActuallyEscaping(maySend) { maySend in
                self.maySend = maySend
                isWithheld = false
                defer { self.maySend = nil }
                guard fm_curl_set_body(handle, body.baseAddress, body.count) == CURLE_OK else { return .noAnswer }
                let code = curl_easy_perform(handle)
                if isWithheld { return nil }
                return code == CURLE_OK ? .answered(fm_curl_status(handle)) : .noAnswer
            }
        }
    }
}
