import FuldmagtDomain
import FuldmagtStore
import Testing

/// A citizen gets another CPR number: everything follows them, and the old number is still found.
@Suite struct RenumberingTests {
    private let anna = TestCluster.anna
    private let bent = TestCluster.bent
    private let carl = TestCluster.carl
    private let new = "6101500030"

    private func shard(_ digits: String) -> Int32 { TestCluster.keys.identity(of: party(digits), partitions: 4).shard }

    private func party(_ digits: String) -> Party {
        do { return .person(try CPR(digits, today: .last)) } catch { preconditionFailure("no number") }
    }

    private func pseudonym(_ digits: String) -> String { TestCluster.keys.pseudonym(of: party(digits)).description }

    /// Anna has given Bent grants, has one from Carl, is exempt, and Bent may read her post.
    private func begin() throws -> TestCluster {
        let cluster = try TestCluster()
        cluster.defineCatalogue()
        cluster.move(anna, to: "0101", on: "2020-01-01", id: "home")
        try cluster.drain()
        cluster.issue(anna, to: bent, ["care", "tax"], id: "g")
        cluster.issue(carl, to: anna, ["tax"], id: "h")
        cluster.send(
            "readaccess.grant", #"{"citizen":{"cpr":"\#(anna)"},"holder":{"cpr":"\#(bent)"}}"#, id: "read", key: anna,
            topic: .exemptionCommands)
        try cluster.drain()
        cluster.send(
            "exemption.register",
            #"{"citizen":{"cpr":"\#(anna)"},"municipality":"0101","form":"FD 001A","journal":"J","caseworker":"c","requestedBy":"citizen","appearedInPerson":true}"#,
            id: "exempt", key: anna)
        try cluster.drain()
        #expect(cluster.answer("exempt") == "accepted")
        return cluster
    }

