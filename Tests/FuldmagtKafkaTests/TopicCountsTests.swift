import FuldmagtKafka
import Testing

/// What a broker tells of its topics.
@Suite struct TopicCountsTests {
    @Test("partitions and their copies are told of each topic", arguments: [1, 3] as [Int32])
    func counts(copies: Int32) throws {
        // The mock has as many copies as it has brokers, whatever it is asked for.
        let cluster = try MockCluster(topics: ["commands": 4, "catalogue": 1], brokers: copies)
        let admin = try KafkaAdmin(cluster.configuration)
        #expect(try admin.partitionCounts(timeoutMilliseconds: 10_000) == ["commands": 4, "catalogue": 1])
        #expect(try admin.copies(timeoutMilliseconds: 10_000) == ["commands": copies, "catalogue": copies])
    }
}
