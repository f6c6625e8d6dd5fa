import Foundation
import FuldmagtDomain
import FuldmagtOperations
import FuldmagtRecord
import FuldmagtTestBroker
import FuldmagtTestKit
import Testing

/// Dead letters of a real worker, listed and sent again by the real program.
@Suite(.serialized) struct DeadLetterReplayTests {
    private static let cpr = "6101500014"

    private func run(
        _ cluster: KafkaCluster, _ arguments: [String], environment: [String: String] = [:]
    ) throws -> (status: Int32, text: String) {
        let log = cluster.directory + "/\(UUID().uuidString).out"
        let process = try ChildProcess(
            KafkaCluster.program, ["dead-letters"] + arguments,
            environment: [
                "FULDMAGT_KAFKA_BOOTSTRAP_SERVERS": cluster.broker.address, "FULDMAGT_TEST_MODE": "1",
            ].merging(environment) { _, new in new }, log: log)
        let status = process.wait()
        return (status, try String(contentsOfFile: log, encoding: .utf8))
    }

    /// What a worker wrote about a record it could not read, as it writes it.
    private func letter(_ id: String, reason: String, value: String, partition: Int32) -> ModelRecord {
        ModelRecord(
            topic: .deadLetters, partition: partition, key: Array(Self.cpr.utf8),
            headers: [
                ("ce_specversion", Array("1.0".utf8)), ("ce_id", Array(id.utf8)),
                ("ce_type", Array("dk.fuldmagt.move.relocate.v1".utf8)),
                ("ce_source", Array("urn:dk:cvr:29189846".utf8)), ("content-type", Array("application/json".utf8)),
                ("dl_reason", Array(reason.utf8)), ("dl_detail", Array("detail".utf8)),
                ("dl_topic", Array("fuldmagt.commands.move".utf8)), ("dl_partition", Array("0".utf8)),
                ("dl_offset", Array("1".utf8)), ("dl_time", Array("2026-03-02T07:00:00.000Z".utf8)),
                ("dl_worker", Array("w1".utf8)),
            ], value: Array(value.utf8), timestamp: 1_772_434_800_000)
    }

    private static let move =
        #"{"citizen":{"cpr":"6101500014"},"to":"0101","effective":"2020-01-01"}"#

    @Test("receipts that were set aside are listed, shown, and put where post receipts reads, once")
    func receipts() throws {
        let cluster = try KafkaCluster(start: Instant(milliseconds: 1_772_434_800_000))
        let list = cluster.directory + "/list.jsonl"
        let inbox = cluster.directory + "/receipts"
        let value = Array("<PostStatus/>".utf8)
        func letter(_ reason: String, _ value: [UInt8]?) -> ModelRecord {
            ModelRecord(
                topic: .deadLetters, partition: 1, key: nil,
                headers: [
                    ("dl_reason", Array(reason.utf8)), ("dl_detail", Array("detail".utf8)),
                    ("dl_topic", Array("post-status".utf8)), ("dl_partition", Array("-1".utf8)),
                    ("dl_offset", Array("-1".utf8)), ("dl_worker", Array("w1".utf8)),
                ], value: value, timestamp: 1_772_434_800_000)
        }
        try cluster.send([letter("invalid-receipt", value), letter("unknown-status", value), letter("too-large", nil)])
        #expect(try run(cluster, ["list", "--reason", "unknown-status"]).text.contains("1 dead letter\n"))
        let listed = try run(cluster, ["list", "--topic", "post-status", "--output", list])
        #expect(listed.status == 0 && listed.text.contains("3 dead letters"))
        #expect(try run(cluster, ["list", "--reason", "no-such"]).status == 64)
        #expect(try run(cluster, ["show", "1", "1"]).text.contains("dl_topic: post-status"))

        #expect(try run(cluster, ["replay", "--list", list]).text.contains("1/0  skipped: a transport's receipt"))
        let tried = try run(cluster, ["replay", "--list", list, "--receipts", inbox])
        #expect(tried.status == 3 && tried.text.contains("1/0  would be put into \(inbox), attempt 1"))
        #expect(!FileManager.default.fileExists(atPath: inbox))
        let sent = try run(cluster, ["replay", "--list", list, "--receipts", inbox, "--execute"])
        #expect(sent.status == 3 && sent.text.contains("1/2  skipped: it was too large to be kept"))
        let again = try run(cluster, ["replay", "--list", list, "--receipts", inbox, "--execute"])
        #expect(again.text.contains("3 listed, 2 sent before, 0 sent, 1 skipped, 0 gone"))
        let names = try FileManager.default.contentsOfDirectory(atPath: inbox).filter { $0.hasSuffix(".xml") }
        #expect(names.sorted() == ["replay-1-1-0.xml", "replay-1-1-1.xml"])
        let put = try Data(contentsOf: URL(fileURLWithPath: inbox + "/replay-1-1-0.xml"))
        #expect([UInt8](put) == value)
        try cluster.stop()
    }

