import FuldmagtDomain

/// Why a command is rejected. The order of reasons does not matter, so they are compared as sets.
public struct ExpectedReason: Hashable, Sendable, CustomStringConvertible {
    public var code: String
    public var field: String

    public init(_ code: String, _ field: String) {
        self.code = code
        self.field = field
    }

    public var description: String { "\(code) \(field)" }
}

/// A grant as an outcome lists it.
public struct ExpectedGrant: Hashable, Sendable {
    /// UUID text.
    public var id: String
    public var package: String
    public var state: String
    public var version: Int
    /// `YYYY-MM-DD`.
    public var validUntil: String
}

/// One record on the outcomes topic.
public struct ExpectedOutcome: Hashable, Sendable {
    public var source: String
    public var id: String
    /// `ce_type` of the command or catalogue record.
    public var type: String
    /// `accepted` or `rejected`.
    public var status: String
    public var reasons: Set<ExpectedReason>
    public var grants: [ExpectedGrant]
    /// The command's own record time, in milliseconds.
    public var decidedAt: Int64
    /// Extension headers to be copied: `ce_jobid` and the like.
    public var extensions: [String: String]
}

/// One record on the dead-letters topic.
public struct ExpectedDeadLetter: Hashable, Sendable {
    public var reason: String
    public var topic: Topic
    public var key: [UInt8]?
    public var value: [UInt8]?
}

/// One record on the notifications topic.
public struct ExpectedNotification: Hashable, Sendable {
    /// UUID text. A cancelled notification keeps the id it had.
    public var id: String
    public var kind: String
    /// What it was before it was cancelled; else nil.
    public var cancelledKind: String?
    /// CPR or CVR number.
    public var recipient: String
    /// `digital-post` or `letter`.
    public var channel: String
    /// A second record of the same kind, which has it sent by letter instead.
    public var isRerouted = false
    /// UUID text; nil when it is about no grant.
    public var grant: String?
    /// The cause's own id for the citizen, its masked id for anyone else.
    public var cause: String
    /// The cause's type; nil for anyone but the citizen, who is told only the id.
    public var causeType: String?
    /// The cause's record time, in milliseconds; the timer's where a day brought it about.
    public var createdAt: Int64
    /// Extension headers to be copied: for anyone but the citizen only `ce_traceparent`.
    public var extensions: [String: String]
}
