/// How post reaches a recipient.
public enum PostChannel: String, CaseIterable, Sendable {
    case digitalPost = "digital-post"
    case letter
}

/// What a notification says.
public enum NotificationKind: String, CaseIterable, Sendable {
    case grantGiven = "grant-given"
    case grantReceived = "grant-received"
    case grantRevoked = "grant-revoked"
    case grantDormant = "grant-dormant"
    case grantAwake = "grant-awake"
    case exemptionRegistered = "exemption-registered"
    case exemptionLifted = "exemption-lifted"
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
    public var row: Int64 = 0

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
    var canBeCancelled: Bool { cancelledAt == nil && kind != .grantRevoked }
}

/// The texts, in plain Danish. Nothing in them tells a representative where the citizen lives, or names anybody.
enum NotificationText {
    /// At most 150 characters.
    static func title(_ kind: NotificationKind) -> String {
        switch kind {
        case .grantGiven: "Du har givet en fuldmagt"
        case .grantReceived: "Du har fået en fuldmagt"
        case .grantRevoked: "En fuldmagt er trukket tilbage"
        case .grantDormant: "En fuldmagt virker ikke lige nu"
        case .grantAwake: "En fuldmagt virker igen"
        case .exemptionRegistered: "Du er fritaget for Digital Post"
        case .exemptionLifted: "Du får igen Digital Post"
        }
    }

    static func body(_ notification: Notification) -> String {
        let package = notification.terms.map { "“\($0.title.danish)”" } ?? "“”"
        let until = notification.validUntil.map { danish($0) } ?? ""
        return switch (notification.kind, notification.isAboutAnother) {
        case (.grantGiven, _):
            "Du har givet fuldmagt til \(package). Den gælder til og med \(until). Du kan altid trække den tilbage."
        case (.grantReceived, _):
            "Du har fået fuldmagt til \(package). Den gælder til og med \(until)."
        case (.grantRevoked, false):
            "Fuldmagten til \(package) er trukket tilbage. Den gælder ikke længere."
        case (.grantRevoked, true):
            "Fuldmagten til \(package) er trukket tilbage. Du må ikke længere bruge den."
        case (.grantDormant, false):
            "Fuldmagten til \(package) virker ikke, fordi din kommune ikke tilbyder den. Den er ikke slettet. Den kan komme til at virke igen indtil \(until)."
        case (.grantDormant, true):
            "Fuldmagten til \(package) virker ikke lige nu. Du må ikke bruge den. Du får besked, hvis den kommer til at virke igen."
        case (.grantAwake, false):
            "Fuldmagten til \(package) virker igen. Den gælder til og med \(until)."
        case (.grantAwake, true):
            "Fuldmagten til \(package) virker igen. Du må bruge den til og med \(until)."
        case (.exemptionRegistered, _):
            "Du får nu post fra det offentlige som brev."
        case (.exemptionLifted, _):
            "Du får nu post fra det offentlige i Digital Post."
        }
    }

    private static func danish(_ day: Day) -> String {
        let months = [
            "januar", "februar", "marts", "april", "maj", "juni", "juli", "august", "september", "oktober", "november",
            "december",
        ]
        return "\(day.dayOfMonth). \(months[day.month - 1]) \(day.year)"
    }
}
