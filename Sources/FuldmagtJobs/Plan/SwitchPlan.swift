import FuldmagtDomain
import FuldmagtJSON
import FuldmagtKeys

/// Where the plan of a supplier switch finds the citizens it concerns.
public struct Population {
    /// Calls its argument with each citizen who lives in a municipality.
    public var residents: (Municipality, (Identity) throws -> Void) throws -> Void
    /// Calls its argument with each citizen who has a living grant of a package.
    public var grantors: (String, (Identity) throws -> Void) throws -> Void

    public init(
        residents: @escaping (Municipality, (Identity) throws -> Void) throws -> Void,
        grantors: @escaping (String, (Identity) throws -> Void) throws -> Void
    ) {
        self.residents = residents
        self.grantors = grantors
    }
}

/// Foresees a supplier switch: what grants come to under the catalogue as it will be, by the rules by which workers look
/// at citizens again when the catalogue has changed.
public struct SwitchPlan {
    public private(set) var tally = PlanTally()
    private var catalogue: Catalogue
    private let source: PlanSource
    private let population: Population
    private let keys: ClusterKey
    private let circumstances: Circumstances
    private let foresee: (Foreseen) throws -> Void
    private let document = JSONDocument()
    private var scratch: [UInt8] = []
    /// Where the catalogue is before the job.
    private let begin: Int64
    /// What has been found of the line whose commands are being taken.
    private var verdict: Plan.Verdict?
    /// Municipalities that are switched, with the day that counts and the line that said so.
    private var switched: [Municipality: (day: Day, line: Int)] = [:]
    private var lastLine = 0

    public init(
        source: PlanSource, population: Population, keys: ClusterKey, circumstances: Circumstances,
        foresee: @escaping (Foreseen) throws -> Void = { _ in }
    ) {
        self.source = source
        self.population = population
        self.keys = keys
        self.circumstances = circumstances
        self.foresee = foresee
        catalogue = circumstances.catalogue
        begin = catalogue.position
    }

    /// Takes the next line, or the next command of one.
    /// - Returns: what the line comes to, once its last command has been taken.
    public mutating func take(_ line: JobLine) -> PlanRow? {
        guard case .command(let command) = line else { return tally.take(line) }
        let found = apply(command)
        // What is wrong with one of a line's commands is what the line comes to.
        if verdict == nil || verdict == .accepted || verdict == .decidedBefore { verdict = found }
        guard command.isLast, let verdict else { return nil }
        self.verdict = nil
        switch verdict {
        case .rejected(let reasons):
            tally.rejected[reasons.first?.code ?? .invalidField, default: .init()].add(command.line)
        case .decidedBefore: tally.decidedBefore.add(command.line)
        default: tally.accepted.add(command.line)
        }
        return PlanRow(line: command.line, verdict: verdict)
    }

    private mutating func apply(_ command: LineCommand) -> Plan.Verdict {
        let outcome = command.withRecord(offset: catalogue.position, at: circumstances.now) { record in
            catalogue.apply(record, document: document, settings: circumstances.settings) {
                ClusterKey.digest($0, scratch: &scratch)
            }
        }
        switch outcome {
        case .applied, .removed:
            note(command)
            return .accepted
        case .repeated: return .decidedBefore
        case .rejected(_, let reasons): return .rejected(reasons)
        case .deadLetter: return .rejected([Reason(.invalidField, "ce_id")])
        }
    }

    private mutating func note(_ command: LineCommand) {
        lastLine = command.line
        let read = document.withRoot(of: command.data) { root -> (Municipality, Day)? in
            guard let municipality = root["municipality"]?.string.flatMap({ Municipality($0) }),
                let from = root["from"]?.string.flatMap({ Day($0) })
            else { return nil }
            return (municipality, from)
        }
        guard case .success(let found) = read, let (municipality, from) = found else { return }
        let day = max(from, circumstances.today, switched[municipality]?.day ?? from)
        switched[municipality] = (day, command.line)
    }

    /// Ends the plan: looks at every citizen whom the switch concerns, once.
    public mutating func finish() throws {
        var seen: Set<Ident> = []
        for package in catalogue.packagesSwitched(since: begin) {
            var found: [Identity] = []
            try population.grantors(package) { if seen.insert($0.pseudonym).inserted { found.append($0) } }
            for citizen in found { try review(citizen, followsSystems: true, line: lastLine) }
        }
        for (municipality, (_, line)) in switched.sorted(by: { $0.key < $1.key }) {
            var tally = tally
            try population.residents(municipality) { citizen in
                guard seen.insert(citizen.pseudonym).inserted else { return }
                try review(citizen, followsSystems: false, line: line, into: &tally)
            }
            self.tally = tally
        }
    }

    private mutating func review(_ citizen: Identity, followsSystems: Bool, line: Int) throws {
        var tally = tally
        try review(citizen, followsSystems: followsSystems, line: line, into: &tally)
        self.tally = tally
    }

    private func review(_ citizen: Identity, followsSystems: Bool, line: Int, into tally: inout PlanTally) throws {
        let sections = Rules.sections(for: .itSystem).union(Rules.sections(for: .residence))
        var file = try source.file(
            citizen, followsSystems ? sections : Rules.sections(for: .residence), [])
        let before = file.grants.map(\.state)
        let home = file.residence(on: circumstances.today)?.municipality
        let change = home.flatMap { switched[$0] }
        let day = change?.day ?? circumstances.today
        var effects: [Effects] = []
        if followsSystems {
            effects.append(
                Rules.review(&file, for: .itSystem, isDayTurn: false, under: under(circumstances.today)))
        }
        if change != nil {
            effects.append(Rules.review(&file, for: .residence, isDayTurn: false, under: under(day)))
        }
        for effects in effects {
            _ = try tally.count(effects, line: change?.line ?? line, source: source, keys, under(day))
        }
        tally.count(file, before: before, line: change?.line ?? line, on: day)
        try foresee(Foreseen(file, line: change?.line ?? line, on: day))
    }

    private func under(_ day: Day) -> Circumstances {
        Circumstances(
            now: circumstances.now, today: day, catalogue: catalogue, settings: circumstances.settings,
            naming: circumstances.naming)
    }
}
