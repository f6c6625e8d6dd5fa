extension Draft {
    /// `move.relocate`: ordered by effective date. A late, older move is kept as history and changes nothing else; a move
    /// to come is accepted now and takes effect on its day.
    mutating func relocate(_ relocate: Relocate) {
        guard reasons.isEmpty, let municipality = relocate.to, let effective = relocate.effective else { return }
        let before = file.residence(on: today)?.municipality
        store(
            .residence(
                Residence(
                    arrival: file.residences.count, effective: effective, municipality: municipality,
                    from: relocate.from, registeredAt: relocate.registeredAt, at: now, cause: cause)))
        if effective > today { store(.due(effective)) }
        guard file.residence(on: today)?.municipality != before else { return }
        let (cause, now) = (cause, now)
        reevaluate { _ in (cause, now) }
    }

    /// `exemption.register`. Source: lov om Digital Post § 3 and the municipalities' practice: in person with
    /// identification, or by someone on the citizen's behalf with a signed form, which is archived.
    mutating func register(_ register: ExemptionRegister) {
        if register.requestedBy == .citizen, register.appearedInPerson == false {
            reject(.notInPerson, "appearedInPerson")
        }
        if file.isExempt(on: today) { reject(.alreadyExempt, "citizen") }
        if let until = register.validUntil, until < today { reject(.validityEnded, "validUntil") }
        checkDecidingMunicipality(register.municipality)
        guard reasons.isEmpty, let municipality = register.municipality, let form = register.form,
            let journal = register.journal, let caseworker = register.caseworker,
            let requestedBy = register.requestedBy, let appearedInPerson = register.appearedInPerson
        else { return }
        store(
            .exemption(
                Exemption(
                    ordinal: file.exemptions.count, municipality: municipality, form: form, journal: journal,
                    caseworker: caseworker, requestedBy: requestedBy, appearedInPerson: appearedInPerson,
                    departure: register.departure, validUntil: register.validUntil, at: now, cause: cause)))
        notify(.exemptionRegistered, cause: cause)
    }

    /// `exemption.lift`. Source: lov om Digital Post § 4: an exempt person may rejoin.
    mutating func lift(_ lift: ExemptionLift) {
        if !file.isExempt(on: today) { reject(.notExempt, "citizen") }
        checkDecidingMunicipality(lift.municipality)
        guard reasons.isEmpty, let by = lift.by, let exemption = file.exemptions.last else { return }
        store(
            .exemptionLifted(
                ordinal: exemption.ordinal,
                Exemption.Lifting(at: now, by: by, cause: cause, journal: lift.journal)))
        notify(.exemptionLifted, cause: cause)
    }

    /// The municipality where the citizen lives decides; any may for a company, or where no residence is known.
    private mutating func checkDecidingMunicipality(_ municipality: Municipality?) {
        guard let municipality else { return }
        if file.citizen.party.isPerson, let residence = file.residence(on: today)?.municipality,
            residence != municipality, residence.isMunicipality
        {
            reject(.notDecidingAuthority, "municipality")
        }
    }
}
