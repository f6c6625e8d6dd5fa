import FuldmagtDomain

/// How far a consumer has come with one notification.
///
/// A ledger is about one channel, its own. What becomes of a notification when a record about it arrives stands in
/// `after`, the whole of it:
///
/// | is → | nothing | queued | fixed | sent | failed | cancelled | elsewhere |
/// |---|---|---|---|---|---|---|---|
/// | own channel | queued | – | – | – | – | – | – |
/// | a letter, in the ledger of Digital Post | elsewhere | elsewhere | elsewhere | – | – | – | – |
/// | Digital Post, in the ledger of letters | – | – | – | – | – | – | – |
/// | cancelled | cancelled | cancelled | cancelled | – | – | – | cancelled |
///
/// The order in which records arrive does not matter: Digital Post may become a letter and never the other way round, and
/// both may be withdrawn. Records about one notification may stand in two partitions, when the recipient got another CPR
/// number between them, and a consumer that was down reads those in any order.
///
/// `fixed` is passed through within one step of the sender. It is met here only after a death between fixing and noting
/// what became of it, or between attempts that failed; whether the transport has it is then not known. A revocation wins:
/// it is not sent again. If the transport has it after all, its receipts still find it, since its id stays known; where
/// it certainly has not, as each attempt was refused, receipts of the message that it was to be part of are not about it.
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
        /// It is a letter now, and the ledger is not that of letters.
        case letter
        /// It was Digital Post, and the ledger is that of letters.
        case digitalPost
        case cancelled

        init(_ notification: PostNotification, inLedgerOf channel: PostChannel) {
            if notification.isCancellation {
                self = .cancelled
            } else if notification.channel == channel {
                self = .ownChannel
            } else {
                self = notification.channel == .letter ? .letter : .digitalPost
            }
        }
    }

    /// - Returns: nil where nothing changes.
    static func after(_ arrival: Arrival, _ state: LedgerState?) -> LedgerState? {
        switch (arrival, state) {
        case (.ownChannel, nil): .queued
        case (.letter, nil), (.letter, .queued), (.letter, .fixed): .elsewhere
        case (.cancelled, nil), (.cancelled, .queued), (.cancelled, .fixed), (.cancelled, .elsewhere): .cancelled
        default: nil
        }
    }
}
