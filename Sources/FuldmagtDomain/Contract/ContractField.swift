import FuldmagtJSON

/// One field of a record's data, as the published contract describes it.
public struct ContractField: Sendable {
    public let name: String
    public let kind: ContractKind
    public let isRequired: Bool
    /// What the field means, and what is allowed: shown as the remedy where it is wrong.
    public let text: String

    init(_ name: String, _ kind: ContractKind, _ text: String, isRequired: Bool = true) {
        self.name = name
        self.kind = kind
        self.text = text
        self.isRequired = isRequired
    }

    static func optional(_ name: String, _ kind: ContractKind, _ text: String) -> ContractField {
        ContractField(name, kind, text, isRequired: false)
    }
}

/// What a field holds.
public indirect enum ContractKind: Sendable {
    /// A person or a company.
    case party
    case person
    /// A CPR number by itself.
    case cpr
    case text(limit: Int)
    /// A text that a regular expression describes, as ECMA 262 has them.
    case form(String, limit: Int)
    /// `YYYY-MM-DD`, Europe/Copenhagen.
    case day
    /// RFC 3339.
    case instant
    case flag
    /// A flag that can only be true.
    case confirmed
    case number(ClosedRange<Int>)
    case choice([String])
    case municipality
    case object([ContractField])
    /// An object with one of its fields at least, whichever.
    case someOf([ContractField])
    case list(ContractKind, ClosedRange<Int>)
    /// A list of which no element is there twice.
    case set(ContractKind, ClosedRange<Int>)
    /// A map of texts by name.
    case texts
}

extension ContractKind {
    /// Writes a JSON Schema (2020-12) of the kind's values.
    func writeSchema(to json: inout JSONWriter, text: String? = nil) {
        json.beginObject()
        if let text { json.member("description", text) }
        switch self {
        case .party:
            json.member("type", "object")
            json.key("oneOf")
            json.beginArray()
            Self.writeNumber("cpr", Self.cprPattern, to: &json)
            Self.writeNumber("cvr", Self.cvrPattern, to: &json)
            json.endArray()
        case .person:
            json.member("type", "object")
            Self.writeRequired(["cpr"], to: &json)
            json.key("properties")
            json.beginObject()
            json.key("cpr")
            Self.writePattern(Self.cprPattern, to: &json)
            json.endObject()
        case .cpr:
            json.member("type", "string")
            json.member("pattern", Self.cprPattern)
        case .text(let limit):
            json.member("type", "string")
            json.member("minLength", 1)
            json.member("maxLength", limit)
        case .form(let pattern, let limit):
            json.member("type", "string")
            json.member("pattern", pattern)
            json.member("maxLength", limit)
        case .day:
            json.member("type", "string")
            json.member("format", "date")
        case .instant:
            json.member("type", "string")
            json.member("format", "date-time")
        case .flag: json.member("type", "boolean")
        case .confirmed:
            json.key("const")
            json.bool(true)
        case .number(let range):
            json.member("type", "integer")
            json.member("minimum", range.lowerBound)
            json.member("maximum", range.upperBound)
        case .choice(let values):
            json.key("enum")
            json.beginArray()
            for value in values { json.string(value) }
            json.endArray()
        case .municipality:
            json.key("anyOf")
            json.beginArray()
            Self.writePattern("^[0-9]{1,4}$", to: &json)
            ContractKind.number(1...9999).writeSchema(to: &json)
            json.endArray()
        case .object(let fields): Self.writeMembers(fields, to: &json)
        case .someOf(let fields):
            Self.writeMembers(fields, to: &json)
            json.key("anyOf")
            json.beginArray()
            for field in fields {
                json.beginObject()
                Self.writeRequired([field.name], to: &json)
                json.endObject()
            }
            json.endArray()
        case .list(let element, let count): Self.writeArray(of: element, count, to: &json)
        case .set(let element, let count):
            Self.writeArray(of: element, count, to: &json)
            json.member("uniqueItems", true)
        case .texts:
            json.member("type", "object")
            json.key("additionalProperties")
            json.beginObject()
            json.member("type", "string")
            json.endObject()
        }
        json.endObject()
    }

    /// CVR number by itself.
    static let cvr = ContractKind.form(cvrPattern, limit: 8)
    /// An id that becomes part of a key.
    static let identifier = ContractKind.form("^[^/\\s]+$", limit: 128)
    /// A number of KLE, of one to three levels, or a prefix with a wildcard.
    static let klePattern = ContractKind.form("^[0-9]{2}(\\.[0-9]{2}){0,2}$|^[0-9]{2}(\\.[0-9]{2})?\\.\\*$", limit: 8)
    /// An id as this program makes them, dashes or not.
    static let uuid = ContractKind.form(
        "^[0-9A-Fa-f]{8}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{12}$", limit: 36)

    private static func writeArray(of element: ContractKind, _ count: ClosedRange<Int>, to json: inout JSONWriter) {
        json.member("type", "array")
        json.member("minItems", count.lowerBound)
        json.member("maxItems", count.upperBound)
        json.key("items")
        element.writeSchema(to: &json)
    }

    private static let cprPattern = "^[0-9]{7}[0-9A-Z]{2}[0-9]$"
    private static let cvrPattern = "^[0-9]{8}$"

    private static func writePattern(_ pattern: String, to json: inout JSONWriter) {
        json.beginObject()
        json.member("type", "string")
        json.member("pattern", pattern)
        json.endObject()
    }

    private static func writeRequired(_ names: [String], to json: inout JSONWriter) {
        json.key("required")
        json.beginArray()
        for name in names { json.string(name) }
        json.endArray()
    }

    private static func writeNumber(_ name: String, _ pattern: String, to json: inout JSONWriter) {
        json.beginObject()
        writeRequired([name], to: &json)
        json.key("properties")
        json.beginObject()
        json.key(name)
        writePattern(pattern, to: &json)
        json.endObject()
        json.endObject()
    }

    /// The members of an object schema. Fields that are not named are allowed, so that contracts can grow.
    static func writeMembers(_ fields: [ContractField], to json: inout JSONWriter) {
        json.member("type", "object")
        writeRequired(fields.filter(\.isRequired).map(\.name), to: &json)
        json.key("properties")
        json.beginObject()
        for field in fields {
            json.key(field.name)
            field.kind.writeSchema(to: &json, text: field.text)
        }
        json.endObject()
    }
}
