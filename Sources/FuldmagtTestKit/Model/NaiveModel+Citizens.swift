import FuldmagtDomain

extension NaiveModel {
    /// `exemption.register`.
    mutating func register(_ command: ModelCommand, citizen: Party, _ fields: inout ModelFields) -> [ExpectedGrant] {
        let today = command.today
        let municipality = fields.municipality("municipality")
        let form = fields.freeText("form")
        let journal = fields.freeText("journal", missing: "journal-missing")
        let caseworker = fields.freeText("caseworker")
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
        recall(from: citizen, command.cause)
        return []
    }

    /// `exemption.lift`.
    mutating func lift(_ command: ModelCommand, citizen: Party, _ fields: inout ModelFields) -> [ExpectedGrant] {
        let municipality = fields.municipality("municipality", missing: nil)
        let journal = fields.freeText("journal", missing: nil)
        let by = fields.oneOf("by", ["citizen", "authority", "representative"])
        if citizens[citizen]?.isExempt(on: command.today) != true { fields.fault("not-exempt", "citizen") }
        // An authority that names no municipality speaks for its own.
        var deciding = municipality
        if deciding == nil, by != "citizen", !settings.exemptionsFromAnyMunicipality {
            let parts = command.cause.source.split(separator: ":")
            deciding = parts.count > 3 ? homes[String(parts[3])] : nil
        }
        checkAuthority(deciding, citizen, &fields)
        guard fields.reasons.isEmpty, let by else { return [] }
        endExemption(of: citizen, by: by, journal: journal, command.cause)
        return []
    }

    /// `exemption.correct`: lifts what was registered by mistake.
    mutating func correctExemption(_ command: ModelCommand, citizen: Party, _ fields: inout ModelFields)
        -> [ExpectedGrant]
    {
        let municipality = fields.municipality("municipality")
        let journal = fields.freeText("journal", missing: "journal-missing")
        let caseworker = fields.freeText("caseworker")
        if fields.bool("registeredByMistake") == false { fields.fault("invalid-field", "registeredByMistake") }
        if citizens[citizen]?.isExempt(on: command.today) != true { fields.fault("not-exempt", "citizen") }
        checkAuthority(municipality, citizen, &fields)
        guard fields.reasons.isEmpty else { return [] }
        endExemption(of: citizen, by: "authority", journal: journal, caseworker: caseworker, command.cause)
        return []
    }

    /// Lifts the exemption in force and tells the citizen, by the channel that follows.
    mutating func endExemption(
        of citizen: Party, by: String, journal: String?, caseworker: String? = nil, _ cause: ModelCause
    ) {
        change(citizen) {
            for at in $0.exemptions.indices where $0.exemptions[at].covers(cause.day) {
                $0.exemptions[at].lifted = (cause, by, journal, caseworker)
            }
        }
        tell("exemption-lifted", citizen, about: nil, citizen: citizen, cause)
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
