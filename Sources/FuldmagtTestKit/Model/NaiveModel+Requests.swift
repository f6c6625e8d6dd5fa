import FuldmagtDomain

extension NaiveModel {
    /// `grant.request`: what a representative asks for, all the packages or none of them.
    mutating func request(_ command: ModelCommand, grantor: Party, _ fields: inout ModelFields) -> [ExpectedGrant] {
        let today = command.today
        let representative = fields.party("representative", admitsTestPersons: settings.admitsTestPersons)
        let named = fields.packages()
        let validFrom = fields.day("validFrom", missing: nil)
        let validUntil = fields.day("validUntil")
        if representative == grantor { fields.fault("same-party", "representative") }
        checkAlive(representative, "representative", grantor, &fields)
        checkDates(validFrom, validUntil, "digital", &fields)
        let given = citizens[grantor]?.grants ?? []
        for (index, id) in named {
            checkPackage(id, "packages[\(index)]", from: grantor, to: representative, until: validUntil, &fields)
            let isAsked = given.contains {
                $0.isAsked(on: today) && $0.representative == representative && $0.package == id
            }
            if isAsked { fields.fault("already-requested", "packages[\(index)]") }
        }
        guard fields.reasons.isEmpty, let representative, let validUntil else { return [] }
        return named.map { index, id in
            var grant = grant(
                command, index, id, from: grantor, to: representative, dates: (validFrom ?? today, validUntil))
            grant.request = command.cause.id
            grant.lapsesOn = today.adding(days: settings.requestDays)
            grant.enter("requested", command.cause)
            change(grantor) {
                $0.grants.append(grant)
                $0.due.formUnion([grant.lapsesOn].compactMap(\.self))
            }
            tell("grant-requested", grantor, about: grant, citizen: grantor, command.cause)
            return grant.expected
        }
    }

    /// `grant.approve`: checked again as an issue would be; the request stays when it fails.
    mutating func approve(_ command: ModelCommand, grantor: Party, _ fields: inout ModelFields) -> [ExpectedGrant] {
        let asked = requested(command, grantor, &fields)
        let channel = fields.oneOf("channel", ["digital", "paper", "assisted"])
        checkEvidence(channel, &fields)
        let given = citizens[grantor]?.grants ?? []
        for (index, grant) in asked.map({ given[$0] }).enumerated() {
            checkEnd(grant.validUntil, &fields)
            checkAlive(grant.representative, "representative", grantor, &fields)
            checkPackage(
                grant.package, "packages[\(index)]", from: grantor, to: grant.representative, until: grant.validUntil,
                &fields)
        }
        guard fields.reasons.isEmpty, let channel else { return [] }
        return asked.map { at in
            var grant = given[at]
            if channel != "paper" { grant.validFrom = max(grant.validFrom, command.today) }
            grant.setEvidence(channel, command.data["evidence"])
            grant.isReminded = grant.isNearEnd(on: command.today)
            grant.enter("active", command.cause)
            change(grantor) { $0.grants[at] = grant }
            tellGiven(grant, command.cause)
            return grant.expected
        }
    }

    /// `grant.decline`: only the representative is told.
    mutating func decline(_ command: ModelCommand, grantor: Party, _ fields: inout ModelFields) -> [ExpectedGrant] {
        let asked = requested(command, grantor, &fields)
        let channel = fields.oneOf("channel", ["digital", "paper", "assisted"])
        guard fields.reasons.isEmpty else { return [] }
        return asked.map { at in
            change(grantor) { $0.grants[at].enter("declined", command.cause, channel: channel) }
            let grant = citizens[grantor, default: ModelCitizen()].grants[at]
            tell("grant-declined", grant.representative, about: grant, citizen: grantor, command.cause)
            return grant.expected
        }
    }

