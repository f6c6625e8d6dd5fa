import FuldmagtDomain

extension WorkloadWriter {
    /// The last day that a package may be given until.
    private func lastDay(of package: String) -> Day {
        switch package {
        case Workload.package(4): today.adding(days: 365)
        case Workload.package(5): today.adding(days: 30)
        default: today.adding(years: 100)
        }
    }

    /// One of a person's grants, most often one that has not ended.
    private mutating func pickGrant(of person: Int) -> (at: Int, ordinal: Int)? {
        guard let given = issued[person], !given.isEmpty else { return nil }
        var at = random.below(given.count)
        for _ in 0..<5 where given[at].ends[0] < today { at = random.below(given.count) }
        return (at, random.below(given[at].packages.count))
    }

    private func change(_ person: Int, _ grant: Issued, _ ordinal: Int) -> ModelJSON {
        .members([
            "grantor": .members(["cpr": .string(workload.people[person].digits)]),
            "grant": .string(grantID(grant, person, ordinal)), "version": .number(Double(grant.versions[ordinal])),
        ])
    }

    mutating func renew(_ person: Int, _ circle: Int) -> WorkloadCommand {
        guard let (at, ordinal) = pickGrant(of: person), let grant = issued[person]?[at] else {
            return issue(person, circle)
        }
        let last = lastDay(of: grant.packages[ordinal])
        let end = grant.ends[ordinal]
        let later = max(end, min(max(end, today).adding(days: random.below(400)), last))
        var data = change(person, grant, ordinal).setting("validUntil", .string(later.description))
        if random.chance(1, of: 5) {
            data = renewFault(data, end: end, last: last)
        } else {
            issued[person]?[at].versions[ordinal] += 1
            issued[person]?[at].ends[ordinal] = later
        }
        return make(.grantCommands, "grant.renew", workload.people[person].digits, data)
    }

    private mutating func renewFault(_ data: ModelJSON, end: Day, last: Day) -> ModelJSON {
        switch random.below(6) {
        case 0: data.setting("validUntil", random.pick([nil, .string("snart"), .number(2030)]))
        case 1: data.setting("validUntil", .string(today.adding(days: -1 - random.below(9)).description))
        case 2: data.setting("validUntil", .string(end.adding(days: -1).description))
        case 3: data.setting("validUntil", .string(last.adding(days: 1 + random.below(9)).description))
        default: namingFault(data)
        }
    }

    /// Another grant, or another version, than the one meant.
    private mutating func namingFault(_ data: ModelJSON) -> ModelJSON {
        switch random.below(5) {
        case 0: data.setting("grant", random.pick([nil, .number(7), .bool(false)]))
        case 1:
            data.setting("grant", .string(random.pick(["", "abc", "12345678-1234-4234-8234-123456789012"])))
        case 2: data.setting("version", random.pick([nil, .number(0), .number(1.5), .string("1")]))
        default: data.setting("version", .number(Double(5 + random.below(20))))
        }
    }

    /// Other dates, another representative, or both.
    mutating func correct(_ person: Int, _ circle: Int) -> WorkloadCommand {
        guard let (at, ordinal) = pickGrant(of: person), let grant = issued[person]?[at] else {
            return issue(person, circle)
        }
        let last = lastDay(of: grant.packages[ordinal])
        let kind = random.below(5)
        var changes = ModelJSON.members([:])
        var end = grant.ends[ordinal]
        if kind < 3 {
            end = min(today.adding(days: random.below(300)), last)
            changes = changes.setting("validUntil", .string(end.description))
        }
        if kind == 2 || kind == 3 {
            let start = today.adding(days: min(4 - random.below(200), 0))
            changes = changes.setting("validFrom", .string(start.description))
        }
        let other = random.chance(2, of: 5) || kind == 4 ? pickRepresentative(for: person, circle) : nil
        changes = changes.setting("representative", other)
        var data = change(person, grant, ordinal).setting("changes", changes)
            .setting("journal", .string("RET-\(random.below(10_000))"))
        let isFaulty = random.chance(1, of: 5)
        if isFaulty { data = correctFault(data, person, grant, last: last) }
        let command = make(.grantCommands, "grant.correct", workload.people[person].digits, data)
        guard !isFaulty else { return command }
        if let other {
            issued[person]?.append(
                Issued(command, representative: other, packages: [grant.packages[ordinal]], end: end))
        } else {
            issued[person]?[at].versions[ordinal] += 1
            issued[person]?[at].ends[ordinal] = end
        }
        return command
    }

    private mutating func correctFault(_ data: ModelJSON, _ person: Int, _ grant: Issued, last: Day) -> ModelJSON {
        let own = ModelJSON.members(["cpr": .string(workload.people[person].digits)])
        switch random.below(15) {
        case 0: return data.setting("journal", random.pick([nil, .number(3)]))
        case 1: return data.setting("changes", random.pick([nil, .string("validUntil"), .array([])]))
        case 2: return data.setting("changes", .members(["note": .string("intet at rette")]))
        case 3:
            // Today may be before the present start, of which nothing is said as long as the new one is not known.
            let changes = ModelJSON.members(["validFrom": .string("2026-02-30")])
            let end = random.chance(2, of: 3) ? ModelJSON.string(today.description) : nil
            return data.setting("changes", changes.setting("validUntil", end))
        case 4: return data.setting("changes", .members(["validUntil": .number(20_260_601)]))
        case 5:
            let past = today.adding(days: -1 - random.below(9))
            return data.setting("changes", .members(["validUntil": .string(past.description)]))
        case 6:
            let late = last.adding(days: 1 + random.below(9))
            return data.setting("changes", .members(["validUntil": .string(late.description)]))
        case 7:
            let start = (grant.ends.max() ?? today).adding(days: 400)
            let changes = ModelJSON.members(["validFrom": .string(start.description)])
            return data.setting(
                "changes",
                random.chance(1, of: 2)
                    ? changes : changes.setting("validUntil", .string(today.adding(days: 1).description)))
        case 8: return data.setting("changes", .members(["representative": own]))
        case 9, 10, 13: return data.setting("changes", .members(["representative": grant.representative]))
        case 11, 12: return data.setting("changes", .members(["representative": wrongParty()]))
        default: return namingFault(data)
        }
    }

    /// Something that names neither a person nor a company.
    mutating func wrongParty() -> ModelJSON {
        switch random.below(4) {
        case 0: .members(["cpr": .string(random.pick(["0000000000", "9902701234", "010136-412"]))])
        case 1: .members(["cvr": .string(random.pick(["12345678", "5513301", "55133O18"]))])
        case 2: .members(["navn": .string("Hansen")])
        default: .string("6101701234")
        }
    }
}
