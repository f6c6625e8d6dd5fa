import FuldmagtDomain
import FuldmagtKafka
import FuldmagtRecord

/// Who owns a shard, for everybody to see beside its committed offsets.
///
/// A broker keeps whoever lost a shard from publishing for it: it knows the group's generations, and answers who asks for
/// committed offsets only when transactions with offsets in them are decided. Not every broker does either. What every
/// broker with transactions does is to fence off a producer whose name is used anew. So an owner leaves the name of its
/// producer, takes it away when it gives the shard up in order, and whoever takes over one that was not given up fences
/// that producer off first. A worker that died with a transaction open is not waited for, too.
extension KafkaLog {
    /// What is committed for a shard.
    struct Standing: Equatable {
        var offsets: [Topic: Int64] = [:]
        var note = InboxNote(mark: nil, life: nil, parked: nil)
    }

    public func committed(shard: Int32) throws(LogFailure) -> Committed {
        // Whoever lost its shards is a stranger to the group, and perhaps to the broker: one that was started anew may not
        // know the producer any more, and then could not fence it off either.
        try beginLifeIfEnded()
        while true {
            let found = try read(shard: shard)
            if let owner = found.note.life, try fence(owner) { continue }
            standing.withLock { $0[shard] = found }
            return Committed(offsets: found.offsets, mark: found.note.mark)
        }
    }

    /// Fences off the producer that owns a shard, unless it is this worker's own, or was fenced off before.
    /// - Returns: whether it did: then what is committed must be asked for again.
    private func fence(_ owner: String) throws(LogFailure) -> Bool {
        guard owner != life?.current, fencedLives.insert(owner).inserted else { return false }
        do throws(KafkaFailure) {
            try Self.producer(options.configuration, named: owner)
                .initTransactions(timeoutMilliseconds: options.timeoutMilliseconds)
        } catch {
            fencedLives.remove(owner)
            throw LogFailure(error)
        }
        return true
    }

    private func read(shard: Int32) throws(LogFailure) -> Standing {
        let partitions =
            Topic.consumed.map { TopicPartition(topic: $0.name, partition: shard) }
            + (shard == 0 ? [Self.catalogueTopic] : [])
        let timeout = options.timeoutMilliseconds
        let offsets = try withConsumer { consumer in
            try consumer.committed(partitions, timeoutMilliseconds: timeout)
        }
        var standing = Standing()
        for (partition, found) in offsets {
            guard let topic = Topic(name: partition.topic) else { continue }
            standing.offsets[topic] = found.offset
            if topic == .inbox { standing.note = InboxNote(text: found.mark) }
        }
        return standing
    }

    public func claim(shards: [Int32]) throws(LogFailure) {
        // A shard of which nothing is committed has no owner to be told from.
        let taken = standing.withLock { $0.filter { shards.contains($0.key) && !$0.value.offsets.isEmpty } }
        guard !taken.isEmpty else { return }
        for (shard, standing) in taken {
            guard try read(shard: shard) == standing else { throw Self.takenByAnother(shard) }
        }
        try write(taken, owner: life?.current)
        for shard in taken.keys {
            guard try read(shard: shard).note.life == life?.current else { throw Self.takenByAnother(shard) }
        }
    }

    private static func takenByAnother(_ shard: Int32) -> LogFailure {
        LogFailure(.fenced, "shard \(shard) was taken over by another worker at the same time")
    }

    public func release(shards: [Int32]) throws(LogFailure) {
        let owner = life?.current
        let given = standing.withLock { standing in
            let given = standing.filter { shards.contains($0.key) && $0.value.note.life == owner }
            for shard in shards { standing[shard] = nil }
            return given
        }
        guard !given.isEmpty else { return }
        try write(given, owner: nil)
    }

    /// Commits the same again, under another owner's name.
    private func write(_ shards: [Int32: Standing], owner: String?) throws(LogFailure) {
        var transaction = LogTransaction()
        transaction.owner = .some(owner)
        for (shard, standing) in shards {
            transaction.offsets[shard] = standing.offsets
            transaction.offsets[shard]?[.inbox] = standing.offsets[.inbox] ?? 0
            transaction.marks[shard] = standing.note.mark
            transaction.parked[shard] = standing.note.parked
        }
        try publish(transaction)
    }

    /// What a transaction leaves beside the offset of a shard's inbox; nil for one that leaves nothing there.
    func noted(_ transaction: LogTransaction, _ shard: Int32) -> InboxNote? {
        guard transaction.offsets[shard]?[.inbox] != nil else { return nil }
        let owner = transaction.owner ?? life?.current
        return InboxNote(mark: transaction.marks[shard], life: owner, parked: transaction.parked[shard])
    }

    /// Remembers what is committed now.
    func note(_ transaction: LogTransaction) {
        standing.withLock { standing in
            for (shard, offsets) in transaction.offsets {
                standing[shard, default: Standing()].offsets.merge(offsets) { _, new in new }
                if let note = noted(transaction, shard) { standing[shard]?.note = note }
            }
        }
    }
}
