import FuldmagtDomain
import FuldmagtKeys

/// A seeded stream of commands over a few people whose CPR numbers are replaced by one another again and again, many of these
/// changes under way at once, while they give somebody powers and take them back under any of the numbers.
///
/// What each command comes to depends on the order in which shards are worked on; whatever that is, what `CrossingWorkload`
/// knows of its commands must hold: see `Sent`.
public struct CrossingWorkload {
    /// A command that was written.
    public struct Sent: Sendable {
        public enum Body: Sendable {
            /// What it brought about must not live where a `take` of the same number and package follows.
            case give(package: String)
            case take(package: String)
            case renumber
            /// After which nothing that the holder has lives.
            case holderDies
        }
        public let id: String
        /// The number whose partition it was written to; a holder's for their death.
        public let number: String
        /// Whom powers are given to. They have one number for life.
        public let holder: String
        public let body: Body
    }

    private struct Person {
        let numbers: [String]
        let holder: String
        var hasHolderDied = false
    }

    private static let people = 3
    private static let numbersEach = 3

    /// In the order written.
    public private(set) var sent: [Sent] = []
    private let workload: Workload
    private var people: [Person]
    private var random: SplitMix64

    /// - Parameters:
    ///   - partitions: of the topics.
    ///   - keys: the cluster's.
    public init(seed: UInt64, partitions: Int32, keys: ClusterKey) {
        random = SplitMix64(seed: seed)
        workload = Workload(
            seed: seed, citizens: Self.people * (Self.numbersEach + 1), commands: 0, partitions: partitions, keys: keys)
        // None of the young: those may give nothing.
        var numbers = (0...).lazy.filter { ![5, 11].contains($0 % 17) }.map { WorkloadPerson(index: $0).digits }
            .makeIterator()
        func next() -> String { numbers.next() ?? "" }
        people = (0..<Self.people).map { _ in
            Person(numbers: (0..<Self.numbersEach).map { _ in next() }, holder: next())
        }
    }

    /// The catalogue, then so many more, each on a day of its own.
    public mutating func phases(_ count: Int) -> [Workload.Phase] {
        [workload.smallCatalogue(activatedIn: workload.municipalities[0])]
            + (0..<count).map { day in
                let start = Workload.firstInstant + Int64(day) * Workload.dayLength
                return Workload.Phase(start: Instant(milliseconds: start), records: commands(from: start))
            }
    }

    private mutating func commands(from start: Int64) -> [ModelRecord] {
        var clock = start
        return (0..<6 + random.below(16)).map { _ in
            // Two partitions may get records of one moment.
            clock += Int64(random.below(3))
            return command(of: random.below(people.count), at: clock)
        }
    }

    private mutating func command(of place: Int, at time: Int64) -> ModelRecord {
        let person = people[place]
        let number = random.pick(person.numbers)
        let package = Workload.package(35)
        func party(_ digits: String) -> ModelJSON { .members(["cpr": .string(digits)]) }
        let parties = ModelJSON.members([
            "grantor": party(number), "representative": party(person.holder), "packages": .array([.string(package)]),
        ])
        let day = Instant(milliseconds: time).day
        switch random.below(40) {
        case ..<12:
            let data = parties.setting("validUntil", .string(day.adding(days: 900).description))
                .setting("channel", .string("digital"))
            return record("grant.issue", number, place, .give(package: package), data, at: time)
        case ..<24:
            let data = parties.setting("by", .string("grantor"))
            return record("grant.revoke", number, place, .take(package: package), data, at: time)
        case 24 where !person.hasHolderDied:
            people[place].hasHolderDied = true
            return record(
                "move.decease", person.holder, place, .holderDies,
                .members(["citizen": party(person.holder), "effective": .string(day.description)]), at: time)
        default:
            let other = random.pick(person.numbers.filter { $0 != number })
            return record(
                "move.renumber", number, place, .renumber,
                .members([
                    "citizen": party(number), "newCpr": .string(other),
                    "effective": .string(day.adding(days: -random.below(3)).description),
                ]), at: time)
        }
    }

    private mutating func record(
        _ name: String, _ number: String, _ place: Int, _ body: Sent.Body, _ data: ModelJSON, at time: Int64
    ) -> ModelRecord {
        let id = "x\(sent.count + 1)"
        sent.append(Sent(id: id, number: number, holder: people[place].holder, body: body))
        return workload.plainRecord(name, id: id, citizen: number, data, at: time)
    }
}
