import FuldmagtDomain
import FuldmagtJSON
import FuldmagtRecord

/// What workers have answered to a job's commands while it runs, and how long everybody waits for an answer. Times are
/// nanoseconds of a monotonic clock, as arguments.
public struct Answers {
    /// Counts of a job's commands by their outcome.
    public struct Counts: Equatable, Sendable {
        public var accepted = 0
        public var rejected = 0
        /// Waiting in a shard; a final outcome follows.
        public var parked = 0
        public var deadLettered = 0

        public init() {}
    }

    /// A command that has been sent.
    private struct Sent {
        var mark: UInt64
        var at: UInt64
    }

    /// After so long, a command is given up waiting for once one sent that much later was answered: it was sent before by
    /// a run that died, decided then, and its repeat is ignored.
    static let patience: UInt64 = 5_000_000_000
    /// Longer delays than this are a parked command's, or another clock's.
    private static let longestDelay: Int64 = 3_600_000

    private let job: Job
    private let document = JSONDocument()
    public private(set) var counts = Counts()
    private var answered: Set<UInt64> = []
    private var underWay: [UInt64: UInt64] = [:]
    /// In the order they were sent; from `first` on.
    private var order: [Sent] = []
    private var first = 0
    private var delays: [UInt64] = []

    public init(job: Job) { self.job = job }

    /// Commands sent and not answered.
    public var underWayCount: Int { underWay.count }
    /// Commands that workers went past without an answer that was seen here.
    public private(set) var givenUp = 0

    /// Whether a final answer to a command has come: then it need not be sent again.
    public func isAnswered(_ command: LineCommand) -> Bool { answered.contains(command.mark) }

    public mutating func didSend(_ command: LineCommand, now: UInt64) {
        guard underWay.updateValue(now, forKey: command.mark) == nil else { return }
        order.append(Sent(mark: command.mark, at: now))
    }

    /// How long the oldest command under way has waited.
    public mutating func oldest(now: UInt64) -> UInt64 {
        while first < order.count, underWay[order[first].mark] == nil { first += 1 }
        if first > 4096 {
            order.removeFirst(first)
            first = 0
        }
        guard first < order.count else { return 0 }
        return now > order[first].at ? now - order[first].at : 0
    }

    /// Takes a record of `fuldmagt.outcomes`, of this job or any other command.
    public mutating func take(outcome record: RecordView, now: UInt64) {
        if let answer = JobAnswer(outcome: record, of: job, document) {
            settle(answer, now: now)
        } else if let delay = delay(of: record) {
            delays.append(delay)
        }
    }

    /// Takes a record of `fuldmagt.dead-letters`.
    public mutating func take(deadLetter record: RecordView, now: UInt64) {
        if let answer = JobAnswer(deadLetter: record, of: job) { settle(answer, now: now) }
    }

    private mutating func settle(_ answer: JobAnswer, now: UInt64) {
        guard let (_, mark) = LineCommand.parts(ofID: answer.id, job: job.id) else { return }
        if let sent = underWay.removeValue(forKey: mark) {
            delays.append(now > sent ? now - sent : 0)
            _ = leave(sentBefore: sent - min(sent, Self.patience))
        }
        guard answer.kind != .parked else {
            counts.parked += 1
            return
        }
        guard answered.insert(mark).inserted else { return }
        switch answer.kind {
        case .accepted: counts.accepted += 1
        case .rejected: counts.rejected += 1
        case .deadLettered: counts.deadLettered += 1
        case .parked: break
        }
    }

    /// Waits no longer for what was sent before a time.
    /// - Returns: how many of it had no answer.
    private mutating func leave(sentBefore time: UInt64) -> Int {
        var count = 0
        while first < order.count, order[first].at < time {
            if underWay.removeValue(forKey: order[first].mark) != nil { count += 1 }
            first += 1
        }
        return count
    }

    /// Gives up waiting for what was sent before a time: workers are past it, so what has no answer was decided before,
    /// and its outcome is gone or was read by another run; or another shard has it by way of its inbox, as after a change of
    /// number, and answers later.
    public mutating func giveUp(sentBefore time: UInt64) { givenUp += leave(sentBefore: time) }

    /// From when a command was written to when its outcome was, in nanoseconds: both by the broker's clock.
    private func delay(of record: RecordView) -> UInt64? {
        guard let value = record.value else { return nil }
        let read = document.withRoot(of: value) { $0["decidedAt"]?.string.flatMap { Instant($0) } }
        guard case .success(let written?) = read else { return nil }
        let milliseconds = record.timestamp - written.milliseconds
        return (0...Self.longestDelay).contains(milliseconds) ? UInt64(milliseconds) * 1_000_000 : nil
    }

    /// The 95th percentile of the delays since this was last asked; nil when no outcome has come.
    public mutating func takeDelay() -> UInt64? {
        guard !delays.isEmpty else { return nil }
        delays.sort()
        defer { delays.removeAll(keepingCapacity: true) }
        return delays[min(delays.count - 1, delays.count * 95 / 100)]
    }
}
