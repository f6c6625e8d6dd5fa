/// Where a grant is in its life.
public enum GrantState: String, CaseIterable, Sendable {
    case requested, active, dormant, revoked, expired, declined, lapsed, ended

    /// In force or able to wake: what can be revoked, and what makes a second grant of the same kind superfluous.
    public var isLiving: Bool { self == .active || self == .dormant }
}

/// What the grantor agreed to: a package as it read when the grant was given. Shared by all that refers to it.
public final class PackageTerms: Hashable, Sendable {
    public let id: String
    public let version: Int
    public let kind: Package.Kind
    public let scope: Package.Scope
    /// As notifications say it.
    public let kle: String
    public let title: Bilingual
    /// Empty in the representative's view, which has no use for it.
    public let wording: Bilingual

    public init(
        id: String, version: Int, kind: Package.Kind, scope: Package.Scope, kle: String, title: Bilingual,
        wording: Bilingual
    ) {
        self.id = id
        self.version = version
        self.kind = kind
        self.scope = scope
        self.kle = kle
        self.title = title
        self.wording = wording
    }

    public static func == (left: PackageTerms, right: PackageTerms) -> Bool {
        left === right
            || (left.id == right.id && left.version == right.version && left.kind == right.kind
                && left.scope == right.scope && left.kle == right.kle && left.title == right.title
                && left.wording == right.wording)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(id)
        hasher.combine(version)
    }
}

/// A party that a citizen's rows refer to and that lives in a shard of its own.
public struct PartyReference: Hashable, Sendable {
    public var pseudonym: Ident
    public var sealed: SealedNumber
    public var shard: Int32

    public init(pseudonym: Ident, sealed: SealedNumber, shard: Int32) {
        self.pseudonym = pseudonym
        self.sealed = sealed
        self.shard = shard
    }
}

/// A grant in its grantor's file.
public struct Grant: Sendable, Equatable {
    public var id: Ident
    /// Counts the grants of a citizen from 0.
    public var ordinal: Int
    public var representative: PartyReference
    public var terms: PackageTerms
    public var state: GrantState
    /// Raised by renew and correct, not by changes of state.
    public var version: Int
    /// Counts entries of the history; 0 is the giving.
    public var entry: Int
    public var validFrom: Day
    public var validUntil: Day
    public var channel: Channel
    /// What is on file for it, as the store keeps it: nothing is decided by it, so it is not read.
    public var evidence: KeptEvidence?
    /// Whom the representative was before they got another number: both are found.
    public var formerRepresentative: Ident?
    /// Whether the representative's shard has told that they are dead.
    public var hasRepresentativeDied = false
    /// Command id of the request that it began as.
    public var request: String?
    /// Source of the request that it began as, where the decision needs to know.
    public var requestSource: String?
    /// For a request: the day from which it is no longer open.
    public var lapsesOn: Day?
    /// The end that both parties have been reminded of, or that needs no reminder.
    public var remindedOf: Day?
    /// What set its present end, or ended it, where the decision needs to know.
    public var cause: Cause?
    /// What it was called before supplier switches, where the decision needs to know.
    public var formerPackages: [String] = []
    /// The store's handle; 0 until stored.
    public var row: Int64 = 0

    /// Days before its end that a grant's parties are reminded. The store looks for them by the same number: a citizen
    /// it found and the rules passed over would be found again and again.
    public static let reminderDays = 30

    /// Sets the end. A grant that is to end soon anyway needs no reminder.
    mutating func end(on day: Day, today: Day) {
        validUntil = day
        remindedOf = day.adding(days: -Self.reminderDays) <= today ? day : nil
    }

    public init(
        id: Ident, ordinal: Int, representative: PartyReference, terms: PackageTerms, state: GrantState, version: Int,
        entry: Int, validFrom: Day, validUntil: Day, channel: Channel, evidence: KeptEvidence?, request: String? = nil,
        row: Int64 = 0
    ) {
        self.id = id
        self.ordinal = ordinal
        self.representative = representative
        self.terms = terms
        self.state = state
        self.version = version
        self.entry = entry
        self.validFrom = validFrom
        self.validUntil = validUntil
        self.channel = channel
        self.evidence = evidence
        self.request = request
        self.row = row
    }

    /// Whether the representative is the party behind a pseudonym, by their present number or the one before.
    public func isHeld(by party: Ident) -> Bool { representative.pseudonym == party || formerRepresentative == party }

    /// A request that can still be answered on a day: whether it has lapsed is computed on every read, too.
    public func isOpenRequest(on day: Day) -> Bool {
        state == .requested && lapsesOn.map { day < $0 } ?? true
    }

    /// In force, or able to wake, on a day: expiry is computed on every read.
    public func isLiving(on day: Day) -> Bool { state.isLiving && day <= validUntil }
}

/// What must be on file for a grant: as a command told it, or where the store holds it.
public enum KeptEvidence: Hashable, Sendable {
    case told(Evidence)
    /// The store's handle of the grant that it came with.
    case stored(Int64)
}

/// One entry of a grant's history: what it became, when, why and by which command. Never changed.
public struct GrantEntry: Sendable, Equatable {
    public var at: Instant
    public var cause: Cause
    /// Who asked for a revocation.
    public var by: String?
    /// Of a revocation as told; of a correction the reference of what shows the mistake.
    public var reason: String?
    /// How a request was declined. How a grant was given is the grant's own.
    public var channel: Channel?

    public init(at: Instant, cause: Cause, by: String? = nil, reason: String? = nil, channel: Channel? = nil) {
        self.at = at
        self.cause = cause
        self.by = by
        self.reason = reason
        self.channel = channel
    }
}

/// A grant as its representative's file sees it. It tells nothing about where the grantor lives.
public struct ReceivedGrant: Sendable, Equatable {
    public var id: Ident
    public var grantor: Ident
    /// Where the grantor's own file is.
    public var grantorShard: Int32
    public var terms: PackageTerms
    public var state: GrantState
    public var validFrom: Day
    public var validUntil: Day
    /// Number of the entry in the grant's history that this view shows; nil where an earlier version stored it.
    public var entry: Int?
    public var row: Int64 = 0

    public init(
        id: Ident, grantor: Ident, grantorShard: Int32, terms: PackageTerms, state: GrantState, validFrom: Day,
        validUntil: Day, entry: Int?, row: Int64 = 0
    ) {
        self.id = id
        self.grantor = grantor
        self.grantorShard = grantorShard
        self.terms = terms
        self.state = state
        self.validFrom = validFrom
        self.validUntil = validUntil
        self.entry = entry
        self.row = row
    }
}
