import Dispatch
import Foundation
import FuldmagtDomain
import FuldmagtKafka
import FuldmagtRecord
import FuldmagtTestBroker
import FuldmagtWorker
import Synchronization
import Testing

/// Who owns a shard is written beside its offsets. The local broker lets a member that lost its shards publish, and does not
/// wait for open transactions before it tells what is committed: only these names keep a frame from coming out twice.
@Suite(.serialized) struct OwningTests {
    /// A worker's log, and a point before its next commit at which it can be held.
    private final class Member: AssignmentListener, @unchecked Sendable {
        private let executor: PinnedExecutor
        private let gate: Gate
        private let log: KafkaLog
        let name: String
        private var shards: Set<Int32> = []

        final class Gate: @unchecked Sendable {
            let isClosed = Mutex(false)
            let isReached = DispatchSemaphore(value: 0)
            let opened = DispatchSemaphore(value: 0)
            /// To be stopped once the next records are produced; set and read by the thread that publishes.
            var broken: BrokerProcess?
        }

        init(_ name: String, _ broker: BrokerProcess, timeoutMilliseconds: Int32 = 30_000) throws {
            self.name = name
            let executor = PinnedExecutor(label: name)
            let gate = Gate()
            let lives = Atomic(0)
            let number = { @Sendable in lives.add(1, ordering: .relaxed).newValue }
            let options = KafkaLog.Options(
                configuration: KafkaConfiguration(["bootstrap.servers": broker.address, "group.instance.id": name]),
                group: "g", producerLife: { .init(current: "\(name)-\(number())", worker: "\(name)-") },
                timeoutMilliseconds: timeoutMilliseconds, pause: { _ in })
            log = try executor.sync {
                try KafkaLog(options, executor: executor) { milestone in
                    if milestone == .afterProduce {
                        gate.broken?.pause()
                        gate.broken = nil
                    }
                    guard milestone == .beforeLogCommit, gate.isClosed.withLock({ $0 }) else { return }
                    gate.isReached.signal()
                    gate.opened.wait()
                }
            }
            self.executor = executor
            self.gate = gate
        }

        /// Joins, and waits until each of the members has shards: a broker answers nothing else to one that is joining.
        /// - Parameter meanwhile: what happens before it has any.
        func join(beside others: Member..., meanwhile: () throws -> Void = {}) throws {
            try executor.sync { try log.join(self) }
            try meanwhile()
            let deadline = Date().addingTimeInterval(60)
            while ([self] + others).contains(where: { $0.shards.isEmpty }), Date() < deadline {
                for member in [self] + others { try member.poll() }
            }
            try #require(([self] + others).reduce(0) { $0 + $1.shards.count } == 2)
        }

        private func poll() throws {
            var batches: [Int32: RecordBatch] = [:]
            try executor.sync {
                try log.poll(PollLimits(records: 1, bytes: 1, timeoutMilliseconds: 50), into: &batches)
            }
        }

        func leave() throws { try executor.sync { try log.leave() } }

        deinit {
            do { try leave() } catch { Issue.record(error) }
        }

        func committed(_ shard: Int32) throws -> Committed { try executor.sync { try log.committed(shard: shard) } }
        func claim(_ shards: Int32...) throws { try executor.sync { try log.claim(shards: shards) } }
        func release(_ shards: Int32...) throws { try executor.sync { try log.release(shards: shards) } }

        /// Publishes a record that says so, and that a shard's inbox is read to there.
        func publish(_ text: String, shard: Int32 = 0, through offset: Int64) throws {
            var writer = FrameWriter()
            writer.append(
                topic: Topic.outcomes.rawValue, partition: 0, timestamp: nil, key: nil, headers: { _ in },
                value: {
                    $0.append(text)
                    return true
                })
            var transaction = LogTransaction()
            transaction.frames = [writer.take()]
            transaction.offsets = [shard: [.inbox: offset]]
            transaction.marks = [shard: FrameMark(lineage: name, frame: offset)]
            try log.publish(transaction)
        }

        /// Stops the broker amid the next transaction.
        func breakOnce(_ broker: BrokerProcess) { gate.broken = broker }

