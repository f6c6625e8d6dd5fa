import FuldmagtJobs
import Testing

/// How fast a run goes, and what it says of it. Time is a number here.
@Suite struct RunPaceTests {
    private static let millisecond: UInt64 = 1_000_000
    private static let second: UInt64 = 1_000_000_000

    @Test("a run keeps its rate and says what it waits for")
    func rate() {
        var pace = RunPace(rate: 10, now: 0)
        var now: UInt64 = 0
        for _ in 0..<41 {
            pace.didSpend(.reading, now: now)
            let (wait, phase) = pace.wait(now: now)
            #expect(wait == 0 || phase == .waitingForRate)
            now += wait
            pace.didSpend(phase, now: now)
            pace.didSend(now: now)
        }
        #expect((3_800...4_000).contains(now / Self.millisecond))
        #expect(pace.slowBecause == "--rate 10 is kept" && (9...11).contains(pace.perSecond))
        var free = RunPace(rate: nil, now: 0)
        #expect(free.wait(now: 5).nanoseconds == 0)
        free.didSend(now: 5)
        free.didSpend(.reading, now: Self.second)
        free.didSpend(.waitingForBroker, now: 4 * Self.second)
        #expect(free.slowBecause == "the broker's acknowledgement takes 75 % of the time")
    }

    /// Workers that decide so many commands a second, in the order they come, others' among them.
    private struct Workers {
        var perSecond: Double
        var others: Double
        var queue = 0.0

        mutating func pass(_ nanoseconds: UInt64) {
            let seconds = Double(nanoseconds) / 1e9
            queue = max(0, queue + (others - perSecond) * seconds)
        }

        var delay: UInt64 { UInt64(queue / perSecond * 1e9) + 20 * RunPaceTests.millisecond }
    }

    /// Sends for some seconds.
    /// - Returns: commands sent a second, and the longest wait in the second half.
    private func run(
        _ pace: inout RunPace, _ workers: inout Workers, seconds: UInt64, from start: UInt64
    ) -> (perSecond: Int, longest: UInt64) {
        var now = start
        let end = start + seconds * Self.second
        let begun = pace.sent
        var longest: UInt64 = 0
        while now < end {
            pace.didSpend(.reading, now: now)
            let (wait, phase) = pace.wait(now: now, underWay: Int(workers.queue))
            if wait == 0 {
                pace.didSend(now: now)
                workers.queue += 1
            } else {
                workers.pass(wait)
                now += wait
                pace.didSpend(phase, now: now)
            }
            workers.pass(10_000)
            now += 10_000
            if pace.isToJudge(now: now) { pace.judge(delay: workers.delay, oldest: 0, now: now) }
            if now > start + seconds * Self.second / 2 { longest = max(longest, workers.delay) }
        }
        return ((pace.sent - begun) / Int(seconds), longest)
    }

    @Test(
        "with other work beside it, a run takes what is left and keeps everybody's wait near the limit",
        arguments: [(2_000.0, 500.0), (5_000.0, 500.0), (5_000.0, 4_000.0), (600.0, 500.0)])
    func holdsBack(perSecond: Double, others: Double) {
        var pace = RunPace(rate: nil, limit: 500 * Self.millisecond, now: 0)
        var workers = Workers(perSecond: perSecond, others: others)
        let (sent, longest) = run(&pace, &workers, seconds: 60, from: 0)
        let left = perSecond - others
        #expect(Double(sent) > left * 0.6 && Double(sent) < left * 1.05, "\(sent) of \(left)")
        #expect(longest < 900 * Self.millisecond, "\(longest / Self.millisecond) ms")
        #expect(pace.slowBecause.contains("held back to") && pace.slowBecause.contains("500 ms"))
    }

    @Test("when other work grows, the run gives way; when it ends, the run takes its place")
    func givesWay() {
        var pace = RunPace(rate: nil, limit: 500 * Self.millisecond, now: 0)
        var workers = Workers(perSecond: 3_000, others: 0)
        let alone = run(&pace, &workers, seconds: 60, from: 0).perSecond
        workers.others = 2_500
        let beside = run(&pace, &workers, seconds: 60, from: 60 * Self.second)
        workers.others = 0
        let after = run(&pace, &workers, seconds: 60, from: 120 * Self.second).perSecond
        #expect(alone > 1_800 && beside.perSecond < 600 && after > 1_800, "\(alone) \(beside) \(after)")
    }

    @Test(
        "a queue's wait is what is in it at the pace it is worked off; markers and what is just being committed are none"
    )
    func queue() {
        var queue = QueueWait()
        queue.take(end: 10_100, processed: 10_000, now: Self.second)
        #expect(queue.wait == 0)
        queue.take(end: 14_000, processed: 12_000, now: 2 * Self.second)
        // 2,000 in a second, and as many wait.
        #expect(queue.wait == Self.second)
        queue.take(end: 14_000, processed: 13_000, now: 2 * Self.second + Self.second / 2)
        #expect(queue.wait == Self.second / 2)
        queue.take(end: 14_000, processed: 13_000, now: 4 * Self.second)
        #expect(queue.wait == 2 * Self.second)
        queue.take(end: 14_000, processed: 13_000, now: 6 * Self.second)
        #expect(queue.wait == 3_600 * Self.second)
    }

    @Test("a queue out of sight counts like a late outcome")
    func behind() {
        var pace = RunPace(rate: nil, limit: 500 * Self.millisecond, now: 0)
        var now: UInt64 = 0
        while now < 20 * Self.second {
            let (wait, phase) = pace.wait(now: now)
            if wait == 0 { pace.didSend(now: now) }
            now += max(wait, 1_000)
            pace.didSpend(phase, now: now)
            if pace.isToJudge(now: now) {
                pace.judge(delay: 20 * Self.millisecond, oldest: 0, behind: 900 * Self.millisecond, now: now)
            }
        }
        #expect(pace.perSecond < 30 && pace.slowBecause.contains("workers are 900 ms behind in the inbox"))
    }

    @Test("where nobody answers, little is sent, and it is said")
    func silence() {
        var pace = RunPace(rate: nil, limit: 500 * Self.millisecond, now: 0)
        var now: UInt64 = 0
        while now < 60 * Self.second {
            let (wait, phase) = pace.wait(now: now, underWay: pace.sent)
            if wait == 0 { pace.didSend(now: now) }
            now += max(wait, 1_000)
            pace.didSpend(phase, now: now)
            if pace.isToJudge(now: now) { pace.judge(delay: nil, oldest: now, now: now) }
        }
        #expect(pace.sent < 600 && pace.slowBecause.contains("does a worker run?"), "\(pace.sent)")
    }
}
