import FuldmagtJSON

/// How post reaches a recipient.
public enum PostChannel: String, CaseIterable, Sendable {
    case digitalPost = "digital-post"
    case letter
}

/// What a notification says.
public enum NotificationKind: String, CaseIterable, Sendable {
    case grantGiven = "grant-given"
    case grantReceived = "grant-received"
    case grantRequested = "grant-requested"
    case grantDeclined = "grant-declined"
    case grantRenewed = "grant-renewed"
    case grantCorrected = "grant-corrected"
    case grantRevoked = "grant-revoked"
    case grantEnded = "grant-ended"
    case grantExpiring = "grant-expiring"
    case grantDormant = "grant-dormant"
    case grantAwake = "grant-awake"
    case exemptionRegistered = "exemption-registered"
    case exemptionLifted = "exemption-lifted"
    case readAccessGiven = "readaccess-given"
    case readAccessEnded = "readaccess-ended"
}

/// A notification in its recipient's file.
public struct Notification: Sendable, Equatable {
    /// In the form of a UUID version 4, derived from the cause.
    public var id: Ident
    public var kind: NotificationKind
    public var grant: Ident?
    /// The package of the grant.
    public var terms: PackageTerms?
    /// End of the grant as told.
    public var validUntil: Day?
    public var channel: PostChannel
    public var sender: Sender
    public var kle: String
    /// Whether the recipient is a representative, told about somebody else's grant.
    public var isAboutAnother: Bool
    public var createdAt: Instant
    public var cancelledAt: Instant?
    /// How far it is, as receipts have told.
    public var state = PostState.queued
    /// Few have one, so it is kept beside the row, and read only where the notification is written again.
    public var explanation: Explanation?
    public var row: Int64 = 0

    /// Why something happened that neither party asked for, or why a grant gives no right although it is told of.
    public enum Explanation: RawRepresentable, Sendable, Equatable {
        /// The it-system that a grant was bound to has a successor that the grant does not fit.
        case systemReplaced
        /// It is not offered where the citizen lives.
        case dormant
        /// Its first day is to come.
        case begins(Day)

        private static let beginning = "begins "

        public init?(rawValue: String) {
            switch rawValue {
            case "system-replaced": self = .systemReplaced
            case "dormant": self = .dormant
            case let text where text.hasPrefix(Self.beginning):
                guard let day = Day(String(text.dropFirst(Self.beginning.count))) else { return nil }
                self = .begins(day)
            default: return nil
            }
        }

        public var rawValue: String {
            switch self {
            case .systemReplaced: "system-replaced"
            case .dormant: "dormant"
            case .begins(let day): Self.beginning + day.description
            }
        }

        /// What whoever is told that a grant is valid must know as well, or they would act without a right.
        static func caveat(of kind: NotificationKind, state: GrantState, validFrom: Day, on today: Day) -> Self? {
            switch kind {
            case .grantGiven, .grantReceived, .grantRenewed, .grantCorrected, .grantExpiring, .grantAwake:
                state == .dormant ? .dormant : validFrom > today ? .begins(validFrom) : nil
            default: nil
            }
        }
    }

    public init(
        id: Ident, kind: NotificationKind, grant: Ident?, terms: PackageTerms?, validUntil: Day?,
        channel: PostChannel, sender: Sender, kle: String, isAboutAnother: Bool, createdAt: Instant,
        cancelledAt: Instant? = nil, row: Int64 = 0
    ) {
        self.id = id
        self.kind = kind
        self.grant = grant
        self.terms = terms
        self.validUntil = validUntil
        self.channel = channel
        self.sender = sender
        self.kle = kle
        self.isAboutAnother = isAboutAnother
        self.createdAt = createdAt
        self.cancelledAt = cancelledAt
        self.row = row
    }

    /// Revocations and endings are told even after a change of mind; everything else about a dead grant is withdrawn, unless
    /// a transport has it.
    var canBeCancelled: Bool {
        cancelledAt == nil && state == .queued && kind != .grantRevoked && kind != .grantEnded
    }
}

/// The texts of one notification, from its template.
enum NotificationText {
    static func title(_ notification: Notification) -> String {
        NotificationTemplate.of(notification.kind, isAboutAnother: notification.isAboutAnother).title.danish
    }

    /// Writes the body as pieces of a string.
    static func body(_ notification: Notification, to text: inout JSONWriter) {
        let template = NotificationTemplate.of(notification.kind, isAboutAnother: notification.isAboutAnother)
        for piece in template.pieces {
            switch piece {
            case .text(let words): text.piece(words)
            case .package:
                text.piece("“")
                if let terms = notification.terms { text.piece(terms.title.danish) }
                text.piece("”")
            case .until: if let day = notification.validUntil { write(day, to: &text) }
            case .why:
                if let explanation = notification.explanation {
                    text.piece(NotificationTemplate.explanation(explanation).danish)
                }
            }
        }
    }

    private static let months = [
        "januar", "februar", "marts", "april", "maj", "juni", "juli", "august", "september", "oktober", "november",
        "december",
    ]

    /// `31. december 2035`
    static func text(_ day: Day) -> String { "\(day.dayOfMonth). \(months[day.month - 1]) \(day.year)" }

    /// The same, without a string of its own.
    private static func write(_ day: Day, to text: inout JSONWriter) {
        text.piece(String(day.dayOfMonth))
        text.piece(". ")
        text.piece(months[day.month - 1])
        text.piece(" ")
        text.piece(String(day.year))
    }
}
