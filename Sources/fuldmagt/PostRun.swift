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
        var total = PostSender<PostKafka, Transport>.Step()
        try repeating {
            let sender = try PostSender(
                log: try PostKafka(environment), transport: try transport(), ledger: ledger,
                options: .init(
                    chunk: chunk, quietSeconds: quietSeconds, source: source, worker: environment.workerID),
                now: { Host.now() }, reached: reached)
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

/// Notifications and receipts on Kafka.
final class PostKafka: PostLog {
    private let reader: RecordReader
    private let producer: KafkaProducer
    private let partitions: [TopicPartition]
    private var isAssigned = false
    private static let timeoutMilliseconds: Int32 = 30_000

    init(_ environment: Environment) throws {
        let configuration = try environment.kafka
        let admin = try KafkaAdmin(KafkaLog.properties(configuration, for: .admin))
        let name = Topic.notifications.name
        guard let count = try admin.partitionCounts(timeoutMilliseconds: Self.timeoutMilliseconds)[name], count > 0
        else {
            throw KafkaFailure(
                code: 0, consequence: .configuration, text: "\(name) does not exist; run: fuldmagt topics create")
        }
        partitions = (0..<count).map { TopicPartition(topic: name, partition: $0) }
        reader = try RecordReader(KafkaLog.properties(configuration, for: .reader), topics: Topic.names)
        producer = try KafkaProducer(KafkaLog.properties(configuration, for: .producer), topics: Topic.names)
    }

    func read(from positions: [Int32: Int64], _ body: (Int32, RecordView) throws -> Void) throws -> [Int32: Int64] {
        if !isAssigned {
            try reader.assign(
                Dictionary(
                    uniqueKeysWithValues: partitions.map { partition in
                        (partition, positions[partition.partition].map { .offset($0) } ?? .beginning)
                    }))
            isAssigned = true
        }
        var ends: [TopicPartition: Int64] = [:]
        for partition in partitions {
            let range = try reader.watermarks(partition, timeoutMilliseconds: Self.timeoutMilliseconds)
            if !range.isEmpty, range.upperBound > positions[partition.partition] ?? 0 {
                ends[partition] = range.upperBound
            }
        }
        var batches: [Int32: RecordBatch] = [:]
        var quietSince = Host.nanoseconds()
        while !ends.allSatisfy({ (reader.position(of: $0) ?? 0) >= $1 }) {
            let read = try reader.poll(maximumRecords: 2_000, timeoutMilliseconds: 100, into: &batches)
            if read > 0 { quietSince = Host.nanoseconds() }
            for partition in batches.keys.sorted() {
                try batches[partition]?.withRecords { (records) throws in
                    for record in records { try body(partition, record) }
                }
                batches[partition]?.removeAll()
            }
            // Nothing may be sent before the end is reached: there may be withdrawals.
            guard Host.nanoseconds() - quietSince < UInt64(Self.timeoutMilliseconds) * 1_000_000 else {
                throw KafkaFailure(
                    code: 0, consequence: .retriable,
                    text: "\(Topic.notifications.name) could not be read to its end; is a transaction open there?")
            }
        }
        var reached = positions
        for partition in partitions {
            if let position = reader.position(of: partition) { reached[partition.partition] = position }
        }
        return reached
    }

    func write(_ frame: Frame) throws {
        guard !frame.isEmpty else { return }
        try producer.produce(frame)
        try producer.flush(timeoutMilliseconds: 60_000)
    }
}
