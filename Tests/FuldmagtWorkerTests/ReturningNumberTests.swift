import Foundation
import FuldmagtDomain
import FuldmagtStore
import FuldmagtWorker
import Testing

/// Two changes of one person's numbers cross: their file, and what followed it, are still on their way back to a number that
/// is in use again.
@Suite struct ReturningNumberTests {
    private let anna = TestCluster.anna
    private let bent = TestCluster.bent
    /// Anna's other number, which lies in another shard.
    private let new = "6101500030"

    private func shard(_ digits: String) -> Int32 {
        do {
            return TestCluster.keys.identity(of: .person(try CPR(digits, today: .last)), partitions: 4).shard
        } catch { preconditionFailure("no number") }
    }

    /// Anna has given Bent something; gets a new number and the old one back, told of at once.
    private func crossed() throws -> TestCluster {
        let cluster = try TestCluster()
        cluster.defineCatalogue()
        try cluster.drain()
        cluster.issue(anna, to: bent, ["tax"], id: "g")
        try cluster.drain()
        cluster.renumber(anna, to: new, id: "there")
        cluster.clock.advance(seconds: 1)
        cluster.renumber(new, to: anna, id: "back")
        return cluster
    }

    /// The same, with a worker of other options, some turns later.
    private func crossed(after turns: Int, _ change: (inout WorkerOptions) -> Void) throws -> TestCluster {
        let cluster = try crossed()
        change(&cluster.options)
        try cluster.stop()
        try cluster.start()
        for _ in 0..<turns { _ = try cluster.loop?.turn() }
        return cluster
    }

