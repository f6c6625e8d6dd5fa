import FuldmagtDomain
import FuldmagtJSON
import FuldmagtJobs
import FuldmagtKeys
import FuldmagtRecord
import Testing

/// The plan against the rules: what it counts is what the same commands come to, one after the other.
@Suite struct PlanTests {
    /// Citizens 1 to 6 live in 0101 (4 to 6 in 0751) with a grant each to citizen 9; 2 and 9 get letters; 3 is dead.
    private func world() throws -> World {
        let world = try World()
        for number in 1...6 {
            let cpr = Sample.cpr(number)
            try world.decide(
                "move.relocate", #"{"citizen":{"cpr":"\#(cpr)"},"to":"0101","effective":"2020-01-01"}"#,
                id: "r\(number)")
            try world.decide(
                "grant.issue",
                #"{"grantor":{"cpr":"\#(cpr)"},"representative":{"cpr":"\#(Sample.cpr(9))"},"packages":["care"],"validUntil":"2027-06-01","channel":"digital"}"#,
                id: "g\(number)")
            if number > 3 {
                try world.decide(
                    "move.relocate", #"{"citizen":{"cpr":"\#(cpr)"},"to":"0751","effective":"2021-01-01"}"#,
                    id: "q\(number)")
            }
        }
        for number in [2, 9] {
            try world.decide(
                "exemption.register",
                #"{"citizen":{"cpr":"\#(Sample.cpr(number))"},"municipality":"0101","form":"FD 001A","journal":"j","caseworker":"c","requestedBy":"citizen","appearedInPerson":true}"#,
                id: "x\(number)")
        }
        try world.decide(
            "move.decease", #"{"citizen":{"cpr":"\#(Sample.cpr(3))"},"effective":"2026-01-01"}"#, id: "d3")
        world.notices = [:]
        return world
    }

    private func moves(_ rows: [(Int, String, String)]) throws -> [JobLine] {
        let text = rows.map { "\(Sample.cpr($0.0));\($0.1);\($0.2)\n" }.joined()
        return try Sample.lines(Sample.job(), "cpr;kommune;dato\n" + text)
    }

    @Test("grants stay, fall dormant and wake; lines of one citizen build on each other; both parties are told")
    func fates() throws {
        let world = try world()
        let lines = try moves([
            (1, "0751", "2026-11-01"), (2, "0751", "2026-11-01"), (3, "0751", "2026-11-01"), (4, "0101", "2026-11-01"),
            (5, "0461", "2026-11-01"), (6, "0101", "2026-11-02"), (6, "0751", "2026-11-03"), (1, "0101", "2027-05-01"),
            (7, "0101", "2026-11-01"), (7, "101", "01-11-2026"), (8, "9999", "2026-11-01"),
        ])
        let (plan, verdicts) = try world.plan(lines)
        #expect(
            verdicts == [
                "2 accepted ", "3 accepted ", "4 rejected citizen-dead", "5 accepted ", "6 accepted ", "7 accepted ",
                "8 accepted ", "9 accepted-for-later ", "10 accepted ", "11 duplicate of line 10",
                "12 faulty unknown-municipality",
            ])
        let tally = plan.tally
        #expect(tally.total == 11 && tally.accepted.count == 8 && tally.later.count == 1)
        #expect(tally.rejected[.citizenDead]?.first == [4])
        #expect(tally.count(of: .goesDormant) == 2 && tally.count(of: .wakes) == 1)
        #expect(tally.count(of: .staysDormant) == 2 && tally.count(of: .ends) == 0)
        let ninth = PlanTally.GrantKey(package: "care", municipality: Municipality("0751"))
        #expect(tally.grants[ninth]?.mapValues(\.count) == [.goesDormant: 2, .staysDormant: 1])
        // The representative, who is exempt, gets letters; grantor 2 too; grantor 6 is told twice.
        #expect(tally.notifications[.init(.grantDormant, .letter)]?.count == 4)
        #expect(tally.notifications[.init(.grantDormant, .digitalPost)]?.count == 2)

        for line in lines { if let command = line.command?.command { try world.decide(command) } }
        #expect(tally.notifications.mapValues(\.count) == world.notices)
    }

