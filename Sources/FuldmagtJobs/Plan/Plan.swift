import FuldmagtDomain
import FuldmagtKeys

/// Where a plan finds what is known about citizens.
public struct PlanSource {
    /// A citizen's file with at least these sections, and the notifications about some grants.
    public var file: (Identity, FileSections, [Ident]) throws -> CitizenFile
    /// Whether a command, by its digest of source and id, has been decided.
    public var isDecided: (Identity, CommandKey) throws -> Bool

    public init(
        file: @escaping (Identity, FileSections, [Ident]) throws -> CitizenFile,
        isDecided: @escaping (Identity, CommandKey) throws -> Bool
    ) {
        self.file = file
        self.isDecided = isDecided
    }
}

/// Decides a job's lines by the rules that workers decide by, and changes nothing.
///
/// Lines of one citizen build on each other in the order of the file, as they will in the shard. What concerns the
/// representative is decided by the rules of the inbox on the representative's own file.
public struct Plan {
    /// What a line is foreseen to come to.
    public enum Verdict: Equatable, Sendable {
        case accepted
        /// Takes effect on a day to come.
        case acceptedForLater
        case rejected([Reason])
        case decidedBefore
        case duplicate(of: Int)
        case faulty([LineFault])
    }

    public private(set) var tally = PlanTally()
    private let source: PlanSource
    private let keys: ClusterKey
    private let circumstances: Circumstances
    /// Citizens of more than one line, by key: kept until the last.
    private let repeated: Set<String>
    /// Told of each citizen once their last line has been decided.
    var foresee: (Foreseen) throws -> Void
    private var kept: [String: Kept] = [:]
    private var scratch: [UInt8] = []

    /// A citizen in the midst of the job.
    private struct Kept {
        var file: CitizenFile
        var before: [GrantState]
        var line = 0
    }

    /// - Parameters:
    ///   - circumstances: the catalogue, and the day that the job is taken to run on.
    ///   - repeated: keys of citizens with more than one line; see `Census`.
    public init(
        source: PlanSource, keys: ClusterKey, circumstances: Circumstances, repeated: Set<String>,
        foresee: @escaping (Foreseen) throws -> Void = { _ in }
    ) {
        self.source = source
        self.keys = keys
        self.circumstances = circumstances
        self.repeated = repeated
        self.foresee = foresee
    }

    /// Takes the next line.
    /// - Returns: what it comes to; nil for lines that say nothing.
    public mutating func take(_ line: JobLine) throws -> PlanRow? {
        switch line {
        case .command(let command):
            guard let body = command.command else {
                preconditionFailure("records of the catalogue are planned by SwitchPlan")
            }
            return try decide(body, of: command)
        default: return tally.take(line)
        }
    }

    /// Ends the plan: what became of the grants of citizens with several lines is counted now.
    public mutating func finish() throws {
        for kept in kept.values.sorted(by: { $0.line < $1.line }) { try count(kept) }
        kept = [:]
    }

    private mutating func decide(_ command: Command, of line: LineCommand) throws -> PlanRow {
        var citizen = identity(of: command.citizen)
        let name = CommandKey(source: command.cause.source, id: command.cause.id, scratch: &scratch)
        var entry = try kept[line.key] ?? load(citizen, for: command)
        entry.line = line.line
        // Who has another number by now is decided about where their file is.
        var hops = 0
        while let renumbering = entry.file.renumbering, renumbering.isHandedOver, hops < 16 {
            citizen = try keys.identity(
                pseudonym: renumbering.to.pseudonym, sealed: renumbering.to.sealed,
                partitions: circumstances.settings.partitions)
            entry = try load(citizen, for: command)
            entry.line = line.line
            hops += 1
        }
        var row = PlanRow(line: line.line, verdict: .decidedBefore)
        if try source.isDecided(citizen, name) {
            tally.decidedBefore.add(line.line)
            return row
        }
        let position = Position(topic: line.topic, partition: citizen.shard, offset: Int64(line.line))
        let decision = Rules.decide(command, at: position, about: &entry.file, under: circumstances)
        if repeated.contains(line.key) { kept[line.key] = entry } else { try count(entry) }
        switch decision {
        case .reject(let reasons):
            tally.rejected[reasons.first?.code ?? .invalidField, default: .init()].add(line.line)
            row.verdict = .rejected(reasons)
        case .park:
            preconditionFailure("a plan's catalogue is never behind")
        case .accept(let effects):
            row.grants = GrantCounts(effects.outcome?.grants.map(\.state) ?? [])
            row.notices = try tally.count(effects, line: line.line, source: source, keys, circumstances)
            tally.accepted.add(line.line)
            row.verdict = .accepted
            guard case .relocate(let move) = command.body, let day = move.effective, day > circumstances.today
            else { break }
            tally.later.add(line.line)
            row.verdict = .acceptedForLater
        }
        return row
    }

