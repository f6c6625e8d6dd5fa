import FuldmagtDomain
import FuldmagtWorker
import Testing

/// Commands that are decided after their day, as of their day: what has come since holds for them too.
@Suite struct LateDecisionTests {
    private let anna = TestCluster.anna
    private let bent = TestCluster.bent
    private let carl = TestCluster.carl

    private func cluster() throws -> TestCluster {
        let cluster = try TestCluster()
        cluster.options.parkedSeconds = 10 * 86_400
        cluster.defineCatalogue()
        cluster.move(anna, to: "0101", on: "2026-01-01", id: "home")
        try cluster.drain()
        // What fails is repeated for a while, and that takes time.
        let clock = cluster.clock
        cluster.onPause.withLock { $0.act = { clock.nanoseconds.withLock { $0 += 1_000_000_000 } } }
        return cluster
    }

    /// Parks what is sent, goes on by a day with the catalogue back, and has it decided.
    private func decidedNextDay(_ cluster: TestCluster, _ send: () throws -> Void) throws {
        cluster.broker.failCatalogue(LogFailure(.retry, "no leader"))
        try send()
        try cluster.drain()
        // The new day is looked through for before what waits is decided.
        cluster.clock.advance(days: 1)
        try cluster.drain()
        cluster.broker.failCatalogue(nil)
        cluster.clock.advance(seconds: 61)
        try cluster.drain()
    }

