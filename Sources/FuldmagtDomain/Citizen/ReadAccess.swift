/// Somebody may read the citizen's Digital Post (læseadgang). It replaces no grant.
public struct ReadAccess: Sendable, Equatable {
    /// Counts the read accesses of a citizen from 0.
    public var ordinal: Int
    public var holder: PartyReference
    public var journal: String?
    public var caseworker: String?
    public var validUntil: Day?
    public var at: Instant
    public var cause: Cause
    /// When it was withdrawn or replaced.
    public var endedAt: Instant?
    public var endCause: Cause?

    public init(
        ordinal: Int, holder: PartyReference, journal: String?, caseworker: String?, validUntil: Day?, at: Instant,
        cause: Cause, endedAt: Instant? = nil, endCause: Cause? = nil
    ) {
        self.ordinal = ordinal
        self.holder = holder
        self.journal = journal
        self.caseworker = caseworker
        self.validUntil = validUntil
        self.at = at
        self.cause = cause
        self.endedAt = endedAt
        self.endCause = endCause
    }

    public func isInForce(on day: Day) -> Bool { endedAt == nil && validUntil.map { day <= $0 } ?? true }
}
