import FuldmagtDomain
import FuldmagtRecord
import FuldmagtStore

extension WorkerLoop {
    /// Whether a shard's notifications are to be looked at: a disk that does not answer is asked again in a minute.
    func duePost(in shard: ShardInUse, now: Instant) throws -> Frame? {
        do throws(StoreError) {
            return try shard.duePost(now: now)
        } catch {
            if error.isDamage { throw try noting(DamagedShard(shard: shard.shard, error: error)) }
            guard error.consequence == .retry else { throw error }
            logger.warning(
                "could not see whether receipts are overdue",
                metadata: ["shard": "\(shard.shard)", "error": "\(error)"])
            metrics.retries.increment()
            return nil
        }
    }
}
