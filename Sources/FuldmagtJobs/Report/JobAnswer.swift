import FuldmagtDomain
import FuldmagtJSON
import FuldmagtRecord

/// What a worker said of one command of a job.
struct JobAnswer {
    enum Kind: Equatable {
        case accepted
        case rejected(code: String)
        /// It waits; a final answer follows.
        case parked
        case deadLettered(code: String)
    }

    /// Of the command.
    var id: String
    var kind: Kind
    /// Grants that it changed.
    var grants = GrantCounts()

    /// Reads a record of `fuldmagt.outcomes`; nil for those of other jobs, and for what is no outcome.
    init?(outcome record: RecordView, of job: Job, _ document: JSONDocument) {
        guard record.header("ce_jobid") == job.id, let value = record.value else { return nil }
        let read = document.withRoot(of: value) { Self.read($0, source: job.source) }
        guard case .success(let answer?) = read else { return nil }
        self = answer
    }

    private init(id: String, kind: Kind, grants: GrantCounts = GrantCounts()) {
        self.id = id
        self.kind = kind
        self.grants = grants
    }

    private static func read(_ root: JSONNode, source: String) -> JobAnswer? {
        guard root["command"]?["source"]?.string == source, let id = root["command"]?["id"]?.string else { return nil }
        switch root["status"]?.string {
        case "accepted":
            var states: [GrantState] = []
            root["grants"]?.forEachElement { _, grant in
                if let state = grant["state"]?.string.flatMap({ GrantState(rawValue: $0) }) { states.append(state) }
            }
            return JobAnswer(id: id, kind: .accepted, grants: GrantCounts(states))
        case "rejected":
            var code = ""
            root["reasons"]?.forEachElement { at, reason in
                if at == 0 { code = reason["code"]?.string ?? "" }
            }
            return JobAnswer(id: id, kind: .rejected(code: code))
        case "parked": return JobAnswer(id: id, kind: .parked)
        default: return nil
        }
    }

    /// Reads a record of `fuldmagt.dead-letters`; nil for those of other jobs.
    init?(deadLetter record: RecordView, of job: Job) {
        guard record.header("ce_jobid") == job.id, record.header("ce_source") == job.source,
            let id = record.header("ce_id")
        else { return nil }
        self.init(id: id, kind: .deadLettered(code: record.header("dl_reason") ?? ""))
    }
}
