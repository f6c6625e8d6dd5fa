import FuldmagtDomain

/// How a cluster stands, and what of it needs attention. Made from what the broker told; asks nobody.
public struct ClusterStatus: Sendable {
    /// One topic of a shard.
    public struct Place: Equatable, Sendable {
        public var topic: Topic
        /// Position next to read, as the group committed it; nil when it never did.
        public var committed: Int64?
        /// Offset the next record will get.
        public var end: Int64
        /// Records not processed, markers of transactions among them; 0 when there are only markers.
        public var lag: Int64
        /// Timestamp of the first record not processed; nil for none, and where it could not be read.
        public var oldest: Instant?

        public init(topic: Topic, committed: Int64?, end: Int64, lag: Int64, oldest: Instant?) {
            self.topic = topic
            self.committed = committed
            self.end = end
            self.lag = lag
            self.oldest = oldest
        }
    }

    public struct Shard: Equatable, Sendable {
        public var number: Int32
        /// The member that reads it; nil when none does, or none is told.
        public var owner: String?
        public var places: [Place]
        /// Records of this shard's topics that are among the dead letters.
        public var deadLetters: Int
        /// Commands that wait, as of the last frame that its worker published; nil where none has told.
        public var parked: Int?
        /// How many of them are revocations.
        public var parkedRevocations: Int

        public init(
            number: Int32, owner: String?, places: [Place], deadLetters: Int, parked: Int? = nil,
            parkedRevocations: Int = 0
        ) {
            self.parked = parked
            self.parkedRevocations = parkedRevocations
            self.number = number
            self.owner = owner
            self.places = places
            self.deadLetters = deadLetters
        }

        public var lag: Int64 { places.reduce(0) { $0 + $1.lag } }

        /// The first command that is not processed; records of the workers themselves do not count.
        public var oldestCommand: Instant? {
            places.filter { ![.inbox, .receipts].contains($0.topic) }.compactMap(\.oldest).min()
        }

        /// Age of the oldest record that is not processed, seconds; 0 for none.
        public func lagSeconds(at now: Instant) -> Int64 {
            guard let oldest = places.compactMap(\.oldest).min() else { return 0 }
            return max(0, (now.milliseconds - oldest.milliseconds) / 1000)
        }
    }

    public struct Member: Equatable, Sendable {
        public var name: String
        public var host: String
        public var shards: [Int32]

        public init(name: String, host: String, shards: [Int32]) {
            self.name = name
            self.host = host
            self.shards = shards
        }
    }

    public var group: String
    /// Groups of other clusters, and of other settings, that the broker knows; asked for where this one has no member.
    public var otherGroups: [String]
    /// Kafka's name of the group's state; nil when the broker does not tell of groups.
    public var state: String?
    public var members: [Member]
    public var shards: [Shard]
    /// Dead letters from elsewhere than a shard's topics: the catalogue's.
    public var otherDeadLetters: Int
    /// Whether there are more dead letters than were counted.
    public var hasMoreDeadLetters: Bool

    public init(
        group: String, state: String?, members: [Member], shards: [Shard], otherDeadLetters: Int,
        hasMoreDeadLetters: Bool, otherGroups: [String] = []
    ) {
        self.group = group
        self.otherGroups = otherGroups
        self.state = state
        self.members = members
        self.shards = shards
        self.otherDeadLetters = otherDeadLetters
        self.hasMoreDeadLetters = hasMoreDeadLetters
    }

    /// What needs somebody to look, each with what to do; empty when nothing does. Dead letters do not: they are waiting
    /// for somebody already. Parked commands are tried again by themselves, but no revocation may wait.
    /// - Parameter maximumLagSeconds: a shard that is further behind needs attention.
    public func problems(at now: Instant, maximumLagSeconds: Int64) -> [String] {
        var problems: [String] = []
        if let state {
            if members.isEmpty {
                problems.append(nobody)
            } else if state != "Stable" {
                problems.append("group \(group) is \(state): workers are joining or leaving; ask again in a minute")
            } else {
                let orphans = shards.filter { $0.owner == nil }.map { String($0.number) }
                if !orphans.isEmpty {
                    problems.append("nobody reads shards \(orphans.joined(separator: ", "))")
                }
            }
        }
        for shard in shards {
            let seconds = shard.lagSeconds(at: now)
            if seconds > maximumLagSeconds {
                problems.append(
                    "shard \(shard.number) is \(seconds) s behind (\(shard.lag) records); see its worker's /readyz and log"
                )
            }
            if shard.parkedRevocations > 0 {
                problems.append(
                    "\(shard.parkedRevocations) parked in shard \(shard.number) revoke: see fuldmagt parked list")
            }
        }
        return problems
    }

    /// A group without members may be that of a cluster which there is not.
    private var nobody: String {
        let others =
            otherGroups.isEmpty ? "" : "; the broker knows these groups too: \(otherGroups.joined(separator: ", "))"
        return
            "group \(group) has no member: no worker is running, none reaches the broker, or FULDMAGT_CLUSTER, which the group is named by, is not what the workers have\(others)"
    }

    /// Runs of numbers: `0-3, 7`.
    public static func runs(_ numbers: [Int32]) -> String {
        var runs: [ClosedRange<Int32>] = []
        for number in numbers.sorted() {
            if let last = runs.last, last.upperBound + 1 == number {
                runs[runs.count - 1] = last.lowerBound...number
            } else {
                runs.append(number...number)
            }
        }
        return runs.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
            .joined(separator: ", ")
    }
}
