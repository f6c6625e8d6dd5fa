import FuldmagtStore

/// A shard whose file SQLite found damaged while it was in use.
struct DamagedShard: Error, CustomStringConvertible {
    let shard: Int32
    let error: StoreError

    var description: String { "shard \(shard): \(error)" }
}

/// What a worker recovers from by giving everything up and joining again.
extension WorkerLoop {
    /// Files that turned out to be damaged while they were in use: they are set aside when their shards are next taken over.
    struct Damage {
        private var found: [Int32: (error: StoreError, file: UInt64)] = [:]

        /// - Parameter file: the system's number of it.
        mutating func note(_ damaged: DamagedShard, file: UInt64) { found[damaged.shard] = (damaged.error, file) }

        /// What is wrong with a shard's file, told once.
        /// - Parameter file: what stands there now: somebody else may have rebuilt the shard meanwhile.
        mutating func take(_ shard: Int32, file: UInt64?) -> StoreError? {
            guard let noted = found.removeValue(forKey: shard), noted.file == file else { return nil }
            return noted.error
        }
    }

    /// Notes a shard's file that is damaged, if something can be rebuilt.
    /// - Returns: what is to be thrown, for the worker to join again.
    /// - Throws: the error where nothing can, with what is to be done.
    func noting(_ damaged: DamagedShard) throws -> DamagedShard {
        // One that was just being opened is not there.
        let isUnrecorded = shards[damaged.shard]?.isPartlyUnrecorded ?? !options.recordsChanges
        guard !isUnrecorded else { throw Self.beyondRebuilding(damaged.shard, damaged.error, Self.hole) }
        guard let file = try fileNumber(of: damaged.shard) else { throw damaged.error }
        damage.note(damaged, file: file)
        return damaged
    }

    func fileNumber(of shard: Int32) throws(StoreError) -> UInt64? {
        try ShardRestore.fileNumber(of: shard, directory: options.directory)
    }

    static func beyondRebuilding(_ shard: Int32, _ error: StoreError, _ why: String) -> WorkerStop {
        WorkerStop(
            .staleShard,
            "the file of shard \(shard) is damaged (SQLite \(error.code)), and \(why). Put the last good file of the shard there"
        )
    }

    /// Says what is the matter where a worker can go on by joining again.
    /// - Throws: the error where it cannot.
    func noteRecoverable(_ error: any Error) throws -> String {
        if error is DamagedShard {
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
