import ArgumentParser
import Dispatch
import Foundation
import FuldmagtDomain
import FuldmagtJobs
import FuldmagtKafka
import FuldmagtRecord
import FuldmagtWorker
import Synchronization

/// Sends a job's commands from where its checkpoint is, at the pace that the outcomes allow.
struct JobSender {
    /// Commands between two checkpoints, and nanoseconds.
    private static let chunk = 500
    private static let interval: UInt64 = 1_000_000_000
    /// Nanoseconds between two progress lines where there is no terminal.
    private static let logInterval: UInt64 = 5_000_000_000
    /// Nanoseconds that a command has waited when it is asked whether workers are past it, and between two looks.
    private static let patience: UInt64 = 1_000_000_000
    private static let lookInterval: UInt64 = 900_000_000

    private let files: JobFiles
    private let options: SendingOptions
    private let settings: Settings
    private let ids: LineIDs
    private let producer: KafkaProducer
    private let reader: AnswerReader
    private let inbox: InboxReader
    /// Nil for records of the catalogue.
    private let commands: CommandReader?
    private let stop = StopSignal()
    private let isTerminal = isatty(STDERR_FILENO) == 1
    /// What stands in the file, or will after the next settlement.
    private(set) var checkpoint: Checkpoint
    private var pace: RunPace
    private var answers: Answers
    private let begun: Int
    private var unsettled = 0
    private var settledAt: UInt64
    private var shownAt: UInt64
    private var lookedAt: UInt64
    /// Workers are past what was sent before; what they answered to it can be read by the next look.
    private var passed: UInt64?
    private var isCancelled = false

    /// - Parameter wasDecided: whether lines were decided before by a run that left no checkpoint.
    init(
        files: JobFiles, checkpoint: Checkpoint, options: SendingOptions, environment: Environment, wasDecided: Bool
    ) throws {
        self.files = files
        self.options = options
        self.checkpoint = checkpoint
        settings = try environment.settings(partitions: 1)
        ids = checkpoint.hasKeyedIDs ? .keyed(try environment.keys) : .plain
        let configuration = try environment.kafka
        producer = try Connection.trying { () throws(KafkaFailure) in
            try KafkaProducer(KafkaLog.properties(configuration, for: .producer), topics: Topic.names)
        }
        reader = try AnswerReader(configuration, from: checkpoint.answersFrom, isFromBeginning: wasDecided)
        self.checkpoint.answersFrom = reader.positions
        let group = "fuldmagt-\(try environment.cluster)"
        inbox = try InboxReader(configuration, group: group)
        commands = try files.job.kind.commandTopic.map { try CommandReader(configuration, topic: $0, group: group) }
        answers = Answers(job: files.job)
        let now = Host.nanoseconds()
        pace = RunPace(
            rate: options.rate, limit: options.maxDelayMs > 0 ? UInt64(options.maxDelayMs) * 1_000_000 : nil, now: now)
        begun = checkpoint.line
        (settledAt, shownAt, lookedAt) = (now, now, now)
    }

    mutating func run() throws {
        guard checkpoint.state != .cancelled else { return }
        isCancelled = FileManager.default.fileExists(atPath: files.cancellation)
        // What was answered to a run before this one.
        try reader.readToEnd { take($0) }
        _ = answers.takeDelay()
        checkpoint.state = .running
        try note()
        let rejects = try files.rejects()
        try files.forEachLine(settings: settings, today: Host.now().day, ids: ids) { line, position in
            try rejects.take(line)
            return try take(line, position: position)
        }
        checkpoint.state =
            if checkpoint.position >= checkpoint.size || !isToEnd { .done } else { isCancelled ? .cancelled : .stopped }
        try settle()
        try rejects.close()
        if checkpoint.state == .done { try awaitAnswers() }
        if isTerminal, !options.quiet { StandardError.write("\r\u{1b}[K") }
    }

    private var isToEnd: Bool { stop.isRaised || isCancelled }

    /// - Returns: whether to go on.
    private mutating func take(_ line: JobLine, position: Int) throws -> Bool {
        guard line.number > begun else { return !isToEnd }
        switch line {
        case .command(let command):
            guard try send(command) else { return false }
            // A line whose commands were not all sent is begun anew.
            guard command.isLast else { return true }
        case .rejected: checkpoint.faulty += 1
        case .duplicate: checkpoint.duplicates += 1
        case .rejectedPart, .header, .blank: break
        }
        checkpoint.line = line.number
        checkpoint.position = position
        if unsettled >= Self.chunk || Host.nanoseconds() - settledAt > Self.interval { try settle() }
        return !isToEnd
    }

