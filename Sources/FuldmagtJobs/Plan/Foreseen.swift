import FuldmagtDomain
import FuldmagtJSON

/// What a plan foresees of one citizen once the job is done: what `verify` compares the store with. Holds a pseudonym,
/// never a number.
public struct Foreseen: Equatable, Sendable {
    /// The citizen's last line.
    public var line: Int
    public var citizen: Ident
    public var shard: Int32
    /// The day that it is foreseen for.
    public var day: Day
    public var municipality: Municipality?
    public var isExempt: Bool
    /// Of each grant given by the citizen, requests included.
    public var grants: [Ident: GrantState]

    init(_ file: CitizenFile, line: Int, on day: Day) {
        self.line = line
        self.day = day
        citizen = file.citizen.pseudonym
        shard = file.citizen.shard
        municipality = file.residence(on: day)?.municipality
        isExempt = file.isExempt(on: day)
        grants = Dictionary(file.grants.map { ($0.id, $0.state) }) { _, last in last }
    }

    /// Reads one line of what `json` wrote; nil when it is not one.
    public init?(json row: [UInt8]) {
        let read = JSONDocument().withRoot(of: row) { Foreseen($0) }
        guard case .success(let found?) = read else { return nil }
        self = found
    }

    private init?(_ root: JSONNode) {
        guard let line = root["line"]?.int, let citizen = root["citizen"]?.string.flatMap({ Ident(hex: $0) }),
            let shard = root["shard"]?.int.flatMap({ Int32(exactly: $0) }),
            let day = root["day"]?.string.flatMap({ Day($0) }), let isExempt = root["exempt"]?.bool,
            let listed = root["grants"], listed.kind == .object
        else { return nil }
        self.line = line
        self.citizen = citizen
        self.shard = shard
        self.day = day
        self.isExempt = isExempt
        municipality = root["municipality"]?.string.flatMap { Municipality($0) }
        var grants: [Ident: GrantState] = [:]
        listed.forEachMember { id, state in
            if let id = Ident(hex: id), let state = state.string.flatMap({ GrantState(rawValue: $0) }) {
                grants[id] = state
            }
        }
        guard grants.count == listed.count else { return nil }
        self.grants = grants
    }

    /// One line of JSON with its end.
    public var json: [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.member("line", line)
        json.member("citizen", citizen.description)
        json.member("shard", Int(shard))
        json.member("day", day.description)
        json.memberIfPresent("municipality", municipality?.description)
        json.member("exempt", isExempt)
        json.key("grants")
        json.beginObject()
        for (id, state) in grants.sorted(by: { $0.key < $1.key }) {
            json.key(id.description)
            json.string(state.rawValue)
        }
        json.endObject()
        json.endObject()
        return json.finish() + [10]
    }
}
