import FuldmagtDomain
import Testing

@testable import FuldmagtWorker

/// What a worker's consumer may hold that was fetched and not taken yet.
@Suite struct QueueBoundTests {
    @Test("a worker that is left alone with all shards holds a quarter of a gigabyte, and each partition has some")
    func bounded() {
        for partitions: Int32 in [1, 4, 12, 64, 200] {
            let each = KafkaLog.queueKilobytes(partitions: partitions)
            #expect((64...4096).contains(each))
            #expect(each * Int(partitions) * Topic.consumed.count <= 256 * 1024)
        }
        #expect(KafkaLog.queueKilobytes(partitions: 12) == 4096)
        #expect(KafkaLog.queueKilobytes(partitions: 1000) == 64)
    }
}
