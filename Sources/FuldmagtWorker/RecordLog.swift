import FuldmagtDomain
import FuldmagtRecord

/// The log as a worker needs it. Two implementations: Kafka, and a log in memory with the same contract.
///
/// All calls but `publish` come from one thread, the worker's; `publish` comes from one thread at a time.
public protocol RecordLog: ChangelogSource {
    /// Joins the group. From now on `poll` hands out shards and takes them back through `listener`.
    func join(_ listener: any AssignmentListener) throws(LogFailure)

    /// Fetches records of the shards this worker owns, in order within each topic, into the batch of their shard.
    ///
    /// Waits up to the timeout for the first record, then takes what is at hand. Assignments are told to the listener
    /// before this returns.
    func poll(_ limits: PollLimits, into batches: inout [Int32: RecordBatch]) throws(LogFailure)

    /// The group's committed offsets of one shard's topics. Waits for transactions that are still being decided.
    func committed(shard: Int32) throws(LogFailure) -> Committed

    /// Says that this worker owns these shards from now on, before it publishes for them: where a log lets one publish that
    /// lost them, the next owner knows by that whom to fence off.
    /// - Throws: `fenced` when somebody else has published for one of them since its committed offsets were asked for.
    func claim(shards: [Int32]) throws(LogFailure)

    /// Says that this worker has published all it will for these shards: nobody needs to be fenced off for them.
    func release(shards: [Int32]) throws(LogFailure)

    /// Writes the frames and the offsets, all or nothing, for readers of committed records.
    func publish(_ transaction: LogTransaction) throws(LogFailure)

    /// The same. Where it would repeat something by itself it stops doing so once `isGivenUp`; it calls `onCommitting` when
    /// the records are handed over, and only the commit is left.
    func publish(
        _ transaction: LogTransaction, isGivenUp: () -> Bool, onCommitting: () -> Void
    ) throws(LogFailure)

    /// Offsets of the first records that are still there, and of the next ones to come: of a shard's topics, and of the catalogue
    /// for shard 0, which answers for it. Topics that keep everything may be missing.
    func extents(shard: Int32) throws(LogFailure) -> [Topic: Range<Int64>]

    /// Up to where a shard's topics were read when there was no more: beyond their last records where a log has offsets
    /// without a record. Topics with more to read may be missing. Asks nobody.
    func ends(shard: Int32) -> [Topic: Int64]

    /// Reads the catalogue on to the end it had when this was called, at most `limit` records.
    /// - Returns: whether the end is reached.
    /// - Throws: fatal, where the catalogue ends before what was read: it is not the one that was read.
    func readCatalogue(into batch: inout RecordBatch, limit: Int) throws(LogFailure) -> Bool

    /// Goes back to the beginning of the catalogue.
    func rewindCatalogue() throws(LogFailure)

    /// Records of a shard's topics from these positions to the ends that the log was last told of; asks nobody. Topics
    /// it was told nothing of are missing.
    func remaining(shard: Int32, from positions: [Topic: Int64]) -> [Topic: Int64]

    /// Leaves the group; shards still owned are taken back first.
    func leave() throws(LogFailure)
}

/// A log that repeats nothing by itself, forgets nothing, has a record at each offset, and lets nobody publish who has
/// lost its shards.
extension RecordLog {
    public func claim(shards: [Int32]) throws(LogFailure) {}

    public func release(shards: [Int32]) throws(LogFailure) {}

    public func publish(
        _ transaction: LogTransaction, isGivenUp: () -> Bool, onCommitting: () -> Void
    ) throws(LogFailure) {
        try publish(transaction)
    }

    public func extents(shard: Int32) throws(LogFailure) -> [Topic: Range<Int64>] { [:] }

    public func ends(shard: Int32) -> [Topic: Int64] { [:] }
}

/// Told what a worker owns, within `RecordLog.poll` and `leave`, on the worker's thread. The log waits for the answer.
public protocol AssignmentListener: AnyObject {
    /// Shards this worker owns from now on.
    /// - Returns: the positions to read on from; a topic that is missing is read from its beginning.
    func assigned(_ shards: [Int32]) -> [Int32: [Topic: Int64]]
    /// Shards that go to another worker once this returns: finish, publish, release.
    func revoked(_ shards: [Int32])
    /// Shards that another worker may have already: release, publish nothing.
    func lost(_ shards: [Int32])
    /// Shards that came without these of their topics: nobody owns them, and nothing of them is handed out.
    func withheld(_ shards: [Int32: [Topic]])
}

