import FuldmagtBytes

/// What a decision is made under besides the citizen's own file.
public struct Circumstances {
    /// The timestamp of the record that started it, never a worker's clock.
    public private(set) var now: Instant
    /// The day of `now` in Europe/Copenhagen.
    public private(set) var today: Day
    /// The day that the shard's citizens have been looked through for, which may be later than `today`: a command that
    /// was parked, or stood in another partition, is decided as of the day it was written.
    public var lookedThrough: Day?
    /// The later of both: what has become of anybody since is known.
    public var present: Day { lookedThrough.map { max($0, today) } ?? today }
    public var catalogue: Catalogue { shared.catalogue }
    public var settings: Settings { shared.settings }
    public var naming: Naming { shared.naming }
    /// The catalogue could not be read to the end it has: what a command asks it for may have changed.
    public let isCatalogueBehind: Bool
    private let shared: Shared

    /// What is the same for all records of a turn, and would be much to copy for each.
    private final class Shared {
        let catalogue: Catalogue
        let settings: Settings
        let naming: Naming

        init(_ catalogue: Catalogue, _ settings: Settings, _ naming: Naming) {
            self.catalogue = catalogue
            self.settings = settings
            self.naming = naming
        }
    }

    /// - Parameter today: the day of `now` unless given.
    public init(
        now: Instant, today: Day? = nil, catalogue: Catalogue, isCatalogueBehind: Bool = false, settings: Settings,
        naming: Naming
    ) {
        self.now = now
        self.today = today ?? now.day
        self.isCatalogueBehind = isCatalogueBehind
        shared = Shared(catalogue, settings, naming)
    }

    /// The same on the day that everybody else has been brought to.
    public mutating func moveToPresent() { today = present }

    /// The same at another time.
    public mutating func move(to now: Instant) {
        guard now != self.now else { return }
        self.now = now
        today = now.day
    }
}

/// Pseudonyms and derived ids under the cluster key, as functions: the rules hold no secret.
public struct Naming {
    public var identify: (Party) -> Identity
    public var seal: (Identity) -> SealedNumber
    /// (purpose, cause, citizen, ordinal)
    public var id: (StaticString, Cause, Ident, Ordinal) -> Ident
    /// A cause's id as anyone but the citizen may see it.
    public var mask: (Cause) -> Ident
    /// Who a reference is to; nil when its number cannot be opened.
    public var open: (PartyReference) -> Party?

    public init(
        identify: @escaping (Party) -> Identity, seal: @escaping (Identity) -> SealedNumber,
        id: @escaping (StaticString, Cause, Ident, Ordinal) -> Ident,
        mask: @escaping (Cause) -> Ident, open: @escaping (PartyReference) -> Party?
    ) {
        self.identify = identify
        self.seal = seal
        self.id = id
        self.mask = mask
        self.open = open
    }

    /// How another citizen's rows refer to a party.
    func reference(to party: Identity) -> PartyReference {
        PartyReference(pseudonym: party.pseudonym, sealed: seal(party), shard: party.shard)
    }
}

/// Tells apart what one cause makes for one citizen.
public enum Ordinal {
    case index(Int)
    /// - Parameter subject: the grant; without one, the other citizen whose affair it is.
    case notification(NotificationKind, subject: Ident?, entry: Int)

    /// Appends the text that ids are derived from.
    public func write(to text: inout ByteSink) {
        switch self {
        case .index(let index): text.append(String(index))
        case .notification(let kind, let subject, let entry):
            text.append(kind.rawValue)
            text.append(UInt8(ascii: "/"))
            if let subject { text.append(uuid: subject) } else { text.append(UInt8(ascii: "-")) }
            text.append(UInt8(ascii: "/"))
            text.append(String(entry))
        }
    }
}

/// What a command comes to.
public enum Decision {
    /// All of it.
    case accept(Effects)
    /// None of it.
    case reject([Reason])
    /// Not yet: the command waits, and with it every later one about the same citizen.
    case park(Waiting)
}