        /// Begins to publish on a thread of its own, and waits until only the commit is left.
        func publishUpToCommit(_ text: String, through offset: Int64) throws -> Held {
            gate.isClosed.withLock { $0 = true }
            let held = Held(gate)
            DispatchQueue(label: "fuldmagt.test.publish").async {
                do { try self.publish(text, through: offset) } catch { held.failure.withLock { $0 = error } }
                held.ended.signal()
            }
            try #require(gate.isReached.wait(timeout: .now() + 60) == .success)
            gate.isClosed.withLock { $0 = false }
            return held
        }

        final class Held: Sendable {
            let gate: Gate
            let ended = DispatchSemaphore(value: 0)
            let failure = Mutex<(any Error)?>(nil)

            init(_ gate: Gate) { self.gate = gate }

            /// Lets the commit go on.
            /// - Returns: what it failed with.
            func goOn() throws -> LogFailure? {
                gate.opened.signal()
                try #require(ended.wait(timeout: .now() + 60) == .success)
                return failure.withLock { $0 as? LogFailure }
            }
        }

        func assigned(_ shards: [Int32]) -> [Int32: [Topic: Int64]] {
            self.shards.formUnion(shards)
            return [:]
        }
        func revoked(_ shards: [Int32]) { self.shards.subtract(shards) }
        func lost(_ shards: [Int32]) { self.shards.subtract(shards) }
    }

    private func broker() throws -> BrokerProcess {
        let broker = try BrokerProcess()
        let admin = try KafkaAdmin(KafkaConfiguration(["bootstrap.servers": broker.address]))
        _ = try admin.create(
            Topic.allCases.map { .init(name: $0.name, partitions: 2, replicationFactor: 1, configuration: [:]) },
            timeoutMilliseconds: 30_000)
        return broker
    }

    /// One member owns everything and has published once for shard 0; the other has not joined.
    /// - Parameter meanwhile: what happens to the broker between its joining and its first shard.
    private func scene(
        meanwhile: (BrokerProcess) throws -> Void = { _ in }
    ) throws -> (broker: BrokerProcess, one: Member, other: Member) {
        let broker = try broker()
        let (one, other) = (try Member("one", broker), try Member("other", broker))
        try one.join { try meanwhile(broker) }
        _ = try one.committed(0)
        try one.publish("one-1", through: 1)
        return (broker, one, other)
    }

    private static let outcomes = TopicPartition(topic: Topic.outcomes.name, partition: 0)

    private func reader(_ broker: BrokerProcess) throws -> RecordReader {
        let reader = try RecordReader(KafkaConfiguration(["bootstrap.servers": broker.address]), topics: Topic.names)
        try reader.assign([Self.outcomes: .beginning])
        return reader
    }

    /// What readers of committed records see, in order.
    private func published(_ broker: BrokerProcess) throws -> [String] { try read(try reader(broker)) }

    /// What a reader sees that it has not seen.
    private func read(_ reader: RecordReader) throws -> [String] {
        let end = try reader.watermarks(Self.outcomes, timeoutMilliseconds: 30_000).upperBound
        var batches: [Int32: RecordBatch] = [:]
        let deadline = Date().addingTimeInterval(180)
        while reader.position(of: Self.outcomes) ?? 0 < end, Date() < deadline {
            try reader.poll(maximumRecords: 100, timeoutMilliseconds: 100, into: &batches)
        }
        return batches[0]?.withRecords { records in
            records.map { $0.value.map { String(decoding: $0, as: UTF8.self) } ?? "" }
        } ?? []
    }

    /// One is about to commit when the other takes its shard over: it cannot any more, and the other goes on from before.
    private func overtake(_ one: Member, by other: Member, on broker: BrokerProcess) throws {
        let held = try one.publishUpToCommit("one-2", through: 2)
        try other.join(beside: one)
        let found = try other.committed(0)
        #expect(found.offsets[.inbox] == 1 && found.mark == FrameMark(lineage: "one", frame: 1))
        try other.claim(0)
        #expect(try held.goOn()?.consequence == .fenced)
        try other.publish("other-2", through: 2)
        #expect(try published(broker) == ["one-1", "other-2"])
        for member in [one, other] { try member.leave() }
        try broker.stop()
    }

