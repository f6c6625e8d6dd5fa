extension Draft {
    /// `grant.issue`: all packages or none.
    mutating func issue(_ issue: GrantIssue) {
        let representative = issue.representative.map(circumstances.naming.identify)
        if let representative, representative == file.citizen { reject(.sameParty, "representative") }
        let found = (issue.packages ?? []).map { circumstances.catalogue.package($0) }
        checkAges(issue, packages: found)
        checkDates(issue, packages: found)
        for (at, id) in (issue.packages ?? []).enumerated() where !id.isEmpty {
            checkPackage(id, found[at], field: "packages[\(at)]", representative: representative)
        }
        guard reasons.isEmpty, let representative, let ids = issue.packages, let validUntil = issue.validUntil,
            let channel = issue.channel
        else { return }
        for at in ids.indices {
            guard let package = found[at] else { continue }
            give(
                Grant(
                    id: circumstances.naming.id("grant", cause, file.citizen.pseudonym, .index(at)),
                    ordinal: file.grants.count,
                    representative: PartyReference(
                        pseudonym: representative.pseudonym, sealed: circumstances.naming.seal(representative),
                        shard: representative.shard),
                    terms: package.terms, state: .active, version: 1, entry: 0, validFrom: issue.validFrom ?? today,
                    validUntil: validUntil, channel: channel, evidence: issue.evidence))
        }
    }

    private mutating func give(_ grant: Grant) {
        store(.grant(grant, GrantEntry(at: now, cause: cause)))
        lines.append(Outcome.GrantLine(grant))
        notify(.grantGiven, grant: grant, cause: cause)
        tell(.given, grant, cause: cause)
    }

    /// The grantor must be 15, and so must the representative, unless the package says otherwise (borger.dk; for
    /// representatives our decision).
    private mutating func checkAges(_ issue: GrantIssue, packages: [Package?]) {
        let packages = packages.compactMap { $0 }
        if case .person(let grantor) = file.citizen.party, let age = packages.map(\.minimumAge).max(),
            grantor.age(on: today) < age
        {
            reject(.grantorTooYoung, "grantor")
        }
        if case .person(let representative)? = issue.representative,
            let age = packages.map(\.representativeMinimumAge).max(), representative.age(on: today) < age
        {
            reject(.representativeTooYoung, "representative")
        }
    }

    private mutating func checkDates(_ issue: GrantIssue, packages: [Package?]) {
        if let from = issue.validFrom, let channel = issue.channel, channel != .paper, from < today.adding(days: -30) {
            reject(.invalidField, "validFrom", about: "30")
        }
        guard let until = issue.validUntil else { return }
        if until < today { reject(.validityEnded, "validUntil") }
        if let from = issue.validFrom, until < from { reject(.invalidField, "validUntil") }
        let limit = packages.compactMap { $0?.maximumValidityDays }.min().map { today.adding(days: $0) }
        let last = min(limit ?? today.adding(years: 100), today.adding(years: 100))
        if until > last { reject(.validityTooLong, "validUntil", about: "≤ \(last)") }
    }

    private mutating func checkPackage(_ id: String, _ package: Package?, field: String, representative: Identity?) {
        guard let package else {
            reject(.unknownPackage, field)
            return
        }
        if let retired = package.retired, retired <= today { reject(.packageRetired, field) }
        if package.scope == .municipal {
            if let residence = file.residence(on: today) {
                if !circumstances.catalogue.isActive(id, in: residence.municipality, on: today) {
                    reject(.packageNotActivated, field, about: residence.municipality.name)
                }
            } else {
                reject(.residenceUnknown, field)
            }
        }
        if let representative, livingGrant(of: id, to: representative.pseudonym) != nil {
            reject(.alreadyGranted, field)
        }
    }

    private func livingGrant(of package: String, to representative: Ident) -> Int? {
        file.grants.firstIndex {
            $0.representative.pseudonym == representative && $0.terms.id == package && $0.isLiving(on: today)
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
                if let ordinal = livingGrant(of: id, to: pseudonym) {
                    ordinals.append(ordinal)
                } else {
                    reject(.unknownGrant, "packages[\(at)]")
                }
            }
        }
        guard reasons.isEmpty else { return }
        for ordinal in ordinals {
            change(ordinal, to: .revoked, cause: cause, by: revoke.by?.rawValue, reason: revoke.reason)
        }
        leaveOutcomeToRepresentative(position: position)
    }
}