    @Test("generated jobs: the plan counts what the rules then do", arguments: 0..<40)
    func agreement(seed: Int) throws {
        let world = try world()
        var random = Shuffler(state: UInt64(seed) &* 977 &+ 1)
        let places = ["0101", "0751", "0461", "0851"]
        let rows = (0..<60).map { _ in
            (random.next(12), places[random.next(4)], "2026-\(10 + random.next(3))-\(10 + random.next(19))")
        }
        let lines = try moves(rows)
        let (plan, _) = try world.plan(lines)
        let before = world.files
        var accepted = 0
        for line in lines {
            guard let command = line.command?.command else { continue }
            if case .accept = try world.decide(command) { accepted += 1 }
        }
        #expect(plan.tally.accepted.count == accepted)
        #expect(plan.tally.notifications.mapValues(\.count) == world.notices)
        var fates: [PlanTally.Fate: Int] = [:]
        for (pseudonym, file) in before where lines.contains(where: { $0.isAbout(pseudonym, world.keys) }) {
            for (old, new) in zip(file.grants, world.files[pseudonym]?.grants ?? []) {
                switch (old.state, new.state) {
                case (.active, .active): fates[.staysActive, default: 0] += 1
                case (.active, .dormant): fates[.goesDormant, default: 0] += 1
                case (.dormant, .active): fates[.wakes, default: 0] += 1
                case (.dormant, .dormant): fates[.staysDormant, default: 0] += 1
                default: break
                }
            }
        }
        for fate in PlanTally.Fate.allCases { #expect(plan.tally.count(of: fate) == fates[fate] ?? 0, "\(fate)") }
    }

    @Test("exemptions and enrolments are planned by the same rules, and what was decided before is told")
    func exemptions() throws {
        let world = try world()
        let job = try Sample.job(
            #","columns":{"citizen":"cpr","municipality":"kommune","type":"art","by":"af"},"defaults":{"form":"FD 001A","journal":"j","caseworker":"c","requestedBy":"citizen","appearedInPerson":"ja"}"#,
            kind: "exemptions")
        let text =
            "cpr;kommune;art;af\n\(Sample.cpr(1));101;register;\n\(Sample.cpr(2));101;register;\n\(Sample.cpr(4));101;register;\n"
            + "\(Sample.cpr(2));;lift;citizen\n\(Sample.cpr(5));;lift;citizen\n"
        let lines = try Sample.lines(job, text)
        let first = try world.plan(lines)
        #expect(
            first.verdicts == [
                "2 accepted ", "3 rejected already-exempt", "4 rejected not-deciding-authority", "5 accepted ",
                "6 rejected not-exempt",
            ])
        #expect(
            first.plan.tally.notifications.mapValues(\.count)
                == [.init(.exemptionRegistered, .letter): 1, .init(.exemptionLifted, .digitalPost): 1])
        var scratch: [UInt8] = []
        let cause = try #require(lines[1].command).cause
        world.decided.insert(CommandKey(source: cause.source, id: cause.id, scratch: &scratch))
        #expect(try world.plan(lines).verdicts[0] == "2 decided-before ")

        let enrolment = try Sample.job(
            #","columns":{"citizen":"cpr"},"defaults":{"reason":"voluntary"}"#, kind: "enrolment")
        let enrolled = try world.plan(Sample.lines(enrolment, "cpr\n\(Sample.cpr(1))\n\(Sample.cpr(2))\n"))
        #expect(enrolled.plan.tally.accepted.count == 2)
        #expect(enrolled.plan.tally.notifications.mapValues(\.count) == [.init(.exemptionLifted, .digitalPost): 1])
    }

    @Test("table, CSV and page hold the counts and no number of a person; the page needs nothing else")
    func page() throws {
        let world = try world()
        let lines = try moves((1...8).map { ($0, $0 == 8 ? "9999" : "0751", "2026-11-01") })
        let (plan, verdicts) = try world.plan(lines)
        let table = PlanTable(plan.tally)
        let page = PlanPage(job: try Sample.job(), tally: plan.tally, day: Sample.today, packages: 1).html
        for text in [table.text, table.csv, page, verdicts.joined()] {
            for number in 1...9 { #expect(!text.contains(Sample.cpr(number))) }
        }
        #expect(table.csv.contains("grants;goes dormant;care;0751 Aarhus;2;2 3"))
        #expect(table.csv.contains("rejected;citizen-dead;;;1;4"))
        #expect(page.contains("<svg viewBox") && page.contains("name=\"viewport\""))
        for outside in ["http", "src=", "<link", "<script", "url("] { #expect(!page.contains(outside), "\(outside)") }
    }
}

extension JobLine {
    fileprivate func isAbout(_ pseudonym: Ident, _ keys: ClusterKey) -> Bool {
        command?.command.map { keys.pseudonym(of: $0.citizen) == pseudonym } ?? false
    }
}
