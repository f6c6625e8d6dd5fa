/// A JSON value with its members in the order written, so that tests can respell it.
public indirect enum ModelJSON: Sendable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([ModelJSON])
    case object([(name: String, value: ModelJSON)])

    public static func members(_ members: KeyValuePairs<String, ModelJSON>) -> ModelJSON {
        .object(members.map { (name: $0.key, value: $0.value) })
    }

    /// The member of that name; nil when there is none or this is no object.
    public subscript(_ name: String) -> ModelJSON? {
        guard case .object(let members) = self else { return nil }
        let count = name.utf8.count
        return members.first { $0.name.utf8.count == count && Array($0.name.utf8) == Array(name.utf8) }?.value
    }

    public var text: String? {
        if case .string(let text) = self { text } else { nil }
    }

    /// A whole number as text.
    var wholeText: String? {
        guard case .number(let value) = self, value == value.rounded(), abs(value) < 1e9 else { return nil }
        return String(Int(value))
    }

    public var isObject: Bool {
        if case .object = self { true } else { false }
    }

    /// This object with one member changed, added, or (nil) taken out. A path has dots between its names.
    public func setting(_ path: String, _ value: ModelJSON?) -> ModelJSON {
        guard case .object(var members) = self else { return self }
        let names = path.split(separator: ".", maxSplits: 1).map(String.init)
        let at = members.firstIndex { $0.name == names[0] }
        if names.count == 2 {
            guard let at else { return self }
            members[at].value = members[at].value.setting(names[1], value)
        } else if let value {
            if let at { members[at].value = value } else { members.append((names[0], value)) }
        } else if let at {
            members.remove(at: at)
        }
        return .object(members)
    }

    /// Equal values have equal canonical text, whatever their spelling: members sorted, no white space, numbers as
    /// doubles (RFC 8785).
    public var canonical: String {
        switch self {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .number(let value): value == 0 ? "0" : Self.spelled(value)
        case .string(let text): Self.quoted(text)
        case .array(let values): "[" + values.map(\.canonical).joined(separator: ",") + "]"
        case .object(let members):
            "{"
                + members.map { (units: Array($0.name.utf16), member: $0) }
                .sorted { $0.units.lexicographicallyPrecedes($1.units) }
                .map { Self.quoted($0.member.name) + ":" + $0.member.value.canonical }.joined(separator: ",") + "}"
        }
    }

    /// The value as written: members in their own order.
    public var written: String {
        switch self {
        case .array(let values): "[" + values.map(\.written).joined(separator: ",") + "]"
        case .object(let members):
            "{" + members.map { Self.quoted($0.name) + ":" + $0.value.written }.joined(separator: ",") + "}"
        default: canonical
        }
    }

    private static func spelled(_ value: Double) -> String {
        if value == value.rounded(), abs(value) < 1e15 { String(Int64(value)) } else { "\(value)" }
    }

    /// A JSON string with only the escapes that must be.
    public static func quoted(_ text: String) -> String {
        if isPlain(text) { return "\"\(text)\"" }
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\u{8}": quoted += "\\b"
            case "\u{c}": quoted += "\\f"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case ..<"\u{20}": quoted += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    /// Nothing in it needs an escape.
    private static func isPlain(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { bytes in
            var at = 0
            while at < bytes.count {
                let byte = bytes[at]
                if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { return false }
                at += 1
            }
            return true
        }
    }
}

extension ModelJSON {
    /// The same value spelled otherwise: members in another order, escapes and other spellings of numbers, white space.
    public func respelled(by random: inout SplitMix64) -> String {
        let space = random.pick(["", " ", "\n  ", "\t"])
        switch self {
        case .null, .bool: return space + canonical
        case .number(let value):
            guard value == value.rounded(), abs(value) < 1e9 else { return space + canonical }
            let whole = Int(value)
            return space + random.pick(["\(whole).0", "\(whole)e0", "\(whole)0E-1", "\(whole).000"])
        case .string(let text): return space + Self.escaped(text, by: &random)
        case .array(let values):
            var parts: [String] = []
            for value in values { parts.append(value.respelled(by: &random)) }
            return space + "[" + parts.joined(separator: ",") + space + "]"
        case .object(let members):
            var parts: [String] = []
            for member in random.shuffled(members) {
                let name = Self.escaped(member.name, by: &random)
                parts.append(space + name + space + ":" + member.value.respelled(by: &random))
            }
            return space + "{" + parts.joined(separator: ",") + space + "}"
        }
    }

    private static func escaped(_ text: String, by random: inout SplitMix64) -> String {
        var spelled = "\""
        for scalar in text.unicodeScalars {
            if random.chance(1, of: 4), scalar.value < 0x10000 {
                let hex = String(scalar.value, radix: 16, uppercase: random.chance(1, of: 2))
                spelled += "\\u" + String(repeating: "0", count: 4 - hex.utf8.count) + hex
            } else if scalar == "/", random.chance(1, of: 2) {
                spelled += "\\/"
            } else {
                spelled += quoted(String(scalar)).dropFirst().dropLast()
            }
        }
        return spelled + "\""
    }
}
