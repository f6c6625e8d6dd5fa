import FuldmagtJSON

/// A JSON value that can be written in more than one way.
indirect enum RandomValue {
    case null
    case bool(Bool)
    case int(Int)
    case string(String)
    case array([RandomValue])
    case object([(name: String, value: RandomValue)])

    static func make(_ random: inout SeededGenerator, depth: Int = 4) -> RandomValue {
        switch Int.random(in: 0..<(depth > 0 ? 9 : 6), using: &random) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &random))
        case 2: return .int(Int.random(in: -20...20, using: &random) * 10)
        case 3: return .int(Int.random(in: -(1 << 52)...1 << 52, using: &random))
        case 4, 5: return .string(text(&random))
        case 6:
            return .array((0..<Int.random(in: 0..<5, using: &random)).map { _ in make(&random, depth: depth - 1) })
        default:
            var names = Set<[UInt8]>()
            var members: [(name: String, value: RandomValue)] = []
            for _ in 0..<Int.random(in: 0..<(depth == 4 ? 40 : 6), using: &random) {
                let name = text(&random)
                if names.insert(Array(name.utf8)).inserted { members.append((name, make(&random, depth: depth - 1))) }
            }
            return .object(members)
        }
    }

    static func text(_ random: inout SeededGenerator) -> String {
        let alphabet: [Unicode.Scalar] = [
            "a", "b", "c", "z", " ", "/", "\"", "\\", "\n", "\u{0}", "\u{1f}", "æ", "€", "😀", "\u{301}",
        ]
        var text = ""
        for _ in 0..<Int.random(in: 0..<14, using: &random) {
            text.unicodeScalars.append(alphabet[Int.random(in: 0..<alphabet.count, using: &random)])
        }
        return text
    }

    func write(to writer: inout JSONWriter) {
        switch self {
        case .null: writer.null()
        case .bool(let value): writer.bool(value)
        case .int(let value): writer.int(value)
        case .string(let value): writer.string(value)
        case .array(let elements):
            writer.beginArray()
            for element in elements { element.write(to: &writer) }
            writer.endArray()
        case .object(let members):
            writer.beginObject()
            for (name, value) in members {
                writer.key(name)
                value.write(to: &writer)
            }
            writer.endObject()
        }
    }

    /// Written as the writer does.
    var compact: [UInt8] {
        var writer = JSONWriter()
        write(to: &writer)
        return writer.finish()
    }

    /// The same value with members, escapes, numbers and white space written at random.
    func respelled(_ random: inout SeededGenerator) -> String {
        let space = { (random: inout SeededGenerator) in
            ["", "", " ", "\n\t", "\r"].randomElement(using: &random) ?? ""
        }
        let before = space(&random)
        let core: String
        switch self {
        case .null: core = "null"
        case .bool(let value): core = value ? "true" : "false"
        case .int(let value): core = Self.respelled(value, &random)
        case .string(let value): core = Self.respelled(value, &random)
        case .array(let elements):
            core = "[" + elements.map { $0.respelled(&random) }.joined(separator: ",") + space(&random) + "]"
        case .object(let members):
            let written = members.shuffled(using: &random).map { member in
                space(&random) + Self.respelled(member.name, &random) + space(&random) + ":"
                    + member.value.respelled(&random)
            }
            core = "{" + written.joined(separator: ",") + space(&random) + "}"
        }
        return before + core + space(&random)
    }

    private static func respelled(_ value: Int, _ random: inout SeededGenerator) -> String {
        let sign = value < 0 || (value == 0 && Bool.random(using: &random)) ? "-" : ""
        let digits = "\(value.magnitude)"
        switch Int.random(in: 0..<6, using: &random) {
        case 0: return "\(sign)\(digits).0"
        case 1: return "\(sign)\(digits)E+0"
        case 2: return value == 0 ? "\(sign)0e3" : "\(sign)\(digits)000e-03"
        case 3: return "\(sign)0.\(digits)e\(digits.utf8.count)"
        case 4: return value % 10 == 0 && value != 0 ? "\(sign)\(digits.dropLast())e1" : "\(sign)\(digits)"
        default: return "\(sign)\(digits)"
        }
    }

    private static func respelled(_ value: String, _ random: inout SeededGenerator) -> String {
        var text = "\""
        for scalar in value.unicodeScalars {
            let plain = scalar.value >= 0x20 && scalar != "\"" && scalar != "\\"
            if plain, Int.random(in: 0..<3, using: &random) > 0 {
                text.unicodeScalars.append(scalar)
            } else {
                for unit in String(scalar).utf16 {
                    let digits = String(unit, radix: 16, uppercase: Bool.random(using: &random))
                    text += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
                }
            }
        }
        return text + "\""
    }

    /// A value that differs in one place.
    func changed(_ random: inout SeededGenerator) -> RandomValue {
        switch self {
        case .null: return .bool(false)
        case .bool(let value): return Bool.random(using: &random) ? .bool(!value) : .null
        case .int(let value): return Bool.random(using: &random) ? .int(value + 1) : .string("\(value)")
        case .string(let value): return .string(Bool.random(using: &random) ? value + "\u{0}" : "a" + value)
        case .array(var elements):
            guard let at = elements.indices.randomElement(using: &random), Bool.random(using: &random) else {
                return .array(elements + [.null])
            }
            elements[at] = elements[at].changed(&random)
            return .array(elements)
        case .object(var members):
            guard let at = members.indices.randomElement(using: &random), Bool.random(using: &random) else {
                return .object(members + [("a name of its own", .null)])
            }
            if Bool.random(using: &random) {
                members[at].name += " longer than all"
            } else {
                members[at].value = members[at].value.changed(&random)
            }
            return .object(members)
        }
    }

    /// Whether a parsed value is this one, members in this order.
    func matches(_ node: JSONNode) -> Bool {
        switch self {
        case .null: return node.isNull
        case .bool(let value): return node.bool == value
        case .int(let value): return node.int == value && node.double == Double(value)
        case .string(let value): return node.string.map { Array($0.utf8) == Array(value.utf8) } ?? false
        case .array(let elements):
            var same = node.kind == .array && node.count == elements.count
            node.forEachElement { position, element in same = same && elements[position].matches(element) }
            return same
        case .object(let members):
            var same = node.kind == .object && node.count == members.count
            var position = 0
            node.forEachMember { name, value in
                same = same && Array(members[position].name.utf8) == Array(name.utf8)
                same = same && members[position].value.matches(value)
                position += 1
            }
            return same
        }
    }
}
