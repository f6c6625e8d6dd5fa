import Dispatch
import Foundation
import FuldmagtDomain
import FuldmagtKafka
import FuldmagtKeys
import FuldmagtOperations
import FuldmagtPost
import FuldmagtWorker
import Logging
import Metrics
import ServiceLifecycle

/// Runs a consumer of notifications until it is stopped: steps, pauses, and begins anew where the broker was away. Beside
/// it probes and scrapes are answered where FULDMAGT_HTTP says so.
struct PostRun {
    let environment: Environment
    let options: PostOptions
    /// Folder of the ledgers.
    let folder: String
    let logger = Logger(label: "post")
    /// `ce_source` of receipts.
    let source: String
    private let keys: ClusterKey
    private let address: (host: String, port: Int)?
    private let liveSeconds: Int
    private let health: PostHealth
    private let metrics: PrometheusMetrics
    private let stop = StopFlag()
    /// Milliseconds before the broker is tried again.
    private static let patience = 1_000
    /// How long receipts for what was sent are still expected.
    private static let memorySeconds: Int64 = 90 * 86_400
    /// A message may wait for an endpoint that does not answer; each is a sign of life.
    private static let liveSeconds = 600

    /// - Parameter consumer: `memo`, `letters` or `receipts`.
    init(_ consumer: String, _ options: PostOptions) async throws {
        LoggingSystem.bootstrap { JSONLogHandler(label: $0) }
        environment = try await Environment()
        self.options = options
        // All settings are looked at before anything is made.
        address = try environment.listenerAddress
        liveSeconds = try environment.number(
            "live.seconds", name: "FULDMAGT_LIVE_SECONDS", default: Self.liveSeconds, in: 1...86_400)
        keys = try environment.keys
        source = try environment.postSource
        _ = try environment.kafka
        folder = try options.folder(environment)
        metrics = PrometheusMetrics()
        // Without a listener nobody could read them.
        if address != nil { MetricsSystem.bootstrap(metrics) }
        health = PostHealth(
            consumer: consumer, nanoseconds: { Host.nanoseconds() }, now: { Host.now() })
    }

    // MARK: Consumers

    /// - Parameter pause: milliseconds between two steps when there was nothing to do.
    func send<Transport: PostTransport>(
        _ channel: PostChannel, ledger path: String, _ sending: PostSendingOptions, chunk: Int, pause: Int,
        transport: @escaping () throws -> Transport
    ) async throws {
        let lock = try PostLock.hold(path)
        defer { withExtendedLifetime(lock) {} }
        let ledger = try PostLedger(path: path, keys: keys, channel: channel)
        // FULDMAGT_TEST_LOOK=0 shows what the look before a hand-over is good for.
        let looks =
            try !environment.isTestMode || environment.flag("test.look", name: "FULDMAGT_TEST_LOOK", default: true)
        let senderOptions = PostSender<PostKafka, Transport>.Options(
            chunk: chunk, look: looks ? WithdrawalLead.look : nil, quietSeconds: sending.quietSeconds,
            source: source, worker: try environment.workerID)
        let reached: (PostMilestone) -> Void = try killPoint()
        try await serving([]) {
            var total = PostSender<PostKafka, Transport>.Step()
            try repeating {
                let sender = try PostSender(
                    log: try PostKafka(environment), transport: try transport(), ledger: ledger,
                    options: senderOptions, now: { Host.now() }, nanoseconds: { Host.nanosecondsSinceBoot() },
                    isAlive: { health.beat() }, reached: reached)
                try ledger.forget(endedBefore: Host.now().adding(seconds: -Self.memorySeconds))
                logger.info("sending notifications", metadata: ["channel": "\(channel.rawValue)", "ledger": "\(path)"])
                while !stop.isSet {
                    let step = try sender.step()
                    total.add(step)
                    tell(step)
                    health.show(.postCircuitOpen, sender.isClosed ? 1 : 0)
                    try health.note {
                        let waiting = try ledger.waiting()
                        return .init(
                            notifications: waiting.notifications, oldestDue: waiting.due, untold: waiting.untold)
                    }
                    if step.isBusy { continue }
                    if options.once, try ledger.waiting().notifications == 0 { return }
                    wait(milliseconds: options.once ? min(pause, 100) : pause)
                }
            }
            logger.info(
                "ended",
                metadata: [
                    "read": "\(total.read)", "messages": "\(total.sent)", "refused": "\(total.refused)",
                    "receipts": "\(total.told)", "withdrawn": "\(total.taken.cancelled)",
                    "rerouted": "\(total.taken.rerouted)", "looks": "\(total.looks)",
                ])
        }
    }

    private func tell<Log, Transport>(_ step: PostSender<Log, Transport>.Step) {
        health.stepped()
        health.count(.postRecords, step.read)
        for (result, number) in [
            ("sent", step.sent), ("refused", step.refused), ("again", step.again), ("withheld", step.withheld),
        ] { health.count(.postMessages, number, [("result", result)]) }
        health.count(.postWithdrawn, step.taken.cancelled)
        health.count(.postRerouted, step.taken.rerouted)
        health.count(.postLooks, step.looks)
        health.count(.postDeadLetters, step.deadLetters)
        guard step.deadLetters > 0 else { return }
        logger.error(
            "notifications could not be read, and are dead letters", metadata: ["count": "\(step.deadLetters)"])
    }

