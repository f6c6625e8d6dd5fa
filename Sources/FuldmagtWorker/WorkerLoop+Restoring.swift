import FuldmagtDomain
import FuldmagtRecord
import FuldmagtStore

/// Opening a shard: the disk is a cache. A file that is missing, older than what was published, of another copy, or damaged
/// is replaced by one rebuilt from the changelog.
extension WorkerLoop {
    /// Shards that this worker owns, as far as it knows.
    package var ownedShards: [Int32] { shards.keys.sorted() }

    /// Opens a shard that this worker was given.
    func openRepeatedly(_ number: Int32, shardsInAll: Int) throws -> ShardInUse {
        defer { health.recovered(.shard(number)) }
        return try takingOver("shard \(number)", { $0 is StoreError ? .shard(number) : .log }) {
            // Asked each time: somebody may have published meanwhile.
            let committed = try log.committed(shard: number)
            let shard = try open(number, committed: committed, shardsInAll: shardsInAll)
            do { try checkGaps(in: shard, committed, try settledExtents(of: shard)) } catch {
                try shard.release(marksSent: false)
                throw error
            }
            health.recovered(.log)
            return shard
        }
    }

    /// Tells whoever takes these shards over next whom to fence off.
    func claim(_ numbers: [Int32]) throws {
        guard !numbers.isEmpty else { return }
        try takingOver("shards \(numbers.sorted())", { _ in .log }) { try log.claim(shards: numbers) }
        health.recovered(.log)
    }

    /// Tells whoever takes these shards over next that nobody needs to be fenced off.
    func giveBack(_ numbers: [Int32]) {
        do throws(LogFailure) {
            try log.release(shards: numbers)
        } catch {
            logger.warning(
                "the next owner is not told that the shards were given up, and fences this worker off",
                metadata: ["shards": "\(numbers.sorted())", "error": "\(error)"])
        }
    }

    /// Does what belongs to taking over, again and again while only the disk or the broker fail. The group waits meanwhile,
    /// but not for ever: beyond the time allowed the worker gives its place up, and joins again.
    private func takingOver<Result>(
        _ what: String, _ failing: (any Error) -> WorkerHealth.Activity, _ body: () throws -> Result
    ) throws -> Result {
        let started = surroundings.nanoseconds()
        var backoff = Backoff(longest: options.longestBackoff)
        while true {
            do {
                return try body()
            } catch  where Self.isTransient(error) && !stopFlag.isSet {
                let pause = backoff.next(jitter: surroundings.jitter())
                logger.warning(
                    "what was assigned cannot be taken over, trying again",
                    metadata: [
                        "what": "\(what)", "error": "\(error)", "attempt": "\(backoff.attempts)",
                        "pause_ms": "\(pause)",
                    ])
                metrics.retries.increment()
                health.failed(failing(error))
                let seconds = (surroundings.nanoseconds() - started) / 1_000_000_000
                guard seconds < UInt64(max(0, options.takeOverSeconds)) else {
                    throw LogFailure(.fenced, "\(what) could not be taken over in \(seconds) s: \(error)")
                }
                surroundings.pause(pause)
            }
        }
    }

    /// The same for one step of a rebuild, which goes on from where it is: a changelog that gives nothing for so long would
    /// hold all the worker's shards up.
    private func retryingForAWhile(_ number: Int32, _ body: () throws(LogFailure) -> Void) throws {
        let started = surroundings.nanoseconds()
        try retrying(body) { error in
            let seconds = (surroundings.nanoseconds() - started) / 1_000_000_000
            guard seconds < UInt64(max(0, options.takeOverSeconds)) else {
                throw LogFailure(.fenced, "shard \(number) could not be rebuilt: for \(seconds) s \(error)")
            }
        }
    }

    /// Whether the same may succeed later.
    private static func isTransient(_ error: any Error) -> Bool {
        switch error {
        case let error as LogFailure: error.consequence == .retry
        case let error as StoreError: error.consequence == .retry
        default: false
        }
    }

