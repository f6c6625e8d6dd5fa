import FuldmagtDomain

extension NaiveModel {
    /// `move.relocate`: the history keeps every move; the grants follow the one that is current.
    mutating func relocate(_ command: ModelCommand, citizen: Party, _ fields: inout ModelFields) -> [ExpectedGrant] {
        let from = fields.municipality("from", missing: nil, orIsland: true)
        let to = fields.municipality("to", orIsland: true)
        let effective = fields.day("effective")
        let registeredAt = fields.field("registeredAt", missing: nil) { $0.text.flatMap { Instant($0) } }
        guard fields.reasons.isEmpty, let to, let effective else { return [] }
        change(citizen) {
            $0.moves.append(
                ModelMove(
                    effective: effective, municipality: to, from: from, registeredAt: registeredAt,
                    cause: command.cause))
        }
        return reevaluate(citizen, at: Instant(milliseconds: command.cause.at)).map(\.expected)
    }

    /// Does what is due by then: moves dated ahead, and activations that begin or end.
    public mutating func advance(to instant: Instant) {
        for citizen in citizens.keys.sorted(by: { $0.digits < $1.digits }) { _ = reevaluate(citizen, at: instant) }
    }

    /// Makes a citizen's municipal grants dormant or active as the municipality of residence offers their packages.
    /// - Returns: those that changed.
    mutating func reevaluate(_ party: Party, at instant: Instant) -> [ModelGrant] {
        guard let citizen = citizens[party], let move = citizen.currentMove(on: instant.day) else { return [] }
        let hasMoved = citizen.municipalityApplied != move.municipality
        change(party) { $0.municipalityApplied = move.municipality }
        var changed: [ModelGrant] = []
        for (at, grant) in citizen.grants.enumerated() where grant.isLiving(on: instant.day) {
            guard packages[grant.package]?.scope == "municipal" else { continue }
            let isOffered = isOffered(grant.package, in: move.municipality, on: instant.day)
            let state = isOffered ? "active" : "dormant"
            guard grant.state != state else { continue }
            let offer = ModelOffer(municipality: move.municipality, package: grant.package)
            var cause = hasMoved ? move.cause : offerCauses[offer] ?? move.cause
            cause.at = instant.milliseconds
            changed.append(turn(party, at, to: state, cause))
        }
        return changed
    }

    /// `exemption.register`.
    mutating func register(_ command: ModelCommand, citizen: Party, _ fields: inout ModelFields) -> [ExpectedGrant] {
        let today = command.today
        let municipality = fields.municipality("municipality")
        let form = fields.text("form")
        let journal = fields.text("journal", missing: "journal-missing")
        let caseworker = fields.text("caseworker")
        let requestedBy = fields.oneOf("requestedBy", ["citizen", "representative", "guardian", "institution"])
        let appearedInPerson = fields.bool("appearedInPerson")
        let departure = fields.bool("departure", missing: nil)
        let validUntil = fields.day("validUntil", missing: nil)
        if requestedBy == "citizen", appearedInPerson == false { fields.fault("not-in-person", "appearedInPerson") }
        if citizens[citizen]?.isExempt(on: today) == true { fields.fault("already-exempt", "citizen") }
        if let validUntil, validUntil < today { fields.fault("validity-ended", "validUntil") }
        checkAuthority(municipality, citizen, &fields)
        guard fields.reasons.isEmpty, let municipality, let form, let journal, let caseworker, let requestedBy,
            let appearedInPerson
        else { return [] }
        change(citizen) {
            $0.exemptions.append(
                ModelExemption(
                    municipality: municipality, form: form, journal: journal, caseworker: caseworker,
                    requestedBy: requestedBy, appearedInPerson: appearedInPerson, departure: departure ?? false,
                    validUntil: validUntil, cause: command.cause))
        }
        tell("exemption-registered", citizen, about: nil, citizen: citizen, command.cause)
        return []
    }

    /// `exemption.lift`.
    mutating func lift(_ command: ModelCommand, citizen: Party, _ fields: inout ModelFields) -> [ExpectedGrant] {
        let municipality = fields.municipality("municipality", missing: nil)
        let journal = fields.text("journal", missing: nil)
        let by = fields.oneOf("by", ["citizen", "authority", "representative"])
        if citizens[citizen]?.isExempt(on: command.today) != true { fields.fault("not-exempt", "citizen") }
        checkAuthority(municipality, citizen, &fields)
        guard fields.reasons.isEmpty, let by else { return [] }
        endExemption(of: citizen, command, by: by, journal: journal)
        return []
    }

    /// `exemption.correct`: lifts what was registered by mistake.
    mutating func correctExemption(_ command: ModelCommand, citizen: Party, _ fields: inout ModelFields)
        -> [ExpectedGrant]
    {
        let municipality = fields.municipality("municipality")
        let journal = fields.text("journal", missing: "journal-missing")
        _ = fields.text("caseworker")
        if fields.bool("registeredByMistake") == false { fields.fault("invalid-field", "registeredByMistake") }
        if citizens[citizen]?.isExempt(on: command.today) != true { fields.fault("not-exempt", "citizen") }
        checkAuthority(municipality, citizen, &fields)
        guard fields.reasons.isEmpty else { return [] }
        endExemption(of: citizen, command, by: "authority", journal: journal)
        return []
    }

    /// Lifts the exemption in force and tells the citizen, by the channel that follows.
    mutating func endExemption(of citizen: Party, _ command: ModelCommand, by: String, journal: String?) {
        change(citizen) {
            for at in $0.exemptions.indices where $0.exemptions[at].covers(command.today) {
                $0.exemptions[at].lifted = (command.cause, by, journal)
            }
        }
        tell("exemption-lifted", citizen, about: nil, citizen: citizen, command.cause)
    }

    /// Only the municipality where a person lives decides; where that is not known, for companies, and for who lives on
    /// Christiansø, which is no municipality, any may.
    private func checkAuthority(_ municipality: Municipality?, _ citizen: Party, _ fields: inout ModelFields) {
        guard citizen.isPerson, let municipality,
            let residence = citizens[citizen]?.currentMove(on: fields.today)?.municipality,
            residence.description != "0411"
        else { return }
        if residence != municipality { fields.fault("not-deciding-authority", "municipality") }
    }
}
