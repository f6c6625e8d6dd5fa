import FuldmagtJSON

/// A kind of record as the published contract describes it.
public struct ContractRecord: Sendable {
    /// `grant.issue`, or `outcome`, `notification`, `receipt`.
    public let name: String
    public let topic: Topic
    /// What it says or asks for.
    public let summary: String
    public let fields: [ContractField]
    /// Data that is right, as JSON. Persons in it are test persons.
    public let example: String
    /// What the record's key is.
    public let key: String

    /// `ce_type`.
    public var type: String { "dk.fuldmagt.\(name).v1" }

    /// The data as a JSON Schema (2020-12).
    public func writeSchema(to json: inout JSONWriter) {
        json.beginObject()
        json.member("$schema", "https://json-schema.org/draft/2020-12/schema")
        json.member("$id", "urn:\(type)")
        json.member("title", name)
        json.member("description", summary)
        ContractKind.writeMembers(fields, to: &json)
        json.endObject()
    }

    /// What is allowed in a field, for who got it wrong.
    /// - Parameter path: as in a reason: `evidence.journal`, `packages[0]`.
    /// - Returns: nil for a path the contract does not know.
    public func remedy(for path: String) -> String? {
        var fields = fields
        var found: ContractField?
        for part in path.split(separator: ".") {
            let name = part.prefix { $0 != "[" }
            guard let field = fields.first(where: { $0.name == name }) else { return found?.text }
            found = field
            switch field.kind {
            case .object(let inner), .someOf(let inner): fields = inner
            case .list(.object(let inner), _): fields = inner
            default: fields = []
            }
        }
        return found?.text
    }
}

/// Everything that outsiders write and read.
public enum Contract {
    /// Raised when records change in a way that old clients notice.
    public static let version = "1.0.0"

    public static let records: [ContractRecord] = grants + moves + exemptions + catalogue + outputs

    public static func record(_ name: String) -> ContractRecord? {
        records.first { $0.name == name || $0.type == name }
    }
}