    @Test("the new number lies in another shard, or this test shows nothing")
    func otherShard() { #expect(shard(anna) != shard(new)) }

    @Test(
        "texts follow as they are, also those that begin with what combines with the character before",
        arguments: ["\u{301}", "\u{200D}a", "\u{FE0F}", "\u{1F3FD}", "x\u{301}", "ø"])
    func combining(text: String) throws {
        let cluster = try TestCluster()
        cluster.move(anna, to: "0101", on: "2020-01-01", id: "home")
        cluster.send(
            "exemption.register",
            #"{"citizen":{"cpr":"\#(anna)"},"municipality":"0101","form":"\#(text)","journal":"\#(text)","caseworker":"\#(text)","requestedBy":"citizen","appearedInPerson":true}"#,
            id: "exempt", key: anna)
        try cluster.drain()
        #expect(cluster.answer("exempt") == "accepted")
        let kept = try #require(try cluster.dump().first { $0.contains(#""table":"exemption""#) })
        cluster.renumber(anna, to: new, id: "n")
        try cluster.drain()
        #expect(cluster.answer("n") == "accepted")
        // Compared as bytes: to equal as strings is less.
        let followed = try #require(try cluster.dump().first { $0.contains(#""table":"exemption""#) })
        #expect(Array(followed.utf8) == Array(kept.replacing(pseudonym(anna), with: pseudonym(new)).utf8))
    }

    @Test("everything follows, nobody is told, and both numbers are found afterwards")
    func follows() throws {
        let cluster = try begin()
        let before = try cluster.dump()
        let told = cluster.said(.notifications).count
        cluster.renumber(anna, to: new, id: "n")
        try cluster.drain()
        #expect(cluster.answer("n") == "accepted")
        #expect(cluster.outcomes(of: "n").first?.text("position.topic") == "fuldmagt.commands.move")
        #expect(cluster.said(.notifications).count == told)
        // Row by row the same, under the other pseudonym.
        let expected = before.map { $0.replacing(pseudonym(anna), with: pseudonym(new)) }
        let after = try cluster.dump().filter {
            !($0.contains(#""table":"citizen""#) && $0.contains(pseudonym(anna)))
                && !$0.contains(#""table":"processed""#)
        }
        #expect(Set(after) == Set(expected.filter { !$0.contains(#""table":"processed""#) }))

        // A revocation that still names the old number wins as any other.
        cluster.revoke(anna, from: bent, ["care"], id: "r1")
        cluster.revoke(new, from: bent, ["tax"], id: "r2")
        cluster.revoke(carl, from: anna, ["tax"], id: "r3")
        try cluster.drain()
        for id in ["r1", "r2", "r3"] { #expect(cluster.answer(id) == "accepted", "\(id)") }
        #expect(cluster.outcomes(of: "r1").first?.text("position.partition") == "\(shard(anna))")
        // The notices about the grants went to the new number, as letters: the exemption followed too.
        #expect(
            cluster.notifications(to: new).sorted()
                == [
                    "cancelled letter", "cancelled letter", "cancelled letter",
                    "grant-revoked letter", "grant-revoked letter", "grant-revoked letter",
                ])
        #expect(
            try !cluster.dump().contains { $0.contains(#""table":"received""#) && $0.contains(#""state":"active""#) })
        #expect(try cluster.check() == [])
    }

    @Test("commands for the old number arrive behind the file, in their order, each with one outcome")
    func inOrder() throws {
        let cluster = try begin()
        cluster.renumber(anna, to: new, id: "n")
        for round in 0..<5 {
            cluster.issue(anna, to: carl, ["tax"], id: "i\(round)")
            cluster.revoke(anna, from: carl, ["tax"], id: "r\(round)")
        }
        // The same command again, after its citizen has gone.
        cluster.issue(anna, to: carl, ["tax"], id: "i0")
        cluster.issue(anna, to: bent, ["care"], id: "g-again")
        try cluster.drain()
        cluster.issue(anna, to: carl, ["tax"], id: "i3")
        try cluster.drain()
        let issued = (0..<5).map { cluster.answer("i\($0)") }
        // Order holds within a topic: the move may be decided before or after any of the grants' commands.
        #expect(issued.allSatisfy { $0 == "accepted" })
        #expect((0..<5).allSatisfy { cluster.answer("r\($0)") == "accepted" })
        #expect(cluster.answer("g-again") == "rejected already-granted@packages[0]")
        #expect(try cluster.check() == [])
    }

    @Test("a reused id of a command for the old number is set aside as it came, to be read and sent again")
    func reused() throws {
        let cluster = try begin()
        cluster.renumber(anna, to: new, id: "n")
        try cluster.drain()
        // Known where the file went.
        cluster.issue(new, to: carl, ["tax"], id: "same")
        try cluster.drain()
        cluster.issue(anna, to: bent, ["tax"], id: "same")
        try cluster.drain()
        let sent = try #require(cluster.said(.grantCommands).last { $0.headers["ce_id"] == "same" && $0.key == anna })
        let letter = try #require(cluster.said(.deadLetters).first)
        #expect(cluster.said(.deadLetters).count == 1 && letter.headers["dl_reason"] == "id-reused")
        #expect(letter.value == sent.value && letter.key == sent.key)
        #expect(letter.headers.filter { !$0.key.hasPrefix("dl_") } == sent.headers)
        #expect(letter.headers["dl_topic"] == "fuldmagt.commands.grant")
        #expect(letter.headers["dl_partition"] == "\(shard(anna))")
    }

    @Test("whoever knows the old number still reaches the representative, and the grantor learns the new one")
    func representative() throws {
        let cluster = try begin()
        cluster.renumber(bent, to: new, id: "n")
        try cluster.drain()
        #expect(cluster.answer("n") == "accepted")
        // Given under the old number by somebody who does not know the new one.
        cluster.issue(carl, to: bent, ["tax"], id: "late")
        cluster.issue(anna, to: new, ["tax"], id: "twice")
        try cluster.drain()
        #expect(cluster.answer("late") == "accepted")
        #expect(cluster.notifications(to: new).contains("grant-received digital-post"))
        #expect(cluster.answer("twice") == "rejected already-granted@packages[0]")
        cluster.send(
            "move.decease", #"{"citizen":{"cpr":"\#(new)"},"effective":"2026-11-22"}"#, id: "d", key: new)
        try cluster.drain()
        #expect(cluster.answer("d") == "accepted")
        // Grants of both grantors end, whatever number they were given to.
        #expect(cluster.notifications(to: carl).contains("grant-ended digital-post"))
        #expect(cluster.notifications(to: anna).filter { $0 == "grant-ended letter" }.count == 2)
        #expect(try cluster.check() == [])
    }

    @Test("a second new number, a number that has a file already, and a repeat")
    func again() throws {
        let cluster = try begin()
        cluster.issue(new, to: carl, ["tax"], id: "own")
        try cluster.drain()
        cluster.renumber(anna, to: new, id: "n")
        try cluster.drain()
        cluster.renumber(anna, to: new, id: "n-again")
        cluster.renumber(new, to: new, id: "itself")
        try cluster.drain()
        #expect(cluster.answer("n") == "accepted" && cluster.answer("n-again") == "accepted")
        #expect(cluster.answer("itself") == "rejected invalid-field@newCpr")
        let third = "6101500049"
        cluster.renumber(new, to: third, id: "n2")
        try cluster.drain()
        #expect(cluster.answer("n2") == "accepted")
        // By the first number, over two shards.
        cluster.revoke(anna, from: bent, ["care"], id: "r1")
        cluster.revoke(anna, from: carl, ["tax"], id: "r2")
        try cluster.drain()
        #expect(cluster.answer("r1") == "accepted" && cluster.answer("r2") == "accepted")
        #expect(try cluster.check() == [])
    }

    @Test("a new number from a day to come: accepted now, taken over on its day, with no second outcome")
    func future() throws {
        let cluster = try begin()
        cluster.renumber(anna, to: new, id: "n", on: "2026-12-01")
        try cluster.drain()
        #expect(cluster.answer("n") == "accepted")
        #expect(try !cluster.dump().contains { $0.contains(pseudonym(new)) })
        cluster.clock.advance(days: 8)
        try cluster.drain()
        #expect(cluster.outcomes(of: "n").count == 1)
        #expect(try cluster.dump().contains { $0.contains(pseudonym(new)) && $0.contains(#""table":"grant""#) })
        cluster.revoke(anna, from: bent, ["care"], id: "r")
        try cluster.drain()
        #expect(cluster.answer("r") == "accepted")
        #expect(try cluster.check() == [])
    }

    @Test("a new number that came while somebody was dead by mistake is theirs once the mistake is corrected")
    func deadByMistake() throws {
        let cluster = try begin()
        cluster.renumber(anna, to: new, id: "n", on: "2026-12-01")
        cluster.send("move.decease", #"{"citizen":{"cpr":"\#(anna)"},"effective":"2026-11-22"}"#, id: "d", key: anna)
        try cluster.drain()
        cluster.clock.advance(days: 10)
        try cluster.drain()
        cluster.send(
            "move.correct", #"{"citizen":{"cpr":"\#(anna)"},"journal":"J","diedByMistake":true}"#, id: "c", key: anna)
        try cluster.drain()
        #expect(cluster.answer("d") == "accepted" && cluster.answer("c") == "accepted")
        #expect(try !cluster.dump().contains { $0.contains(pseudonym(new)) })
        cluster.clock.advance(days: 1)
        try cluster.drain()
        #expect(try cluster.dump().contains { $0.contains(pseudonym(new)) && $0.contains(#""table":"grant""#) })
        #expect(cluster.outcomes(of: "n").count == 1)
        #expect(try cluster.check() == [])
    }

    private func revoked(_ cluster: TestCluster, by id: String) -> Int {
        let grants = cluster.outcomes(of: id).first?.json["grants"] as? [[String: Any]] ?? []
        return grants.count { $0["state"] as? String == "revoked" }
    }

    @Test("a revocation by name takes every right of that name, also where two files became one")
    func revokesAll() throws {
        let cluster = try begin()
        cluster.issue(new, to: bent, ["tax"], id: "own")
        try cluster.drain()
        cluster.renumber(anna, to: new, id: "n")
        try cluster.drain()
        #expect(cluster.answer("own") == "accepted" && cluster.answer("n") == "accepted")
        cluster.revoke(new, from: bent, ["tax"], id: "r")
        try cluster.drain()
        #expect(cluster.answer("r") == "accepted")
        #expect(revoked(cluster, by: "r") == 2)
        cluster.revoke(new, from: bent, ["tax"], id: "none-left")
        try cluster.drain()
        #expect(cluster.answer("none-left") == "rejected unknown-grant@packages[0]")
        let living = try cluster.dump().filter {
            $0.contains(#""table":"received""#) && $0.contains(#""state":"active""#)
        }
        #expect(living.count == 2, "care from Anna, and Carl's to her")
        #expect(try cluster.check() == [])
    }

    @Test("two numbers of one representative are one name", arguments: [false, true])
    func revokesAllNumbers(byNew: Bool) throws {
        let cluster = try begin()
        cluster.issue(carl, to: bent, ["tax"], id: "one")
        cluster.issue(carl, to: new, ["tax"], id: "two")
        try cluster.drain()
        cluster.renumber(bent, to: new, id: "n")
        try cluster.drain()
        #expect(["one", "two", "n"].map { cluster.answer($0) } == ["accepted", "accepted", "accepted"])
        cluster.revoke(carl, from: byNew ? new : bent, ["tax"], id: "r")
        try cluster.drain()
        #expect(cluster.answer("r") == "accepted")
        #expect(revoked(cluster, by: "r") == 2)
        #expect(try cluster.check() == [])
    }

    @Test("one request id in two files that became one: each representative is checked")
    func approvesEach() throws {
        let cluster = try TestCluster()
        cluster.defineCatalogue()
        func ask(_ grantor: String, for representative: String) {
            cluster.send(
                "grant.request",
                #"{"grantor":{"cpr":"\#(grantor)"},"representative":{"cpr":"\#(representative)"},"packages":["tax"],"validUntil":"2028-01-01"}"#,
                id: "ask", key: grantor)
        }
        ask(new, for: bent)
        ask(anna, for: carl)
        try cluster.drain()
        #expect(cluster.outcomes(of: "ask").compactMap { $0.text("status") } == ["accepted", "accepted"])
        cluster.renumber(anna, to: new, id: "n")
        // Bent, whose request comes first, is 46; Carl is 36.
        cluster.send(
            "package.define",
            #"{"id":"tax","version":2,"title":{"da":"x","en":"x"},"wording":{"da":"x","en":"x"},"kind":"act","scope":"national","kle":["27.60"],"representativeMinimumAge":40}"#,
            id: "define-again", key: "package/tax")
        try cluster.drain()
        cluster.send(
            "grant.approve", #"{"grantor":{"cpr":"\#(new)"},"request":"ask","channel":"digital"}"#, id: "yes", key: new)
        try cluster.drain()
        #expect(cluster.answer("yes") == "rejected representative-too-young@representative")
        #expect(try cluster.check() == [])
    }

    @Test("a wrong new number is refused by field")
    func refused() throws {
        let cluster = try begin()
        cluster.renumber(anna, to: "123", id: "short")
        cluster.renumber(anna, to: anna, id: "same")
        cluster.send(
            "move.renumber", #"{"citizen":{"cpr":"\#(anna)"}}"#, id: "empty", key: anna)
        try cluster.drain()
        #expect(cluster.answer("short") == "rejected invalid-cpr@newCpr")
        #expect(cluster.answer("same") == "rejected invalid-field@newCpr")
        #expect(cluster.answer("empty") == "rejected missing-field@effective missing-field@newCpr")
    }

    // MARK: Old numbers that come back

    /// Anna's rows of a table, by pseudonym of whom they are stored for.
    private func rows(_ table: String, of digits: String, in cluster: TestCluster) throws -> Int {
        try cluster.dump().count { $0.contains(#""table":"\#(table)""#) && $0.contains(pseudonym(digits)) }
    }

    /// Numbers that one citizen has one after the other, the last a former one of theirs.
    @Test(
        "a number that somebody had before is theirs again, and the file ends there",
        arguments: [
            ["6101500014", "6101500030", "6101500014"], ["6101500014", "6101500030", "6101500049", "6101500014"],
            ["6101500014", "6101500030", "6101500014", "6101500030"],
            ["6101500014", "6101500030", "6101500049", "6101500030"],
            ["6101500014", "6101500030", "6101500049", "6101500014", "6101500030", "6101500049"],
        ])
    func back(numbers: [String]) throws {
        let cluster = try begin()
        let grants = try rows("grant", of: anna, in: cluster)
        for (step, number) in numbers.enumerated().dropFirst() {
            cluster.clock.advance(seconds: 1)
            cluster.renumber(numbers[step - 1], to: number, id: "n\(step)")
            try cluster.drain()
            #expect(cluster.answer("n\(step)") == "accepted")
        }
        let last = try #require(numbers.last)
        #expect(try rows("grant", of: last, in: cluster) == grants)
        for other in Set(numbers).subtracting([last]) { #expect(try rows("residence", of: other, in: cluster) == 0) }
        // By whatever number: what is taken back is taken back, and who is told is told under the last.
        let told = cluster.notifications(to: last).count
        cluster.revoke(numbers[0], from: bent, ["care"], id: "r1")
        cluster.revoke(numbers[1], from: bent, ["tax"], id: "r2")
        try cluster.drain()
        #expect(cluster.answer("r1") == "accepted" && cluster.answer("r2") == "accepted")
        #expect(cluster.notifications(to: last).dropFirst(told).count { $0 == "grant-revoked letter" } == 2)
        #expect(try cluster.check() == [])
    }

    @Test("two numbers that become each other at once: both are answered, nothing goes round for ever")
    func crossing() throws {
        let cluster = try begin()
        cluster.issue(new, to: carl, ["tax"], id: "own")
        try cluster.drain()
        let grants = try rows("grant", of: anna, in: cluster) + rows("grant", of: new, in: cluster)
        cluster.renumber(anna, to: new, id: "n1")
        cluster.renumber(new, to: anna, id: "n2")
        try cluster.drain()
        #expect(cluster.answer("n1") == "accepted" && cluster.answer("n2") == "accepted")
        #expect(try rows("grant", of: anna, in: cluster) + rows("grant", of: new, in: cluster) == grants)
        #expect(try cluster.check() == [])
    }

    @Test("what comes late by way of an old number does not bring back what was revoked meanwhile")
    func lateNews() throws {
        let cluster = try begin()
        cluster.renumber(bent, to: new, id: "n")
        cluster.issue(carl, to: bent, ["tax"], id: "late")
        try cluster.drain()
        #expect(cluster.answer("n") == "accepted" && cluster.answer("late") == "accepted")
        let passedOn = cluster.said(.inbox, in: shard(new)).filter {
            $0.description.contains(#""event":"given""#) && $0.description.contains(#""passed":1"#)
        }
        #expect(passedOn.count == 1)
        cluster.revoke(carl, from: new, ["tax"], id: "r")
        try cluster.drain()
        #expect(cluster.answer("r") == "accepted")
        let (before, told) = (try cluster.dump(), cluster.said(.notifications).count)
        // The shard of the old number was held up, and passes it on only now.
        for late in passedOn { cluster.append(late, to: shard(new)) }
        try cluster.drain()
        #expect(try cluster.dump() == before)
        #expect(cluster.said(.notifications).count == told)
    }

    @Test("a revocation that two numbers of one representative are told of is answered behind both")
    func answeredLast() throws {
        let cluster = try begin()
        cluster.move(carl, to: "0101", on: "2020-01-01", id: "carl")
        cluster.issue(carl, to: bent, ["tax"], id: "first")
        try cluster.drain()
        cluster.renumber(bent, to: new, id: "n")
        try cluster.drain()
        // Carl's shard knows the new number; what is given under the old one is known under it until that is passed on.
        cluster.issue(carl, to: bent, ["care"], id: "second")
        cluster.revoke(carl, from: bent, ["tax", "care"], id: "r")
        try cluster.drain()
        #expect(cluster.answer("r") == "accepted")
        #expect(revoked(cluster, by: "r") == 2)
        let told = (0..<cluster.partitions).map { shard in
            cluster.said(.inbox, in: shard).count {
                $0.description.contains(#""event":"revoked""#) && $0.description.contains(#""outcome":{"#)
            }
        }
        // To the old number, and from there to the new one.
        #expect(told[Int(shard(bent))] == 1 && told[Int(shard(new))] == 1)
        #expect(cluster.outcomes(of: "r").count == 1)
        #expect(cluster.notifications(to: new).count { $0 == "cancelled digital-post" } == 2)
        #expect(try cluster.check() == [])
    }

    /// Takes in a file that was handed over by a version which says what it is otherwise.
    private func takeIn(_ changes: [(String, String)]) throws -> TestCluster {
        let before = try begin()
        before.renumber(anna, to: new, id: "n")
        try before.drain()
        var handover = try #require(
            before.said(.inbox, in: shard(new)).first { $0.description.contains(#""passages":"#) })
        var text = handover.description
        for (old, new) in changes {
            try #require(text.contains(old), "\(old) is not in \(text)")
            text = text.replacing(old, with: new)
        }
        handover.value = Array(text.utf8)
        let cluster = try begin()
        cluster.append(handover, to: shard(new))
        try cluster.drain()
        return cluster
    }

    private static let newer = (#"{\"schema\":\#(ShardFiles.schemaVersion),"#, #"{\"schema\":99,"#)

    @Test("a file that a newer version hands over is taken in where it fits")
    func newerSchema() throws {
        let cluster = try takeIn([Self.newer, (#"\"shared\":{"#, #"\"later\":[],\"shared\":{\"others\":[],"#)])
        #expect(try rows("grant", of: new, in: cluster) > 0)
    }

    @Test(
        "one that does not fit says which version is needed",
        arguments: [
            (#"\"ordinal\":0"#, #"\"ordinal\":0,\"novel\":5"#),
            (#"\"shared\":{"#, #"\"later\":[{\"a\":1}],\"shared\":{"#),
            (#"\"state\":\"tactive\""#, #"\"state\":\"tasleep\""#),
            (#"\"shared\":{"#, #"\"shared\":{\"later\":[{\"a\":1}],"#),
        ])
    func tooNew(change: (String, String)) throws {
        let error = #expect(throws: StoreError.self) { try takeIn([Self.newer, change]) }
        #expect(error?.consequence == .fatal)
        #expect(error?.text.contains("a newer version of this program (schema 99, this one reads up to") == true)
    }
}