    /// - Returns: false when it is to stop meanwhile.
    private mutating func send(_ command: LineCommand) throws -> Bool {
        checkpoint.sent += 1
        guard !answers.isAnswered(command) else { return true }
        guard try waitForTurn() else {
            checkpoint.sent -= 1
            return false
        }
        var frame = FrameWriter()
        command.append(to: &frame)
        do {
            try producer.produce(frame.take())
        } catch let error as KafkaFailure {
            throw try Connection.trying { () throws(KafkaFailure) -> ExitCode in throw error }
        }
        let now = Host.nanoseconds()
        pace.didSend(now: now)
        answers.didSend(command, now: now)
        unsettled += 1
        if unsettled % 16 == 0 {
            producer.poll()
            try listen(milliseconds: 0)
        }
        return true
    }

    private mutating func waitForTurn() throws -> Bool {
        pace.didSpend(.reading, now: Host.nanoseconds())
        while true {
            let (wait, phase) = pace.wait(now: Host.nanoseconds(), underWay: answers.underWayCount)
            guard wait > 0 else { return true }
            if isToEnd { return false }
            producer.poll()
            if wait < 1_000_000 {
                usleep(UInt32(wait / 1000))
            } else {
                try listen(milliseconds: Int32(min(wait / 1_000_000, 20)))
            }
            pace.didSpend(phase, now: Host.nanoseconds())
            // While nothing may be sent, the checkpoint still tells why.
            if Host.nanoseconds() - settledAt > Self.interval {
                try settle()
                try lookForRepeats()
            }
        }
    }

    /// Takes in what workers have answered, and thinks the rate over when it is time.
    private mutating func listen(milliseconds: Int32) throws {
        try reader.read(milliseconds: milliseconds) { take($0) }
        let now = Host.nanoseconds()
        if pace.isToJudge(now: now) {
            if options.maxDelayMs > 0 { try inbox.read(now: now) }
            pace.judge(
                delay: answers.takeDelay(), oldest: answers.oldest(now: now), behind: inbox.queue.wait, now: now)
        }
    }

    private mutating func take(_ record: RecordView) {
        if record.topic == Topic.outcomes.rawValue {
            answers.take(outcome: record, now: Host.nanoseconds())
        } else {
            answers.take(deadLetter: record, now: Host.nanoseconds())
        }
    }

    /// Waits until all is acknowledged, then writes the checkpoint.
    private mutating func settle() throws {
        pace.didSpend(.reading, now: Host.nanoseconds())
        if unsettled > 0 {
            try Connection.trying { () throws(KafkaFailure) in try producer.flush(timeoutMilliseconds: 60_000) }
        }
        pace.didSpend(.waitingForBroker, now: Host.nanoseconds())
        unsettled = 0
        settledAt = Host.nanoseconds()
        checkpoint.perSecond = pace.perSecond
        checkpoint.slowBecause = pace.slowBecause
        try note()
        isCancelled = isCancelled || FileManager.default.fileExists(atPath: files.cancellation)
        show()
    }

    /// Nobody answers a command that was decided before: it is waited for only until workers are past it. All that was
    /// sent is acknowledged here. What came late to another shard is not waited for either.
    private mutating func lookForRepeats() throws {
        let now = Host.nanoseconds()
        guard let commands, unsettled == 0, now >= lookedAt + Self.lookInterval,
            answers.oldest(now: now) > Self.patience
        else { return }
        if let passed { answers.giveUp(sentBefore: passed) }
        passed = try commands.look(now: now)
        lookedAt = Host.nanoseconds()
    }

    private mutating func note() throws {
        checkpoint.at = Host.now()
        checkpoint.answers = answers.counts
        do {
            try checkpoint.write(to: files.checkpoint)
        } catch {
            throw Exit.saying("the checkpoint cannot be written: \(error)", Exit.temporary)
        }
    }

    private mutating func show() {
        guard !options.quiet else { return }
        let now = Host.nanoseconds()
        if isTerminal {
            StandardError.write("\r\u{1b}[K\(checkpoint.progress)")
        } else if now - shownAt > Self.logInterval {
            shownAt = now
            StandardError.write("\(checkpoint.progress)\n")
        }
    }

    private mutating func awaitAnswers() throws {
        let deadline = Host.nanoseconds() + UInt64(options.wait) * 1_000_000_000
        while answers.underWayCount > 0, Host.nanoseconds() < deadline, !isToEnd {
            try listen(milliseconds: 100)
            try lookForRepeats()
        }
        try note()
        if answers.underWayCount > 0 {
            Output.line("\(answers.underWayCount) commands have no outcome yet; the report will tell")
        }
        if answers.givenUp > 0 {
            Output.line(
                "workers went past \(answers.givenUp) commands without a new outcome: decided before, or on their way to another shard; the report will tell"
            )
        }
    }
}
