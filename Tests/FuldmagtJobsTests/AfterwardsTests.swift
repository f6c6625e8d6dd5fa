import FuldmagtDomain
import FuldmagtJobs
import FuldmagtKeys
import Testing

/// What is done once a job has run: comparing with the plan, and taking back.
@Suite struct AfterwardsTests {
    private func moves(_ rows: [(Int, String, String)]) throws -> [JobLine] {
        let text = rows.map { "\(Sample.cpr($0.0));\($0.1);\($0.2)\n" }.joined()
        return try Sample.lines(Sample.job(), "cpr;kommune;dato\n" + text)
    }

    private func settle(_ world: World, _ number: Int, _ place: String, grants: Bool = true) throws {
        let cpr = Sample.cpr(number)
        try world.decide(
            "move.relocate", #"{"citizen":{"cpr":"\#(cpr)"},"to":"\#(place)","effective":"2020-01-01"}"#,
            id: "r\(number)")
        guard grants else { return }
        try world.decide(
            "grant.issue",
            #"{"grantor":{"cpr":"\#(cpr)"},"representative":{"cpr":"\#(Sample.cpr(9))"},"packages":["care"],"validUntil":"2027-06-01","channel":"digital"}"#,
            id: "g\(number)")
    }

    private func file(_ number: Int, _ world: World) throws -> CitizenFile {
        world.file(try world.identity(Sample.cpr(number)))
    }

