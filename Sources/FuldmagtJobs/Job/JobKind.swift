import FuldmagtDomain

/// What a job's lines are.
public enum JobKind: String, CaseIterable, Sendable {
    case moves, exemptions, enrolment
    /// Grants that another system keeps.
    case grants
    /// A municipality replaces the it-system behind a task (leverandørskifte).
    case supplierSwitch = "supplier-switch"

    /// The commands that a line may be, by what column `type` says; the first where there is no such column.
    var types: [(word: String, type: CommandType)] {
        switch self {
        case .moves:
            [("relocate", .moveRelocate), ("emigrate", .moveEmigrate), ("immigrate", .moveImmigrate)]
        case .exemptions: [("register", .exemptionRegister), ("lift", .exemptionLift)]
        case .enrolment: [("enrol", .mailboxEnrol)]
        case .grants: [("issue", .grantIssue)]
        case .supplierSwitch: []
        }
    }

    /// Fields that a line may fill, in the order they are written.
    public var fields: [JobField] {
        switch self {
        case .moves:
            [
                JobField("citizen", .party), JobField("from", .municipality), JobField("to", .municipality),
                JobField("effective", .day), JobField("registeredAt", .text),
            ]
        case .exemptions:
            [
                JobField("citizen", .party), JobField("municipality", .municipality), JobField("form", .text),
                JobField("journal", .text), JobField("caseworker", .text), JobField("requestedBy", .text),
                JobField("appearedInPerson", .flag), JobField("departure", .flag), JobField("validUntil", .day),
                JobField("by", .text),
            ]
        case .enrolment: [JobField("citizen", .party), JobField("reason", .text)]
        case .grants:
            [
                JobField("grantor", .party), JobField("representative", .party), JobField("packages", .packages),
                JobField("validFrom", .day), JobField("validUntil", .day), JobField("channel", .text),
                JobField("journal", .text, within: ["evidence"]), JobField("caseworker", .text, within: ["evidence"]),
                JobField("identification", .text, within: ["evidence"]),
                JobField("possibilities", .text, within: ["evidence", "assessment"]),
                JobField("consequences", .text, within: ["evidence", "assessment"]),
                JobField("citizenPresent", .flag, within: ["evidence", "assessment"]),
                JobField("decidedOn", .day, within: ["evidence", "assessment"]),
            ]
        case .supplierSwitch:
            [
                JobField("municipality", .municipality), JobField("oldItSystem", .text),
                JobField("newItSystem", .text), JobField("from", .day), JobField("package", .packages),
                JobField("replaced", .flag),
            ]
        }
    }

    /// The field without which a line says nothing, and what it holds.
    var keyField: (name: String, meaning: String) {
        switch self {
        case .moves, .exemptions, .enrolment: ("citizen", "CPR number")
        case .grants: ("grantor", "CPR number of who gave the grant")
        case .supplierSwitch: ("municipality", "municipality code")
        }
    }

    /// Whether a line can name packages.
    var namesPackages: Bool { fields.contains { $0.form == .packages } }

    /// Whether the job changes the catalogue, and through it what grants come to.
    public var changesCatalogue: Bool { self == .supplierSwitch }

    /// Where the job's commands go; nil where its lines are no commands.
    public var commandTopic: Topic? { types.first?.type.topic }

    /// Names that a job file may map or give a default.
    public var fieldNames: [String] { (types.count > 1 ? ["type"] : []) + fields.map(\.name) }
}

/// A field of a command's data, and what stands in a column for it.
public struct JobField: Sendable {
    /// How a column's text becomes the field's value.
    public enum Form: Sendable {
        /// A CPR or CVR number.
        case party
        case municipality, day, flag, text
        /// Package ids, or another system's names for them, with commas between them.
        case packages
    }

    public let name: String
    public let form: Form
    /// Names of the objects that the field stands in, outermost first.
    let path: [String]

    init(_ name: String, _ form: Form, within path: [String] = []) {
        self.name = name
        self.form = form
        self.path = path
    }

    /// As a reason names it: `evidence.journal`.
    var fullName: String { (path + [name]).joined(separator: ".") }
}
