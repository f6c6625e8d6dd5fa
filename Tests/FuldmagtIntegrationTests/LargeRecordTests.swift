import Foundation
import FuldmagtDomain
import FuldmagtKafka
import FuldmagtRecord
import FuldmagtTestBroker
import FuldmagtTestKit
import Testing

/// Records as large as topics take them, and larger ones that were small on the way.
@Suite(.serialized) struct LargeRecordTests {
    /// Writes a value of zeros to partition 0 of the moves, compressed or as it is.
    private func send(_ count: Int, compressed: Bool, to cluster: KafkaCluster) throws {
        let producer = try KafkaProducer(
            KafkaConfiguration([
                "bootstrap.servers": cluster.broker.address, "message.max.bytes": "67108864",
                "compression.type": compressed ? "lz4" : "none",
            ]), topics: Topic.names)
        var frame = FrameWriter()
        frame.append(
            topic: Topic.moveCommands.rawValue, partition: 0, timestamp: nil, key: nil, headers: { _ in },
            value: {
                $0.append(contentsOf: Array(repeating: 0, count: count))
                return true
            })
        try producer.produce(frame.take())
        try producer.flush(timeoutMilliseconds: 60_000)
    }

    /// Stands behind the large ones, for the same shard.
    private static let move = ModelRecord(
        topic: .moveCommands, partition: 0, key: Array("6101500014".utf8),
        headers: [
            ("ce_specversion", Array("1.0".utf8)), ("ce_id", Array("m".utf8)),
            ("ce_type", Array("dk.fuldmagt.move.relocate.v1".utf8)),
            ("ce_source", Array("urn:dk:cvr:29189846".utf8)), ("content-type", Array("application/json".utf8)),
        ], value: Array(#"{"citizen":{"cpr":"6101500014"},"to":"0101","effective":"2020-01-01"}"#.utf8),
        timestamp: 1_772_434_800_000)

    /// The values of all committed records of a topic.
    private func values(of topic: Topic, in cluster: KafkaCluster) throws -> [[UInt8]] {
        let reader = try RecordReader(
            KafkaConfiguration(["bootstrap.servers": cluster.broker.address]), topics: Topic.names)
        let ends = try cluster.ends(of: topic)
        var values: [[UInt8]] = []
        for (number, end) in ends {
            let partition = TopicPartition(topic: topic.name, partition: number)
            try reader.assign([partition: .beginning])
            let deadline = ContinuousClock.now + .seconds(120)
            while (reader.position(of: partition) ?? 0) < end {
                try #require(ContinuousClock.now < deadline)
                var batches: [Int32: RecordBatch] = [:]
                try reader.poll(maximumRecords: 100, timeoutMilliseconds: 100, into: &batches)
                batches[number]?.withRecords { for record in $0 { values.append(record.value.map(Array.init) ?? []) } }
            }
        }
        return values
    }

    @Test("a record of 7.9 MiB, and one that unpacks to 12 MiB, are set aside whole; the shard goes on")
    func setAside() throws {
        let cluster = try KafkaCluster(partitions: 1, start: Instant(milliseconds: 1_772_434_800_000))
        let worker = try cluster.worker("w1")
        try send(8_283_750, compressed: false, to: cluster)
        try send(12 << 20, compressed: true, to: cluster)
        try cluster.send([Self.move])
        try cluster.wait(seconds: 120) {
            guard worker.isRunning else { throw KafkaCluster.Timeout(text: "the worker ended") }
            let observed = try cluster.observe()
            return observed.deadLetters.count == 2 && observed.outcomes.count == 1
        }
        // Byte by byte; which partition a dead letter stands in nobody says.
        let sizes = try values(of: .deadLetters, in: cluster).map { value in
            value.allSatisfy { $0 == 0 } ? value.count : -1
        }
        #expect(sizes.sorted() == [8_283_750, 12 << 20])
        try worker.stop()
        try cluster.stop()
    }

    @Test("a record that no topic takes stops the worker, with the settings that would let it through")
    func tooLarge() throws {
        let cluster = try KafkaCluster(partitions: 1, start: Instant(milliseconds: 1_772_434_800_000))
        let worker = try cluster.worker("w1")
        try send(24 << 20, compressed: true, to: cluster)
        try cluster.wait(seconds: 120) { !worker.isRunning }
        #expect(worker.wait() == 1)
        let log = try String(contentsOfFile: cluster.directory + "/w1.log", encoding: .utf8)
        #expect(log.contains("Raise max.message.bytes of fuldmagt.dead-letters, and FULDMAGT_KAFKA_MESSAGE_MAX_BYTES"))
        try cluster.stop()
    }
}
