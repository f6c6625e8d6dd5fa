import Foundation
import FuldmagtDomain
import FuldmagtJSON
import FuldmagtKafka
import FuldmagtOperations
import FuldmagtRecord
import FuldmagtTestKit
import FuldmagtWorker
import Logging
import Synchronization

extension Topic {
    /// How the bench sets a topic up: as `topics create` does, but a partition of a topic that grows with the load keeps no
    /// more than so many MiB. A broker that holds its topics in memory, or that writes all of them out every few seconds,
    /// would otherwise be measured by how long the bench has run.
    fileprivate func benchSettings(keptMebibytes: Int) -> [String: String] {
        var settings = creationSettings
        guard self != .catalogue, keptMebibytes > 0 else { return settings }
        settings["cleanup.policy"] = "delete"
        settings["retention.bytes"] = String(keptMebibytes << 20)
        settings["segment.bytes"] = String(max(1 << 20, keptMebibytes << 18))
        return settings
    }
}

/// All of it, on a real broker.
struct KafkaBench {
    let load: BenchLoad
    let options: WorkerOptions
    let configuration: KafkaConfiguration
    /// What a partition keeps, in MiB, 0 for everything.
    let keptMebibytes: Int
    /// Records that may wait in the broker: with a broker that answers with its whole backlog this bounds the memory. They
    /// have 400 to 500 bytes, and take at most half of what their partitions keep, so that none is deleted unread.
    private var backlog: Int {
        let most = 20_000
        return keptMebibytes == 0 ? most : min(most, (keptMebibytes * Int(options.settings.partitions)) << 10)
    }

    private func prepare() throws -> KafkaProducer {
        try Connection.trying { () throws(KafkaFailure) in
            let admin = try KafkaAdmin(KafkaLog.properties(configuration, for: .admin))
            let topics = Topic.allCases.map { topic in
                KafkaAdmin.NewTopic(
                    name: topic.name, partitions: topic == .catalogue ? 1 : options.settings.partitions,
                    replicationFactor: -1, configuration: topic.benchSettings(keptMebibytes: keptMebibytes))
            }
            for (name, creation) in try admin.create(topics, timeoutMilliseconds: 30_000) {
                switch creation {
                case .created: break
                case .existed:
                    throw KafkaFailure(
                        code: 0, consequence: .configuration,
                        text: "\(name) exists; the bench wants a broker without our topics")
                case .refused(let failure): throw failure
                }
            }
            return try KafkaProducer(KafkaLog.properties(configuration, for: .producer), topics: Topic.names)
        }
    }

    /// A worker on its own thread; the counts it reports are read by the loader.
    private final class Worker: Sendable {
        let stopFlag = StopFlag()
        let done = DispatchSemaphore(value: 0)
        let result = Mutex<(times: PhaseTimes, failure: String?)>((PhaseTimes(), nil))
        let committed = Atomic<Int>(0)
    }

    private func start() -> Worker {
        let worker = Worker()
        let executor = PinnedExecutor(label: "bench")
        let (options, configuration) = (options, configuration)
        executor.run {
            do {
                let log = try KafkaLog(
                    .init(
                        configuration: configuration, group: "bench",
                        producerLife: { [worker = options.worker] in .init(current: worker) },
                        pause: Host.surroundings.pause),
                    executor: executor)
                let loop = WorkerLoop(
                    options: options,
                    log: CountingLog(log, committed: { worker.committed.add($0, ordering: .relaxed) }),
                    surroundings: Host.surroundings, logger: Logger(label: "bench"), stopFlag: worker.stopFlag)
                try loop.run()
                worker.result.withLock { $0.times = loop.allTimes }
            } catch {
                worker.result.withLock { $0.failure = "\(error)" }
            }
            worker.done.signal()
        }
        return worker
    }

    /// Waits until so many records are committed.
    private func wait(_ worker: Worker, for count: Int) throws {
        while worker.committed.load(ordering: .relaxed) < count {
            if let failure = worker.result.withLock({ $0.failure }) { throw Exit.saying(failure, Exit.failure) }
            usleep(500)
        }
    }

    private func preload(_ worker: Worker, _ producer: KafkaProducer) throws -> Int {
        try producer.produce(load.catalogue(at: Host.now()))
        try producer.flush(timeoutMilliseconds: 60_000)
        var sent = 0
        let step = backlog / 4
        for start in stride(from: 0, to: load.citizens, by: step) {
            let moves = start..<min(start + step, load.citizens)
            try producer.produce(load.moves(moves))
            sent += moves.count
            producer.poll()
            try wait(worker, for: sent - backlog)
        }
        try producer.flush(timeoutMilliseconds: 60_000)
        try wait(worker, for: sent)
        return sent
    }

