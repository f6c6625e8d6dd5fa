extension Draft {
    /// What nobody can do for the dead any more.
    mutating func checkAlive(for command: Command.Body) {
        guard file.isDead(on: today) else { return }
        switch command {
        case .issue, .request, .approve: reject(.grantorDead, "grantor")
        case .correct(let correct) where correct.representative != nil: reject(.grantorDead, "grantor")
        case .relocate, .decease, .renumber, .register, .lift, .correctExemption, .giveReadAccess, .withdrawReadAccess,
            .enrol:
            reject(.citizenDead, "citizen")
        // Their grants have ended, which is what is wrong with these; a mistake can be corrected.
        case .decline, .revoke, .renew, .correct, .correctDeath: break
        }
    }

    /// `move.decease`: the citizen's grants end, given and received (borger.dk; for received ones our decision).
    mutating func decease(_ decease: Decease) {
        if let died = file.died, died > today { reject(.citizenDead, "citizen") }
        guard reasons.isEmpty, let effective = decease.effective else { return }
        store(.death(Death(ordinal: file.deaths.count, effective: effective, at: now, cause: cause)))
        lookAgain(on: effective)
        if effective <= today { endAll(cause: cause) }
    }

    /// Ends what a dead citizen gave, asked for and received. What was received and is over by then has expired, whether its
    /// grantor's shard has said so already or not: else what is withdrawn would depend on which of them is looked at first.
    mutating func endAll(cause: Cause) {
        for ordinal in file.grants.indices
        where file.grants[ordinal].state.isLiving || file.grants[ordinal].state == .requested {
            change(ordinal, to: .ended, cause: cause)
        }
        var grantors: [Ident: (shard: Int32, grants: [Ident])] = [:]
        for var grant in file.received where grant.state.isLiving && grant.validUntil >= circumstances.present {
            grant.state = .ended
            store(.received(grant))
            cancelNotifications(about: grant.id, cause: cause)
            grantors[grant.grantor, default: (grant.grantorShard, [])].grants.append(grant.id)
        }
        for (grantor, told) in grantors.sorted(by: { $0.key < $1.key }) {
            tellDeath(to: grantor, shard: told.shard, grants: told.grants, cause: cause)
        }
    }

    mutating func tellDeath(
        to grantor: Ident, shard: Int32, grants: [Ident], cause: Cause, mistake: Cause? = nil
    ) {
        effects.inbox.append(
            InboxMessage(
                shard: shard, citizen: grantor, sealed: nil,
                body: .death(
                    RepresentativeDeath(
                        representative: file.citizen.pseudonym, grants: grants, cause: cause, at: now,
                        mistake: mistake))))
    }

    /// `move.correct`: a death entered by mistake. Grants that ended stay ended; the citizen is told of each now,
    /// as grantor here, as representative by way of the grantors' shards, which know what ended them.
    mutating func correct(_ correct: DeathCorrect) {
        guard let death = file.deaths.last, death.correction == nil else {
            reject(.invalidField, "diedByMistake")
            return
        }
        guard reasons.isEmpty, let journal = correct.journal else { return }
        store(.deathCorrected(Death.Correction(at: now, cause: cause, journal: journal)))
        // A number that was to come in the meantime came to nobody: it is looked at again with the next day.
        if let renumbering = file.renumbering, !renumbering.isHandedOver, renumbering.effective <= today {
            store(.due(today.adding(days: 1)))
        }
        var grantors: [Ident: Int32] = [:]
        for grant in file.received { grantors[grant.grantor] = grant.grantorShard }
        // What was given meanwhile ended by the command that gave it, and was never told.
        let told = Set(file.notifications.compactMap(\.grant))
        let untold = file.received.filter { $0.state == .ended && !told.contains($0.id) }
        for (grantor, shard) in grantors.sorted(by: { $0.key < $1.key }) {
            let grants = untold.filter { $0.grantor == grantor }.map(\.id)
            tellDeath(to: grantor, shard: shard, grants: grants, cause: cause, mistake: death.cause)
        }
        for grant in file.grants where grant.state == .ended && grant.cause?.isSameCommand(as: death.cause) == true {
            notify(.grantEnded, grant: grant, cause: cause)
        }
        // Who was called dead may have come back meanwhile.
        endDepartureExemption()
    }
}

extension Rules {
    /// A representative's shard told that they are dead: what this citizen gave them ends. Nobody asked, so there is no
    /// outcome.
    public static func receive(
        _ death: RepresentativeDeath, about file: inout CitizenFile, under circumstances: Circumstances
    ) -> Effects {
        var draft = Draft(cause: death.cause, file: &file, circumstances: circumstances)
        defer { swap(&draft.file, &file) }
        // Else a grant came too late: what ends it is the command that gave it.
        draft.isAnothersAffair = death.cause.type == CommandType.moveDecease.name
        for id in death.mistake == nil ? death.grants : [] {
            guard
                let ordinal = draft.file.grants.firstIndex(where: {
                    $0.id == id && $0.isHeld(by: death.representative)
                }), draft.file.grants[ordinal].state.isLiving
            else { continue }
            let grant = draft.change(ordinal, cause: death.cause) { $0.state = .ended }
            draft.cancelNotifications(about: id, cause: death.cause)
            draft.notify(.grantEnded, grant: grant, cause: death.cause)
        }
        for grant in draft.file.grants where grant.state == .ended && grant.isHeld(by: death.representative) {
            guard let mistake = death.mistake,
                grant.cause?.isSameCommand(as: mistake) == true || death.grants.contains(grant.id)
            else { continue }
            draft.tell(.ended, grant, cause: death.cause)
        }
        if draft.file.grants.contains(where: { $0.isHeld(by: death.representative) }) {
            draft.store(.representativeDied(death.representative, death.mistake == nil && !death.grants.isEmpty))
        }
        return draft.effects
    }
}
