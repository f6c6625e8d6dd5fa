import FuldmagtStore

/// A shard whose file SQLite found damaged while it was in use.
struct DamagedShard: Error, CustomStringConvertible {
    let shard: Int32
    let error: StoreError

    var description: String { "shard \(shard): \(error)" }
}

/// What a worker recovers from by giving everything up and joining again.
extension WorkerLoop {
    /// Files that turned out to be damaged while they were in use, by shard.
    struct Damage {
        /// Not set aside yet: that is done when the shard is next taken over.
        private var found: [Int32: StoreError] = [:]
        private var times: [Int32: Int] = [:]
        /// As often a shard is rebuilt by one process: a disk that damages it again and again is somebody's to look at.
        private static let rebuildsAtMost = 3

        /// - Returns: false where it has been rebuilt often enough.
        mutating func note(_ damaged: DamagedShard) -> Bool {
            times[damaged.shard, default: 0] += 1
            guard times[damaged.shard, default: 0] <= Self.rebuildsAtMost else { return false }
            found[damaged.shard] = damaged.error
            return true
        }

        /// What is wrong with a shard's file, told once.
        mutating func take(_ shard: Int32) -> StoreError? { found.removeValue(forKey: shard) }

        /// Whoever has the others now opens them, and sees for itself.
        mutating func keepOnly(_ shards: [Int32]) { found = found.filter { shards.contains($0.key) } }
    }

    /// Says what is the matter where a worker can go on by joining again.
    /// - Throws: the error where it cannot.
    func noteRecoverable(_ error: any Error) throws -> String {
        if let damaged = error as? DamagedShard {
            // One that was just being opened is not there.
            let isUnrecorded = shards[damaged.shard]?.isPartlyUnrecorded ?? false
            guard options.recordsChanges, !isUnrecorded, damage.note(damaged) else { throw damaged.error }
            metrics.storeFailures.increment()
            return "a shard's file is damaged: giving all shards up and joining again, to have it rebuilt"
        }
        guard Self.isFenced(error) else { throw error }
        metrics.fenced.increment()
        watchName(error)
        return "fenced off: another worker owns the shards, or the broker knows this one no more; joining again"
    }

    /// Whether somebody else owns what this worker believed to own: no fault of its own, and nothing was written.
    static func isFenced(_ error: any Error) -> Bool {
        switch error {
        case let error as LogFailure: error.consequence == .fenced
        case let error as StoreError: error.consequence == .fenced
        default: false
        }
    }
}
