import FuldmagtDomain
import FuldmagtRecord
import Testing

@testable import FuldmagtWorker

/// Topics that end before what was read of them, as after an unclean election.
@Suite struct CutOffTests {
    private let anna = TestCluster.anna
    private let bent = TestCluster.bent
    private let carl = TestCluster.carl
    /// Anna's other number, which lies in another shard.
    private let new = "6101500030"

    private func lived() throws -> TestCluster {
        let cluster = try TestCluster()
        cluster.defineCatalogue()
        cluster.move(anna, to: "0101", on: "2020-01-01", id: "home")
        cluster.issue(anna, to: bent, ["tax"], id: "g")
        try cluster.drain()
        cluster.renumber(anna, to: new, id: "n")
        try cluster.drain()
        #expect(cluster.answer("n") == "accepted")
        return cluster
    }

    private func expectGap(_ cluster: TestCluster, _ topic: Topic) {
        let stop = #expect(throws: WorkerStop.self) { try cluster.drain() }
        #expect(stop?.kind == .gap)
        #expect(stop?.text.contains(topic.name) == true)
        #expect(stop?.text.contains("ends at") == true)
        cluster.abandon()
    }

    /// - Returns: whether any partition had anything to lose.
    private func loseLast(of topic: Topic, _ cluster: TestCluster, leaving least: Int64 = 1) -> Bool {
        var hasLost = false
        for partition in 0..<cluster.partitions {
            let end = cluster.broker.written(topic, partition: partition)
            guard end > least else { continue }
            cluster.broker.cutOff(topic, partition: partition, at: end - 1)
            hasLost = true
        }
        return hasLost
    }

    @Test("an inbox is never read again from its beginning: what was handed over would be taken in twice")
    func inbox() throws {
        let cluster = try lived()
        // Something comes after what was handed over.
        cluster.clock.advance(days: 1)
        try cluster.drain()
        try cluster.stop()
        let outcomes = cluster.said(.outcomes).count
        #expect(loseLast(of: .inbox, cluster))
        expectGap(cluster, .inbox)
        cluster.options.acceptsGap = true
        cluster.issue(new, to: carl, ["tax"], id: "after")
        try cluster.drain()
        #expect(cluster.answer("after") == "accepted")
        #expect(cluster.said(.outcomes).count == outcomes + 1)
        try cluster.stop()
        #expect(try cluster.check() == [])
    }

    @Test("commands are read again from their first record, and none is done again")
    func commands() throws {
        let cluster = try lived()
        cluster.issue(bent, to: carl, ["tax"], id: "kept")
        cluster.revoke(bent, from: carl, ["tax"], id: "lost")
        try cluster.drain()
        try cluster.stop()
        let told = cluster.notifications(to: carl).count { $0.hasPrefix("grant-received") }
        #expect(loseLast(of: .grantCommands, cluster, leaving: 0))
        expectGap(cluster, .grantCommands)
        cluster.options.acceptsGap = true
        cluster.issue(carl, to: bent, ["tax"], id: "after")
        try cluster.drain()
        #expect(cluster.answer("after") == "accepted")
        #expect(cluster.answer("kept") == "accepted")
        #expect(cluster.notifications(to: carl).count { $0.hasPrefix("grant-received") } == told)
        try cluster.stop()
        #expect(try cluster.check() == [])
    }

    @Test("where a topic goes on that was cut off is kept, also where nothing has come into it yet")
    func restated() throws {
        let cluster = try lived()
        for number in 0..<4 { cluster.issue(bent, to: carl, ["tax"], id: "old-\(number)") }
        try cluster.drain()
        try cluster.stop()
        let partition = Murmur2.partition(of: bent, partitions: cluster.partitions)
        let end = Int(cluster.broker.written(.grantCommands, partition: partition))
        cluster.broker.cutOff(.grantCommands, partition: partition, at: 0)
        cluster.options.acceptsGap = true
        try cluster.drain()
        try cluster.stop()
        // As the manual says, the setting is for one start.
        cluster.options.acceptsGap = false
        for number in 0..<end + 2 { cluster.issue(bent, to: carl, ["tax"], id: "new-\(number)") }
        try cluster.drain()
        #expect((0..<end + 2).filter { cluster.outcomes(of: "new-\($0)").count != 1 } == [])
        try cluster.stop()
        #expect(try cluster.check() == [])
    }

