import FuldmagtDomain

/// When to send to an endpoint, and what follows from its answers. No clock, no chance, no network.
///
/// Each message is retried by itself: its pauses double from one second to an hour. The circuit is for all:
///
/// | state | it may send | an answer | a failure |
/// |---|---|---|---|
/// | closed | yes | closed, failures forgotten | the fifth in a row: open |
/// | open | when its time is over: then half open | – | – |
/// | half open | one message | closed | open, for twice as long |
///
/// An answer is whatever concerns the message; a failure concerns the endpoint, or the way to it.
public struct EndpointStateMachine: Sendable, Equatable {
    public enum Circuit: Sendable, Equatable {
        case closed(failures: Int)
        case open(until: Instant, openings: Int)
        case halfOpen(openings: Int)
    }

    /// What came of one attempt.
    public enum Attempt: Sendable, Equatable {
        /// The status of an HTTP answer.
        case answered(Int)
        /// No connection, no answer in time, or none that is HTTP.
        case noAnswer
    }

    public struct Options: Sendable, Equatable {
        /// Failures in a row that open the circuit.
        public var failuresAtMost = 5
        /// Milliseconds.
        public var shortestPause: Int64 = 1_000
        public var longestPause: Int64 = 3_600_000
        public var longestOpen: Int64 = 300_000

        public init() {}
    }

    public private(set) var circuit = Circuit.closed(failures: 0)
    private let options: Options
    /// Attempts of messages that are not concluded.
    private var attempts: [Ident: Int] = [:]

    public init(_ options: Options = Options()) { self.options = options }

    /// Until when nothing may be sent; nil when something may.
    public func closedUntil(now: Instant) -> Instant? {
        if case .open(let until, _) = circuit, isAhead(until, now) { until } else { nil }
    }

    /// A time further off than any pause is from before the clock was set back: it would not come for long.
    private func isAhead(_ until: Instant, _ now: Instant) -> Bool {
        until > now && until <= now.adding(milliseconds: options.longestOpen)
    }

    /// Asked before each attempt.
    public mutating func mayAttempt(now: Instant) -> Bool {
        switch circuit {
        case .closed: return true
        case .halfOpen: return true
        case .open(let until, let openings):
            guard !isAhead(until, now) else { return false }
            circuit = .halfOpen(openings: openings)
            return true
        }
    }

    /// Told after each attempt.
    /// - Parameter jitter: from 0 to 1.
    public mutating func concluded(_ attempt: Attempt, of message: Ident, now: Instant, jitter: Double)
        -> PostLedger.Sending
    {
        switch Self.consequence(of: attempt) {
        case .sent:
            heard(message)
            return .sent
        case .refused(let code):
            heard(message)
            return .refused(code: code)
        case .failed:
            failed(now: now, jitter: jitter)
            let count = attempts[message, default: 0] + 1
            attempts[message] = count
            return .again(
                at: now.adding(milliseconds: pause(count, options.longestPause, jitter)),
                isInDoubt: Self.isInDoubt(attempt))
        }
    }

    private mutating func heard(_ message: Ident) {
        attempts[message] = nil
        circuit = .closed(failures: 0)
    }

    private mutating func failed(now: Instant, jitter: Double) {
        switch circuit {
        case .closed(let failures):
            guard failures + 1 >= options.failuresAtMost else {
                circuit = .closed(failures: failures + 1)
                return
            }
            open(1, now: now, jitter: jitter)
        case .halfOpen(let openings), .open(_, let openings): open(openings + 1, now: now, jitter: jitter)
        }
    }

    private mutating func open(_ openings: Int, now: Instant, jitter: Double) {
        circuit = .open(
            until: now.adding(milliseconds: pause(openings, options.longestOpen, jitter)), openings: openings)
    }

    /// Doubles with each, up to a limit; between half of that and the whole.
    private func pause(_ count: Int, _ longest: Int64, _ jitter: Double) -> Int64 {
        let whole = min(longest, options.shortestPause << min(Int64(count - 1), 30))
        return whole / 2 + Int64(Double(whole / 2) * min(max(jitter, 0), 1))
    }

    enum Consequence: Equatable {
        case sent
        case refused(code: String)
        case failed
    }

    /// Whether the endpoint may have the message although an attempt failed. Who refuses to listen has not taken it; an
    /// error of the endpoint, or of what stands before it, may have come after that.
    static func isInDoubt(_ attempt: Attempt) -> Bool {
        guard case .answered(let status) = attempt else { return true }
        // Not 503: gateways say that as well where they lost the endpoint after it had read the message.
        return ![401, 403, 404, 405, 407, 421, 425, 429].contains(status)
    }

    /// The one table of what an answer means.
    static func consequence(of attempt: Attempt) -> Consequence {
        guard case .answered(let status) = attempt else { return .failed }
        switch status {
        case 200..<300: return .sent
        // It has a message of this id: an attempt whose answer was lost.
        case 409: return .sent
        // Nothing is wrong with the message: who we are, where we send to, and when, is.
        case 401, 403, 404, 405, 407, 408, 421, 425, 429: return .failed
        case 400..<500: return .refused(code: "http-\(status)")
        default: return .failed
        }
    }
}

extension Instant {
    func adding(milliseconds more: Int64) -> Instant { Instant(milliseconds: milliseconds + more) }
}
