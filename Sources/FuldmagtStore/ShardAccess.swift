import FuldmagtDomain
import FuldmagtKeys
import FuldmagtRecord
import GRDBSQLite

/// Reads and writes of one shard within a turn, through prepared statements.
public final class ShardAccess {
    let connection: OpaquePointer
    let keys: ClusterKey
    let statements: Statements
    private var posts: PostStatements?
    /// Rows that many others refer to, by their content. Cleared when a turn is rolled back.
    var origins: [OriginKey: Int64] = [:]
    var originRows: [Int64: OriginKey] = [:]
    var terms: [TermsKey: [(PackageTerms, Int64)]] = [:]
    var termsRows: [Int64: PackageTerms] = [:]
    var senders: [Sender: Int64] = [:]
    var senderRows: [Int64: Sender] = [:]
    var lastOrigin: (source: String, type: String, row: Int64)?
    var lastTerms: (terms: PackageTerms, row: Int64)?
    var lastSender: (sender: Sender, row: Int64)?

    /// What their own rows say of the citizens asked for last. Cleared when a turn is rolled back.
    var heads: [Ident: Head] = [:]
    let headsAtMost: Int

    /// A citizen's own row, of one who has no other number.
    struct Head {
        var row: Int64
        var died: Day?
        var reviewedFor: Municipality?
        /// Known not to have an exemption, past or present.
        var isNeverExempted = false
        /// The one residence there is of them, once it was read; nil where there are several.
        var residence: Residence?
    }

    struct OriginKey: Hashable {
        var source: String
        var type: String
    }

    struct TermsKey: Hashable {
        var package: String
        var version: Int
    }

    private let changes: ChangeRecorder?
    /// Whether the changelog has the shard's own row.
    private var hasNotedMeta = false

    /// - Parameter headsAtMost: each takes up to 300 bytes.
    init(
        _ connection: OpaquePointer, keys: ClusterKey, changes: ChangeRecorder?, headsAtMost: Int
    ) throws(StoreError) {
        self.connection = connection
        self.headsAtMost = headsAtMost
        self.changes = changes
        self.keys = keys
        statements = try Statements(connection)
    }

    func postStatements() throws(StoreError) -> PostStatements {
        if let posts { return posts }
        let made = try PostStatements(connection)
        posts = made
        return made
    }

    // MARK: Transactions

    /// - Parameter epoch: that the shard was taken over with; nil to trust that nobody else has taken it over.
    func begin(epoch: Int64?) throws(StoreError) {
        try statements.begin.run()
        guard let epoch else { return }
        do throws(StoreError) {
            guard try statements.epoch.next() else { throw StoreError(.fatal, "the shard has no meta row") }
            let current = statements.epoch.int(0)
            statements.epoch.reset()
            guard current == epoch else {
                throw StoreError(
                    .fenced, "another worker has taken the shard over (epoch \(current), ours was \(epoch))")
            }
        } catch {
            rollBack()
            throw error
        }
    }

    func commit() throws(StoreError) {
        if let code = changes?.failure {
            throw StoreError(sqlite: code, doing: "reading a changed row for the changelog")
        }
        try statements.commit.run()
    }

    /// Puts the rows that this turn has changed so far behind what it says, as records of the changelog.
    public func moveChanges(to frame: inout FrameWriter) throws(StoreError) {
        guard let changes else { return }
        if !hasNotedMeta {
            try statements.noteMeta.run()
            hasNotedMeta = true
        }
        changes.move(to: &frame)
    }

    func rollBack() {
        changes?.forget()
        hasNotedMeta = false
        heads.removeAll()
        origins.removeAll()
        originRows.removeAll()
        terms.removeAll()
        termsRows.removeAll()
        senders.removeAll()
        senderRows.removeAll()
        lastOrigin = nil
        lastTerms = nil
        lastSender = nil
        // SQLite may have rolled back by itself; then there is nothing to roll back, and that is no fault.
        if sqlite3_get_autocommit(connection) == 0 { sqlite3_exec(connection, "ROLLBACK", nil, nil, nil) }
    }

    // MARK: Positions and review

    /// Position next to read, by topic.
    public func positions() throws(StoreError) -> [Topic: Int64] {
        var positions: [Topic: Int64] = [:]
        while try statements.positions.next() {
            guard let topic = Topic(name: statements.positions.text(0)) else { continue }
            positions[topic] = statements.positions.int(1)
        }
        return positions
    }

    public func setPosition(_ position: Int64, of topic: Topic) throws(StoreError) {
        try statements.setPosition.bind(1, topic.name).bind(2, position).run()
    }

