import FuldmagtDomain

/// Reads the members of a command's data and collects every reason to reject it.
///
/// A member that is `null` counts as left out.
struct ModelFields {
    let data: ModelJSON
    let today: Day
    var reasons: Set<ExpectedReason> = []

    mutating func fault(_ code: String, _ field: String) { reasons.insert(ExpectedReason(code, field)) }

    /// The value at a path of names with dots between them.
    func value(_ path: String) -> ModelJSON? {
        var value: ModelJSON? = data
        for name in path.split(separator: ".") { value = value?[String(name)] }
        if case .null = value { return nil }
        return value
    }

    /// A member in some form; one that is there in another form is `invalid-field`.
    /// - Parameter missing: the code when it is not there; nil when it may be left out.
    mutating func field<Value>(_ path: String, missing: String?, _ form: (ModelJSON) -> Value?) -> Value? {
        guard let value = value(path) else {
            if let missing { fault(missing, path) }
            return nil
        }
        guard let read = form(value) else {
            fault("invalid-field", path)
            return nil
        }
        return read
    }

    /// A text; an empty one counts as missing.
    mutating func text(_ path: String, missing: String? = "missing-field") -> String? {
        guard let text = field(path, missing: missing, { $0.text }) else { return nil }
        guard text.contains(where: { !$0.isWhitespace }) else {
            fault(missing ?? "invalid-field", path)
            return nil
        }
        return text
    }

    /// A text that is kept, without the CPR numbers that may stand in it.
    mutating func freeText(_ path: String, missing: String? = "missing-field") -> String? {
        text(path, missing: missing).map(Self.masked)
    }

    /// A date of birth in pairs or in one, and four more characters, with up to three signs between.
    static func masked(_ text: String) -> String {
        guard text.filter({ $0.isASCII && $0.isNumber }).count >= 8 else { return text }
        let number =
            /(?:0[1-9]|[12][0-9]|3[01]|6[1-9]|[78][0-9]|9[01])([-\u{A0} .\/\u{2010}-\u{2014}\u{2212}]?)(?:0[1-9]|1[0-2])\1[0-9]{2}[-\u{A0} .\/\u{2010}-\u{2014}\u{2212}]{0,3}[0-9][0-9A-Za-z]{2}[0-9]/
        var kept = ""
        var rest = text[...]
        while let first = rest.first {
            let isAfterDigit = kept.last.map { $0.isASCII && $0.isNumber } ?? false
            if !isAfterDigit, let found = rest.prefixMatch(of: number),
                !(rest[found.range.upperBound...].first.map { $0.isASCII && $0.isNumber } ?? false)
            {
                kept += "[…]"
                rest = rest[found.range.upperBound...]
            } else {
                kept.append(first)
                rest = rest.dropFirst()
            }
        }
        return kept
    }

    mutating func day(_ path: String, missing: String? = "missing-field") -> Day? {
        field(path, missing: missing) { $0.text.flatMap { Day($0) } }
    }

    mutating func bool(_ path: String, missing: String? = "missing-field") -> Bool? {
        field(path, missing: missing) { if case .bool(let value) = $0 { value } else { nil } }
    }

    mutating func whole(_ path: String, atLeast least: Double, missing: String? = nil) -> Int? {
        field(path, missing: missing) {
            if case .number(let value) = $0, value == value.rounded(), value >= least, value < 1e9 {
                Int(value)
            } else {
                nil
            }
        }
    }

    mutating func oneOf(_ path: String, _ values: [String], missing: String? = "missing-field") -> String? {
        field(path, missing: missing) { value in values.first { $0 == value.text } }
    }

    /// A municipality's code; sources may drop leading zeros, or send a number.
    /// - Parameter orIsland: 0411 Christiansø, a place to live that is no municipality, will do.
    mutating func municipality(_ path: String, missing: String? = "missing-field", orIsland: Bool = false)
        -> Municipality?
    {
        guard let text = field(path, missing: missing, { $0.text ?? $0.wholeText }) else { return nil }
        guard let municipality = Municipality(text), orIsland || municipality.isMunicipality else {
            fault("unknown-municipality", path)
            return nil
        }
        return municipality
    }

    /// What `packages` names, with its index; a list that cannot be used at all gives none.
    mutating func packages() -> [(index: Int, id: String)] {
        let list = field("packages", missing: "missing-field") { value -> [ModelJSON]? in
            guard case .array(let values) = value, (1...50).contains(values.count) else { return nil }
            return values
        }
        var named: [(index: Int, id: String)] = []
        for (index, value) in (list ?? []).enumerated() {
            if let id = value.text, !named.contains(where: { $0.id == id }) {
                named.append((index, id))
            } else {
                fault("invalid-field", "packages[\(index)]")
            }
        }
        return named
    }

    /// A person or a company.
    mutating func party(_ path: String, isRequired: Bool = true, admitsTestPersons: Bool) -> Party? {
        guard let value = field(path, missing: isRequired ? "missing-field" : nil, { $0.isObject ? $0 : nil })
        else { return nil }
        switch (Self.number(value, "cpr"), Self.number(value, "cvr")) {
        case (nil, nil): fault("missing-field", "\(path).cpr")
        case (.some, .some): fault("invalid-field", path)
        case (let number?, nil):
            guard let cpr = Self.cpr(number, today: today) else {
                fault("invalid-cpr", "\(path).cpr")
                return nil
            }
            if !cpr.isTestPerson || admitsTestPersons { return .person(cpr) }
            fault("test-person", "\(path).cpr")
        case (nil, let number?):
            if let cvr = number.text.flatMap({ CVR($0) }) { return .company(cvr) }
            fault("invalid-cvr", "\(path).cvr")
        }
        return nil
    }

    private static func number(_ party: ModelJSON?, _ name: String) -> ModelJSON? {
        if case .null = party?[name] { nil } else { party?[name] }
    }

    /// Which of the citizen's grants `grant` names: its place.
    mutating func grant(among given: [ModelGrant]) -> Int? {
        guard let text = field("grant", missing: "missing-field", { $0.text }) else { return nil }
        let at = given.firstIndex { $0.id.uuidText == text.lowercased() }
        if at == nil { fault("unknown-grant", "grant") }
        return at
    }

    static func cpr(_ value: ModelJSON?, today: Day) -> CPR? {
        guard let text = value?.text else { return nil }
        do { return try CPR(text, today: today) } catch { return nil }
    }

    /// The party whose state changes; nil when it is not usable.
    static func citizen(_ value: ModelJSON?, today: Day) -> Party? {
        switch (number(value, "cpr"), number(value, "cvr")) {
        case (let number?, nil): cpr(number, today: today).map { .person($0) }
        case (nil, let number?): number.text.flatMap { CVR($0) }.map { .company($0) }
        default: nil
        }
    }
}
