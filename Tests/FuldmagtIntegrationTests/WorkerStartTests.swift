import Foundation
import FuldmagtDomain
import FuldmagtTestBroker
import Testing

/// What a worker does whose surroundings are not ready for it yet, or never will be.
@Suite(.serialized) struct WorkerStartTests {
    private func cluster() throws -> KafkaCluster {
        try KafkaCluster(partitions: 2, start: Instant(milliseconds: 1_772_434_800_000))
    }

    private func log(_ cluster: KafkaCluster, _ name: String) throws -> String {
        try String(contentsOfFile: "\(cluster.directory)/\(name).log", encoding: .utf8)
    }

    @Test("a worker that starts before its broker waits, alive and unready, says why, and goes on by itself")
    func beforeItsBroker() throws {
        let cluster = try cluster()
        try cluster.broker.shutDown()
        let port = try BrokerProcess.freePort()
        let worker = try cluster.worker("w1", environment: ["FULDMAGT_HTTP": "127.0.0.1:\(port)"])
        #expect(
            try Poll.until(seconds: 120) { try log(cluster, "w1").contains("no broker answers, trying again") })
        #expect(try log(cluster, "w1").contains("FULDMAGT_KAFKA_BOOTSTRAP_SERVERS"))
        try cluster.wait(seconds: 60, for: "an answer") { PlainHTTP.get("/livez", port: port)?.status == 200 }
        let unready = PlainHTTP.get("/readyz", port: port)
        #expect(unready?.status == 503 && unready?.body.contains("failing-log") == true)
        try cluster.broker.comeBack()
        try cluster.wait(seconds: 60, for: "readiness") { PlainHTTP.get("/readyz", port: port)?.status == 200 }
        try worker.stop()
        try cluster.stop()
    }

    @Test("asked to stop while it waits for its broker, a worker ends well; a wrong setting ends it without waiting")
    func withoutBroker() throws {
        let cluster = try cluster()
        try cluster.broker.shutDown()
        let worker = try cluster.worker("w1")
        #expect(try Poll.until(seconds: 120) { try log(cluster, "w1").contains("no broker answers") })
        try worker.stop()
        let wrong = try cluster.worker("w2", environment: ["FULDMAGT_BATCH_RECORDS": "0"])
        #expect(wrong.wait() == 78)
        #expect(try log(cluster, "w2").contains("FULDMAGT_BATCH_RECORDS is “0”"))
        try cluster.stop()
    }

    @Test("a second worker of one name on one folder is refused; one that comes as the first ends takes over")
    func sameName() throws {
        let cluster = try cluster()
        // What a restore that was cut short has left.
        let left = "\(cluster.directory)/data/shard-0007.sqlite.standby-w1"
        try FileManager.default.createDirectory(atPath: "\(cluster.directory)/data", withIntermediateDirectories: true)
        #expect(FileManager.default.createFile(atPath: left, contents: Data([1])))
        let first = try cluster.worker("w1")
        try cluster.wait(seconds: 60, for: "the first") { try log(cluster, "w1").contains("assigned") }
        #expect(!FileManager.default.fileExists(atPath: left))
        let environment = ["FULDMAGT_WORKER_ID": "w1", "FULDMAGT_STOP_SECONDS": "1"]
        let second = try cluster.worker("second", environment: environment)
        #expect(second.wait() == 78)
        let said = try log(cluster, "second")
        #expect(said.contains("FULDMAGT_WORKER_ID: another process works as fuldmagt-fuldmagt-w1"))
        #expect(first.isRunning)
        let next = try cluster.worker("next", environment: ["FULDMAGT_WORKER_ID": "w1"])
        try cluster.wait(seconds: 60, for: "the next") { try log(cluster, "next").contains("waiting for it to end") }
        try first.stop()
        #expect(try !log(cluster, "w1").contains("fenced off"))
        try cluster.wait(seconds: 60, for: "the next") { try log(cluster, "next").contains("assigned") }
        // Elsewhere the same name is somebody's stand-in.
        let standIn = try cluster.worker("other", folder: "other", environment: ["FULDMAGT_WORKER_ID": "w1"])
        try cluster.wait(seconds: 60, for: "the stand-in") { try log(cluster, "other").contains("joined") }
        standIn.kill()
        next.kill()
        try cluster.stop()
    }

    @Test("a folder that may not be written is named, with the setting, before anything else is tried")
    func notWritable() throws {
        let folder = NSTemporaryDirectory() + "fuldmagt-readonly-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o555])
        // Root may write everywhere, so it becomes nobody.
        let nobody = ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        let command = (geteuid() == 0 ? nobody : []) + [KafkaCluster.program, "worker", "--data", folder]
        let worker = try ChildProcess(
            command[0], Array(command.dropFirst()),
            environment: ["FULDMAGT_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "FULDMAGT_TEST_MODE": "1"],
            log: folder + ".log")
        #expect(worker.wait() == 78)
        let text = try String(contentsOfFile: folder + ".log", encoding: .utf8)
        #expect(text.contains("FULDMAGT_DATA: the folder \(folder) is not writable; check owner and permissions"))
        try FileManager.default.removeItem(atPath: folder)
    }
}