    /// Takes turns until the echo that was asked for is the last that the other number's shard was told.
    private func turnUntilAsked(_ cluster: TestCluster) throws {
        for _ in 0..<10 {
            _ = try cluster.loop?.turn()
            if cluster.said(.inbox, in: shard(new)).last?.description.contains(#""echo":"#) == true { return }
        }
        Issue.record("no echo was asked for")
    }

    /// Takes turns until the echo is asked for, and loses it.
    private func loseEcho(_ cluster: TestCluster) throws {
        try turnUntilAsked(cluster)
        let end = cluster.broker.written(.inbox, partition: shard(new))
        cluster.broker.cutOff(.inbox, partition: shard(new), at: end - 1)
    }

    private func echoes(_ cluster: TestCluster) -> Int {
        cluster.said(.inbox).count { $0.description.contains(#""echo":"#) }
    }

    private func living(_ cluster: TestCluster) throws -> Int {
        try cluster.dump().count { $0.contains(#""table":"grant""#) && $0.contains(#""state":"active""#) }
    }

    @Test("a revocation that comes before the file is back waits for it, and nobody is told")
    func waits() throws {
        let cluster = try crossed()
        try turnUntilAsked(cluster)
        cluster.revoke(anna, from: bent, ["tax"], id: "r")
        try cluster.drain()
        #expect(["there", "back", "r"].map { cluster.answer($0) } == ["accepted", "accepted", "accepted"])
        #expect(try living(cluster) == 0)
        #expect(try cluster.check() == [])
    }

    @Test(
        "whenever something is given, and whenever it is taken back: the later command of the two is decided later",
        arguments: 0..<8, [1, 2, 100])
    func anyMoment(turns: Int, batch: Int) throws {
        for between in 0..<6 {
            let cluster = try crossed(after: turns) { $0.batchRecords = batch }
            cluster.issue(anna, to: TestCluster.carl, ["tax"], id: "given")
            for _ in 0..<between { _ = try cluster.loop?.turn() }
            cluster.revoke(anna, from: TestCluster.carl, ["tax"], id: "taken")
            try cluster.drain()
            #expect(cluster.answer("given") == "accepted" && cluster.answer("taken") == "accepted", "\(between)")
            #expect(try living(cluster) == 1, "what Bent has")
        }
    }

    @Test("once nothing is missing any more nothing waits: what is wrong is refused at once")
    func settled() throws {
        let cluster = try crossed()
        try cluster.drain()
        let asked = echoes(cluster)
        // Nor does a worker that takes over wait for anything: it would ask.
        cluster.abandon()
        cluster.clock.advance(seconds: 20)
        cluster.revoke(anna, from: bent, ["care"], id: "wrong")
        try cluster.drain()
        #expect(cluster.answer("wrong") == "rejected unknown-grant@packages[0]")
        #expect(try living(cluster) == 1)
        #expect(echoes(cluster) == asked)
    }

    @Test("a number that comes back by itself waits for its echo only")
    func alone() throws {
        let cluster = try crossed()
        try cluster.drain()
        cluster.clock.advance(seconds: 1)
        cluster.renumber(anna, to: new, id: "n2")
        try cluster.drain()
        cluster.clock.advance(seconds: 1)
        cluster.renumber(new, to: anna, id: "n3")
        cluster.clock.advance(seconds: 1)
        cluster.revoke(anna, from: bent, ["tax"], id: "r")
        try cluster.drain()
        #expect(["n2", "n3", "r"].map { cluster.answer($0) } == ["accepted", "accepted", "accepted"])
        #expect(try living(cluster) == 0)
    }

    @Test(
        "a worker that dies after any turn knows what it was waiting for, also one that has lost its disk",
        arguments: 1...12, [false, true])
    func restarted(after turns: Int, losesDisk: Bool) throws {
        let cluster = try crossed()
        try turnUntilAsked(cluster)
        cluster.revoke(anna, from: bent, ["tax"], id: "r")
        cluster.issue(anna, to: bent, ["tax"], id: "again")
        for _ in 0..<turns {
            cluster.abandon()
            if losesDisk {
                try FileManager.default.removeItem(atPath: cluster.directory)
                try FileManager.default.createDirectory(atPath: cluster.directory, withIntermediateDirectories: true)
            }
            try cluster.start()
            _ = try cluster.loop?.turn()
        }
        try cluster.drain()
        #expect(["there", "back", "r", "again"].map { cluster.answer($0) } == Array(repeating: "accepted", count: 4))
        #expect(try living(cluster) == 1)
        #expect(cluster.said(.deadLetters).isEmpty)
        #expect(try cluster.check() == [])
    }

    @Test("an echo that is lost is asked for again as long as something waits")
    func lostEcho() throws {
        let cluster = try crossed()
        try loseEcho(cluster)
        cluster.revoke(anna, from: bent, ["tax"], id: "r")
        // A worker that takes over asks at once, as everybody does every ten seconds.
        try cluster.drain()
        cluster.clock.advance(seconds: 20)
        try cluster.drain()
        #expect(cluster.answer("r") == "accepted")
        #expect(try living(cluster) == 0)
    }

    @Test("a command that waits for a file on its way back is not given up, however late that is")
    func patience() throws {
        let cluster = try crossed()
        cluster.options.parkedSeconds = 5
        try loseEcho(cluster)
        cluster.issue(anna, to: TestCluster.carl, ["tax"], id: "waits")
        for _ in 0..<3 {
            cluster.clock.advance(seconds: 20)
            try loseEcho(cluster)
        }
        #expect(cluster.outcomes(of: "waits").isEmpty)
        cluster.clock.advance(seconds: 20)
        try cluster.drain()
        #expect(cluster.answer("waits") == "accepted")
        #expect(try cluster.check() == [])
    }

    /// Three numbers, each replaced by the next, and the echo for the first of them.
    private func lostInCircle() throws -> TestCluster {
        let third = "6101500049"
        let cluster = try TestCluster()
        cluster.defineCatalogue()
        try cluster.drain()
        cluster.issue(anna, to: bent, ["tax"], id: "g")
        try cluster.drain()
        for (number, next) in [(anna, new), (new, third), (third, anna)] {
            cluster.renumber(number, to: next, id: "to-\(next)")
            cluster.clock.advance(seconds: 1)
        }
        try loseEcho(cluster)
        return cluster
    }

    @Test("what goes round in a circle of numbers is taken in once it is back, also where an echo was lost")
    func circle() throws {
        let cluster = try lostInCircle()
        cluster.send(
            "move.decease", #"{"citizen":{"cpr":"\#(bent)"},"effective":"2026-11-22"}"#, id: "dead", key: bent)
        try cluster.drain()
        #expect(cluster.answer("dead") == "accepted")
        #expect(try living(cluster) == 0)
        #expect(try cluster.check() == [])
    }

    @Test("where nothing waits, an echo that was lost is asked for again all the same, until it is back")
    func askedAgain() throws {
        let cluster = try lostInCircle()
        let lost = echoes(cluster)
        cluster.clock.advance(seconds: 20)
        try cluster.drain()
        let asked = echoes(cluster)
        #expect(asked > lost)
        cluster.clock.advance(seconds: 20)
        try cluster.drain()
        #expect(echoes(cluster) == asked)
    }

    @Test("the correction of a death does not overtake it", arguments: 0..<8, [1, 100])
    func correction(turns: Int, batch: Int) throws {
        for between in 1..<5 {
            let cluster = try crossed(after: turns) { $0.batchRecords = batch }
            cluster.send(
                "move.decease", #"{"citizen":{"cpr":"\#(bent)"},"effective":"2026-11-22"}"#, id: "dead", key: bent)
            for _ in 0..<between { _ = try cluster.loop?.turn() }
            cluster.send(
                "move.correct", #"{"citizen":{"cpr":"\#(bent)"},"journal":"J","diedByMistake":true}"#, id: "alive",
                key: bent)
            try cluster.drain()
            #expect(cluster.answer("dead") == "accepted" && cluster.answer("alive") == "accepted")
            #expect(try living(cluster) == 0)
            cluster.issue(anna, to: bent, ["tax"], id: "again")
            try cluster.drain()
            #expect(cluster.answer("again") == "accepted", "\(between)")
        }
    }

    @Test("what waits for the catalogue when everything is back is told so, once")
    func told() throws {
        let cluster = try crossed()
        try turnUntilAsked(cluster)
        cluster.broker.failCatalogue(LogFailure(.retry, "no leader"))
        let clock = cluster.clock
        cluster.onPause.withLock { $0.act = { clock.nanoseconds.withLock { $0 += 1_000_000_000 } } }
        cluster.issue(anna, to: TestCluster.carl, ["tax"], id: "asks")
        cluster.revoke(anna, from: TestCluster.carl, ["tax"], id: "behind")
        try cluster.drain()
        cluster.clock.advance(seconds: 61)
        try cluster.drain()
        #expect(cluster.outcomes(of: "asks").compactMap { $0.text("reasons.0.code") } == ["catalogue-behind"])
        #expect(cluster.outcomes(of: "behind").isEmpty)
        cluster.broker.failCatalogue(nil)
        cluster.clock.advance(seconds: 61)
        try cluster.drain()
        #expect(cluster.outcomes(of: "asks").compactMap { $0.text("status") } == ["parked", "accepted"])
        #expect(cluster.answer("behind") == "accepted")
    }

    @Test("however much comes for the number meanwhile, nothing is given up")
    func many() throws {
        let cluster = try crossed(after: 0) { $0.parkedPerCitizen = 1 }
        try turnUntilAsked(cluster)
        for number in 0..<10 { cluster.issue(anna, to: TestCluster.carl, ["tax"], id: "c\(number)") }
        try cluster.drain()
        #expect(cluster.answer("c0") == "accepted")
        for number in 1..<10 { #expect(cluster.answer("c\(number)") == "rejected already-granted@packages[0]") }
    }

    @Test("a number that is to come one day is noted once everything is back")
    func future() throws {
        let cluster = try crossed()
        try turnUntilAsked(cluster)
        cluster.renumber(anna, to: "6101500049", id: "one-day", on: "2026-12-01")
        cluster.revoke(anna, from: bent, ["tax"], id: "r")
        try cluster.drain()
        #expect(["there", "back", "one-day", "r"].map { cluster.answer($0) } == Array(repeating: "accepted", count: 4))
        #expect(try living(cluster) == 0)
        cluster.clock.advance(days: 8)
        try cluster.drain()
        cluster.issue(anna, to: bent, ["tax"], id: "later")
        try cluster.drain()
        #expect(cluster.answer("later") == "accepted")
        #expect(cluster.outcomes(of: "later").first?.text("position.partition") == "\(shard(anna))")
        #expect(try cluster.check() == [])
    }
}
