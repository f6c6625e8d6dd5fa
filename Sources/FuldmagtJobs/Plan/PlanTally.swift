import FuldmagtDomain

/// What a job comes to, counted. Holds line numbers, never a citizen.
public struct PlanTally: Equatable, Sendable {
    /// Some lines as examples, the first ones, and how many there are.
    public struct Lines: Equatable, Sendable {
        public private(set) var count = 0
        public private(set) var first: [Int] = []
        /// Lines named as examples.
        public static let exampleCount = 5

        public init() {}

        /// - Parameter times: what is counted for one line.
        public mutating func add(_ line: Int, times: Int = 1) {
            count += times
            keep(line)
        }

        mutating func add(_ other: Lines) {
            count += other.count
            for line in other.first { keep(line) }
        }

        private mutating func keep(_ line: Int) {
            if first.count == Self.exampleCount, let last = first.last, line >= last { return }
            let at = first.firstIndex { $0 >= line } ?? first.count
            guard at == first.count || first[at] != line else { return }
            first.insert(line, at: at)
            if first.count > Self.exampleCount { first.removeLast() }
        }
    }

    /// Grants of one package of citizens who live in one place once the job is done.
    public struct GrantKey: Hashable, Comparable, Sendable {
        public var package: String
        /// Nil where no residence is known, or abroad.
        public var municipality: Municipality?

        public init(package: String, municipality: Municipality?) {
            self.package = package
            self.municipality = municipality
        }

        public static func < (left: Self, right: Self) -> Bool {
            (left.package, left.municipality?.code ?? 0) < (right.package, right.municipality?.code ?? 0)
        }
    }

    /// What becomes of living grants of the citizens that a job concerns, from before its first line to after its last.
    public enum Fate: String, CaseIterable, Sendable {
        case staysActive = "stays active"
        case goesDormant = "goes dormant"
        case wakes
        case staysDormant = "stays dormant"
        case ends
        case given

        /// - Parameter before: nil where there was no such grant.
        init?(from before: GrantState?, to after: GrantState) {
            switch (before, after) {
            case (nil, .active), (nil, .dormant): self = .given
            case (.active, .active): self = .staysActive
            case (.active, .dormant): self = .goesDormant
            case (.dormant, .active): self = .wakes
            case (.dormant, .dormant): self = .staysDormant
            default:
                guard before?.isLiving == true else { return nil }
                self = .ends
            }
        }
    }

    public struct NoticeKey: Hashable, Comparable, Sendable {
        public var kind: NotificationKind
        public var channel: PostChannel

        public init(_ kind: NotificationKind, _ channel: PostChannel) {
            self.kind = kind
            self.channel = channel
        }

        public static func < (left: Self, right: Self) -> Bool {
            (left.kind.rawValue, left.channel.rawValue) < (right.kind.rawValue, right.channel.rawValue)
        }
    }

    public internal(set) var accepted = Lines()
    /// Of those accepted: what takes effect on a day to come.
    public internal(set) var later = Lines()
    /// By code: the rules say no. A line with several reasons counts at the first.
    public internal(set) var rejected: [ReasonCode: Lines] = [:]
    /// By code: the line is wrong and will not be sent.
    public internal(set) var faulty: [String: Lines] = [:]
    public internal(set) var duplicates = Lines()
    /// Decided already, in an earlier run of the same job.
    public internal(set) var decidedBefore = Lines()
    public internal(set) var grants: [GrantKey: [Fate: Lines]] = [:]
    public internal(set) var notifications: [NoticeKey: Lines] = [:]

    public init() {}

    public var rejectedCount: Int { rejected.values.reduce(0) { $0 + $1.count } }
    public var faultyCount: Int { faulty.values.reduce(0) { $0 + $1.count } }
    /// Lines that say something: all but the header and blank ones.
    public var total: Int {
        accepted.count + rejectedCount + faultyCount + duplicates.count + decidedBefore.count
    }

    public func count(of fate: Fate) -> Int { grants.values.reduce(0) { $0 + ($1[fate]?.count ?? 0) } }

    /// Adds what other lines come to.
    mutating func add(_ other: PlanTally) {
        func both(_ one: Lines, _ other: Lines) -> Lines {
            var sum = one
            sum.add(other)
            return sum
        }
        accepted.add(other.accepted)
        later.add(other.later)
        duplicates.add(other.duplicates)
        decidedBefore.add(other.decidedBefore)
        rejected.merge(other.rejected, uniquingKeysWith: both)
        faulty.merge(other.faulty, uniquingKeysWith: both)
        notifications.merge(other.notifications, uniquingKeysWith: both)
        grants.merge(other.grants) { $0.merging($1, uniquingKeysWith: both) }
    }
}
