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
    /// Said when the notification is written, and not kept: only what is never withdrawn may have one.
    public var explanation: Explanation?
    public var row: Int64 = 0

    /// Why something happened that neither party asked for.
    public enum Explanation: Sendable, Equatable {
        /// The it-system that a grant was bound to has a successor that the grant does not fit.
        case systemReplaced
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

    /// Revocations and endings are told even after a change of mind; everything else about a dead grant is withdrawn.
    var canBeCancelled: Bool { cancelledAt == nil && kind != .grantRevoked && kind != .grantEnded }
}

/// The texts, in plain Danish. Nothing in them tells a representative where the citizen lives, or names anybody.
enum NotificationText {
    /// At most 150 characters.
    static func title(_ kind: NotificationKind) -> String {
        switch kind {
        case .grantGiven: "Du har givet en fuldmagt"
        case .grantReceived: "Du har fået en fuldmagt"
        case .grantRequested: "Du er bedt om en fuldmagt"
        case .grantDeclined: "Du får ikke en fuldmagt"
        case .grantRenewed: "En fuldmagt er forlænget"
        case .grantCorrected: "En fuldmagt er rettet"
        case .readAccessGiven: "En læseadgang er givet"
        case .readAccessEnded: "En læseadgang er slut"
        case .grantRevoked: "En fuldmagt er trukket tilbage"
        case .grantEnded: "En fuldmagt er ophørt"
        case .grantExpiring: "En fuldmagt udløber snart"
        case .grantDormant: "En fuldmagt virker ikke lige nu"
        case .grantAwake: "En fuldmagt virker igen"
        case .exemptionRegistered: "Du er fritaget for Digital Post"
        case .exemptionLifted: "Du får igen Digital Post"
        }
    }

    /// Writes the body as pieces of a string.
    static func body(_ notification: Notification, to text: inout JSONWriter) {
        func package() {
            text.piece("“")
            if let terms = notification.terms { text.piece(terms.title.danish) }
            text.piece("”")
        }
        func until() {
            if let day = notification.validUntil { text.piece(danish(day)) }
        }
        switch (notification.kind, notification.isAboutAnother) {
        case (.grantGiven, _):
            text.piece("Du har givet fuldmagt til ")
            package()
            text.piece(". Den gælder til og med ")
            until()
            text.piece(". Du kan altid trække den tilbage.")
        case (.grantReceived, _):
            text.piece("Du har fået fuldmagt til ")
            package()
            text.piece(". Den gælder til og med ")
            until()
            text.piece(".")
        case (.grantRequested, _):
            text.piece("Du er bedt om at give fuldmagt til ")
            package()
            text.piece(". Den skal gælde til og med ")
            until()
            text.piece(". Den gælder først, når du siger ja.")
        case (.grantDeclined, _):
            text.piece("Du har bedt om fuldmagt til ")
            package()
            text.piece(". Svaret er nej.")
        case (.grantRenewed, _):
            text.piece("Fuldmagten til ")
            package()
            text.piece(" er forlænget. Den gælder nu til og med ")
            until()
            text.piece(".")
        case (.grantCorrected, _):
            text.piece("Fuldmagten til ")
            package()
            text.piece(" er rettet. Den gælder til og med ")
            until()
            text.piece(".")
        case (.readAccessGiven, false): text.piece("Du har givet en anden adgang til at læse din digitale post.")
        case (.readAccessGiven, true): text.piece("Du har fået adgang til at læse en andens digitale post.")
        case (.readAccessEnded, false): text.piece("En anden kan ikke længere læse din digitale post.")
        case (.readAccessEnded, true): text.piece("Du kan ikke længere læse en andens digitale post.")
        case (.grantRevoked, let isAboutAnother):
            text.piece("Fuldmagten til ")
            package()
            text.piece(" er trukket tilbage. ")
            text.piece(isAboutAnother ? "Du må ikke længere bruge den." : "Den gælder ikke længere.")
        case (.grantEnded, let isAboutAnother):
            text.piece("Fuldmagten til ")
            package()
            text.piece(" er ophørt. ")
            if notification.explanation == .systemReplaced {
                text.piece("Det it-system, den gjaldt for, er skiftet ud. ")
            }
            text.piece(isAboutAnother ? "Du må ikke længere bruge den." : "Den gælder ikke længere.")
        case (.grantExpiring, let isAboutAnother):
            text.piece("Fuldmagten til ")
            package()
            text.piece(" gælder til og med ")
            until()
            text.piece(isAboutAnother ? ". Herefter må du ikke bruge den." : ". Du kan forlænge den inden da.")
        case (.grantDormant, false):
            text.piece("Fuldmagten til ")
            package()
            text.piece(" virker ikke, fordi din kommune ikke tilbyder den. Den er ikke slettet. ")
            text.piece("Den kan komme til at virke igen indtil ")
            until()
            text.piece(".")
        case (.grantDormant, true):
            text.piece("Fuldmagten til ")
            package()
            text.piece(" virker ikke lige nu. Du må ikke bruge den. ")
            text.piece("Du får besked, hvis den kommer til at virke igen.")
        case (.grantAwake, let isAboutAnother):
            text.piece("Fuldmagten til ")
            package()
            text.piece(" virker igen. ")
            text.piece(isAboutAnother ? "Du må bruge den til og med " : "Den gælder til og med ")
            until()
            text.piece(".")
        case (.exemptionRegistered, _): text.piece("Du får nu post fra det offentlige som brev.")
        case (.exemptionLifted, _): text.piece("Du får nu post fra det offentlige i Digital Post.")
        }
    }

    private static let months = [
        "januar", "februar", "marts", "april", "maj", "juni", "juli", "august", "september", "oktober", "november",
        "december",
    ]

    private static func danish(_ day: Day) -> String { "\(day.dayOfMonth). \(months[day.month - 1]) \(day.year)" }
}