    /// Where the grants are that `request` asked for and nobody has answered: where several sources have ever asked under
    /// one id, only those of the source that answers.
    private func requested(_ command: ModelCommand, _ grantor: Party, _ fields: inout ModelFields) -> [Int] {
        guard let id = fields.text("request") else { return [] }
        let given = citizens[grantor]?.grants ?? []
        var asked = given.indices.filter { given[$0].request == id }
        if Set(asked.map { given[$0].history[0].cause.source }).count > 1 {
            asked = asked.filter { given[$0].history[0].cause.source == command.cause.source }
        }
        asked = asked.filter { given[$0].isAsked(on: fields.today) }
        if asked.isEmpty { fields.fault("unknown-request", "request") }
        return asked
    }

    /// `grant.renew`: never to an earlier day.
    mutating func renew(_ command: ModelCommand, grantor: Party, _ fields: inout ModelFields) -> [ExpectedGrant] {
        let at = seen(grantor, &fields)
        let validUntil = fields.day("validUntil")
        if let validUntil, validUntil < command.today { fields.fault("validity-ended", "validUntil") }
        if let at, let validUntil, let grant = citizens[grantor]?.grants[at] {
            if validUntil < grant.validUntil { fields.fault("invalid-field", "validUntil") }
            checkLength(of: grant, until: validUntil, "validUntil", &fields)
        } else if let validUntil, validUntil > command.today.adding(years: 100) {
            fields.fault("validity-too-long", "validUntil")
        }
        guard fields.reasons.isEmpty, let at, let validUntil else { return [] }
        return [
            amend(grantor, at, "grant-renewed", command.cause) {
                $0.validUntil = validUntil
                $0.isReminded = $0.isNearEnd(on: command.today)
            }
        ]
    }

    /// `grant.correct`: other dates, or another representative, which is a revocation and a new grant.
    mutating func correct(_ command: ModelCommand, grantor: Party, _ fields: inout ModelFields) -> [ExpectedGrant] {
        let at = seen(grantor, &fields)
        let journal = fields.freeText("journal", missing: "journal-missing")
        let changes = fields.field("changes", missing: "missing-field") { $0.isObject ? $0 : nil }
        let names = ["changes.validFrom", "changes.validUntil", "changes.representative"]
        if changes != nil, names.allSatisfy({ fields.value($0) == nil }) { fields.fault("missing-field", "changes") }
        let validFrom = fields.day("changes.validFrom", missing: nil)
        let validUntil = fields.day("changes.validUntil", missing: nil)
        let representative = fields.party(
            "changes.representative", isRequired: false, admitsTestPersons: settings.admitsTestPersons)
        if let validUntil, validUntil < command.today { fields.fault("validity-ended", "changes.validUntil") }
        if representative == grantor { fields.fault("same-party", "changes.representative") }
        checkAlive(representative, "changes.representative", grantor, &fields)
        if representative != nil, citizens[grantor]?.isDead(on: command.today) == true {
            fields.fault("grantor-dead", "grantor")
        }
        if let validFrom, let validUntil, validUntil < validFrom {
            fields.fault("invalid-field", "changes.validUntil")
        }
        guard let at, let grant = citizens[grantor]?.grants[at] else {
            if let validUntil, validUntil > command.today.adding(years: 100) {
                fields.fault("validity-too-long", "changes.validUntil")
            }
            return []
        }
        checkDates(of: grant, from: validFrom, until: validUntil, &fields)
        if let validFrom, grant.channel != "paper", validFrom.adding(days: 30) < command.today {
            fields.fault("invalid-field", "changes.validFrom")
        }
        if let representative { checkRepresentative(representative, of: grant, &fields) }
        guard fields.reasons.isEmpty else { return [] }

        var dates = (from: validFrom ?? grant.validFrom, until: validUntil ?? grant.validUntil)
        guard let representative else {
            return [
                amend(grantor, at, "grant-corrected", command.cause, reason: journal) {
                    ($0.validFrom, $0.validUntil) = dates
                    if dates.until != grant.validUntil { $0.isReminded = $0.isNearEnd(on: command.today) }
                }
            ]
        }
        // An issue's default: the day of the command.
        if validFrom == nil, grant.channel != "paper" { dates.from = max(dates.from, command.today) }
        var anew = self.grant(command, 0, grant.package, from: grantor, to: representative, dates: dates)
        (anew.packageVersion, anew.kind, anew.channel) = (grant.packageVersion, grant.kind, grant.channel)
        (anew.journal, anew.caseworker, anew.identification) = (grant.journal, grant.caseworker, grant.identification)
        anew.enter("active", command.cause)
        let revoked = turn(grantor, at, to: "revoked", command.cause, reason: journal)
        change(grantor) { $0.grants.append(anew) }
        tellGiven(anew, command.cause)
        return [revoked.expected, anew.expected]
    }

