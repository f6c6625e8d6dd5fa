import FuldmagtDomain
import FuldmagtKeys
import FuldmagtRecord

/// What the whole system should do with some records: written from the contract of the topics, one record at a time, with
/// everything in memory and nothing clever. It knows no shards beyond the scope of command ids, no inbox and no batches:
/// what the system brings about by messages between shards happens here at once.
///
/// - Only what the contract promises is modelled, so a test compares reasons as sets and ignores the order of records of
///   different citizens.
/// - Time comes with the records and with `advance(to:)`, which does what is due on a day.
public struct NaiveModel {
    let keys: ClusterKey
    let settings: Settings

    /// In the order decided.
    public internal(set) var outcomes: [ExpectedOutcome] = []
    public internal(set) var deadLetters: [ExpectedDeadLetter] = []
    /// In the order told, cancelled ones among them.
    public internal(set) var notifications: [ExpectedNotification] = []

    var citizens: [Party: ModelCitizen] = [:]
    var packages: [String: ModelPackage] = [:]
    /// By municipality and package, then by it-system.
    var activations: [ModelOffer: [String: ModelActivation]] = [:]
    /// The catalogue record that last touched what a municipality offers.
    var offerCauses: [ModelOffer: ModelCause] = [:]
    /// The municipalities of authorities, by CVR number.
    var homes: [String: Municipality] = [:]
    /// The tombstones of packages that are not there any more.
    var removals: [String: ModelCause] = [:]
    /// Places in `notifications` of those about a grant that may yet be cancelled.
    var cancellable: [Ident: [Int]] = [:]
    /// When a notification was cancelled, by its id.
    var cancelledAt: [String: Int64] = [:]
    /// Ids of notifications to somebody about another citizen's affair.
    var representativesOwn: Set<String> = []
    /// What has happened to notifications on their way, by their ids.
    var posts: [String: ModelPost] = [:]
    var earlyReceipts: [ModelEarlyReceipt] = []
    /// The last day that was brought about for everybody.
    var lastDay: Day?
    /// Where workers' clocks stand still while days pass with the records: the day that they have come to.
    public var lookedThrough: Day?
    /// What was decided under an id, so that a repeat is known.
    private var processed: [ProcessedID: String] = [:]

    private struct ProcessedID: Hashable {
        /// Nil for the catalogue.
        var shard: Int32?
        var source: String
        var id: String
    }

    public init(keys: ClusterKey, settings: Settings) {
        self.keys = keys
        self.settings = settings
    }

    /// Whether a day has not been looked through as a command is decided: what takes effect on it is looked at again then.
    func isToCome(_ day: Day, at command: ModelCommand) -> Bool {
        day > min(command.today, lookedThrough ?? command.today)
    }

    /// Takes one record, as if it stood in the right partition.
    public mutating func take(_ record: ModelRecord) {
        if record.topic == .catalogue, record.value == nil {
            removeFromCatalogue(record)
            return
        }
        do {
            if record.topic == .receipts {
                try takeReceipt(record)
            } else {
                try decide(try ModelCommand(record))
            }
        } catch {
            deadLetters.append(
                ExpectedDeadLetter(
                    reason: error.reason, topic: record.topic, key: record.key, value: record.value))
        }
    }

