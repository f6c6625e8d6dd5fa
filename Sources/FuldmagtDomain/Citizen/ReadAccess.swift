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
    /// Whom the holder was before they got another number, where that is known here: both are found.
    public var formerHolder: Ident?
    /// Set when it was withdrawn or replaced.
    public var end: End?

    /// How a read access ended before its time.
    public struct End: Sendable, Equatable {
        public var at: Instant
        public var cause: Cause
        /// What the withdrawal gives as evidence.
        public var journal: String?
        public var caseworker: String?

        public init(at: Instant, cause: Cause, journal: String?, caseworker: String?) {
            self.at = at
            self.cause = cause
            self.journal = journal
            self.caseworker = caseworker
        }
    }

    public init(
        ordinal: Int, holder: PartyReference, journal: String?, caseworker: String?, validUntil: Day?, at: Instant,
        cause: Cause, formerHolder: Ident? = nil, end: End? = nil
    ) {
        self.ordinal = ordinal
        self.holder = holder
        self.journal = journal
        self.caseworker = caseworker
        self.validUntil = validUntil
        self.at = at
        self.cause = cause
        self.formerHolder = formerHolder
        self.end = end
    }

    public func isInForce(on day: Day) -> Bool { end == nil && validUntil.map { day <= $0 } ?? true }
}
