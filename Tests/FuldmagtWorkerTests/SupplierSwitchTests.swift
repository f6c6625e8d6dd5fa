import FuldmagtDomain
import FuldmagtStore
import Testing

/// A municipality replaces the it-system behind a task: what its citizens notice.
@Suite struct SupplierSwitchTests {
    private let anna = TestCluster.anna
    private let bent = TestCluster.bent
    private let carl = TestCluster.carl

    /// Anna has given Bent a grant to a package for all, and one that is bound to the old it-system.
    private func begin(successor: String, kle: String = "27.60.20") throws -> TestCluster {
        let cluster = try TestCluster()
        cluster.defineCatalogue()
        cluster.system("urn:example:old")
        cluster.package(
            "own", scope: "itSystem", extra: #","itSystem":"urn:example:old","successor":"\#(successor)""#)
        cluster.package("next", scope: "itSystem", kle: kle, extra: #","itSystem":"urn:example:new""#)
        cluster.move(anna, to: "0101", on: "2020-01-01", id: "home")
        try cluster.drain()
        cluster.issue(anna, to: bent, ["care", "own"], id: "g")
        try cluster.drain()
        #expect(cluster.answer("g") == "accepted")
        return cluster
    }

    private func notified(_ cluster: TestCluster, of cause: String) -> [String] {
        cluster.said(.notifications).filter { $0.text("cause.id") == cause || $0.text("recipient.cpr") == bent }
            .compactMap { said in
                guard let kind = said.text("kind"), kind != "grant-given", kind != "grant-received" else { return nil }
                return "\(said.text("recipient.cpr") == anna ? "anna" : "bent") \(kind)"
            }.sorted()
    }

    @Test("a grant to a package for all never notices; one bound to the old system goes on as its successor")
    func withSuccessor() throws {
        let cluster = try begin(successor: "next")
        cluster.system("urn:example:new", replaces: "urn:example:old")
        cluster.send(
            "activation.set",
            #"{"municipality":"0101","package":"care","itSystem":"urn:example:new","from":"2020-01-01"}"#,
            id: "new-care", key: "activation/0101/care/urn:example:new")
        cluster.activate("care", in: "0101", until: "2026-11-23", id: "old-care")
        try cluster.drain()
        #expect(notified(cluster, of: "define-urn:example:new") == ["anna grant-corrected", "bent grant-corrected"])
        let grants = try cluster.dump().filter { $0.contains(#""table":"grant""#) }
        #expect(grants.contains { $0.contains(#""package":"care""#) && $0.contains(#""state":"active""#) })
        #expect(grants.contains { $0.contains(#""package":"next""#) && $0.contains(#""state":"active""#) })
        #expect(!grants.contains { $0.contains(#""package":"own""#) })
        #expect(
            try cluster.dump().contains { $0.contains(#""table":"received""#) && $0.contains(#""package":"next""#) })
        // The old privilege can no longer be given; the grant is revoked by its new name.
        cluster.issue(anna, to: carl, ["own"], id: "too-late")
        cluster.revoke(anna, from: bent, ["next"], id: "r")
        try cluster.drain()
        #expect(cluster.answer("too-late") == "rejected package-retired@packages[0]")
        #expect(cluster.outcomes(of: "too-late").first?.text("reasons.0.en")?.contains("next") == true)
        #expect(cluster.answer("r") == "accepted")
        #expect(try cluster.check() == [])
    }

    private func states(_ cluster: TestCluster, of package: String) throws -> [String] {
        try cluster.dump().filter { $0.contains(#""table":"grant""#) && $0.contains(#""package":"\#(package)""#) }
            .compactMap { $0.firstMatch(of: /"state":"([a-z]+)"/).map { String($0.1) } }
    }

    @Test(
        "what was signed can be taken back by the name it was signed under, whenever the switch is told",
        arguments: [true, false], ["own", "next"])
    func revokedByName(isSwitchedBefore: Bool, name: String) throws {
        let cluster = try begin(successor: "next")
        cluster.system("urn:example:new", replaces: "urn:example:old")
        if isSwitchedBefore {
            try cluster.drain()
            #expect(try states(cluster, of: "next") == ["active"])
        }
        cluster.revoke(anna, from: bent, [name], id: "r")
        try cluster.drain()
        #expect(cluster.answer("r") == "accepted")
        #expect(try states(cluster, of: isSwitchedBefore ? "next" : "own") == ["revoked"])
        #expect(cluster.notifications(to: bent).last == "grant-revoked digital-post")
        #expect(try cluster.check() == [])
    }

    @Test("the name that was signed is found when the catalogue no longer knows it, and by both names it ends once")
    func revokedByForgottenName() throws {
        let cluster = try begin(successor: "next")
        cluster.system("urn:example:new", replaces: "urn:example:old")
        try cluster.drain()
        cluster.broker.append(topic: .catalogue, partition: 0, key: Array("package/own".utf8), headers: [], value: nil)
        cluster.issue(anna, to: bent, ["next"], id: "again")
        cluster.revoke(anna, from: bent, ["own", "next"], id: "r")
        try cluster.drain()
        #expect(cluster.answer("again") == "rejected already-granted@packages[0]")
        #expect(cluster.answer("r") == "accepted")
        #expect((cluster.outcomes(of: "r").first?.json["grants"] as? [Any])?.count == 1)
        #expect(try states(cluster, of: "next") == ["revoked"])
    }

    @Test("one who has it by the old name already has what succeeds it, before their grant is renamed, too")
    func alreadyGranted() throws {
        let cluster = try begin(successor: "next")
        cluster.system("urn:example:new", replaces: "urn:example:old")
        cluster.issue(anna, to: bent, ["next"], id: "before")
        try cluster.drain()
        cluster.issue(anna, to: bent, ["own"], id: "after")
        try cluster.drain()
        #expect(cluster.answer("before") == "rejected already-granted@packages[0]")
        #expect(cluster.answer("after") == "rejected already-granted@packages[0] package-retired@packages[0]")
        #expect(try states(cluster, of: "next") == ["active"])
    }

    @Test(
        "without a successor that fits, it ends with an explanation to both",
        arguments: [("none", "27.60.20"), ("next", "27"), ("next", "28.09")])
    func withoutSuccessor(successor: String, kle: String) throws {
        let cluster = try begin(successor: successor, kle: kle)
        cluster.system("urn:example:new", replaces: "urn:example:old")
        try cluster.drain()
        // The notices of the giving were unsent; they are withdrawn.
        #expect(
            notified(cluster, of: "define-urn:example:new")
                == ["anna cancelled", "anna grant-ended", "bent cancelled", "bent grant-ended"])
        let ended = cluster.said(.notifications).filter { $0.text("kind") == "grant-ended" }
        #expect(ended.allSatisfy { $0.text("body")?.contains("it-system") == true })
        #expect(ended.allSatisfy { $0.text("body")?.contains("København") == false })
        let grants = try cluster.dump().filter { $0.contains(#""table":"grant""#) }
        #expect(grants.contains { $0.contains(#""package":"own""#) && $0.contains(#""state":"ended""#) })
        #expect(try cluster.check() == [])
    }

    @Test("many citizens are looked at in bounded steps, by any worker, and each is told once")
    func inBoundedSteps() throws {
        let cluster = try begin(successor: "none")
        cluster.options.sweepRows = 3
        try cluster.stop()
        let grantors = (20..<50).map { "61015000\($0)" }
        for grantor in grantors { cluster.issue(grantor, to: bent, ["own"], id: "g-\(grantor)") }
        try cluster.drain()
        cluster.system("urn:example:new", replaces: "urn:example:old")
        // The worker dies on the way; the next one goes on.
        try cluster.loop?.turn()
        try cluster.loop?.turn()
        cluster.abandon()
        try cluster.drain()
        let ended = cluster.said(.notifications).filter { $0.text("kind") == "grant-ended" }
        #expect(ended.count == 2 * (grantors.count + 1))
        #expect(Set(ended.compactMap { $0.text("id") }).count == ended.count)
        #expect(try cluster.check() == [])
    }

    @Test("a file that was on its way while both shards followed the switch follows it where it arrives")
    func onItsWay() throws {
        let new = "6101500030"
        let identity = TestCluster.keys.identity(of: .person(try CPR(new, today: .last)), partitions: 4)
        let before = try begin(successor: "next")
        before.renumber(anna, to: new, id: "n")
        try before.drain()
        let handover = try #require(
            before.said(.inbox, in: identity.shard).first { $0.description.contains(#""passages":"#) })
        // The new number's shard had been looked through before the file was sent, and the old one's after that.
        let cluster = try begin(successor: "next")
        cluster.system("urn:example:new", replaces: "urn:example:old")
        try cluster.drain()
        cluster.append(handover, to: identity.shard)
        try cluster.drain()
        let grants = try cluster.dump().filter {
            $0.contains(#""table":"grant""#) && $0.contains(identity.pseudonym.description)
        }
        #expect(grants.count == 2 && !grants.contains { $0.contains(#""package":"own""#) })
        #expect(grants.contains { $0.contains(#""package":"next""#) && $0.contains(#""state":"active""#) })
        #expect(cluster.notifications(to: new) == ["grant-corrected digital-post"])
    }

    /// Anna has given Bent a grant bound to a system, which is given up for another, and that for a third.
    @Test(
        "two switches seen at once are followed to the end, in whatever order the packages' ids are",
        arguments: [("z1", "a2", "m3"), ("a1", "z2", "none"), ("z1", "a2", "none")], [1, 100])
    func twoAtOnce(ids: (String, String, String), rows: Int) throws {
        let (first, second, third) = ids
        let cluster = try TestCluster()
        cluster.options.sweepRows = rows
        cluster.defineCatalogue()
        cluster.system("urn:s1")
        cluster.package(first, scope: "itSystem", extra: #","itSystem":"urn:s1","successor":"\#(second)""#)
        cluster.package(second, scope: "itSystem", extra: #","itSystem":"urn:s2","successor":"\#(third)""#)
        if third != "none" { cluster.package(third, scope: "itSystem", extra: #","itSystem":"urn:s3""#) }
        for (at, grantor) in [anna, carl].enumerated() { cluster.issue(grantor, to: bent, [first], id: "g\(at)") }
        try cluster.drain()
        cluster.system("urn:s2", replaces: "urn:s1")
        cluster.system("urn:s3", replaces: "urn:s2")
        try cluster.drain()
        let isOver = third == "none"
        let state = isOver ? "ended" : "active"
        #expect(try states(cluster, of: isOver ? first : third) == [state, state])
        #expect(try states(cluster, of: second) == [])
        // Told once, for the whole way.
        #expect(
            cluster.notifications(to: anna).suffix(1) == ["grant-\(isOver ? "ended" : "corrected") digital-post"])
        #expect(cluster.notifications(to: anna).count == (isOver ? 3 : 2))
        #expect(try cluster.check() == [])
    }

    @Test("a switch that is switched back leaves the former package as it was, to be given and defined anew")
    func switchedBack() throws {
        let cluster = try TestCluster()
        cluster.defineCatalogue()
        cluster.system("urn:s1")
        cluster.package("one", scope: "itSystem", extra: #","itSystem":"urn:s1","successor":"two""#)
        cluster.package("two", scope: "itSystem", extra: #","itSystem":"urn:s2","successor":"one""#)
        cluster.issue(anna, to: bent, ["one"], id: "g")
        try cluster.drain()
        cluster.system("urn:s2", replaces: "urn:s1")
        try cluster.drain()
        #expect(try states(cluster, of: "two") == ["active"])
        cluster.system("urn:s1", replaces: "urn:s2", id: "back")
        try cluster.drain()
        #expect(try states(cluster, of: "one") == ["active"])
        cluster.package("one", scope: "itSystem", version: 2, extra: #","itSystem":"urn:s1","successor":"two""#)
        try cluster.drain()
        #expect(try states(cluster, of: "one") == ["active"] && states(cluster, of: "two") == [])
        #expect(cluster.notifications(to: bent).count == 3)
        cluster.issue(carl, to: bent, ["one"], id: "anew")
        cluster.issue(carl, to: bent, ["two"], id: "too-late")
        cluster.revoke(anna, from: bent, ["two"], id: "r")
        try cluster.drain()
        #expect(cluster.answer("anew") == "accepted")
        #expect(cluster.answer("too-late").contains("package-retired@packages[0]"))
        #expect(cluster.answer("r") == "accepted")
        #expect(try cluster.check() == [])
    }
}
