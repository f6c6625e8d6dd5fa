/// Why a consumer of notifications sets something aside: codes of dead letters, beside those of workers.
public enum PostFault: String, CaseIterable, Sendable {
    /// A notification that cannot be read.
    case invalidNotification = "invalid-notification"
    /// What a transport brought cannot be read.
    case invalidReceipt = "invalid-receipt"
    case unknownStatus = "unknown-status"
    /// It is about no message that was sent.
    case unknownReceipt = "unknown-receipt"
    case tooLarge = "too-large"

    /// Those of what a transport brought.
    public static let ofReceipts = allCases.filter { $0 != .invalidNotification }

    /// `dl_topic` of what a transport brought: it stood on no topic.
    public static let transport = "post-status"
}
