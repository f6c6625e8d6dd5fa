/// Rules of the worker that a simulation breaks on purpose, to see that it notices. No setting reaches them.
package enum Sabotage: String, CaseIterable, Sendable {
    /// Positions are stored in a transaction of their own, after the state.
    case positionAfterState = "position-after-state"
    /// Frames are published without the offsets that they end at.
    case frameWithoutOffsets = "frame-without-offsets"
    /// A transaction does not check the shard's epoch.
    case epochUnchecked = "epoch-unchecked"
    /// A shard that is taken back is given up before what was under way is published.
    case revokeAnsweredEarly = "revoke-answered-early"
}
