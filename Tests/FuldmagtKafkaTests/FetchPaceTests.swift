import FuldmagtWorker
import Testing

@testable import FuldmagtKafka

/// How often a consumer asks, and how much it holds that was fetched and not taken yet.
@Suite struct FetchPaceTests {
    @Test(
        "only a fetch that was answered at once is waited after, and not longer than the pace",
        arguments: [
            (request: Int16(1), roundTrip: Int64(0), pause: Int64(2_000)), (1, 150, 1_850), (1, 1_999, 1),
            (1, 2_000, 0), (1, 500_000, 0),
            // Where nothing came, or something else was asked.
            (1, -1, 0), (-1, -1, 0), (-1, 0, 0), (0, 100, 0), (2, 100, 0), (12, 0, 0), (26, 0, 0),
        ])
    func pause(_ row: (request: Int16, roundTrip: Int64, pause: Int64)) {
        #expect(FetchPace.pause(after: row.request, roundTrip: row.roundTrip) == row.pause)
    }

    @Test("what waits takes some 140 MiB at most, be it few large records or very many small ones")
    func bounded() throws {
        let defaults = KafkaConfiguration.consumerDefaults
        let kilobytes = try #require(Int(defaults["queued.max.messages.kbytes"] ?? ""))
        let records = try #require(Int(defaults["queued.min.messages"] ?? ""))
        // librdkafka counts values only; key, headers and what it keeps of a record beside them take some 550 bytes.
        #expect(kilobytes << 10 + records * 550 <= 140 << 20)
        // And enough for the second in which nothing is fetched once it is full.
        #expect(kilobytes >= 32 << 10)
        #expect(records >= 100_000)
    }

    @Test("a batch of our own fits into what is fetched of one partition, or it would come only where it comes first")
    func ownBatches() throws {
        let batch = try #require(Int(KafkaConfiguration.producerDefaults["batch.size"] ?? ""))
        let partition = try #require(Int(KafkaConfiguration.consumerDefaults["fetch.message.max.bytes"] ?? ""))
        #expect(batch < partition)
    }

    @Test("a larger record may be allowed than an answer holds by default, for whoever reads and writes")
    func largerRecords() throws {
        let larger = KafkaConfiguration(["bootstrap.servers": "127.0.0.1:1", "message.max.bytes": "100000000"])
        _ = try RecordReader(KafkaLog.properties(larger, for: .reader), topics: ["a"])
        _ = try KafkaProducer(KafkaLog.properties(larger, for: .producer), topics: ["a"])
        #expect(KafkaLog.properties(larger, for: .consumer).properties["message.max.bytes"] == nil)
    }
}
