import FuldmagtDomain
import FuldmagtKeys
import FuldmagtRecord

/// A seeded stream of commands over a few people who get new CPR numbers, and now and then an old one back, while they go on
/// giving each other grants, moving and becoming exempt, under whichever of their numbers a producer knows.
///
/// People form circles that name only each other. In a phase a circle has the commands of one citizen, all on one topic, so
/// nothing depends on the order in which shards are worked on; between two phases the system must come to rest. Two changes
/// of one person's numbers are never under way at once. In the first circle changes of number may be told ahead, and nothing
/// else is: what comes first on a day, nobody promises.
public struct RenumberingWorkload {
    private struct Person {
        /// Whose they may be in the course of time.
        let numbers: [String]
        /// The number they have now.
        var current = 0
        /// The one they had before.
        var former: Int?
        /// The day on which a new number is theirs, and which.
        var coming: (day: Day, number: Int)?
        var isDead = false
        /// Grants given: to whom, by place in the circle, and which package.
        var given: [(to: Int, package: String)] = []
        /// Requests that were not answered, by their command ids.
        var asked: [(id: String, to: Int, package: String)] = []
    }

    private static let circles = 4
    /// The one in which changes of number are told ahead; nil for none.
    private let foresighted: Int?
    private static let perCircle = 3
    private static let numbersEach = 3

    private let workload: Workload
    private let municipalities: [Municipality]
    private var people: [[Person]]
    private var random: SplitMix64
    private var clock = Workload.firstInstant
    private var nextID = 0

    /// - Parameters:
    ///   - partitions: of the topics.
    ///   - keys: the cluster's.
    ///   - tellsAhead: whether changes of number may be told ahead: not where something else may be due on such a day.
    public init(seed: UInt64, partitions: Int32, keys: ClusterKey, tellsAhead: Bool) {
        random = SplitMix64(seed: seed)
        foresighted = tellsAhead ? 0 : nil
        workload = Workload(
            seed: seed, citizens: Self.circles * Self.perCircle * Self.numbersEach, commands: 0, partitions: partitions,
            keys: keys)
        municipalities = Array(workload.municipalities.prefix(2))
        // None of the young: those may give nothing.
        var numbers = (0...).lazy.filter { ![5, 11].contains($0 % 17) }.map { WorkloadPerson(index: $0).digits }
            .makeIterator()
        people = (0..<Self.circles).map { _ in
            (0..<Self.perCircle).map { _ in Person(numbers: (0..<Self.numbersEach).compactMap { _ in numbers.next() }) }
        }
    }

    /// The catalogue, a phase in which everybody moves somewhere, then so many more.
    public mutating func phases(_ count: Int) -> [Workload.Phase] {
        var phases = [workload.smallCatalogue(activatedIn: municipalities[0]), firstMoves()]
        var day: Int64 = 0
        var isLater = false
        for _ in 0..<count {
            // On each day one phase, or a second one an hour later.
            isLater = !isLater && random.chance(1, of: 3)
            if !isLater { day += 1 }
            clock = Workload.firstInstant + day * Workload.dayLength + (isLater ? 3_600_000 : 0)
            let start = Instant(milliseconds: clock)
            for (circle, place) in everybody {
                guard let coming = people[circle][place].coming, coming.day <= start.day else { continue }
                people[circle][place].coming = nil
                take(coming.number, circle, place)
            }
            var records: [ModelRecord] = []
            for circle in 0..<Self.circles where random.chance(4, of: 5) { records += commands(circle) }
            phases.append(Workload.Phase(start: start, records: records.sorted { $0.timestamp < $1.timestamp }))
        }
        return phases
    }

    private var everybody: [(circle: Int, place: Int)] {
        people.indices.flatMap { circle in people[circle].indices.map { (circle, $0) } }
    }

    private mutating func firstMoves() -> Workload.Phase {
        let start = Instant(milliseconds: clock)
        let records = everybody.map { record("move.relocate", $0, relocation($0.circle, $0.place)) }
        return Workload.Phase(start: start, records: records)
    }

