extension Rules {
    /// Which parts of a file news about grants needs. Of the notifications only those about the grants in question:
    /// an organisation may have received very many.
    public static func sections(for news: GrantNews) -> (FileSections, notificationsAbout: [Ident]) {
        // Only what came by way of an old number can be out of date; organisations, with their many grants, have none.
        (
            news.isPassedOn ? [.exemptions, .received] : [.exemptions],
            [.revoked, .ended, .discontinued].contains(news.event) ? news.items.map(\.grant) : []
        )
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
                draft.tellRepresentative(of: news.event, item, from: news.grantor, cause: news.cause)
                continue
            }
            if let known = draft.file.received.first(where: { $0.id == item.grant }), news.isPassedOn,
                known.isNewer(than: item)
            {
                // Told late, but told; unless there is nothing left to tell about.
                if known.state.isLiving {
                    draft.tellRepresentative(of: news.event, item, from: news.grantor, cause: news.cause)
                }
                continue
            }
            let isDead = draft.file.isDead(on: circumstances.present) && item.state.isLiving
            draft.store(
                .received(
                    ReceivedGrant(
                        id: item.grant, grantor: news.grantor, grantorShard: news.grantorShard, terms: item.terms,
                        state: isDead ? .ended : item.state, validFrom: item.validFrom, validUntil: item.validUntil,
                        entry: item.entry)))
            if isDead {
                draft.tellDeath(
                    to: news.grantor, shard: news.grantorShard, grants: [item.grant], cause: news.cause)
            }
            draft.tellRepresentative(of: news.event, item, from: news.grantor, cause: news.cause)
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
        draft.notify(
            news.event == .given ? .readAccessGiven : .readAccessEnded, item: nil, of: news.citizen, cause: news.cause)
        return draft.effects
    }

    /// What looking at a citizen again needs: all of it where a day brought something about.
    public static func sections(for reason: ReviewReason) -> FileSections {
        switch reason {
        case .due: [.residences, .exemptions, .grants, .causes, .deaths, .received, .notifications]
        case .residence: [.residences, .exemptions, .grants]
        case .itSystem: [.exemptions, .grants, .notifications]
        }
    }

    /// A citizen is looked at again because the day or the catalogue changed.
    ///
    /// The cause of what changes is the move that took effect since the last look, else the catalogue record that decided
    /// over the package where the citizen lives. Its time is that of the catalogue record, or of the timer where a day
    /// brought it about.
    /// - Parameters:
    ///   - isDayTurn: the calendar went on, not the catalogue.
    public static func review(
        _ file: inout CitizenFile, for reason: ReviewReason, isDayTurn: Bool, under circumstances: Circumstances
    ) -> Effects {
        let isDue = reason == .due
        let residence = file.residence(on: circumstances.present)
        let unknown = Cause(id: "sweep", source: "", type: "sweep")
        let now = circumstances.now
        var draft = Draft(cause: unknown, file: &file, circumstances: circumstances)
        defer { swap(&draft.file, &file) }
        if draft.file.isDead(on: circumstances.present) {
            if let death = draft.file.deaths.last { draft.endAll(cause: death.cause) }
            return draft.effects
        }
        guard reason != .itSystem else {
            draft.followSystems(isDayTurn: isDayTurn)
            return draft.effects
        }
        if isDue, let renumbering = draft.file.renumbering, !renumbering.isHandedOver,
            renumbering.effective <= circumstances.today
        {
            var renumbering = renumbering
            renumbering.isHandedOver = true
            renumbering.at = now
            draft.store(.renumbering(renumbering))
            draft.handOver(outcomePosition: nil)
            return draft.effects
        }
        if isDue, isDayTurn {
            draft.takeDaysTurn()
            draft.endDepartureExemption()
        }
        // Something else may be due on a day when a municipality ends what it offers; and the catalogue may change on the day
        // of a move, before the look that is for the move.
        let hasMoved = residence?.municipality != draft.file.reviewedFor
        draft.reevaluate { grant in
            guard let residence else { return (unknown, now) }
            if hasMoved { return (residence.cause, now) }
            guard let municipality = residence.municipality,
                let found = circumstances.catalogue.cause(
                    of: grant.terms.id, in: municipality, isDayTurn: isDayTurn)
            else { return (residence.cause, now) }
            return isDayTurn ? (found.cause, now) : found
        }
        return draft.effects
    }
}

/// Why a citizen is looked at again.
public enum ReviewReason: Sendable {
    /// A day came that something waited for.
    case due
    /// What is offered where they live may have changed.
    case residence
    /// An it-system that grants of theirs are bound to was replaced.
    case itSystem
}

extension ReceivedGrant {
    /// Whether news shows the grant as it was before what is known here.
    func isNewer(than item: GrantNews.Item) -> Bool {
        // Nothing that is over comes to life again.
        if !state.isLiving, item.state.isLiving { return true }
        return entry.map { $0 > item.entry } ?? false
    }
}

extension Draft {
    /// Tells the representative what became of a grant of theirs, and withdraws what that makes untrue.
    mutating func tellRepresentative(
        of event: GrantNews.Event, _ item: GrantNews.Item, from grantor: Ident, cause: Cause
    ) {
        if [.ended, .discontinued, .revoked].contains(event) { cancelNotifications(about: item.grant, cause: cause) }
        // Two numbers that were given something by one another are one person's now, who has been told as the grantor.
        guard grantor != file.citizen.pseudonym else { return }
        switch event {
        case .expired: break
        case .declined: notify(.grantDeclined, item: item, cause: cause)
        case .expiring: notify(.grantExpiring, item: item, cause: cause)
        case .ended: notify(.grantEnded, item: item, cause: cause)
        case .discontinued: notify(.grantEnded, item: item, cause: cause, because: .systemReplaced)
        case .given: notify(.grantReceived, item: item, cause: cause)
        case .renewed: notify(.grantRenewed, item: item, cause: cause)
        case .corrected: notify(.grantCorrected, item: item, cause: cause)
        case .dormant: notify(.grantDormant, item: item, cause: cause)
        case .awake: notify(.grantAwake, item: item, cause: cause)
        case .revoked: notify(.grantRevoked, item: item, cause: cause)
        }
    }

    /// What a day brings about: grants that are over expire, requests nobody answered lapse, and both parties of a grant
    /// that is to end are reminded, once.
    mutating func takeDaysTurn() {
        for ordinal in file.grants.indices {
            let grant = file.grants[ordinal]
            let cause = grant.cause ?? cause
            if grant.state.isLiving, grant.validUntil < today {
                change(ordinal, to: .expired, cause: cause)
            } else if grant.state == .requested, let last = grant.lapsesOn, last <= today {
                change(ordinal, to: .lapsed, cause: cause)
            } else if grant.isLiving(on: today), grant.remindedOf != grant.validUntil,
                grant.validUntil.adding(days: -Grant.reminderDays) <= today
            {
                store(.grantReminded(ordinal: ordinal, grant.validUntil))
                notify(.grantExpiring, grant: grant, cause: cause)
                tell(.expiring, grant, cause: cause)
            }
        }
    }
}
