extension Draft {
    /// `move.relocate`, `move.emigrate`, `move.immigrate`: ordered by effective date. A late, older move is kept as history
    /// and changes nothing else; a move to come is accepted now and takes effect on its day.
    mutating func relocate(_ relocate: Relocate) {
        guard reasons.isEmpty, let effective = relocate.effective else { return }
        let before = file.residence(on: circumstances.present)
        store(
            .residence(
                Residence(
                    kind: relocate.kind, arrival: file.residences.count, effective: effective,
                    municipality: relocate.to, from: relocate.from, registeredAt: relocate.registeredAt, at: now,
                    cause: cause)))
        lookAgain(on: effective)
        guard effective <= today else { return }
        // What comes late may show that the present residence was a return.
        endDepartureExemption()
        // One decided late does not undo a move that has taken effect since.
        guard let residence = file.residence(on: circumstances.present), residence != before,
            residence.municipality != before?.municipality
        else { return }
        let (cause, now) = (cause, now)
        reevaluate { _ in (cause, now) }
    }

    /// A present residence that the citizen came back to Denmark for lifts an exemption that was given for the departure: one
    /// that was there when the return was told, or before the day it took effect.
    /// - Parameter other: what brought the return to light, where that is not the move itself.
    mutating func endDepartureExemption(cause other: Cause? = nil) {
        guard let residence = file.residence(on: circumstances.present), file.isReturn(residence),
            let exemption = file.exemption(on: today), exemption.departure,
            exemption.at <= residence.at || exemption.at.day < residence.effective
        else { return }
        // A move tells the citizen of it once: what it told has its id.
        let hasTold = file.exemptions.contains { $0.lifting?.cause.isSameCommand(as: residence.cause) == true }
        guard other != nil || !hasTold else { return }
        liftExemption(by: .authority, journal: nil, cause: other ?? residence.cause)
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
        checkDecidingMunicipality(lift.municipality ?? (lift.by == .citizen ? nil : sendersMunicipality))
        guard reasons.isEmpty, let by = lift.by else { return }
        liftExemption(by: by, journal: lift.journal, cause: cause)
    }

    /// For whom a sender decides who does not say so: who says less can do no more.
    private var sendersMunicipality: Municipality? {
        guard !circumstances.settings.exemptionsFromAnyMunicipality, let cvr = cause.sourceCVR?.digits else {
            return nil
        }
        return circumstances.catalogue.authorities[cvr]?.municipality
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

    /// `exemption.correct`: an exemption that was registered by mistake ends.
    mutating func correct(_ correct: ExemptionCorrect) {
        if !file.isExempt(on: today) { reject(.notExempt, "citizen") }
        checkDecidingMunicipality(correct.municipality)
        guard reasons.isEmpty else { return }
        liftExemption(by: .authority, journal: correct.journal, caseworker: correct.caseworker, cause: cause)
    }

    /// Ends the exemption in force, if there is one, and says so to the citizen.
    private mutating func liftExemption(
        by actor: ExemptionLift.Actor, journal: String?, caseworker: String? = nil, cause: Cause
    ) {
        let inForce = file.exemptions.filter { $0.isInForce(on: today) }
        guard !inForce.isEmpty else { return }
        for exemption in inForce {
            let lifting = Exemption.Lifting(
                at: now, by: actor, cause: cause, journal: journal, caseworker: caseworker)
            store(.exemptionLifted(ordinal: exemption.ordinal, lifting))
        }
        notify(.exemptionLifted, cause: cause)
    }

    /// `mailbox.enrol`: automatic enrolment passes over the exempt; who joins of their own will is exempt no longer (lov om
    /// Digital Post § 4).
    mutating func enrol(_ enrol: MailboxEnrol) {
        guard reasons.isEmpty, enrol.reason == .voluntary else { return }
        liftExemption(by: .citizen, journal: nil, cause: cause)
    }

    // MARK: Read access

    /// `readaccess.grant`: lifts an exemption, which would leave nothing to read, and touches no grant.
    mutating func giveReadAccess(_ command: ReadAccessCommand) {
        let holder = command.holder.map(circumstances.naming.identify)
        if holder == file.citizen { reject(.sameParty, "holder") }
        if let until = command.validUntil, until < today { reject(.validityEnded, "validUntil") }
        guard reasons.isEmpty, let holder else { return }
        end(readAccesses(of: holder), evidence: nil)
        // Whoever does not know the holder's new number yet names the old one.
        let renumbered = file.readAccesses.last { $0.formerHolder == holder.pseudonym }
        let reference = renumbered?.holder ?? circumstances.naming.reference(to: holder)
        store(
            .readAccess(
                ReadAccess(
                    ordinal: file.readAccesses.count, holder: reference, journal: command.journal,
                    caseworker: command.caseworker, validUntil: command.validUntil, at: now, cause: cause,
                    formerHolder: renumbered?.formerHolder)))
        liftExemption(by: .citizen, journal: nil, cause: cause)
        notify(.readAccessGiven, cause: cause)
        tell(.given, reference)
    }

    /// `readaccess.withdraw`: ends all that the holder has. Two files, or two numbers of one holder, that became one may
    /// each have brought one.
    mutating func withdrawReadAccess(_ command: ReadAccessCommand) {
        let holder = command.holder.map(circumstances.naming.identify)
        if holder == file.citizen { reject(.sameParty, "holder") }
        let ordinals = holder.map { readAccesses(of: $0) } ?? []
        if holder != nil, holder != file.citizen, ordinals.isEmpty { reject(.unknownReadAccess, "holder") }
        guard reasons.isEmpty else { return }
        end(ordinals, evidence: command)
        notify(.readAccessEnded, cause: cause)
        // What is told to a former number is passed on to the new one, which is told once.
        let former = Set(ordinals.compactMap { file.readAccesses[$0].formerHolder })
        let holders = Set(ordinals.map { file.readAccesses[$0].holder }).filter { !former.contains($0.pseudonym) }
        for holder in holders.sorted(by: { $0.pseudonym < $1.pseudonym }) { tell(.ended, holder) }
    }

    private mutating func end(_ ordinals: [Int], evidence: ReadAccessCommand?) {
        for ordinal in ordinals {
            let end = ReadAccess.End(
                at: now, cause: cause, journal: evidence?.journal, caseworker: evidence?.caseworker)
            store(.readAccessEnded(ordinal: ordinal, end))
        }
    }

    /// All in force, by whichever of the holder's numbers that are known here.
    private func readAccesses(of holder: Identity) -> [Int] {
        var numbers: Set<Ident> = [holder.pseudonym]
        for access in file.readAccesses {
            guard let former = access.formerHolder,
                former == holder.pseudonym || access.holder.pseudonym == holder.pseudonym
            else { continue }
            numbers.formUnion([former, access.holder.pseudonym])
        }
        return file.readAccesses.indices.filter {
            numbers.contains(file.readAccesses[$0].holder.pseudonym) && file.readAccesses[$0].isInForce(on: today)
        }
    }

    private mutating func tell(_ event: ReadAccessNews.Event, _ holder: PartyReference) {
        effects.inbox.append(
            InboxMessage(
                to: holder,
                .readAccess(ReadAccessNews(event: event, citizen: file.citizen.pseudonym, cause: cause, at: now))))
    }
}