    // MARK: Commands

    /// The commands of one person of a circle.
    private mutating func commands(_ circle: Int) -> [ModelRecord] {
        let place = random.below(Self.perCircle)
        let other = (place + 1 + random.below(Self.perCircle - 1)) % Self.perCircle
        let one = (circle, place)
        switch random.below(24) {
        case ..<9: return [give(circle, place, to: other)]
        case ..<12: return [revoke(circle, place)]
        case 12: return [ask(circle, place, to: other)]
        case 13: return [answer(circle, place)]
        case 14: return [record("move.relocate", one, relocation(circle, place))]
        case 15: return [exemption(circle, place)]
        case 16: return [readAccess(circle, place, to: other)]
        case 17 where random.chance(1, of: 3): return [death(circle, place)]
        default: return renumber(circle, place)
        }
    }

    private mutating func give(_ circle: Int, _ place: Int, to other: Int) -> ModelRecord {
        let package = random.pick(Workload.smallPackages)
        people[circle][place].given.append((other, package))
        return record("grant.issue", (circle, place), grant(circle, place, to: other, package))
    }

    private mutating func grant(_ circle: Int, _ place: Int, to other: Int, _ package: String) -> ModelJSON {
        let end = Instant(milliseconds: clock).day.adding(
            days: circle != foresighted && random.chance(1, of: 4) ? random.below(40) : 900)
        return .members([
            "grantor": party(circle, place), "representative": party(circle, other),
            "packages": .array([.string(package)]), "validUntil": .string(end.description),
            "channel": .string("digital"),
        ])
    }

    private mutating func revoke(_ circle: Int, _ place: Int) -> ModelRecord {
        guard let given = people[circle][place].given.last else {
            return record("move.relocate", (circle, place), relocation(circle, place))
        }
        if random.chance(3, of: 4) { people[circle][place].given.removeLast() }
        return record(
            "grant.revoke", (circle, place),
            .members([
                "grantor": party(circle, place), "representative": party(circle, given.to),
                "packages": .array([.string(given.package)]),
                "by": .string(random.pick(["grantor", "representative", "authority"])),
            ]))
    }

    private mutating func ask(_ circle: Int, _ place: Int, to other: Int) -> ModelRecord {
        let package = random.pick(Workload.smallPackages)
        let data = grant(circle, place, to: other, package)
        people[circle][place].asked.append(("r\(nextID + 1)", other, package))
        return record("grant.request", (circle, place), data)
    }

    private mutating func answer(_ circle: Int, _ place: Int) -> ModelRecord {
        guard let asked = people[circle][place].asked.popLast() else {
            return exemption(circle, place)
        }
        let isApproved = random.chance(3, of: 4)
        if isApproved { people[circle][place].given.append((asked.to, asked.package)) }
        return record(
            isApproved ? "grant.approve" : "grant.decline", (circle, place),
            .members([
                "grantor": party(circle, place), "request": .string(asked.id), "channel": .string("digital"),
            ]))
    }

    private mutating func relocation(_ circle: Int, _ place: Int) -> ModelJSON {
        let isAhead = circle != foresighted && random.chance(1, of: 5)
        let day = Instant(milliseconds: clock).day.adding(days: isAhead ? 2 : -random.below(400))
        return .members([
            "citizen": party(circle, place), "to": .string(random.pick(municipalities).description),
            "effective": .string(day.description),
        ])
    }

    private mutating func exemption(_ circle: Int, _ place: Int) -> ModelRecord {
        if random.chance(1, of: 3) {
            return record(
                "exemption.lift", (circle, place),
                .members(["citizen": party(circle, place), "by": .string("citizen")]))
        }
        return record(
            "exemption.register", (circle, place),
            .members([
                "citizen": party(circle, place), "municipality": .string(random.pick(municipalities).description),
                "form": .string("FD 001A"), "journal": .string("FD-\(random.below(1000))"),
                "caseworker": .string("c1"), "requestedBy": .string("guardian"), "appearedInPerson": .bool(false),
            ]))
    }

