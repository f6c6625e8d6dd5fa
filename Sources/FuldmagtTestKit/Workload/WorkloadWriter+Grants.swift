import FuldmagtDomain
import FuldmagtKeys

extension WorkloadWriter {
    /// A command on a topic by someone of a circle; nil when nobody is free.
    mutating func command(_ topic: Topic, _ circle: Int, mustBeFree: Bool = false) -> WorkloadCommand? {
        guard let command = anyCommand(topic, circle, mustBeFree: mustBeFree) else { return nil }
        guard namesTheDead(command) else { return command }
        // The grantor's shard hears of the death some time after the command.
        guard !busy.contains(command.citizen) else { return nil }
        alone.insert(command.citizen)
        return command
    }

    private mutating func anyCommand(_ topic: Topic, _ circle: Int, mustBeFree: Bool) -> WorkloadCommand? {
        guard let person = person(circle, mustBeFree: mustBeFree) else { return nil }
        switch topic {
        case .grantCommands:
            if random.chance(1, of: 300) { return companyIssue(circle, mustBeFree: mustBeFree) }
            switch random.below(100) {
            case ..<18: return request(person, circle)
            case ..<32: return answer(person, circle)
            case ..<42: return renew(person, circle)
            case ..<50: return correct(person, circle)
            case ..<70: return revoke(person, circle)
            default: return issue(person, circle)
            }
        case .moveCommands: return move(person, circle, mustBeFree: mustBeFree)
        default: return exemption(person, circle, mustBeFree: mustBeFree)
        }
    }

    mutating func issue(_ person: Int, _ circle: Int) -> WorkloadCommand {
        let digits = workload.people[person].digits
        let numbers = pickPackages(for: person)
        let representative = pickRepresentative(for: person, circle)
        let end = pickEnd(for: numbers)
        let channel = random.pick(["digital", "digital", "digital", "paper", "assisted"])
        var data = ModelJSON.members([
            "grantor": .members(["cpr": .string(digits)]), "representative": representative,
            "packages": .array(numbers.map { .string(Workload.package($0)) }),
            "validUntil": .string(end.description), "channel": .string(channel),
        ])
        switch random.below(10) {
        case 0: data = data.setting("validFrom", .string(today.adding(days: -random.below(31)).description))
        case 1: data = data.setting("validFrom", .string(today.adding(days: random.below(3)).description))
        case 2 where channel == "paper":
            data = data.setting("validFrom", .string(today.adding(days: -random.below(200)).description))
        default: break
        }
        if channel != "digital" { data = data.setting("evidence", evidence(channel)) }
        if random.chance(1, of: 10) { data = data.setting("note", .array([.number(3), .string("ukendt felt")])) }
        let isFaulty = random.chance(1, of: 5)
        if isFaulty { data = issueFaults(data, person, channel) }
        if random.chance(1, of: 15), let request = asked[person]?.last {
            // What somebody has asked for is given without an answer.
            data = data.setting("representative", request.representative)
                .setting("packages", .array(request.packages.map { .string($0) }))
        }
        let command = make(.grantCommands, "grant.issue", digits, data)
        if let named = data["representative"], !isFaulty || random.chance(1, of: 4) {
            issued[person, default: []].append(
                Issued(command, representative: named, packages: numbers.map(Workload.package), end: end))
        }
        return command
    }

    mutating func pickPackages(for person: Int) -> [Int] {
        let usual = (0..<39).filter { number in
            switch number {
            case 7, 8, 34: false
            case 35...38: true
            default: homes[person].map { Workload.isOffered(number, in: $0) } ?? (number == 14)
            }
        }
        var numbers: [Int] = []
        for _ in 0...random.below(3) {
            let number = random.chance(1, of: 25) ? random.below(Workload.packageCount) : random.pick(usual)
            if !numbers.contains(number) { numbers.append(number) }
        }
        return numbers
    }

