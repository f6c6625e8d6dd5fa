import Foundation
import FuldmagtDomain
import FuldmagtPost
import FuldmagtTestBroker
import FuldmagtTestKit
import Testing

/// Receipts brought by HTTP to a real process on a real broker, which is killed before it can answer.
@Suite(.serialized) struct PostReceiptsTests {
    private static let message = "2f1c6c1e-6f0a-4c57-9a51-2f1c6c1e6f0a"

    private func notification(_ cluster: KafkaCluster) -> ModelRecord {
        let data = """
            {"id":"\(Self.message)","kind":"grant-received","recipient":{"cpr":"6101500014"},"channel":"digital-post",
             "title":"Du har fået en fuldmagt","body":"Du har fået fuldmagt til “Eksempel”.","language":"da",
             "kle":"23.30.15","sender":{"cvr":"99000007","name":"Eksempel"},"cause":{"id":"c"},
             "createdAt":"2026-03-02T07:00:00.000Z"}
            """
        return ModelRecord(
            topic: .notifications, partition: 1, key: Array(Ident(high: 1, low: 2).description.utf8),
            headers: [
                ("ce_specversion", Array("1.0".utf8)), ("ce_type", Array("dk.fuldmagt.notification.v1".utf8)),
                ("fm_shard", Array("1".utf8)),
            ], value: Array(data.utf8), timestamp: KafkaCluster.jobStart.milliseconds)
    }

    private func receipt(_ id: String, _ status: String, of message: String = Self.message) -> [UInt8] {
        Array(
            """
            <PKO_PostStatus><kvitteringID>\(id)</kvitteringID><messageUUID>\(message)</messageUUID>
            <status>\(status)</status><tidspunkt>2026-03-02T08:00:00Z</tidspunkt></PKO_PostStatus>
            """.utf8)
    }

    private func start(
        _ cluster: KafkaCluster, _ arguments: [String], environment: [String: String] = [:]
    ) throws -> ChildProcess {
        try ChildProcess(
            KafkaCluster.program, ["post"] + arguments + ["--ledgers", cluster.directory + "/post", "--pause", "20"],
            environment: [
                "FULDMAGT_KAFKA_BOOTSTRAP_SERVERS": cluster.broker.address, "FULDMAGT_TEST_MODE": "1",
            ].merging(environment) { _, new in new }, log: cluster.directory + "/post.log")
    }

    @Test("killed between receiving and answering, or before it has written, nothing is answered, lost or doubled")
    func killed() throws {
        let cluster = try KafkaCluster(start: KafkaCluster.jobStart)
        try cluster.send([notification(cluster)])
        #expect(try start(cluster, ["memo", "--quiet-seconds", "0", "--once"]).wait() == 0)
        let scene = PostScene(cluster, simulation: [])
        let (door, probes) = (try BrokerProcess.freePort(), try BrokerProcess.freePort())
        let arguments = ["receipts", "--listen", "127.0.0.1:\(door)"]
        func run(_ environment: [String: String] = [:]) throws -> ChildProcess {
            let process = try start(
                cluster, arguments,
                environment: ["FULDMAGT_HTTP": "127.0.0.1:\(probes)"].merging(environment) { _, new in new })
            try cluster.wait(seconds: 60, for: "the consumer") {
                PlainHTTP.get("/readyz", port: probes)?.status == 200
            }
            return process
        }
        let known = try scene.receipts().count
        #expect(known == 1)
        for (point, status, isWritten) in [
            ("received", "Modtaget Digital Post", false), ("written", "Afleveret Digital Post", true),
        ] {
            let dying = try run(["FULDMAGT_TEST_KILL": "\(point):1"])
            let before = try scene.receipts().count
            #expect(PlainHTTP.post("/receipts", receipt(point, status), port: door) == nil)
            #expect(dying.wait() == SIGKILL)
            #expect(try scene.receipts().count - before == (isWritten ? 1 : 0))
            // Brought again, and once more: the same id each time.
            let process = try run()
            for _ in 0..<2 {
                let answer = PlainHTTP.post("/receipts", receipt(point, status), port: door)
                #expect(answer?.status == 200 && answer?.body == #"{"taken":true,"receipts":1}"#)
            }
            #expect(try scene.receipts().count - before == 1)
            try process.stop()
        }
        let process = try run()
        let unknown = receipt("x", "Afleveret Digital Post", of: "2f1c6c1e-6f0a-4c57-9a51-2f1c6c1e6f0b")
        #expect(PlainHTTP.post("/receipts", unknown, port: door)?.status == 422)
        #expect(PlainHTTP.post("/receipts", [0x3c, 0xff], port: door)?.status == 422)
        #expect(PlainHTTP.post("/receipts", [UInt8](repeating: 97, count: 2 << 20), port: door)?.status == 413)
        #expect(try cluster.observe().deadLetters.map(\.reason).sorted() == ["invalid-receipt", "unknown-receipt"])
        let metrics = PlainHTTP.get("/metrics", port: probes)?.body ?? ""
        for line in [
            #"fuldmagt_post_documents_total{result="unknown-receipt"} 1"#,
            // What has not come yet is shown too, or no alert would tell of the first.
            #"fuldmagt_post_documents_total{result="unknown-status"} 0"#,
            #"fuldmagt_post_documents_total{result="unreadable"} 0"#,
            #"fuldmagt_post_refused_requests_total{reason="too-large"} 1"#,
            #"fuldmagt_post_ready{consumer="receipts"} 1"#, "fuldmagt_metrics_refused_total 0",
        ] { #expect(metrics.contains(line + "\n"), "\(line) is not in\n\(metrics)") }
        try process.stop()
        #expect(!(try cluster.text("post.log")).contains("6101500014"))
        try cluster.stop()
    }

    @Test("who would take receipts from other machines without a secret is told that it needs one")
    func open() throws {
        let cluster = try KafkaCluster(partitions: 1, start: KafkaCluster.jobStart)
        #expect(try start(cluster, ["receipts", "--listen", "0.0.0.0:0"]).wait() == 64)
        #expect(try cluster.text("post.log").contains("so --secret-file is needed"))
        let taken = try start(cluster, ["receipts", "--listen", "127.0.0.1:\(cluster.broker.port)"])
        #expect(taken.wait() == 78)
        #expect(
            try cluster.text("post.log").contains("--listen: 127.0.0.1:\(cluster.broker.port) cannot be listened on"))
        try cluster.stop()
    }
}