    private mutating func readAccess(_ circle: Int, _ place: Int, to other: Int) -> ModelRecord {
        record(
            random.chance(2, of: 3) ? "readaccess.grant" : "readaccess.withdraw", (circle, place),
            .members([
                "citizen": party(circle, place), "holder": party(circle, other), "journal": .string("L-1"),
                "caseworker": .string("c1"),
            ]))
    }

    private mutating func death(_ circle: Int, _ place: Int) -> ModelRecord {
        let isMistake = people[circle][place].isDead
        people[circle][place].isDead = !isMistake
        var data = ModelJSON.members(["citizen": party(circle, place)])
        if isMistake {
            data = data.setting("journal", .string("M-1")).setting("enteredByMistake", .bool(true))
        } else {
            data = data.setting("effective", .string(Instant(milliseconds: clock).day.description))
        }
        return record(isMistake ? "move.correct" : "move.decease", (circle, place), data)
    }

    // MARK: Numbers

    /// A new number, and now and then commands for the old one around it, or the same told once more.
    private mutating func renumber(_ circle: Int, _ place: Int) -> [ModelRecord] {
        let person = people[circle][place]
        guard person.coming == nil else { return [record("move.relocate", (circle, place), relocation(circle, place))] }
        let number = random.pick((0..<Self.numbersEach).filter { $0 != person.current })
        let today = Instant(milliseconds: clock).day
        let isAhead = circle == foresighted && random.chance(2, of: 3)
        let effective = today.adding(days: isAhead ? 1 + random.below(3) : -random.below(3))
        let old = person.numbers[person.current]
        let data = ModelJSON.members([
            "citizen": .members(["cpr": .string(old)]), "newCpr": .string(person.numbers[number]),
            "effective": .string(effective.description),
        ])
        func move() -> ModelRecord {
            record(
                "move.relocate", old,
                relocation(circle, place).setting("citizen", .members(["cpr": .string(old)])))
        }
        var records: [ModelRecord] = []
        // One that may have to wait for the catalogue has the change of number wait behind it, and what comes after that.
        if random.chance(1, of: 2) { records.append(move()) }
        records.append(record("move.renumber", old, data))
        if random.chance(1, of: 2) { records.append(move()) }
        if random.chance(1, of: 5) { records.append(record("move.renumber", old, data)) }
        if effective > today {
            people[circle][place].coming = (effective, number)
        } else {
            take(number, circle, place)
        }
        return records
    }

    private mutating func take(_ number: Int, _ circle: Int, _ place: Int) {
        people[circle][place].former = people[circle][place].current
        people[circle][place].current = number
    }

    /// A number that somebody is known by: the one they have, or the one before.
    private mutating func digits(_ circle: Int, _ place: Int) -> String {
        let person = people[circle][place]
        guard let former = person.former, random.chance(1, of: 3) else { return person.numbers[person.current] }
        return person.numbers[former]
    }

    private mutating func party(_ circle: Int, _ place: Int) -> ModelJSON {
        .members(["cpr": .string(digits(circle, place))])
    }

    // MARK: Records

    private mutating func record(_ name: String, _ one: (circle: Int, place: Int), _ data: ModelJSON) -> ModelRecord {
        let citizen = data[name.hasPrefix("grant.") ? "grantor" : "citizen"]?["cpr"]?.text
        return record(name, citizen ?? digits(one.circle, one.place), data)
    }

    /// - Parameter citizen: the number that the command names.
    private mutating func record(_ name: String, _ citizen: String, _ data: ModelJSON) -> ModelRecord {
        clock += Int64(1 + random.below(3))
        nextID += 1
        return workload.plainRecord(name, id: "r\(nextID)", citizen: citizen, data, at: clock)
    }
}
