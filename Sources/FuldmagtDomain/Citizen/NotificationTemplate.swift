import FuldmagtJSON

/// What a notification says, by kind and by who is told: plain Danish, short sentences, and the same in English for staff.
/// All texts are here.
///
/// Places in a body: `{package}` is the package's title, `{until}` the grant's last day, `{why}` an explanation where there
/// is one, with a space before it. Nothing in a text tells a representative where the citizen lives, or names anybody.
public final class NotificationTemplate: Sendable {
    /// Raised whenever a text changes.
    public static let version = 2

    public let kind: NotificationKind
    /// Whether it is for a representative, or holder of a read access, told about somebody else's.
    public let isAboutAnother: Bool
    /// At most 150 characters.
    public let title: Bilingual
    public let body: Bilingual
    let pieces: [Piece]

    enum Piece: Sendable {
        case text(String)
        case package, until, why
    }

    private init(
        _ kind: NotificationKind, _ isAboutAnother: Bool, _ title: (String, String), _ danish: String,
        _ english: String
    ) {
        self.kind = kind
        self.isAboutAnother = isAboutAnother
        self.title = Bilingual(danish: title.0, english: title.1)
        body = Bilingual(danish: danish, english: english)
        pieces = Self.pieces(of: danish)
    }

    private static func pieces(of text: String) -> [Piece] {
        text.split(separator: "{", omittingEmptySubsequences: false).enumerated().flatMap { at, part -> [Piece] in
            guard at > 0, let end = part.firstIndex(of: "}") else { return part.isEmpty ? [] : [.text(String(part))] }
            let place: Piece =
                switch part[..<end] {
                case "package": .package
                case "until": .until
                case "why": .why
                case let name: preconditionFailure("no template has a place \(name)")
                }
            let rest = part[part.index(after: end)...]
            return rest.isEmpty ? [place] : [place, .text(String(rest))]
        }
    }

    /// The template for who is told; some kinds have one text for both.
    static func of(_ kind: NotificationKind, isAboutAnother: Bool) -> NotificationTemplate {
        // A few comparisons: a dictionary would hash the kind's text.
        guard let place = kinds.firstIndex(of: kind),
            let template = isAboutAnother ? toOthers[place] : toCitizens[place]
        else { preconditionFailure("a kind of notification has no text") }
        return template
    }

    /// In the order of the kinds; where a kind has one text only, it is in both.
    private static let kinds = NotificationKind.allCases
    private static let toCitizens = kinds.map { text(for: $0, isAboutAnother: false) }
    private static let toOthers = kinds.map { text(for: $0, isAboutAnother: true) }

    private static func text(for kind: NotificationKind, isAboutAnother: Bool) -> NotificationTemplate? {
        all.first { $0.kind == kind && $0.isAboutAnother == isAboutAnother } ?? all.first { $0.kind == kind }
    }

    /// Why something happened that neither party asked for, or why a grant gives no right.
    public static func explanation(_ explanation: Notification.Explanation) -> Bilingual {
        switch explanation {
        case .systemReplaced:
            Bilingual(
                danish: " Det it-system, den gjaldt for, er skiftet ud.",
                english: " The it-system it applied to has been replaced.")
        case .dormant:
            Bilingual(
                danish: " Lige nu virker den ikke, og den må ikke bruges.",
                english: " At present it does not work, and may not be used.")
        case .begins(let day):
            Bilingual(
                danish: " Den gælder først fra \(NotificationText.text(day)).",
                english: " It is not valid before \(day.dayOfMonth) \(englishMonths[day.month - 1]) \(day.year).")
        }
    }

