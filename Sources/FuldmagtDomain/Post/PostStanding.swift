/// How far a notification is on its way to the recipient.
public enum PostState: String, CaseIterable, Sendable {
    /// Written, and no transport has said that it has it.
    case queued
    /// A transport has it.
    case submitted
    /// The transport has taken responsibility for it. That is not delivery.
    case accepted
    case delivered
    /// A caseworker has to see to it.
    case task
    /// Withdrawn before any transport had it.
    case cancelled
    /// The recipient is dead, or what it tells of has been taken back meanwhile.
    case undeliverable

    /// Nothing is waited for any more.
    public var isFinal: Bool {
        switch self {
        case .queued, .submitted, .accepted: false
        case .delivered, .task, .cancelled, .undeliverable: true
        }
    }
}

/// What a transport says happened.
public enum ReceiptStatus: String, CaseIterable, Sendable {
    case submitted, accepted, delivered, failed, returned
}

/// What moves a notification on its way.
public enum PostEvent: Hashable, Sendable {
    case receipt(PostChannel, ReceiptStatus)
    /// The recipient is exempt from Digital Post now.
    case exempted
    /// No receipt has come for too long.
    case overdue
    /// What it was about has been taken back.
    case cancelled

    /// As the timeline shows it.
    public var name: String {
        switch self {
        case .receipt(_, let status): status.rawValue
        case .exempted: "exempted"
        case .overdue: "overdue"
        case .cancelled: "cancelled"
        }
    }

    /// Whether it may end one way of telling the recipient, so that another would follow.
    public var mayGiveUp: Bool {
        switch self {
        case .receipt(_, .failed), .receipt(_, .returned), .overdue: true
        case .receipt, .exempted, .cancelled: false
        }
    }

    public var transport: PostChannel? { if case .receipt(let transport, _) = self { transport } else { nil } }
}

/// Where a notification stands: by which channel, and how far. It starts as queued for its channel and ends in one of:
/// delivered (Digital Post), delivered (letter), task, cancelled, undeliverable.
///
/// Each event names a place, and a notification moves only to a later place, so receipts may come late, twice and in any
/// order: where it ends is the latest place any of them names. The places in order:
///
///     Digital Post   1 queued   2 submitted   3 accepted                                    9 delivered
///     letter         4 queued   5 submitted   6 accepted   7 delivered
///     either         8 task, undeliverable                                                 10 cancelled
///
/// | event | by Digital Post | by letter |
/// |---|---|---|
/// | receipt `submitted`, `accepted`, `delivered` | 2, 3, 9 | 5, 6, 7 |
/// | receipt `failed`, `returned` | 4: again as a letter | 8: task `letter-failed`, `letter-returned` |
/// | overdue, unless it has ended | 4: again as a letter | 8: task `no-receipt` |
/// | exempted, while queued | 4: again as a letter | – |
/// | cancelled, while queued | 10 | 10 |
///
/// For a dead recipient what would be a letter again, or a task, is 8, undeliverable: nobody has to act for the dead, whose
/// grants have ended and whose counterparts are told. The same once the grant it tells of has been revoked or has ended:
/// nobody is told of a grant that they have no more, but that they have it no more.
///
/// What follows from the order:
/// - A letter that is handed to the postal service and comes back is a task, whichever receipt is first.
/// - Digital Post that is delivered after all wins over the letter that followed it, and over its task; a letter that is
///   already on its way is not stopped.
/// - What is cancelled stays so. A receipt for it is noted: it was sent before the withdrawal was seen.
/// - Lifting an exemption moves nothing: a letter is not pulled back.
/// - Order decides only between a cancellation and the first receipt, and between a task and a death.
public struct PostStanding: Hashable, Sendable {
    public var channel: PostChannel
    public var state: PostState

    public init(_ channel: PostChannel, _ state: PostState) {
        self.channel = channel
        self.state = state
    }

    private var place: Int {
        switch (channel, state) {
        case (.digitalPost, .queued): 1
        case (.digitalPost, .submitted): 2
        case (.digitalPost, .accepted): 3
        case (.letter, .queued): 4
        case (.letter, .submitted): 5
        case (.letter, .accepted): 6
        case (.letter, .delivered): 7
        case (_, .task), (_, .undeliverable): 8
        case (.digitalPost, .delivered): 9
        case (_, .cancelled): 10
        }
    }

    /// Where it stands after an event.
    /// - Parameter isMoot: whether the recipient is dead, or what it tells of has been taken back.
    public func after(_ event: PostEvent, isMoot: Bool) -> PostStanding {
        let named = named(by: event, isMoot: isMoot)
        return named.place > place ? named : self
    }

