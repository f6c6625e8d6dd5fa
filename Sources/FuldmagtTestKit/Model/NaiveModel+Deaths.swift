import FuldmagtDomain

extension NaiveModel {
    /// What nobody can do for the dead any more.
    func checkAlive(_ citizen: Party, _ name: String, _ fields: inout ModelFields) {
        guard citizens[citizen]?.isDead(on: fields.today) == true else { return }
        switch name {
        case "grant.issue", "grant.request", "grant.approve": fields.fault("grantor-dead", "grantor")
        // The others are about grants, which have ended; and a death by mistake can be corrected. `correct` looks whether it
        // gives something.
        case "grant.decline", "grant.revoke", "grant.renew", "grant.correct", "move.correct": break
        default: fields.fault("citizen-dead", "citizen")
        }
    }

    /// `move.decease`: nobody dies twice, not even of a death to come.
    mutating func decease(_ command: ModelCommand, citizen: Party, _ fields: inout ModelFields) -> [ExpectedGrant] {
        let effective = fields.day("effective")
        if let last = citizens[citizen]?.deaths.last, last.corrected == nil { fields.fault("citizen-dead", "citizen") }
        guard fields.reasons.isEmpty, let effective else { return [] }
        let isToCome = isToCome(effective, at: command)
        change(citizen) {
            $0.deaths.append(ModelDeath(effective: effective, cause: command.cause))
            if isToCome { $0.due.insert(effective) }
        }
        return effective <= command.today ? endAll(of: citizen, command.cause) : []
    }

    /// Ends what the dead gave, asked for and received.
    /// - Returns: what they gave.
    mutating func endAll(of dead: Party, _ cause: ModelCause) -> [ExpectedGrant] {
        var ended: [ExpectedGrant] = []
        for (at, grant) in (citizens[dead]?.grants ?? []).enumerated()
        where ["requested", "active", "dormant"].contains(grant.state) {
            ended.append(turn(dead, at, to: "ended", cause).expected)
        }
        for grantor in citizens.keys.sorted(by: { $0.digits < $1.digits }) {
            for grant in citizens[grantor]?.grants ?? [] where grant.representative == dead {
                // What is over expires when its grantor is looked at.
                guard ["active", "dormant"].contains(grant.state), grant.validUntil >= present(cause.day) else {
                    continue
                }
                endReceived(grant, citizen: dead, cause)
            }
        }
        return ended
    }

    /// Ends a grant because its representative is dead, which its grantor knows from now on.
    /// - Parameter citizen: whose command it was: the representative's death, or the grantor's who did not know of it.
    mutating func endReceived(_ grant: ModelGrant, citizen: Party, _ cause: ModelCause) {
        guard let at = citizens[grant.grantor]?.grants.firstIndex(where: { $0.id == grant.id }) else { return }
        change(grant.grantor) { $0.knownDead.insert(grant.representative) }
        _ = turn(grant.grantor, at, to: "ended", cause, citizen: citizen)
    }

    /// `move.correct`: the citizen is alive; what has ended stays so, and they are told of it now, as the other party was
    /// then.
    mutating func correctDeath(_ command: ModelCommand, citizen: Party, _ fields: inout ModelFields)
        -> [ExpectedGrant]
    {
        let journal = fields.freeText("journal", missing: "journal-missing")
        if fields.bool("diedByMistake") == false { fields.fault("invalid-field", "diedByMistake") }
        let death = citizens[citizen]?.deaths.last
        if death == nil || death?.corrected != nil { fields.fault("invalid-field", "diedByMistake") }
        guard fields.reasons.isEmpty, let death, let journal else { return [] }
        change(citizen) { $0.deaths[$0.deaths.count - 1].corrected = (command.cause, journal) }
        for grantor in citizens.keys.sorted(by: { $0.digits < $1.digits }) {
            change(grantor) { $0.knownDead.remove(citizen) }
            for grant in citizens[grantor]?.grants ?? []
            where grant.representative == citizen
                && (grant.ended(by: death) || (grant.state == "ended" && !isTold(citizen, of: grant)))
            {
                tell("grant-ended", citizen, about: grant, citizen: citizen, command.cause)
            }
        }
        for grant in citizens[citizen]?.grants ?? [] where grant.ended(by: death) {
            tell("grant-ended", citizen, about: grant, citizen: citizen, command.cause)
        }
        endDepartureExemption(of: citizen, at: Instant(milliseconds: command.cause.at))
        return []
    }
}

extension NaiveModel {
    /// Whether anything has been told to a party about a grant: not what was given to them while they were called dead.
    private func isTold(_ party: Party, of grant: ModelGrant) -> Bool {
        notifications.contains { $0.recipient == party.digits && $0.grant == grant.id.uuidText }
    }
}

extension ModelGrant {
    /// Whether that death ended it.
    func ended(by death: ModelDeath) -> Bool {
        guard let last = history.last, last.state == "ended" else { return false }
        return (last.cause.source, last.cause.id) == (death.cause.source, death.cause.id)
    }
}
