import Foundation
import FuldmagtDomain
import FuldmagtJSON

/// How far a job has been sent. Written only after the broker has acknowledged all up to `line`: what was sent after that
/// is sent again under the same ids, and workers ignore the repeat.
public struct Checkpoint: Equatable, Sendable {
    public enum State: String, CaseIterable, Sendable { case running, stopped, cancelled, done }

    public var job: String
    /// SHA-256 of the input and of what the job file says about it, in hexadecimal: another file under the same job id
    /// is refused.
    public var input: String
    public var state: State
    /// False for a job that was begun by a version that made ids without the cluster key; see `LineIDs`.
    public var hasKeyedIDs = true
    /// The last line that has been dealt with.
    public var line: Int
    /// Bytes of the input up to there.
    public var position: Int
    /// Bytes of the input in all.
    public var size: Int
    public var sent: Int
    public var faulty: Int
    public var duplicates: Int
    /// As far as outcomes have been read.
    public var answers = Answers.Counts()
    /// Where the topics that answers come on ended when the job was begun: topic name and partition, position.
    public var answersFrom: [String: [Int64]] = [:]
    /// Commands a second, of late.
    public var perSecond: Int
    /// Why it is not faster, in words.
    public var slowBecause: String
    public var at: Instant

    public init(job: String, input: String, size: Int, at: Instant) {
        self.job = job
        self.input = input
        self.size = size
        self.at = at
        state = .running
        (line, position, sent, faulty, duplicates, perSecond) = (0, 0, 0, 0, 0, 0)
        slowBecause = ""
    }

    /// Why a checkpoint cannot be used.
    public struct Unusable: Error, Equatable, CustomStringConvertible {
        public let description: String
    }

    /// Reads what `json` wrote.
    public init(json bytes: [UInt8]) throws(Unusable) {
        let read = JSONDocument().withRoot(of: bytes) { root -> Result<Checkpoint, Unusable> in
            do throws(Unusable) {
                return .success(try Checkpoint(root))
            } catch {
                return .failure(error)
            }
        }
        switch read {
        case .failure: throw Unusable(description: "the checkpoint is not JSON")
        case .success(let checkpoint): self = try checkpoint.get()
        }
    }

    private init(_ root: JSONNode) throws(Unusable) {
        func number(_ name: StaticString) throws(Unusable) -> Int {
            guard let number = root[name]?.int, number >= 0 else {
                throw Unusable(description: "the checkpoint has no number \(name)")
            }
            return number
        }
        guard let job = root["job"]?.string, let input = root["input"]?.string,
            let state = root["state"]?.string.flatMap({ State(rawValue: $0) }),
            let at = root["at"]?.string.flatMap({ Instant($0) })
        else { throw Unusable(description: "the checkpoint is not one of this version") }
        self.init(job: job, input: input, size: try number("size"), at: at)
        self.state = state
        hasKeyedIDs = root["keyedIDs"]?.bool ?? false
        line = try number("line")
        position = try number("position")
        sent = try number("sent")
        faulty = try number("faulty")
        duplicates = try number("duplicates")
        perSecond = try number("perSecond")
        slowBecause = root["slowBecause"]?.string ?? ""
        answers.accepted = try number("accepted")
        answers.rejected = try number("rejected")
        answers.parked = try number("parked")
        answers.deadLettered = try number("deadLettered")
        root["answersFrom"]?.forEachMember { topic, positions in
            var from: [Int64] = []
            positions.forEachElement { from.append(Int64($1.int ?? 0)) }
            answersFrom[topic] = from
        }
    }

    /// One JSON object, with a line end.
    public var json: [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.member("job", job)
        json.member("input", input)
        json.member("state", state.rawValue)
        json.member("keyedIDs", hasKeyedIDs)
        json.member("line", line)
        json.member("position", position)
        json.member("size", size)
        json.member("sent", sent)
        json.member("faulty", faulty)
        json.member("duplicates", duplicates)
        json.member("accepted", answers.accepted)
        json.member("rejected", answers.rejected)
        json.member("parked", answers.parked)
        json.member("deadLettered", answers.deadLettered)
        json.key("answersFrom")
        json.beginObject()
        for (topic, positions) in answersFrom.sorted(by: { $0.key < $1.key }) {
            json.key(topic)
            json.beginArray()
            for position in positions { json.int(position) }
            json.endArray()
        }
        json.endObject()
        json.member("perSecond", perSecond)
        json.member("slowBecause", slowBecause)
        json.member("at", at.description)
        json.endObject()
        return json.finish() + [10]
    }

    /// Writes the file so that whoever reads it sees the old or the new one, whole, whatever dies: beside it, to the disk,
    /// then in its place.
    /// - Throws: when the disk does not take it.
    public func write(to path: String) throws {
        let draft = path + ".new"
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        guard descriptor >= 0 else { throw Unusable(description: "\(draft) cannot be written; check the folder") }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        try handle.write(contentsOf: Data(json))
        try handle.synchronize()
        try handle.close()
        guard rename(draft, path) == 0 else { throw Unusable(description: "\(path) cannot be replaced") }
    }

    /// Reads the file; nil where there is none.
    public static func read(_ path: String) throws(Unusable) -> Checkpoint? {
        guard let data = FileManager.default.contents(atPath: path) else { return nil }
        return try Checkpoint(json: Array(data))
    }
}
