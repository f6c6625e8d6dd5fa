/// The only source of randomness in tests: the same seed gives the same numbers on every machine.
///
/// Sebastiano Vigna's SplitMix64.
public struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        return Self.mixed(state)
    }

    /// A well-spread function of one number: what random access by index is made from.
    @inline(__always)
    public static func mixed(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    /// A number from 0 up to, not including, `bound`.
    public mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

    /// True `part` times of `whole`.
    public mutating func chance(_ part: Int, of whole: Int) -> Bool { below(whole) < part }

    /// One of some values; there must be one.
    public mutating func pick<Value>(_ values: [Value]) -> Value { values[below(values.count)] }

    /// The values in another order.
    public mutating func shuffled<Value>(_ values: [Value]) -> [Value] {
        var values = values
        for at in stride(from: values.count - 1, to: 0, by: -1) { values.swapAt(at, below(at + 1)) }
        return values
    }
}
