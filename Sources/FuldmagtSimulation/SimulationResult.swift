/// What one seed came to.
public struct SimulationResult: Sendable {
    public var seed: UInt64
    /// What went wrong first; nil where nothing did.
    public var failure: String?
    /// What happened, a line each; empty where it was not kept.
    public var trace: [String]
    /// Equal for runs in which the same things happened in the same order.
    public var fingerprint: UInt64
    public var events: Int
    /// Commands that were decided, by what is expected.
    public var records: Int
    /// How often each fault struck, by its name.
    public var faults: [String: Int]
}
