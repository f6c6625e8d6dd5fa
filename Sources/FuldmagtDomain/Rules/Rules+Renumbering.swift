/// `move.renumber`
public struct Renumber: Sendable {
    /// Nil where the field could not be read.
    public var to: Party?
    public var effective: Day?
}

extension Draft {
    /// `move.renumber`: all history follows the person, and the old number is still found. The outcome comes from the new
    /// number's shard, once it has taken over.
    /// - Parameter named: the number that the command names as the citizen's.
    mutating func renumber(_ renumber: Renumber, named: Party, position: Position) {
        let to = renumber.to.map(circumstances.naming.identify)
        if let to, to == file.citizen {
            // A register that tells it again names the old number, and has been understood before.
            if named == file.citizen.party { reject(.invalidField, "newCpr") }
            return
        }
        guard reasons.isEmpty, let to, let effective = renumber.effective else { return }
        let isNow = effective <= today
        store(
            .renumbering(
                Renumbering(
                    to: circumstances.naming.reference(to: to), effective: effective, at: now, cause: cause,
                    isHandedOver: isNow)))
        guard isNow else {
            store(.due(effective))
            return
        }
        handOver(outcomePosition: position)
        leavesOutcome = true
    }

    /// Sends the file to the new number's shard, and tells whoever gave the citizen something or got something from them.
    mutating func handOver(outcomePosition: Position?) {
        guard let renumbering = file.renumbering else { return }
        let former = file.citizen.pseudonym
        effects.handover = Handover(
            .init(number: former, to: renumbering.to, at: renumbering.at), cause: renumbering.cause, at: now,
            outcomePosition: outcomePosition)
        tellOthers(NumberChange(former: former, current: renumbering.to))
    }

    /// Where two changes of number cross, news of a revocation go past a file that is sent back: what stood in that is
    /// withdrawn once it arrives.
    fileprivate mutating func withdrawWhatIsOver(cause: Cause) {
        let told = Set(file.notifications.filter(\.canBeCancelled).compactMap(\.grant))
        for grant in file.received where [.revoked, .ended].contains(grant.state) && told.contains(grant.id) {
            cancelNotifications(about: grant.id, cause: cause)
        }
    }

    /// Tells whoever gave the citizen something or got something from them.
    mutating func tellOthers(_ change: NumberChange) {
        var others: [Ident: Int32] = [:]
        for grant in file.grants { others[grant.representative.pseudonym] = grant.representative.shard }
        for grant in file.received { others[grant.grantor] = grant.grantorShard }
        for (other, shard) in others.sorted(by: { $0.key < $1.key }) {
            effects.inbox.append(InboxMessage(shard: shard, citizen: other, sealed: nil, body: .numberChange(change)))
        }
    }
}

extension Rules {
    /// The new number's shard has taken over: grants are brought in line with where the citizen lives by now, and the
    /// command is answered.
    /// - Parameter mayReevaluate: false where the catalogue is older than the one that others were looked at under; the
    ///   grants are brought in line once it can be read.
    public static func takeOver(
        _ handover: Handover, about file: inout CitizenFile, under circumstances: Circumstances,
        mayReevaluate: Bool = true
    ) -> Effects {
        var draft = Draft(cause: handover.cause, file: &file, circumstances: circumstances)
        defer { swap(&draft.file, &file) }
        // Somebody got an old number back.
        if let renumbering = draft.file.renumbering, renumbering.isHandedOver { draft.store(.numberInUseAgain) }
        // Each number may have brought an exemption; one is enough, and nobody need be told.
        let inForce = draft.file.exemptions.filter { $0.isInForce(on: draft.today) }
        for exemption in inForce.dropLast() {
            let lifting = Exemption.Lifting(at: draft.now, by: .authority, cause: handover.cause, journal: nil)
            draft.store(.exemptionLifted(ordinal: exemption.ordinal, lifting))
        }
        // What they were told was a number that has a newer one.
        if handover.to.pseudonym != draft.file.citizen.pseudonym {
            let current = circumstances.naming.reference(to: draft.file.citizen)
            draft.tellOthers(NumberChange(former: handover.to.pseudonym, current: current))
        }
        draft.withdrawWhatIsOver(cause: handover.cause)
        // Both shards may have followed a supplier switch while the file was on its way.
        draft.followSystems(isDayTurn: false)
        draft.now = handover.at
        // One number's moves may show that the other's exemption is over.
        draft.endDepartureExemption(cause: handover.cause)
        if mayReevaluate { draft.reevaluate { _ in (handover.cause, handover.at) } }
        // The former number's shard may have come to days that this one has not.
        for day in draft.file.residences.map(\.effective) + [draft.file.died].compactMap(\.self) {
            draft.lookAgain(on: day)
        }
        if let position = handover.outcomePosition {
            draft.effects.outcome = Outcome(
                cause: handover.cause, status: .accepted, grants: draft.lines, decidedAt: handover.at,
                position: position)
        }
        return draft.effects
    }

    /// Somebody whom this citizen gave something, or got something from, has another number now. Nobody is told: it
    /// changes no right.
    public static func receive(
        _ change: NumberChange, about file: inout CitizenFile, under circumstances: Circumstances
    ) -> Effects {
        var effects = Effects()
        let change = RowChange.numberChanged(change)
        effects.rows.append(change)
        file.apply(change)
        return effects
    }

    /// What arrives for an old number, under the new one. Who sent it is told of the new number, where they will have to
    /// know it.
    /// - Parameter rounds: the numbers whose shards had it go round.
    public static func passOn(
        _ body: InboxMessage.Body, of former: Ident, to current: PartyReference, rounds: [Ident] = []
    ) -> [InboxMessage] {
        guard case .news(var news) = body else { return [InboxMessage(to: current, body, rounds: rounds)] }
        news.isPassedOn = true
        return [
            InboxMessage(to: current, .news(news)),
            InboxMessage(
                shard: news.grantorShard, citizen: news.grantor, sealed: nil,
                body: .numberChange(NumberChange(former: former, current: current))),
        ]
    }
}
