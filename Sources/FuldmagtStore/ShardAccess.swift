import FuldmagtBytes
import FuldmagtDomain
import FuldmagtKeys
import FuldmagtRecord
import GRDBSQLite

/// Reads and writes of one shard within a turn, through prepared statements.
public final class ShardAccess {
    let connection: OpaquePointer
    let keys: ClusterKey
    let statements: Statements
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

    /// The first day on which no id was noted under a former key; 0 where none is.
    private(set) var keyedSince: Int
    /// As it is in the file.
    private var committedKeyedSince: Int
    private var hasFormerKeys: Bool { keyedSince > 0 }

    /// A citizen's own row, of one who has no other number. Shared instead of copied: it holds many texts.
    final class Head {
        let row: Int64
        let died: Day?
        var reviewedFor: Municipality?
        /// Known not to have an exemption, past or present.
        var isNeverExempted = false
        /// The one residence there is of them, once it was read; nil where there are several.
        var residence: Residence?

        init(row: Int64, died: Day?, reviewedFor: Municipality?) {
            self.row = row
            self.died = died
            self.reviewedFor = reviewedFor
        }
    }

    struct OriginKey: Hashable {
        var source: String
        var type: String
    }

    struct TermsKey: Hashable {
        var package: String
        var version: Int
    }

    /// For texts that are written out for a statement.
    var scratch = ByteSink()
    private let changes: ChangeRecorder?
    /// Nil for a shard in memory.
    let frames: FrameFile?
    /// Whether the changelog has the shard's own row.
    private var hasNotedMeta = false

    /// - Parameter headsAtMost: each takes up to 300 bytes.
    init(
        _ connection: OpaquePointer, _ statements: Statements, keys: ClusterKey, changes: ChangeRecorder?,
        frames: FrameFile?, keyedSince: Int = 0, headsAtMost: Int
    ) {
        self.connection = connection
        self.headsAtMost = headsAtMost
        self.changes = changes
        self.frames = frames
        self.keys = keys
        self.statements = statements
        self.keyedSince = keyedSince
        committedKeyedSince = keyedSince
    }

    func postStatements() throws(StoreError) -> PostStatements { try statements.posts() }

    // MARK: Transactions

    /// - Parameter epoch: that the shard was taken over with; nil to trust that nobody else has taken it over.
    func begin(epoch: Int64?) throws(StoreError) {
        try statements.begin.run()
        do throws(StoreError) {
            defer { statements.epoch.reset() }
            if let epoch { try check(epoch) }
            try frames?.begin()
        } catch {
            rollBack()
            throw error
        }
    }

    private func check(_ epoch: Int64) throws(StoreError) {
        guard try statements.epoch.next() else { throw StoreError(.fatal, "the shard has no meta row") }
        let current = statements.epoch.int(0)
        guard current == epoch else {
            throw StoreError(
                .fenced, "another worker has taken the shard over (epoch \(current), ours was \(epoch))")
        }
    }

    func commit() throws(StoreError) {
        if let code = changes?.failure {
            throw StoreError(sqlite: code, doing: "reading a changed row for the changelog")
        }
        try statements.commit.run()
        frames?.committed()
        committedKeyedSince = keyedSince
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
        frames?.rolledBack()
        keyedSince = committedKeyedSince
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
        Statement.rollBack(connection)
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
    ///   - command: made of source and id.
    ///   - content: keyed digest of type and data.
    ///   - day: until `forgetProcessed` is asked for a later one, the id is known.
    ///   - former: the digest by which earlier versions noted the same content; asked for only where `content` is not
    ///     what was noted.
    public func claim(
        _ command: CommandKey, content: Ident, day: Day, former: () -> Ident? = { nil }
    ) throws(StoreError) -> Claim {
        func answer(_ noted: Ident) -> Claim { noted == content || noted == former() ? .repeated : .reused }
        if hasFormerKeys, let noted = try self.content(ofProcessed: command.digest) { return answer(noted) }
        let changed = try statements.claim.bind(1, command.key).bind(2, content).bind(3, day).run()
        if changed == 1 { return .new }
        guard let noted = try self.content(ofProcessed: command.key) else {
            throw StoreError(.fatal, "a processed command is neither new nor known")
        }
        return answer(noted)
    }

    /// Has the id of a command that waited be known from a later day on than it was, and stand for what waited.
    public func remember(_ command: CommandKey, content: Ident, day: Day) throws(StoreError) {
        try statements.remember.bind(1, command.key).bind(2, content).bind(3, day).run()
    }

    /// Forgets ids of commands decided before a day. They are kept at least as long as topics keep commands.
    /// - Parameters:
    ///   - first: the first key that is looked at, in their order.
    ///   - limit: how many are looked at.
    /// - Returns: the first key that was not; nil where all have been.
    @discardableResult
    public func forgetProcessed(
        before day: Day, from first: Ident = Ident(high: 0, low: 0), limit: Int
    ) throws(StoreError) -> Ident? {
        let bound = statements.processedBound.bind(1, first).bind(2, limit)
        defer { bound.reset() }
        let next = try bound.next() ? bound.ident(0) : nil
        try statements.forget.bind(1, day).bind(2, first).bind(3, next).run()
        if next == nil, hasFormerKeys, day.number >= keyedSince {
            keyedSince = 0
            try statements.setKeyedSince.bind(1, keyedSince).run()
        }
        return next
    }
}