    private func identity(of party: Party) -> Identity {
        keys.identity(of: party, partitions: circumstances.settings.partitions)
    }

    /// All sections that any command of a kind of job needs, so that a file kept serves the next line too.
    private func load(_ citizen: Identity, for command: Command) throws -> Kept {
        let sections = Rules.sections(for: command.body).union([.residences, .exemptions, .grants])
        let file = try source.file(citizen, sections, [])
        return Kept(file: file, before: file.grants.map(\.state))
    }

    private mutating func count(_ kept: Kept) throws {
        tally.count(kept.file, before: kept.before, line: kept.line, on: circumstances.today)
        try foresee(Foreseen(kept.file, line: kept.line, on: circumstances.today))
    }
}

extension PlanTally {
    /// Takes a line that is no command.
    mutating func take(_ line: JobLine) -> PlanRow? {
        switch line {
        case .header, .blank, .rejectedPart, .command: return nil
        case .rejected(let line, let faults):
            faulty[faults.first?.code ?? "", default: .init()].add(line.number)
            return PlanRow(line: line.number, verdict: .faulty(faults))
        case .duplicate(let line, let of):
            duplicates.add(line)
            return PlanRow(line: line, verdict: .duplicate(of: of))
        }
    }

    /// Counts what became of a citizen's living grants; what they were given meanwhile is counted as given.
    mutating func count(_ file: CitizenFile, before: [GrantState], line: Int, on day: Day) {
        let municipality = file.residence(on: day)?.municipality
        for (at, grant) in file.grants.enumerated() where grant.validUntil >= day {
            guard let fate = Fate(from: at < before.count ? before[at] : nil, to: grant.state) else { continue }
            grants[.init(package: grant.terms.id, municipality: municipality), default: [:]][fate, default: .init()]
                .add(line)
        }
    }

    /// Counts who is told what, the representatives by the rules of the inbox on their own files.
    mutating func count(
        _ effects: Effects, line: Int, source: PlanSource, _ keys: ClusterKey, _ circumstances: Circumstances
    ) throws -> PlanRow.Notices {
        var notices = PlanRow.Notices()
        func take(_ effects: Effects, _ told: inout [NoticeKey: Int]) {
            for notice in effects.notices where !notice.isCancellation {
                told[.init(notice.notification.kind, notice.notification.channel), default: 0] += 1
            }
        }
        take(effects, &notices.toCitizen)
        for message in effects.inbox {
            guard case .news(let news) = message.body, let pseudonym = message.citizen, let sealed = message.sealed
            else { continue }
            let representative = try keys.identity(
                pseudonym: pseudonym, sealed: sealed, partitions: circumstances.settings.partitions)
            let (sections, grants) = Rules.sections(for: news)
            var file = try source.file(representative, sections, grants)
            take(Rules.receive(news, about: &file, under: circumstances), &notices.toOthers)
        }
        for (key, count) in notices.toCitizen.merging(notices.toOthers, uniquingKeysWith: +) {
            notifications[key, default: .init()].add(line, times: count)
        }
        return notices
    }
}
