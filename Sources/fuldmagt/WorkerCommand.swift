import ArgumentParser
import Foundation
import FuldmagtDomain
import FuldmagtKafka
import FuldmagtOperations
import FuldmagtStore
import FuldmagtWorker
import Logging
import Metrics
import ServiceLifecycle
import Synchronization

struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker", abstract: "Decide commands until stopped.",
        discussion: """
            Start as many as there are partitions, on any machines; each takes its share. SIGTERM and Ctrl-C stop it: \
            what is stored is published first. A broker that is away is waited for, at the start too: /readyz and the \
            log say so.

            Each needs a name of its own, FULDMAGT_WORKER_ID (default: the host's name): two of one name keep each \
            other from working. On one folder the second waits for as long as the first may take to stop \
            (FULDMAGT_STOP_SECONDS and 5 s) and then ends with 78; elsewhere the log says that the name is used twice.

            Settings, beside those in fuldmagt --help.

            Who may do what:
              FULDMAGT_SOURCES               off (default), warn or enforce: whether a
                                             command's ce_source must be an authority of
                                             the catalogue with the role for the topic
              FULDMAGT_EXEMPTIONS_FROM       deciding (default): exemptions come from the
                                             municipality that decides; any: from every one
              FULDMAGT_ADMINISTRATORS        CVR numbers that may change the catalogue,
                                             with commas between them; refused unless
                                             FULDMAGT_SOURCES is enforce (default:
                                             everybody may)
              FULDMAGT_SENDER_CVR, FULDMAGT_SENDER_NAME
                                             the authority that notifications to
                                             representatives come from: its CVR number and
                                             name. Both must be set, but in test mode
              FULDMAGT_KLE_FILE              list of KLE numbers, one a line or in a column
                                             of CSV (default: only main groups are checked)
              FULDMAGT_REQUEST_DAYS          days that a request waits for its answer, 1 to
                                             3650 (default 180)
              FULDMAGT_PROCESSED_DAYS        days that command ids are remembered, 90 to
                                             36500 (default 90)

            Probes, and stopping:
              FULDMAGT_HTTP                  host:port to answer /livez, /readyz and
                                             /metrics on, such as 127.0.0.1:9464 (default:
                                             off). Plain HTTP for everyone who gets there
              FULDMAGT_LIVE_SECONDS          silence of the run loop after which /livez
                                             says 503, 1 to 86400 (default 120)
              FULDMAGT_STOP_SECONDS          longest time that stopping may take, 1 to 3600
                                             (default 30)
              FULDMAGT_HAND_OVER_SECONDS     how long publishing is repeated while shards
                                             go to another worker, which publishes what is
                                             left, 1 to 240 (default 20)

            Shards, and losing them:
              FULDMAGT_CHANGELOG             1 (default): every changed row goes to
                                             fuldmagt.changelog, from which a shard is
                                             rebuilt where its file is missing, old or
                                             damaged; 0: off
              FULDMAGT_STANDBY               1: keeps copies of the shards that others own,
                                             so that taking one over restores only the
                                             tail; for workers with folders of their own;
                                             0: off (default)
              FULDMAGT_STORE_DURABLE         1: commits wait for the disk (default without
                                             a changelog); 0: they do not (default with
                                             one: a shard that a power cut set back is
                                             rebuilt)
              FULDMAGT_ACCEPT_GAP            0 (default): a worker stops where records were
                                             deleted before they were read, as after a stop
                                             longer than topics keep them, and where a
                                             topic was made anew or has lost its end; 1:
                                             it goes on without them, and reads commands
                                             and receipts of such a topic from the first
                                             one; for one start

            What cannot be read or decided:
              FULDMAGT_DEAD_LETTERS_IN_A_ROW
                                             unreadable records in a row that stop the
                                             worker, 1 to 1000000000 (default 500)
              FULDMAGT_DEAD_LETTERS_RATIO    share of a shard's last 10000 records, above
                                             which unreadable ones stop the worker: 0.5 for
                                             half (default 0: off)
              FULDMAGT_CATALOGUE_PATIENCE_SECONDS
                                             how long a worker waits for a catalogue that
                                             cannot be read, before it parks the commands
                                             that ask it and goes on, 0 to 86400 (default
                                             10)
              FULDMAGT_PARKED_SECONDS        how long a command waits parked before it is
                                             rejected, 60 to 31536000 (default 86400)
              FULDMAGT_PARKED_PER_CITIZEN    beyond them the oldest is rejected, 1 to 10000
                                             (default 100)
              FULDMAGT_PARKED_PER_SHARD      beyond them the worker waits instead of
                                             parking, 1 to 1000000 (default 10000)

            Receipts: hours, at most 87600; 0 for ever, where nobody writes them:
              FULDMAGT_RECEIPT_QUEUED_HOURS  how long a notification may wait until a
                                             transport has it, before it is sent by letter
                                             instead, or is a caseworker's task (default
                                             336)
              FULDMAGT_RECEIPT_SUBMITTED_HOURS, FULDMAGT_RECEIPT_ACCEPTED_HOURS
                                             the same from one receipt of Digital Post to
                                             the next (default 24, 72)
              FULDMAGT_RECEIPT_LETTER_SUBMITTED_HOURS,
              FULDMAGT_RECEIPT_LETTER_ACCEPTED_HOURS
                                             the same by letter (default 168, 336)
              FULDMAGT_RECEIPT_UNKNOWN_HOURS
                                             how long a receipt waits for its notification
                                             before it is set aside, 1 to 8760 (default
                                             24); beyond 10000 in a shard at once

            Turns: to be left alone unless measured:
              FULDMAGT_BATCH_RECORDS         records of one turn, 1 to 100000 (default
                                             4000)
              FULDMAGT_BATCH_BYTES           bytes of one turn, 65536 to 268435456 (default
                                             16777216)
              FULDMAGT_POLL_MILLISECONDS     how long a turn waits for its first record, 0
                                             to 10000 (default 50)
              FULDMAGT_STORE_CACHE_MIB       page caches of all shards, 4 to 65536 (default
                                             64)

            Example:
              FULDMAGT_KAFKA_BOOTSTRAP_SERVERS=kafka1:9092 \\
                FULDMAGT_CLUSTER_KEY_FILE=/etc/fuldmagt/cluster.key \\
                fuldmagt worker --data /var/lib/fuldmagt
            """)

    @Option(help: "Folder of the shard files; made where it does not exist. Overrides FULDMAGT_DATA.")
    var data: String?

    func run() async throws {
        LoggingSystem.bootstrap { JSONLogHandler(label: $0) }
        let environment = try await Environment()
        let directory = data ?? environment.directory
        // All settings are looked at before anything is made. How many partitions there are is known once a broker answers.
        let setup = try environment.workerSetup(directory: directory)
        let cluster = try environment.cluster
        let kafka = try environment.workerKafka
        let stopSeconds = try environment.number(
            "stop.seconds", name: "FULDMAGT_STOP_SECONDS", default: 30, in: 1...3600)
        let liveSeconds = try environment.number(
            "live.seconds", name: "FULDMAGT_LIVE_SECONDS", default: 120, in: 1...86_400)
        let address = try environment.listenerAddress
        let keepsCopies = try environment.flag("standby", name: "FULDMAGT_STANDBY", default: false)
        let surroundings = try TestHooks.surroundings(environment)
        let admin = try await Connection.admin()
        do {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        } catch {
            throw Exit.saying(
                "FULDMAGT_DATA: the folder \(directory) cannot be made; check the path and its permissions",
                Exit.setting)
        }
        guard access(directory, W_OK) == 0 else {
            throw Exit.saying(
                "FULDMAGT_DATA: the folder \(directory) is not writable; check owner and permissions", Exit.setting)
        }
        var logger = Logger(label: "fuldmagt.worker")
        logger[metadataKey: "worker"] = "\(setup.worker)"
        if try environment.isTestMode {
            logger.warning("test mode: test persons are admitted, and the cluster key may be the one everybody knows")
        }
        let kafkaLogger = logger
        KafkaLogging.send { line in
            kafkaLogger.log(
                level: line.level <= 3 ? .warning : .debug, "\(line.text)", metadata: ["kafka": "\(line.facility)"])
        }
        if let numbers = try environment.kleNumbers {
            logger.info("KLE numbers are checked against a list", metadata: ["numbers": "\(numbers.count)"])
        }
        let lives = ProducerLives(directory: directory, name: "fuldmagt-\(cluster)-\(setup.worker)")
        let hold = try lives.hold(waitingSeconds: stopSeconds + 5, logger)
        defer { withExtendedLifetime(hold) {} }
        Self.removeLeftovers(of: setup.worker, in: directory, logger)
        let metrics = PrometheusMetrics()
        // Without a listener nobody could read them.
        if address != nil { MetricsSystem.bootstrap(metrics) }
        let health = WorkerHealth(surroundings: surroundings)
        let service = WorkerService(
            setup: setup, admin: admin,
            log: .init(
                configuration: kafka, group: "fuldmagt-\(cluster)",
                producerLife: lives.next, pause: surroundings.pause),
            surroundings: surroundings, health: health, keepsCopies: keepsCopies, logger: logger,
            stopSeconds: stopSeconds)
        // Services end in the opposite order: probes are answered until the worker is done.
        var services: [ServiceGroupConfiguration.ServiceConfiguration] = []
        if let address {
            let answers = OperationsAnswers(health: health, metrics: metrics, liveSeconds: liveSeconds)
            services.append(
                .init(
                    service: OperationsListener(host: address.host, port: address.port, logger: logger) {
                        answers.answer(method: $0, path: $1)
                    }, failureTerminationBehavior: .gracefullyShutdownGroup))
        } else {
            logger.info("no probes and no metrics: FULDMAGT_HTTP is not set")
        }
        services.append(.init(service: service, successTerminationBehavior: .gracefullyShutdownGroup))
        let configuration = ServiceGroupConfiguration(
            services: services,
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        do {
            try await ServiceGroup(configuration: configuration).run()
        } catch let code as ExitCode {
            throw code
        } catch {
            throw Exit.worker(error, logger: logger)
        }
    }
}

