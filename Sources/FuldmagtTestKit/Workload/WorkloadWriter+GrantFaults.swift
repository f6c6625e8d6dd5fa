import FuldmagtDomain

extension WorkloadWriter {
    /// One fault, or two that have nothing to do with each other.
    mutating func issueFaults(_ data: ModelJSON, _ person: Int, _ channel: String) -> ModelJSON {
        if random.chance(1, of: 10) {
            // Without a channel nothing can be said about evidence or about a start long ago.
            return data.setting("evidence", nil).setting("validFrom", nil)
                .setting("channel", random.pick([nil, .string("fax"), .number(1)]))
        }
        let first = issueFault(data, person, channel)
        return random.chance(1, of: 5) ? issueFault(first, person, channel) : first
    }

    mutating func issueFault(_ data: ModelJSON, _ person: Int, _ channel: String) -> ModelJSON {
        let own = workload.people[person].digits
        switch random.below(12) {
        case 0: return data.setting(random.pick(["representative", "packages", "validUntil"]), nil)
        case 1:
            return data.setting("validUntil", .string(random.pick(["2026-02-30", "snart", "2026-6-1", "20260601"])))
        case 2: return data.setting("packages", wrongPackages(data))
        case 3:
            let wrong = random.pick(["0000000000", "311299123", "9902701234", "12345678901", "010136-412"])
            return data.setting("representative", .members(["cpr": .string(wrong)]))
        case 4:
            let wrong = random.pick(["12345678", "5513301", "00000000", "55133O18"])
            return data.setting("representative", .members(["cvr": .string(wrong)]))
        case 5: return data.setting("representative", .members(["cpr": .string(own)]))
        case 6: return data.setting("validUntil", .string(today.adding(days: -1 - random.below(40)).description))
        case 7: return data.setting("validUntil", .string(today.adding(years: 100 + random.below(3)).description))
        case 8:
            return data.setting("validFrom", .string(today.adding(days: 20).description))
                .setting("validUntil", .string(today.adding(days: 19).description))
        case 9 where channel != "paper":
            return data.setting("validFrom", .string(today.adding(days: -31 - random.below(3)).description))
        case 10:
            guard let again = issued[person]?.last else { return data }
            return data.setting("representative", again.representative)
                .setting("packages", .array(again.packages.map { .string($0) }))
        default: return evidenceFault(data, channel)
        }
    }

    private mutating func wrongPackages(_ data: ModelJSON) -> ModelJSON {
        let named: [ModelJSON]
        if case .array(let values) = data["packages"] { named = values } else { named = [] }
        let unknown: [ModelJSON] = [.string("no-such-package"), .string("example-40"), .string("EXAMPLE-1")]
        switch random.below(8) {
        case 0: return .array([])
        case 1: return .array((0..<51).map { .string("package-\($0)") })
        case 2: return .string("example-1")
        case 3: return .array(named + named)
        case 4: return .array(named + [.number(7)])
        case 5: return .array([.string(Workload.package(7)), .string(Workload.package(34))] + unknown)
        case 6: return .array([.string(Workload.package(39))])
        default: return .array(named + random.shuffled(unknown))
        }
    }

    mutating func evidenceFault(_ data: ModelJSON, _ channel: String) -> ModelJSON {
        switch channel {
        case "digital": data.setting("packages", .array([.string("no-such-package")]))
        case "paper":
            data.setting(
                random.pick(["evidence", "evidence.journal", "evidence.caseworker", "evidence.identification"]), nil)
        default:
            switch random.below(4) {
            case 0: data.setting(random.pick(["evidence", "evidence.assessment", "evidence.journal"]), nil)
            case 1: data.setting("evidence.identification", .string("fingerprint"))
            case 2: data.setting("evidence.assessment.decidedOn", .string("i går"))
            default:
                data.setting(
                    "evidence.assessment."
                        + random.pick(["possibilities", "consequences", "citizenPresent", "decidedOn"]), nil)
            }
        }
    }

    mutating func revokeFault(_ data: ModelJSON, _ person: Int) -> ModelJSON {
        let byID = data.setting("representative", nil).setting("packages", nil)
        switch random.below(9) {
        case 0: return data.setting("by", nil)
        case 1: return data.setting("by", .string("someone"))
        case 2: return data.setting("grant", nil).setting("representative", nil).setting("packages", nil)
        case 3:
            return byID.setting("grant", .string(random.pick(["", "abc", "12345678-1234-4234-8234-123456789012"])))
        case 4:
            return data.setting("grant", nil).setting("packages", .array([.string("no-such-package")]))
                .setting("representative", .members(["cvr": .string("55133018")]))
        case 5:
            // Another citizen's grant.
            let other = (person + Workload.circles) % workload.people.count
            guard let grant = issued[other]?.first else { return data.setting("by", nil) }
            return byID.setting("grant", .string(grantID(grant, other, 0)))
        case 6:
            // A request is declined, not revoked.
            guard let request = asked[person]?.last else { return data.setting("by", nil) }
            if random.chance(1, of: 2) { return byID.setting("grant", .string(grantID(request, person, 0))) }
            return data.setting("grant", nil).setting("representative", request.representative)
                .setting("packages", .array([.string(request.packages[0])]))
        case 7:
            return data.setting("grant", nil).setting("packages", .array([.string(Workload.package(1))]))
                .setting("representative", .members(["cvr": .string("12345678")]))
        default:
            return data.setting("grant", nil).setting("representative", .members(["cvr": .string("55133018")]))
                .setting("packages", .array([.string(Workload.package(0)), .string(Workload.package(0))]))
        }
    }
}
