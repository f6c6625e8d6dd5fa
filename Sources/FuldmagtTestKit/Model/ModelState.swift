import FuldmagtDomain

/// A package as the catalogue last defined it.
struct ModelPackage {
    var version: Int
    var kind: String
    var scope: String
    var minimumAge: Int
    var representativeMinimumAge: Int
    var maxValidityDays: Int?
    var retired: Day?
}

/// A municipality and a package.
struct ModelOffer: Hashable {
    var municipality: Municipality
    var package: String
}

/// When a municipality offers a package in one it-system.
struct ModelActivation {
    var from: Day
    var until: Day?

    func covers(_ day: Day) -> Bool { from <= day && until.map { day <= $0 } ?? true }
}

struct ModelMove {
    /// `relocate`, `emigrate` or `immigrate`.
    var kind: String
    var effective: Day
    /// Nil abroad, and where nobody said.
    var municipality: Municipality?
    var from: Municipality?
    var registeredAt: Instant?
    var cause: ModelCause
}

/// A death, which may be to come, and may have been entered by mistake.
struct ModelDeath {
    var effective: Day
    var cause: ModelCause
    var corrected: (cause: ModelCause, journal: String)?

    func covers(_ day: Day) -> Bool { corrected == nil && effective <= day }
}

struct ModelExemption {
    var municipality: Municipality
    var form: String
    var journal: String
    var caseworker: String
    var requestedBy: String
    var appearedInPerson: Bool
    var departure: Bool
    var validUntil: Day?
    var cause: ModelCause
    var lifted: (cause: ModelCause, by: String, journal: String?, caseworker: String?)?

    func covers(_ day: Day) -> Bool { lifted == nil && validUntil.map { day <= $0 } ?? true }
}

struct ModelGrant {
    struct Entry {
        var state: String
        var version: Int
        var validFrom: Day
        var validUntil: Day
        var cause: ModelCause
        var by: String?
        var reason: String?
        /// How a request was declined.
        var channel: String?
    }

    var id: Ident
    var grantor: Party
    var representative: Party
    var package: String
    var packageVersion: Int
    var kind: String
    var scope: String
    var validFrom: Day
    var validUntil: Day
    var channel: String
    var journal: String?
    var caseworker: String?
    var identification: String?
    /// The command id of the request; nil when it was given without one.
    var request: String?
    /// The day an open request is open no longer.
    var lapsesOn: Day?
    /// Whether both have been reminded of the end, or it was near when it was set.
    var isReminded = false
    /// Raised by renewals and corrections.
    var version = 1
    /// What happened to it, the giving or the request first.
    var history: [Entry] = []

    var state: String { history[history.count - 1].state }
    /// How often something has happened to it since it was given or requested.
    var changes: Int { history.count - 1 }

    func isLiving(on day: Day) -> Bool { (state == "active" || state == "dormant") && validUntil >= day }

    /// Whether a request waits for its answer.
    func isAsked(on day: Day) -> Bool { state == "requested" && day < lapsesOn ?? .last }

    /// Whether the representative has ever had it.
    var wasGiven: Bool { history.contains { !["requested", "declined", "lapsed"].contains($0.state) } }

    /// What set the end that it has now.
    var endCause: ModelCause { (history.first { $0.version == version } ?? history[0]).cause }

    /// Whether a reminder of the end would come too soon after it was set.
    func isNearEnd(on day: Day) -> Bool { validUntil.adding(days: -30) <= day }

    /// Notes what has happened, with the version and dates it has now.
    mutating func enter(
        _ state: String, _ cause: ModelCause, by: String? = nil, reason: String? = nil, channel: String? = nil
    ) {
        history.append(
            Entry(
                state: state, version: version, validFrom: validFrom, validUntil: validUntil, cause: cause, by: by,
                reason: reason, channel: channel))
    }

    var expected: ExpectedGrant {
        ExpectedGrant(
            id: id.uuidText, package: package, state: state, version: version, validUntil: validUntil.description)
    }
}

/// Leave to read somebody's post.
struct ModelReadAccess {
    var holder: Party
    var journal: String?
    var caseworker: String?
    var validUntil: Day?
    var cause: ModelCause
    /// Its withdrawal, or the later one that took its place.
    var ended: (cause: ModelCause, journal: String?, caseworker: String?)?

    func covers(_ day: Day) -> Bool { ended == nil && validUntil.map { day <= $0 } ?? true }
}

/// Everything about one citizen or company.
struct ModelCitizen {
    /// In order of arrival.
    var moves: [ModelMove] = []
    /// In order of registration.
    var exemptions: [ModelExemption] = []
    /// In the order given.
    var grants: [ModelGrant] = []
    /// In the order given.
    var readAccesses: [ModelReadAccess] = []
    var deaths: [ModelDeath] = []
    /// Days to come on which something waits for the citizen.
    var due: Set<Day> = []
    /// Representatives whose death ended something that this citizen gave.
    var knownDead: Set<Party> = []
    /// The municipality its grants were last looked at for.
    var municipalityApplied: Municipality?

    /// The move that says where the citizen lives: the latest that has taken effect. Of equal dates the later
    /// registration, else the later arrival.
    func currentMove(on day: Day) -> ModelMove? {
        var current: ModelMove?
        for move in moves where move.effective <= day {
            guard let best = current else {
                current = move
                continue
            }
            if move.effective != best.effective {
                if move.effective > best.effective { current = move }
            } else if let new = move.registeredAt, let old = best.registeredAt {
                if new >= old { current = move }
            } else {
                current = move
            }
        }
        return current
    }

    /// Whether a move led back to Denmark: it says so, or the citizen lived abroad before it.
    func cameBack(by move: ModelMove) -> Bool {
        if move.kind == "immigrate" { return true }
        var before = self
        before.moves.removeAll { $0.cause.id == move.cause.id && $0.cause.source == move.cause.source }
        return move.kind == "relocate" && before.currentMove(on: move.effective)?.kind == "emigrate"
    }

    func isExempt(on day: Day) -> Bool { exemptions.contains { $0.covers(day) } }

    func isDead(on day: Day) -> Bool { deaths.last?.covers(day) ?? false }
}
