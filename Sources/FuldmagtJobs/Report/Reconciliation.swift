import FuldmagtDomain
import FuldmagtJSON
import FuldmagtRecord

/// Accounts for every line of a job: in = accepted + rejected + duplicate + dead-lettered + not sent.
public struct Reconciliation {
    /// What became of a line.
    public enum Fate: Equatable, Sendable {
        case accepted
        case rejected(code: String)
        case duplicate(of: Int)
        case deadLettered(code: String)
        /// It is wrong, and was never to be sent.
        case faulty(code: String)
        /// The run has not come to it.
        case notReached
        /// Sent, and nobody has said what became of it; `parked` when a worker has said that it waits.
        case unaccounted(isParked: Bool)
    }

    /// A line's command, or a line that has none.
    private struct Entry {
        var line: Int
        /// 0 for lines that are not commands.
        var mark: UInt64
        var fate: Fate
        /// Grants that it changed, in words.
        var grants = ""
        var answers: UInt8 = 0
    }

    private let job: Job
    private let sentThrough: Int
    private var entries: [Entry] = []
    /// A line's first entry.
    private var index: [Int: Int] = [:]
    private let document = JSONDocument()
    /// Final outcomes and dead letters that carry the job's id and belong to no line.
    public private(set) var strangers = 0

    /// - Parameter sentThrough: the checkpoint's line: up to there the broker has acknowledged all.
    public init(job: Job, sentThrough: Int) {
        self.job = job
        self.sentThrough = sentThrough
    }

    /// Takes a line of the input, in order, before anything is read from the topics.
    public mutating func take(_ line: JobLine) {
        let entry: Entry
        switch line {
        case .header, .blank, .rejectedPart: return
        case .rejected(let line, let faults):
            entry = Entry(line: line.number, mark: 0, fate: .faulty(code: faults.first?.code ?? ""))
        case .duplicate(let line, let of): entry = Entry(line: line, mark: 0, fate: .duplicate(of: of))
        case .command(let command):
            let isSent = command.line <= sentThrough
            entry = Entry(
                line: command.line, mark: command.mark, fate: isSent ? .unaccounted(isParked: false) : .notReached)
        }
        if index[entry.line] == nil { index[entry.line] = entries.count }
        entries.append(entry)
    }

    /// Takes a record of `fuldmagt.outcomes`; those of other jobs are passed over, and what is no outcome answers nothing.
    public mutating func take(outcome record: RecordView) {
        if let answer = JobAnswer(outcome: record, of: job, document) { settle(answer) }
    }

    /// Takes a record of `fuldmagt.dead-letters`; those of other jobs are passed over.
    public mutating func take(deadLetter record: RecordView) {
        if let answer = JobAnswer(deadLetter: record, of: job) { settle(answer) }
    }

    private mutating func settle(_ answer: JobAnswer) {
        guard let at = entry(ofID: answer.id) else {
            strangers += 1
            return
        }
        switch answer.kind {
        case .parked:
            // A final answer may have been read from another partition before.
            if entries[at].answers == 0 { entries[at].fate = .unaccounted(isParked: true) }
        case .deadLettered(let code):
            // What was dead-lettered and then replayed was decided in the end; and an id that came again after its
            // decision takes nothing back.
            if entries[at].answers == 0 { entries[at].fate = .deadLettered(code: code) }
        case .accepted, .rejected:
            entries[at].answers = min(entries[at].answers, .max - 1) + 1
            if case .rejected(let code) = answer.kind {
                entries[at].fate = .rejected(code: code)
            } else {
                entries[at].fate = .accepted
            }
            entries[at].grants = answer.grants.text
        }
    }

    private func entry(ofID id: String) -> Int? {
        guard let (line, mark) = LineCommand.parts(ofID: id, job: job.id), var at = index[line] else { return nil }
        while at < entries.count, entries[at].line == line {
            if entries[at].mark == mark { return at }
            at += 1
        }
        return nil
    }

    /// A line and what became of it.
    public struct Row: Equatable, Sendable {
        public var line: Int
        public var fate: Fate
        /// Grants that it changed, in words.
        public var grants: String
        var answers: UInt8
    }

    /// Calls `body` with each line, in the order of the file. Of a line with several commands, the one that went worst
    /// is what became of it.
    public func forEach(_ body: (Row) throws -> Void) rethrows {
        var at = 0
        while at < entries.count {
            var worst = entries[at]
            at += 1
            while at < entries.count, entries[at].line == worst.line {
                let answers = max(worst.answers, entries[at].answers)
                if entries[at].fate.badness > worst.fate.badness { worst = entries[at] }
                worst.answers = answers
                at += 1
            }
            try body(Row(line: worst.line, fate: worst.fate, grants: worst.grants, answers: worst.answers))
        }
    }

    /// The sum over all lines.
    public var result: Result {
        var result = Result(strangers: strangers)
        forEach { row in
            result.total += 1
            if row.answers > 1 { result.doubled.add(row.line) }
            switch row.fate {
            case .accepted: result.accepted += 1
            case .rejected(let code): result.rejected[code, default: 0] += 1
            case .duplicate: result.duplicates += 1
            case .deadLettered(let code): result.deadLettered[code, default: 0] += 1
            case .faulty(let code): result.faulty[code, default: 0] += 1
            case .notReached: result.notReached += 1
            case .unaccounted: result.unaccounted.add(row.line)
            }
        }
        return result
    }
}

extension Reconciliation.Fate {
    /// Which of several commands' fates a line is told by.
    fileprivate var badness: Int {
        switch self {
        case .accepted: 0
        case .duplicate: 1
        case .faulty: 2
        case .notReached: 3
        case .rejected: 4
        case .deadLettered: 5
        case .unaccounted: 6
        }
    }
}
