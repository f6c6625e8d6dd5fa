import FuldmagtDomain

extension NaiveModel {
    /// `grant.issue`: all the packages or none of them.
    mutating func issue(_ command: ModelCommand, grantor: Party, _ fields: inout ModelFields) -> [ExpectedGrant] {
        let today = command.today
        let representative = fields.party("representative", admitsTestPersons: settings.admitsTestPersons)
        let named = fields.packages()
        let validFrom = fields.day("validFrom", missing: nil)
        let validUntil = fields.day("validUntil")
        let channel = fields.oneOf("channel", ["digital", "paper", "assisted"])
        checkEvidence(channel, &fields)

        if representative == grantor { fields.fault("same-party", "representative") }
        checkAlive(representative, "representative", grantor, &fields)
        checkDates(validFrom, validUntil, channel, &fields)
        for (index, id) in named {
            checkPackage(id, "packages[\(index)]", from: grantor, to: representative, until: validUntil, &fields)
        }
        guard fields.reasons.isEmpty, let representative, let validUntil, let channel else { return [] }
        return named.map { index, id in
            var grant = grant(
                command, index, id, from: grantor, to: representative, dates: (validFrom ?? today, validUntil))
            grant.setEvidence(channel, fields.data["evidence"])
            grant.enter("active", command.cause)
            change(grantor) { $0.grants.append(grant) }
            tellGiven(grant, command.cause)
            return grant.expected
        }
    }

    /// A grant that a command gives or asks for, by the package's present terms; nothing has happened to it yet.
    func grant(
        _ command: ModelCommand, _ index: Int, _ id: String, from grantor: Party, to representative: Party,
        dates: (from: Day, until: Day)
    ) -> ModelGrant {
        var grant = ModelGrant(
            id: keys.id(
                "grant", source: command.cause.source, id: command.cause.id, citizen: keys.pseudonym(of: grantor),
                ordinal: String(index)),
            grantor: grantor, representative: representative, package: id, packageVersion: packages[id]?.version ?? 0,
            kind: packages[id]?.kind ?? "", scope: packages[id]?.scope ?? "", validFrom: dates.from,
            validUntil: dates.until, channel: "digital")
        grant.isReminded = grant.isNearEnd(on: command.today)
        return grant
    }

    /// Tells both parties that a grant is given. One to a dead representative ends as soon as their shard hears of it.
    mutating func tellGiven(_ grant: ModelGrant, _ cause: ModelCause) {
        tell("grant-given", grant.grantor, about: grant, citizen: grant.grantor, cause)
        tell("grant-received", grant.representative, about: grant, citizen: grant.grantor, cause)
        if citizens[grant.representative]?.isDead(on: present(cause.day)) == true {
            endReceived(grant, citizen: grant.grantor, cause)
        }
    }

    /// Only what the grantor's shard was told counts.
    func checkAlive(_ representative: Party?, _ field: String, _ grantor: Party, _ fields: inout ModelFields) {
        guard let representative, citizens[grantor]?.knownDead.contains(representative) == true else { return }
        fields.fault("representative-dead", field)
    }

    func checkEvidence(_ channel: String?, _ fields: inout ModelFields) {
        guard channel == "paper" || channel == "assisted" else { return }
        _ = fields.text("evidence.journal", missing: "journal-missing")
        _ = fields.text("evidence.caseworker", missing: "evidence-missing")
        _ = fields.oneOf(
            "evidence.identification", ["passport", "driving-licence", "mitid", "known-to-authority", "other"],
            missing: "evidence-missing")
        guard channel == "assisted" else { return }
        _ = fields.text("evidence.assessment.possibilities", missing: "assessment-missing")
        _ = fields.text("evidence.assessment.consequences", missing: "assessment-missing")
        _ = fields.bool("evidence.assessment.citizenPresent", missing: "assessment-missing")
        _ = fields.day("evidence.assessment.decidedOn", missing: "assessment-missing")
    }

    func checkDates(_ validFrom: Day?, _ validUntil: Day?, _ channel: String?, _ fields: inout ModelFields) {
        checkEnd(validUntil, &fields)
        if let validUntil, let validFrom, validFrom > validUntil { fields.fault("invalid-field", "validUntil") }
        if let validFrom, let channel, channel != "paper", validFrom < fields.today.adding(days: -30) {
            fields.fault("invalid-field", "validFrom")
        }
    }

    func checkEnd(_ validUntil: Day?, _ fields: inout ModelFields) {
        guard let validUntil else { return }
        if validUntil < fields.today { fields.fault("validity-ended", "validUntil") }
        if validUntil > fields.today.adding(years: 100) { fields.fault("validity-too-long", "validUntil") }
    }

