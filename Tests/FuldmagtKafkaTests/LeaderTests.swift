import FuldmagtKafka
import FuldmagtRecord
import Testing

/// Partitions whose leaders move, and are gone for a moment.
@Suite struct LeaderTests {
    private let partition = TopicPartition(topic: "commands", partition: 0)

    private func clusterAndReader() throws -> (MockCluster, RecordReader) {
        let cluster = try MockCluster(topics: ["commands": 1], brokers: 2)
        cluster.setLeader(of: "commands", to: 1)
        let reader = try RecordReader(cluster.configuration, topics: ["commands"])
        #expect(try reader.watermarks(partition, timeoutMilliseconds: 10_000) == 0..<0)
        return (cluster, reader)
    }

    /// As a worker does: again while it is told that this may help.
    private func asked(_ reader: RecordReader, _ attempts: Int) throws -> (Range<Int64>, failures: [KafkaFailure]) {
        var failures: [KafkaFailure] = []
        while true {
            do throws(KafkaFailure) {
                return (try reader.watermarks(partition, timeoutMilliseconds: 10_000), failures)
            } catch {
                failures.append(error)
                #expect(error.consequence == .retriable, "\(error)")
                guard failures.count < attempts else { throw error }
            }
        }
    }

    @Test("a new leader is asked at the next attempt, not when what was noted down of the old one has run out")
    func moved() throws {
        let (cluster, reader) = try clusterAndReader()
        cluster.setLeader(of: "commands", to: 2)
        let (marks, failures) = try asked(reader, 5)
        #expect(marks == 0..<0)
        // The old one was asked first, else this says nothing.
        #expect(!failures.isEmpty)
    }

    @Test("a partition without a leader is asked again: it is no wrong setting")
    func none() throws {
        let (cluster, reader) = try clusterAndReader()
        cluster.setLeader(of: "commands", to: nil)
        // Until the client has noticed, it asks the leader that was.
        for _ in 0..<4 { #expect(throws: KafkaFailure.self) { try asked(reader, 1) } }
        cluster.setLeader(of: "commands", to: 2)
        #expect(try asked(reader, 20).0 == 0..<0)
    }
}
