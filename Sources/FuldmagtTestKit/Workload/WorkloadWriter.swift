import FuldmagtDomain
import FuldmagtKeys
import FuldmagtRecord

/// Writes a workload's phases one after another. It remembers roughly what has been done, so that most commands make
/// sense; what they come to is for the model to say.
struct WorkloadWriter {
    static let sources = [
        "urn:dk:cvr:55133018", "urn:dk:cvr:29189846:borgerservice", "urn:dk:cvr:64942212:selvbetjening",
    ]

    let workload: Workload
    let municipalities: [Municipality]
    let residents: [[Int]]
    var random: SplitMix64
    /// The timestamp of the last record.
    var clock = Workload.firstInstant
    var nextID = 0
    var nextFault = 0
    /// By person, as far as it is known here.
    var homes: [Int: Municipality] = [:]
    var lastEffective: [Int: Day] = [:]
    var issued: [Int: [Issued]] = [:]
    /// Requests that may not have been answered.
    var asked: [Int: [Issued]] = [:]
    var exempt: Set<String> = []
    /// People who have died, by index, and those whose death is to come.
    var dead: Set<Int> = []
    var doomed: [Int: Day] = [:]
    /// Who has named whom as representative, both ways.
    var links: [String: Set<String>] = [:]
    /// Whoever has been named as one.
    var named: Set<String> = []
    /// Whom requests were made for, by their ids.
    var askers: [String: Set<String>] = [:]
    /// Who may read a citizen's post, by the citizen's number.
    var holders: [String: [ModelJSON]] = [:]
    var versions: [Int: Int] = [:]
    var closed: Set<ModelOffer> = []
    /// Decided commands of earlier phases, and those of this one that may be repeated.
    var earlier: [WorkloadCommand] = []
    var current: [WorkloadCommand] = []
    var lastEarlier: [String: WorkloadCommand] = [:]
    /// Commands of this phase that may be repeated only later: where they stand, order is not kept.
    var looseOnes: [WorkloadCommand] = []
    /// Citizens with a command in this phase, and those that may have no more.
    var busy: Set<String> = []
    var alone: Set<String> = []
    var reused: Set<String> = []

    init(_ workload: Workload) {
        self.workload = workload
        random = SplitMix64(seed: workload.seed)
        municipalities = workload.municipalities
        residents = (0..<Workload.circles).map { circle in
            workload.people.indices.filter { workload.people[$0].circle == circle }
        }
    }

    var today: Day { Instant(milliseconds: clock).day }

    /// Where nearly everyone lives. One in twelve has no known residence.
    mutating func firstMoves() -> Workload.Phase {
        var records: [ModelRecord] = []
        let start = Instant(milliseconds: clock)
        for (index, person) in workload.people.enumerated() where index % 12 != 7 {
            let home = random.pick(municipalities)
            homes[index] = home
            let effective = Day(daysSince1970: 14_600 + random.below(5000))
            var data = ModelJSON.members([
                "citizen": .members(["cpr": .string(person.digits)]), "to": .string(home.description),
                "effective": .string(effective.description),
            ])
            if index % 2 == 0 { data = data.setting("registeredAt", .string("\(effective)T12:00:00Z")) }
            let command = make(.moveCommands, "move.relocate", person.digits, data)
            records.append(record(command))
            current.append(command)
        }
        endPhase()
        return Workload.Phase(start: start, records: records)
    }

    /// One phase of commands, followed now and then by one of catalogue changes.
    mutating func phases(number: Int, commands: Int) -> [Workload.Phase] {
        // Every fifth phase begins when it is already tomorrow in Copenhagen and not yet in UTC.
        let lateHour: Int64 = number % 5 == 2 ? 58_200_000 : 0
        clock = Workload.firstInstant + Int64(number * 4) * Workload.dayLength + lateHour
        var phase = Workload.Phase(start: Instant(milliseconds: clock), records: [])
        for (person, day) in doomed where day <= today {
            doomed[person] = nil
            dead.insert(person)
        }
        while phase.records.count < commands { phase.records += next(number: number) }
        endPhase()
        var phases = [phase]
        if number % 4 == 0 {
            clock += 3_600_000
            let start = Instant(milliseconds: clock)
            phases.append(Workload.Phase(start: start, records: catalogueChanges(number: number)))
        }
        if number % 3 == 1 {
            clock += 3_600_000
            let start = Instant(milliseconds: clock)
            phases.append(Workload.Phase(start: start, records: deaths()))
            endPhase()
        }
        return phases
    }

    private mutating func endPhase() {
        for command in current { lastEarlier[command.citizen] = command }
        earlier += current + looseOnes
        looseOnes = []
        if earlier.count > 20_000 { earlier.removeFirst(earlier.count - 20_000) }
        current = []
        busy = []
        alone = []
        reused = []
    }

