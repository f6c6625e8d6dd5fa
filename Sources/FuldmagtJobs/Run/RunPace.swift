/// Keeps a run at a rate at which other work does not wait, and knows what it waits for. Times are nanoseconds of a
/// monotonic clock, as arguments.
///
/// The rate is found by trying: it rises while nobody waits long, fast up to where somebody last did and gently beyond,
/// and falls when somebody waits too long. What is measured is the wait that others notice: the time from command to
/// outcome of everybody's commands, this run's among them, and how far workers are behind in the inbox, where what follows
/// from a command queues up out of its sender's sight. And only so many commands are under way that they are decided in
/// half the limit: where workers come to a halt, this run's share of the queue stays small.
public struct RunPace: Sendable {
    /// What a run spends its time on.
    public enum Phase: Int, CaseIterable, Sendable {
        case reading, waitingForRate, holdingBack, waitingForBroker
    }

    /// Commands a second that a run begins with.
    static let firstRate = 500.0
    /// It never stops altogether: only so is it seen when workers are faster again.
    static let leastRate = 20.0
    private static let cutInterval: UInt64 = 1_000_000_000
    /// How often the rate is thought over.
    public static let interval: UInt64 = 200_000_000
    private static let window: UInt64 = 2_000_000_000
    /// Before this there is nothing to be said.
    private static let firstLook: UInt64 = 500_000_000
    /// Commands that may be under way whatever the rate.
    private static let leastUnderWay = 50
    /// What was not sent while the run waited is not caught up with beyond this.
    private static let burst: UInt64 = 50_000_000

    private let rate: Int?
    /// Nil where nothing is held back.
    private let limit: UInt64?
    /// Commands a second that others can bear.
    private var bearable: Double
    private var due: UInt64
    private var judgedAt: UInt64
    /// The rate at which somebody waited too long; up to near there it rises fast.
    private var lateRate = Double.infinity
    /// When the rate was last cut; nil while nobody waits too long.
    private var cutAt: UInt64?
    /// Whether the bearable rate was what held the run back since it was last judged.
    private var wasHeld = false
    private var delay: UInt64 = 0
    private var oldest: UInt64 = 0
    private var behind: UInt64 = 0
    private var since: UInt64
    private var spent: [UInt64] = [0, 0, 0, 0]
    private var sentAtWindow = 0
    private var windowStart: UInt64
    public private(set) var sent = 0
    /// Commands a second in the last window of about two seconds, or since the start.
    public private(set) var perSecond = 0
    /// Why it is not faster.
    public private(set) var slowBecause = ""

    /// - Parameters:
    ///   - rate: commands a second, at most.
    ///   - limit: how long others may wait for an outcome, in nanoseconds; nil for no limit.
    public init(rate: Int?, limit: UInt64? = nil, now: UInt64) {
        self.rate = rate
        self.limit = limit
        bearable = Self.firstRate
        (since, windowStart, due, judgedAt) = (now, now, now, now)
    }

    /// Commands a second that may be sent now.
    var allowed: Double {
        min(rate.map(Double.init) ?? .infinity, limit == nil ? .infinity : bearable)
    }

    /// How long to wait before the next command may be sent, in nanoseconds; 0 when it may go at once.
    /// - Parameter underWay: commands sent and not answered.
    public mutating func wait(now: UInt64, underWay: Int = 0) -> (nanoseconds: UInt64, phase: Phase) {
        if let limit {
            let most = max(Self.leastUnderWay, Int(bearable * Double(limit) / 1e9 / 2))
            if underWay >= most {
                wasHeld = true
                return (5_000_000, .holdingBack)
            }
        }
        guard due > now else { return (0, .reading) }
        let isOwnRate = rate.map { Double($0) <= bearable || limit == nil } ?? false
        if !isOwnRate { wasHeld = true }
        return (due - now, isOwnRate ? .waitingForRate : .holdingBack)
    }

    /// Says that a command was handed over.
    public mutating func didSend(now: UInt64) {
        sent += 1
        guard allowed.isFinite else { return }
        let earliest = now > Self.burst ? now - Self.burst : 0
        due = max(due, earliest) + UInt64(1e9 / allowed)
    }

    /// Whether it is time to think the rate over.
    public func isToJudge(now: UInt64) -> Bool { now >= judgedAt + Self.interval }

