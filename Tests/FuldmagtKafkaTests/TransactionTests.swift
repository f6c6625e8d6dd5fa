import CRdKafka
import FuldmagtRecord
import Testing

@testable import FuldmagtKafka

@Suite(.serialized) struct TransactionTests {
    private static func read(_ cluster: MockCluster, _ count: Int, partitions: Int32 = 4) throws -> [Int32: [String]] {
        let reader = try RecordReader(cluster.configuration, topics: ["t"])
        try reader.assign(
            Dictionary(
                uniqueKeysWithValues: (0..<partitions).map { (TopicPartition(topic: "t", partition: $0), .beginning) }))
        var found: [Int32: [String]] = [:]
        var batches: [Int32: RecordBatch] = [:]
        var polls = 0
        while found.values.reduce(0, { $0 + $1.count }) < count, polls < 100 {
            try reader.poll(maximumRecords: 100, timeoutMilliseconds: 100, into: &batches)
            polls += 1
            for partition in batches.keys {
                batches[partition]?.withRecords { records in
                    for record in records {
                        var headers: [String] = []
                        HeaderBlock.forEach(in: record.headers) { name, value in
                            headers.append(
                                "\(String(decoding: name, as: UTF8.self))=\(value.map { String(decoding: $0, as: UTF8.self) } ?? "null")"
                            )
                        }
                        let key = record.key.map { String(decoding: $0, as: UTF8.self) } ?? "null"
                        let value = record.value.map { "“\(String(decoding: $0, as: UTF8.self))”" } ?? "null"
                        found[partition, default: []].append(
                            "\(key) \(value) \(headers.joined(separator: ",")) \(record.timestamp)")
                    }
                }
                batches[partition]?.removeAll()
            }
        }
        return found
    }

    @Test("keys, null keys, null and empty values and headers come back as they were sent, by Java's partitioner")
    func roundTrip() throws {
        let cluster = try MockCluster(topics: ["t": 4])
        let producer = try cluster.producer("p", topics: ["t"])
        try producer.begin()
        try producer.produce(frame([("6101500014", "a"), ("6202800015", nil), ("99000015", "")]))
        try producer.produce(frame([(nil, "b")], partition: 2))
        try producer.commit(timeoutMilliseconds: 10_000)
        var expected: [Int32: [String]] = [:]
        for (key, value) in [("6101500014", "“a”"), ("6202800015", "null"), ("99000015", "“”")] {
            expected[Murmur2.partition(of: key, partitions: 4), default: []].append("\(key) \(value) h=1 1700000000000")
        }
        expected[2, default: []].append("null “b” h=1 1700000000000")
        let found = try Self.read(cluster, 4)
        #expect(found.mapValues { $0.sorted() } == expected.mapValues { $0.sorted() })
        #expect(producer.delivered == (4, 0))
    }

    @Test("a partition that is read again has no position before its first record: the former one is not taken for it")
    func readAgain() throws {
        let cluster = try MockCluster(topics: ["t": 1])
        let producer = try cluster.producer("p", topics: ["t"])
        try producer.begin()
        try producer.produce(frame([("6101500014", "a"), ("6202800015", "b"), ("99000015", "c")]))
        try producer.commit(timeoutMilliseconds: 10_000)
        let partition = TopicPartition(topic: "t", partition: 0)
        let reader = try RecordReader(cluster.configuration, topics: ["t"])
        for _ in 0..<3 {
            try reader.assign([partition: .beginning])
            #expect(reader.position(of: partition) == nil)
            var batches: [Int32: RecordBatch] = [:]
            var polls = 0
            while reader.position(of: partition) ?? 0 < 3, polls < 100 {
                try reader.poll(maximumRecords: 100, timeoutMilliseconds: 100, into: &batches)
                polls += 1
            }
            #expect(batches[0]?.count == 3)
        }
    }

    @Test("a producer that is told it is fenced says so")
    func fenced() throws {
        let cluster = try MockCluster(topics: ["t": 1])
        let producer = try cluster.producer("p", topics: ["t"])
        cluster.fail(.endTransaction, [RD_KAFKA_RESP_ERR_PRODUCER_FENCED])
        try producer.begin()
        try producer.produce(frame([("k", "1")]))
        let failure = #expect(throws: KafkaFailure.self) { try producer.commit(timeoutMilliseconds: 10_000) }
        #expect(failure?.consequence == .fenced)
    }

    @Test("a producer that the broker has forgotten begins anew, as one that was fenced off does")
    func forgotten() throws {
        let cluster = try MockCluster(topics: ["t": 1])
        let producer = try cluster.producer("p", topics: ["t"])
        try producer.begin()
        try producer.produce(frame([("k", "1")]))
        try producer.commit(timeoutMilliseconds: 10_000)
        cluster.fail(.endTransaction, [RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING])
        try producer.begin()
        try producer.produce(frame([("k", "2")]))
        let failure = #expect(throws: KafkaFailure.self) { try producer.commit(timeoutMilliseconds: 10_000) }
        #expect(failure?.consequence == .fenced)
        // What comes after it is told the same, whoever asks.
        let later = #expect(throws: KafkaFailure.self) {
            try producer.begin()
            try producer.produce(frame([("k", "3")]))
        }
        #expect(later?.consequence == .fenced)
    }

    @Test("a right that is missing is a matter of settings")
    func authorization() throws {
        let cluster = try MockCluster(topics: ["t": 1])
        let producer = try cluster.producer("p", topics: ["t"])
        cluster.fail(.addPartitions, [RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED])
        try producer.begin()
        try producer.produce(frame([("k", "1")]))
        let failure = #expect(throws: KafkaFailure.self) { try producer.commit(timeoutMilliseconds: 10_000) }
        #expect([.configuration, .abortable].contains(failure?.consequence))
    }

    @Test("what a coordinator that is moving answers is repeated until it works")
    func retriable() throws {
        let cluster = try MockCluster(topics: ["t": 1])
        let producer = try cluster.producer("p", topics: ["t"])
        cluster.fail(
            .endTransaction, [RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, RD_KAFKA_RESP_ERR_NOT_COORDINATOR])
        try producer.begin()
        try producer.produce(frame([("k", "1")]))
        try producer.commit(timeoutMilliseconds: 20_000)
        #expect(try Self.read(cluster, 1, partitions: 1)[0]?.count == 1)
    }

    @Test("a record that is too large is a matter of settings, and other work goes through after the abort")
    func tooLarge() throws {
        let cluster = try MockCluster(topics: ["t": 1])
        let producer = try cluster.producer("p", topics: ["t"])
        try producer.begin()
        let failure = #expect(throws: KafkaFailure.self) {
            try producer.produce(frame([("k", String(repeating: "x", count: 20_000_000))]))
        }
        #expect(failure?.consequence == .configuration && failure?.isTooLarge == true)
        try producer.abort(timeoutMilliseconds: 10_000)
        try producer.begin()
        try producer.produce(frame([("k", "again")]))
        try producer.commit(timeoutMilliseconds: 10_000)
        #expect(try Self.read(cluster, 1, partitions: 1)[0]?.first?.contains("“again”") == true)
    }

    @Test("a broker that is not there is told by its address, as something to try again")
    func nobodyThere() throws {
        let admin = try KafkaAdmin(KafkaConfiguration(["bootstrap.servers": "127.0.0.1:1"]))
        let failure = #expect(throws: KafkaFailure.self) { try admin.partitionCounts(timeoutMilliseconds: 500) }
        #expect(failure?.consequence == .retriable)
    }
}
