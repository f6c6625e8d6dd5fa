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
    /// A standby copy that was handed out is still followed.
    case copyStillFollowed = "copy-still-followed"
    /// A standby copy counts as far as its changelog's end once a part of it was read.
    case copySkipsRows = "copy-skips-rows"
    /// A standby copy is gone on with however long it was not kept up.
    case copyNeverTooOld = "copy-never-too-old"
}