    func open(_ number: Int32, committed: Committed, shardsInAll: Int) throws -> ShardInUse {
        func open() throws(StoreError) -> ShardInUse {
            if let error = damage.take(number, file: try fileNumber(of: number)) { throw error }
            return try ShardInUse(
                shard: number, options: options, surroundings: surroundings, shardsInAll: shardsInAll,
                onProgress: health.beat)
        }
        if committed == Committed() {
            let shard = try openWithoutOffsets(number, open)
            shard.isUntold = true
            return shard
        }
        do {
            let shard = try open()
            if try shard.settle(committed) {
                if options.recordsChanges, shard.isPartlyUnrecorded {
                    logger.warning(
                        "the shard was written without a changelog for a time: it cannot be rebuilt, so keep its file",
                        metadata: ["shard": "\(number)"])
                }
                return shard
            }
            try shard.release(marksSent: false)
            logger.info("the shard's file is not the last state", metadata: ["shard": "\(number)"])
        } catch {
            guard error.isDamage, !committed.offsets.isEmpty else { throw error }
            guard committed.mark?.isPartlyUnrecorded != true else {
                throw Self.beyondRebuilding(number, error, Self.hole)
            }
            try setAside(number, error)
        }
        return try rebuild(number, open, committed)
    }

    /// Opens a shard that the group has no offsets of: it is new, or they were forgotten. Then the changelog says how far
    /// the shard is, as its rows, the positions among them, were published together with the outputs they belong to.
    private func openWithoutOffsets(
        _ number: Int32, _ open: () throws(StoreError) -> ShardInUse
    ) throws -> ShardInUse {
        var settled: [Topic: Int64] = [:]
        var batch = RecordBatch()
        let isChangelogEmpty = try log.readChangelog(shard: number, from: 0, into: &batch, limit: 1).end == 0
        do {
            let shard = try open()
            // Nothing was published, or all that was decided.
            if isChangelogEmpty, shard.unsent.isEmpty || options.recordsChanges && shard.unsent[0].number == 1 {
                guard shard.hasLostFrames else { return shard }
                try shard.release(marksSent: false)
                try ShardRestore.remove(shard: number, directory: options.directory)
                return try open()
            }
            settled = shard.settledPositions
            let isPartlyUnrecorded = shard.isPartlyUnrecorded
            let positions = shard.positions
            let frames = shard.unsent.count
            try shard.release(marksSent: false)
            guard isChangelogEmpty || !isPartlyUnrecorded else {
                throw WorkerStop(
                    .staleShard,
                    "the group has no offsets of shard \(number), and \(Self.hole). Set the group's offsets (kafka-consumer-groups --reset-offsets) to what the file was published to: at least \(Self.text(settled))"
                )
            }
            guard !isChangelogEmpty else {
                throw WorkerStop(
                    .staleShard,
                    "the group has no offsets of shard \(number), and no changelog says whether the last \(frames) frames of its file are out. See whether their outcomes are there, and set the group's offsets (kafka-consumer-groups --reset-offsets): to \(Self.text(positions)) if they are, to less if they are not"
                )
            }
        } catch let error as StoreError where error.isDamage {
            guard !isChangelogEmpty else {
                throw Self.beyondRebuilding(
                    number, error, "the group has no offsets of it, its changelog is empty: nothing says what it held")
            }
            try setAside(number, error)
        }
        logger.warning(
            "the group has no offsets of the shard; its changelog says how far it is", metadata: ["shard": "\(number)"])
        let shard = try rebuild(number, open, Committed(), settled: settled)
        var now = Committed()
        try retryingForAWhile(number) { () throws(LogFailure) in now = try log.committed(shard: number) }
        guard now == Committed() else {
            try shard.release(marksSent: false)
            throw LogFailure(.fenced, "shard \(number) was published to by another worker while it was rebuilt")
        }
        return shard
    }

    static let hole =
        "its changelog has a hole: for a time it was written without one (FULDMAGT_CHANGELOG=0), and what is rebuilt from it would hold rows as they were before"

    private static func text(_ positions: [Topic: Int64]) -> String {
        positions.sorted { $0.key.rawValue < $1.key.rawValue }.map { "\($0.key.name) \($0.value)" }
            .joined(separator: ", ")
    }

    private func setAside(_ number: Int32, _ error: StoreError) throws(StoreError) {
        let aside = try ShardRestore.setAside(
            shard: number, directory: options.directory, mark: "\(surroundings.now().milliseconds)")
        metrics.damagedFiles.increment()
        logger.error(
            "the shard's file is damaged; it is set aside and rebuilt",
            metadata: ["shard": "\(number)", "error": "\(error)", "aside": "\(aside)"])
    }

