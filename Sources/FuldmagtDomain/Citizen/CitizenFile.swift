/// All rows of one citizen, or as many as a decision needs.
public struct CitizenFile: Sendable {
    public let citizen: Identity
    /// The day of the citizen's death, which may be to come.
    public var died: Day?
    /// The municipality that grants were last brought in line with.
    public var reviewedFor: Municipality?
    /// Deaths entered, where a decision needs them; all but the last were mistakes.
    public var deaths: [Death] = []
    /// In order of arrival.
    public var residences: [Residence] = []
    /// In order of registration; at most the last is in force.
    public var exemptions: [Exemption] = []
    /// In the order they were given.
    public var grants: [Grant] = []
    public var received: [ReceivedGrant] = []
    public var notifications: [Notification] = []
    /// In the order they were given.
    public var readAccesses: [ReadAccess] = []
    /// Set where the citizen has, or is to get, another number.
    public var renumbering: Renumbering?

    public init(citizen: Identity) { self.citizen = citizen }

    /// Where the citizen lives on a day; nil when no register has told.
    public func residence(on day: Day) -> Residence? { Residence.current(of: residences, on: day) }

    /// Whether the citizen came back to Denmark by a move. Not every register tells that as an immigration: a move to a
    /// municipality that follows an emigration is one, too.
    func isReturn(_ residence: Residence) -> Bool {
        switch residence.kind {
        case .immigrate: return true
        case .emigrate: return false
        case .relocate:
            let others = residences.filter { $0.arrival != residence.arrival }
            return Residence.current(of: others, on: residence.effective)?.kind == .emigrate
        }
    }

    public func isDead(on day: Day) -> Bool { died.map { $0 <= day } ?? false }

    public func isExempt(on day: Day) -> Bool { exemption(on: day) != nil }

    /// The exemption in force: the last, where two numbers of one citizen brought one each.
    public func exemption(on day: Day) -> Exemption? { exemptions.last { $0.isInForce(on: day) } }

    public func channel(on day: Day) -> PostChannel { isExempt(on: day) ? .letter : .digitalPost }

    /// Brings the file up to a change, as storing it brings the shard.
    public mutating func apply(_ change: RowChange) {
        switch change {
        case .residence(let residence): residences.append(residence)
        case .exemption(let exemption): exemptions.append(exemption)
        case .exemptionLifted(let ordinal, let lifting): exemptions[ordinal].lifting = lifting
        case .grant(let grant, _): grants.append(grant)
        case .grantChanged(let grant, _): grants[grant.ordinal] = grant
        case .grantReminded(let ordinal, let day): grants[ordinal].remindedOf = day
        case .death(let death):
            deaths.append(death)
            died = death.effective
        case .deathCorrected(let correction):
            if let last = deaths.indices.last { deaths[last].correction = correction }
            died = nil
        case .received(let grant):
            received.removeAll { $0.id == grant.id }
            received.append(grant)
        case .notification(let notification): notifications.append(notification)
        case .notificationCancelled(let id, let at, _):
            for index in notifications.indices where notifications[index].id == id {
                notifications[index].cancelledAt = at
            }
        case .readAccess(let access): readAccesses.append(access)
        case .readAccessEnded(let ordinal, let end): readAccesses[ordinal].end = end
        case .due: break
        case .renumbering(let renumbering): self.renumbering = renumbering
        case .numberInUseAgain: renumbering = nil
        case .numberChanged(let change): apply(change)
        case .representativeDied(let representative, let isDead):
            for at in grants.indices where grants[at].isHeld(by: representative) {
                grants[at].hasRepresentativeDied = isDead
            }
        }
    }
}

extension CitizenFile {
    private mutating func apply(_ change: NumberChange) {
        for at in grants.indices where grants[at].representative.pseudonym == change.former {
            grants[at].representative = change.current
            grants[at].formerRepresentative = change.former
        }
        for at in received.indices where received[at].grantor == change.former {
            received[at].grantor = change.current.pseudonym
            received[at].grantorShard = change.current.shard
        }
        for at in readAccesses.indices where readAccesses[at].holder.pseudonym == change.former {
            readAccesses[at].holder = change.current
            readAccesses[at].formerHolder = change.former
        }
    }
}

/// Parts of a file that a decision may do without.
public struct FileSections: OptionSet, Sendable {
    public let rawValue: UInt16
    public init(rawValue: UInt16) { self.rawValue = rawValue }
    public static let residences = FileSections(rawValue: 1)
    public static let exemptions = FileSections(rawValue: 2)
    public static let grants = FileSections(rawValue: 4)
    public static let received = FileSections(rawValue: 8)
    public static let notifications = FileSections(rawValue: 16)
    public static let readAccesses = FileSections(rawValue: 32)
    public static let deaths = FileSections(rawValue: 64)
    /// `cause` of grants.
    public static let causes = FileSections(rawValue: 128)
    /// `formerPackages` of grants.
    public static let formerPackages = FileSections(rawValue: 256)
    /// `requestSource` of grants.
    public static let requestSources = FileSections(rawValue: 512)
}

