import FuldmagtDomain

/// Makes the job that takes back what another did by mistake, as far as the domain allows: moves, and enrolments that
/// ended an exemption. Nothing is deleted; what was done stays as history, and a later command says otherwise.
///
/// What must be taken back is read from the store, not from the input: only commands of the job that were carried out, and
/// that nobody has superseded since.
public struct Undo {
    /// Why nothing is taken back for a line.
    public enum Refusal: String, CaseIterable, Sendable {
        case nothingDone = "nothing-done"
        case superseded
        case nothingKnownBefore = "nothing-known-before"
        case exemptAgain = "exempt-again"
        case exemptionOver = "exemption-over"

        public var text: String {
            switch self {
            case .nothingDone: "it was not carried out, or changed nothing"
            case .superseded: "another move has taken its place since"
            case .nothingKnownBefore: "no residence was known before, and there is no command for that"
            case .exemptAgain: "the citizen has been exempted again since"
            case .exemptionOver: "the exemption that it ended would be over by now"
            }
        }
    }

    private let job: Job
    private let today: Day
    /// Lines of the compensating job.
    public private(set) var count = 0
    public private(set) var refusals: [Refusal: PlanTally.Lines] = [:]

    /// - Parameter job: the one to take back.
    public init(job: Job, today: Day) {
        self.job = job
        self.today = today
    }

    /// The kind of the compensating job; nil where a job cannot be taken back.
    public static func kind(of job: Job) -> JobKind? {
        switch job.kind {
        case .moves: .moves
        case .enrolment: .exemptions
        case .exemptions, .grants, .supplierSwitch: nil
        }
    }

    private static func columns(of job: Job) -> [String] {
        switch kind(of: job) {
        case .moves?: ["type", "citizen", "to", "effective"]
        case .exemptions?:
            [
                "citizen", "municipality", "form", "journal", "caseworker", "requestedBy", "appearedInPerson",
                "departure", "validUntil",
            ]
        default: []
        }
    }

    /// The header of the compensating job's CSV.
    public var csvHeader: String { CSVText.dataLine(Self.columns(of: job)) }

    /// The compensating job's file.
    /// - Parameter input: name of the CSV, beside it.
    public func jobFile(id: String, input: String) -> String {
        let columns = Self.columns(of: job).map { "  \($0): \($0)\n" }.joined()
        return """
            # Takes back job \(job.id).
            job: \(id)
            source: "\(job.source)"
            kind: \((Self.kind(of: job) ?? job.kind).rawValue)
            input: "\(input)"
            columns:
            \(columns)
            """
    }

    /// Takes a line of the job, and what the store holds about its citizen.
    /// - Parameter file: with residences and exemptions.
    /// - Returns: the line that takes it back, which names the citizen; nil where there is nothing to be done.
    public mutating func take(_ command: LineCommand, _ file: CitizenFile) -> String? {
        do throws(Refused) {
            let fields =
                switch command.command?.body {
                case .relocate: try move(command, file)
                case .enrol: try enrolment(command, file)
                default: throw Refused(why: .nothingDone)
                }
            count += 1
            return CSVText.dataLine(fields)
        } catch {
            refusals[error.why, default: .init()].add(command.line)
            return nil
        }
    }

    private struct Refused: Error { var why: Refusal }

    /// A move to where the citizen would have lived: of two on one day, the later to arrive wins.
    private func move(_ command: LineCommand, _ file: CitizenFile) throws(Refused) -> [String] {
        guard let done = file.residences.first(where: { isSame($0.cause, command.cause) }) else {
            throw Refused(why: .nothingDone)
        }
        guard let present = file.residence(on: done.effective), isSame(present.cause, command.cause) else {
            throw Refused(why: .superseded)
        }
        var others = file
        others.residences.removeAll {
            $0.cause.source == job.source && LineCommand.parts(ofID: $0.cause.id, job: job.id) != nil
        }
        guard let before = others.residence(on: done.effective) else { throw Refused(why: .nothingKnownBefore) }
        return [
            before.municipality == nil ? "emigrate" : "relocate", file.citizen.party.digits,
            before.municipality?.description ?? "", done.effective.description,
        ]
    }

    /// The exemption that it ended is registered again, as it was.
    private func enrolment(_ command: LineCommand, _ file: CitizenFile) throws(Refused) -> [String] {
        let ended = file.exemptions.last { $0.lifting.map { isSame($0.cause, command.cause) } ?? false }
        guard let ended else { throw Refused(why: .nothingDone) }
        guard !file.isExempt(on: today) else { throw Refused(why: .exemptAgain) }
        if let until = ended.validUntil, until < today { throw Refused(why: .exemptionOver) }
        return [
            file.citizen.party.digits, ended.municipality.description, ended.form, ended.journal, ended.caseworker,
            ended.requestedBy.rawValue, String(ended.appearedInPerson), String(ended.departure),
            ended.validUntil?.description ?? "",
        ]
    }

    private func isSame(_ one: Cause, _ other: Cause) -> Bool { one.id == other.id && one.source == other.source }
}
