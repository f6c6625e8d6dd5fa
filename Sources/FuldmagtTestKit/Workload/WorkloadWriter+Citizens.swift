import FuldmagtDomain

extension WorkloadWriter {
    mutating func move(_ person: Int, _ circle: Int, mustBeFree: Bool) -> WorkloadCommand {
        let digits = workload.people[person].digits
        if random.chance(1, of: 300) {
            let cvr = company(circle)
            if mustBeFree ? !busy.contains(cvr) : !alone.contains(cvr) {
                let data = ModelJSON.members([
                    "citizen": .members(["cvr": .string(cvr)]), "to": .string("0751"),
                    "effective": .string(today.description),
                ])
                return make(.moveCommands, "move.relocate", cvr, data)
            }
        }
        let effective: Day
        switch random.below(20) {
        case 0..<3: effective = today.adding(days: -1 - random.below(5))
        case 3..<5: effective = today.adding(days: -50 - random.below(4000))
        case 5..<9: effective = workload.options.hasFutureMoves ? today.adding(days: 1 + random.below(12)) : today
        case 9..<11: effective = lastEffective[person] ?? today
        default: effective = today
        }
        let kind = moveKind(of: person)
        var (to, data) = destination(kind, person)
        data = data.setting("effective", .string(effective.description))
        // Half of the citizens' moves all have a time of registration, the others' none: the contract orders no mixture.
        if person % 2 == 0 {
            let registered = Instant(milliseconds: clock - Int64(random.below(4)) * 1_800_000)
            let text = registered.description
            data = data.setting(
                "registeredAt", .string(random.chance(1, of: 3) ? text.dropLast() + "+00:00" : text))
        }
        if random.chance(1, of: 8) {
            data = moveFault(data)
            to = nil
        } else {
            lastEffective[person] = effective
            if effective <= today, effective >= today.adding(days: -5) { homes[person] = to }
        }
        return make(.moveCommands, "move.\(kind)", digits, data)
    }

    private mutating func moveKind(of person: Int) -> String {
        guard random.chance(1, of: Workload.isTraveller(person) ? 2 : 12) else { return "relocate" }
        // Who has no home here is most often abroad.
        return random.chance(homes[person] == nil ? 4 : 1, of: 5) ? "immigrate" : "emigrate"
    }

    /// Where somebody goes, as far as a register says.
    private mutating func destination(_ kind: String, _ person: Int) -> (Municipality?, ModelJSON) {
        var data = ModelJSON.members(["citizen": .members(["cpr": .string(workload.people[person].digits)])])
        if kind == "emigrate" {
            // A country is not kept, whatever it is written as.
            data = data.setting("to", random.pick([nil, .string("Sverige"), .string("0751"), .number(5120)]))
            return (nil, data)
        }
        if kind == "immigrate", random.chance(1, of: 6) { return (nil, data) }
        let island = Municipality(code: 411)
        let to = random.chance(1, of: 50) ? island ?? random.pick(municipalities) : random.pick(municipalities)
        data = data.setting("to", random.chance(1, of: 9) ? .number(Double(to.code)) : .string(to.description))
        if kind == "relocate", let home = homes[person], random.chance(1, of: 2) {
            data = data.setting("from", .string(home.description))
        }
        return (to, data)
    }

    private mutating func moveFault(_ data: ModelJSON) -> ModelJSON {
        switch random.below(6) {
        case 0: data.setting("to", .string(random.pick(["0000", "0412", "9999", "København", "07511"])))
        case 1: data.setting("from", .string(random.pick(["0001", "0999", "?"])))
        case 2: data.setting(random.pick(["to", "effective"]), nil)
        case 3: data.setting("effective", .string(random.pick(["2026-13-01", "i dag", "2026-02-29"])))
        case 4: data.setting("to", .bool(true))
        default: data.setting("registeredAt", .string(random.pick(["2026-03-01", "nu", "2026-03-01T25:00:00Z"])))
        }
    }

    /// A command about the post of a person or, now and then, of a company: half of them about exemptions alone.
    mutating func exemption(_ person: Int, _ circle: Int, mustBeFree: Bool) -> WorkloadCommand {
        var citizen = workload.people[person].digits
        var party = ModelJSON.members(["cpr": .string(citizen)])
        var municipality = homes[person] ?? random.pick(municipalities)
        let cvr = company(circle)
        if random.chance(1, of: 6), mustBeFree ? !busy.contains(cvr) : !alone.contains(cvr) {
            citizen = cvr
            party = .members(["cvr": .string(cvr)])
            municipality = random.pick(municipalities)
        }
        if random.chance(1, of: 2) { return postCommand(citizen, party, municipality, circle) }
        let isLift = exempt.contains(citizen) ? random.chance(3, of: 4) : random.chance(1, of: 8)
        if isLift { return lift(citizen, party, municipality) }
        let requestedBy = random.pick(["citizen", "representative", "guardian", "institution"])
        var data = ModelJSON.members([
            "citizen": party, "municipality": .string(municipality.description),
            "form": .string(random.pick(["FD 001A", "FD 001B", "FD 005"])),
            "journal": .string("FD-\(random.below(100_000))"), "caseworker": .string("KMD\(random.below(1000))"),
            "requestedBy": .string(requestedBy),
            "appearedInPerson": .bool(requestedBy == "citizen" || random.chance(1, of: 2)),
        ])
        if Workload.isTraveller(person), citizen != cvr {
            data = data.setting("departure", .bool(random.chance(2, of: 3)))
        } else if random.chance(1, of: 5) {
            data = data.setting("departure", .bool(false))
        }
        if random.chance(1, of: 3) {
            data = data.setting("validUntil", .string(today.adding(days: random.below(60)).description))
        }
        if random.chance(1, of: 5) {
            data = registerFault(data)
            if random.chance(1, of: 4) { data = registerFault(data) }
        } else {
            exempt.insert(citizen)
        }
        return make(.exemptionCommands, "exemption.register", citizen, data)
    }

    private mutating func registerFault(_ data: ModelJSON) -> ModelJSON {
        switch random.below(7) {
        case 0: data.setting(random.pick(["municipality", "form", "caseworker", "requestedBy"]), nil)
        case 1: data.setting(random.pick(["appearedInPerson", "journal"]), nil)
        case 2: data.setting("requestedBy", .string("citizen")).setting("appearedInPerson", .bool(false))
        case 3: data.setting("municipality", .string(random.pick(municipalities).description))
        case 4: data.setting("municipality", .string(random.pick(["0411", "0000", "Aarhus"])))
        case 5: data.setting("validUntil", .string(today.adding(days: -1 - random.below(30)).description))
        default:
            data.setting(
                random.pick(["requestedBy", "appearedInPerson", "validUntil", "departure"]), .string("måske"))
        }
    }

    private mutating func lift(_ citizen: String, _ party: ModelJSON, _ municipality: Municipality)
        -> WorkloadCommand
    {
        var data = ModelJSON.members([
            "citizen": party, "by": .string(random.pick(["citizen", "authority", "representative"])),
        ])
        if random.chance(1, of: 2) { data = data.setting("municipality", .string(municipality.description)) }
        if random.chance(1, of: 2) { data = data.setting("journal", .string("OPH-\(random.below(1000))")) }
        switch random.below(20) {
        case 0: data = data.setting("by", nil)
        case 1: data = data.setting("by", .string("guardian"))
        case 2: data = data.setting("municipality", .string("0411"))
        case 3: data = data.setting("municipality", .string(random.pick(municipalities).description))
        default: exempt.remove(citizen)
        }
        return make(.exemptionCommands, "exemption.lift", citizen, data)
    }
}