    /// Thinks the rate over.
    /// - Parameters:
    ///   - delay: from command to outcome, of late; nil when no outcome has come.
    ///   - oldest: how long the oldest command under way has waited.
    ///   - behind: how far workers are behind in the inbox.
    public mutating func judge(delay: UInt64?, oldest: UInt64, behind: UInt64 = 0, now: UInt64) {
        judgedAt = now
        self.delay = max(delay ?? 0, oldest)
        self.oldest = oldest
        self.behind = behind
        guard let limit else { return }
        let wait = max(self.delay, behind)
        if wait > limit {
            cut(now: now)
        } else if wait > limit / 2 {
            bearable = max(Self.leastRate, bearable * 0.98)
        } else {
            cutAt = nil
            if wasHeld { bearable *= bearable < lateRate * 0.6 ? 1.15 : 1.02 }
        }
        wasHeld = false
    }

    /// What was sent before has to be worked off first, so a cut is given time to show.
    private mutating func cut(now: UInt64) {
        if let cutAt, now < cutAt + Self.cutInterval { return }
        // One standstill of the broker's says little of what others can bear.
        if cutAt == nil { lateRate = lateRate.isFinite ? max(bearable, lateRate * 0.8) : bearable }
        cutAt = now
        bearable = max(Self.leastRate, bearable * 0.6)
    }

    /// Says that a phase ended now; it began when the one before ended.
    public mutating func didSpend(_ phase: Phase, now: UInt64) {
        spent[phase.rawValue] += now > since ? now - since : 0
        since = now
        let length = now > windowStart ? now - windowStart : 0
        guard length >= Self.window || (perSecond == 0 && length >= Self.firstLook) else { return }
        perSecond = Int(Double(sent - sentAtWindow) * 1e9 / Double(length))
        slowBecause = reason
        guard length >= Self.window else { return }
        windowStart = now
        sentAtWindow = sent
        spent = [0, 0, 0, 0]
    }

    /// The phase that takes most of the time, in words.
    private var reason: String {
        let total = spent.reduce(0, +)
        guard total > 0, let most = Phase.allCases.max(by: { spent[$0.rawValue] < spent[$1.rawValue] }) else {
            return ""
        }
        let share = Int(Double(spent[most.rawValue]) / Double(total) * 100)
        switch most {
        case .reading: return "reading and checking lines takes \(share) % of the time"
        case .waitingForRate: return "--rate \(rate ?? 0) is kept"
        case .waitingForBroker: return "the broker's acknowledgement takes \(share) % of the time"
        case .holdingBack: return held
        }
    }

    private var held: String {
        let limit = (limit ?? 0) / 1_000_000
        if oldest > 10_000_000_000 {
            return "no outcome for \(oldest / 1_000_000_000) s: does a worker run? see fuldmagt status"
        }
        let milliseconds = delay / 1_000_000
        if behind > delay {
            return behind / 1_000_000 > limit
                ? "held back to \(Int(bearable))/s: workers are \(behind / 1_000_000) ms behind in the inbox, over the limit of \(limit) ms"
                : "held back to \(Int(bearable))/s so that other work does not wait: workers are \(behind / 1_000_000) of \(limit) ms behind in the inbox"
        }
        return milliseconds > limit
            ? "held back to \(Int(bearable))/s: outcomes take \(milliseconds) ms, over the limit of \(limit) ms for other work"
            : "held back to \(Int(bearable))/s so that other work does not wait: outcomes take \(milliseconds) of \(limit) ms"
    }
}

extension Checkpoint {
    /// One line on how far it is, for a terminal.
    public var progress: String {
        let share = size > 0 ? Double(position) / Double(size) : 1
        let filled = min(30, max(0, Int(share * 30)))
        let bar = String(repeating: "#", count: filled) + String(repeating: "-", count: 30 - filled)
        var text = "[\(bar)] \(Int(share * 100)) %  line \(line), \(sent) sent"
        let counted = [
            (answers.accepted, "accepted"), (answers.rejected, "rejected"), (answers.parked, "parked"),
            (answers.deadLettered, "dead-lettered"), (faulty, "faulty"), (duplicates, "duplicate"),
        ]
        for (count, name) in counted where count > 0 { text += ", \(count) \(name)" }
        guard state == .running else { return text }
        text += ", \(perSecond)/s"
        if perSecond > 0, sent > 0, share > 0 {
            let left = Double(sent) / share - Double(sent)
            text += ", about \(Int(left / Double(perSecond))) s left"
        }
        return slowBecause.isEmpty ? text : text + " · \(slowBecause)"
    }
}