    func throughput() throws {
        let producer = try prepare()
        let worker = start()
        let moves = try preload(worker, producer)
        StandardError.write("\(moves) moves are in; measuring\n")
        let cpu = Usage().cpuSeconds
        let started = Host.nanoseconds()
        var sent = 0
        var (decided, accepted) = (0, 0)
        let step = backlog / 10
        for start in stride(from: 0, to: load.commands, by: step) {
            let range = start..<min(start + step, load.commands)
            try producer.produce(load.issues(range))
            sent += range.count
            producer.poll()
            // What commands bring into the inbox is committed too, and must not be taken for commands.
            let due = max(decided, sent - backlog)
            accepted += load.accepted(decided..<due)
            decided = due
            try wait(worker, for: moves + decided + accepted)
        }
        try producer.flush(timeoutMilliseconds: 60_000)
        // Every accepted command comes back once as an inbox record.
        let wanted = moves + sent + load.accepted(0..<sent)
        try wait(worker, for: wanted)
        let seconds = Double(Host.nanoseconds() - started) / 1e9
        let cpuSeconds = Usage().cpuSeconds - cpu
        worker.stopFlag.set()
        worker.done.wait()
        BenchReport.show(
            name: "kafka", commands: load.commands, seconds: seconds, cpuSeconds: cpuSeconds,
            times: worker.result.withLock { $0.times })
        Output.line("records committed \(wanted - moves) (commands and inbox)")
    }

    func latency(rate: Int, seconds: Int) throws {
        let producer = try prepare()
        let worker = start()
        _ = try preload(worker, producer)
        try measureLatency(producer, reader: try outcomes(from: .beginning), rate: rate, seconds: seconds) {
            worker.result.withLock { $0.failure }
        }
        worker.stopFlag.set()
        worker.done.wait()
    }

    /// The same beside workers that run already, and whatever else they do. The topics must be there, and hold no command
    /// of the bench.
    func latencyBesideWorkers(rate: Int, seconds: Int) throws {
        let (producer, reader) = try Connection.trying { () throws(KafkaFailure) in
            (
                try KafkaProducer(KafkaLog.properties(configuration, for: .producer), topics: Topic.names),
                try outcomes(from: .end)
            )
        }
        // What is sent before the end is known is not seen.
        var batches: [Int32: RecordBatch] = [:]
        let partitions = (0..<options.settings.partitions).map {
            TopicPartition(topic: Topic.outcomes.name, partition: $0)
        }
        while !partitions.allSatisfy({ reader.isAtEnd(of: $0) }) {
            try reader.poll(maximumRecords: 1000, timeoutMilliseconds: 100, into: &batches)
        }
        try producer.produce(load.catalogue(at: Host.now()))
        for start in stride(from: 0, to: load.citizens, by: 1_000) {
            try producer.produce(load.moves(start..<min(start + 1_000, load.citizens)))
        }
        try producer.flush(timeoutMilliseconds: 60_000)
        var settled = 0
        while settled < load.citizens {
            for partition in batches.keys {
                settled += batches[partition]?.withRecords { $0.count { Self.id(of: $0).hasPrefix("relocate-") } } ?? 0
                batches[partition]?.removeAll()
            }
            try reader.poll(maximumRecords: 1000, timeoutMilliseconds: 100, into: &batches)
        }
        StandardError.write("\(load.citizens) citizens are in; measuring\n")
        try measureLatency(producer, reader: reader, rate: rate, seconds: seconds) { nil }
    }

    private func outcomes(from start: RecordReader.Start) throws(KafkaFailure) -> RecordReader {
        let reader = try RecordReader(KafkaLog.properties(configuration, for: .reader), topics: Topic.names)
        try reader.assign(
            Dictionary(
                uniqueKeysWithValues: (0..<options.settings.partitions).map {
                    (TopicPartition(topic: Topic.outcomes.name, partition: $0), start)
                }))
        return reader
    }

