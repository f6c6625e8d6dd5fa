/// The record that set something off: what outcomes and notifications name as their cause.
public struct Cause: Hashable, Sendable {
    /// The producer's command id, unique within `source`.
    public var id: String
    /// `ce_source`.
    public var source: String
    /// `ce_type`.
    public var type: String
    /// `ce_*` extensions, copied to everything the command causes.
    public var extensions: [Extension]

    public init(id: String, source: String, type: String, extensions: [Extension] = []) {
        self.id = id
        self.source = source
        self.type = type
        self.extensions = extensions
    }

    /// The CVR number in `urn:dk:cvr:NNNNNNNN[:system]`; nil for other sources.
    public var sourceCVR: CVR? { Self.cvr(ofSource: source) }

    static func cvr(ofSource source: String) -> CVR? {
        let prefix = "urn:dk:cvr:"
        guard source.hasPrefix(prefix) else { return nil }
        let rest = source.dropFirst(prefix.count)
        let digits = rest.prefix(8)
        let system = rest.dropFirst(8)
        guard system.isEmpty || (system.first == ":" && system.count > 1) else { return nil }
        return CVR(String(digits))
    }
}

/// One CloudEvents extension attribute, as the header `ce_<name>`.
public struct Extension: Hashable, Sendable {
    /// Without the `ce_` prefix.
    public var name: String
    public var value: String

    public init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

/// Where a record was first written.
public struct Position: Hashable, Sendable {
    public var topic: Topic
    public var partition: Int32
    public var offset: Int64

    public init(topic: Topic, partition: Int32, offset: Int64) {
        self.topic = topic
        self.partition = partition
        self.offset = offset
    }
}

/// The types of command that workers decide.
public enum CommandType: String, CaseIterable, Sendable {
    case grantIssue = "grant.issue"
    case grantRevoke = "grant.revoke"
    case moveRelocate = "move.relocate"
    case exemptionRegister = "exemption.register"
    case exemptionLift = "exemption.lift"
    case packageDefine = "package.define"
    case activationSet = "activation.set"
    case itSystemDefine = "itsystem.define"
    case authorityDefine = "authority.define"

    /// `ce_type`, version 1.
    public var name: String { "dk.fuldmagt.\(rawValue).v1" }

    /// The topic it belongs on.
    public var topic: Topic {
        switch self {
        case .grantIssue, .grantRevoke: .grantCommands
        case .moveRelocate: .moveCommands
        case .exemptionRegister, .exemptionLift: .exemptionCommands
        case .packageDefine, .activationSet, .itSystemDefine, .authorityDefine: .catalogue
        }
    }

    private static let byName = Dictionary(uniqueKeysWithValues: allCases.map { ($0.name, $0) })

    /// Reads `dk.fuldmagt.<command>.v<version>`.
    /// - Throws: `unknown-version` when the command is known in version 1, else `unknown-type`.
    public init(name: String) throws(DeadLetter) {
        if let known = Self.byName[name] {
            self = known
            return
        }
        let stem = name.split(separator: ".", omittingEmptySubsequences: false)
        if let last = stem.last, last.first == "v", last.dropFirst().allSatisfy(\.isNumber), last.count > 1,
            Self.byName[stem.dropLast().joined(separator: ".") + ".v1"] != nil
        {
            throw DeadLetter(.unknownVersion, "ce_type names a version that is not known; version 1 is")
        }
        throw DeadLetter(.unknownType, "ce_type is not one of the contract's commands")
    }
}
