import FuldmagtRecord

/// Where shards are rebuilt from. Used by one thread at a time.
public protocol ChangelogSource: AnyObject, Sendable {
    /// Reads a shard's changelog on to the end it had when this reading began.
    /// - Parameters:
    ///   - position: next to read; 0 for the beginning.
    ///   - limit: records at most, about.
    /// - Throws: fatal, where the changelog ends before the position: it is not the one that was read before.
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
