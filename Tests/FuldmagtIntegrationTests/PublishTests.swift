import Foundation
import FuldmagtDomain
import FuldmagtKafka
import FuldmagtRecord
import FuldmagtTestBroker
import Testing

/// `fuldmagt publish` as somebody sees it who sits before it.
@Suite(.serialized) struct PublishTests {
    @Test("progress is shown on a terminal whatever kind of file the lines come from, and whatever its name is worth")
    func progress() throws {
        let cluster = try KafkaCluster(partitions: 1, start: KafkaCluster.jobStart)
        let line = try Program.run(["contract", "example", "grant.issue", "--event"]).text
        let file = cluster.directory + "/lines.jsonl"
        try String(repeating: line, count: 40).write(toFile: file, atomically: false, encoding: .utf8)
        try FileManager.default.createSymbolicLink(atPath: cluster.directory + "/link", withDestinationPath: file)
        for source in ["link", "/dev/stdin < link", "<(cat link)", "lines.jsonl"] {
            let (status, text) = try Program.shell(
                #"cd \#(cluster.directory) && export program="$0" && script -qec "bash -c '\$program publish --rate 40 \#(source)'" /dev/null"#,
                environment: [
                    "FULDMAGT_KAFKA_BOOTSTRAP_SERVERS": cluster.broker.address, "FULDMAGT_TEST_MODE": "1",
                ])
            #expect(status == 0 && text.contains("40 lines, 40 sent, 0 with faults"), "\(source): \(text)")
            #expect(text.contains(" sent, "))
            #expect(text.contains("%") != source.hasPrefix("<("), "\(source): \(text)")
        }
        try cluster.stop()
    }

    @Test("an activation goes out under the key that compaction knows it by, be its municipality a text or a number")
    func activationKeys() throws {
        let cluster = try KafkaCluster(partitions: 1, start: KafkaCluster.jobStart)
        let events = ["\"0461\"", "461"].enumerated().map { at, municipality in
            #"{"specversion":"1.0","id":"a\#(at)","type":"dk.fuldmagt.activation.set.v1","source":"urn:dk:cvr:29189846","data":{"municipality":\#(municipality),"package":"p","itSystem":"urn:s","from":"2020-01-01"}}"#
        }
        let file = cluster.directory + "/activations.jsonl"
        try (events.joined(separator: "\n") + "\n").write(toFile: file, atomically: false, encoding: .utf8)
        let (status, text) = try Program.run(
            ["publish", file, "--quiet"],
            environment: [
                "FULDMAGT_KAFKA_BOOTSTRAP_SERVERS": cluster.broker.address, "FULDMAGT_TEST_MODE": "1",
            ])
        #expect(status == 0, "\(text)")
        let reader = try RecordReader(
            KafkaConfiguration(["bootstrap.servers": cluster.broker.address]), topics: Topic.names)
        let partition = TopicPartition(topic: Topic.catalogue.name, partition: 0)
        try reader.assign([partition: .offset(0)])
        var keys: [String] = []
        try cluster.wait(seconds: 60, for: "the activations") {
            var batches: [Int32: RecordBatch] = [:]
            try reader.poll(maximumRecords: 10, timeoutMilliseconds: 100, into: &batches)
            batches[0]?.withRecords { records in
                for record in records { keys.append(record.key.map { String(decoding: $0, as: UTF8.self) } ?? "none") }
            }
            return keys.count >= 2
        }
        #expect(keys == ["activation/0461/p/urn:s", "activation/0461/p/urn:s"])
        try cluster.stop()
    }
}
