import Foundation
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
}
