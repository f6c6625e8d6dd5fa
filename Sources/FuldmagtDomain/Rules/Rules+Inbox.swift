extension Rules {
    /// Which parts of a file news about grants needs. Of the notifications only those about the grants in question:
    /// an organisation may have received very many.
    public static func sections(for news: GrantNews) -> (FileSections, notificationsAbout: [Ident]) {
        ([.exemptions], news.event == .revoked ? news.items.map(\.grant) : [])
    }

    /// What a grantor's shard told changes the representative's view, and is told to the representative by the channel
    /// that *their* exemption asks for.
    public static func receive(
        _ news: GrantNews, about file: inout CitizenFile, under circumstances: Circumstances
    ) -> Effects {
        var draft = Draft(cause: news.cause, file: &file, circumstances: circumstances)
        defer { swap(&draft.file, &file) }
        for item in news.items {
            guard news.event != .declined else {
                draft.notify(.grantDeclined, item: item, cause: news.cause)
                continue
            }
            draft.store(
                .received(
                    ReceivedGrant(
                        id: item.grant, grantor: news.grantor, grantorShard: news.grantorShard, terms: item.terms,
                        state: item.state, validFrom: item.validFrom, validUntil: item.validUntil)))
            switch news.event {
            case .declined: break
            case .given: draft.notify(.grantReceived, item: item, cause: news.cause)
            case .renewed: draft.notify(.grantRenewed, item: item, cause: news.cause)
            case .corrected: draft.notify(.grantCorrected, item: item, cause: news.cause)
            case .dormant: draft.notify(.grantDormant, item: item, cause: news.cause)
            case .awake: draft.notify(.grantAwake, item: item, cause: news.cause)
            case .revoked:
                draft.cancelNotifications(about: item.grant, cause: news.cause)
                draft.notify(.grantRevoked, item: item, cause: news.cause)
            }
        }
        if let position = news.outcomePosition {
            draft.effects.outcome = Outcome(
                cause: news.cause, status: .accepted,
                grants: news.items.map {
                    .init(
                        id: $0.grant, package: $0.terms.id, state: $0.state, version: $0.version,
                        validUntil: $0.validUntil)
                } + news.outcomeAlso, decidedAt: news.at, position: position)
        }
        return draft.effects
    }

    /// Somebody's shard told that this party may read their post, or may no longer.
    public static func receive(
        _ news: ReadAccessNews, about file: inout CitizenFile, under circumstances: Circumstances
    ) -> Effects {
        var draft = Draft(cause: news.cause, file: &file, circumstances: circumstances)
        defer { swap(&draft.file, &file) }
        draft.notify(news.event == .given ? .readAccessGiven : .readAccessEnded, item: nil, cause: news.cause)
        return draft.effects
    }

    public static let sweepSections: FileSections = [.residences, .exemptions, .grants]

    /// A citizen is looked at again because the day or the catalogue changed.
    ///
    /// The cause of what changes is the move that took effect since the last look, else the catalogue record that decided
    /// over the package where the citizen lives. Its time is that of the catalogue record, or of the timer where a day
    /// brought it about.
    /// - Parameters:
    ///   - isDue: a move of the citizen's takes effect today.
    ///   - isDayTurn: the calendar went on, not the catalogue.
    public static func review(
        _ file: inout CitizenFile, isDue: Bool, isDayTurn: Bool, under circumstances: Circumstances
    ) -> Effects {
        let residence = file.residence(on: circumstances.today)
        let unknown = Cause(id: "sweep", source: "", type: "sweep")
        let now = circumstances.now
        var draft = Draft(cause: unknown, file: &file, circumstances: circumstances)
        defer { swap(&draft.file, &file) }
        draft.reevaluate { grant in
            if isDue, let residence { return (residence.cause, now) }
            guard let residence else { return (unknown, now) }
            guard let found = circumstances.catalogue.cause(of: grant.terms.id, in: residence.municipality) else {
                return (residence.cause, now)
            }
            return isDayTurn ? (found.cause, now) : found
        }
        return draft.effects
    }
}
