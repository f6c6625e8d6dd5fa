import ArgumentParser
import Foundation
import FuldmagtDomain
import FuldmagtJobs

struct JobStatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Say how far a job is, from another terminal.",
        discussion: """
            Reads the checkpoint, which is at most about a second old while the job runs.

            Example:
              fuldmagt job status moves.yaml

            Ends with 0, or with 1 when the job was not begun.
            """)

    @OptionGroup var options: JobOptions

    func run() async throws {
        let files = try options.open()
        let checkpoint = try files.begunCheckpoint(digest: nil)
        Output.line(checkpoint.progress)
        let isHeld = try files.lock() == nil
        let word =
            switch checkpoint.state {
            case .done: "done: all lines are sent; account for them with: fuldmagt job report \(options.job)"
            case .cancelled: "cancelled"
            case .running where isHeld: "running"
            case .running: "interrupted; go on with: fuldmagt job resume \(options.job)"
            case .stopped where isHeld: "starting again"
            case .stopped: "stopped; go on with: fuldmagt job resume \(options.job)"
            }
        Output.line("job \(files.job.id): \(word) (as of \(checkpoint.at))")
    }
}

struct JobCancelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "End a job for good, from another terminal too. What was sent stays.",
        discussion: """
            A run that is under way stops within about a second. To take back what was sent: fuldmagt job undo.

            Example:
              fuldmagt job cancel moves.yaml

            Ends with 0, with 1 when the job was not begun or is done, with 75 when the run does not stop.
            """)

    /// Seconds that a run is given to stop.
    private static let patience: UInt64 = 70

    @OptionGroup var options: JobOptions

    func run() async throws {
        let files = try options.open()
        guard try files.begunCheckpoint(digest: nil).state != .done else {
            throw Exit.saying("job \(files.job.id) is done: all its lines are sent", Exit.failure)
        }
        try TextFile.write("".utf8, to: files.cancellation)
        let deadline = Host.nanoseconds() + Self.patience * 1_000_000_000
        var lock = try files.lock()
        while lock == nil, Host.nanoseconds() < deadline {
            usleep(100_000)
            lock = try files.lock()
        }
        guard let lock else {
            throw Exit.saying("the run of job \(files.job.id) does not stop; is its broker well?", Exit.temporary)
        }
        defer { withExtendedLifetime(lock) {} }
        var checkpoint = try files.begunCheckpoint(digest: nil)
        if checkpoint.state != .done {
            checkpoint.state = .cancelled
            try checkpoint.write(to: files.checkpoint)
        }
        Output.line(checkpoint.progress)
        Output.line(
            "job \(files.job.id): \(checkpoint.state == .done ? "was done before it could be cancelled" : "cancelled")")
    }
}