    private static func id(of outcome: RecordView) -> String {
        outcome.key.map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    /// At the rate that is measured, before anything is: a broker that has just taken all citizens in at once is still
    /// busy with them for some seconds.
    private static let warmUpSeconds = 10

    /// From produce to a committed reader's outcome.
    /// - Parameter failure: what ended the worker, if anything did.
    private func measureLatency(
        _ producer: KafkaProducer, reader: RecordReader, rate: Int, seconds: Int, failure: () -> String?
    ) throws {
        let sentAt = Mutex<[String: UInt64]>([:])
        let total = rate * seconds
        let warmUp = rate * Self.warmUpSeconds
        Thread.detachNewThread {
            let started = Host.nanoseconds()
            do {
                for number in 0..<(total + warmUp) {
                    let due = started + UInt64(number) * 1_000_000_000 / UInt64(rate)
                    let now = Host.nanoseconds()
                    if due > now + 200_000 { usleep(UInt32((due - now) / 1000)) }
                    sentAt.withLock { $0[load.id(of: number)] = Host.nanoseconds() }
                    try producer.produce(load.issues(number..<number + 1))
                    producer.poll()
                }
                try producer.flush(timeoutMilliseconds: 30_000)
            } catch {
                StandardError.write("the load stopped: \(error)\n")
            }
        }
        var latencies: [Double] = []
        /// By ten seconds of the measurement.
        var windows: [Int: [Double]] = [:]
        var batches: [Int32: RecordBatch] = [:]
        let wanted = load.distinct(total + warmUp)
        let deadline = Host.nanoseconds() + UInt64(seconds + 60) * 1_000_000_000
        var seen = 0
        while seen < wanted, Host.nanoseconds() < deadline {
            try reader.poll(maximumRecords: 1000, timeoutMilliseconds: 10, into: &batches)
            if let failure = failure() { throw Exit.saying(failure, Exit.failure) }
            let now = Host.nanoseconds()
            for partition in batches.keys {
                batches[partition]?.withRecords { records in
                    for record in records {
                        let id = Self.id(of: record)
                        guard let sent = sentAt.withLock({ $0.removeValue(forKey: id) }) else { continue }
                        seen += 1
                        if let number = id.split(separator: "-").last.flatMap({ Int($0) }), number >= warmUp {
                            let milliseconds = Double(now - sent) / 1e6
                            latencies.append(milliseconds)
                            windows[(number - warmUp) / (rate * 10), default: []].append(milliseconds)
                        }
                    }
                }
                batches[partition]?.removeAll()
            }
        }
        guard seen == wanted else {
            throw Exit.saying("\(wanted - seen) of \(wanted) outcomes have not come within a minute", Exit.failure)
        }
        latencies.sort()
        func percentile(_ share: Double) -> String { Self.percentile(share, of: latencies) }
        let late = windows.sorted { $0.key < $1.key }.map { Self.percentile(0.99, of: $0.value.sorted()) }
        Output.line(
            """
            commands a second \(rate)
            outcomes measured \(latencies.count) (those of the first \(Self.warmUpSeconds) seconds are left out)
            p50               \(percentile(0.5))
            p99               \(percentile(0.99))
            p99 of each 10 s  \(late.joined(separator: ", "))
            longest           \(percentile(1))
            peak memory       \(Usage().peakMiB) MiB
            """)
    }

    /// - Parameter sorted: milliseconds, in order.
    private static func percentile(_ share: Double, of sorted: [Double]) -> String {
        sorted.isEmpty
            ? "none" : String(format: "%.0f ms", sorted[min(Int(Double(sorted.count) * share), sorted.count - 1)])
    }
}

/// Counts the records whose offsets are committed. Commands are counted by their offsets; in the inbox markers of
/// transactions have offsets too, so its records are counted as they come.
final class CountingLog: RecordLog, @unchecked Sendable {
    private let log: any RecordLog
    private let committed: @Sendable (Int) -> Void
    private struct Inbox {
        var fetched = 0
        /// The offset after the last record fetched.
        var end: Int64 = 0
        var counted = 0
    }
    private struct State {
        var positions: [Int32: [Topic: Int64]] = [:]
        var inbox: [Int32: Inbox] = [:]
    }
    /// The worker polls on one thread and publishes on another.
    private let state = Mutex(State())

    init(_ log: any RecordLog, committed: @escaping @Sendable (Int) -> Void) {
        self.log = log
        self.committed = committed
    }

    func join(_ listener: any AssignmentListener) throws(LogFailure) { try log.join(listener) }

    func poll(_ limits: PollLimits, into batches: inout [Int32: RecordBatch]) throws(LogFailure) {
        try log.poll(limits, into: &batches)
        for (shard, batch) in batches {
            batch.withRecords { records in
                for record in records where record.topic == Topic.inbox.rawValue {
                    state.withLock {
                        $0.inbox[shard, default: Inbox()].fetched += 1
                        $0.inbox[shard, default: Inbox()].end = record.offset + 1
                    }
                }
            }
        }
    }

    func committed(shard: Int32) throws(LogFailure) -> Committed { try log.committed(shard: shard) }

    func readChangelog(
        shard: Int32, from position: Int64, into batch: inout RecordBatch, limit: Int
    ) throws(LogFailure) -> ChangelogProgress {
        try log.readChangelog(shard: shard, from: position, into: &batch, limit: limit)
    }

    func publish(_ transaction: LogTransaction) throws(LogFailure) {
        try log.publish(transaction)
        var count = 0
        state.withLock { state in
            for (shard, offsets) in transaction.offsets {
                for (topic, position) in offsets where topic != .catalogue {
                    if topic == .inbox {
                        // What was fetched meanwhile is counted with the next transaction.
                        guard var inbox = state.inbox[shard], position >= inbox.end else { continue }
                        count += inbox.fetched - inbox.counted
                        inbox.counted = inbox.fetched
                        state.inbox[shard] = inbox
                    } else {
                        count += Int(position - (state.positions[shard]?[topic] ?? 0))
                        state.positions[shard, default: [:]][topic] = position
                    }
                }
            }
        }
        committed(count)
    }

    func readCatalogue(into batch: inout RecordBatch, limit: Int) throws(LogFailure) -> Bool {
        try log.readCatalogue(into: &batch, limit: limit)
    }
    func rewindCatalogue() throws(LogFailure) { try log.rewindCatalogue() }
    func remaining(shard: Int32, from positions: [Topic: Int64]) -> [Topic: Int64] {
        log.remaining(shard: shard, from: positions)
    }
    func leave() throws(LogFailure) { try log.leave() }
}