    @Test("a catalogue that ends before what was read of it ends the worker: the next start reads what there is")
    func catalogue() throws {
        let cluster = try lived()
        cluster.broker.cutOff(.catalogue, partition: 0, at: 1)
        let failure = #expect(throws: LogFailure.self) { try cluster.loop?.turn() }
        #expect(failure?.consequence == .fatal)
        #expect(failure?.text.contains("fuldmagt.catalogue ends at 1") == true)
        cluster.abandon()
        // What was answered of it is not there any more.
        expectGap(cluster, .catalogue)
        cluster.options.acceptsGap = true
        cluster.issue(bent, to: carl, ["tax"], id: "gone")
        try cluster.drain()
        #expect(cluster.answer("gone").hasPrefix("rejected unknown-package"))
        // Said again by whoever keeps it, it is answered again.
        cluster.package("tax", scope: "national")
        try cluster.drain()
        #expect(cluster.outcomes(of: "define-tax").count == 2)
        cluster.issue(bent, to: carl, ["tax"], id: "back")
        try cluster.drain()
        #expect(cluster.answer("back") == "accepted")
    }

    /// Citizens of two shards have care where they live, and two records that concern nobody stand at the catalogue's end.
    private func withCare() throws -> (TestCluster, end: Int64) {
        let cluster = try TestCluster()
        cluster.defineCatalogue()
        #expect(Set([anna, new].map { Murmur2.partition(of: $0, partitions: cluster.partitions) }).count == 2)
        for citizen in [anna, new] { cluster.move(citizen, to: "0101", on: "2020-01-01", id: "to-\(citizen)") }
        try cluster.drain()
        for citizen in [anna, new] { cluster.issue(citizen, to: carl, ["care"], id: "care-\(citizen)") }
        cluster.package("waste", scope: "national")
        cluster.package("roads", scope: "national")
        try cluster.drain()
        try cluster.stop()
        return (cluster, cluster.broker.written(.catalogue, partition: 0))
    }

