/// A citizen gets another CPR number, and with it another pseudonym and perhaps another shard.
public struct Renumbering: Sendable, Equatable {
    /// Who they are from then on.
    public var to: PartyReference
    public var effective: Day
    public var at: Instant
    public var cause: Cause
    /// The new number's shard has been sent all there is. From then on what arrives for the old number is passed on.
    public var isHandedOver: Bool

    public init(to: PartyReference, effective: Day, at: Instant, cause: Cause, isHandedOver: Bool) {
        self.to = to
        self.effective = effective
        self.at = at
        self.cause = cause
        self.isHandedOver = isHandedOver
    }
}

/// The whole file of a renumbered citizen on its way to the shard of the new number.
public struct Handover: Sendable, Equatable {
    /// The numbers that it has come through, at least the old one, which is the first.
    public internal(set) var passages: [Passage]
    /// It went round in a circle of numbers, and ends where it is sent now.
    public var isSentBack = false
    public var cause: Cause
    /// Time of the cause.
    public var at: Instant
    /// Set where the command has no outcome yet: it is written by the shard that takes over.
    public var outcomePosition: Position?
    /// All rows, as the store writes and reads them.
    public var rows: String

    /// - Parameter passage: from the old number.
    public init(
        _ passage: Passage, cause: Cause, at: Instant, outcomePosition: Position?, rows: String = ""
    ) {
        passages = [passage]
        self.cause = cause
        self.at = at
        self.outcomePosition = outcomePosition
        self.rows = rows
    }
}

extension Handover {
    /// A number whose file went on to a newer one.
    public struct Passage: Sendable, Equatable {
        public var number: Ident
        public var to: PartyReference
        /// When it was replaced.
        public var at: Instant
    }

    /// What becomes of a file that arrives for a number that has a newer one itself.
    public enum Way: Sendable, Equatable {
        case passOn(to: PartyReference)
        /// It goes round in a circle: somebody got an old number back. The newest number is theirs.
        case sendBack(to: PartyReference)
        /// That is this one, which is in use again.
        case takeIn
    }

    /// Whom the old number's parties were told of.
    public var to: PartyReference { passages[0].to }

    /// Arrives at a number that was replaced.
    public mutating func arrive(at citizen: Ident, replacedBy renumbering: Renumbering) -> Way {
        // Where the circle ended is in use again, unless it was and has been replaced anew since.
        let isReplacedAsBefore = passages.contains {
            $0.number == citizen && $0.to.pseudonym == renumbering.to.pseudonym && $0.at == renumbering.at
        }
        if isSentBack, isReplacedAsBefore { return .takeIn }
        isSentBack = false
        passages.append(Passage(number: citizen, to: renumbering.to, at: renumbering.at))
        guard let start = passages.firstIndex(where: { $0.number == renumbering.to.pseudonym }) else {
            return .passOn(to: renumbering.to)
        }
        // Of equal times by number, as whichever file arrives must find the same: each shard knows the passages in another
        // order.
        let newest = passages[start...].dropFirst().reduce(passages[start]) {
            ($1.at.milliseconds, $1.number) > ($0.at.milliseconds, $0.number) ? $1 : $0
        }
        guard newest.to.pseudonym != citizen else { return .takeIn }
        isSentBack = true
        return .sendBack(to: newest.to)
    }
}

/// Tells the other party of a grant, or of a read access, that somebody has another number now.
public struct NumberChange: Sendable, Equatable {
    public var former: Ident
    public var current: PartyReference

    public init(former: Ident, current: PartyReference) {
        self.former = former
        self.current = current
    }
}

/// Asked for by the shard of a number that is in use again. It goes the way of whatever was passed on from there, and comes
/// back behind it: two changes of one person's numbers may have crossed, and have left their file, or a command, on its way
/// back.
public struct Echo: Sendable, Equatable {
    /// Who asks.
    public var number: Ident
    public var shard: Int32
    /// What it is asked behind: the offset in the inbox of the number's shard of the record that had it asked.
    public var asked: Int64

    public init(number: Ident, shard: Int32, asked: Int64) {
        self.number = number
        self.shard = shard
        self.asked = asked
    }
}

/// A command as it came, kept or sent on by a worker: one that is parked, or one for an old number on its way to the shard
/// of the new one. That goes by the inbox, behind the file it is about: on its own topic it could overtake it.
public struct PassedOnCommand: Sendable, Equatable {
    public var topic: Topic
    /// Where and when it was first written.
    public var position: Position
    public var at: Instant
    /// Headers and value of the record as they came, sealed: they hold readable numbers.
    public var sealed: [UInt8]
    /// Its sender was told already that it waits.
    public var isTold: Bool

    public init(topic: Topic, position: Position, at: Instant, sealed: [UInt8], isTold: Bool = false) {
        self.topic = topic
        self.position = position
        self.at = at
        self.sealed = sealed
        self.isTold = isTold
    }
}