    private mutating func next(number: Int) -> [ModelRecord] {
        let circle = random.below(Workload.circles)
        let topic: Topic = [.grantCommands, .moveCommands, .exemptionCommands][(number + circle) % 3]
        let roll = random.below(1000)
        switch roll {
        case ..<workload.options.deadLetters: return [deadLetter(circle)]
        case 900..<940: return [repeated()]
        case 940..<955: return [reusing(topic, circle)]
        case 955..<985: return [loose(topic, circle)]
        default: break
        }
        guard let command = command(topic, circle) else { return [] }
        busy.insert(command.citizen)
        current.append(command)
        let first = record(command)
        // A producer that retries at once.
        return roll >= 985 ? [first, record(command, isRespelled: roll >= 992)] : [first]
    }

    /// A command of an earlier phase again, in its own words or in others, in whatever partition.
    private mutating func repeated() -> ModelRecord {
        if !current.isEmpty, random.chance(1, of: 3) {
            return record(random.pick(current), isRespelled: random.chance(1, of: 2))
        }
        var again = record(random.pick(earlier), isRespelled: random.chance(1, of: 2))
        if random.chance(1, of: 3) { again.partition = Int32(random.below(Int(workload.partitions))) }
        return again
    }

    /// A new command under an id that has been used: by the same citizen or, elsewhere or not, by another.
    private mutating func reusing(_ topic: Topic, _ circle: Int) -> ModelRecord {
        guard var command = command(topic, circle) else { return repeated() }
        let own = lastEarlier[command.citizen]
        let used = random.chance(2, of: 3) ? own ?? random.pick(earlier) : random.pick(earlier)
        busy.insert(command.citizen)
        if reused.insert(used.source + " " + used.id).inserted {
            command.source = used.source
            command.id = used.id
        }
        return record(command)
    }

    /// A citizen's only command of the phase, in a partition that need not be the right one, under a key that need not be
    /// the citizen's, or under none.
    private mutating func loose(_ topic: Topic, _ circle: Int) -> ModelRecord {
        guard let command = command(topic, circle, mustBeFree: true) else { return repeated() }
        busy.insert(command.citizen)
        alone.insert(command.citizen)
        looseOnes.append(command)
        var record = record(command)
        record.partition = Int32(random.below(Int(workload.partitions)))
        switch random.below(4) {
        case 0: record.key = nil
        case 1: record.key = Array("not-a-number".utf8)
        case 2: record.key = []
        default: break
        }
        return record
    }

    /// A person of a circle who may have another command in this phase.
    mutating func person(_ circle: Int, mustBeFree: Bool) -> Int? {
        for _ in 0..<20 {
            let index = random.pick(residents[circle])
            // The dead give little.
            if dead.contains(index), random.chance(5, of: 6) { continue }
            let digits = workload.people[index].digits
            if mustBeFree ? !busy.contains(digits) : !alone.contains(digits) { return index }
        }
        return nil
    }

    mutating func company(_ circle: Int) -> String {
        let each = workload.companies.count / Workload.circles
        return workload.companies[random.below(each) * Workload.circles + circle]
    }

    mutating func make(_ topic: Topic, _ name: String, _ citizen: String, _ data: ModelJSON) -> WorkloadCommand {
        nextID += 1
        let id = random.chance(1, of: 20) ? "sag \"\(nextID)\"\\æøå 😀" : "\(workload.seed)-\(nextID)"
        var command = WorkloadCommand(
            topic: topic, name: name, source: random.pick(Self.sources), id: id, data: data, citizen: citizen)
        note(command)
        if random.chance(1, of: 10) { command.extensions.append(("jobid", "job-\(random.below(100))")) }
        if random.chance(1, of: 10) {
            let trace = String(random.next() | 1 << 63, radix: 16)
            command.extensions.append(("traceparent", "00-\(trace)\(trace)-\(trace)-01"))
        }
        return command
    }

    /// The record of a command, in the citizen's partition, a few milliseconds after the one before.
    mutating func record(_ command: WorkloadCommand, isRespelled: Bool = false) -> ModelRecord {
        clock += Int64(1 + random.below(3))
        let time = random.chance(4, of: 5) ? Instant(milliseconds: clock - 50).description : nil
        let data = isRespelled ? command.data.respelled(by: &random) : command.data.written
        return record(
            command, WorkloadEnvelope(command, data: data, time: time, isStructured: random.chance(1, of: 10)))
    }

    func record(_ command: WorkloadCommand, _ envelope: WorkloadEnvelope) -> ModelRecord {
        ModelRecord(
            topic: command.topic, partition: workload.partition(of: command.citizen), key: Array(command.citizen.utf8),
            headers: envelope.headers, value: envelope.value, timestamp: clock)
    }
}