    /// Whether a package can be given today.
    func checkPackage(
        _ id: String, _ field: String, from grantor: Party, to representative: Party?, until validUntil: Day?,
        _ fields: inout ModelFields
    ) {
        let today = fields.today
        guard let package = packages[id] else {
            fields.fault("unknown-package", field)
            return
        }
        checkOffer(id, package, field, from: grantor, &fields)
        if case .person(let cpr) = grantor, cpr.age(on: today) < package.minimumAge {
            fields.fault("grantor-too-young", "grantor")
        }
        if case .person(let cpr) = representative, cpr.age(on: today) < package.representativeMinimumAge {
            fields.fault("representative-too-young", "representative")
        }
        if let validUntil, let days = package.maxValidityDays, validUntil > today.adding(days: days) {
            fields.fault("validity-too-long", "validUntil")
        }
        if hasLiving(id, from: grantor, to: representative, on: today) { fields.fault("already-granted", field) }
    }

    /// Whether it can be given where the grantor lives, or at all.
    func checkOffer(
        _ id: String, _ package: ModelPackage, _ field: String, from grantor: Party, _ fields: inout ModelFields
    ) {
        let today = fields.today
        if let retired = package.retired, retired <= today { fields.fault("package-retired", field) }
        guard package.scope == "municipal" else { return }
        if let residence = citizens[grantor]?.currentMove(on: today)?.municipality {
            if !isOffered(id, in: residence, on: today) { fields.fault("package-not-activated", field) }
        } else {
            fields.fault("residence-unknown", field)
        }
    }

    func hasLiving(_ package: String, from grantor: Party, to representative: Party?, on day: Day) -> Bool {
        (citizens[grantor]?.grants ?? []).contains {
            $0.representative == representative && $0.package == package && $0.isLiving(on: day)
        }
    }

    /// `grant.revoke`: by id, or by representative and packages.
    mutating func revoke(_ command: ModelCommand, grantor: Party, _ fields: inout ModelFields) -> [ExpectedGrant] {
        let given = citizens[grantor]?.grants ?? []
        let by = fields.oneOf("by", ["grantor", "representative", "authority"])
        let reason = fields.freeText("reason", missing: nil)
        var revoked: [Int] = []
        if fields.value("grant") != nil {
            if let at = fields.grant(among: given) {
                revoked = [at]
                if !given[at].isLiving(on: command.today) { fields.fault("not-active", "grant") }
            }
        } else if fields.value("representative") == nil, fields.value("packages") == nil {
            fields.fault("missing-field", "grant")
        } else {
            let representative = fields.party("representative", admitsTestPersons: settings.admitsTestPersons)
            for (index, id) in fields.packages() {
                guard let representative else { break }
                let all = given.indices.filter {
                    given[$0].representative == representative && given[$0].package == id
                        && given[$0].isLiving(on: command.today)
                }
                if all.isEmpty { fields.fault("unknown-grant", "packages[\(index)]") }
                revoked += all
            }
        }
        guard fields.reasons.isEmpty else { return [] }
        return revoked.map { at in
            turn(grantor, at, to: "revoked", command.cause, by: by, reason: reason).expected
        }
    }

    /// Gives a grant another state and tells both parties.
    /// - Parameter citizen: whose command it was; the grantor's unless given.
    mutating func turn(
        _ grantor: Party, _ at: Int, to state: String, _ cause: ModelCause, citizen: Party? = nil, by: String? = nil,
        reason: String? = nil
    ) -> ModelGrant {
        change(grantor) { $0.grants[at].enter(state, cause, by: by, reason: reason) }
        let grant = citizens[grantor, default: ModelCitizen()].grants[at]
        let kind =
            switch state {
            case "revoked": "grant-revoked"
            case "ended": "grant-ended"
            case "dormant": "grant-dormant"
            default: "grant-awake"
            }
        if ["revoked", "ended"].contains(state) { cancelAll(about: grant, citizen: citizen ?? grantor, cause) }
        tell(kind, grantor, about: grant, citizen: citizen ?? grantor, cause)
        tell(kind, grant.representative, about: grant, citizen: citizen ?? grantor, cause)
        return grant
    }
}

extension ModelGrant {
    /// How it was given, and on what evidence.
    mutating func setEvidence(_ channel: String, _ evidence: ModelJSON?) {
        self.channel = channel
        journal = evidence?["journal"]?.text.map(ModelFields.masked)
        caseworker = evidence?["caseworker"]?.text.map(ModelFields.masked)
        identification = evidence?["identification"]?.text
    }
}
