import Foundation
import FuldmagtDomain
import FuldmagtTestBroker
import FuldmagtTestKit
import Testing

/// What `fuldmagt status` says of a real broker.
@Suite(.serialized) struct StatusTests {
    private static let start = Instant(milliseconds: 1_772_434_800_000)

    private func run(
        _ cluster: KafkaCluster, _ arguments: [String] = [], command: [String] = ["status"]
    ) throws -> (status: Int32, text: String) {
        let log = cluster.directory + "/\(UUID().uuidString).out"
        let process = try ChildProcess(
            KafkaCluster.program, command + arguments,
            environment: ["FULDMAGT_KAFKA_BOOTSTRAP_SERVERS": cluster.broker.address], log: log)
        let status = process.wait()
        return (status, try String(contentsOfFile: log, encoding: .utf8))
    }

    private func move(_ id: String, value: String) -> ModelRecord {
        ModelRecord(
            topic: .moveCommands, partition: 1, key: Array("6101500014".utf8),
            headers: [
                ("ce_specversion", Array("1.0".utf8)), ("ce_id", Array(id.utf8)),
                ("ce_type", Array("dk.fuldmagt.move.relocate.v1".utf8)),
                ("ce_source", Array("urn:dk:cvr:29189846".utf8)),
            ], value: Array(value.utf8), timestamp: Self.start.milliseconds - 3_600_000)
    }

    @Test("an hour's lag and a missing worker need attention; with a worker nothing does, markers or not")
    func status() throws {
        let cluster = try KafkaCluster(partitions: 2, start: Self.start)
        let good = #"{"citizen":{"cpr":"6101500014"},"to":"0101","effective":"2020-01-01"}"#
        try cluster.send([move("m1", value: good), move("m2", value: "{not json")])
        let before = try run(cluster)
        #expect(before.status == 3)
        #expect(before.text.contains("has no member"))
        #expect(before.text.contains("! shard 1 is 36"))
        let json = try run(cluster, ["--json", "--max-lag-seconds", "100000"])
        #expect(json.text.contains(#""lag":2"#) && json.text.contains(#""end":2"#))

        let worker = try cluster.worker("w1")
        var after = (status: Int32(1), text: "")
        try cluster.wait(seconds: 60) {
            after = try run(cluster)
            return after.status == 0
        }
        #expect(after.text.contains("Stable, 1 member") && after.text.contains("shards 0-1"))
        #expect(after.text.contains("2/2"))
        #expect(!after.text.contains("6101500014"))
        let object = try #require(
            JSONSerialization.jsonObject(with: Data(try run(cluster, ["--json"]).text.utf8)) as? [String: Any])
        let shards = try #require(object["shards"] as? [[String: Any]])
        #expect(shards.map { $0["lag"] as? Int } == [0, 0])
        #expect(shards.map { $0["deadLetters"] as? Int } == [0, 1])
        #expect(shards.last?["parked"] as? Int == 0)
        #expect(shards.map { $0["worker"] as? String } == ["w1", "w1"])
        let elsewhere = try Program.run(
            ["status"],
            environment: ["FULDMAGT_KAFKA_BOOTSTRAP_SERVERS": cluster.broker.address, "FULDMAGT_CLUSTER": "another"])
        #expect(elsewhere.status == 3 && elsewhere.text.contains("or FULDMAGT_CLUSTER"), "\(elsewhere.text)")
        #expect(elsewhere.text.contains("these groups too: fuldmagt-fuldmagt"), "\(elsewhere.text)")
        try worker.stop()
        try cluster.stop()
    }

    @Test("an id that a producer made of a CPR number is found by it, and masked where outcomes are listed for people")
    func outcomes() throws {
        let cluster = try KafkaCluster(partitions: 2, start: Self.start)
        let id = "m-6101500014-1"
        try cluster.send([move(id, value: #"{"citizen":{"cpr":"6101500014"},"to":"0101","effective":"2020-01-01"}"#)])
        let worker = try cluster.worker("w1")
        try cluster.wait(seconds: 60) { try cluster.observe().outcomes.count == 1 }
        let listed = try run(cluster, ["--id", id], command: ["outcomes"])
        #expect(listed.status == 0 && listed.text.contains("accepted  move.relocate.v1  m-**********-1"))
        #expect(!listed.text.contains("6101500014"))
        #expect(try run(cluster, ["--json"], command: ["outcomes"]).text.contains(#""id":"\#(id)""#))
        try worker.stop()
        try cluster.stop()
    }

    @Test("parked list says which files are copies that their worker gave up, and passes them over")
    func copies() throws {
        let cluster = try KafkaCluster(partitions: 1, start: Self.start)
        let good = #"{"citizen":{"cpr":"6101500014"},"to":"0101","effective":"2020-01-01"}"#
        func decide(_ id: String, in folder: String) throws {
            let worker = try cluster.worker("w1", folder: folder)
            let record = move(id, value: good)
            try cluster.send([
                ModelRecord(
                    topic: record.topic, partition: 0, key: record.key, headers: record.headers, value: record.value,
                    timestamp: record.timestamp)
            ])
            try cluster.wait(seconds: 120, for: id) { try cluster.isQuiet() }
            try worker.stop()
        }
        func list(_ folder: String) throws -> String {
            let listed = try run(cluster, ["--data", "\(cluster.directory)/\(folder)"], command: ["parked", "list"])
            #expect(listed.status == 0)
            return listed.text
        }
        try decide("m1", in: "a")
        #expect(try !list("a").contains("is a copy"))
        try decide("m2", in: "b")
        #expect(try list("a").contains("the file of shard 0 is a copy, and is passed over"))
        #expect(try !list("b").contains("is a copy"))
        try cluster.broker.shutDown()
        #expect(try list("b").contains("nobody knows whether these files are the shards"))
        try cluster.stop()
    }
}
