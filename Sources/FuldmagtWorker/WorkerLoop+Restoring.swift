import FuldmagtDomain
import FuldmagtRecord
import FuldmagtStore

/// Opening a shard: the disk is a cache. A file that is missing, older than what was published, of another copy, or damaged
/// is replaced by one rebuilt from the changelog.
extension WorkerLoop {
    func open(_ number: Int32, committed: Committed, shardsInAll: Int) throws -> ShardInUse {
        func open() throws(StoreError) -> ShardInUse {
            try ShardInUse(shard: number, options: options, surroundings: surroundings, shardsInAll: shardsInAll)
        }
        do {
            let shard = try open()
            if try shard.settle(committed) { return shard }
            try shard.release(marksSent: false)
            logger.info("the shard's file is not the last state", metadata: ["shard": "\(number)"])
        } catch {
            guard error.isDamage, !committed.offsets.isEmpty else { throw error }
            let aside = try ShardRestore.setAside(
                shard: number, directory: options.directory, mark: "\(surroundings.now().milliseconds)")
            logger.error(
                "the shard's file is damaged; it is set aside and rebuilt",
                metadata: ["shard": "\(number)", "error": "\(error)", "aside": "\(aside)"])
        }
        if let copy = standby?.take(number) {
            do {
                try copy.restore.takeOver()
                return try rebuild(number, copy.restore, from: copy.position, open, committed)
            } catch  where !Self.isFenced(error) && !stopFlag.isSet {
                logger.warning(
                    "the standby copy is of no use; the shard is rebuilt from the beginning of its changelog",
                    metadata: ["shard": "\(number)", "error": "\(error)"])
            }
        }
        let restore = try ShardRestore(shard: number, directory: options.directory, worker: options.worker)
        return try rebuild(number, restore, from: 0, open, committed)
    }

    /// Applies the changelog from a position on, and opens what came of it.
    private func rebuild(
        _ number: Int32, _ restore: ShardRestore, from position: Int64, _ open: () throws(StoreError) -> ShardInUse,
        _ committed: Committed
    ) throws -> ShardInUse {
        let started = surroundings.nanoseconds()
        var told = started
        let copied = restore.rows
        var progress = ChangelogProgress(next: position, end: .max)
        var batch = RecordBatch()
        while !progress.isAtEnd {
            batch.removeAll()
            try retrying { () throws(LogFailure) in
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
        try restore.finish(mark: committed.mark?.text)
        let rows = restore.rows - copied
        let seconds = Double(surroundings.nanoseconds() - started) / 1e9
        logger.info(
            "shard rebuilt from the changelog",
            metadata: [
                "shard": "\(number)", "rows": "\(rows)", "ms": "\(Int(seconds * 1000))",
                "rows_per_second": "\(seconds > 0 ? Int(Double(rows) / seconds) : 0)",
                "rows_copied_before": "\(copied)",
            ])
        let shard = try open()
        try check(shard, against: committed)
        return shard
    }

    /// A rebuilt shard is as far as the group is, exactly: its rows and the offsets were published together.
    ///
    /// Unless somebody has published meanwhile: then the shard is theirs, and this worker has lost it without knowing.
    private func check(_ shard: ShardInUse, against committed: Committed) throws {
        guard let (topic, offset) = committed.offsets.first(where: { $1 != shard.positions[$0] ?? 0 }) else { return }
        var now = Committed()
        try retrying { () throws(LogFailure) in now = try log.committed(shard: shard.shard) }
        try shard.release(marksSent: false)
        guard now == committed else {
            throw LogFailure(.fenced, "shard \(shard.shard) was published to by another worker while it was rebuilt")
        }
        throw WorkerStop(
            .staleShard,
            "shard \(shard.shard) has been processed to \(offset) of \(topic.name), but its changelog ends at \(shard.positions[topic] ?? 0): it was written without one (FULDMAGT_CHANGELOG=0), or \(Topic.changelog.name) has lost records. Put the last file of the shard into \(options.directory)"
        )
    }
}
