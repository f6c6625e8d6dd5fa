import FuldmagtJSON
import FuldmagtRecord

/// The CloudEvents attributes of a command or a catalogue record, in binary or structured mode.
public struct Envelope: Sendable {
    public var cause: Cause
    public var type: CommandType

    /// The largest value that is read as a command.
    public static let maximumValueSize = 1 << 20
    /// The deepest nesting of JSON that is read.
    public static let maximumDepth = 64
    /// Longest id of a command, and longest source of any record, in characters.
    static let maximumID = 128
    static let maximumSource = 256
    /// Limits on extension attributes, which are copied to every output.
    static let maximumExtensions = 16
    static let maximumExtensionSize = 4096

    /// Reads a record's attributes and parses its value.
    /// - Parameters:
    ///   - document: receives the JSON of the value; the returned node is of it.
    /// - Returns: the envelope and the command's data.
    public static func read(_ record: RecordView, into document: JSONDocument) throws(DeadLetter) -> (
        envelope: Envelope, data: JSONNode
    ) {
        let (attributes, data) = try EventAttributes.read(record, into: document)
        if !attributes.isStructured, let contentType = attributes.contentType, !EventAttributes.isJSON(contentType) {
            throw DeadLetter(.invalidAttribute, "content-type is not application/json")
        }
        return (try check(attributes), data)
    }

    private static func check(_ attributes: EventAttributes) throws(DeadLetter) -> Envelope {
        let (id, type, source) = try attributes.required()
        guard !id.isEmpty, id.hasAtMost(characters: maximumID) else {
            throw DeadLetter(
                .invalidAttribute,
                "ce_id has \(id.unicodeScalars.count) characters; 1 to \(maximumID) are allowed")
        }
        guard source.hasAtMost(characters: maximumSource), Cause.cvr(ofSource: source) != nil else {
            throw DeadLetter(
                .invalidAttribute, "ce_source is not urn:dk:cvr:NNNNNNNN, optionally followed by :system-name")
        }
        if let time = attributes.time, Instant(time) == nil {
            throw DeadLetter(.invalidAttribute, "ce_time is not an RFC 3339 time")
        }
        return Envelope(
            cause: Cause(id: id, source: source, type: type, extensions: attributes.extensions),
            type: try CommandType(name: type))
    }
}

extension DeadLetter {
    /// A JSON fault by its contract code, with the byte position.
    public init(json failure: JSONFailure) {
        let reason: DeadLetterReason =
            switch failure.kind {
            case .invalidUTF8: .invalidUTF8
            case .tooDeep: .tooDeep
            case .syntax, .duplicateMember: .invalidJSON
            }
        let what =
            switch failure.kind {
            case .invalidUTF8: "not UTF-8"
            case .tooDeep: "nested more than \(Envelope.maximumDepth) deep"
            case .duplicateMember: "a member of an object stands twice"
            case .syntax: "expected \(failure.expectation)"
            }
        self.init(reason, "byte \(failure.offset): \(what)")
    }
}
