/// What a supplier switch makes of grants of one package (leverandørskifte).
public struct SystemSwitch: Sendable {
    /// The definition of the it-system that took over, and its record's own time.
    public var cause: Cause
    public var at: Instant
    /// What the grants continue as; nil where they end.
    public var successor: Package?
}

extension Catalogue {
    /// The it-system that took over from another: of several, the one defined last. It depends on what is defined now
    /// alone, so that a worker that read a compacted topic sees the same.
    ///
    /// Where a switch was switched back, in however many steps, each replaces the other: then the one defined last is in
    /// use.
    func replacement(of itSystem: String) -> ITSystem? {
        let found = itSystems.values.filter { $0.replaces == itSystem && $0.id != itSystem }
            .max { $0.changedAt < $1.changedAt }
        guard let found, let own = itSystems[itSystem] else { return found }
        var newest = own
        var circle: Set = [itSystem]
        var next = own.replaces.flatMap { itSystems[$0] }
        while let system = next, circle.insert(system.id).inserted {
            if system.changedAt > newest.changedAt { newest = system }
            if system.id == found.id { return newest.id == itSystem ? nil : found }
            next = system.replaces.flatMap { itSystems[$0] }
        }
        return found
    }

    /// Whether, and how, a package's it-system was replaced. Packages for all of a municipality, or the country, never
    /// notice: they are bound to no it-system.
    ///
    /// A grant continues only onto a successor that is named, is bound to the new it-system, is of the same kind and
    /// reaches no further by KLE (DOMAIN.md, packages, our decision): nobody gets more than the grantor agreed to.
    public func systemSwitch(of id: String, on day: Day) -> SystemSwitch? {
        guard let package = package(id), package.scope == .itSystem,
            let replacement = package.itSystem.flatMap({ self.replacement(of: $0) })
        else { return nil }
        let successor = package.successor.flatMap { self.package($0) }
        let isFit =
            successor.map { successor in
                successor.scope == .itSystem && successor.itSystem == replacement.id && successor.kind == package.kind
                    && successor.retired.map { day < $0 } ?? true
                    && successor.kle.allSatisfy { narrow in package.kle.contains { $0.covers(narrow) } }
            } ?? false
        return SystemSwitch(cause: replacement.cause, at: replacement.at, successor: isFit ? successor : nil)
    }

    /// The last of the switches that came one after the other since a package's it-system was in use, and before it was
    /// looked at: what it makes of the package's grants.
    func lastSwitch(of id: String, on day: Day) -> SystemSwitch? {
        var last = systemSwitch(of: id, on: day)
        var names: Set = [id]
        while let successor = last?.successor?.id, names.insert(successor).inserted,
            let next = systemSwitch(of: successor, on: day)
        {
            last = next
        }
        return last
    }

    /// What grants of a package are called, from its own name on, through one supplier switch after the other.
    func names(of id: String, on day: Day) -> [String] {
        var names = [id]
        while let last = names.last, let next = systemSwitch(of: last, on: day)?.successor?.id, !names.contains(next) {
            names.append(next)
        }
        return names
    }

    /// Packages whose it-system was replaced since everything before `position` had been taken into account.
    public func packagesSwitched(since position: Int64) -> [String] {
        entries.values.compactMap { entry in
            guard let package = entry.package, package.scope == .itSystem,
                let replacement = package.itSystem.flatMap({ replacement(of: $0) }),
                max(entry.changedAt, replacement.changedAt) >= position
            else { return nil }
            return package.id
        }.sorted()
    }

    /// What an it-system offers in a municipality on a day, by package.
    public func activations(in municipality: Municipality, by itSystem: String, on day: Day) -> [String: Activation] {
        entries.compactMapValues { entry in
            entry.offers[municipality]?.activations.first { $0.itSystem == itSystem && $0.covers(day) }
        }
    }

    /// Whom to ask about what a municipality offers: its authority for grants, else any authority of it.
    func authority(of municipality: Municipality) -> Authority? {
        let all = authorities.values.filter { $0.municipality == municipality }.sorted { $0.cvr < $1.cvr }
        return all.first { $0.roles.contains(.grant) } ?? all.first
    }

    /// Where a package is not active: since when, as far as the catalogue knows.
    /// - Returns: the first day without it, and the day it begins, of which either may be unknown.
    func inactivity(of package: String, in municipality: Municipality, on day: Day) -> (since: Day?, until: Day?) {
        let activations = entries[package]?.offers[municipality]?.activations ?? []
        let ended = activations.compactMap(\.until).filter { $0 < day }.max()
        return (ended?.adding(days: 1), activations.map(\.from).filter { $0 > day }.min())
    }
}
