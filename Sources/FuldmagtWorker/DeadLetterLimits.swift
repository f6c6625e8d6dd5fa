/// When so many records of a shard cannot be read that the fault is with the producer, and the worker stops instead of
/// emptying a topic into the dead letters. A value: a turn works on a copy and keeps it once its records are stored.
struct DeadLetterLimits {
    /// Records that the share is taken of.
    static let window = 10_000

    private let inARow: Int
    /// Of the window; nil where there is no such limit.
    private let ratio: Double?
    private var row = 0
    /// The last records, a bit each: whether it was set aside.
    private var bits: [UInt64]
    private var next = 0
    private var seen = 0
    private var setAside = 0

    /// - Parameters:
    ///   - inARow: so many after one another are too many.
    ///   - ratio: more than this share of the last 10,000 records is too many; judged once there are as many.
    init(inARow: Int, ratio: Double?) {
        self.inARow = inARow
        self.ratio = ratio
        bits = ratio == nil ? [] : Array(repeating: 0, count: (Self.window + 63) / 64)
    }

    /// Takes a record in.
    /// - Returns: what is too much, if it is, and the setting that allows more.
    mutating func took(isDeadLetter: Bool) -> (what: String, setting: String)? {
        row = isDeadLetter ? row + 1 : 0
        if row >= inARow { return ("\(row) records in a row", "FULDMAGT_DEAD_LETTERS_IN_A_ROW") }
        guard let ratio else { return nil }
        let mask: UInt64 = 1 << UInt64(next % 64)
        if bits[next / 64] & mask != 0 { setAside -= 1 }
        if isDeadLetter {
            bits[next / 64] |= mask
            setAside += 1
        } else {
            bits[next / 64] &= ~mask
        }
        next = (next + 1) % Self.window
        seen = min(seen + 1, Self.window)
        guard isDeadLetter, seen == Self.window, Double(setAside) > ratio * Double(Self.window) else { return nil }
        return ("\(setAside) of the last \(Self.window) records", "FULDMAGT_DEAD_LETTERS_RATIO")
    }
}