    private static let englishMonths = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]

    /// In the order of the contract; for each kind the citizen's text, then the other party's.
    public static let all: [NotificationTemplate] = [
        .init(
            .grantGiven, false, ("Du har givet en fuldmagt", "You have given a power of attorney"),
            "Du har givet fuldmagt til {package}. Den gælder til og med {until}.{why} Du kan altid trække den tilbage.",
            "You have given a power of attorney for {package}. It is valid through {until}.{why} You can always withdraw it."
        ),
        .init(
            .grantReceived, true, ("Du har fået en fuldmagt", "You have received a power of attorney"),
            "Du har fået fuldmagt til {package}. Den gælder til og med {until}.{why}",
            "You have received a power of attorney for {package}. It is valid through {until}.{why}"),
        .init(
            .grantRequested, false, ("Du er bedt om en fuldmagt", "You are asked for a power of attorney"),
            "Du er bedt om at give fuldmagt til {package}. Den skal gælde til og med {until}. Den gælder først, når du siger ja.",
            "You are asked to give a power of attorney for {package}. It is to be valid through {until}. It is not valid before you say yes."
        ),
        .init(
            .grantDeclined, true, ("Du får ikke en fuldmagt", "You do not get a power of attorney"),
            "Du har bedt om fuldmagt til {package}. Svaret er nej.",
            "You asked for a power of attorney for {package}. The answer is no."),
        .init(
            .grantRenewed, false, ("En fuldmagt er forlænget", "A power of attorney is renewed"),
            "Fuldmagten til {package} er forlænget. Den gælder nu til og med {until}.{why}",
            "The power of attorney for {package} is renewed. It is now valid through {until}.{why}"),
        .init(
            .grantCorrected, false, ("En fuldmagt er rettet", "A power of attorney is corrected"),
            "Fuldmagten til {package} er rettet. Den gælder til og med {until}.{why}",
            "The power of attorney for {package} is corrected. It is valid through {until}.{why}"),
        .init(
            .grantRevoked, false, ("En fuldmagt er trukket tilbage", "A power of attorney is withdrawn"),
            "Fuldmagten til {package} gælder ikke mere. Den er taget tilbage.",
            "The power of attorney for {package} is no longer valid. It is withdrawn."),
        .init(
            .grantRevoked, true, ("En fuldmagt er trukket tilbage", "A power of attorney is withdrawn"),
            "Fuldmagten til {package} er taget tilbage. Du må ikke bruge den mere.",
            "The power of attorney for {package} is withdrawn. You may no longer use it."),
        .init(
            .grantEnded, false, ("En fuldmagt er ophørt", "A power of attorney has ended"),
            "Fuldmagten til {package} er ophørt.{why} Den gælder ikke mere.",
            "The power of attorney for {package} has ended.{why} It is no longer valid."),
        .init(
            .grantEnded, true, ("En fuldmagt er ophørt", "A power of attorney has ended"),
            "Fuldmagten til {package} er ophørt.{why} Du må ikke bruge den mere.",
            "The power of attorney for {package} has ended.{why} You may no longer use it."),
        .init(
            .grantExpiring, false, ("En fuldmagt udløber snart", "A power of attorney expires soon"),
            "Fuldmagten til {package} gælder til og med {until}. Du kan forlænge den inden da.{why}",
            "The power of attorney for {package} is valid through {until}. You can renew it before then.{why}"),
        .init(
            .grantExpiring, true, ("En fuldmagt udløber snart", "A power of attorney expires soon"),
            "Fuldmagten til {package} gælder til og med {until}. Herefter må du ikke bruge den.{why}",
            "The power of attorney for {package} is valid through {until}. You may not use it after that.{why}"),
        .init(
            .grantDormant, false, ("En fuldmagt virker ikke lige nu", "A power of attorney does not work at present"),
            "Fuldmagten til {package} virker ikke, fordi din kommune ikke tilbyder den. Den er ikke slettet. Den kan komme til at virke igen indtil {until}.",
            "The power of attorney for {package} does not work, because your municipality does not offer it. It is not deleted. It may work again until {until}."
        ),
        .init(
            .grantDormant, true, ("En fuldmagt virker ikke lige nu", "A power of attorney does not work at present"),
            "Fuldmagten til {package} virker ikke lige nu. Du må ikke bruge den. Du får besked, hvis den kommer til at virke igen.",
            "The power of attorney for {package} does not work at present. You may not use it. You will be told if it works again."
        ),
        .init(
            .grantAwake, false, ("En fuldmagt virker igen", "A power of attorney works again"),
            "Fuldmagten til {package} virker igen. Den gælder til og med {until}.{why}",
            "The power of attorney for {package} works again. It is valid through {until}.{why}"),
        .init(
            .grantAwake, true, ("En fuldmagt virker igen", "A power of attorney works again"),
            "Fuldmagten til {package} virker igen. Du må bruge den til og med {until}.{why}",
            "The power of attorney for {package} works again. You may use it through {until}.{why}"),
        .init(
            .exemptionRegistered, false, ("Du er fritaget for Digital Post", "You are exempt from Digital Post"),
            "Du får nu post fra det offentlige som brev.", "You now get post from the public authorities as letters."),
        .init(
            .exemptionLifted, false, ("Du får igen Digital Post", "You get Digital Post again"),
            "Du får nu post fra det offentlige i Digital Post.",
            "You now get post from the public authorities in Digital Post."),
        .init(
            .readAccessGiven, false, ("En læseadgang er givet", "A read access is given"),
            "Du har givet en anden adgang til at læse din digitale post.",
            "You have given somebody access to read your digital post."),
        .init(
            .readAccessGiven, true, ("En læseadgang er givet", "A read access is given"),
            "Du har fået adgang til at læse en andens digitale post.",
            "You have been given access to read somebody else's digital post."),
        .init(
            .readAccessEnded, false, ("En læseadgang er slut", "A read access has ended"),
            "En anden kan ikke længere læse din digitale post.",
            "Somebody can no longer read your digital post."),
        .init(
            .readAccessEnded, true, ("En læseadgang er slut", "A read access has ended"),
            "Du kan ikke længere læse en andens digitale post.",
            "You can no longer read somebody else's digital post."),
    ]
}
