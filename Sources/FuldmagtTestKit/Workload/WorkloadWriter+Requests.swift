import FuldmagtDomain

/// What a command gave or asked for, as far as it is known here.
struct Issued {
    var source: String
    var id: String
    var representative: ModelJSON
    var packages: [String]
    /// Of each grant, in the order of the packages.
    var versions: [Int]
    var ends: [Day]

    init(_ command: WorkloadCommand, representative: ModelJSON, packages: [String], end: Day) {
        (source, id) = (command.source, command.id)
        self.representative = representative
        self.packages = packages
        versions = packages.map { _ in 1 }
        ends = packages.map { _ in end }
    }
}

extension WorkloadWriter {
    /// A representative asks for something, now and then for the same once more.
    mutating func request(_ person: Int, _ circle: Int) -> WorkloadCommand {
        let digits = workload.people[person].digits
        let numbers = pickPackages(for: person)
        let end = pickEnd(for: numbers)
        var data = ModelJSON.members([
            "grantor": .members(["cpr": .string(digits)]), "representative": pickRepresentative(for: person, circle),
            "packages": .array(numbers.map { .string(Workload.package($0)) }),
            "validUntil": .string(end.description),
        ])
        switch random.below(10) {
        case 0: data = data.setting("validFrom", .string(today.adding(days: -random.below(31)).description))
        case 1: data = data.setting("validFrom", .string(today.adding(days: random.below(8)).description))
        default: break
        }
        var isFaulty = true
        if random.chance(1, of: 12), let again = asked[person]?.last {
            data = data.setting("representative", again.representative)
                .setting("packages", .array(again.packages.map { .string($0) }))
        } else if random.chance(1, of: 8) {
            data = issueFault(data, person, "digital")
        } else {
            isFaulty = false
        }
        var command = make(.grantCommands, "grant.request", digits, data)
        if random.chance(1, of: 25), let earlier = asked[person]?.last {
            // Another source may use the same id: whoever answers it answers both.
            command.id = earlier.id
            command.source = random.pick(Self.sources.filter { $0 != earlier.source })
            note(command)
        }
        if let named = data["representative"], !isFaulty || random.chance(1, of: 4) {
            asked[person, default: []].append(
                Issued(command, representative: named, packages: numbers.map(Workload.package), end: end))
        }
        return command
    }

    /// Two of three answers approve. Many requests are answered late or never.
    mutating func answer(_ person: Int, _ circle: Int) -> WorkloadCommand {
        guard let open = asked[person], !open.isEmpty else { return request(person, circle) }
        let digits = workload.people[person].digits
        // Most often the latest: the earlier ones are late.
        let at = random.chance(2, of: 3) ? open.count - 1 : random.below(open.count)
        let isApproval = random.chance(2, of: 3)
        let channel = random.pick(["digital", "digital", "paper", "assisted"])
        var data = ModelJSON.members([
            "grantor": .members(["cpr": .string(digits)]), "request": .string(open[at].id),
            "channel": .string(channel),
        ])
        // Evidence matters to approvals only.
        if isApproval ? channel != "digital" : random.chance(1, of: 4) {
            data = data.setting("evidence", evidence(channel))
        }
        if random.chance(1, of: 9) {
            data = answerFault(data, channel)
        } else if random.chance(9, of: 10) {
            asked[person]?.remove(at: at)
            if isApproval { issued[person, default: []].append(open[at]) }
        }
        return make(.grantCommands, isApproval ? "grant.approve" : "grant.decline", digits, data)
    }

    private mutating func answerFault(_ data: ModelJSON, _ channel: String) -> ModelJSON {
        switch random.below(6) {
        case 0: data.setting("request", random.pick([nil, .number(12), .bool(true)]))
        case 1, 2: data.setting("request", .string("ingen-\(random.below(1000))"))
        // Without a channel nothing can be said about evidence.
        case 3: data.setting("evidence", nil).setting("channel", random.pick([nil, .string("fax"), .number(1)]))
        default:
            channel == "digital"
                ? data.setting("evidence", nil).setting("channel", .string("paper")) : evidenceFault(data, channel)
        }
    }
}
