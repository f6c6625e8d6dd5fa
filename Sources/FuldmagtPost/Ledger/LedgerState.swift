/// How far a consumer has come with one notification.
///
/// A ledger is about one channel, its own. What becomes of a notification when a record about it arrives stands in
/// `after`, the whole of it:
///
/// | is → | nothing | queued | fixed | sent | failed | cancelled | elsewhere |
/// |---|---|---|---|---|---|---|---|
/// | own channel | queued | – | – | – | – | – | queued |
/// | other channel | – | elsewhere | elsewhere | – | – | – | – |
/// | cancelled | – | cancelled | cancelled | – | – | – | cancelled |
///
/// `fixed` is passed through within one step of the sender. It is met here only after a death between fixing and noting
/// what became of it, or between attempts that failed; whether the transport has it is then not known. A revocation wins:
/// it is not sent again. If the transport has it after all, its receipts still find it, since its id stays known.
public enum LedgerState: String, CaseIterable, Sendable {
    /// To be sent.
    case queued
    /// Its id is fixed and it may be on its way.
    case fixed
    /// The transport has it.
    case sent
    /// The transport refuses it.
    case failed
    /// Withdrawn before it was sent.
    case cancelled
    /// Re-routed to the other channel before it was sent.
    case elsewhere

    /// A record about a notification.
    public enum Arrival: CaseIterable, Sendable {
        case ownChannel
        case otherChannel
        case cancelled
    }

    /// - Returns: nil where nothing changes.
    static func after(_ arrival: Arrival, _ state: LedgerState?) -> LedgerState? {
        switch (arrival, state) {
        case (.ownChannel, nil), (.ownChannel, .elsewhere): .queued
        case (.otherChannel, .queued), (.otherChannel, .fixed): .elsewhere
        case (.cancelled, .queued), (.cancelled, .fixed), (.cancelled, .elsewhere): .cancelled
        default: nil
        }
    }
}
