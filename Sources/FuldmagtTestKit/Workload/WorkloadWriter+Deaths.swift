import FuldmagtDomain

extension WorkloadWriter {
    /// Deaths, second deaths and deaths by mistake, none about two people of whom one has named the other: what ends first
    /// would be told otherwise than what ends last.
    mutating func deaths() -> [ModelRecord] {
        var records: [ModelRecord] = []
        var concerned: Set<String> = []
        let gone = (dead.union(doomed.keys)).sorted()
        for _ in 0..<max(workload.people.count / 15, 5) {
            let isAgain = !gone.isEmpty && random.chance(1, of: 2)
            let person = isAgain ? random.pick(gone) : random.below(workload.people.count)
            let digits = workload.people[person].digits
            guard concerned.isDisjoint(with: links[digits, default: []]), concerned.insert(digits).inserted else {
                continue
            }
            let command = isAgain || random.chance(1, of: 12) ? correctDeath(person) : decease(person)
            current.append(command)
            records.append(record(command))
            // A register that sends everything twice.
            if random.chance(1, of: 10) { records.append(record(command, isRespelled: true)) }
            // Noticed at once. Who is called dead again at once is not told what their other shards have to say, and how
            // much that is, nobody promises.
            if command.name != "move.correct", random.chance(1, of: 6) {
                let correction = correctDeath(person)
                current.append(correction)
                records.append(record(correction))
            }
        }
        let cvr = company(random.below(Workload.circles))
        let data = ModelJSON.members([
            "citizen": .members(["cvr": .string(cvr)]), "effective": .string(today.description),
        ])
        records.append(record(make(.moveCommands, "move.decease", cvr, data)))
        return records
    }

    private mutating func decease(_ person: Int) -> WorkloadCommand {
        let digits = workload.people[person].digits
        var effective = today.adding(days: -random.below(5))
        // Where a representative's death meets other things due on its day, what comes first is not said.
        let mayWait = workload.options.hasFutureMoves && !named.contains(digits)
        if mayWait, random.chance(1, of: 2) { effective = today.adding(days: 1 + random.below(12)) }
        var data = ModelJSON.members([
            "citizen": .members(["cpr": .string(digits)]), "effective": .string(effective.description),
        ])
        if random.chance(1, of: 12) {
            data = data.setting("effective", random.pick([nil, .string("i går"), .number(20_260_301)]))
        } else if effective > today {
            if !dead.contains(person) { doomed[person] = effective }
        } else if doomed[person] == nil {
            dead.insert(person)
            forget(person)
        }
        return make(.moveCommands, "move.decease", digits, data)
    }

    /// Most of what the dead gave and were given is not named any more.
    private mutating func forget(_ person: Int) {
        if random.chance(3, of: 4) { (issued[person], asked[person]) = (nil, nil) }
        let digits = workload.people[person].digits
        for grantor in issued.keys.sorted() where random.chance(3, of: 4) {
            issued[grantor]?.removeAll { $0.representative["cpr"]?.text == digits }
        }
    }

    private mutating func correctDeath(_ person: Int) -> WorkloadCommand {
        // Nobody dies twice.
        if random.chance(1, of: 4) { return decease(person) }
        let digits = workload.people[person].digits
        var data = ModelJSON.members([
            "citizen": .members(["cpr": .string(digits)]), "journal": .string("LIVE-\(random.below(1000))"),
            "diedByMistake": .bool(true),
        ])
        switch random.below(6) {
        case 0: data = data.setting("journal", random.pick([nil, .number(3), .string("  ")]))
        case 1: data = data.setting("diedByMistake", random.pick([nil, .bool(false), .string("ja")]))
        default:
            dead.remove(person)
            doomed[person] = nil
        }
        return make(.moveCommands, "move.correct", digits, data)
    }

    /// Somebody dead: most often one whom the person has named while they lived.
    mutating func pickDead(_ person: Int, _ circle: Int) -> Int? {
        let gone = residents[circle].filter { dead.contains($0) && $0 != person && !Workload.isTraveller($0) }
        let known = gone.filter {
            links[workload.people[person].digits, default: []].contains(workload.people[$0].digits)
        }
        if !known.isEmpty, random.chance(3, of: 4) { return random.pick(known) }
        return gone.isEmpty ? nil : random.pick(gone)
    }

    /// Remembers whom a command names as representative.
    mutating func note(_ command: WorkloadCommand) {
        guard let other = Self.representative(of: command), other != command.citizen else { return }
        links[command.citizen, default: []].insert(other)
        links[other, default: []].insert(command.citizen)
        named.insert(other)
        if command.name == "grant.request" { askers[command.id, default: []].insert(other) }
    }

    private static func representative(of command: WorkloadCommand) -> String? {
        let party = command.data["representative"] ?? command.data["changes"]?["representative"]
        return party?["cpr"]?.text
    }

    /// Whether a command may give something to somebody dead.
    func namesTheDead(_ command: WorkloadCommand) -> Bool {
        guard command.topic == .grantCommands else { return false }
        var others = command.data["request"]?.text.map { askers[$0, default: []] } ?? []
        if let other = Self.representative(of: command) { others.insert(other) }
        return dead.contains { others.contains(workload.people[$0].digits) }
    }
}
