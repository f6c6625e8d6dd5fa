/// What a simulation puts between a shard and its disk. Production has none: a store without one asks nobody.
package struct ShardDisk: Sendable {
    /// What a store is about to do.
    package enum Step: String, Sendable {
        case opening, beginning, committing
        /// A transaction of a restore, or of a copy.
        case restoring
    }

    /// A file that was just taken over.
    package struct Takeover: Sendable {
        package var shard: Int32
        package var lineage: String
        package var epoch: Int64
    }

    /// Called before each step, with the shard: what it throws, the step fails with.
    package var before: @Sendable (Step, Int32) throws(StoreError) -> Void
    /// Told of each file that was taken over.
    package var tookOver: @Sendable (Takeover) -> Void
    /// Whether a transaction checks that nobody has taken the shard over since. Off only to see that this is noticed.
    package var checksEpoch = true
    /// Where files and connections come from; nil where each file is opened and closed as in production.
    package var files: KeptFiles?

    package init(
        before: @escaping @Sendable (Step, Int32) throws(StoreError) -> Void,
        tookOver: @escaping @Sendable (Takeover) -> Void
    ) {
        self.before = before
        self.tookOver = tookOver
    }
}
