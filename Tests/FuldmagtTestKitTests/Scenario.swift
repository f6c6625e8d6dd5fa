import FuldmagtDomain
import FuldmagtKeys
import FuldmagtTestKit
import Testing

/// A model with a small catalogue, and short ways to give it commands.
///
/// `care` is municipal and active in Aarhus (0751) and, until 31 March 2026, in Odense (0461); `post` is national.
struct Scenario {
    static let ane = "6101701234"
    static let bo = "6202801235"
    static let child = "6101154321"
    static let aarhusCompany = "55133018"
    /// 10 March 2026, 12:00 UTC.
    static let noon: Int64 = 1_773_144_000_000
    static let day: Int64 = 86_400_000
    static let source = "urn:dk:cvr:55133018"

    let keys: ClusterKey
    var model: NaiveModel
    var clock = noon
    var count = 0

    init(admitsTestPersons: Bool = true) throws {
        keys = try ClusterKey(hex: String(repeating: "5a", count: 32))
        model = NaiveModel(
            keys: keys,
            settings: Settings(
                admitsTestPersons: admitsTestPersons, sender: Sender(cvr: "55133018", name: "Eksempel"),
                cluster: "test", partitions: 4))
        define("care", scope: "municipal")
        define("post", scope: "national", more: #","minimumAge":18,"maxValidityDays":10"#)
        define("old", scope: "national", more: #","retired":"2026-03-10""#)
        activate("0751", "care", from: "2026-01-01")
        activate("0461", "care", from: "2026-01-01", until: "2026-03-31")
    }

    mutating func define(_ id: String, scope: String, more: String = "") {
        send(
            .catalogue, "package.define", "package-\(id)-\(count)",
            """
            {"id":"\(id)","version":1,"title":{"da":"t","en":"t"},"wording":{"da":"w","en":"w"},"kind":"act",
            "scope":"\(scope)","kle":["27.60"]\(more)}
            """)
    }

    mutating func activate(_ municipality: String, _ package: String, from: String, until: String? = nil) {
        let end = until.map { #","until":"\#($0)""# } ?? ""
        send(
            .catalogue, "activation.set", "activation-\(count)",
            #"{"municipality":"\#(municipality)","package":"\#(package)","itSystem":"s","from":"\#(from)"\#(end)}"#)
    }

    mutating func move(_ cpr: String, to: String, _ effective: String, _ id: String, more: String = "") {
        send(
            .moveCommands, "move.relocate", id,
            #"{"citizen":{"cpr":"\#(cpr)"},"to":"\#(to)","effective":"\#(effective)"\#(more)}"#)
    }

    mutating func issue(
        _ id: String, packages: String = #"["care"]"#, until: String = "2026-03-20", to: String = bo,
        more: String = #","channel":"digital""#
    ) {
        send(
            .grantCommands, "grant.issue", id,
            """
            {"grantor":{"cpr":"\(Self.ane)"},"representative":{"\(to.count == 8 ? "cvr" : "cpr")":"\(to)"},
            "packages":\(packages),"validUntil":"\(until)"\(more)}
            """)
    }

    mutating func revoke(_ id: String, _ grant: String) {
        send(
            .grantCommands, "grant.revoke", id,
            #"{"grantor":{"cpr":"\#(Self.ane)"},"grant":"\#(grant)","by":"grantor"}"#)
    }

    /// A command about the grants that Ane gives.
    mutating func ane(_ name: String, _ id: String, _ members: String) {
        send(.grantCommands, "grant.\(name)", id, #"{"grantor":{"cpr":"\#(Self.ane)"},\#(members)}"#)
    }

    /// Bo asks Ane for packages.
    mutating func request(_ id: String, _ packages: String = #"["post"]"#, until: String = "2026-03-20") {
        ane(
            "request", id,
            #""representative":{"cpr":"\#(Self.bo)"},"packages":\#(packages),"validUntil":"\#(until)""#)
    }

    /// A command about Ane's post.
    mutating func post(_ name: String, _ id: String, _ members: String) {
        send(.exemptionCommands, name, id, #"{"citizen":{"cpr":"\#(Self.ane)"},\#(members)}"#)
    }

    /// A record in binary mode, a second after the one before.
    mutating func send(
        _ topic: Topic, _ name: String, _ id: String, _ data: String, version: String = "v1",
        extensions: [(String, String)] = []
    ) {
        clock += 1000
        count += 1
        let headers =
            [
                ("ce_specversion", "1.0"), ("ce_id", id), ("ce_type", "dk.fuldmagt.\(name).\(version)"),
                ("ce_source", Self.source), ("content-type", "application/json"),
            ] + extensions
        model.take(
            ModelRecord(
                topic: topic, key: nil, headers: headers.map { ($0.0, Array($0.1.utf8)) }, value: Array(data.utf8),
                timestamp: clock))
    }

    mutating func advance(days: Int64) {
        clock += days * Self.day
        model.advance(to: Instant(milliseconds: clock))
    }

    func outcome(_ id: String) throws -> ExpectedOutcome { try #require(model.outcomes.last { $0.id == id }) }

    func reasons(_ id: String) throws -> Set<String> { Set(try outcome(id).reasons.map(\.description)) }

    func told() -> [String] { model.notifications.map { "\($0.kind) \($0.recipient)" } }

    func pseudonym(_ digits: String) throws -> String {
        let today = try #require(Day("2026-03-10"))
        return keys.pseudonym(of: .person(try CPR(digits, today: today))).description
    }
}
