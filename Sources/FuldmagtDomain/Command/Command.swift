/// A command that could be read: who it concerns, what it asks, and the faults found in its fields.
///
/// Fields that are absent or faulty are nil, and `faults` says why; so the rules can go on and name every other reason
/// that can be found.
public struct Command: Sendable {
    public var cause: Cause
    /// The citizen or company whose state changes.
    public var citizen: Party
    public var body: Body
    public var faults: [Reason]

    public enum Body: Sendable {
        case issue(GrantIssue)
        /// The same wish, from the representative.
        case request(GrantIssue)
        case approve(GrantAnswer)
        case decline(GrantAnswer)
        case revoke(GrantRevoke)
        case renew(GrantRenew)
        case correct(GrantCorrect)
        case relocate(Relocate)
        case decease(Decease)
        case renumber(Renumber)
        case correctDeath(DeathCorrect)
        case register(ExemptionRegister)
        case lift(ExemptionLift)
        case correctExemption(ExemptionCorrect)
        case giveReadAccess(ReadAccessCommand)
        case withdrawReadAccess(ReadAccessCommand)
        case enrol(MailboxEnrol)
    }

    public init(cause: Cause, citizen: Party, body: Body, faults: [Reason]) {
        self.cause = cause
        self.citizen = citizen
        self.body = body
        self.faults = faults
    }
}

/// How a grant was given.
public enum Channel: String, CaseIterable, Sendable { case digital, paper, assisted }

/// How an employee checked who stood before them.
public enum Identification: String, CaseIterable, Sendable {
    case passport
    case drivingLicence = "driving-licence"
    case mitid
    case knownToAuthority = "known-to-authority"
    case other
}

/// What must be on file for a grant registered by an employee.
public struct Evidence: Hashable, Sendable {
    /// Reference of the archived form.
    public var journal: String
    /// Id of the employee.
    public var caseworker: String
    public var identification: Identification
    /// Required for assisted registrations.
    public var assessment: Assessment?

    public init(journal: String, caseworker: String, identification: Identification, assessment: Assessment?) {
        self.journal = journal
        self.caseworker = caseworker
        self.identification = identification
        self.assessment = assessment
    }
}

/// The needs assessment: an employee weighs possibilities and consequences with the citizen before a grant is registered.
/// Source: KL's dialogue material on digital powers of attorney.
public struct Assessment: Hashable, Sendable {
    public var possibilities: String
    public var consequences: String
    public var citizenPresent: Bool
    public var decidedOn: Day

    public init(possibilities: String, consequences: String, citizenPresent: Bool, decidedOn: Day) {
        self.possibilities = possibilities
        self.consequences = consequences
        self.citizenPresent = citizenPresent
        self.decidedOn = decidedOn
    }
}

/// `grant.issue`
public struct GrantIssue: Sendable {
    public var representative: Party?
    /// Package ids in the order given; nil where the list could not be read.
    public var packages: [String]?
    /// Nil for the day of the command.
    public var validFrom: Day?
    public var validUntil: Day?
    public var channel: Channel?
    public var evidence: Evidence?
}

/// `grant.approve` and `grant.decline`
public struct GrantAnswer: Sendable {
    /// Command id of the request.
    public var request: String?
    public var channel: Channel?
    /// Of an approval.
    public var evidence: Evidence?
}

/// A grant and the version of it that the sender has seen.
public struct SeenGrant: Sendable {
    /// Nil when the id is not one of ours.
    public var id: Ident?
    public var version: Int?
}

/// `grant.renew`
public struct GrantRenew: Sendable {
    /// Nil where the field could not be read.
    public var grant: SeenGrant?
    public var validUntil: Day?
}

/// `grant.correct`: what is left out stays as it is.
public struct GrantCorrect: Sendable {
    public var grant: SeenGrant?
    public var validFrom: Day?
    public var validUntil: Day?
    public var representative: Party?
    public var journal: String?
    /// Whether a date is there that cannot be read: then nothing can be said of how the two stand to each other.
    public var hasUnreadableDate = false
    /// Whether that is the end.
    public var hasUnreadableEnd = false
}

/// `grant.revoke`
public struct GrantRevoke: Sendable {
    public enum Target: Sendable {
        /// One grant by its id; nil when the id is not one of ours.
        case grant(Ident?)
        /// Grants by whom they were given to, and packages.
        case named(representative: Party?, packages: [String]?)
    }
    public enum Actor: String, CaseIterable, Sendable { case grantor, representative, authority }
    public var target: Target?
    public var by: Actor?
    public var reason: String?
}

/// `move.relocate`, `move.emigrate` and `move.immigrate`: where the citizen lives from a day on.
public struct Relocate: Sendable {
    public var kind: Residence.Kind
    public var from: Municipality?
    /// Nil for a move abroad, and where a register does not say.
    public var to: Municipality?
    public var effective: Day?
    /// When the register noted the move: decides between moves of equal effective date.
    public var registeredAt: Instant?
}

/// `move.decease`
public struct Decease: Sendable {
    public var effective: Day?
}

/// `move.correct`: a death was entered by mistake.
public struct DeathCorrect: Sendable {
    public var journal: String?
}

/// `exemption.register`. The ground is neither asked nor kept: a municipality may not test it.
public struct ExemptionRegister: Sendable {
    public enum Requester: String, CaseIterable, Sendable { case citizen, representative, guardian, institution }
    public var municipality: Municipality?
    public var form: String?
    public var journal: String?
    public var caseworker: String?
    public var requestedBy: Requester?
    public var appearedInPerson: Bool?
    public var departure: Bool
    public var validUntil: Day?
}

/// `exemption.lift`
public struct ExemptionLift: Sendable {
    public enum Actor: String, CaseIterable, Sendable { case citizen, authority, representative }
    public var municipality: Municipality?
    public var journal: String?
    public var by: Actor?
}

/// `exemption.correct`: the citizen was exempted by mistake.
public struct ExemptionCorrect: Sendable {
    public var municipality: Municipality?
    public var journal: String?
    public var caseworker: String?
}

/// `readaccess.grant` and `readaccess.withdraw`
public struct ReadAccessCommand: Sendable {
    public var holder: Party?
    public var journal: String?
    public var caseworker: String?
    public var validUntil: Day?
}

/// `mailbox.enrol`
public struct MailboxEnrol: Sendable {
    public enum Cause: String, CaseIterable, Sendable { case automatic, voluntary }
    public var reason: Cause?
}
