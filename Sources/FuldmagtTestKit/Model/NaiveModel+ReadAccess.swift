import FuldmagtDomain

extension NaiveModel {
    /// `readaccess.grant`: takes the place of an earlier one to the same holder, and ends an exemption.
    mutating func grantReadAccess(_ command: ModelCommand, citizen: Party, _ fields: inout ModelFields)
        -> [ExpectedGrant]
    {
        let access = readAccess(command, citizen, &fields)
        if let validUntil = fields.value("validUntil")?.text.flatMap({ Day($0) }), validUntil < command.today {
            fields.fault("validity-ended", "validUntil")
        }
        guard fields.reasons.isEmpty, let access else { return [] }
        change(citizen) {
            $0.endReadAccess(of: access.holder, command, evidence: nil)
            $0.readAccesses.append(access)
        }
        if citizens[citizen]?.isExempt(on: command.today) == true {
            endExemption(of: citizen, by: "citizen", journal: nil, command.cause)
        }
        tellBoth("readaccess-given", citizen, access.holder, command.cause)
        return []
    }

    /// `readaccess.withdraw`: until when it would have been valid does not matter. That nobody reads their own post by leave
    /// is said once.
    mutating func withdrawReadAccess(_ command: ModelCommand, citizen: Party, _ fields: inout ModelFields)
        -> [ExpectedGrant]
    {
        let access = readAccess(command, citizen, &fields)
        guard let access, access.holder != citizen else { return [] }
        let given = citizens[citizen]?.readAccesses ?? []
        let isInForce = given.contains { $0.holder == access.holder && $0.covers(command.today) }
        if !isInForce, access.holder != citizen {
            fields.fault("unknown-readaccess", "holder")
        }
        guard fields.reasons.isEmpty else { return [] }
        change(citizen) { $0.endReadAccess(of: access.holder, command, evidence: access) }
        tellBoth("readaccess-ended", citizen, access.holder, command.cause)
        return []
    }

    /// `mailbox.enrol`: matters only to the exempt who enrol of their own will.
    mutating func enrol(_ command: ModelCommand, citizen: Party, _ fields: inout ModelFields) -> [ExpectedGrant] {
        let reason = fields.oneOf("reason", ["automatic", "voluntary"])
        guard fields.reasons.isEmpty, reason == "voluntary", citizens[citizen]?.isExempt(on: command.today) == true
        else { return [] }
        endExemption(of: citizen, by: "citizen", journal: nil, command.cause)
        return []
    }

    /// What both commands say; nil when nobody can be told to be the holder.
    private func readAccess(_ command: ModelCommand, _ citizen: Party, _ fields: inout ModelFields)
        -> ModelReadAccess?
    {
        let holder = fields.party("holder", admitsTestPersons: settings.admitsTestPersons)
        let journal = fields.freeText("journal", missing: nil)
        let caseworker = fields.freeText("caseworker", missing: nil)
        let validUntil = fields.day("validUntil", missing: nil)
        if holder == citizen { fields.fault("same-party", "holder") }
        return holder.map {
            ModelReadAccess(
                holder: $0, journal: journal, caseworker: caseworker, validUntil: validUntil, cause: command.cause)
        }
    }

    private mutating func tellBoth(_ kind: String, _ citizen: Party, _ holder: Party, _ cause: ModelCause) {
        tell(kind, citizen, about: nil, citizen: citizen, cause)
        tell(kind, holder, about: nil, citizen: citizen, cause)
    }
}

extension ModelCitizen {
    /// - Parameter evidence: what a withdrawal gives.
    mutating func endReadAccess(of holder: Party, _ command: ModelCommand, evidence: ModelReadAccess?) {
        for at in readAccesses.indices where readAccesses[at].holder == holder {
            guard readAccesses[at].covers(command.today) else { continue }
            readAccesses[at].ended = (command.cause, evidence?.journal, evidence?.caseworker)
        }
    }
}