/// One change of a citizen's rows.
public enum RowChange: Sendable {
    case residence(Residence)
    case exemption(Exemption)
    case exemptionLifted(ordinal: Int, Exemption.Lifting)
    case grant(Grant, GrantEntry)
    /// Another state, version, validity or channel, as a new entry of its history.
    case grantChanged(Grant, GrantEntry)
    /// The parties have been reminded of the end.
    case grantReminded(ordinal: Int, Day)
    case death(Death)
    case deathCorrected(Death.Correction)
    /// The newest view of a received grant, known before or not.
    case received(ReceivedGrant)
    case notification(Notification)
    case notificationCancelled(Ident, at: Instant, row: Int64)
    case readAccess(ReadAccess)
    case readAccessEnded(ordinal: Int, ReadAccess.End)
    /// Something must be looked at again on a day.
    case due(Day)
    case renumbering(Renumbering)
    /// The number that was replaced is this citizen's again.
    case numberInUseAgain
    /// Rows that refer to a number refer to another from now on.
    case numberChanged(NumberChange)
    /// A representative is dead, or was never.
    case representativeDied(Ident, Bool)
}

/// The citizen's death, as a register told it.
public struct Death: Sendable, Equatable {
    /// Counts the deaths entered from 0.
    public var ordinal: Int
    public var effective: Day
    public var at: Instant
    public var cause: Cause
    /// Set when it had been entered by mistake.
    public var correction: Correction?

    public struct Correction: Sendable, Equatable {
        public var at: Instant
        public var cause: Cause
        public var journal: String

        public init(at: Instant, cause: Cause, journal: String) {
            self.at = at
            self.cause = cause
            self.journal = journal
        }
    }

    public init(ordinal: Int, effective: Day, at: Instant, cause: Cause, correction: Correction? = nil) {
        self.ordinal = ordinal
        self.effective = effective
        self.at = at
        self.cause = cause
        self.correction = correction
    }
}

/// A citizen lives in a municipality, or abroad, from a day on.
public struct Residence: Sendable, Equatable {
    public enum Kind: String, CaseIterable, Sendable { case relocate, emigrate, immigrate }
    public var kind: Kind
    /// Counts the moves of a citizen from 0, in the order they came.
    public var arrival: Int
    public var effective: Day
    /// Nil abroad, and where a register does not say.
    public var municipality: Municipality?
    public var from: Municipality?
    /// When the register noted it.
    public var registeredAt: Instant?
    public var at: Instant
    /// Kept for moves that take effect later: what follows then names the same cause.
    public var cause: Cause

    public init(
        kind: Kind = .relocate, arrival: Int, effective: Day, municipality: Municipality?, from: Municipality?,
        registeredAt: Instant?, at: Instant, cause: Cause
    ) {
        self.kind = kind
        self.arrival = arrival
        self.effective = effective
        self.municipality = municipality
        self.from = from
        self.registeredAt = registeredAt
        self.at = at
        self.cause = cause
    }

    /// The residence in force: the latest by effective date, so that a late, older move never wins over a newer one;
    /// of equal dates the later registered, else the later to arrive.
    static func current(of residences: [Residence], on day: Day) -> Residence? {
        var current: Residence?
        for residence in residences where residence.effective <= day {
            guard let best = current else {
                current = residence
                continue
            }
            if residence.effective != best.effective {
                if residence.effective > best.effective { current = residence }
            } else if let one = residence.registeredAt, let other = best.registeredAt, one != other {
                if one > other { current = residence }
            } else {
                current = residence
            }
        }
        return current
    }
}

/// A citizen or company receives public post on paper.
public struct Exemption: Sendable, Equatable {
    /// Counts the exemptions of a citizen from 0.
    public var ordinal: Int
    public var municipality: Municipality
    public var form: String
    public var journal: String
    public var caseworker: String
    public var requestedBy: ExemptionRegister.Requester
    public var appearedInPerson: Bool
    public var departure: Bool
    public var validUntil: Day?
    public var at: Instant
    public var cause: Cause
    public var lifting: Lifting?

    /// How an exemption ended before its time.
    public struct Lifting: Sendable, Equatable {
        public var at: Instant
        public var by: ExemptionLift.Actor
        public var cause: Cause
        public var journal: String?
        /// Of a correction.
        public var caseworker: String?

        public init(
            at: Instant, by: ExemptionLift.Actor, cause: Cause, journal: String?, caseworker: String? = nil
        ) {
            self.at = at
            self.by = by
            self.cause = cause
            self.journal = journal
            self.caseworker = caseworker
        }
    }

    public init(
        ordinal: Int, municipality: Municipality, form: String, journal: String, caseworker: String,
        requestedBy: ExemptionRegister.Requester, appearedInPerson: Bool, departure: Bool, validUntil: Day?,
        at: Instant, cause: Cause, lifting: Lifting? = nil
    ) {
        self.ordinal = ordinal
        self.municipality = municipality
        self.form = form
        self.journal = journal
        self.caseworker = caseworker
        self.requestedBy = requestedBy
        self.appearedInPerson = appearedInPerson
        self.departure = departure
        self.validUntil = validUntil
        self.at = at
        self.cause = cause
        self.lifting = lifting
    }

    public func isInForce(on day: Day) -> Bool { lifting == nil && validUntil.map { day <= $0 } ?? true }
}
