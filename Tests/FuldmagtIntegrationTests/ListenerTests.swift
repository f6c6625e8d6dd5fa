import Foundation
import FuldmagtDomain
import FuldmagtRecord
import FuldmagtTestBroker
import FuldmagtTestKit
import Testing

/// Probes and scrapes of real workers.
@Suite(.serialized) struct ListenerTests {
    @Test("a worker answers when it is ready, a member without shards is ready too, and lag comes down to 0")
    func probes() throws {
        let cluster = try KafkaCluster(partitions: 1, start: Instant(milliseconds: 1_772_434_800_000))
        let ports = [try BrokerProcess.freePort(), try BrokerProcess.freePort()]
        let workers = try ports.enumerated().map { at, port in
            try cluster.worker(
                "w\(at)", folder: "data\(at)", environment: ["FULDMAGT_HTTP": "127.0.0.1:\(port)"])
        }
        for port in ports {
            try cluster.wait(seconds: 120) { PlainHTTP.get("/readyz", port: port)?.status == 200 }
            #expect(PlainHTTP.get("/livez", port: port)?.status == 200)
        }
        try cluster.send([
            ModelRecord(
                topic: .moveCommands, partition: 0, key: Array("6101500014".utf8),
                headers: [
                    ("ce_specversion", Array("1.0".utf8)), ("ce_id", Array("m".utf8)),
                    ("ce_type", Array("dk.fuldmagt.move.relocate.v1".utf8)),
                    ("ce_source", Array("urn:dk:cvr:29189846".utf8)),
                ], value: Array(#"{"citizen":{"cpr":"6101500014"},"to":"0101","effective":"2020-01-01"}"#.utf8),
                timestamp: 1_772_434_800_000)
        ])
        func shown(_ sample: String) -> Bool {
            ports.contains { PlainHTTP.get("/metrics", port: $0)?.body.contains("\n" + sample + "\n") == true }
        }
        try cluster.wait(seconds: 120) { shown(#"fuldmagt_outcomes_total{status="accepted"} 1"#) }
        try cluster.wait(seconds: 120) { shown(#"fuldmagt_lag_records{shard="0"} 0"#) }
        let text = ports.compactMap { PlainHTTP.get("/metrics", port: $0)?.body }.joined()
        #expect(text.contains("fuldmagt_shards 0\n") && text.contains("fuldmagt_shards 1\n"))
        #expect(!text.contains("6101500014"))
        for worker in workers { try worker.stop() }
        try cluster.stop()
    }

    @Test("an address that cannot be listened on is a wrong setting, named")
    func addressInUse() throws {
        let cluster = try KafkaCluster(partitions: 1, start: Instant(milliseconds: 1_772_434_800_000))
        let worker = try cluster.worker("w", environment: ["FULDMAGT_HTTP": "127.0.0.1:\(cluster.broker.port)"])
        #expect(worker.wait() == 78)
        let log = try String(contentsOfFile: cluster.directory + "/w.log", encoding: .utf8)
        #expect(log.contains("FULDMAGT_HTTP: 127.0.0.1:\(cluster.broker.port) cannot be listened on"))
        try cluster.stop()
    }
}
