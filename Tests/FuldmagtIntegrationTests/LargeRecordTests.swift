import Foundation
import FuldmagtDomain
import FuldmagtKafka
import FuldmagtRecord
import FuldmagtTestBroker
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

    @Test("a record of 7.9 MiB, and one that unpacks to 12 MiB, are set aside whole; the shard goes on")
    func setAside() throws {
        let cluster = try KafkaCluster(partitions: 1, start: Instant(milliseconds: 1_772_434_800_000))
        let worker = try cluster.worker("w1")
        try send(8_283_750, compressed: false, to: cluster)
        try send(12 << 20, compressed: true, to: cluster)
        try cluster.wait(seconds: 120) {
            guard worker.isRunning else { throw KafkaCluster.Timeout(text: "the worker ended") }
            return try cluster.observe().deadLetters.count == 2
        }
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
        #expect(log.contains("FULDMAGT_KAFKA_MESSAGE_MAX_BYTES"))
        try cluster.stop()
    }
}
