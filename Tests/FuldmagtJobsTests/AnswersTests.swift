import FuldmagtDomain
import FuldmagtJobs
import FuldmagtRecord
import Testing

/// What a run hears of its commands, and of everybody else's.
@Suite struct AnswersTests {
    private static let second: UInt64 = 1_000_000_000

    /// - Parameters:
    ///   - written: when its command was written, milliseconds before the outcome was.
    static func outcome(
        of id: String, status: String = "accepted", job: String? = "m1", waited: Int64 = 0
    ) -> RecordBatch {
        let at = Instant(milliseconds: 1_795_514_400_000)
        let decided = Instant(milliseconds: at.milliseconds - waited)
        let value =
            #"{"command":{"id":"\#(id)","type":"t","source":"\#(Sample.source)"},"status":"\#(status)","decidedAt":"\#(decided)"}"#
        var batch = RecordBatch()
        Array(value.utf8).withUnsafeBytes { value in
            batch.append(
                topic: Topic.outcomes.rawValue, offset: 0, timestamp: at.milliseconds, key: nil, value: value
            ) { block in
                if let job { HeaderBlock.append(name: "ce_jobid", value: job, to: &block) }
            }
        }
        return batch
    }

    private func commands(_ count: Int) throws -> [LineCommand] {
        let rows = (1...count).map { "\(Sample.cpr($0));0101;2026-01-01\n" }
        return try Sample.lines(Sample.job(), "cpr;kommune;dato\n" + rows.joined()).compactMap(\.command)
    }

    @Test("outcomes are counted once, a parked one twice: when it is put aside and when it is decided")
    func counts() throws {
        let commands = try commands(3)
        var answers = Answers(job: try Sample.job())
        for command in commands { answers.didSend(command, now: 0) }
        #expect(answers.underWayCount == 3 && answers.oldest(now: Self.second) == Self.second)
        for (id, status) in [
            (commands[0].id, "accepted"), (commands[0].id, "accepted"), (commands[1].id, "parked"),
            (commands[1].id, "rejected"), ("m1-9-0000000000000000", "accepted"), ("other", "accepted"),
        ] {
            Self.outcome(of: id, status: status).withRecords { answers.take(outcome: $0[0], now: Self.second) }
        }
        #expect(answers.counts.accepted == 2 && answers.counts.rejected == 1 && answers.counts.parked == 1)
        #expect(answers.underWayCount == 1)
        #expect(answers.isAnswered(commands[0]) && answers.isAnswered(commands[1]) && !answers.isAnswered(commands[2]))
    }

    @Test("the wait is everybody's; what was parked for hours, or told by another clock, is left out")
    func delays() throws {
        let commands = try commands(2)
        var answers = Answers(job: try Sample.job())
        #expect(answers.takeDelay() == nil)
        for waited in [40, 700, -5_000, 40_000_000] as [Int64] {
            Self.outcome(of: "x", job: nil, waited: waited).withRecords { answers.take(outcome: $0[0], now: 0) }
        }
        #expect(answers.takeDelay() == 700_000_000)
        #expect(answers.takeDelay() == nil)
        // The run's own commands are measured by its own clock.
        answers.didSend(commands[0], now: 0)
        Self.outcome(of: commands[0].id, waited: 3_000).withRecords { answers.take(outcome: $0[0], now: Self.second) }
        #expect(answers.takeDelay() == Self.second)
    }

    @Test(
        "what was decided before a run died is never answered again, and holds nothing up once later ones are answered")
    func repeats() throws {
        let commands = try commands(3)
        var answers = Answers(job: try Sample.job())
        answers.didSend(commands[0], now: 0)
        answers.didSend(commands[1], now: 4 * Self.second)
        answers.didSend(commands[2], now: 6 * Self.second)
        #expect(answers.oldest(now: 7 * Self.second) == 7 * Self.second)
        Self.outcome(of: commands[2].id).withRecords { answers.take(outcome: $0[0], now: 7 * Self.second) }
        #expect(answers.oldest(now: 7 * Self.second) == 3 * Self.second && answers.underWayCount == 1)
    }

    @Test("where all was decided before, nothing is answered: that workers are past it ends the wait")
    func nothingButRepeats() throws {
        let commands = try commands(4)
        var answers = Answers(job: try Sample.job())
        for (at, command) in commands.enumerated() { answers.didSend(command, now: UInt64(at) * Self.second) }
        answers.giveUp(sentBefore: 0)
        #expect(answers.underWayCount == 4)
        answers.giveUp(sentBefore: 2 * Self.second)
        #expect(answers.underWayCount == 2 && answers.oldest(now: 9 * Self.second) == 7 * Self.second)
        // Not its wait: nobody knows since when.
        Self.outcome(of: commands[0].id).withRecords { answers.take(outcome: $0[0], now: 9 * Self.second) }
        #expect(answers.counts.accepted == 1 && answers.isAnswered(commands[0]) && answers.takeDelay() == nil)
        answers.giveUp(sentBefore: 9 * Self.second)
        #expect(answers.underWayCount == 0 && answers.oldest(now: 9 * Self.second) == 0)
        #expect(!answers.isAnswered(commands[3]))
    }
}
