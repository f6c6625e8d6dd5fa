import FuldmagtDomain

/// A catalogue that cannot be read holds up whoever asks it, and nobody else.
extension WorkerLoop {
    /// How long a catalogue that could not be read is left alone.
    private static let retryNanoseconds: UInt64 = 5_000_000_000
    /// How long it is given where something was put back for it, milliseconds.
    static let putBackPause = 100

    /// Reads the catalogue to its end, and waits a while where that fails.
    /// - Returns: whether it could not be read: commands that ask it are to be parked.
    func catchUp(offsetSeconds: Int64) throws -> Bool {
        if let retryAt = catalogueRetryAt, surroundings.nanoseconds() < retryAt, !isFullOfParked { return true }
        let started = surroundings.nanoseconds()
        var backoff = Backoff(longest: options.longestBackoff)
        while true {
            do throws(LogFailure) {
                try follower.catchUp(log, offsetSeconds: offsetSeconds)
                health.recovered(.catalogue)
                if catalogueRetryAt != nil { logger.info("the catalogue can be read again") }
                catalogueRetryAt = nil
                return false
            } catch {
                guard error.consequence == .retry else { throw error }
                let now = surroundings.nanoseconds()
                let patience = UInt64(options.cataloguePatience) * 1_000_000_000
                if isFullOfParked || (catalogueRetryAt == nil && now - started < patience) {
                    try giveUpOrPause(error, &backoff)
                    continue
                }
                if catalogueRetryAt == nil {
                    logger.error(
                        "the catalogue cannot be read; commands that ask it are parked, all others go on",
                        metadata: ["error": "\(error)"])
                }
                health.failed(.catalogue)
                catalogueRetryAt = now + Self.retryNanoseconds
                return true
            }
        }
    }

    /// No more may be parked: the worker waits for the catalogue, as it would for its disk.
    private var isFullOfParked: Bool { shards.values.contains { $0.parked.commands >= options.parkedPerShard } }

    /// Shows what waits in a shard, and tells what the store refused.
    func show(parkedIn shard: ShardInUse) {
        metrics.show(.parked, "shard", String(shard.shard), Double(shard.parked.commands))
        metrics.show(.parkedRevocations, "shard", String(shard.shard), Double(shard.parked.revocations))
        for refusal in shard.takeRefusals() {
            metrics.refusedRows.increment()
            logger.error(
                "a command cannot be stored: a fault of this program. Its citizen waits; see fuldmagt parked list",
                metadata: ["shard": "\(shard.shard)", "error": "\(refusal)"])
        }
    }
}
