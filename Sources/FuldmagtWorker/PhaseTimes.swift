/// Where a worker's time goes, nanoseconds.
public struct PhaseTimes: Sendable, Equatable {
    public var poll: UInt64 = 0
    public var catalogue: UInt64 = 0
    public var decode: UInt64 = 0
    public var decide: UInt64 = 0
    public var store: UInt64 = 0
    public var produce: UInt64 = 0
    public var commit: UInt64 = 0
    public var turns: UInt64 = 0
    public var records: UInt64 = 0
    public var transactions: UInt64 = 0

    public init() {}

    public mutating func add(_ other: PhaseTimes) {
        poll += other.poll
        catalogue += other.catalogue
        decode += other.decode
        decide += other.decide
        store += other.store
        produce += other.produce
        commit += other.commit
        turns += other.turns
        records += other.records
        transactions += other.transactions
    }

    /// What was added since an earlier reading; all of it when that was of a worker before this one.
    public func subtracting(_ earlier: PhaseTimes) -> PhaseTimes {
        func added(_ now: UInt64, since earlier: UInt64) -> UInt64 { now >= earlier ? now - earlier : now }
        var difference = PhaseTimes()
        difference.poll = added(poll, since: earlier.poll)
        difference.catalogue = added(catalogue, since: earlier.catalogue)
        difference.decode = added(decode, since: earlier.decode)
        difference.decide = added(decide, since: earlier.decide)
        difference.store = added(store, since: earlier.store)
        difference.produce = added(produce, since: earlier.produce)
        difference.commit = added(commit, since: earlier.commit)
        difference.turns = added(turns, since: earlier.turns)
        difference.records = added(records, since: earlier.records)
        difference.transactions = added(transactions, since: earlier.transactions)
        return difference
    }
}
