import FuldmagtBytes
import FuldmagtJSON
import FuldmagtRecord
import Testing

@testable import FuldmagtDomain

/// One citizen and the rules, without store, worker or keys: what a table or a random history is played on.
struct RuleBench {
    static let anna = "6101500014"
    static let helpers = ["6202800015", "6303900016"]
    static let newNumber = "6101500022"
    var settings = Settings(
        admitsTestPersons: true, sender: Sender(cvr: "10000009", name: "n"), cluster: "c", partitions: 1)

    var file: CitizenFile
    var now: Instant
    var catalogue = Catalogue()
    private var count = 0
    let naming: Naming

    init(now: Instant = Instant(milliseconds: 1_795_514_400_000)) throws {
        self.now = now
        let identify: (Party) -> Identity = { party in
            Identity(party: party, pseudonym: Self.ident("p\(party.digits)"), shard: 0)
        }
        // Sealed by leaving the number where `open` finds it: nothing here is secret.
        naming = Naming(
            identify: identify,
            seal: { SealedNumber(block: Self.ident($0.party.digits), tag: Self.ident($0.party.digits)) },
            id: { purpose, cause, citizen, ordinal in
                var text = ByteSink()
                ordinal.write(to: &text)
                return Self.ident(
                    "\(purpose)/\(cause.id)/\(citizen)/\(String(decoding: text.array(), as: UTF8.self))")
            }, mask: { Self.ident($0.id) }, open: { _ in nil })
        file = CitizenFile(citizen: identify(.person(try CPR(Self.anna, today: now.day))))
        for (package, scope) in [("care", "municipal"), ("tax", "national")] {
            define(
                "package.define",
                #"{"id":"\#(package)","version":1,"title":{"da":"x","en":"y"},"wording":{"da":"x","en":"y"},"kind":"act","scope":"\#(scope)","kle":["27.60"]}"#
            )
        }
        for municipality in ["0101", "0751"] {
            define(
                "activation.set",
                #"{"municipality":"\#(municipality)","package":"care","itSystem":"s","from":"2020-01-01"}"#)
        }
    }

    /// FNV-1a, twice: enough to tell apart what a test makes.
    static func ident(_ text: String) -> Ident {
        func hash(_ start: UInt64) -> UInt64 { text.utf8.reduce(start) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 } }
        return Ident(high: hash(14_695_981_039_346_656_037), low: hash(7_809_847_782_465_536_322))
    }

    var today: Day { now.day }

    /// Defines a package that works everywhere.
    /// - Returns: why it is refused.
    @discardableResult
    mutating func definePackage(_ id: String, _ more: String, kle: String = "27.60") -> [Reason] {
        define(
            "package.define",
            #"{"id":"\#(id)","version":1,"title":{"da":"x","en":"y"},"wording":{"da":"x","en":"y"},"kind":"act","scope":"national","kle":["\#(kle)"]\#(more)}"#
        )
    }

    @discardableResult
    private mutating func define(_ type: String, _ data: String) -> [Reason] {
        count += 1
        var headers: [UInt8] = []
        for (name, value) in [
            ("ce_specversion", "1.0"), ("ce_id", "c\(count)"), ("ce_type", "dk.fuldmagt.\(type).v1"),
            ("ce_source", "urn:dk:cvr:29189846"),
        ] { HeaderBlock.append(name: name, value: value, to: &headers) }
        let bytes = Array(data.utf8)
        return headers.withUnsafeBytes { headers in
            bytes.withUnsafeBytes { value in
                let record = RecordView(
                    topic: Topic.catalogue.rawValue, offset: Int64(count), timestamp: now.milliseconds, key: nil,
                    headers: headers, value: value)
                let outcome = catalogue.apply(record, document: JSONDocument(), settings: settings) { key in
                    switch key {
                    case .command(_, let id): Self.ident(id)
                    case .content: Self.ident(data)
                    }
                }
                if case .rejected(_, let reasons) = outcome { return reasons }
                return []
            }
        }
    }

    /// The catalogue cannot be read to its end.
    var isCatalogueBehind = false

    private var circumstances: Circumstances {
        Circumstances(
            now: now, catalogue: catalogue, isCatalogueBehind: isCatalogueBehind, settings: settings, naming: naming)
    }

    /// Whom the last handover told that the citizen's number is another.
    private(set) var toldOfNumber: Set<Ident> = []
    /// Outcomes written, by command id: there is one for each command that is accepted.
    private(set) var outcomes: [String: Int] = [:]

