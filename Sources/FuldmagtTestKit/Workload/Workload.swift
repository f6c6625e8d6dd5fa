import FuldmagtDomain
import FuldmagtKeys
import FuldmagtRecord

/// A seeded stream of commands over test persons and made-up companies: everything producers do, and everything they do
/// wrong.
///
/// It comes in phases. Within a phase nothing depends on the order of records of different citizens or different topics:
/// citizens form circles that name only each other as representatives, and in one phase a circle's commands are all of one
/// topic. Leave to read post goes to circles with commands of another topic in that phase: who hears of it by what channel
/// does not change meanwhile. People die in phases of their own, in which none of them has named another. Between two phases
/// the system must come to rest, and the model is told the time with `advance(to:)`.
public struct Workload: Sendable {
    /// Records whose order does not matter but for that of one citizen's in one partition.
    public struct Phase: Sendable {
        /// The system's clock, and the model's, must stand here before the records are sent.
        public var start: Instant
        /// By timestamp. All stand on the same day in Copenhagen.
        public var records: [ModelRecord]
    }

    /// Which of the rarer things to include.
    public struct Options: Sendable {
        /// Phases after the first two, which tell where citizens live.
        public var phases = 24
        /// Activations that begin or end on a later day without another record.
        public var hasTimedActivations = true
        /// Moves and deaths dated ahead.
        public var hasFutureMoves = true
        /// Commands out of a thousand that are dead letters.
        public var deadLetters = 20
        /// Values of more than 1 MiB among the dead letters.
        public var hasLargeValues = true
        /// Municipalities that people live in and that offer anything; nil for all.
        public var municipalities: Int?

        public init() {}
    }

    static let circles = 6
    /// Where people live.
    var municipalities: [Municipality] {
        let all = Municipality.all.filter(\.isMunicipality)
        return Array(all.prefix(options.municipalities ?? all.count))
    }
    /// 2 March 2026, 08:00 in Copenhagen.
    static let firstInstant = Int64(1_772_434_800_000)
    static let dayLength = Int64(86_400_000)

    let seed: UInt64
    let commands: Int
    let partitions: Int32
    let keys: ClusterKey
    let options: Options
    let people: [WorkloadPerson]
    let companies: [String]

    /// - Parameters:
    ///   - citizens: test persons; a tenth as many companies are made for them to name.
    ///   - commands: about how many, dead letters and repeats included.
    ///   - keys: the cluster's, from which the ids of grants to revoke are derived.
    public init(
        seed: UInt64, citizens: Int, commands: Int, partitions: Int32, keys: ClusterKey, options: Options = Options()
    ) {
        self.seed = seed
        self.commands = commands
        self.partitions = partitions
        self.keys = keys
        self.options = options
        people = (0..<max(citizens, Self.circles * 4)).map { WorkloadPerson(index: $0) }
        companies = WorkloadPerson.companies(max(citizens / 10, Self.circles))
    }

    /// The catalogue, then all phases of commands.
    public func everything() -> [Phase] {
        let catalogue = catalogue()
        let start = Instant(milliseconds: Self.firstInstant - Self.dayLength)
        return [Phase(start: start, records: catalogue)] + phases()
    }

    /// All phases of commands, always the same for the same arguments.
    public func phases() -> [Phase] {
        var writer = WorkloadWriter(self)
        var phases = [writer.firstMoves()]
        let count = max(options.phases, 3)
        let each = max((commands - phases[0].records.count) / count, 1)
        for number in 1...count { phases.append(contentsOf: writer.phases(number: number, commands: each)) }
        return phases
    }

    /// Some people leave the country and come back, with an exemption that ends on their return. Nobody names them as
    /// representative or holder, so nothing they are told by another's command depends on when they returned.
    static func isTraveller(_ person: Int) -> Bool { person % 9 == 4 }

    /// The partition that the records of a citizen belong to.
    func partition(of digits: String) -> Int32 { Murmur2.partition(of: digits, partitions: partitions) }
}

/// A made-up person: day of birth + 60, so it can be nobody's number.
struct WorkloadPerson: Sendable {
    let digits: String
    let circle: Int
    let party: Party

    /// Every 17th is under 15, every other 17th under 18; the rest are adults.
    init(index: Int) {
        let day = index % 28 + 61
        let month = index / 28 % 12 + 1
        let serial = index / 336 % 1000
        let year: Int
        let seventh: Int
        switch index % 17 {
        case 5: (year, seventh) = (14, 4)
        case 11: (year, seventh) = (9, 4)
        default: (year, seventh) = (40 + index / 336 % 50, 1)
        }
        func padded(_ number: Int, _ width: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: width - text.utf8.count) + text
        }
        digits = padded(day, 2) + padded(month, 2) + padded(year, 2) + String(seventh) + padded(serial, 3)
        circle = index % Workload.circles
        guard let today = Day(year: 2026, month: 1, day: 1), let cpr = ModelFields.cpr(.string(digits), today: today)
        else { preconditionFailure("a made-up person has no valid number") }
        party = .person(cpr)
    }

    /// Numbers that pass the check of CVR numbers.
    static func companies(_ count: Int) -> [String] {
        var numbers: [String] = []
        for number in stride(from: 40_000_000, to: 99_999_999, by: 7) {
            if CVR(String(number)) != nil { numbers.append(String(number)) }
            if numbers.count == count { break }
        }
        return numbers
    }
}