extension WorkerCommand {
    /// Nobody else works under this name: what restores of its were cut short in is of no use to anybody.
    private static func removeLeftovers(of worker: String, in directory: String, _ logger: Logger) {
        do {
            let removed = try ShardFiles.removeLeftovers(of: worker, in: directory)
            guard !removed.isEmpty else { return }
            logger.info("what was left of restores is deleted", metadata: ["files": "\(removed)"])
        } catch {
            logger.warning("copies of shards stay where they are of no use", metadata: ["error": "\(error)"])
        }
    }
}

extension Exit {
    /// Why a worker cannot go on, as an exit code.
    static func worker(_ error: any Error, logger: Logger) -> ExitCode {
        logger.error("stopped", metadata: ["error": "\(error)"])
        switch error {
        case let error as LogFailure:
            return error.isSetting ? setting : error.consequence == .retry ? temporary : failure
        case let error as StoreError: return error.consequence == .retry ? temporary : failure
        case is ListenerFailure: return setting
        default: return failure
        }
    }
}

/// What a worker is set up with before a broker has told how many partitions there are.
struct WorkerSetup: Sendable {
    private let options: WorkerOptions

    /// - Parameter options: their number of partitions means nothing.
    init(_ options: WorkerOptions) { self.options = options }

    var worker: String { options.worker }

