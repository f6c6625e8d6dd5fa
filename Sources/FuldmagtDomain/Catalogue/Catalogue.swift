/// All packages, activations, it-systems and authorities, as far as the catalogue topic has been read.
///
/// A value: applying a record gives the next catalogue, and shards decide under the one they were handed.
public struct Catalogue: Sendable {
    /// One package's activations in one municipality, and what changed them last.
    struct Offer: Sendable {
        var activations: [Activation] = []
        /// Offset of the record that changed it last.
        var changedAt: Int64
        var cause: Cause
        /// The record's own time.
        var at: Instant
    }

    struct Entry: Sendable {
        var package: Package?
        /// Offset and cause of the last definition or removal; -1 while only activations have come.
        var changedAt: Int64 = -1
        var cause: Cause?
        var at = Instant(milliseconds: 0)
        /// The definition that followed upon a removal.
        var beginning: (changedAt: Int64, cause: Cause, at: Instant)?
        var offers: [Municipality: Offer] = [:]
    }

    /// Position next to read.
    public internal(set) var position: Int64 = 0
    /// Time of the last record that changed anything.
    public internal(set) var changedAt = Instant(milliseconds: 0)
    var entries: [String: Entry] = [:]
    public internal(set) var itSystems: [String: ITSystem] = [:]
    public internal(set) var authorities: [String: Authority] = [:]
    /// Digest of the content of each record, and when one with its source and id came last, by the digest of these.
    var seen: [Ident: (content: Ident, last: Instant)] = [:]

    /// Offset of the last record that changed what a key stands for.
    var changes: [String: Int64] = [:]

    /// For how long the id of a record is remembered, and records that were overwritten must be kept by compaction: with
    /// less, whoever reads a compacted topic would take for new what others take for a repeat.
    public static let rememberedDays: Int64 = 90

    public init() {}

    public func package(_ id: String) -> Package? { entries[id]?.package }

    public var packageCount: Int { entries.values.count { $0.package != nil } }

    /// Whether a package can be used in a municipality on a day.
    public func isActive(_ package: String, in municipality: Municipality, on day: Day) -> Bool {
        entries[package]?.offers[municipality]?.activations.contains { $0.covers(day) } ?? false
    }

    /// Whether a grant of a package works for someone who lives in `residence`. One that was removed works for nobody:
    /// nobody can read any more what it is a right to.
    public func resolves(_ package: String, scope: Package.Scope, residence: Municipality?, on day: Day) -> Bool {
        guard entries[package]?.package != nil else { return false }
        guard scope == .municipal else { return true }
        guard let residence else { return false }
        return isActive(package, in: residence, on: day)
    }

    /// What last changed whether a package works in a municipality, and when: named as the cause where a change of the
    /// catalogue, or an activation's first or last day, makes a grant awake or dormant. A later definition of the package
    /// changes its texts and limits, not where it is offered; unless it had been removed.
    /// - Parameter isDayTurn: an activation's first or last day has come, and nothing else changed.
    public func cause(
        of package: String, in municipality: Municipality, isDayTurn: Bool
    ) -> (cause: Cause, at: Instant)? {
        guard let entry = entries[package] else { return nil }
        if entry.package == nil, let cause = entry.cause { return (cause, entry.at) }
        if let offer = entry.offers[municipality] {
            if !isDayTurn, let beginning = entry.beginning, beginning.changedAt > offer.changedAt {
                return (beginning.cause, beginning.at)
            }
            return (offer.cause, offer.at)
        }
        return entry.cause.map { ($0, entry.at) }
    }

    /// Municipalities in which a package became active or ceased to be between two states of catalogue and calendar.
    /// - Parameters:
    ///   - position: everything before it had been taken into account,
    ///   - day: on that day.
    public func municipalitiesChanged(since position: Int64, day: Day, today: Day) -> [Municipality] {
        var changed: Set<Municipality> = []
        for entry in entries.values {
            let packageChanged = entry.changedAt >= position
            for (municipality, offer) in entry.offers where !changed.contains(municipality) {
                let turned = offer.activations.contains { activation in
                    (day < activation.from && activation.from <= today)
                        || (activation.until.map { day <= $0 && $0 < today } ?? false)
                }
                if packageChanged || turned || offer.changedAt >= position { changed.insert(municipality) }
            }
        }
        return changed.sorted()
    }
}