    @Test("grants follow what a catalogue says that was cut off and written on, in every shard")
    func grantsFollow() throws {
        let (cluster, end) = try withCare()
        cluster.broker.cutOff(.catalogue, partition: 0, at: end - 2)
        // Below the end that the shards' citizens were looked at under.
        cluster.activate("care", in: "0101", until: "2026-11-01", id: "ends")
        expectGap(cluster, .catalogue)
        cluster.options.acceptsGap = true
        try cluster.drain()
        for citizen in [anna, new] { #expect(cluster.notifications(to: citizen).last == "grant-dormant digital-post") }
        let told = cluster.said(.notifications).count
        try cluster.stop()
        // They were looked at once; the next start needs no setting, and tells nobody again.
        cluster.options.acceptsGap = false
        try cluster.drain()
        #expect(cluster.said(.notifications).count == told)
        cluster.activate("care", in: "0101", id: "again")
        try cluster.drain()
        for citizen in [anna, new] { #expect(cluster.notifications(to: citizen).last == "grant-awake digital-post") }
        try cluster.stop()
        #expect(try cluster.check() == [])
    }

    @Test("grants follow what came between, where what was lost has been said again already")
    func saidAgain() throws {
        let (cluster, end) = try withCare()
        cluster.broker.cutOff(.catalogue, partition: 0, at: end - 2)
        cluster.activate("care", in: "0101", until: "2026-11-01", id: "ends")
        cluster.package("waste", scope: "national")
        cluster.package("roads", scope: "national")
        cluster.options.acceptsGap = true
        try cluster.drain()
        for citizen in [anna, new] { #expect(cluster.notifications(to: citizen).last == "grant-dormant digital-post") }
        try cluster.stop()
    }

    @Test("grants sleep where a catalogue that was cut off says nothing any more")
    func nothingSaid() throws {
        let cluster = try TestCluster()
        cluster.defineCatalogue()
        cluster.activate("care", in: "0461")
        cluster.move(anna, to: "0461", on: "2020-01-01", id: "home")
        try cluster.drain()
        cluster.issue(anna, to: carl, ["care"], id: "g")
        try cluster.drain()
        #expect(cluster.answer("g") == "accepted")
        try cluster.stop()
        cluster.broker.cutOff(.catalogue, partition: 0, at: cluster.broker.written(.catalogue, partition: 0) - 1)
        cluster.options.acceptsGap = true
        try cluster.drain()
        #expect(cluster.notifications(to: anna).last == "grant-dormant digital-post")
        try cluster.stop()
    }

    @Test("a look that was asked for before the catalogue was cut off says nothing of what it says now")
    func askedBefore() throws {
        let (cluster, end) = try withCare()
        let shard = Murmur2.partition(of: anna, partitions: cluster.partitions)
        let asked = try #require(
            cluster.said(.inbox, in: shard).last { $0.text("step") == "begin" && $0.text("changedAt") != nil })
        #expect(asked.text("position") == "\(end)")
        cluster.append(asked, to: shard)
        cluster.broker.cutOff(.catalogue, partition: 0, at: end - 2)
        cluster.activate("care", in: "0101", until: "2026-11-01", id: "ends")
        cluster.options.acceptsGap = true
        try cluster.drain()
        #expect(cluster.notifications(to: anna).last == "grant-dormant digital-post")
        // Still not beyond the old end.
        cluster.activate("care", in: "0101", id: "again")
        try cluster.drain()
        #expect(cluster.notifications(to: anna).last == "grant-awake digital-post")
        try cluster.stop()
    }

    @Test("what wakes as the end of its activation was lost wakes now, not when the activation began")
    func wakesNow() throws {
        let (cluster, _) = try withCare()
        cluster.clock.advance(days: 20)
        cluster.activate("care", in: "0101", until: "2026-12-01", id: "ends")
        try cluster.drain()
        try cluster.stop()
        cluster.broker.cutOff(.catalogue, partition: 0, at: cluster.broker.written(.catalogue, partition: 0) - 1)
        cluster.options.acceptsGap = true
        try cluster.drain()
        let told = try #require(cluster.said(.notifications).last { $0.text("recipient.cpr") == anna })
        #expect(told.text("kind") == "grant-awake")
        #expect(told.text("createdAt") == cluster.clock.now.withLock { $0 }.description)
        try cluster.stop()
    }

    @Test("a topic that seems cut off for a moment is asked again")
    func forAMoment() throws {
        let cluster = try lived()
        try cluster.stop()
        let partition = try #require(
            (0..<cluster.partitions).first { cluster.broker.written(.grantCommands, partition: $0) > 0 })
        let kept = cluster.broker.read(.grantCommands, partition: partition)
        cluster.broker.cutOff(.grantCommands, partition: partition, at: 0)
        let broker = cluster.broker
        cluster.onPause.withLock {
            $0.act = {
                guard broker.written(.grantCommands, partition: partition) == 0 else { return }
                kept.withRecords { records in
                    for record in records {
                        broker.append(
                            topic: .grantCommands, partition: partition, key: record.key.map(Array.init), headers: [],
                            value: record.value.map(Array.init), timestamp: record.timestamp)
                    }
                }
            }
        }
        try cluster.drain()
        cluster.issue(carl, to: bent, ["tax"], id: "after")
        try cluster.drain()
        #expect(cluster.answer("after") == "accepted")
    }

    @Test("a worker that goes on over a gap and dies opens its files again, whenever that is", arguments: 0..<12)
    func killedAfterGap(turns: Int) throws {
        let cluster = try lived()
        try cluster.stop()
        cluster.options.acceptsGap = true
        try cluster.start()
        for _ in 0..<turns { _ = try cluster.loop?.turn() }
        cluster.abandon()
        cluster.options.acceptsGap = false
        cluster.issue(new, to: carl, ["tax"], id: "after")
        try cluster.drain()
        #expect(cluster.answer("after") == "accepted")
        #expect(try cluster.check() == [])
    }
}