    private func decease(_ cpr: String, on day: String, _ cluster: TestCluster) {
        cluster.send("move.decease", #"{"citizen":{"cpr":"\#(cpr)"},"effective":"\#(day)"}"#, id: "death", key: cpr)
    }

    private func states(_ cluster: TestCluster, _ table: String = "grant") throws -> [String] {
        try cluster.dump().filter { $0.contains(#""table":"\#(table)""#) }.compactMap {
            $0.firstMatch(of: /"state":"([a-z]+)"/).map { String($0.1) }
        }
    }

    private func later(_ cluster: TestCluster) throws {
        cluster.clock.advance(days: 1)
        try cluster.drain()
    }

    @Test("what was over when its representative was found dead has expired, whoever is looked at first")
    func overBeforeFoundDead() throws {
        let cluster = try TestCluster(partitions: 1)
        cluster.defineCatalogue()
        let pairs = (30..<38).map { ("61015000\($0)", "61025000\($0)") }
        for (grantor, _) in pairs { cluster.move(grantor, to: "0101", on: "2026-01-01", id: "home-\(grantor)") }
        try cluster.drain()
        for (grantor, holder) in pairs {
            cluster.issue(grantor, to: holder, ["care"], id: "g-\(grantor)", until: "2026-11-25")
            cluster.send(
                "move.decease", #"{"citizen":{"cpr":"\#(holder)"},"effective":"2026-11-27"}"#, id: "d-\(holder)",
                key: holder)
        }
        try cluster.drain()
        #expect(try states(cluster) == pairs.map { _ in "active" })
        // Both days have passed when anybody is looked at again.
        cluster.clock.advance(days: 4)
        try cluster.drain()
        #expect(try states(cluster) == pairs.map { _ in "expired" })
        #expect(try states(cluster, "received") == pairs.map { _ in "expired" })
        for (grantor, holder) in pairs {
            #expect(!cluster.notifications(to: holder).contains { $0.hasPrefix("cancelled") })
            #expect(!cluster.notifications(to: grantor).contains { $0.hasPrefix("grant-ended") })
        }
        #expect(try cluster.check() == [])
    }

    @Test("what is left of a change of the catalogue when the day turns does not bring back the day before")
    func catalogueOverMidnight() throws {
        let cluster = try TestCluster(partitions: 1)
        cluster.options.sweepSize = 1
        cluster.defineCatalogue()
        let movers = (60..<64).map { "61015000\($0)" }
        let others = (30..<50).map { "61015000\($0)" }
        for cpr in others { cluster.move(cpr, to: "0461", on: "2026-01-01", id: "home-\(cpr)") }
        for cpr in movers { cluster.move(cpr, to: "0101", on: "2026-01-01", id: "home-\(cpr)") }
        try cluster.drain()
        for cpr in movers {
            cluster.issue(cpr, to: bent, ["care"], id: "g-\(cpr)")
            cluster.move(cpr, to: "0461", on: "2026-11-25", id: "away-\(cpr)")
        }
        try cluster.drain()
        try cluster.stop()
        // In the evening, while nobody works, something else is offered where they move to.
        cluster.package("waste", scope: "municipal")
        cluster.activate("waste", in: "0461")
        cluster.clock.advance(days: 1)
        try cluster.drain()
        #expect(try states(cluster) == movers.map { _ in "dormant" })
        #expect(!cluster.said(.notifications).contains { $0.text("kind") == "grant-awake" })
        #expect(try cluster.check() == [])
    }

    @Test(
        "what an activation's last day brought about names it, whether the move there was decided in one turn with it or before",
        arguments: [true, false])
    func movedInTheSameTurn(isTogether: Bool) throws {
        let cluster = try cluster()
        cluster.activate("care", in: "0751", until: "2026-11-24", id: "ends")
        try cluster.drain()
        try decidedNextDay(cluster) {
            cluster.move(anna, to: "0751", on: "2026-11-24", id: "moves")
            try cluster.drain()
            if isTogether { cluster.issue(anna, to: bent, ["care"], id: "g") }
        }
        if !isTogether {
            try forwardedLate(
                cluster, "grant.issue",
                #"{"grantor":{"cpr":"\#(anna)"},"representative":{"cpr":"\#(bent)"},"packages":["care"],"validUntil":"2028-01-01","channel":"digital"}"#,
                id: "g")
        }
        #expect(try states(cluster) == ["dormant"])
        let told = cluster.said(.notifications).last {
            $0.text("kind") == "grant-dormant" && $0.text("recipient.cpr") == anna
        }
        #expect(told?.text("cause.id") == "ends")
    }

    @Test("given before a move took effect and decided after it: dormant where the package is not offered")
    func grantorMoved() throws {
        let cluster = try cluster()
        cluster.move(anna, to: "0461", on: "2026-11-25", id: "away")
        try cluster.drain()
        try decidedNextDay(cluster) { cluster.issue(anna, to: bent, ["care"], id: "g") }
        #expect(cluster.outcomes(of: "g").last?.text("status") == "accepted")
        #expect(try states(cluster) == ["dormant"] && states(cluster, "received") == ["dormant"])
        let told = cluster.said(.notifications).filter { $0.text("kind") == "grant-dormant" }
        #expect(told.count == 2 && told.contains { $0.text("cause.id") == "away" })
        let count = cluster.said(.notifications).count
        try later(cluster)
        #expect(cluster.said(.notifications).count == count)
        #expect(try cluster.check() == [])
    }

    @Test("given to somebody who died before it was decided: ended, and the dead are told nothing")
    func representativeDied() throws {
        let cluster = try cluster()
        decease(bent, on: "2026-11-25", cluster)
        try cluster.drain()
        try decidedNextDay(cluster) { cluster.issue(anna, to: bent, ["tax"], id: "g") }
        #expect(cluster.outcomes(of: "g").last?.text("status") == "accepted")
        #expect(try states(cluster) == ["ended"] && states(cluster, "received") == ["ended"])
        #expect(cluster.notifications(to: bent) == [])
        #expect(cluster.notifications(to: anna).contains("grant-ended digital-post"))
        try later(cluster)
        #expect(try cluster.check() == [])
    }

    /// Written the day before, in a partition that nobody read until now: it is forwarded with its first time.
    private func forwardedLate(_ cluster: TestCluster, _ type: String, _ data: String, id: String) throws {
        let shard = TestCluster.keys.identity(of: .person(try CPR(anna, today: .last)), partitions: 4).shard
        cluster.clock.advance(days: -1)
        cluster.send(type, data, id: id, key: anna, partition: (shard + 1) % 4)
        cluster.clock.advance(days: 1)
        try cluster.drain()
    }

    @Test("given by somebody whose death has been processed: ended")
    func grantorDied() throws {
        let cluster = try cluster()
        try later(cluster)
        decease(anna, on: "2026-11-25", cluster)
        try cluster.drain()
        try forwardedLate(
            cluster, "grant.issue",
            #"{"grantor":{"cpr":"\#(anna)"},"representative":{"cpr":"\#(bent)"},"packages":["tax"],"validUntil":"2028-01-01","channel":"digital"}"#,
            id: "g")
        #expect(cluster.answer("g") == "accepted")
        #expect(try states(cluster) == ["ended"] && states(cluster, "received") == ["ended"])
        #expect(cluster.notifications(to: anna) == [])
        #expect(
            cluster.notifications(to: bent) == [
                "grant-received digital-post", "cancelled digital-post", "grant-ended digital-post",
            ])
        #expect(try cluster.check() == [])
    }

    @Test("a move decided after a later one took effect changes nothing but the history")
    func olderMove() throws {
        let cluster = try cluster()
        cluster.issue(anna, to: bent, ["care"], id: "g")
        cluster.move(anna, to: "0461", on: "2026-11-25", id: "away")
        try cluster.drain()
        try later(cluster)
        #expect(try states(cluster) == ["dormant"])
        let count = cluster.said(.notifications).count
        try forwardedLate(
            cluster, "move.relocate",
            #"{"citizen":{"cpr":"\#(anna)"},"to":"0751","effective":"2026-11-24"}"#, id: "late")
        #expect(cluster.answer("late") == "accepted")
        #expect(try states(cluster) == ["dormant"])
        #expect(cluster.said(.notifications).count == count)
        // Where she lives is what the catalogue's changes are looked for by.
        cluster.activate("care", in: "0461")
        try cluster.drain()
        #expect(try states(cluster) == ["active"])
        #expect(try cluster.check() == [])
    }

    /// Written on the next day, and decided while the worker's clock has not come to it: no shard has been looked through
    /// for that day.
    private func decidedAhead(_ cluster: TestCluster, _ send: () -> Void) throws {
        cluster.clock.advance(days: 1)
        send()
        cluster.clock.advance(days: -1)
        try cluster.drain()
    }

    @Test("given on the day before a death that was decided first, neither after its day's look: ended with that")
    func deathDecidedAhead() throws {
        for dead in [anna, bent] {
            let cluster = try cluster()
            try decidedAhead(cluster) { decease(dead, on: "2026-11-25", cluster) }
            #expect(cluster.answer("death") == "accepted")
            cluster.issue(anna, to: bent, ["tax"], id: "g")
            try cluster.drain()
            #expect(cluster.answer("g") == "accepted")
            #expect(try states(cluster) == ["active"] && states(cluster, "received") == ["active"])
            try later(cluster)
            #expect(try states(cluster) == ["ended"] && states(cluster, "received") == ["ended"])
            #expect(cluster.notifications(to: dead == anna ? bent : anna).contains("grant-ended digital-post"))
            #expect(try !cluster.dump().contains { $0.contains(#""table":"due""#) })
            #expect(try cluster.check() == [])
        }
    }

    @Test("given on the day before a move that was decided first, neither after its day's look: dormant with that")
    func moveDecidedAhead() throws {
        let cluster = try cluster()
        try decidedAhead(cluster) { cluster.move(anna, to: "0461", on: "2026-11-25", id: "away") }
        cluster.issue(anna, to: bent, ["care"], id: "g")
        try cluster.drain()
        #expect(cluster.answer("g") == "accepted")
        #expect(try states(cluster) == ["active"])
        try later(cluster)
        #expect(try states(cluster) == ["dormant"] && states(cluster, "received") == ["dormant"])
        #expect(try cluster.check() == [])
    }

    @Test("a file that comes from a shard where a death has been processed to one that has not come to its day")
    func handedOver() throws {
        let cluster = try cluster()
        let new = "6101500030"
        try decidedAhead(cluster) {
            cluster.renumber(bent, to: new, id: "n")
            decease(new, on: "2026-11-25", cluster)
        }
        cluster.issue(anna, to: new, ["tax"], id: "g")
        try cluster.drain()
        #expect(try states(cluster) == ["active"])
        try later(cluster)
        #expect(try states(cluster) == ["ended"] && states(cluster, "received") == ["ended"])
        #expect(try cluster.check() == [])
    }
}
