extension Draft {
    /// The unanswered grants of a request, in the order asked for.
    ///
    /// Ids are unique for each source only, so an id may mean requests of several: then the answer's own source says
    /// which, and where it made none of them nothing is answered. That holds when all but one have been answered, too: an
    /// answer that is said twice is not for another's.
    private mutating func requested(_ answer: GrantAnswer) -> [Int] {
        guard let request = answer.request else { return [] }
        var ordinals = file.grants.indices.filter { file.grants[$0].request == request }
        if Set(ordinals.map { file.grants[$0].requestSource }).count > 1 {
            ordinals.removeAll { file.grants[$0].requestSource != cause.source }
        }
        ordinals.removeAll { !file.grants[$0].isOpenRequest(on: today) }
        if ordinals.isEmpty { reject(.unknownRequest, "request") }
        return ordinals
    }

    /// Places of grants by what was asked for together: the files of two numbers that became one may hold two requests of
    /// one source and id, and an answer answers both.
    private func sameRequest(_ ordinals: [Int]) -> [[Int]] {
        var requests: [[Int]] = []
        for (at, ordinal) in ordinals.enumerated() {
            let grant = file.grants[ordinal]
            let known = requests.firstIndex {
                let other = file.grants[ordinals[$0[0]]]
                return other.representative.pseudonym == grant.representative.pseudonym
                    && other.validFrom == grant.validFrom && other.validUntil == grant.validUntil
            }
            if let known { requests[known].append(at) } else { requests.append([at]) }
        }
        return requests
    }

    /// `grant.approve`: the grantor says yes, digitally or on signed paper handed in (aalborg.dk, assens.dk). Checked
    /// again as an issue is; a request whose check fails stays.
    mutating func approve(_ answer: GrantAnswer) {
        let ordinals = requested(answer)
        let found = ordinals.map { circumstances.catalogue.package(file.grants[$0].terms.id) }
        for request in sameRequest(ordinals) {
            let grant = file.grants[ordinals[request[0]]]
            let packages = request.map { found[$0] }
            checkAges(representative: circumstances.naming.open(grant.representative), packages: packages)
            checkAlive(grant.representative.pseudonym, field: "representative")
            checkEnd(grant.validUntil, from: grant.validFrom, packages: packages)
        }
        for (at, ordinal) in ordinals.enumerated() {
            let grant = file.grants[ordinal]
            checkPackage(
                grant.terms.id, found[at], field: "packages[\(at)]", representative: grant.representative.pseudonym)
        }
        guard reasons.isEmpty, let channel = answer.channel else {
            var said: Set<[String]> = []
            reasons.removeAll { !said.insert([$0.code.rawValue, $0.field ?? ""]).inserted }
            return
        }
        let today = today
        for ordinal in ordinals {
            let grant = change(ordinal, cause: cause) { grant in
                grant.state = .active
                grant.channel = channel
                grant.evidence = answer.evidence.map { .told($0) }
                // Nobody could have a right before the grantor agreed, but on paper that may have been earlier.
                if channel != .paper { grant.validFrom = max(grant.validFrom, today) }
                grant.end(on: grant.validUntil, today: today)
                grant.lapsesOn = nil
            }
            notify(.grantGiven, grant: grant, cause: cause)
            tell(.given, grant, cause: cause)
        }
    }

    /// `grant.decline`
    mutating func decline(_ answer: GrantAnswer) {
        let ordinals = requested(answer)
        guard reasons.isEmpty else { return }
        for ordinal in ordinals {
            let grant = change(ordinal, cause: cause, channel: answer.channel) { $0.state = .declined }
            tell(.declined, grant, cause: cause)
        }
    }

