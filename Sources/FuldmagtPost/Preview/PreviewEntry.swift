import FuldmagtDomain

/// One text as somebody would get it, with an example in its places.
public struct PreviewEntry: Sendable {
    public var kind: NotificationKind
    /// Whether it goes to somebody who is told about another's grant.
    public var isAboutAnother: Bool
    /// What tells variants of one text apart; empty where there is one.
    public var variant: String
    public var title: Bilingual
    public var body: Bilingual

    static let packageDanish = "Eksempel"
    static let packageEnglish = "Example"

    /// LIX of the Danish body.
    public var lix: Double { Readability.lix(body.danish) }

    /// Whom it is for.
    var audience: StaticString {
        switch kind {
        // One text for both.
        case .grantRenewed, .grantCorrected: "To both parties"
        case .readAccessGiven where isAboutAnother, .readAccessEnded where isAboutAnother: "To the reader"
        default: isAboutAnother ? "To the representative" : "To the citizen"
        }
    }

    /// What it is filed under.
    var kle: StaticString {
        switch kind {
        case .exemptionRegistered, .exemptionLifted: "23.15.15"
        case .readAccessGiven where !isAboutAnother, .readAccessEnded where !isAboutAnother: "23.15.15"
        case .grantRenewed, .grantCorrected: "the package’s; 23.30.15 for the representative"
        default: isAboutAnother ? "23.30.15" : "the package’s"
        }
    }

    /// All texts in the order of the templates, each with and without what explains it.
    public static let all: [PreviewEntry] = NotificationTemplate.all.flatMap { template -> [PreviewEntry] in
        variants(of: template.kind).map { variant in
            let why = variant.why.map { NotificationTemplate.explanation($0) } ?? Bilingual(danish: "", english: "")
            return PreviewEntry(
                kind: template.kind, isAboutAnother: template.isAboutAnother, variant: variant.name,
                title: template.title,
                body: Bilingual(
                    danish: filled(
                        template.body.danish, package: packageDanish, until: "22. november 2028",
                        why: why.danish),
                    english: filled(
                        template.body.english, package: packageEnglish, until: "22 November 2028",
                        why: why.english)))
        }
    }

    /// What may be explained in a kind's texts; nil is a text without an explanation.
    private static func variants(
        of kind: NotificationKind
    ) -> [(name: String, why: FuldmagtDomain.Notification.Explanation?)] {
        let later = Day("2027-12-24").map { ("from a later day", FuldmagtDomain.Notification.Explanation.begins($0)) }
        return switch kind {
        case .grantEnded: [("without a reason", nil), ("an it-system was replaced", .systemReplaced)]
        case .grantGiven, .grantReceived, .grantAwake: [("in force", nil)] + [later].compactMap(\.self)
        case .grantRenewed, .grantCorrected, .grantExpiring:
            [("in force", nil), ("dormant", .dormant)] + [later].compactMap(\.self)
        default: [("", nil)]
        }
    }

    private static func filled(_ text: String, package: String, until: String, why: String) -> String {
        text.replacing("{package}", with: "“\(package)”").replacing("{until}", with: until).replacing(
            "{why}", with: why)
    }

    /// As it is handed to a transport.
    func message(number: Int, sender: Sender, at time: Instant) -> OutgoingMessage? {
        guard let cvr = CVR(sender.cvr) else { return nil }
        let id = Ident(high: 0, low: UInt64(number)).asUUIDv4
        return OutgoingMessage(
            id: id, fixedAt: time,
            parts: [
                PostNotification(
                    id: id, kind: kind, recipient: .company(cvr), channel: .digitalPost, title: title.danish,
                    body: body.danish, kle: isAboutAnother ? "23.30.15" : "23.15.15", sender: sender, cause: "preview",
                    pseudonym: id, shard: 0)
            ])
    }
}
