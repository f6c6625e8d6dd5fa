import FuldmagtKafka
import FuldmagtRecord
import FuldmagtTestBroker
import Testing

@Suite struct FencingTests {
    private func producer(_ broker: BrokerProcess) throws -> KafkaProducer {
        let producer = try KafkaProducer(
            KafkaConfiguration(["bootstrap.servers": broker.address, "transactional.id": "same"]), topics: ["t"])
        try producer.initTransactions(timeoutMilliseconds: 30_000)
        return producer
    }

    private func publish(_ value: String, _ producer: KafkaProducer) throws {
        var writer = FrameWriter()
        writer.append(
            topic: 0, partition: 0, timestamp: nil, key: nil, headers: { _ in },
            value: {
                $0.append(value)
                return true
            })
        try producer.begin()
        try producer.produce(writer.take())
        try producer.commit(timeoutMilliseconds: 30_000)
    }

    @Test("a producer whose id another one has taken over cannot commit, and nothing of it is read")
    func takenOver() throws {
        let broker = try BrokerProcess()
        let admin = try KafkaAdmin(KafkaConfiguration(["bootstrap.servers": broker.address]))
        _ = try admin.create(
            [.init(name: "t", partitions: 1, replicationFactor: 1, configuration: [:])], timeoutMilliseconds: 30_000)
        let former = try producer(broker)
        try publish("1", former)
        let latter = try producer(broker)
        let failure = #expect(throws: KafkaFailure.self) { try publish("2", former) }
        #expect(failure?.consequence == .fenced)
        try publish("3", latter)
        let reader = try RecordReader(KafkaConfiguration(["bootstrap.servers": broker.address]), topics: ["t"])
        try reader.assign([TopicPartition(topic: "t", partition: 0): .beginning])
        var batches: [Int32: RecordBatch] = [:]
        for _ in 0..<100 where (batches[0]?.count ?? 0) < 2 {
            try reader.poll(maximumRecords: 10, timeoutMilliseconds: 100, into: &batches)
        }
        let values = batches[0]?.withRecords { records in
            records.map { $0.value.map { String(decoding: $0, as: UTF8.self) } }
        }
        #expect(values == ["1", "3"])
        try broker.stop()
    }
}
