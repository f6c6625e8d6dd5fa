import FuldmagtDomain

extension WorkerLoop {
    /// What is stored and was not published, of all shards.
    func gather() -> LogTransaction {
        var transaction = LogTransaction()
        for (number, shard) in shards.sorted(by: { $0.key < $1.key }) {
            for frame in shard.takeUnsent() {
                if !frame.frame.isEmpty { transaction.frames.append(frame.frame) }
                underWay[number] = frame.number
                if options.sabotage == .frameWithoutOffsets { continue }
                transaction.offsets[number, default: [:]].merge(frame.ends) { _, end in end }
                transaction.marks[number] = shard.mark(of: frame.number)
                transaction.parked[number] = .init(
                    commands: shard.parked.commands, revocations: shard.parked.revocations)
            }
            if transaction.marks[number] != nil, shard.isUntold {
                transaction.offsets[number]?.merge(shard.settledPositions.filter { $0.key != .catalogue }) { end, _ in
                    end
                }
            }
            // The mark stands beside the inbox's offset, so there is always one.
            if transaction.marks[number] != nil, transaction.offsets[number]?[.inbox] == nil {
                transaction.offsets[number, default: [:]][.inbox] = shard.positions[.inbox] ?? 0
            }
        }
        return transaction
    }
}
