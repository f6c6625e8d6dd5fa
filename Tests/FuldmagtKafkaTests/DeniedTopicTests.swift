import CRdKafka
import Dispatch
import Foundation
import FuldmagtDomain
import FuldmagtKafka
import FuldmagtRecord
import FuldmagtWorker
import Synchronization
import Testing

/// A worker's log whose broker refuses what it writes: repeated, it would be refused again.
@Suite struct DeniedTopicTests {
    private final class Member: AssignmentListener {
        var shards: Set<Int32> = []

        func assigned(_ shards: [Int32]) -> [Int32: [Topic: Int64]] {
            self.shards.formUnion(shards)
            return [:]
        }
        func revoked(_ shards: [Int32]) { self.shards.subtract(shards) }
        func lost(_ shards: [Int32]) { self.shards.subtract(shards) }
    }

    private struct Unchecked<Value>: @unchecked Sendable { let value: Value }

    /// Publishes some records of a topic that a right is missing for.
    private func refusal(records: Int, _ code: rd_kafka_resp_err_t) throws -> LogFailure? {
        let cluster = try MockCluster(topics: Dictionary(uniqueKeysWithValues: Topic.names.map { ($0, 1) }))
        let executor = PinnedExecutor(label: "denied")
        let options = KafkaLog.Options(
            configuration: cluster.configuration, group: "g", producerLife: { .init(current: "w") },
            timeoutMilliseconds: 20_000, pause: { _ in })
        let member = Unchecked(value: Member())
        let log = try executor.sync { try KafkaLog(options, executor: executor) }
        try executor.sync {
            try log.join(member.value)
            let deadline = Date().addingTimeInterval(60)
            while member.value.shards.isEmpty, Date() < deadline {
                var batches: [Int32: RecordBatch] = [:]
                try log.poll(PollLimits(records: 1, bytes: 1, timeoutMilliseconds: 50), into: &batches)
            }
            _ = try log.committed(shard: 0)
        }
        #expect(member.value.shards == [0])
        cluster.fail(.addPartitions, [code])
        var transaction = LogTransaction()
        transaction.frames = [
            frame((0..<records).map { ("k", "\($0)") }, topic: Topic.tasks.rawValue, partition: 0)
        ]
        transaction.offsets = [0: [.inbox: 1]]
        var failure: LogFailure?
        do throws(LogFailure) { try log.publish(transaction) } catch { failure = error }
        try executor.sync { try log.leave() }
        return failure
    }

    @Test(
        "a topic that may not be written is a wrong setting, however much is written to it",
        arguments: [1, 100_000])
    func denied(records: Int) throws {
        let failure = try #require(try refusal(records: records, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED))
        #expect(failure.consequence == .fatal && failure.isSetting, "\(failure)")
        #expect(failure.text.contains("Topic authorization failed"), "\(failure)")
    }

    @Test("a broker that does not know a topic for a moment is asked again: that says nothing about a setting")
    func unknownForAMoment() throws {
        let cluster = try MockCluster(topics: Dictionary(uniqueKeysWithValues: Topic.names.map { ($0, 1) }))
        let executor = PinnedExecutor(label: "unknown")
        let options = KafkaLog.Options(
            configuration: cluster.configuration.setting(["topic.metadata.refresh.interval.ms": "50"]), group: "g",
            producerLife: { .init(current: "w") }, timeoutMilliseconds: 20_000, pause: { _ in })
        let member = Unchecked(value: Member())
        let log = try executor.sync { try KafkaLog(options, executor: executor) }
        let failure = try executor.sync { () throws -> LogFailure? in
            func poll(until isOver: () -> Bool) throws(LogFailure) {
                let deadline = Date().addingTimeInterval(60)
                while !isOver(), Date() < deadline {
                    var batches: [Int32: RecordBatch] = [:]
                    try log.poll(PollLimits(records: 1, bytes: 1, timeoutMilliseconds: 50), into: &batches)
                }
            }
            try log.join(member.value)
            try poll { !member.value.shards.isEmpty }
            cluster.fail(topic: Topic.moveCommands.name, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
            var failure: LogFailure?
            do throws(LogFailure) { try poll { false } } catch { failure = error }
            cluster.fail(topic: Topic.moveCommands.name, nil)
            // Whatever is still told of it, all is well again once the broker knows it.
            let deadline = Date().addingTimeInterval(60)
            while Date() < deadline {
                do throws(LogFailure) {
                    try poll { !member.value.shards.isEmpty }
                    break
                } catch { #expect(error.consequence == .retry) }
            }
            #expect(member.value.shards == [0])
            // Nor does it hold its worker up when that ends.
            try log.leave()
            return failure
        }
        #expect(failure?.consequence == .retry && failure?.isSetting == false, "\(String(describing: failure))")
    }
}
