import ArgumentParser
import Foundation
import FuldmagtDomain
import FuldmagtJobs
import FuldmagtKafka

/// How a job is sent: what `run` and `resume` share.
struct SendingOptions: ParsableArguments {
    @Option(help: "Commands a second, at most.")
    var rate: Int?
    @Option(help: "How long any command may wait for its outcome, milliseconds; 0 holds nothing back.")
    var maxDelayMs = 500
    @Option(help: "Seconds to wait for outcomes once all is sent.")
    var wait = 30
    @Flag(help: "No progress line.")
    var quiet = false

    func validate() throws {
        if let rate, !(1...1_000_000).contains(rate) {
            throw ValidationError("--rate is \(rate); 1 to 1000000 are allowed")
        }
        guard maxDelayMs == 0 || (50...3_600_000).contains(maxDelayMs) else {
            throw ValidationError("--max-delay-ms is \(maxDelayMs); 50 to 3600000, or 0, are allowed")
        }
        guard (0...86_400).contains(wait) else {
            throw ValidationError("--wait is \(wait); 0 to 86400 seconds are allowed")
        }
    }

    /// Sends what lies behind the checkpoint, and says how it ended.
    /// - Parameter wasDecided: whether lines were decided before by a run that left no checkpoint.
    func send(
        _ files: JobFiles, _ checkpoint: Checkpoint, _ environment: Environment, wasDecided: Bool = false
    ) throws {
        var sender = try JobSender(
            files: files, checkpoint: checkpoint, options: self, environment: environment, wasDecided: wasDecided)
        try sender.run()
        let checkpoint = sender.checkpoint
        Output.line(checkpoint.progress)
        switch checkpoint.state {
        case .done: break
        case .cancelled:
            throw Exit.saying(
                "cancelled; what was sent stays. Account for it with: fuldmagt job report \(files.path)", Exit.failure)
        case .stopped, .running:
            throw Exit.saying("stopped; go on with: fuldmagt job resume \(files.path)", Exit.temporary)
        }
        if checkpoint.faulty > 0 {
            throw Exit.saying(
                "\(checkpoint.faulty) lines have faults and were not sent; see \(files.folder)/faults.csv", Exit.found)
        }
    }
}

extension JobFiles {
    /// Holds the job for this process, or says who else does.
    func hold() throws -> FileHandle {
        guard let lock = try lock() else {
            throw Exit.saying(
                "job \(job.id) is being run by another process; see: fuldmagt job status \(path)", Exit.failure)
        }
        return lock
    }
}

struct JobRunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Send a job's commands.",
        discussion: """
            Plans once more first: where the state has moved on so that more than --threshold percent of the lines, or \
            of the grants and notifications, would come to something else, what changed is shown and nothing is sent.

            Holds itself back so that nobody's command waits longer than --max-delay-ms for its outcome, and says so. \
            How far it is stands in checkpoint.json, written once the broker has acknowledged. What was sent after \
            that by a run that died is sent again under the same ids, and workers ignore the repeat. Lines with faults \
            go to rejects.csv as they stand, and what is wrong with them to faults.csv. Ctrl-C and SIGTERM stop it \
            cleanly.

            Examples:
              fuldmagt job run moves.yaml
              fuldmagt job run moves.yaml --rate 200 --accept-changes

            Ends with 0 when every line was sent, with 3 when some had faults or the plan has changed, with 75 when it \
            was stopped or the broker did not answer: resume it; with 1 when it was cancelled, has no plan, or is being \
            run by another process. A job that was begun is resumed.
            """)

    @OptionGroup var options: JobOptions
    @OptionGroup var sending: SendingOptions
    @OptionGroup var state: StateOptions
    @Option(help: "Percent that may be otherwise than planned.")
    var threshold = 1.0
    @Flag(help: "Send although more has changed; the plan as it is now takes the other's place.")
    var acceptChanges = false
    @Flag(help: "Send without a plan, for where no shards can be read.")
    var withoutPlan = false

    func validate() throws {
        guard (0...100).contains(threshold) else {
            throw ValidationError("--threshold is \(threshold); 0 to 100 percent are allowed")
        }
    }

    func run() async throws {
        let environment = try await Environment()
        let files = try options.open()
        let lock = try files.hold()
        defer { withExtendedLifetime(lock) {} }
        let digest = try files.digest()
        if let checkpoint = try files.readCheckpoint(digest: digest) {
            Output.line("job \(files.job.id) was begun before; going on after line \(checkpoint.line)")
            try sending.send(files, checkpoint, environment)
            return
        }
        try prepare(files, environment, digest: digest)
        let checkpoint = Checkpoint(job: files.job.id, input: digest, size: files.size, at: Host.now())
        let wasDecided = !withoutPlan && JobPlanner.made(files)?.hasDecided ?? false
        try sending.send(files, checkpoint, environment, wasDecided: wasDecided)
    }

    /// Sees to it that what is sent is what was planned.
    private func prepare(_ files: JobFiles, _ environment: Environment, digest: String) throws {
        guard !withoutPlan else {
            if files.job.kind.changesCatalogue {
                try JobPlanner(files: files, environment: environment, state: state, day: nil).writeSwitchRecords()
            }
            return
        }
        guard let made = JobPlanner.made(files), made.digest == digest else {
            throw Exit.saying(
                "job \(files.job.id) has no plan for this input; make it with: fuldmagt job plan \(options.job) (or send --without-plan)",
                Exit.failure)
        }
        let planner = JobPlanner(files: files, environment: environment, state: state, day: made.day)
        let changes = try planner.changes(digest: digest)
        let percent = changes.share * 100
        if !changes.text.isEmpty {
            Output.line("since the plan, the state has moved on (\(String(format: "%.2f", percent)) %):")
            Output.text(changes.text)
            Output.line("line by line: \(files.folder)/plan-changes.csv")
        }
        guard percent <= threshold || acceptChanges else {
            try planner.discard()
            throw Exit.saying(
                "nothing was sent: more than \(threshold) % is otherwise than planned. Plan again, or run with --accept-changes",
                Exit.found)
        }
        try planner.adopt()
    }
}

struct JobResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Go on with a job that was stopped, or whose run died.",
        discussion: """
            Goes on after the line that the checkpoint names. What has been answered is not sent again.

            Example:
              fuldmagt job resume moves.yaml --rate 200

            Ends as run does, and with 1 when the job was never begun.
            """)

    @OptionGroup var options: JobOptions
    @OptionGroup var sending: SendingOptions

    func run() async throws {
        let environment = try await Environment()
        let files = try options.open()
        let lock = try files.hold()
        defer { withExtendedLifetime(lock) {} }
        try sending.send(files, try files.begunCheckpoint(digest: try files.digest()), environment)
    }
}
