import FuldmagtDomain
import FuldmagtTestBroker
import FuldmagtTestKit
import Testing

/// Shards that change hands while their owner works.
@Suite(.serialized) struct RebalanceTests {
    @Test("a second worker joins in the middle of the work and starts anew: nothing is lost or doubled, nobody stops")
    func joinAndRestart() throws {
        var options = Workload.Options()
        options.hasTimedActivations = false
        options.hasFutureMoves = false
        options.phases = 4
        let cluster = try KafkaCluster(start: Instant(milliseconds: 1_772_434_800_000))
        let workload = Workload(
            seed: 31, citizens: 300, commands: 3_000, partitions: 4, keys: cluster.keys, options: options)
        var model = cluster.model
        let ports = [try BrokerProcess.freePort(), try BrokerProcess.freePort()]
        func start(_ at: Int) throws -> ChildProcess {
            try cluster.worker(
                "w\(at)",
                environment: ["FULDMAGT_BATCH_RECORDS": "50", "FULDMAGT_HTTP": "127.0.0.1:\(ports[at])"])
        }
        func owns(_ shards: Int, _ at: Int) -> Bool {
            PlainHTTP.get("/metrics", port: ports[at])?.body.contains("\nfuldmagt_shards \(shards)\n") == true
        }
        let first = try start(0)
        try cluster.wait(seconds: 120) { owns(4, 0) }
        var second: ChildProcess?
        for (at, phase) in workload.phases().enumerated() {
            for record in phase.records { model.take(record) }
            try cluster.send(phase.records)
            if at == 1 {
                second = try start(1)
                try cluster.wait(seconds: 120) { owns(2, 0) && owns(2, 1) }
            } else if at == 3 {
                // Its place is kept for it: group.instance.id.
                try #require(second).stop()
                second = try start(1)
            }
            try cluster.wait(for: model)
        }
        #expect(first.isRunning)
        try #require(second).stop()
        try first.stop()
        let differences = try cluster.observe().differences(from: model)
        let isSame = differences.isEmpty
        #expect(isSame, "\(differences.count) differences:\n\(differences.prefix(8).joined(separator: "\n"))")
        let dump = try cluster.dump().filter { !$0.contains(#""table":"processed""#) }
        let isEqual = dump == model.dump()
        #expect(isEqual)
        try cluster.stop()
    }
}