    private func named(by event: PostEvent, isMoot: Bool) -> PostStanding {
        switch event {
        case .receipt(let transport, .submitted): PostStanding(transport, .submitted)
        case .receipt(let transport, .accepted): PostStanding(transport, .accepted)
        case .receipt(let transport, .delivered): PostStanding(transport, .delivered)
        case .receipt(let transport, .failed), .receipt(let transport, .returned):
            // What follows from Digital Post failing has happened where it is a letter by now.
            transport == .digitalPost && channel == .letter ? self : Self.givenUp(by: transport, isMoot: isMoot)
        case .overdue: state.isFinal ? self : Self.givenUp(by: channel, isMoot: isMoot)
        case .exempted: channel == .digitalPost && state == .queued ? PostStanding(.letter, .queued) : self
        case .cancelled: state == .queued ? PostStanding(channel, .cancelled) : self
        }
    }

    private static func givenUp(by transport: PostChannel, isMoot: Bool) -> PostStanding {
        if isMoot { return PostStanding(transport, .undeliverable) }
        return transport == .digitalPost ? PostStanding(.letter, .queued) : PostStanding(.letter, .task)
    }

    /// What others have to be told when it moves here.
    /// - Parameters:
    ///   - event: that moved it.
    ///   - former: where it stood.
    public func consequence(of event: PostEvent, from former: PostStanding) -> Consequence? {
        guard self != former else { return nil }
        switch state {
        case .queued: return former.channel == .digitalPost ? .sendAsLetter : nil
        case .task:
            switch event {
            case .receipt(_, .returned): return .task(.letterReturned)
            case .receipt: return .task(.letterFailed)
            case .exempted, .overdue, .cancelled: return .task(.noReceipt)
            }
        case .undeliverable: return former.state == .queued ? .withdraw : nil
        case .submitted, .accepted, .delivered, .cancelled: return nil
        }
    }

    public enum Consequence: Hashable, Sendable {
        /// The same notification once more, by letter.
        case sendAsLetter
        case task(TaskReason)
        /// No transport has it, and none is to have it.
        case withdraw
    }
}

/// How long receipts may stay away, seconds; nil: for ever.
public struct ReceiptPatience: Sendable, Equatable {
    /// Until a transport has it. The longest, as those who send may be down for days.
    public var queued: Int64?
    /// By Digital Post, after it was submitted and after it was accepted.
    public var submitted: Int64?
    public var accepted: Int64?
    /// By letter, the same.
    public var letterSubmitted: Int64?
    public var letterAccepted: Int64?
    /// Until a receipt's notification is known; then the receipt is a dead letter.
    public var unknown: Int64

    private static let day: Int64 = 86_400
    /// How far back unsent Digital Post is looked for when a citizen becomes exempt and nothing else is set.
    private static let recall = 14 * day

    public init(
        queued: Int64? = 14 * 86_400, submitted: Int64? = 86_400, accepted: Int64? = 3 * 86_400,
        letterSubmitted: Int64? = 7 * 86_400, letterAccepted: Int64? = 14 * 86_400, unknown: Int64 = 86_400
    ) {
        self.queued = queued
        self.submitted = submitted
        self.accepted = accepted
        self.letterSubmitted = letterSubmitted
        self.letterAccepted = letterAccepted
        self.unknown = unknown
    }

    /// Nothing is ever overdue.
    public static let endless = ReceiptPatience(
        queued: nil, submitted: nil, accepted: nil, letterSubmitted: nil, letterAccepted: nil)

    /// When it is too long that nothing has come since a moment; nil where nothing is waited for.
    public func due(_ standing: PostStanding, since moment: Instant) -> Instant? {
        let seconds: Int64?
        switch (standing.channel, standing.state) {
        case (_, .queued): seconds = queued
        case (.digitalPost, .submitted): seconds = submitted
        case (.digitalPost, .accepted): seconds = accepted
        case (.letter, .submitted): seconds = letterSubmitted
        case (.letter, .accepted): seconds = letterAccepted
        case (_, .delivered), (_, .task), (_, .cancelled), (_, .undeliverable): seconds = nil
        }
        return seconds.map { moment.adding(seconds: $0) }
    }

    /// Before this moment nothing that seems unsent is taken back: it would be overdue already, and where receipts are not
    /// read it has long been sent.
    public func recallsSince(_ now: Instant) -> Instant { now.adding(seconds: -(queued ?? Self.recall)) }
}
