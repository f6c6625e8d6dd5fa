extension Draft {
    /// Grants bound to an it-system that was replaced go on as the successor that the switch names, or end with an
    /// explanation to both parties (DOMAIN.md, packages: our decision). The id stays, and so does the end date. Of several
    /// switches that are seen at once only the last is told.
    /// - Parameter isDayTurn: a timer looked, not a change of the catalogue: its time counts.
    mutating func followSystems(isDayTurn: Bool) {
        for ordinal in file.grants.indices {
            let grant = file.grants[ordinal]
            guard grant.terms.scope == .itSystem, grant.isLiving(on: today),
                let switched = circumstances.catalogue.lastSwitch(of: grant.terms.id, on: today)
            else { continue }
            if !isDayTurn { now = switched.at }
            if let successor = switched.successor,
                livingGrant(of: successor.id, to: grant.representative.pseudonym) == nil
            {
                let grant = change(ordinal, cause: switched.cause) {
                    $0.formerPackages.append(grant.terms.id)
                    $0.terms = successor.terms
                }
                notify(.grantCorrected, grant: grant, cause: switched.cause)
                tell(.corrected, grant, cause: switched.cause)
            } else {
                let grant = change(ordinal, cause: switched.cause) { $0.state = .ended }
                cancelNotifications(about: grant.id, cause: switched.cause)
                notify(.grantEnded, grant: grant, cause: switched.cause, because: .systemReplaced)
                tell(.discontinued, grant, cause: switched.cause)
            }
        }
    }

    /// Whether a package is another's name before or after supplier switches: the one that a grant has been given, or is
    /// about to be given when its citizen is looked at.
    func isSame(_ package: String, as terms: PackageTerms) -> Bool {
        if terms.id == package { return true }
        guard terms.scope == .itSystem else { return false }
        let catalogue = circumstances.catalogue
        return catalogue.names(of: package, on: today).contains(terms.id)
            || catalogue.names(of: terms.id, on: today).contains(package)
    }

    /// Why a package cannot be given where the citizen lives: which municipality, since when, and whom to ask.
    func inactivity(of package: String, in municipality: Municipality) -> Bilingual {
        let (since, until) = circumstances.catalogue.inactivity(of: package, in: municipality, on: today)
        var danish = municipality.name
        var english = municipality.name
        if let since {
            danish += ", ikke siden \(since)"
            english += ", not since \(since)"
        }
        if let until {
            danish += ", først fra \(until)"
            english += ", not before \(until)"
        }
        if since == nil, until == nil {
            danish += ", aldrig aktiveret"
            english += ", never activated"
        }
        if let authority = circumstances.catalogue.authority(of: municipality) {
            let contact = "\(authority.contactName), \(authority.contactPhone), \(authority.contactURL)"
            danish += "; spørg \(contact)"
            english += "; ask \(contact)"
        }
        return Bilingual(danish: danish, english: english)
    }
}
