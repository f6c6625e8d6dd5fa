import FuldmagtDomain

extension NaiveModel {
    /// `grant.issue`: all the packages or none of them.
    mutating func issue(_ command: ModelCommand, grantor: Party, _ fields: inout ModelFields) -> [ExpectedGrant] {
        let today = command.today
        let representative = fields.representative(missing: true, admitsTestPersons: settings.admitsTestPersons)
        let named = fields.packages()
        let validFrom = fields.day("validFrom", missing: nil)
        let validUntil = fields.day("validUntil")
        let channel = fields.oneOf("channel", ["digital", "paper", "assisted"])
        if channel == "paper" || channel == "assisted" { checkEvidence(channel, &fields) }

        if representative == grantor { fields.fault("same-party", "representative") }
        checkDates(validFrom, validUntil, channel, &fields)
        for (index, id) in named {
            guard let package = packages[id] else {
                fields.fault("unknown-package", "packages[\(index)]")
                continue
            }
            checkPackage(package, id, "packages[\(index)]", grantor, &fields)
            if case .person(let cpr) = grantor, cpr.age(on: today) < package.minimumAge {
                fields.fault("grantor-too-young", "grantor")
            }
            if case .person(let cpr) = representative, cpr.age(on: today) < package.representativeMinimumAge {
                fields.fault("representative-too-young", "representative")
            }
            if let validUntil, let days = package.maxValidityDays, validUntil > today.adding(days: days) {
                fields.fault("validity-too-long", "validUntil")
            }
            let given = citizens[grantor]?.grants ?? []
            if given.contains(where: {
                $0.representative == representative && $0.package == id && $0.isLiving(on: today)
            }) {
                fields.fault("already-granted", "packages[\(index)]")
            }
        }
        guard fields.reasons.isEmpty, let representative, let validUntil, let channel else { return [] }

        var listed: [ExpectedGrant] = []
        for (index, id) in named {
            guard let package = packages[id] else { continue }
            let grant = ModelGrant(
                id: keys.id(
                    "grant", source: command.cause.source, id: command.cause.id,
                    citizen: keys.pseudonym(of: grantor), ordinal: String(index)),
                grantor: grantor, representative: representative, package: id, packageVersion: package.version,
                kind: package.kind, validFrom: validFrom ?? today, validUntil: validUntil, channel: channel,
                journal: fields.value("evidence.journal")?.text, caseworker: fields.value("evidence.caseworker")?.text,
                identification: fields.value("evidence.identification")?.text,
                history: [ModelGrant.Entry(state: "active", cause: command.cause)])
            change(grantor) { $0.grants.append(grant) }
            tell("grant-given", grantor, about: grant, citizen: grantor, command.cause)
            tell("grant-received", representative, about: grant, citizen: grantor, command.cause)
            listed.append(grant.expected)
        }
        return listed
    }

    private func checkEvidence(_ channel: String?, _ fields: inout ModelFields) {
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

    private func checkDates(_ validFrom: Day?, _ validUntil: Day?, _ channel: String?, _ fields: inout ModelFields) {
        let today = fields.today
        if let validUntil {
            if validUntil < today { fields.fault("validity-ended", "validUntil") }
            if validUntil > today.adding(years: 100) { fields.fault("validity-too-long", "validUntil") }
            if let validFrom, validFrom > validUntil { fields.fault("invalid-field", "validUntil") }
        }
        if let validFrom, let channel, channel != "paper", validFrom < today.adding(days: -30) {
            fields.fault("invalid-field", "validFrom")
        }
    }

    private func checkPackage(
        _ package: ModelPackage, _ id: String, _ field: String, _ grantor: Party, _ fields: inout ModelFields
    ) {
        if let retired = package.retired, retired <= fields.today { fields.fault("package-retired", field) }
        guard package.scope == "municipal" else { return }
        if let residence = citizens[grantor]?.currentMove(on: fields.today)?.municipality {
            if !isOffered(id, in: residence, on: fields.today) { fields.fault("package-not-activated", field) }
        } else {
            fields.fault("residence-unknown", field)
        }
    }

    /// `grant.revoke`: by id, or by representative and packages.
    mutating func revoke(_ command: ModelCommand, grantor: Party, _ fields: inout ModelFields) -> [ExpectedGrant] {
        let given = citizens[grantor]?.grants ?? []
        let by = fields.oneOf("by", ["grantor", "representative", "authority"])
        let reason = fields.text("reason", missing: nil)
        var revoked: [Int] = []
        if fields.value("grant") != nil {
            if let text = fields.field("grant", missing: nil, { $0.text }) {
                let at = given.firstIndex { $0.id.uuidText == text.lowercased() }
                if let at, given[at].isLiving(on: command.today) {
                    revoked = [at]
                } else {
                    fields.fault(at == nil ? "unknown-grant" : "not-active", "grant")
                }
            }
        } else if fields.value("representative") == nil, fields.value("packages") == nil {
            fields.fault("missing-field", "grant")
        } else {
            let representative = fields.representative(missing: true, admitsTestPersons: settings.admitsTestPersons)
            for (index, id) in fields.packages() {
                guard let representative else { break }
                let at = given.firstIndex {
                    $0.representative == representative && $0.package == id && $0.isLiving(on: command.today)
                }
                if let at { revoked.append(at) } else { fields.fault("unknown-grant", "packages[\(index)]") }
            }
        }
        guard fields.reasons.isEmpty else { return [] }
        return revoked.map { at in
            turn(grantor, at, to: "revoked", command.cause, by: by, reason: reason).expected
        }
    }

    /// Gives a grant another state and tells both parties.
    mutating func turn(
        _ grantor: Party, _ at: Int, to state: String, _ cause: ModelCause, by: String? = nil, reason: String? = nil
    ) -> ModelGrant {
        change(grantor) {
            $0.grants[at].history.append(ModelGrant.Entry(state: state, cause: cause, by: by, reason: reason))
        }
        let grant = citizens[grantor, default: ModelCitizen()].grants[at]
        let kind =
            switch state {
            case "revoked": "grant-revoked"
            case "dormant": "grant-dormant"
            default: "grant-awake"
            }
        if state == "revoked" { cancelAll(about: grant, cause) }
        tell(kind, grantor, about: grant, citizen: grantor, cause)
        tell(kind, grant.representative, about: grant, citizen: grantor, cause)
        return grant
    }
}