    /// The place of the living grant that `grant` and `version` name.
    private func seen(_ grantor: Party, _ fields: inout ModelFields) -> Int? {
        let given = citizens[grantor]?.grants ?? []
        let at = fields.grant(among: given)
        let version = fields.whole("version", atLeast: 1, missing: "missing-field")
        guard let at else { return nil }
        if !given[at].isLiving(on: fields.today) { fields.fault("not-active", "grant") }
        if let version, version != given[at].version { fields.fault("version-mismatch", "version") }
        return at
    }

    private func checkLength(of grant: ModelGrant, until end: Day, _ field: String, _ fields: inout ModelFields) {
        let longest = packages[grant.package]?.maxValidityDays.map { end > fields.today.adding(days: $0) }
        if end > fields.today.adding(years: 100) || longest == true { fields.fault("validity-too-long", field) }
    }

    /// The dates as they will be; a changed one that cannot be read says nothing about the other.
    private func checkDates(
        of grant: ModelGrant, from validFrom: Day?, until validUntil: Day?, _ fields: inout ModelFields
    ) {
        let hasFrom = fields.value("changes.validFrom") != nil
        let hasUntil = fields.value("changes.validUntil") != nil
        if let from = hasFrom ? validFrom : grant.validFrom, let until = hasUntil ? validUntil : grant.validUntil,
            until < from
        {
            fields.fault("invalid-field", hasUntil ? "changes.validUntil" : "changes.validFrom")
        }
        if let validUntil { checkLength(of: grant, until: validUntil, "changes.validUntil", &fields) }
    }

    /// Whoever is to have it instead is given it anew.
    private func checkRepresentative(_ representative: Party, of grant: ModelGrant, _ fields: inout ModelFields) {
        let today = fields.today
        if let package = packages[grant.package] {
            checkOffer(grant.package, package, "grant", from: grant.grantor, &fields)
            if case .person(let cpr) = grant.grantor, cpr.age(on: today) < package.minimumAge {
                fields.fault("grantor-too-young", "grantor")
            }
            if case .person(let cpr) = representative, cpr.age(on: today) < package.representativeMinimumAge {
                fields.fault("representative-too-young", "changes.representative")
            }
        } else {
            fields.fault("unknown-package", "grant")
        }
        // An end that stays is one that is given anew.
        if fields.value("changes.validUntil") == nil {
            if grant.validUntil < today { fields.fault("validity-ended", "changes.validUntil") }
            checkLength(of: grant, until: grant.validUntil, "changes.validUntil", &fields)
        }
        if hasLiving(grant.package, from: grant.grantor, to: representative, on: today) {
            fields.fault("already-granted", "changes.representative")
        }
    }

    /// Gives a grant another version and tells both parties.
    private mutating func amend(
        _ grantor: Party, _ at: Int, _ kind: String, _ cause: ModelCause, reason: String? = nil,
        _ body: (inout ModelGrant) -> Void
    ) -> ExpectedGrant {
        change(grantor) {
            body(&$0.grants[at])
            $0.grants[at].version += 1
            $0.grants[at].enter($0.grants[at].state, cause, reason: reason)
        }
        let grant = citizens[grantor, default: ModelCitizen()].grants[at]
        tell(kind, grantor, about: grant, citizen: grantor, cause)
        tell(kind, grant.representative, about: grant, citizen: grantor, cause)
        return grant.expected
    }
}