    func options(partitions: Int32) -> WorkerOptions {
        var options = options
        options.settings.partitions = partitions
        return options
    }
}

/// Runs a worker's loop on its own thread until the group is shut down.
struct WorkerService: Service {
    let setup: WorkerSetup
    let admin: KafkaAdmin
    let log: KafkaLog.Options
    let surroundings: Surroundings
    let health: WorkerHealth
    let keepsCopies: Bool
    let logger: Logger
    /// Longest time that stopping may take.
    let stopSeconds: Int

    func run() async throws {
        let stopFlag = StopFlag()
        let executor = PinnedExecutor(label: "fuldmagt.worker")
        try await withGracefulShutdownHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                executor.run {
                    do {
                        let log = try KafkaLog(log, executor: executor) {
                            health.reached($0)
                            surroundings.reached($0)
                        }
                        if let partitions = try partitions(until: stopFlag) {
                            try loop(on: log, partitions: partitions, stopFlag).run()
                        }
                        continuation.resume()
                    } catch {
                        continuation.resume(throwing: error)
                    }
                }
            }
        } onGracefulShutdown: {
            health.stopping()
            stopFlag.set()
            let logger = logger
            DispatchQueue.global().asyncAfter(deadline: .now() + .seconds(stopSeconds)) {
                // Nothing is lost: what is stored is published by the shard's next owner.
                logger.error("the broker or the disk did not answer in time; stopping without them")
                Foundation.exit(75)
            }
        }
    }

    private func loop(on log: KafkaLog, partitions: Int32, _ stopFlag: StopFlag) -> WorkerLoop {
        let options = setup.options(partitions: partitions)
        let standby =
            keepsCopies
            ? Standby(
                options: options, source: KafkaChangelog(self.log.configuration, timeoutMilliseconds: 5_000),
                surroundings: surroundings, health: health, logger: logger) : nil
        return WorkerLoop(
            options: options, log: log, surroundings: surroundings, logger: logger, stopFlag: stopFlag, health: health,
            standby: standby)
    }

    /// How many partitions the topics have. A broker that is away is waited for, alive and unready: whoever starts a worker
    /// again and again gives it up some time, and power may come back before the brokers do.
    /// - Returns: nil where the worker was asked to stop meanwhile.
    private func partitions(until stopFlag: StopFlag) throws -> Int32? {
        while !stopFlag.isSet {
            let counts: [String: Int32]
            do {
                counts = try admin.partitionCounts(timeoutMilliseconds: 5_000)
            } catch {
                guard error.consequence == .retriable || error.consequence == .abortable else {
                    return try Connection.trying { () throws(KafkaFailure) in throw error }
                }
                health.failed(.log)
                logger.warning(
                    "no broker answers, trying again; FULDMAGT_KAFKA_BOOTSTRAP_SERVERS names it",
                    metadata: ["error": "\(error)"])
                surroundings.pause(1_000)
                continue
            }
            health.recovered(.log)
            return try TopicCheck.partitions(counts)
        }
        return nil
    }
}