    private func end(_ cluster: KafkaCluster) throws -> Int64 {
        try cluster.ends(of: .moveCommands).values.reduce(0, +)
    }

    @Test("listed, shown without personal data, tried, sent once, and not again; an interruption doubles nothing")
    func replay() throws {
        let cluster = try KafkaCluster(start: Instant(milliseconds: 1_772_434_800_000))
        let list = cluster.directory + "/list.jsonl"
        try cluster.send([
            letter("m1", reason: "unknown-version", value: Self.move, partition: 1),
            letter("m2", reason: "unknown-version", value: "{not json", partition: 1),
            letter("m3", reason: "invalid-json", value: "{not json", partition: 2),
        ])
        let listed = try run(cluster, ["list", "--reason", "unknown-version", "--output", list])
        #expect(listed.status == 0)
        #expect(listed.text.contains("1/0") && listed.text.contains("1/1") && !listed.text.contains("2/0"))
        #expect(listed.text.contains("2 dead letters"))
        #expect(!listed.text.contains(Self.cpr))
        #expect(try run(cluster, ["list", "--until", "2026-03-02T07:00:00Z"]).text.contains("0 dead letters"))

        let shown = try run(cluster, ["show", "1", "0"])
        #expect(shown.status == 0 && shown.text.contains("dl_reason: unknown-version"))
        #expect(!shown.text.contains(Self.cpr) && shown.text.contains("\(Self.move.utf8.count) bytes, keyed digest"))
        #expect(try run(cluster, ["show", "1", "0", "--with-personal-data"]).text.contains(Self.move))
        for offset in ["9", String(Int64.max)] { #expect(try run(cluster, ["show", "1", offset]).status == 1) }

        let tried = try run(cluster, ["replay", "--list", list])
        #expect(tried.status == 3)
        #expect(tried.text.contains("1/0  would be sent to fuldmagt.commands.move, attempt 1"))
        #expect(tried.text.contains("1/1  skipped: it would be set aside again: invalid-json"))
        #expect(try end(cluster) == 0)
        #expect(!FileManager.default.fileExists(atPath: list + ".done"))

        let sent = try run(cluster, ["replay", "--list", list, "--execute"])
        #expect(sent.status == 3 && sent.text.contains("2 listed, 0 sent before, 1 sent, 1 skipped, 0 gone"))
        #expect(try end(cluster) == 1)
        let shard = Murmur2.partition(of: Self.cpr, partitions: cluster.partitions)
        #expect(try cluster.ends(of: .moveCommands)[shard] == 1)

        let again = try run(cluster, ["replay", "--list", list, "--execute"])
        #expect(again.text.contains("1 sent before, 0 sent"))
        #expect(try end(cluster) == 1)

        // The note is lost, as if the process had died after delivery: sent twice, decided once.
        try FileManager.default.removeItem(atPath: list + ".done")
        _ = try run(cluster, ["replay", "--list", list, "--execute"])
        #expect(try end(cluster) == 2)
        // What fails again is set aside with the count of its replay, by the worker.
        #expect(try run(cluster, ["replay", "--list", list, "--execute", "--force"]).status == 0)
        let worker = try cluster.worker("w1")
        try cluster.wait(seconds: 60) {
            let observed = try cluster.observe()
            return observed.outcomes.count >= 1 && observed.deadLetters.count >= 4
        }
        try worker.stop()
        #expect(try cluster.observe().outcomes.count == 1)
        let failed = try run(cluster, ["list", "--json", "--reason", "invalid-json"])
        #expect(failed.text.contains(#""attempt":1"#))
        try cluster.stop()
    }
}
