import Foundation
import FuldmagtDomain
import FuldmagtJSON
import FuldmagtRecord
import FuldmagtStore
import FuldmagtWorker
import GRDB
import Testing

/// Commands that cannot be decided yet: their citizen waits, in order, and nobody else does.
@Suite struct ParkingTests {
    private typealias Cluster = TestCluster

    /// Anna lives where care is active; Bent has given Carl a grant.
    private func cluster(_ change: (inout WorkerOptions) -> Void = { _ in }) throws -> TestCluster {
        let cluster = try TestCluster()
        change(&cluster.options)
        cluster.defineCatalogue()
        cluster.move(Cluster.anna, to: "0101", on: "2026-01-01", id: "home")
        cluster.issue(Cluster.bent, to: Cluster.carl, ["tax"], id: "bent")
        try cluster.drain()
        #expect(cluster.answer("bent") == "accepted")
        // What fails is repeated for a while, and that takes time.
        let clock = cluster.clock
        cluster.onPause.withLock { $0.act = { clock.nanoseconds.withLock { $0 += 1_000_000_000 } } }
        return cluster
    }

    private func loseCatalogue(_ cluster: TestCluster) {
        cluster.broker.failCatalogue(LogFailure(.retry, "no leader"))
    }

    private func findCatalogue(_ cluster: TestCluster) throws {
        cluster.broker.failCatalogue(nil)
        cluster.clock.advance(seconds: 61)
        try cluster.drain()
    }

    /// Status and reason code of each outcome of a command, in order.
    private func answers(_ id: String, _ cluster: TestCluster) -> [String] {
        cluster.outcomes(of: id).map {
            [$0.text("status"), $0.text("reasons.0.code")].compactMap { $0 }.joined(separator: " ")
        }
    }

    private func gauge(_ name: String, _ cluster: TestCluster) -> Double {
        cluster.metrics.text.split(separator: "\n").filter { $0.hasPrefix("\(name){") }
            .compactMap { $0.split(separator: " ").last.flatMap { Double($0) } }.reduce(0, +)
    }

    @Test("what waits is decided as of the time it was written: an end on that day is not before today")
    func asWritten() throws {
        let cluster = try cluster()
        loseCatalogue(cluster)
        let day = cluster.clock.now.withLock { $0.day.description }
        cluster.issue(Cluster.anna, to: Cluster.carl, ["care"], id: "asks", until: day)
        try cluster.drain()
        cluster.clock.advance(seconds: 23 * 3_600)
        try findCatalogue(cluster)
        #expect(answers("asks", cluster) == ["parked catalogue-behind", "accepted"])
        // Sent by then it would have been too late, and what was given has ended since.
        cluster.issue(Cluster.anna, to: Cluster.carl, ["care"], id: "late", until: day)
        try cluster.drain()
        #expect(answers("late", cluster) == ["rejected validity-ended"])
    }

    @Test("a clock that is set back by an hour does not hold up what waits")
    func clockSetBack() throws {
        let cluster = try cluster()
        loseCatalogue(cluster)
        cluster.issue(Cluster.anna, to: Cluster.carl, ["care"], id: "asks")
        try cluster.drain()
        #expect(answers("asks", cluster) == ["parked catalogue-behind"])
        cluster.broker.failCatalogue(nil)
        cluster.clock.nanoseconds.withLock { $0 += 10_000_000_000 }
        cluster.clock.now.withLock { $0 = $0.adding(seconds: -3_600) }
        try cluster.drain()
        #expect(answers("asks", cluster) == ["parked catalogue-behind", "accepted"])
    }

    @Test("while the catalogue cannot be read, who asks it waits; a revocation is carried out, and others go on")
    func catalogueAway() throws {
        let cluster = try cluster()
        loseCatalogue(cluster)
        cluster.package("new", scope: "national")
        cluster.issue(Cluster.anna, to: Cluster.carl, ["new"], id: "asks")
        cluster.revoke(Cluster.bent, from: Cluster.carl, ["tax"], id: "takes")
        try cluster.drain()
        #expect(answers("asks", cluster) == ["parked catalogue-behind"])
        #expect(answers("takes", cluster) == ["accepted"])
        #expect(gauge("fuldmagt_parked", cluster) == 1)
        #expect(cluster.health.problems.map(\.code) == ["failing-catalogue"])
        try findCatalogue(cluster)
        // Decided under the catalogue that has the package.
        #expect(answers("asks", cluster) == ["parked catalogue-behind", "accepted"])
        #expect(gauge("fuldmagt_parked", cluster) == 0)
        #expect(cluster.health.problems.isEmpty)
        #expect(cluster.notifications(to: Cluster.anna) == ["grant-given digital-post"])
        #expect(try cluster.check().isEmpty)
    }

