import FuldmagtDomain

extension NaiveModel {
    /// Does what is due by then: deaths and moves dated ahead, activations that begin or end, grants and requests that are
    /// over, and reminders.
    public mutating func advance(to instant: Instant) {
        giveUpReceipts(at: instant)
        for citizen in citizens.keys.sorted(by: { $0.digits < $1.digits }) {
            if let death = citizens[citizen]?.deaths.last, death.covers(instant.day) {
                _ = endAll(of: citizen, death.cause.at(instant))
            } else {
                endWhatIsOver(of: citizen, at: instant)
                remind(citizen, at: instant)
                endDepartureExemption(of: citizen, at: instant)
            }
            _ = reevaluate(citizen, at: instant)
            change(citizen) { $0.due = $0.due.filter { $0 > instant.day } }
        }
    }

    /// Nobody is told that a grant has expired or a request has lapsed.
    private mutating func endWhatIsOver(of grantor: Party, at instant: Instant) {
        change(grantor) { citizen in
            for (at, grant) in citizen.grants.enumerated() {
                let isOver = ["active", "dormant"].contains(grant.state) && grant.validUntil < instant.day
                if isOver { citizen.grants[at].enter("expired", grant.endCause.at(instant)) }
                if grant.state == "requested", let last = grant.lapsesOn, last <= instant.day {
                    citizen.grants[at].enter("lapsed", grant.endCause.at(instant))
                }
            }
        }
    }

    /// Thirty days before a grant ends both are told, once, as by what set that end.
    private mutating func remind(_ grantor: Party, at instant: Instant) {
        for (at, grant) in (citizens[grantor]?.grants ?? []).enumerated()
        where grant.isLiving(on: instant.day) && !grant.isReminded && grant.isNearEnd(on: instant.day) {
            change(grantor) { $0.grants[at].isReminded = true }
            let cause = grant.endCause.at(instant)
            tell("grant-expiring", grantor, about: grant, citizen: grantor, cause)
            tell("grant-expiring", grant.representative, about: grant, citizen: grantor, cause)
        }
    }
}
