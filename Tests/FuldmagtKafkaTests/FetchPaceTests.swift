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

    @Test("what waits is bounded by its bytes before its number, even of empty records")
    func boundedByBytes() throws {
        let defaults = KafkaConfiguration.consumerDefaults
        let kilobytes = try #require(Int(defaults["queued.max.messages.kbytes"] ?? ""))
        let records = try #require(Int(defaults["queued.min.messages"] ?? ""))
        // In a batch a record takes seven bytes at least, and is counted with its key and value only.
        #expect(records >= kilobytes * 1024 / 7)
        #expect(kilobytes <= 64 << 10)
    }

    @Test("a larger record may be allowed than an answer holds by default, for whoever reads and writes")
    func largerRecords() throws {
        let larger = KafkaConfiguration(["bootstrap.servers": "127.0.0.1:1", "message.max.bytes": "100000000"])
        _ = try RecordReader(larger, topics: ["a"])
        _ = try KafkaProducer(larger, topics: ["a"])
    }
}
