import Foundation
import FuldmagtDomain
import FuldmagtKafka
import FuldmagtPost
import FuldmagtRecord
import FuldmagtWorker
import Logging

/// Runs a consumer of notifications until it is stopped: steps, pauses, and begins anew where the broker was away.
struct PostRun {
    let options: PostOptions
    let quietSeconds: Int
    let chunk: Int
    /// Milliseconds between two steps when there was nothing to do.
    let pause: Int
    private let stop = StopSignal()
    private let logger = Logger(label: "post")
    /// Milliseconds before the broker is tried again.
    private static let patience = 1_000
    /// How long receipts for what was sent are still expected.
    private static let memorySeconds: Int64 = 90 * 86_400

    init(options: PostOptions, quietSeconds: Int, chunk: Int, pause: Int) {
        self.options = options
        self.quietSeconds = quietSeconds
        self.chunk = chunk
        self.pause = pause
    }

    func send<Transport: PostTransport>(
        _ channel: PostChannel, ledger path: String, _ environment: Environment, transport: () throws -> Transport
    ) throws {
        guard (0...86_400).contains(quietSeconds), (1...10_000).contains(chunk) else {
            throw Exit.saying(
                "--quiet-seconds is \(quietSeconds) and the size of a chunk \(chunk); 0 to 86400 and 1 to 10000 are allowed",
                Exit.setting)
        }
        let lock = try PostLock.hold(path)
        defer { withExtendedLifetime(lock) {} }
        let ledger = try PostLedger(path: path, keys: try environment.keys, channel: channel)
        let source = try environment.postSource
        let reached = try Self.killPoint(environment)
        // FULDMAGT_TEST_LOOK=0 shows what the look before a hand-over is good for.
        let looks =
            try !environment.isTestMode || environment.flag("test.look", name: "FULDMAGT_TEST_LOOK", default: true)
        var total = PostSender<PostKafka, Transport>.Step()
        try repeating {
            let sender = try PostSender(
                log: try PostKafka(environment), transport: try transport(), ledger: ledger,
                options: .init(
                    chunk: chunk, look: looks ? WithdrawalLead.look : nil, quietSeconds: quietSeconds, source: source,
                    worker: environment.workerID),
                now: { Host.now() }, nanoseconds: { Host.nanosecondsSinceBoot() }, reached: reached)
            try ledger.forget(endedBefore: Host.now().adding(seconds: -Self.memorySeconds))
            logger.info("sending notifications", metadata: ["channel": "\(channel.rawValue)", "ledger": "\(path)"])
            while !stop.isRaised {
                let step = try sender.step()
                total.add(step)
                if step.deadLetters > 0 {
                    logger.error(
                        "notifications could not be read, and are dead letters",
                        metadata: ["count": "\(step.deadLetters)"])
                }
                if step.isBusy { continue }
                if options.once, try ledger.nextDue() == nil { return }
                wait(milliseconds: options.once ? min(pause, 100) : pause)
            }
        }
        logger.info(
            "ended",
            metadata: [
                "read": "\(total.read)", "messages": "\(total.sent)", "refused": "\(total.refused)",
                "receipts": "\(total.told)", "withdrawn": "\(total.taken.cancelled)",
                "rerouted": "\(total.taken.rerouted)",
            ])
    }

    func receive(_ intake: ReceiptIntake, folder: ReceiptFolder, _ environment: Environment) throws {
        try repeating {
            let log = try PostKafka(environment)
            while !stop.isRaised {
                let files = try folder.takeIn(intake) { try log.write($0) }
                guard files == 0 else { continue }
                if options.once { return }
                wait(milliseconds: pause)
            }
        }
        let counts = intake.counts
        logger.info(
            "ended",
            metadata: [
                "documents": "\(counts.documents)", "receipts": "\(counts.receipts)",
                "dead-letters": "\(counts.deadLetters.values.reduce(0, +))",
            ])
    }

    /// Calls `body` until it ends by itself. What fails because our surroundings do is begun anew after a while.
    private func repeating(_ body: () throws -> Void) throws {
        while !stop.isRaised {
            do {
                return try body()
            } catch let failure as KafkaFailure {
                guard failure.consequence != .configuration else { throw Exit.saying(failure.text, Exit.setting) }
                logger.warning("the broker failed; trying again", metadata: ["error": "\(failure.text)"])
                wait(milliseconds: Self.patience)
            } catch let failure as LookTooSlow {
                logger.warning("the broker is too slow; trying again", metadata: ["error": "\(failure)"])
                wait(milliseconds: Self.patience)
            }
        }
    }

    private func wait(milliseconds: Int) {
        var left = milliseconds
        while left > 0, !stop.isRaised {
            usleep(UInt32(min(left, 50)) * 1000)
            left -= 50
        }
    }

    /// FULDMAGT_TEST_KILL=fixed:3 kills the process when it reaches that point the third time.
    private static func killPoint(_ environment: Environment) throws -> (PostMilestone) -> Void {
        guard try environment.isTestMode, let text = environment.text("test.kill") else { return { _ in } }
        let parts = text.split(separator: ":")
        guard let point = PostMilestone(rawValue: String(parts[0])), let count = Int(parts.count > 1 ? parts[1] : "1")
        else {
            throw Exit.saying(
                "FULDMAGT_TEST_KILL is “\(text)”; allowed is one of \(PostMilestone.allCases.map(\.rawValue).joined(separator: ", ")), a colon and a number",
                Exit.setting)
        }
        var seen = 0
        return { milestone in
            guard milestone == point else { return }
            seen += 1
            if seen == count { kill(getpid(), SIGKILL) }
        }
    }
}