/// What tests may change about a worker's surroundings; nothing outside test mode.
enum TestHooks {
    static func surroundings(_ environment: Environment) throws -> Surroundings {
        var surroundings = Host.surroundings
        guard try environment.isTestMode else { return surroundings }
        if let path = environment.text("test.clock") {
            let clock = TestClock(path: path)
            surroundings.offsetSeconds = { clock.seconds }
        }
        // FULDMAGT_TEST_KILL=after-store-commit:3 kills the process when it reaches that point the third time.
        if let text = environment.text("test.kill") {
            let parts = text.split(separator: ":")
            guard let point = Milestone(rawValue: String(parts[0])), let count = Int(parts.count > 1 ? parts[1] : "1")
            else {
                throw Exit.saying(
                    "FULDMAGT_TEST_KILL is “\(text)”; allowed is one of \(Milestone.allCases.map(\.rawValue).joined(separator: ", ")), a colon and a number",
                    Exit.setting)
            }
            surroundings.reached = KillPoint(point: point, count: count).reached
        }
        return surroundings
    }
}

/// Kills the process when a point is reached for the nth time.
final class KillPoint: Sendable {
    private let point: Milestone
    private let count: Int
    private let seen = Atomic(0)

    init(point: Milestone, count: Int) {
        self.point = point
        self.count = count
    }

    @Sendable func reached(_ milestone: Milestone) {
        guard milestone == point else { return }
        if seen.add(1, ordering: .relaxed).newValue == count { kill(getpid(), SIGKILL) }
    }
}

/// Seconds that a test adds to every timestamp, from a file that is read again each second.
final class TestClock: Sendable {
    private let path: String
    private let state = Mutex<(readAt: UInt64, seconds: Int64)>((0, 0))

    init(path: String) { self.path = path }

    var seconds: Int64 {
        state.withLock { state in
            let now = Host.nanoseconds()
            guard state.readAt == 0 || now - state.readAt > 1_000_000_000 else { return state.seconds }
            state.readAt = max(now, 1)
            // A file that is being rewritten has no number for a moment: the last one stands.
            if let data = FileManager.default.contents(atPath: path),
                let seconds = Int64(
                    String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines))
            {
                state.seconds = seconds
            }
            return state.seconds
        }
    }
}
