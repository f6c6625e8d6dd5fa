import FuldmagtDomain
import FuldmagtJSON
import FuldmagtJobs
import FuldmagtKeys
import FuldmagtRecord

/// A shard in a dictionary, which forgets nothing that a command stored.
final class World {
    let keys: ClusterKey
    let circumstances: Circumstances
    var files: [Ident: CitizenFile] = [:]
    var decided: Set<CommandKey> = []
    var notices: [PlanTally.NoticeKey: Int] = [:]
    private var offset: Int64 = 0

    /// - Parameter more: records of the catalogue besides.
    init(_ more: [(type: String, data: String)] = []) throws {
        keys = try Sample.keys()
        var catalogue = Catalogue()
        let document = JSONDocument()
        var scratch: [UInt8] = []
        for (at, text) in (World.catalogue + more).enumerated() {
            World.withRecord(text, id: "cat-\(at)", offset: at) {
                _ = catalogue.apply($0, document: document, settings: Sample.settings) {
                    ClusterKey.digest($0, scratch: &scratch)
                }
            }
        }
        circumstances = Circumstances(
            now: Instant(milliseconds: 1_795_514_400_000), catalogue: catalogue, settings: Sample.settings,
            naming: keys.naming(partitions: 4))
    }

    static let catalogue: [(type: String, data: String)] = [
        (
            "package.define",
            #"{"id":"care","version":1,"title":{"da":"a","en":"a"},"wording":{"da":"a","en":"a"},"kind":"act","scope":"municipal","kle":["27.60"]}"#
        ),
        (
            "activation.set",
            #"{"municipality":"0101","package":"care","itSystem":"urn:example:system","from":"2020-01-01"}"#
        ),
    ]

    static func withRecord<Result>(
        _ record: (type: String, data: String), id: String, offset: Int, _ body: (RecordView) throws -> Result
    ) rethrows -> Result {
        var headers: [UInt8] = []
        for (name, value) in [
            ("ce_specversion", "1.0"), ("ce_id", id), ("ce_type", "dk.fuldmagt.\(record.type).v1"),
            ("ce_source", "urn:dk:cvr:29189846"),
        ] { HeaderBlock.append(name: name, value: value, to: &headers) }
        return try Array(record.data.utf8).withUnsafeBytes { value in
            try headers.withUnsafeBytes { headers in
                try body(
                    RecordView(
                        topic: 0, offset: Int64(offset), timestamp: 1_795_514_400_000, key: nil, headers: headers,
                        value: value))
            }
        }
    }

    func file(_ citizen: Identity) -> CitizenFile { files[citizen.pseudonym] ?? CitizenFile(citizen: citizen) }

    func identity(_ cpr: String) throws -> Identity {
        keys.identity(of: .person(try CPR(cpr, today: Sample.today)), partitions: 4)
    }

    /// Decides and keeps, as a shard does.
    @discardableResult
    func decide(_ command: Command) throws -> Decision {
        let citizen = keys.identity(of: command.citizen, partitions: 4)
        var file = file(citizen)
        offset += 1
        let decision = Rules.decide(
            command, at: Position(topic: .moveCommands, partition: 0, offset: offset), about: &file,
            under: circumstances)
        files[citizen.pseudonym] = file
        guard case .accept(let effects) = decision else { return decision }
        try take(effects)
        return decision
    }

    private func take(_ effects: Effects) throws {
        for notice in effects.notices where !notice.isCancellation {
            notices[.init(notice.notification.kind, notice.notification.channel), default: 0] += 1
        }
        for message in effects.inbox {
            guard case .news(let news) = message.body, let pseudonym = message.citizen, let sealed = message.sealed
            else { continue }
            let identity = try keys.identity(pseudonym: pseudonym, sealed: sealed, partitions: 4)
            var file = file(identity)
            let effects = Rules.receive(news, about: &file, under: circumstances)
            files[identity.pseudonym] = file
            try take(effects)
        }
    }

    func decide(_ type: String, _ data: String, id: String) throws {
        let document = JSONDocument()
        try World.withRecord((type, data), id: id, offset: 0) { record in
            let (envelope, data) = try Envelope.read(record, into: document)
            try decide(
                Command.read(
                    data, envelope: envelope, topic: envelope.type.topic, today: Sample.today,
                    settings: Sample.settings))
        }
    }

    /// What a plan may read: a copy, which it cannot change.
    var source: PlanSource {
        let (files, decided) = (files, decided)
        return PlanSource(
            file: { citizen, _, _ in files[citizen.pseudonym] ?? CitizenFile(citizen: citizen) },
            isDecided: { decided.contains($1) })
    }

    func plan(_ lines: [JobLine]) throws -> (plan: Plan, verdicts: [String]) {
        var keys: Set<String> = []
        let repeated = Set(lines.compactMap { $0.command?.key }.filter { !keys.insert($0).inserted })
        var plan = Plan(source: source, keys: self.keys, circumstances: circumstances, repeated: repeated)
        var verdicts: [String] = []
        for line in lines {
            if let row = try plan.take(line) { verdicts.append("\(row.line) \(row.word) \(row.detail)") }
        }
        try plan.finish()
        return (plan, verdicts)
    }
}