    @Test("later commands about the same citizen wait behind it, in order; a revocation among them is told by a gauge")
    func inOrder() throws {
        let cluster = try cluster()
        loseCatalogue(cluster)
        cluster.issue(Cluster.anna, to: Cluster.carl, ["tax"], id: "first")
        cluster.revoke(Cluster.anna, from: Cluster.carl, ["tax"], id: "second")
        try cluster.drain()
        cluster.issue(Cluster.anna, to: Cluster.carl, ["tax"], id: "third")
        try cluster.drain()
        #expect(answers("first", cluster) == ["parked catalogue-behind"])
        // A revocation gets no answer before the last one.
        #expect(answers("second", cluster).isEmpty)
        #expect(answers("third", cluster) == ["parked earlier-command-waits"])
        #expect(gauge("fuldmagt_parked_revocations", cluster) == 1)
        try findCatalogue(cluster)
        #expect(answers("first", cluster) == ["parked catalogue-behind", "accepted"])
        #expect(answers("second", cluster) == ["accepted"])
        #expect(answers("third", cluster) == ["parked earlier-command-waits", "accepted"])
        #expect(gauge("fuldmagt_parked_revocations", cluster) == 0)
        let states = try cluster.dump().filter { $0.contains(#""table":"grant","#) }
        #expect(states.filter { $0.contains(#""state":"revoked""#) }.count == 1)
        #expect(states.filter { $0.contains(#""state":"active""#) }.count == 2)
    }

    @Test("a repeat of a parked command does nothing; its id with other content is a dead letter")
    func repeated() throws {
        let cluster = try cluster()
        loseCatalogue(cluster)
        for _ in 0..<3 { cluster.issue(Cluster.anna, to: Cluster.carl, ["tax"], id: "one") }
        cluster.issue(Cluster.anna, to: Cluster.bent, ["tax"], id: "one")
        try cluster.drain()
        try findCatalogue(cluster)
        #expect(answers("one", cluster) == ["parked catalogue-behind", "accepted"])
        #expect(cluster.said(.deadLetters).map { $0.headers["dl_reason"] } == ["id-reused"])
    }

    @Test("what has waited too long is rejected, and what waited behind it is tried; a revocation waits on")
    func tooLong() throws {
        let cluster = try cluster { $0.parkedSeconds = 3_600 }
        loseCatalogue(cluster)
        cluster.issue(Cluster.anna, to: Cluster.carl, ["tax"], id: "asks")
        cluster.revoke(Cluster.anna, from: Cluster.carl, ["tax"], id: "takes")
        try cluster.drain()
        cluster.clock.advance(seconds: 3_599)
        try cluster.drain()
        #expect(answers("asks", cluster) == ["parked catalogue-behind"])
        cluster.clock.advance(seconds: 3_600)
        try cluster.drain()
        #expect(answers("asks", cluster) == ["parked catalogue-behind", "rejected parked-too-long"])
        // There is nothing to revoke: that is its answer, and it needs no catalogue.
        #expect(answers("takes", cluster) == ["rejected unknown-grant"])
    }

    @Test("beyond the limit of one citizen the oldest is rejected, and the rest keep their order")
    func tooMany() throws {
        let cluster = try cluster { $0.parkedPerCitizen = 2 }
        loseCatalogue(cluster)
        for id in ["a", "b", "c"] {
            cluster.issue(Cluster.anna, to: id == "c" ? Cluster.bent : Cluster.carl, ["tax"], id: id)
        }
        try cluster.drain()
        #expect(answers("a", cluster) == ["parked catalogue-behind", "rejected parked-too-long"])
        #expect(gauge("fuldmagt_parked", cluster) == 2)
        try findCatalogue(cluster)
        #expect(answers("b", cluster).last == "accepted")
        #expect(answers("c", cluster).last == "accepted")
    }

    @Test("beyond the limit of a shard nobody else is parked: the worker waits for the catalogue instead")
    func shardIsFull() throws {
        let cluster = try cluster { $0.parkedPerShard = 1 }
        loseCatalogue(cluster)
        cluster.issue(Cluster.anna, to: Cluster.carl, ["tax"], id: "one")
        #expect(try cluster.loop?.turn() == 1)
        cluster.issue(Cluster.bent, to: Cluster.anna, ["tax"], id: "two")
        let broker = cluster.broker
        let clock = cluster.clock
        cluster.onPause.withLock {
            $0.act = {
                clock.nanoseconds.withLock { $0 += 1_000_000_000 }
                if clock.nanoseconds.withLock({ $0 }) > 600_000_000_000 { broker.failCatalogue(nil) }
            }
        }
        try cluster.drain()
        #expect(answers("two", cluster) == ["accepted"])
        cluster.clock.advance(seconds: 61)
        try cluster.drain()
        #expect(answers("one", cluster) == ["parked catalogue-behind", "accepted"])
    }

    @Test("parked commands survive the worker, and the loss of its disk")
    func survives() throws {
        let cluster = try cluster()
        loseCatalogue(cluster)
        cluster.issue(Cluster.anna, to: Cluster.carl, ["tax"], id: "one")
        try cluster.drain()
        try cluster.stop()
        let before = try cluster.dump()
        #expect(before.contains { $0.contains(#""table":"parked""#) })
        for file in try FileManager.default.contentsOfDirectory(atPath: cluster.directory) {
            try FileManager.default.removeItem(atPath: "\(cluster.directory)/\(file)")
        }
        cluster.broker.failCatalogue(nil)
        try cluster.start()
        loseCatalogue(cluster)
        try cluster.loop?.turn()
        #expect(try cluster.dump() == before)
        cluster.broker.failCatalogue(nil)
        cluster.clock.advance(seconds: 61)
        try cluster.drain()
        #expect(answers("one", cluster) == ["parked catalogue-behind", "accepted"])
    }

    @Test("what waits follows its citizen to a new number, and is told only once")
    func newNumber() throws {
        let new = "6101500030"
        let cluster = try cluster { $0.parkedSeconds = 1_000_000 }
        cluster.renumber(Cluster.anna, to: new, id: "renumber", on: "2026-11-25")
        try cluster.drain()
        loseCatalogue(cluster)
        cluster.issue(Cluster.anna, to: Cluster.carl, ["care"], id: "one")
        try cluster.drain()
        cluster.clock.advance(days: 1)
        try cluster.drain()
        let parked = try cluster.dump().filter { $0.contains(#""table":"parked""#) }
        #expect(parked.count == 1)
        try findCatalogue(cluster)
        #expect(answers("one", cluster) == ["parked catalogue-behind", "accepted"])
        #expect(cluster.notifications(to: new).contains("grant-given digital-post"))
    }

    @Test("a new number that had to wait is answered once, and nothing is left waiting")
    func newNumberWaits() throws {
        let new = "6101500030"
        let cluster = try cluster { $0.parkedSeconds = 1_000_000 }
        loseCatalogue(cluster)
        cluster.issue(Cluster.anna, to: Cluster.carl, ["care"], id: "one")
        try cluster.drain()
        cluster.renumber(Cluster.anna, to: new, id: "renumber", on: "2026-11-20")
        try cluster.drain()
        cluster.issue(Cluster.anna, to: Cluster.carl, ["tax"], id: "two")
        try cluster.drain()
        #expect(answers("renumber", cluster) == ["parked earlier-command-waits"])
        try findCatalogue(cluster)
        #expect(answers("one", cluster) == ["parked catalogue-behind", "accepted"])
        #expect(answers("renumber", cluster) == ["parked earlier-command-waits", "accepted"])
        #expect(answers("two", cluster) == ["parked earlier-command-waits", "accepted"])
        #expect(gauge("fuldmagt_parked", cluster) == 0)
        #expect(try cluster.dump().allSatisfy { !$0.contains(#""table":"parked""#) })
        // What is parked next is looked at again.
        loseCatalogue(cluster)
        cluster.issue(Cluster.bent, to: Cluster.anna, ["care"], id: "three")
        try cluster.drain()
        #expect(gauge("fuldmagt_parked", cluster) == 1)
        try findCatalogue(cluster)
        #expect(answers("three", cluster).count == 2)
        #expect(try cluster.check().isEmpty)
    }

    // MARK: Faults of ours

    private func execute(_ sql: String, _ cluster: TestCluster) throws {
        for file in try ShardFiles.all(in: cluster.directory) {
            let queue = try DatabaseQueue(path: file.path)
            try queue.write { try $0.execute(sql: sql) }
            try queue.close()
        }
    }

    /// Stands for a rule of ours that comes to what the schema refuses.
    private static let refusal =
        "CREATE TRIGGER refusal BEFORE INSERT ON grants WHEN NEW.valid_until = 20280102 BEGIN SELECT RAISE(ABORT, 'no'); END"

    private func clusterWithFault() throws -> TestCluster {
        let cluster = try cluster()
        try execute(Self.refusal, cluster)
        cluster.issue(Cluster.anna, to: Cluster.carl, ["tax"], id: "one", until: "2028-01-02")
        cluster.issue(Cluster.anna, to: Cluster.bent, ["tax"], id: "two")
        cluster.issue(Cluster.carl, to: Cluster.bent, ["tax"], id: "three")
        try cluster.drain()
        #expect(answers("one", cluster) == ["parked needs-repair"])
        #expect(answers("two", cluster) == ["parked earlier-command-waits"])
        #expect(answers("three", cluster) == ["accepted"])
        let refusals = cluster.metrics.text.split(separator: "\n").filter {
            $0.hasPrefix("fuldmagt_refused_rows_total")
        }
        #expect(refusals == ["fuldmagt_refused_rows_total 1"])
        return cluster
    }

    @Test("what the store refuses stops nobody but its citizen, and is tried again by the next worker")
    func refused() throws {
        let cluster = try clusterWithFault()
        // Looked at again and again, it is left alone.
        cluster.clock.advance(seconds: 61)
        try cluster.drain()
        #expect(answers("one", cluster).count == 1)
        try cluster.stop()
        try execute("DROP TRIGGER refusal", cluster)
        try cluster.drain()
        #expect(answers("one", cluster) == ["parked needs-repair", "accepted"])
        #expect(answers("two", cluster) == ["parked earlier-command-waits", "accepted"])
        #expect(try cluster.check().isEmpty)
    }

    @Test("a command that waits for longer than ids are remembered is the same command when it is sent again")
    func forgottenWhileWaiting() throws {
        let cluster = try clusterWithFault()
        cluster.options.processedDays = 90
        cluster.options.parkedSeconds = 365 * 86_400
        try cluster.stop()
        cluster.clock.advance(days: 91)
        try cluster.drain()
        // Longer ago than the days that ids are kept for.
        cluster.issue(Cluster.anna, to: Cluster.carl, ["tax"], id: "one", until: "2028-01-02")
        try cluster.drain()
        #expect(answers("one", cluster) == ["parked needs-repair"] && cluster.said(.deadLetters).isEmpty)
        // Nor is its id free for something else.
        for _ in 0..<2 { cluster.issue(Cluster.anna, to: Cluster.bent, ["care"], id: "one") }
        try cluster.drain()
        #expect(cluster.said(.deadLetters).map { $0.headers["dl_reason"] } == ["id-reused", "id-reused"])
        try cluster.stop()
        try execute("DROP TRIGGER refusal", cluster)
        try cluster.drain()
        #expect(answers("one", cluster) == ["parked needs-repair", "accepted"])
        // Remembered from then on, not from when the waiting began.
        cluster.clock.advance(days: 89)
        try cluster.drain()
        cluster.issue(Cluster.anna, to: Cluster.carl, ["tax"], id: "one", until: "2028-01-02")
        try cluster.drain()
        #expect(answers("one", cluster).count == 2)
        #expect(try cluster.check().isEmpty)
    }

    @Test("an operator has it tried again, or rejected, by a record", arguments: ["retry", "reject"])
    func operatorDecides(action: String) throws {
        let cluster = try clusterWithFault()
        let line = try #require(
            try cluster.dump().first { $0.contains(#""table":"parked""#) && $0.contains(#""why":"fault""#) })
        let row = try #require(
            try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        let citizen = try #require(row["citizen"] as? String)
        let command = try #require((row["command"] as? String).flatMap { Ident(hex: $0) })
        let shard = try #require(
            try ShardFiles.all(in: cluster.directory).first {
                var dump = Dump()
                try dump.add(path: $0.path)
                return dump.sorted().contains(line)
            }?.shard)
        if action == "retry" { try execute("DROP TRIGGER refusal", cluster) }
        let request = ParkedRequest(
            action: try #require(.init(rawValue: action)), command: command, at: TestCluster.start)
        cluster.broker.append(
            request.record(citizen: try #require(Ident(hex: citizen)), shard: shard, settings: cluster.options.settings)
        )
        try cluster.drain()
        #expect(
            answers("one", cluster) == [
                "parked needs-repair", action == "retry" ? "accepted" : "rejected parked-too-long",
            ])
        #expect(answers("two", cluster) == ["parked earlier-command-waits", "accepted"])
    }

    @Test("one command after the other is refused: that is no corner any more, and the worker stops")
    func manyRefused() throws {
        let cluster = try cluster()
        try execute(Self.refusal, cluster)
        for number in 100..<200 {
            cluster.issue("6101500\(number)", to: Cluster.carl, ["tax"], id: "n\(number)", until: "2028-01-02")
        }
        #expect(throws: StoreError.self) { try cluster.drain() }
    }
}