    @Test("verify finds nothing where all came as foreseen, and each thing that did not")
    func verification() throws {
        let world = try World()
        for number in 1...3 { try settle(world, number, "0101") }
        let lines = try moves([(1, "0751", "2026-11-01"), (2, "0751", "2026-11-01"), (3, "0751", "2026-11-01")])
        var foreseen: [Foreseen] = []
        var plan = Plan(
            source: world.source, keys: world.keys, circumstances: world.circumstances, repeated: []
        ) { foreseen.append($0) }
        for line in lines { _ = try plan.take(line) }
        try plan.finish()
        #expect(foreseen.map(\.line) == [2, 3, 4] && foreseen.allSatisfy { $0.grants.values.first == .dormant })

        for line in lines { if let command = line.command?.command { try world.decide(command) } }
        func compare(on day: Day = Sample.today) throws -> Verification {
            var verification = Verification { grant, _ in grant.cause }
            for foreseen in foreseen {
                try verification.take(foreseen, world.files[foreseen.citizen], today: day)
            }
            return verification
        }
        let same = try compare()
        #expect(same.differences.isEmpty && same.citizens == 3 && same.grants == 3)
        #expect(try compare(on: Sample.day("2026-11-01")).early == 3)

        // One moves on, one dies, one is exempted and then forgotten.
        try world.decide(
            "move.relocate", #"{"citizen":{"cpr":"\#(Sample.cpr(1))"},"to":"0101","effective":"2026-11-02"}"#,
            id: "on-\(Sample.cpr(1))")
        try world.decide(
            "move.decease", #"{"citizen":{"cpr":"\#(Sample.cpr(2))"},"effective":"2026-11-02"}"#, id: "dead")
        world.files[try world.identity(Sample.cpr(3)).pseudonym] = nil
        let found = try compare().differences.map { "\($0.line) \($0.what.prefix(12)) \($0.foreseen) \($0.found)" }
        #expect(found.count == 4, "\(found)")
        #expect(found[0] == "2 municipality 0751 0101" && found[1].hasSuffix("dormant active"))
        #expect(found[2].hasPrefix("3 grant") && found[2].hasSuffix("dormant ended"))
        #expect(found[3] == "4 citizen known unknown")
        // Whatever producers make their ids of.
        #expect(try compare().differences[0].cause == "on-[…]")
    }

    @Test("an undo takes back what was done and is still in force, and says why it leaves the rest alone")
    func undo() throws {
        let world = try World()
        for number in 1...3 { try settle(world, number, "0101") }
        let rows = [
            (1, "0751", "2026-11-01"), (2, "0751", "2026-11-01"), (3, "0461", "2026-12-24"), (4, "0751", "2026-11-01"),
            (1, "0461", "2026-11-03"),
        ]
        let lines = try moves(rows)
        for line in lines.dropLast(0) { if let command = line.command?.command { try world.decide(command) } }
        // Somebody else has moved citizen 2 since, on the very same day.
        try world.decide(
            "move.relocate", #"{"citizen":{"cpr":"\#(Sample.cpr(2))"},"to":"0851","effective":"2026-11-01"}"#, id: "on")
        var undo = Undo(job: try Sample.job(), today: Sample.today)
        var text = undo.csvHeader
        for command in lines.compactMap(\.command) {
            let file = world.file(try world.identity(command.key))
            if let row = undo.take(command, file) { text += row }
        }
        // Done but never carried out: a line that the store knows nothing of.
        let never = try #require(moves([(1, "0851", "2026-11-09")])[1].command)
        #expect(undo.take(never, try file(1, world)) == nil)
        #expect(undo.count == 3)
        #expect(undo.refusals.mapValues(\.first) == [.superseded: [3], .nothingKnownBefore: [5], .nothingDone: [2]])

        let job = try Job(file: Array(undo.jobFile(id: "m1-undo", input: "m1-undo.csv").utf8))
        let back = try Sample.lines(job, text)
        #expect(back.map(\.short) == ["header", "command 2", "command 3", "command 4"])
        for line in back { if let command = line.command?.command { try world.decide(command) } }
        #expect(try file(1, world).residence(on: Sample.today)?.municipality == Municipality("0101"))
        #expect(try file(3, world).residence(on: Sample.day("2026-12-24"))?.municipality == Municipality("0101"))
        #expect(try file(2, world).residence(on: Sample.today)?.municipality == Municipality("0851"))
        #expect(try file(1, world).grants.map(\.state) == [.active])
    }

    @Test("an enrolment that ended an exemption is taken back by registering it again, as it was")
    func undoEnrolment() throws {
        let world = try World()
        for number in 1...2 {
            try settle(world, number, "0101", grants: false)
            try world.decide(
                "exemption.register",
                #"{"citizen":{"cpr":"\#(Sample.cpr(number))"},"municipality":"0101","form":"FD 001A","journal":"-j;\"1\"","caseworker":"c","requestedBy":"guardian","appearedInPerson":false}"#,
                id: "x\(number)")
        }
        let job = try Sample.job(#","columns":{"citizen":"cpr"},"defaults":{"reason":"voluntary"}"#, kind: "enrolment")
        let lines = try Sample.lines(job, "cpr\n\(Sample.cpr(1))\n\(Sample.cpr(3))\n")
        for line in lines { if let command = line.command?.command { try world.decide(command) } }
        #expect(try !file(1, world).isExempt(on: Sample.today))
        var undo = Undo(job: job, today: Sample.today)
        var text = undo.csvHeader
        for command in lines.compactMap(\.command) {
            if let row = undo.take(command, world.file(try world.identity(command.key))) { text += row }
        }
        #expect(undo.count == 1 && undo.refusals.mapValues(\.first) == [.nothingDone: [3]])
        let back = try Sample.lines(Job(file: Array(undo.jobFile(id: "u", input: "u.csv").utf8)), text)
        for line in back { if let command = line.command?.command { try world.decide(command) } }
        let exemption = try #require(try file(1, world).exemption(on: Sample.today))
        #expect(exemption.journal == "-j;\"1\"" && exemption.requestedBy == .guardian && !exemption.appearedInPerson)
        // Exempt again: a second undoing has nothing to do.
        #expect(undo.take(try #require(lines[1].command), try file(1, world)) == nil)
        #expect(undo.refusals[.exemptAgain]?.count == 1)
    }

    @Test("a plan made anew is compared line by line, and by what it counts")
    func changes() throws {
        var changes = PlanChanges()
        let rows = ["2;accepted;;dormant 1;;", "3;accepted;;;;", "4;rejected;citizen-dead;;;"]
        for row in rows { #expect(changes.take(before: row[...], now: row[...]) == nil) }
        #expect(changes.text.isEmpty && changes.share == 0)
        #expect(
            changes.take(before: "5;accepted;;;;", now: "5;rejected;citizen-dead;;;")
                == "5;accepted;rejected · citizen-dead\r\n")
        #expect(changes.share == 0.25 && changes.text.contains("1 of 4 lines would come to something else now: line 5"))
        let table =
            "section;what;detail;municipality;count;example lines\r\ngrants;goes dormant;care;0751 Aarhus;10;2\r\n"
        changes.take(tableBefore: table, now: table.replacing(";10;", with: ";7;") + "grants;ends;care;;3;2\r\n")
        #expect(changes.share == 0.6 && changes.text.contains("goes dormant · care · 0751 Aarhus: 10 planned, 7 now"))
    }

    @Test("several threads make the plan that one makes", arguments: 0..<8)
    func team(seed: Int) throws {
        let world = try World()
        for number in 1...40 { try settle(world, number, number % 3 == 0 ? "0751" : "0101") }
        var random = Shuffler(state: UInt64(seed))
        let rows = (0..<300).map { _ in
            (random.next(50), ["0101", "0751", "9999"][random.next(3)], "2026-1\(random.next(3))-1\(random.next(9))")
        }
        let text = "cpr;kommune;dato\n" + rows.map { "\(Sample.cpr($0.0));\($0.1);\($0.2)\n" }.joined()
        let alone = try world.plan(Sample.lines(Sample.job(), text))
        var census = try Census(job: Sample.job(), settings: Sample.settings, today: Sample.today)
        try census.feed(Array(text.utf8))
        try census.finish()
        var foreseen: [UInt8] = []
        let team = PlanTeam(
            sources: [world.source, world.source, world.source], keys: world.keys, circumstances: world.circumstances,
            repeated: census.repeated
        ) { foreseen += $0 }
        var reader = try JobReader(
            job: Sample.job(), settings: Sample.settings, today: Sample.today, ids: .keyed(try Sample.keys()))
        reader.feed(Array(text.utf8))
        reader.finish()
        var verdicts: [String] = []
        while true {
            let lines = try reader.next(upTo: 37, threads: 3)
            guard !lines.isEmpty else { break }
            verdicts += try team.take(lines).map { "\($0.line) \($0.word) \($0.detail)" }
        }
        #expect(verdicts == alone.verdicts)
        #expect(try team.finish() == alone.plan.tally)
        #expect(foreseen.count { $0 == 10 } == Set(rows.filter { $0.1 != "9999" }.map(\.0)).count)
    }
}
