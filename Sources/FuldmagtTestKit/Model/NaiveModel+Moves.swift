import FuldmagtDomain

extension NaiveModel {
    /// `move.relocate`, `move.emigrate` and `move.immigrate`: the history keeps every move; the grants follow the one that is
    /// current.
    mutating func move(_ command: ModelCommand, citizen: Party, _ fields: inout ModelFields) -> [ExpectedGrant] {
        let kind = String(command.name.dropFirst("move.".count))
        var from: Municipality?
        var to: Municipality?
        if kind == "relocate" { from = fields.municipality("from", missing: nil, orIsland: true) }
        // Where an emigrant goes is not kept.
        if kind != "emigrate" {
            to = fields.municipality("to", missing: kind == "relocate" ? "missing-field" : nil, orIsland: true)
        }
        let effective = fields.day("effective")
        let registeredAt = fields.field("registeredAt", missing: nil) { $0.text.flatMap { Instant($0) } }
        guard fields.reasons.isEmpty, let effective else { return [] }
        let isToCome = isToCome(effective, at: command)
        change(citizen) {
            $0.moves.append(
                ModelMove(
                    kind: kind, effective: effective, municipality: to, from: from, registeredAt: registeredAt,
                    cause: command.cause))
            if isToCome { $0.due.insert(effective) }
        }
        let now = Instant(milliseconds: command.cause.at)
        endDepartureExemption(of: citizen, at: now)
        guard effective <= command.today else { return [] }
        return reevaluate(citizen, on: present(command.today), at: now).map(\.expected)
    }

    /// Who has moved back to Denmark is no longer exempt because they left.
    mutating func endDepartureExemption(of citizen: Party, at instant: Instant) {
        guard let file = citizens[citizen], let move = file.currentMove(on: instant.day), file.cameBack(by: move),
            let exemption = file.exemptions.first(where: { $0.covers(instant.day) }), exemption.departure,
            exemption.cause.at <= move.cause.at || exemption.cause.day < move.effective
        else { return }
        endExemption(of: citizen, by: "authority", journal: nil, move.cause.at(instant))
    }

    /// Makes a citizen's municipal grants dormant or active as the municipality of residence offers their packages; abroad
    /// nobody does.
    /// - Parameter broughtBack: a package that was removed and has been defined again, and by what.
    /// - Returns: those that changed.
    mutating func reevaluate(
        _ party: Party, on day: Day, at instant: Instant, broughtBack: (package: String, cause: ModelCause)? = nil
    ) -> [ModelGrant] {
        guard let citizen = citizens[party], let move = citizen.currentMove(on: day) else { return [] }
        let hasMoved = citizen.municipalityApplied != move.municipality
        change(party) { $0.municipalityApplied = move.municipality }
        var changed: [ModelGrant] = []
        for (at, grant) in citizen.grants.enumerated() where grant.isLiving(on: day) {
            guard grant.scope == "municipal" else { continue }
            var cause = move.cause
            var state = "dormant"
            if let home = move.municipality {
                if isOffered(grant.package, in: home, on: day) { state = "active" }
                let offer = ModelOffer(municipality: home, package: grant.package)
                if !hasMoved { cause = removals[grant.package] ?? offerCauses[offer] ?? move.cause }
                if !hasMoved, let broughtBack, broughtBack.package == grant.package { cause = broughtBack.cause }
            }
            if grant.state != state { changed.append(turn(party, at, to: state, cause.at(instant))) }
        }
        return changed
    }
}
