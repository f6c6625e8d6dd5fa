import FuldmagtRecord

/// Where shards are rebuilt from. Used by one thread at a time.
public protocol ChangelogSource: AnyObject, Sendable {
    /// Reads a shard's changelog on to the end it had when this reading began.
    /// - Parameters:
    ///   - position: next to read; 0 for the beginning.
    ///   - limit: records at most, about.
    /// - Throws: fatal, where the changelog ends before the position, as it is not the one that was read before, and where it
    ///   does not begin at its beginning: what compaction leaves still begins there.
    func readChangelog(shard: Int32, from position: Int64, into batch: inout RecordBatch, limit: Int)
        throws(LogFailure) -> ChangelogProgress
}

/// How far a shard's changelog has been read.
public struct ChangelogProgress: Sendable, Equatable {
    /// Position to go on from.
    public var next: Int64
    /// Where the changelog ended when its reading began.
    public var end: Int64

    public init(next: Int64, end: Int64) {
        self.next = next
        self.end = end
    }

    public var isAtEnd: Bool { next >= end }
    /// Positions left to read.
    public var remaining: Int64 { max(0, end - next) }
}

extension LogFailure {
    /// Rows that nobody has written since are missing from a changelog, and nothing tells which.
    static func beheaded(shard: Int32, at first: Int64) -> LogFailure {
        LogFailure(
            .fatal,
            "the changelog of shard \(shard) begins at \(first): its first records were deleted, and a shard that is rebuilt from the rest would lack rows. Put the last file of the shard into the worker's folder, and see that cleanup.policy of the topic is compact"
        )
    }
}