    @Test(
        "a transaction that its worker has yet to commit is not committed any more once another has taken its shard over"
    )
    func undecided() throws {
        let (broker, one, other) = try scene()
        try overtake(one, by: other, on: broker)
    }

    @Test("the same of one whose broker was started anew between its joining and its first shard")
    func startedAnew() throws {
        let (broker, one, other) = try scene { try $0.restart() }
        try overtake(one, by: other, on: broker)
    }

    @Test("what had to be aborted is done again by a new producer, and whoever reads on sees it")
    func aborted() throws {
        let broker = try broker()
        let one = try Member("one", broker, timeoutMilliseconds: 5_000)
        try one.join()
        _ = try one.committed(0)
        try one.publish("one-1", through: 1)
        let follower = try reader(broker)
        #expect(try read(follower) == ["one-1"])
        one.breakOnce(broker)
        #expect(throws: LogFailure.self) { try one.publish("one-2", through: 2) }
        broker.resume()
        // Whatever it takes until the transaction is aborted, it is not done again by the same producer.
        var failures: [LogFailure.Consequence] = []
        while failures.last != .fenced, failures.count < 100 {
            do {
                try one.publish("one-2", through: 2)
                break
            } catch let failure as LogFailure {
                failures.append(failure.consequence)
            }
        }
        #expect(failures.last == .fenced)
        #expect(try one.committed(0).offsets[.inbox] == 1)
        try one.claim(0)
        try one.publish("one-2", through: 2)
        try one.publish("one-3", through: 3)
        #expect(try read(follower) == ["one-2", "one-3"])
        #expect(try published(broker) == ["one-1", "one-2", "one-3"])
        try one.leave()
        try broker.stop()
    }

    @Test("the same before its first frame: it has claimed the shard")
    func undecidedFirst() throws {
        let (broker, one, other) = try scene()
        try one.release(0)
        #expect(try one.committed(0).offsets[.inbox] == 1)
        try one.claim(0)
        let held = try one.publishUpToCommit("one-2", through: 2)
        try other.join(beside: one)
        #expect(try other.committed(0).mark == FrameMark(lineage: "one", frame: 1))
        #expect(try held.goOn()?.consequence == .fenced)
        try other.claim(0)
        try other.publish("other-2", through: 2)
        #expect(try published(broker) == ["one-1", "other-2"])
        for member in [one, other] { try member.leave() }
        try broker.stop()
    }

    @Test("whoever gave a shard up in order is not fenced off, and goes on with its others")
    func inOrder() throws {
        let broker = try broker()
        let (one, other) = (try Member("one", broker), try Member("other", broker))
        try one.join()
        _ = try (one.committed(0), one.committed(1))
        try one.publish("one-1", through: 1)
        try one.publish("one-1 of 1", shard: 1, through: 1)
        try one.release(0)
        try other.join(beside: one)
        // Its others were assigned to it anew.
        _ = try one.committed(1)
        try one.claim(1)
        #expect(try other.committed(0).mark == FrameMark(lineage: "one", frame: 1))
        try other.claim(0)
        try other.publish("other-2", through: 2)
        try one.publish("one-2 of 1", shard: 1, through: 2)
        #expect(try published(broker) == ["one-1", "one-1 of 1", "other-2", "one-2 of 1"])
        for member in [one, other] { try member.leave() }
        try broker.stop()
    }

    @Test("of two that take a shard over at once, the one that claims it later finds the other's claim, and lets go")
    func atOnce() throws {
        let (broker, one, other) = try scene()
        try one.release(0)
        try other.join(beside: one)
        _ = try (one.committed(0), other.committed(0))
        try other.claim(0)
        let failure = #expect(throws: LogFailure.self) { try one.claim(0) }
        #expect(failure?.consequence == .fenced)
        try other.publish("other-2", through: 2)
        #expect(try published(broker) == ["one-1", "other-2"])
        for member in [one, other] { try member.leave() }
        try broker.stop()
    }
}