    /// A living grant in the version that the sender has seen.
    private mutating func seen(_ grant: SeenGrant?) -> Int? {
        guard let grant else { return nil }
        guard let id = grant.id, let ordinal = file.grants.firstIndex(where: { $0.id == id }) else {
            reject(.unknownGrant, "grant")
            return nil
        }
        if !file.grants[ordinal].isLiving(on: today) { reject(.notActive, "grant") }
        if let version = grant.version, version != file.grants[ordinal].version { reject(.versionMismatch, "version") }
        return ordinal
    }

    /// `grant.renew`: a later end. Dormant grants may be renewed too.
    mutating func renew(_ renew: GrantRenew) {
        guard let ordinal = seen(renew.grant) else {
            checkEnd(renew.validUntil, from: nil, packages: [])
            return
        }
        let grant = file.grants[ordinal]
        checkEnd(renew.validUntil, from: nil, packages: [circumstances.catalogue.package(grant.terms.id)])
        if let until = renew.validUntil, until < grant.validUntil { reject(.invalidField, "validUntil") }
        guard reasons.isEmpty, let until = renew.validUntil else { return }
        let today = today
        let renewed = change(ordinal, cause: cause) { grant in
            grant.version += 1
            grant.end(on: until, today: today)
        }
        notify(.grantRenewed, grant: renewed, cause: cause)
        tell(.renewed, renewed, cause: cause)
    }

    /// `grant.correct`: a registration was wrong. Another representative is a revocation and an issue in one, checked as
    /// both are: nobody is given what could not be given to them, nor from before it was, but on paper.
    mutating func correct(_ correct: GrantCorrect, position: Position) {
        let representative = correct.representative.map(circumstances.naming.identify)
        if let representative {
            if representative == file.citizen { reject(.sameParty, "changes.representative") }
            checkAlive(representative.pseudonym, field: "changes.representative")
        }
        guard let ordinal = seen(correct.grant) else {
            checkEnd(correct.validUntil, from: correct.validFrom, packages: [], field: "changes.validUntil")
            return
        }
        let grant = file.grants[ordinal]
        let package = circumstances.catalogue.package(grant.terms.id)
        let from = correct.validFrom ?? grant.validFrom
        let until = correct.validUntil ?? grant.validUntil
        // Somebody else is given what an issue could give today: an end that stays is checked, too.
        let end = representative == nil || correct.hasUnreadableEnd ? correct.validUntil : until
        checkEnd(end, from: nil, packages: [package], field: "changes.validUntil")
        checkBeginning(correct.validFrom, channel: grant.channel, field: "changes.validFrom")
        if until < from, !correct.hasUnreadableDate {
            reject(.invalidField, correct.validUntil == nil ? "changes.validFrom" : "changes.validUntil")
        }
        if let representative {
            checkPackage(grant.terms.id, package, field: "grant", representative: nil)
            checkAges(representative: representative.party, packages: [package], field: "changes.representative")
            if isGranted(grant.terms.id, to: representative.pseudonym) {
                reject(.alreadyGranted, "changes.representative")
            }
        }
        guard reasons.isEmpty else { return }
        let today = today
        guard let representative else {
            let corrected = change(ordinal, cause: cause, reason: correct.journal) { grant in
                grant.version += 1
                grant.validFrom = from
                if until != grant.validUntil { grant.end(on: until, today: today) }
            }
            notify(.grantCorrected, grant: corrected, cause: cause)
            tell(.corrected, corrected, cause: cause)
            return
        }
        change(ordinal, to: .revoked, cause: cause, reason: correct.journal)
        let isBackdated = correct.validFrom != nil || grant.channel == .paper
        var given = Grant(
            id: circumstances.naming.id("grant", cause, file.citizen.pseudonym, .index(0)),
            ordinal: file.grants.count,
            representative: circumstances.naming.reference(to: representative), terms: grant.terms,
            state: .active, version: 1, entry: 0, validFrom: isBackdated ? from : max(from, today), validUntil: until,
            channel: grant.channel, evidence: grant.evidence)
        given.end(on: until, today: today)
        give(given)
        leaveOutcomeToRepresentative(position: position)
    }
}
