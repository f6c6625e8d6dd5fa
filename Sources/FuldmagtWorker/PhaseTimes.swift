/// Where a worker's time goes, nanoseconds.
public struct PhaseTimes: Sendable, Equatable {
    public var poll: UInt64 = 0
    public var catalogue: UInt64 = 0
    public var decode: UInt64 = 0
    public var decide: UInt64 = 0
    public var store: UInt64 = 0
    public var produce: UInt64 = 0
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
        turns += other.turns
        records += other.records
        transactions += other.transactions
    }

    /// What was added since an earlier reading.
    public func subtracting(_ earlier: PhaseTimes) -> PhaseTimes {
        var difference = PhaseTimes()
        difference.poll = poll - earlier.poll
        difference.catalogue = catalogue - earlier.catalogue
        difference.decode = decode - earlier.decode
        difference.decide = decide - earlier.decide
        difference.store = store - earlier.store
        difference.produce = produce - earlier.produce
        difference.turns = turns - earlier.turns
        difference.records = records - earlier.records
        difference.transactions = transactions - earlier.transactions
        return difference
    }
}