    /// Decides a command about the citizen.
    /// - Parameter number: the number by which the command names them.
    /// - Returns: `accepted`, or the reasons' codes and fields.
    mutating func decide(
        _ type: CommandType, _ more: String, id: String? = nil, number: String = Self.anna
    ) throws -> String {
        count += 1
        now = Instant(milliseconds: now.milliseconds + 1)
        let party = type.topic == .grantCommands ? "grantor" : "citizen"
        let bytes = Array(#"{"\#(party)":{"cpr":"\#(number)"}\#(more.isEmpty ? "" : ",")\#(more)}"#.utf8)
        let document = JSONDocument()
        let command = try bytes.withUnsafeBytes { bytes in
            try document.parse(bytes)
            return try Command.read(
                document.root,
                envelope: Envelope(
                    cause: Cause(id: id ?? "k\(count)", source: "urn:dk:cvr:29189846", type: type.name), type: type),
                topic: type.topic, today: today, settings: settings)
        }
        let position = Position(topic: type.topic, partition: 0, offset: Int64(count))
        switch Rules.decide(command, at: position, about: &file, under: circumstances) {
        case .accept(let effects):
            try takeOver(effects)
            return "accepted"
        case .reject(let reasons):
            return reasons.map { "\($0.code.rawValue)@\($0.field ?? "")" }.sorted().joined(separator: " ")
        case .park(let waiting): return "\(waiting.reason.code.rawValue)@"
        }
    }

    /// Does what the shard of a new number does with the file that is handed over to it.
    private mutating func takeOver(_ effects: Effects) throws {
        note(effects)
        guard let handover = effects.handover, let renumbering = file.renumbering else { return }
        toldOfNumber = Set(
            effects.inbox.compactMap { if case .numberChange = $0.body { $0.citizen } else { nil } })
        var taken = CitizenFile(citizen: try identity(of: renumbering.to.pseudonym))
        taken.died = file.died
        taken.reviewedFor = file.reviewedFor
        taken.deaths = file.deaths
        taken.residences = file.residences
        taken.exemptions = file.exemptions
        taken.grants = file.grants
        taken.received = file.received
        taken.notifications = file.notifications
        taken.readAccesses = file.readAccesses
        file = taken
        note(Rules.takeOver(handover, about: &file, under: circumstances))
    }

    /// Numbers that the citizen may get.
    static let newNumbers = [newNumber, "6101500030", "6101500049"]

    private func identity(of pseudonym: Ident) throws -> Identity {
        let known = ([Self.anna] + Self.newNumbers).map { naming.identify(.person(Self.person($0))) }
        return try #require(known.first { $0.pseudonym == pseudonym })
    }

    private mutating func note(_ effects: Effects) {
        if let outcome = effects.outcome { outcomes[outcome.cause.id, default: 0] += 1 }
        for message in effects.inbox {
            if case .news(let news) = message.body, news.outcomePosition != nil {
                outcomes[news.cause.id, default: 0] += 1
            }
        }
    }

    /// The shard of a representative tells that they have another number.
    mutating func helperIsRenumbered(from former: String, to current: String) {
        let identity = naming.identify(.person(Self.person(current)))
        let change = NumberChange(
            former: naming.identify(.person(Self.person(former))).pseudonym, current: naming.reference(to: identity))
        _ = Rules.receive(change, about: &file, under: circumstances)
    }

    /// The shard of a helper, the first unless told otherwise, tells that they are dead.
    mutating func helperDies(_ number: String = Self.helpers[0]) {
        let helper = naming.identify(.person(Self.person(number))).pseudonym
        _ = Rules.receive(
            RepresentativeDeath(
                representative: helper, grants: file.grants.map(\.id),
                cause: Cause(id: "death", source: "s", type: "t"), at: now), about: &file, under: circumstances)
    }

    private static func person(_ digits: String) -> CPR {
        do { return try CPR(digits, today: .last) } catch { preconditionFailure("a helper has no number") }
    }

    /// A day later: what is due is looked at.
    mutating func pass(days: Int) {
        now = now.adding(seconds: Int64(days) * 86_400)
        for at in file.grants.indices { file.grants[at].cause = Cause(id: "given", source: "s", type: "t") }
        let effects = Rules.review(&file, for: .due, isDayTurn: true, under: circumstances)
        guard effects.handover != nil else { return }
        do { try takeOver(effects) } catch { preconditionFailure("a new number is nobody's") }
        // What else was due that day is due at the new number's shard.
        _ = Rules.review(&file, for: .due, isDayTurn: true, under: circumstances)
    }
}