/// A log that hands out shards whole.
extension AssignmentListener {
    public func withheld(_ shards: [Int32: [Topic]]) {}
}

/// Bounds of one fetch.
public struct PollLimits: Sendable {
    public var records: Int
    public var bytes: Int
    public var timeoutMilliseconds: Int

    public init(records: Int, bytes: Int, timeoutMilliseconds: Int) {
        self.records = records
        self.bytes = bytes
        self.timeoutMilliseconds = timeoutMilliseconds
    }
}

/// How far a group has come with one shard.
public struct Committed: Sendable, Equatable {
    /// Positions next to read; a topic without one is missing.
    public var offsets: [Topic: Int64] = [:]
    /// Which file's frame was published last; nil when nothing was, or by a version that left no mark.
    public var mark: FrameMark?

    public init(offsets: [Topic: Int64] = [:], mark: FrameMark? = nil) {
        self.offsets = offsets
        self.mark = mark
    }
}

/// Names a frame of one of the files that a shard has had. It stands beside the committed offsets, so it says for certain
/// which frames are out, and whether a file is the one they came from.
public struct FrameMark: Sendable, Equatable {
    public var lineage: String
    public var frame: Int64

    public init(lineage: String, frame: Int64) {
        self.lineage = lineage
        self.frame = frame
    }

    /// Whether the file has been written without a changelog for a time: what the changelog says is not all of it.
    public var isPartlyUnrecorded: Bool { lineage.hasSuffix("~") }

    /// Whether a file of this lineage is the one that the frame came from, or was before it went on without a changelog.
    public func isOfFile(_ other: String) -> Bool {
        lineage == other || lineage + "~" == other || lineage == other + "~"
    }

    /// `lineage/frame`
    public var text: String { "\(lineage)/\(frame)" }

    public init?(text: some StringProtocol) {
        guard let slash = text.lastIndex(of: "/"), let frame = Int64(text[text.index(after: slash)...]) else {
            return nil
        }
        self.init(lineage: String(text[..<slash]), frame: frame)
    }
}

/// What becomes visible together.
public struct LogTransaction: Sendable {
    public var frames: [Frame] = []
    /// Positions next to read, by shard and topic.
    public var offsets: [Int32: [Topic: Int64]] = [:]
    /// The last frame of each shard; stands beside the offset of its inbox.
    public var marks: [Int32: FrameMark] = [:]
    /// What is parked in each of these shards; stands there too, for operators.
    public var parked: [Int32: InboxNote.Parked] = [:]
    /// Who owns these shards once it is out, where that is not simply who publishes: nobody, where they are given up.
    var owner: String??

    public init() {}

    public var isEmpty: Bool { frames.isEmpty && offsets.isEmpty }
}

/// Why the log could not do what it was asked to, by what follows from it.
public struct LogFailure: Error, Equatable, Sendable, CustomStringConvertible {
    public enum Consequence: String, Sendable {
        /// The same again, with backoff: nothing was written.
        case retry
        /// Another worker owns what we wrote for: give the shards up and join again.
        case fenced
        /// Stop the process.
        case fatal
    }
    public var consequence: Consequence
    public var text: String
    /// Another member of the group has this worker's name.
    public var isNameTaken = false
    /// A setting or a right is wrong: nothing will get better before somebody has changed it.
    public var isSetting = false

    public init(_ consequence: Consequence, _ text: String) {
        self.consequence = consequence
        self.text = text
    }

    public var description: String { text }

    /// The catalogue is not the one that was read. Whoever reads it from its beginning knows what is there now; whoever goes on
    /// would decide otherwise.
    static func cutOff(_ topic: Topic, at end: Int64, readTo position: Int64) -> LogFailure {
        LogFailure(
            .fatal,
            "\(topic.name) ends at \(end), and was read to \(position): it has lost records, or was made anew. A start reads it from its beginning"
        )
    }
}
