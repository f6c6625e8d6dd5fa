/// The record that set something off: what outcomes and notifications name as their cause. Shared by all that it causes.
public final class Cause: Hashable, Sendable {
    /// The producer's command id, unique within `source`.
    public let id: String
    /// `ce_source`.
    public let source: String
    /// `ce_type`.
    public let type: String
    /// `ce_*` extensions, copied to everything the command causes.
    public let extensions: [Extension]

    public init(id: String, source: String, type: String, extensions: [Extension] = []) {
        self.id = id
        self.source = source
        self.type = type
        self.extensions = extensions
    }

    public static func == (left: Cause, right: Cause) -> Bool {
        left === right
            || (left.id == right.id && left.source == right.source && left.type == right.type
                && left.extensions == right.extensions)
    }

    /// Whether both name one command; what was read from a history has no extensions.
    func isSameCommand(as other: Cause) -> Bool { id == other.id && source == other.source }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(id)
        hasher.combine(source)
    }

    /// The CVR number in `urn:dk:cvr:NNNNNNNN[:system]`; nil for other sources.
    public var sourceCVR: CVR? { Self.cvr(ofSource: source) }

    static func cvr(ofSource source: String) -> CVR? {
        let prefix: StaticString = "urn:dk:cvr:"
        var source = source
        let digits: String? = source.withUTF8 { bytes in
            let length = prefix.utf8CodeUnitCount
            guard bytes.count >= length + 8, (0..<length).allSatisfy({ bytes[$0] == prefix.utf8Start[$0] }) else {
                return nil
            }
            let system = bytes.count - length - 8
            guard system == 0 || (system > 1 && bytes[length + 8] == UInt8(ascii: ":")) else { return nil }
            return String(decoding: bytes[length..<length + 8], as: UTF8.self)
        }
        return digits.flatMap { CVR($0) }
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
    case grantRequest = "grant.request"
    case grantApprove = "grant.approve"
    case grantDecline = "grant.decline"
    case grantRevoke = "grant.revoke"
    case grantRenew = "grant.renew"
    case grantCorrect = "grant.correct"
    case moveRelocate = "move.relocate"
    case moveEmigrate = "move.emigrate"
    case moveImmigrate = "move.immigrate"
    case moveDecease = "move.decease"
    case moveRenumber = "move.renumber"
    case moveCorrect = "move.correct"
    case exemptionRegister = "exemption.register"
    case exemptionLift = "exemption.lift"
    case exemptionCorrect = "exemption.correct"
    case readAccessGrant = "readaccess.grant"
    case readAccessWithdraw = "readaccess.withdraw"
    case mailboxEnrol = "mailbox.enrol"
    case packageDefine = "package.define"
    case activationSet = "activation.set"
    case itSystemDefine = "itsystem.define"
    case authorityDefine = "authority.define"

    /// `ce_type`, version 1.
    public var name: String { "dk.fuldmagt.\(rawValue).v1" }

    /// The topic it belongs on.
    public var topic: Topic {
        switch self {
        case .grantIssue, .grantRequest, .grantApprove, .grantDecline, .grantRevoke, .grantRenew, .grantCorrect:
            .grantCommands
        case .moveRelocate, .moveEmigrate, .moveImmigrate, .moveDecease, .moveRenumber, .moveCorrect:
            .moveCommands
        case .exemptionRegister, .exemptionLift, .exemptionCorrect, .readAccessGrant, .readAccessWithdraw,
            .mailboxEnrol:
            .exemptionCommands
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