    mutating func pickRepresentative(for person: Int, _ circle: Int) -> ModelJSON {
        if random.chance(3, of: 10) { return .members(["cvr": .string(company(circle))]) }
        let isFree = !busy.contains(workload.people[person].digits)
        if isFree, random.chance(1, of: 5), let other = pickDead(person, circle) {
            return .members(["cpr": .string(workload.people[other].digits)])
        }
        let others = residents[circle].filter {
            $0 != person && !Workload.isTraveller($0) && !dead.contains($0) && doomed[$0] == nil
        }
        // A small circle may have died out.
        guard !others.isEmpty else { return .members(["cvr": .string(company(circle))]) }
        return .members(["cpr": .string(workload.people[random.pick(others)].digits)])
    }

    mutating func pickEnd(for packages: [Int]) -> Day {
        let longest = packages.contains(5) ? 30 : packages.contains(4) ? 365 : 4000
        let days =
            switch random.below(6) {
            case 0: random.below(15)
            case 1: longest
            default: random.below(longest + 1)
            }
        return today.adding(days: random.chance(1, of: 60) ? 36_520 + random.below(20) : days)
    }

    mutating func evidence(_ channel: String) -> ModelJSON {
        let evidence = ModelJSON.members([
            "journal": .string("Sagsnr. 27/Æ-\(random.below(100_000))"),
            "caseworker": .string("KMD\(random.below(1000))"),
            "identification": .string(random.pick(["passport", "driving-licence", "mitid", "known-to-authority"])),
        ])
        guard channel == "assisted" else { return evidence }
        return evidence.setting(
            "assessment",
            .members([
                "possibilities": .string("MitID på papir\ter overvejet"),
                "consequences": .string("Gennemgået \"mundtligt\""),
                "citizenPresent": .bool(random.chance(1, of: 2)), "decidedOn": .string(today.description),
            ]))
    }

    /// A company cannot give: national packages only, so that there is one reason.
    private mutating func companyIssue(_ circle: Int, mustBeFree: Bool) -> WorkloadCommand? {
        let cvr = company(circle)
        guard mustBeFree ? !busy.contains(cvr) : !alone.contains(cvr) else { return nil }
        let data = ModelJSON.members([
            "grantor": .members(["cvr": .string(cvr)]),
            "representative": .members(["cpr": .string(workload.people[residents[circle][0]].digits)]),
            "packages": .array([.string(Workload.package(36))]),
            "validUntil": .string(today.adding(days: 100).description), "channel": .string("digital"),
        ])
        return make(.grantCommands, random.pick(["grant.issue", "grant.request"]), cvr, data)
    }

    mutating func revoke(_ person: Int, _ circle: Int) -> WorkloadCommand {
        guard let given = issued[person], !given.isEmpty else { return issue(person, circle) }
        let digits = workload.people[person].digits
        let at = random.below(given.count)
        let grant = given[at]
        var data = ModelJSON.members(["grantor": .members(["cpr": .string(digits)])])
        if random.chance(1, of: 2) {
            let ordinal = random.below(grant.packages.count)
            data = data.setting("grant", .string(grantID(grant, person, ordinal)))
        } else {
            let count = 1 + random.below(grant.packages.count)
            data = data.setting("representative", grant.representative)
                .setting("packages", .array(random.shuffled(grant.packages).prefix(count).map { .string($0) }))
        }
        data = data.setting("by", .string(random.pick(["grantor", "grantor", "representative", "authority"])))
        if random.chance(1, of: 3) { data = data.setting("reason", .string("Ønsker det ikke længere.\nTak.")) }
        if random.chance(1, of: 8) { data = revokeFault(data, person) }
        if random.chance(3, of: 4) { issued[person]?.remove(at: at) }
        return make(.grantCommands, "grant.revoke", digits, data)
    }

    func grantID(_ grant: Issued, _ person: Int, _ ordinal: Int) -> String {
        workload.keys.id(
            "grant", source: grant.source, id: grant.id,
            citizen: workload.keys.pseudonym(of: workload.people[person].party), ordinal: String(ordinal)
        ).uuidText
    }
}