/// What to store and what to say.
public struct Effects: Sendable {
    public var rows: [RowChange] = []
    public var outcome: Outcome?
    public var notices: [Notice] = []
    public var inbox: [InboxMessage] = []
    /// The whole file goes to another shard, rows and all, once everything else is stored.
    public var handover: Handover?
    /// Commands decided although their sender may not send them.
    public var warnings = 0

    public init() {}
}

/// The answer to a command.
public struct Outcome: Sendable, Equatable {
    public enum Status: String, Sendable { case accepted, rejected, parked }
    public struct GrantLine: Sendable, Equatable {
        public var id: Ident
        public var package: String
        public var state: GrantState
        public var version: Int
        public var validUntil: Day

        public init(id: Ident, package: String, state: GrantState, version: Int, validUntil: Day) {
            self.id = id
            self.package = package
            self.state = state
            self.version = version
            self.validUntil = validUntil
        }
    }
    public var cause: Cause
    public var status: Status
    public var reasons: [Reason]
    public var grants: [GrantLine]
    public var decidedAt: Instant
    /// Where the command was first written.
    public var position: Position

    public init(
        cause: Cause, status: Status, reasons: [Reason] = [], grants: [GrantLine] = [], decidedAt: Instant,
        position: Position
    ) {
        self.cause = cause
        self.status = status
        self.reasons = reasons
        self.grants = grants
        self.decidedAt = decidedAt
        self.position = position
    }
}

extension Outcome.GrantLine {
    init(_ grant: Grant) {
        self.init(
            id: grant.id, package: grant.terms.id, state: grant.state, version: grant.version,
            validUntil: grant.validUntil)
    }
}

/// A notification to be written, or withdrawn.
public struct Notice: Sendable {
    public var notification: Notification
    public var recipient: Identity
    /// A second record with the same id, which withdraws the first.
    public var isCancellation: Bool
    /// A second record with the same id and kind, which has it sent by letter instead.
    public var isRerouting = false
    public var cause: Cause
    /// Only the cause's masked id may be told: another citizen's command, or another's grant.
    public var isMasked: Bool

    public init(
        notification: Notification, recipient: Identity, isCancellation: Bool, cause: Cause, isMasked: Bool
    ) {
        self.notification = notification
        self.recipient = recipient
        self.isCancellation = isCancellation
        self.cause = cause
        self.isMasked = isMasked
    }
}

/// A record that one shard sends to another, or to itself.
public struct InboxMessage: Sendable {
    public var shard: Int32
    /// The pseudonym of whom it concerns; nil for a shard's own affairs.
    public var citizen: Ident?
    /// Their number, where their shard may not know them yet.
    public var sealed: SealedNumber?
    /// Numbers in use again, by pseudonym, whose shards had this go round. It is taken in by the first on its way that has
    /// nothing to wait for, or is among these.
    public var rounds: [Ident] = []
    public var body: Body

    public enum Body: Sendable {
        case news(GrantNews)
        case readAccess(ReadAccessNews)
        case death(RepresentativeDeath)
        case sweep(Sweep)
        case handover(Handover)
        case numberChange(NumberChange)
        case command(PassedOnCommand)
        case parked(ParkedRequest)
        case echo(Echo)
    }

    public init(shard: Int32, citizen: Ident?, sealed: SealedNumber?, body: Body) {
        self.shard = shard
        self.citizen = citizen
        self.sealed = sealed
        self.body = body
    }

    /// To a citizen whose shard may not know them yet.
    /// - Parameter rounds: the numbers whose shards had it go round.
    public init(to citizen: PartyReference, _ body: Body, rounds: [Ident] = []) {
        self.init(shard: citizen.shard, citizen: citizen.pseudonym, sealed: citizen.sealed, body: body)
        self.rounds = rounds
    }
}