    /// - Parameter door: where receipts are brought by HTTP; nil for nowhere.
    func receive(_ intake: ReceiptIntake, inbox: ReceiptFolder, door: ReceiptDoor?) async throws {
        let reached: (ReceiptMilestone) -> Void = try killPoint()
        let desk = ReceiptDesk()
        let listener = door?.listener(desk, logger) { health.count(.postRefusedRequests, 1, [("reason", $0)]) }
        // Before the first of them is taken in.
        count(ReceiptIntake.Counts(), since: ReceiptIntake.Counts())
        try await serving(listener.map { [$0] } ?? []) {
            var counted = ReceiptIntake.Counts()
            try repeating {
                let log = try PostKafka(environment)
                while !stop.isSet {
                    let brought = try desk.serve(intake, reached: reached) { try log.write($0) }
                    let files = try inbox.takeIn(intake) { try log.write($0) }
                    tell(intake.counts, since: counted)
                    counted = intake.counts
                    if brought + files > 0 { continue }
                    if options.once { return }
                    desk.wait(milliseconds: options.pause)
                }
            }
            desk.close()
            logger.info(
                "ended",
                metadata: [
                    "documents": "\(counted.documents)", "receipts": "\(counted.receipts)",
                    "dead-letters": "\(counted.deadLetters.values.reduce(0, +))",
                ])
        }
    }

    private func tell(_ counts: ReceiptIntake.Counts, since before: ReceiptIntake.Counts) {
        health.stepped()
        count(counts, since: before)
        guard counts.unreadable > before.unreadable else { return }
        logger.error(
            "receipts lie in the folder that cannot be read; they are taken in once they can be: see to their owner and permissions",
            metadata: ["count": "\(counts.unreadable - before.unreadable)"])
    }

    private func count(_ counts: ReceiptIntake.Counts, since before: ReceiptIntake.Counts) {
        health.count(.postDocuments, counts.documents - before.documents, [("result", "taken")])
        health.count(.postReceipts, counts.receipts - before.receipts)
        for fault in PostFault.ofReceipts {
            let number = (counts.deadLetters[fault.rawValue] ?? 0) - (before.deadLetters[fault.rawValue] ?? 0)
            health.count(.postDocuments, number, [("result", fault.rawValue)])
        }
        health.count(.postDocuments, counts.unreadable - before.unreadable, [("result", "unreadable")])
    }

    // MARK: Running

    /// Runs a loop on a thread of its own, beside services; ends with the first of them that ends.
    private func serving(_ services: [any Service], _ loop: @escaping () throws -> Void) async throws {
        var all = services
        if let address {
            let answers = OperationsAnswers(health: health, metrics: metrics, liveSeconds: liveSeconds)
            all.append(
                OperationsListener(host: address.host, port: address.port, logger: logger) {
                    answers.answer(method: $0, path: $1)
                })
        }
        // Services end in the opposite order: what waits is answered until the loop is done.
        var configurations = all.map {
            ServiceGroupConfiguration.ServiceConfiguration(
                service: $0, failureTerminationBehavior: .gracefullyShutdownGroup)
        }
        configurations.append(
            .init(
                service: BlockingService(loop: loop, stop: stop, health: health),
                successTerminationBehavior: .gracefullyShutdownGroup,
                failureTerminationBehavior: .gracefullyShutdownGroup))
        do {
            try await ServiceGroup(
                configuration: .init(
                    services: configurations, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
            ).run()
        } catch let failure as ListenerFailure {
            throw Exit.saying(failure.description, Exit.setting)
        }
    }

    /// Calls `body` until it ends by itself. What fails because our surroundings do is begun anew after a while.
    private func repeating(_ body: () throws -> Void) throws {
        while !stop.isSet {
            do {
                return try body()
            } catch let failure as KafkaFailure {
                guard failure.consequence != .configuration else { throw Exit.saying(failure.text, Exit.setting) }
                again("the broker failed; trying again", failure.text)
            } catch let failure as LookTooSlow {
                again("the broker is too slow; trying again", failure.description)
            }
        }
    }

    private func again(_ what: Logger.Message, _ error: String) {
        health.failed()
        logger.warning(what, metadata: ["error": "\(error)"])
        wait(milliseconds: Self.patience)
    }

    private func wait(milliseconds: Int) {
        var left = milliseconds
        while left > 0, !stop.isSet {
            usleep(UInt32(min(left, 50)) * 1000)
            left -= 50
        }
    }

    /// FULDMAGT_TEST_KILL=fixed:3 kills the process when it reaches that point the third time.
    private func killPoint<Point: RawRepresentable & CaseIterable & Equatable>() throws -> (Point) -> Void
    where Point.RawValue == String {
        guard try environment.isTestMode, let text = environment.text("test.kill") else { return { _ in } }
        let parts = text.split(separator: ":")
        guard let point = Point(rawValue: String(parts[0])), let count = Int(parts.count > 1 ? parts[1] : "1")
        else {
            throw Exit.saying(
                "FULDMAGT_TEST_KILL is “\(text)”; allowed is one of \(Point.allCases.map(\.rawValue).joined(separator: ", ")), a colon and a number",
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

/// Runs what blocks on a thread of its own.
private struct BlockingService: Service, @unchecked Sendable {
    /// Called once, on that thread.
    let loop: () throws -> Void
    let stop: StopFlag
    let health: PostHealth

    func run() async throws {
        try await withGracefulShutdownHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                DispatchQueue(label: "fuldmagt.post").async {
                    do {
                        try loop()
                        continuation.resume()
                    } catch {
                        continuation.resume(throwing: error)
                    }
                }
            }
        } onGracefulShutdown: {
            health.stopping()
            stop.set()
        }
    }
}
