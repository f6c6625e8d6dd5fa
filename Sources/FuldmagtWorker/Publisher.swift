import Dispatch
import FuldmagtDomain
import FuldmagtRecord

/// Publishes one transaction at a time, beside the worker's next turn.
///
/// `submit` waits for the transaction before it, so at most one is under way and its frames are all that is held.
final class Publisher: @unchecked Sendable {
    private let log: any RecordLog
    private let surroundings: Surroundings
    private let options: WorkerOptions
    private let health: WorkerHealth
    private let queue: DispatchQueue?
    /// Published when it is waited for, where there is but one thread.
    private var postponed: LogTransaction?
    private let group = DispatchGroup()
    private let state = DispatchQueue(label: "fuldmagt.publisher.state")
    private var failure: LogFailure?
    private var isStopping = false
    /// When repeating ends, nanoseconds.
    private var deadline: UInt64?
    private var produceTime: UInt64 = 0
    private var commitTime: UInt64 = 0
    private var transactions: UInt64 = 0
    private var failures = 0

    init(log: any RecordLog, options: WorkerOptions, surroundings: Surroundings, health: WorkerHealth) {
        self.health = health
        self.log = log
        self.options = options
        self.surroundings = surroundings
        queue =
            options.isPipelined && !options.hasOneThread
            ? DispatchQueue(label: "fuldmagt.publisher", qos: .userInitiated) : nil
    }

    /// Hands a transaction over; the one before must be over.
    func submit(_ transaction: LogTransaction) {
        guard let queue else {
            postponed = transaction
            return
        }
        queue.async(group: group) { self.publish(transaction) }
    }

    /// Waits for what is under way.
    /// - Throws: what it failed with, once.
    func wait() throws(LogFailure) {
        group.wait()
        if let transaction = postponed {
            postponed = nil
            publish(transaction)
        }
        let failure = state.sync {
            defer { self.failure = nil }
            return self.failure
        }
        if let failure { throw failure }
    }

    /// Gives up retrying: the worker is being stopped and its deadline has passed, or its shards are lost.
    func stopRetrying(_ isStopping: Bool) { state.sync { self.isStopping = isStopping } }

    /// Gives up retrying once some time has passed; nil for never.
    func stopRetrying(afterSeconds seconds: Int?) {
        let now = surroundings.nanoseconds()
        state.sync { deadline = seconds.map { now + UInt64($0) * 1_000_000_000 } }
    }

    /// On the state's queue.
    private var hasGivenUp: Bool {
        isStopping || deadline.map { surroundings.nanoseconds() >= $0 } ?? false
    }

    /// What publishing came to since the last call.
    struct Measures {
        /// Handing records and offsets over, nanoseconds.
        var produce: UInt64
        /// Committing, nanoseconds; none where a log does both at once.
        var commit: UInt64
        var transactions: UInt64
        /// Attempts that failed and were repeated.
        var failures: Int
    }

    func takeMeasures() -> Measures {
        state.sync {
            defer { (produceTime, commitTime, transactions, failures) = (0, 0, 0, 0) }
            return Measures(
                produce: produceTime, commit: commitTime, transactions: transactions, failures: failures)
        }
    }

    private func publish(_ transaction: LogTransaction) {
        var backoff = Backoff(longest: options.longestBackoff)
        while true {
            let started = surroundings.nanoseconds()
            do {
                var committing: UInt64?
                try log.publish(transaction, isGivenUp: { self.state.sync { self.hasGivenUp } }) {
                    committing = surroundings.nanoseconds()
                }
                health.recovered(.publishing)
                let ended = surroundings.nanoseconds()
                let produced = committing ?? ended
                state.sync {
                    produceTime += produced - started
                    commitTime += ended - produced
                    transactions += 1
                }
                return
            } catch {
                let gaveUp = state.sync {
                    failures += 1
                    if error.consequence == .retry, !hasGivenUp { return false }
                    failure = error
                    return true
                }
                if gaveUp { return }
                health.failed(.publishing)
                surroundings.pause(backoff.next(jitter: surroundings.jitter()))
            }
        }
    }
}

/// Pauses between attempts: doubling, with jitter, up to a limit.
struct Backoff {
    private var milliseconds = 50
    private let longest: Int
    private(set) var attempts = 0

    init(longest: Int) { self.longest = longest }

    /// - Parameter jitter: between 0 and 1; the pause is between half of the step and the whole.
    mutating func next(jitter: Double) -> Int {
        attempts += 1
        let pause = milliseconds / 2 + Int(Double(milliseconds / 2) * jitter)
        milliseconds = min(milliseconds * 2, longest)
        return pause
    }
}
