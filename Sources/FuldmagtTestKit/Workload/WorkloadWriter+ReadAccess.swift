import FuldmagtDomain

extension WorkloadWriter {
    /// A correction of an exemption, leave to read post or its end, or an enrolment.
    mutating func postCommand(_ citizen: String, _ party: ModelJSON, _ municipality: Municipality, _ circle: Int)
        -> WorkloadCommand
    {
        let isExempt = exempt.contains(citizen)
        switch random.below(40) {
        case ..<(isExempt ? 15 : 1): return correctExemption(citizen, party, municipality)
        case ..<18: return enrol(citizen, party)
        case ..<28 where holders[citizen]?.isEmpty == false: return withdraw(citizen, party, circle)
        default: return grantReadAccess(citizen, party, circle)
        }
    }

    private mutating func correctExemption(_ citizen: String, _ party: ModelJSON, _ municipality: Municipality)
        -> WorkloadCommand
    {
        var data = ModelJSON.members([
            "citizen": party, "municipality": .string(municipality.description),
            "journal": .string("FEJL-\(random.below(1000))"), "caseworker": .string("KMD\(random.below(1000))"),
            "registeredByMistake": .bool(true),
        ])
        switch random.below(20) {
        case 0: data = data.setting("municipality", random.pick([nil, .string("0411"), .number(751)]))
        case 1: data = data.setting("municipality", .string(random.pick(municipalities).description))
        case 2: data = data.setting("journal", nil)
        case 3: data = data.setting("caseworker", random.pick([nil, .number(4711)]))
        case 4: data = data.setting("registeredByMistake", random.pick([nil, .bool(false), .string("ja")]))
        default: exempt.remove(citizen)
        }
        return make(.exemptionCommands, "exemption.correct", citizen, data)
    }

    private mutating func enrol(_ citizen: String, _ party: ModelJSON) -> WorkloadCommand {
        let reason = random.pick(["automatic", "voluntary"])
        var data = ModelJSON.members(["citizen": party, "reason": .string(reason)])
        if random.chance(1, of: 10) {
            data = data.setting("reason", random.pick([nil, .string("tvungen"), .bool(true)]))
        } else if reason == "voluntary" {
            exempt.remove(citizen)
        }
        return make(.exemptionCommands, "mailbox.enrol", citizen, data)
    }

    /// Somebody of a circle with commands of another topic in every phase.
    private mutating func pickHolder(_ circle: Int) -> ModelJSON {
        let other = (circle + random.pick([1, 2, 4, 5])) % Workload.circles
        if random.chance(3, of: 10) { return .members(["cvr": .string(company(other))]) }
        let settled = residents[other].filter { !Workload.isTraveller($0) }
        return .members(["cpr": .string(workload.people[random.pick(settled)].digits)])
    }

    private mutating func grantReadAccess(_ citizen: String, _ party: ModelJSON, _ circle: Int) -> WorkloadCommand {
        var holder = pickHolder(circle)
        // To the same holder again.
        if random.chance(1, of: 4), let known = holders[citizen], !known.isEmpty { holder = random.pick(known) }
        var data = readAccess(party, holder)
        if random.chance(1, of: 5) {
            data = readAccessFault(data)
            if random.chance(1, of: 6) { data = data.setting("holder", party) }
        } else {
            exempt.remove(citizen)
            holders[citizen, default: []].append(holder)
        }
        return make(.exemptionCommands, "readaccess.grant", citizen, data)
    }

    private mutating func withdraw(_ citizen: String, _ party: ModelJSON, _ circle: Int) -> WorkloadCommand {
        let known = holders[citizen] ?? []
        let at = random.below(known.count)
        var data = readAccess(party, random.chance(1, of: 12) ? pickHolder(circle) : known[at])
        if random.chance(1, of: 8) {
            data = readAccessFault(data)
        } else if random.chance(4, of: 5) {
            holders[citizen]?.remove(at: at)
        }
        return make(.exemptionCommands, "readaccess.withdraw", citizen, data)
    }

    private mutating func readAccess(_ party: ModelJSON, _ holder: ModelJSON) -> ModelJSON {
        var data = ModelJSON.members(["citizen": party, "holder": holder])
        if random.chance(1, of: 2) { data = data.setting("journal", .string("LÆS-\(random.below(1000))")) }
        if random.chance(1, of: 2) { data = data.setting("caseworker", .string("KMD\(random.below(1000))")) }
        if random.chance(1, of: 3) {
            data = data.setting("validUntil", .string(today.adding(days: random.below(40)).description))
        }
        return data
    }

    private mutating func readAccessFault(_ data: ModelJSON) -> ModelJSON {
        switch random.below(5) {
        case 0: data.setting("holder", nil)
        case 1: data.setting("holder", wrongParty())
        case 2: data.setting(random.pick(["journal", "caseworker"]), .number(12))
        case 3: data.setting("validUntil", .string(random.pick(["altid", "2026-13-01"])))
        default: data.setting("validUntil", .string(today.adding(days: -1 - random.below(30)).description))
        }
    }
}