    /// Rebuilds a shard, from a standby copy where there is one that is of use.
    private func rebuild(
        _ number: Int32, _ open: () throws(StoreError) -> ShardInUse, _ committed: Committed,
        settled: [Topic: Int64] = [:]
    ) throws -> ShardInUse {
        if committed.mark?.isPartlyUnrecorded == true {
            throw WorkerStop(
                .staleShard,
                "shard \(number) is not in \(options.directory) as it was published last, and \(Self.hole). Put the last file of the shard there"
            )
        }
        if let copy = standby?.take(number) {
            do {
                try copy.restore.takeOver()
                return try rebuild(number, copy.restore, from: copy.position, open, committed, settled)
            } catch  where !Self.isFenced(error) && !stopFlag.isSet {
                logger.warning(
                    "the standby copy is of no use; the shard is rebuilt from the beginning of its changelog",
                    metadata: ["shard": "\(number)", "error": "\(error)"])
            }
        }
        let restore = try ShardRestore(
            shard: number, directory: options.directory, worker: options.worker, disk: options.disk)
        return try rebuild(number, restore, from: 0, open, committed, settled)
    }

    /// Applies the changelog from a position on, and opens what came of it.
    private func rebuild(
        _ number: Int32, _ restore: ShardRestore, from position: Int64, _ open: () throws(StoreError) -> ShardInUse,
        _ committed: Committed, _ settled: [Topic: Int64]
    ) throws -> ShardInUse {
        let started = surroundings.nanoseconds()
        var told = started
        let copied = restore.rows
        var progress = ChangelogProgress(next: position, end: .max)
        var batch = RecordBatch()
        while !progress.isAtEnd {
            batch.removeAll()
            try retryingForAWhile(number) { () throws(LogFailure) in
                progress = try log.readChangelog(shard: number, from: progress.next, into: &batch, limit: 20_000)
            }
            try restore.apply(batch)
            surroundings.reached(.restoring)
            // A long restore is no dead worker.
            health.beat()
            metrics.show(.restoreRows, "shard", String(number), Double(restore.rows - copied))
            let now = surroundings.nanoseconds()
            if now - told > 5_000_000_000 {
                told = now
                logger.info(
                    "restoring",
                    metadata: [
                        "shard": "\(number)", "rows": "\(restore.rows - copied)", "left": "\(progress.remaining)",
                    ])
            }
        }
        do { try check(restore, of: number, against: committed, settled) } catch {
            // What is not the last state is not left where it would be taken for it.
            try restore.discard()
            throw error
        }
        try restore.finish(mark: committed.mark?.text, onProgress: health.beat)
        let rows = restore.rows - copied
        let seconds = Double(surroundings.nanoseconds() - started) / 1e9
        logger.info(
            "shard rebuilt from the changelog",
            metadata: [
                "shard": "\(number)", "rows": "\(rows)", "ms": "\(Int(seconds * 1000))",
                "rows_per_second": "\(seconds > 0 ? Int(Double(rows) / seconds) : 0)",
                "rows_copied_before": "\(copied)",
            ])
        return try open()
    }

    /// What was rebuilt is as far as the group is, exactly: its rows and the offsets were published together.
    ///
    /// Unless somebody has published meanwhile: then the shard is theirs, and this worker has lost it without knowing.
    /// - Parameter settled: what is known to be out where the group knows nothing: not less than that.
    private func check(
        _ restore: ShardRestore, of number: Int32, against committed: Committed, _ settled: [Topic: Int64]
    ) throws {
        let rebuilt = try restore.positions()
        if let (topic, position) = settled.first(where: { $1 > rebuilt[$0] ?? 0 }) {
            throw WorkerStop(
                .staleShard,
                "the group has no offsets of shard \(number), and its changelog does not reach \(position) of \(topic.name), where its file is: it was written without one (FULDMAGT_CHANGELOG=0). Set the group's offsets (kafka-consumer-groups --reset-offsets) to what the file was published to: at least \(Self.text(settled))"
            )
        }
        guard let (topic, offset) = committed.offsets.first(where: { $1 != rebuilt[$0] ?? 0 }) else { return }
        var now = Committed()
        try retryingForAWhile(number) { () throws(LogFailure) in now = try log.committed(shard: number) }
        guard now == committed else {
            throw LogFailure(.fenced, "shard \(number) was published to by another worker while it was rebuilt")
        }
        throw WorkerStop(
            .staleShard,
            "shard \(number) has been processed to \(offset) of \(topic.name), but its changelog ends at \(rebuilt[topic] ?? 0): it was written without one (FULDMAGT_CHANGELOG=0), or \(Topic.changelog.name) has lost records. Put the last file of the shard into \(options.directory)"
        )
    }
}