    /// Up to which day and catalogue position all citizens of the shard have been looked at, or are being.
    public func reviewed() throws(StoreError) -> (day: Day, catalogue: Int64) {
        guard try statements.reviewed.next() else { throw StoreError(.fatal, "the shard has no meta row") }
        defer { statements.reviewed.reset() }
        return (try statements.reviewed.day(0), statements.reviewed.int(1))
    }

    public func setReviewed(day: Day, catalogue: Int64) throws(StoreError) {
        try statements.setReviewed.bind(1, day).bind(2, catalogue).run()
    }

    // MARK: Processed commands

    public enum Claim: Sendable {
        case new
        /// The same content came before.
        case repeated
        /// Other content came before under the same source and id.
        case reused
    }

    /// Notes that a command is decided now, unless its id was used before.
    /// - Parameters:
    ///   - command: digest of source and id.
    ///   - content: keyed digest of type and data.
    ///   - day: until `forgetProcessed` is asked for a later one, the id is known.
    ///   - former: the digest by which earlier versions noted the same content; asked for only where `content` is not
    ///     what was noted.
    public func claim(
        _ command: Ident, content: Ident, day: Day, former: () -> Ident? = { nil }
    ) throws(StoreError) -> Claim {
        let changed = try statements.claim.bind(1, command).bind(2, content).bind(3, day).run()
        if changed == 1 { return .new }
        guard try statements.claimed.bind(1, command).next() else {
            throw StoreError(.fatal, "a processed command is neither new nor known")
        }
        defer { statements.claimed.reset() }
        let noted = try statements.claimed.ident(0)
        return noted == content || noted == former() ? .repeated : .reused
    }

    /// Forgets ids of commands decided before a day. They are kept at least as long as topics keep commands.
    /// - Returns: how many.
    public func forgetProcessed(before day: Day) throws(StoreError) -> Int {
        try statements.forget.bind(1, day).run()
    }

    // MARK: Outbox

    /// Stores a turn's outputs with the positions they end at.
    /// - Returns: the frame's number.
    public func appendFrame(_ frame: Frame, ends: [Topic: Int64]) throws(StoreError) -> Int64 {
        let statement = statements.appendFrame.bind(1, frame.count).bind(2, FrameEnds.text(ends))
        try keys.withSealed(frame: frame.bytes) { (sealed) throws(StoreError) in
            statement.bindBytes(3, sealed)
            defer { statement.bindNull(3) }
            try statement.run()
        }
        return statements.appendFrame.insertedRow
    }

    /// Frames not yet known to be sent, oldest first.
    public func pendingFrames() throws(StoreError) -> [PendingFrame] {
        var frames: [PendingFrame] = []
        while try statements.pendingFrames.next() {
            let bytes: [UInt8]
            do {
                bytes = try keys.open(frame: statements.pendingFrames.bytes(3))
            } catch {
                throw StoreError(error, doing: "reading a stored frame")
            }
            frames.append(
                PendingFrame(
                    number: statements.pendingFrames.int(0),
                    frame: Frame(bytes: bytes, count: Int(statements.pendingFrames.int(1))),
                    ends: try FrameEnds.read(statements.pendingFrames.text(2))))
        }
        return frames
    }

    /// The number of the frame stored last; 0 when there was none.
    public func lastFrame() throws(StoreError) -> Int64 {
        guard try statements.lastFrame.next() else { return 0 }
        defer { statements.lastFrame.reset() }
        return statements.lastFrame.int(0)
    }

    /// Forgets frames that are sent.
    ///
    /// They are sealed, and large: what is left of one in free pages is no more than what was there. All else that is
    /// deleted is overwritten.
    public func markSent(through number: Int64) throws(StoreError) {
        sqlite3_exec(connection, "PRAGMA secure_delete = FAST", nil, nil, nil)
        defer { sqlite3_exec(connection, "PRAGMA secure_delete = ON", nil, nil, nil) }
        try statements.markSent.bind(1, number).run()
    }
}

/// A frame that waits in the outbox.
public struct PendingFrame: Sendable {
    public var number: Int64
    public var frame: Frame
    /// Positions next to read once the frame is out.
    public var ends: [Topic: Int64]

    public init(number: Int64, frame: Frame, ends: [Topic: Int64]) {
        self.number = number
        self.frame = frame
        self.ends = ends
    }

    /// Whether the group's committed offsets say that the frame is out: offsets and outputs are one Kafka transaction.
    public func isOut(committed: [Topic: Int64]) -> Bool {
        ends.allSatisfy { topic, end in committed[topic].map { $0 >= end } ?? false }
    }
}