/// A representative's shard tells a grantor's that the representative is dead, or that it was a mistake.
public struct RepresentativeDeath: Sendable, Equatable {
    public var representative: Ident
    /// What they had been given. Where a death is taken back, which revives nothing, what they were given meanwhile and
    /// never told of.
    public var grants: [Ident]
    public var cause: Cause
    /// Time of the cause.
    public var at: Instant
    /// The death that is taken back: of what it ended, the representative is told now.
    public var mistake: Cause?
}

/// What a grantor's shard tells a representative's.
public struct GrantNews: Sendable, Equatable {
    public enum Event: String, CaseIterable, Sendable {
        case given, declined, renewed, corrected, revoked, dormant, awake, ended, discontinued, expired, expiring
    }
    public struct Item: Sendable, Equatable {
        public var grant: Ident
        public var terms: PackageTerms
        public var state: GrantState
        public var version: Int
        public var entry: Int
        public var validFrom: Day
        public var validUntil: Day
    }
    public var event: Event
    public var grantor: Ident
    public var grantorShard: Int32
    public var items: [Item]
    public var cause: Cause
    /// Time of the cause.
    public var at: Instant
    /// Set for a revocation: its outcome is written by the representative's shard, once nothing unsent is left there.
    public var outcomePosition: Position?
    /// What the outcome lists besides the items.
    public var outcomeAlso: [Outcome.GrantLine] = []
    /// It went to an old number first: later news may have arrived before it, straight from the grantor's shard.
    public var isPassedOn = false
}

/// What a citizen's shard tells that of somebody who may read their post.
public struct ReadAccessNews: Sendable, Equatable {
    public enum Event: String, CaseIterable, Sendable { case given, ended }
    public var event: Event
    /// Whose post it is, which tells apart what a source gave one id for two citizens; nil in records of versions that did
    /// not write it.
    public var citizen: Ident?
    public var cause: Cause
    /// Time of the cause.
    public var at: Instant
}

extension GrantNews.Item {
    init(_ grant: Grant) {
        self.init(
            grant: grant.id, terms: grant.terms, state: grant.state, version: grant.version, entry: grant.entry,
            validFrom: grant.validFrom, validUntil: grant.validUntil)
    }
}

/// A shard looks at its citizens again because the day or the catalogue changed, a bounded number at a time.
public struct Sweep: Sendable, Equatable {
    public enum Step: Sendable, Equatable {
        /// The catalogue has been read to `position` and it is `day`: find out what that concerns.
        case begin
        /// Citizens with something due, until there are none.
        case due
        /// Citizens who live in a municipality, after the one named.
        case municipality(Municipality, after: Ident?)
        /// Citizens with grants of a package whose it-system was replaced, from a stored row on.
        case package(String, from: Int64)
        /// Citizens with parked commands, after the one named.
        /// - Parameter retriesFaults: also what this program could not store the last time.
        case parked(after: Ident?, retriesFaults: Bool)
        /// Notifications whose receipts have stayed away too long, and receipts that came before their notification.
        case receipts
        /// Unsent Digital Post to a citizen who is exempt now, below a stored row.
        /// - Parameter cause: what exempted them; nil where an earlier version asked.
        case exempted(Ident, below: Int64, cause: Cause?)
        /// Ids of commands that are remembered no longer, from a key on.
        case processed(from: Ident)
    }
    public var step: Step
    public var day: Day
    public var position: Int64
    /// When the catalogue changed; nil where it is the calendar that went on.
    public var catalogueChangedAt: Instant?

    public var isDayTurn: Bool { catalogueChangedAt == nil }

    public init(step: Step, day: Day, position: Int64, catalogueChangedAt: Instant?) {
        self.step = step
        self.day = day
        self.position = position
        self.catalogueChangedAt = catalogueChangedAt
    }

    /// The same look, at another place.
    public func at(_ step: Step) -> Sweep {
        Sweep(step: step, day: day, position: position, catalogueChangedAt: catalogueChangedAt)
    }
}
