import FuldmagtDomain
import FuldmagtOperations
import FuldmagtWorker
import Synchronization
import Testing

/// What probes and scrapes are told while a worker lives, on clocks the test moves.
@Suite struct HealthTests {
    private func answers(_ cluster: TestCluster) -> OperationsAnswers {
        OperationsAnswers(health: cluster.health, metrics: cluster.metrics, liveSeconds: 60)
    }

    /// Samples by name and labels, as scraped.
    private func scrape(_ cluster: TestCluster) -> [String: String] {
        let text = answers(cluster).answer(method: "GET", path: "/metrics").body
        return Dictionary(
            text.split(separator: "\n").filter { !$0.hasPrefix("#") }.compactMap { line in
                line.lastIndex(of: " ").map { (String(line[..<$0]), String(line[line.index(after: $0)...])) }
            }, uniquingKeysWith: { _, last in last })
    }

    @Test("alive while the loop turns, and not after it was silent too long")
    func alive() throws {
        let cluster = try TestCluster()
        let answers = answers(cluster)
        try cluster.drain()
        #expect(answers.answer(method: "GET", path: "/livez").status == 200)
        cluster.clock.advance(seconds: 59)
        #expect(answers.answer(method: "GET", path: "/livez").status == 200)
        cluster.clock.advance(seconds: 1)
        let silent = answers.answer(method: "GET", path: "/livez")
        #expect(silent.status == 503)
        #expect(
            answers.answer(method: "GET", path: "/readyz").body.contains(
                #""code":"silent","text":"the run loop has waited 60 s"#))
        #expect(silent.body == #"{"alive":false,"secondsSinceLastTurn":60,"allowed":60}"#)
        try cluster.drain()
        #expect(answers.answer(method: "GET", path: "/livez").status == 200)
    }

    @Test("ready once the group has given it its share, until it is asked to stop")
    func ready() throws {
        let cluster = try TestCluster()
        let answers = answers(cluster)
        let before = answers.answer(method: "GET", path: "/readyz")
        #expect(before.status == 503 && before.body.contains("not-joined"))
        try cluster.start()
        let joined = answers.answer(method: "GET", path: "/readyz")
        #expect(joined.status == 503 && joined.body.contains("no-member"))
        try cluster.drain()
        let after = answers.answer(method: "GET", path: "/readyz")
        #expect(after.status == 200 && after.body == #"{"ready":true,"problems":[]}"#)
        cluster.health.stopping()
        #expect(answers.answer(method: "GET", path: "/readyz").body.contains("stopping"))
        #expect(scrape(cluster)["fuldmagt_ready"] == "0")
    }

    @Test("not ready while publishing is repeated, alive all the same, and ready again when it succeeds")
    func retrying() throws {
        let cluster = try TestCluster()
        cluster.defineCatalogue()
        try cluster.drain()
        let seen = Mutex<[HTTPAnswer]>([])
        let answers = answers(cluster)
        let clock = cluster.clock
        cluster.onPause.withLock {
            $0.act = {
                clock.advance(seconds: 7)
                seen.withLock {
                    $0.append(answers.answer(method: "GET", path: "/readyz"))
                    $0.append(answers.answer(method: "GET", path: "/livez"))
                }
            }
        }
        cluster.issue(TestCluster.anna, to: TestCluster.bent, ["tax"], id: "g")
        cluster.broker.fail(.refused(LogFailure(.retry, "the broker is away")))
        try cluster.drain()
        let first = try #require(seen.withLock { $0.first })
        #expect(first.status == 503)
        #expect(
            first.body
                == #"{"ready":false,"problems":[{"code":"failing-publishing","text":"publishing to the broker has failed for 7 s and is repeated"}]}"#
        )
        #expect(seen.withLock { $0[1].status } == 200)
        #expect(answers.answer(method: "GET", path: "/readyz").status == 200)
        #expect(scrape(cluster)["fuldmagt_transaction_failures_total"] == "1")
    }

    @Test("work is counted by status and reason, and no number of a person is among the samples")
    func counted() throws {
        let cluster = try TestCluster()
        cluster.defineCatalogue()
        cluster.issue(TestCluster.anna, to: TestCluster.bent, ["tax"], id: "g1")
        cluster.issue(TestCluster.anna, to: TestCluster.bent, ["tax"], id: "g2")
        cluster.broker.append(topic: .grantCommands, partition: 0, key: nil, headers: [], value: [1])
        try cluster.drain()
        let samples = scrape(cluster)
        #expect(samples[#"fuldmagt_rejections_total{reason="already-granted"}"#] == "1")
        #expect(samples[#"fuldmagt_dead_letters_total{reason="invalid-json"}"#] == "1")
        #expect(samples["fuldmagt_notifications_total"] == "2")
        #expect(samples["fuldmagt_shards"] == "4")
        #expect(samples[#"fuldmagt_rebalances_total{event="assigned"}"#] == "1")
        #expect(samples["fuldmagt_metrics_refused_total"] == "0")
        let text = answers(cluster).answer(method: "GET", path: "/metrics").body
        for person in [TestCluster.anna, TestCluster.bent] { #expect(!text.contains(person)) }
    }

    @Test("lag is told in records and in seconds, grows while nothing happens, and goes with the shard")
    func lag() throws {
        let cluster = try TestCluster(partitions: 1)
        cluster.options.batchRecords = 1
        cluster.defineCatalogue()
        try cluster.drain()
        cluster.clock.advance(seconds: 1)
        try cluster.drain()
        for number in 1...3 { cluster.issue(TestCluster.anna, to: TestCluster.bent, ["tax"], id: "g\(number)") }
        cluster.clock.advance(seconds: 10)
        try cluster.loop?.turn()
        var samples = scrape(cluster)
        #expect(Int(samples[#"fuldmagt_lag_records{shard="0"}"#] ?? "") ?? 0 >= 2)
        #expect(samples[#"fuldmagt_lag_seconds{shard="0"}"#] == "10")
        cluster.clock.advance(seconds: 5)
        samples = scrape(cluster)
        #expect(samples["fuldmagt_oldest_command_seconds"] == "15")
        try cluster.drain()
        cluster.clock.advance(seconds: 1)
        try cluster.loop?.turn()
        samples = scrape(cluster)
        #expect(samples[#"fuldmagt_lag_records{shard="0"}"#] == "0")
        #expect(samples[#"fuldmagt_lag_seconds{shard="0"}"#] == "0")
        try cluster.stop()
        #expect(scrape(cluster)[#"fuldmagt_lag_records{shard="0"}"#] == nil)
    }

    @Test("other paths and methods are told what there is")
    func otherPaths() throws {
        let answers = answers(try TestCluster())
        #expect(answers.answer(method: "GET", path: "/").status == 404)
        #expect(answers.answer(method: "POST", path: "/metrics").status == 405)
    }
}