    private mutating func decide(_ command: ModelCommand) throws(ModelDeadLetter) {
        let member = Self.citizenMember(of: command.name)
        var citizen: Party?
        if let member {
            citizen = ModelFields.citizen(command.data[member], today: command.today)
            if citizen == nil { throw ModelDeadLetter(reason: "invalid-citizen") }
        }
        let id = ProcessedID(
            shard: citizen.map { Murmur2.partition(of: $0.digits, partitions: settings.partitions) },
            source: command.cause.source, id: command.cause.id)
        let content = command.cause.type + " " + command.data.canonical
        if let earlier = processed[id] {
            if earlier != content { throw ModelDeadLetter(reason: "id-reused") }
            return
        }
        processed[id] = content

        var fields = ModelFields(data: command.data, today: command.today)
        guard let member, let citizen else {
            applyCatalogue(command, &fields)
            answer(command, reasons: fields.reasons, grants: [])
            return
        }
        checkCitizen(citizen, member, command.name, &fields)
        checkAlive(citizen, command.name, &fields)
        let grants =
            switch command.name {
            case "grant.issue": issue(command, grantor: citizen, &fields)
            case "grant.request": request(command, grantor: citizen, &fields)
            case "grant.approve": approve(command, grantor: citizen, &fields)
            case "grant.decline": decline(command, grantor: citizen, &fields)
            case "grant.revoke": revoke(command, grantor: citizen, &fields)
            case "grant.renew": renew(command, grantor: citizen, &fields)
            case "grant.correct": correct(command, grantor: citizen, &fields)
            case "move.relocate", "move.emigrate", "move.immigrate": move(command, citizen: citizen, &fields)
            case "move.decease": decease(command, citizen: citizen, &fields)
            case "move.correct": correctDeath(command, citizen: citizen, &fields)
            case "exemption.register": register(command, citizen: citizen, &fields)
            case "exemption.lift": lift(command, citizen: citizen, &fields)
            case "exemption.correct": correctExemption(command, citizen: citizen, &fields)
            case "readaccess.grant": grantReadAccess(command, citizen: citizen, &fields)
            case "readaccess.withdraw": withdrawReadAccess(command, citizen: citizen, &fields)
            default: enrol(command, citizen: citizen, &fields)
            }
        answer(command, reasons: fields.reasons, grants: grants)
        // Told late, as of a day that is over: what has been brought about for others since holds for this citizen too.
        if let lastDay, command.today < lastDay, fields.reasons.isEmpty {
            bringAbout(lastDay, for: citizen, at: Instant(milliseconds: command.cause.at))
        }
    }

    /// The day by which somebody is known to be dead.
    func present(_ day: Day) -> Day { lastDay.map { max($0, day) } ?? day }

    /// The member of the data that says whose state changes; nil for catalogue records.
    private static func citizenMember(of name: String) -> String? {
        switch name.split(separator: ".")[0] {
        case "grant": "grantor"
        case "move", "exemption", "readaccess", "mailbox": "citizen"
        default: nil
        }
    }

    /// A company cannot give or move; a test person is admitted only where the settings say so.
    private func checkCitizen(_ citizen: Party, _ member: String, _ name: String, _ fields: inout ModelFields) {
        switch citizen {
        case .person(let cpr):
            if cpr.isTestPerson && !settings.admitsTestPersons { fields.fault("test-person", "\(member).cpr") }
        case .company:
            if name.hasPrefix("grant.") || name.hasPrefix("move.") { fields.fault("missing-field", "\(member).cpr") }
        }
    }

    private mutating func answer(_ command: ModelCommand, reasons: Set<ExpectedReason>, grants: [ExpectedGrant]) {
        outcomes.append(
            ExpectedOutcome(
                source: command.cause.source, id: command.cause.id, type: command.cause.type,
                status: reasons.isEmpty ? "accepted" : "rejected", reasons: reasons,
                grants: reasons.isEmpty ? grants : [], decidedAt: command.cause.at,
                extensions: command.cause.extensions))
    }

    /// Changes one citizen's state, which starts empty.
    mutating func change(_ party: Party, _ body: (inout ModelCitizen) -> Void) {
        body(&citizens[party, default: ModelCitizen()])
    }

    /// Whether a municipality offers a package on a day.
    func isOffered(_ package: String, in municipality: Municipality, on day: Day) -> Bool {
        let offer = ModelOffer(municipality: municipality, package: package)
        return packages[package] != nil && activations[offer]?.values.contains { $0.covers(day) } == true
    }
}
