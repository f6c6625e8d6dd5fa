import FuldmagtDomain

extension NaiveModel {
    /// Does what is due by then: deaths and moves dated ahead, activations that begin or end, grants and requests that are
    /// over, and reminders.
    public mutating func advance(to instant: Instant) {
        giveUpReceipts(at: instant)
        lastDay = present(instant.day)
        for citizen in citizens.keys.sorted(by: { $0.digits < $1.digits }) {
            bringAbout(instant.day, for: citizen, at: instant)
        }
    }

    /// - Parameter instant: the time that it carries, which may be of an earlier day.
    mutating func bringAbout(_ day: Day, for citizen: Party, at instant: Instant) {
        if let death = citizens[citizen]?.deaths.last, death.covers(day) {
            _ = endAll(of: citizen, death.cause.at(instant))
        } else {
            endWhatIsOver(of: citizen, on: day, at: instant)
            remind(citizen, on: day, at: instant)
            endDepartureExemption(of: citizen, at: instant)
        }
        _ = reevaluate(citizen, on: day, at: instant)
        change(citizen) { $0.due = $0.due.filter { $0 > day } }
    }

    /// Nobody is told that a grant has expired or a request has lapsed.
    private mutating func endWhatIsOver(of grantor: Party, on day: Day, at instant: Instant) {
        change(grantor) { citizen in
            for (at, grant) in citizen.grants.enumerated() {
                let isOver = ["active", "dormant"].contains(grant.state) && grant.validUntil < day
                if isOver { citizen.grants[at].enter("expired", grant.endCause.at(instant)) }
                if grant.state == "requested", let last = grant.lapsesOn, last <= day {
                    citizen.grants[at].enter("lapsed", grant.endCause.at(instant))
                }
            }
        }
    }

    /// Thirty days before a grant ends both are told, once, as by what set that end.
    private mutating func remind(_ grantor: Party, on day: Day, at instant: Instant) {
        for (at, grant) in (citizens[grantor]?.grants ?? []).enumerated()
        where grant.isLiving(on: day) && !grant.isReminded && grant.isNearEnd(on: day) {
            change(grantor) { $0.grants[at].isReminded = true }
            let cause = grant.endCause.at(instant)
            tell("grant-expiring", grantor, about: grant, citizen: grantor, cause)
            tell("grant-expiring", grant.representative, about: grant, citizen: grantor, cause)
        }
    }
}
