import FuldmagtJSON

/// Reads the fields of a command's data and gathers what is wrong with them, each by its path.
struct FieldReader {
    let data: JSONNode
    let today: Day
    let settings: Settings
    var faults: [Reason] = []
    /// Path of `data`, with its dot: empty, or `evidence.`
    let prefix: String

    init(_ data: JSONNode, today: Day, settings: Settings, prefix: String = "") {
        self.data = data
        self.today = today
        self.settings = settings
        self.prefix = prefix
    }

    mutating func fault(_ code: ReasonCode, _ name: StaticString) {
        faults.append(Reason(code, prefix + name.description))
    }

    /// The value of a field; a JSON null counts as absent.
    func value(_ name: StaticString) -> JSONNode? {
        guard let node = data[name], !node.isNull else { return nil }
        return node
    }

    /// A text of 1 to `limit` characters.
    mutating func text(_ name: StaticString, required code: ReasonCode?, limit: Int = 256) -> String? {
        guard let node = value(name) else {
            if let code { fault(code, name) }
            return nil
        }
        guard let text = node.string else {
            fault(.invalidField, name)
            return nil
        }
        if Self.isBlank(text) {
            fault(code ?? .invalidField, name)
            return nil
        }
        guard text.hasAtMost(characters: limit) else {
            fault(.invalidField, name)
            return nil
        }
        return text
    }

    private static func isBlank(_ text: String) -> Bool {
        // Most begin with a letter or digit.
        if let first = text.utf8.first, (33...126).contains(first) { return false }
        return text.allSatisfy(\.isWhitespace)
    }

    /// A text that people write and that is kept: a CPR number in it is not; see `withoutNumbers`.
    mutating func freeText(_ name: StaticString, required code: ReasonCode?, limit: Int = 256) -> String? {
        text(name, required: code, limit: limit)?.withoutNumbers
    }

    mutating func day(_ name: StaticString, required code: ReasonCode?) -> Day? {
        guard let node = value(name) else {
            if let code { fault(code, name) }
            return nil
        }
        guard let day = node.string.flatMap({ Day($0) }) else {
            fault(.invalidField, name)
            return nil
        }
        return day
    }

    mutating func flag(_ name: StaticString, required code: ReasonCode?) -> Bool? {
        guard let node = value(name) else {
            if let code { fault(code, name) }
            return nil
        }
        guard let flag = node.bool else {
            fault(.invalidField, name)
            return nil
        }
        return flag
    }

    mutating func choice<Choice: RawRepresentable<String>>(
        _ name: StaticString, of type: Choice.Type, required code: ReasonCode? = .missingField
    ) -> Choice? {
        guard let node = value(name) else {
            if let code { fault(code, name) }
            return nil
        }
        guard let choice = node.string.flatMap({ Choice(rawValue: $0) }) else {
            fault(.invalidField, name)
            return nil
        }
        return choice
    }

    /// A municipality code: text of up to four digits, or a number, since some registers send integers.
    mutating func municipality(_ name: StaticString, required code: ReasonCode?) -> Municipality? {
        guard let node = value(name) else {
            if let code { fault(code, name) }
            return nil
        }
        switch node.kind {
        case .string, .number:
            let found = node.string.map { Municipality($0) } ?? node.int.flatMap { Municipality(code: $0) }
            if found == nil { fault(.unknownMunicipality, name) }
            return found
        default:
            fault(.invalidField, name)
            return nil
        }
    }

    /// The code of a municipality that decides something: Christiansø, where people live, is none.
    mutating func decidingMunicipality(_ name: StaticString, required code: ReasonCode?) -> Municipality? {
        guard let municipality = municipality(name, required: code) else { return nil }
        guard municipality.isMunicipality else {
            fault(.unknownMunicipality, name)
            return nil
        }
        return municipality
    }

    /// A party other than the citizen: faults are rejections, with the number's own path.
    mutating func party(_ name: StaticString) -> Party? {
        guard let node = value(name) else {
            fault(.missingField, name)
            return nil
        }
        guard node.kind == .object else {
            fault(.invalidField, name)
            return nil
        }
        switch Self.party(node, today: today) {
        case .found(let party):
            if let code = Self.refusal(of: party, settings: settings) {
                faults.append(Reason(code, "\(prefix)\(name).cpr"))
                return nil
            }
            return party
        case .invalidCPR: faults.append(Reason(.invalidCPR, "\(prefix)\(name).cpr"))
        case .invalidCVR: faults.append(Reason(.invalidCVR, "\(prefix)\(name).cvr"))
        case .neither: faults.append(Reason(.missingField, "\(prefix)\(name).cpr"))
        case .both: fault(.invalidField, name)
        }
        return nil
    }

    enum PartyReading {
        case found(Party)
        case invalidCPR, invalidCVR, neither, both
    }

    static func party(_ node: JSONNode, today: Day) -> PartyReading {
        let cpr = node["cpr"].flatMap { $0.isNull ? nil : $0 }
        let cvr = node["cvr"].flatMap { $0.isNull ? nil : $0 }
        switch (cpr, cvr) {
        case (nil, nil): return .neither
        case (.some, .some): return .both
        case (let cpr?, nil):
            guard let text = cpr.string else { return .invalidCPR }
            do { return .found(.person(try CPR(text, today: today))) } catch { return .invalidCPR }
        case (nil, let cvr?):
            guard let text = cvr.string else { return .invalidCVR }
            return CVR(text).map { .found(.company($0)) } ?? .invalidCVR
        }
    }

    /// `test-person` for a test person where none are admitted.
    static func refusal(of party: Party, settings: Settings) -> ReasonCode? {
        if case .person(let cpr) = party, cpr.isTestPerson, !settings.admitsTestPersons { .testPerson } else { nil }
    }

    /// A person by their number alone.
    mutating func cpr(_ name: StaticString) -> Party? {
        guard let node = value(name) else {
            fault(.missingField, name)
            return nil
        }
        guard let text = node.string else {
            fault(.invalidField, name)
            return nil
        }
        let party: Party
        do { party = .person(try CPR(text, today: today)) } catch {
            fault(.invalidCPR, name)
            return nil
        }
        if let code = Self.refusal(of: party, settings: settings) {
            fault(code, name)
            return nil
        }
        return party
    }

    /// A list of 1 to 50 package ids, each once.
    mutating func packages() -> [String]? {
        guard let node = value("packages") else {
            fault(.missingField, "packages")
            return nil
        }
        guard node.kind == .array, (1...50).contains(node.count) else {
            fault(.invalidField, "packages")
            return nil
        }
        var ids: [String] = []
        ids.reserveCapacity(node.count)
        var found: [Reason] = []
        let prefix = prefix
        node.forEachElement { at, element in
            guard let id = element.string, !id.isEmpty, id.hasAtMost(characters: 128), !ids.contains(id) else {
                found.append(Reason(.invalidField, "\(prefix)packages[\(at)]"))
                // An id that is known to no catalogue keeps the numbering of the others.
                ids.append("")
                return
            }
            ids.append(id)
        }
        faults.append(contentsOf: found)
        return ids
    }
}
