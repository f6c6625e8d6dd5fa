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

    @Test("grants follow what a catalogue says that was cut off and written on, in every shard")
    func grantsFollow() throws {
        let cluster = try TestCluster()
        cluster.defineCatalogue()
        let citizens = [anna, new]
        #expect(Set(citizens.map { Murmur2.partition(of: $0, partitions: cluster.partitions) }).count == 2)
        for (number, citizen) in citizens.enumerated() {
            cluster.move(citizen, to: "0101", on: "2020-01-01", id: "to-\(number)")
            try cluster.drain()
            cluster.issue(citizen, to: carl, ["care"], id: "care-\(number)")
        }
        cluster.package("waste", scope: "national")
        cluster.package("roads", scope: "national")
        try cluster.drain()
        try cluster.stop()
        let end = cluster.broker.written(.catalogue, partition: 0)
        cluster.broker.cutOff(.catalogue, partition: 0, at: end - 2)
        // Below the end that the shards' citizens were looked at under.
        cluster.activate("care", in: "0101", until: "2026-11-01", id: "ends")
        expectGap(cluster, .catalogue)
        cluster.options.acceptsGap = true
        try cluster.drain()
        for citizen in citizens { #expect(cluster.notifications(to: citizen).last == "grant-dormant digital-post") }
        let told = cluster.said(.notifications).count
        try cluster.stop()
        // They were looked at once; the next start needs no setting, and tells nobody again.
        cluster.options.acceptsGap = false
        try cluster.drain()
        #expect(cluster.said(.notifications).count == told)
        cluster.activate("care", in: "0101", id: "again")
        try cluster.drain()
        for citizen in citizens { #expect(cluster.notifications(to: citizen).last == "grant-awake digital-post") }
        try cluster.stop()
        #expect(try cluster.check() == [])
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
}
