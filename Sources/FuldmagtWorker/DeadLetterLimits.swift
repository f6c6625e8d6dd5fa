import FuldmagtDomain

/// When so many records of a shard are set aside that the fault is with the producer, and the worker stops instead of
/// emptying a topic into the dead letters. A value: a turn works on a copy and keeps it once its records are stored.
struct DeadLetterLimits {
    /// Records that the share is taken of.
    static let window = 10_000

    private let inARow: Int
    /// Of the window; nil where there is no such limit.
    private let ratio: Double?
    private var row = 0
    /// Where the row began.
    private var first: Place?
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
    /// - Parameters:
    ///   - letter: why it was set aside; nil for one that was not.
    /// - Returns: what is too much, if it is, from where on, and the setting that allows more.
    ///   - place: where it stands.
    mutating func took(_ letter: DeadLetter?, at place: @autoclosure () -> Place) -> Excess? {
        let isDeadLetter = letter != nil
        if isDeadLetter, row == 0 { first = place() }
        row = isDeadLetter ? row + 1 : 0
        if row >= inARow {
            return Excess(what: "\(row) records in a row", first: first, setting: "FULDMAGT_DEAD_LETTERS_IN_A_ROW")
        }
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
        return Excess(
            what: "\(setAside) of the last \(Self.window) records", first: nil, setting: "FULDMAGT_DEAD_LETTERS_RATIO")
    }

    struct Place: CustomStringConvertible {
        var topic: Topic
        var partition: Int32
        var offset: Int64

        var description: String { "\(topic.name)[\(partition)] offset \(offset)" }
    }

    /// Too many.
    struct Excess {
        var what: String
        /// Where a row of them begins.
        var first: Place?
        var setting: String
    }
}
