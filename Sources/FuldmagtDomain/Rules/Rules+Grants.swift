extension Draft {
    /// `grant.issue`: all packages or none.
    mutating func issue(_ issue: GrantIssue) {
        for grant in checked(issue, state: .active) { give(grant) }
    }

    /// `grant.request`: the representative asks; nothing is valid before the grantor has said yes (borger.dk).
    mutating func request(_ request: GrantIssue) {
        for var grant in checked(request, state: .requested) {
            let last = today.adding(days: circumstances.settings.requestDays)
            grant.lapsesOn = last
            grant.cause = cause
            grant.requestSource = cause.source
            if effects.rows.isEmpty { store(.due(last)) }
            store(.grant(grant, GrantEntry(at: now, cause: cause)))
            lines.append(Outcome.GrantLine(grant))
            notify(.grantRequested, grant: grant, cause: cause)
        }
    }

    /// The grants that a wish comes to; none when there is a reason against any of them.
    private mutating func checked(_ issue: GrantIssue, state: GrantState) -> [Grant] {
        let representative = issue.representative.map(circumstances.naming.identify)
        if let representative, representative == file.citizen { reject(.sameParty, "representative") }
        checkAlive(representative?.pseudonym, field: "representative")
        let found = (issue.packages ?? []).map { circumstances.catalogue.package($0) }
        checkAges(representative: issue.representative, packages: found)
        checkBeginning(issue.validFrom, channel: issue.channel, field: "validFrom")
        checkEnd(issue.validUntil, from: issue.validFrom, packages: found)
        for (at, id) in (issue.packages ?? []).enumerated() where !id.isEmpty {
            checkPackage(
                id, found[at], field: "packages[\(at)]", representative: representative?.pseudonym,
                isAskedFor: state == .requested)
            if state == .requested, let representative, isRequested(id, by: representative.pseudonym) {
                reject(.alreadyRequested, "packages[\(at)]")
            }
        }
        guard reasons.isEmpty, let representative, let validUntil = issue.validUntil, let channel = issue.channel else {
            return []
        }
        let reference = circumstances.naming.reference(to: representative)
        return found.enumerated().compactMap { at, package in
            guard let package else { return nil }
            var grant = Grant(
                id: circumstances.naming.id("grant", cause, file.citizen.pseudonym, .index(at)),
                ordinal: file.grants.count + at, representative: reference, terms: package.terms, state: state,
                version: 1, entry: 0, validFrom: issue.validFrom ?? today, validUntil: validUntil, channel: channel,
                evidence: issue.evidence.map { .told($0) }, request: state == .requested ? cause.id : nil)
            grant.end(on: validUntil, today: today)
            return grant
        }
    }

    mutating func give(_ given: Grant) {
        var grant = given
        grant.cause = cause
        store(.grant(grant, GrantEntry(at: now, cause: cause)))
        lines.append(Outcome.GrantLine(grant))
        notify(.grantGiven, grant: grant, cause: cause)
        tell(.given, grant, cause: cause)
    }

    /// The grantor must be 15, and so must the representative, unless the package says otherwise (borger.dk; for
    /// representatives our decision).
    mutating func checkAges(representative: Party?, packages: [Package?], field: String = "representative") {
        var minimumAge = -1
        for case .some(let package) in packages { minimumAge = max(minimumAge, package.minimumAge) }
        if case .person(let grantor) = file.citizen.party, minimumAge >= 0, grantor.age(on: today) < minimumAge {
            reject(.grantorTooYoung, "grantor")
        }
        checkAge(of: representative, packages: packages, field: field)
    }

    /// Only as far as the grantor's own file knows: else the grant is given, and ended by the representative's shard.
    mutating func checkAlive(_ representative: Ident?, field: String) {
        guard let representative else { return }
        if file.grants.contains(where: { $0.isHeld(by: representative) && $0.hasRepresentativeDied }) {
            reject(.representativeDead, field)
        }
    }

    mutating func checkAge(of representative: Party?, packages: [Package?], field: String) {
        var minimumAge = -1
        for case .some(let package) in packages { minimumAge = max(minimumAge, package.representativeMinimumAge) }
        if case .person(let representative)? = representative, minimumAge >= 0,
            representative.age(on: today) < minimumAge
        {
            reject(.representativeTooYoung, field)
        }
    }

    /// Only paper tells of what was agreed longer ago.
    mutating func checkBeginning(_ from: Day?, channel: Channel?, field: String) {
        if let from, let channel, channel != .paper, from < today.adding(days: -30) {
            reject(.invalidField, field, about: "30")
        }
    }

    /// A grant ends in the future, after it begins, and within the package's limit: a hundred years where it sets none.
    mutating func checkEnd(_ until: Day?, from: Day?, packages: [Package?], field: String = "validUntil") {
        guard let until else { return }
        if until < today { reject(.validityEnded, field) }
        if let from, until < from { reject(.invalidField, field) }
        let limit = packages.compactMap { $0?.maximumValidityDays }.min().map { today.adding(days: $0) }
        let last = min(limit ?? today.adding(years: 100), today.adding(years: 100))
        if until > last { reject(.validityTooLong, field, about: "≤ \(last)") }
    }

    /// - Parameter isAskedFor: the representative asks, who is never told where the grantor lives.
    mutating func checkPackage(
        _ id: String, _ package: Package?, field: String, representative: Ident?, isAskedFor: Bool = false
    ) {
        guard let package else {
            reject(.unknownPackage, field)
            return
        }
        if let retired = package.retired, retired <= today {
            reject(.packageRetired, field, about: package.successor.map { "→ \($0)" })
        } else if let switched = circumstances.catalogue.systemSwitch(of: id, on: today) {
            reject(.packageRetired, field, about: switched.successor.map { "→ \($0.id)" })
        }
        if package.scope == .municipal {
            if let residence = file.residence(on: today)?.municipality {
                if !circumstances.catalogue.isActive(id, in: residence, on: today) {
                    reasons.append(
                        isAskedFor
                            ? Reason(.packageNotActivated, field)
                            : Reason(.packageNotActivated, field, explained: inactivity(of: id, in: residence)))
                }
            } else {
                reject(.residenceUnknown, field)
            }
        }
        if let representative, isGranted(id, to: representative) { reject(.alreadyGranted, field) }
    }

    func isRequested(_ package: String, by representative: Ident) -> Bool {
        file.grants.contains {
            $0.isOpenRequest(on: today) && $0.isHeld(by: representative) && $0.terms.id == package
        }
    }

    /// Whether somebody has a living grant of a package, by whichever name a supplier switch left it.
    func isGranted(_ package: String, to representative: Ident) -> Bool {
        file.grants.contains {
            $0.isHeld(by: representative) && $0.isLiving(on: today) && isSame(package, as: $0.terms)
        }
    }

    func livingGrant(of package: String, to representative: Ident) -> Int? {
        file.grants.firstIndex {
            $0.isHeld(by: representative) && $0.terms.id == package && $0.isLiving(on: today)
        }
    }

    /// All living grants of a package to somebody, by whichever of their numbers, and by whichever of the package's names:
    /// who shows what they signed means what became of it in a supplier switch. Two files, or two numbers of one
    /// representative, that became one may each have brought a grant.
    private func livingGrants(of package: String, toAnyNumberOf representative: Ident) -> [Int] {
        let numbers = Set(file.grants.filter { $0.isHeld(by: representative) }.map(\.representative.pseudonym))
        return file.grants.indices.filter { at in
            let grant = file.grants[at]
            return (grant.formerPackages.contains(package) || isSame(package, as: grant.terms))
                && grant.isLiving(on: today)
                && (numbers.contains(grant.representative.pseudonym)
                    || grant.formerRepresentative.map(numbers.contains) ?? false)
        }
    }

    /// `grant.revoke`: by either party or the authority; it wins over anything in flight. The outcome is written by the
    /// representative's shard, after it has withdrawn what was not sent: contacting someone who is no longer a
    /// representative breaches confidentiality (ombudsmanden.dk).
    mutating func revoke(_ revoke: GrantRevoke, position: Position) {
        var ordinals: [Int] = []
        switch revoke.target {
        case nil: break
        case .grant(let id):
            guard let id, let ordinal = file.grants.firstIndex(where: { $0.id == id }) else {
                reject(.unknownGrant, "grant")
                break
            }
            if file.grants[ordinal].isLiving(on: today) {
                ordinals = [ordinal]
            } else {
                reject(.notActive, "grant")
            }
        case .named(let representative, let packages):
            guard let representative else { break }
            let pseudonym = circumstances.naming.identify(representative).pseudonym
            for (at, id) in (packages ?? []).enumerated() where !id.isEmpty {
                let living = livingGrants(of: id, toAnyNumberOf: pseudonym)
                if living.isEmpty { reject(.unknownGrant, "packages[\(at)]") }
                ordinals += living.filter { !ordinals.contains($0) }
            }
        }
        guard reasons.isEmpty else { return }
        for ordinal in ordinals {
            change(ordinal, to: .revoked, cause: cause, by: revoke.by?.rawValue, reason: revoke.reason)
        }
        leaveOutcomeToRepresentative(position: position)
    }
}
