import FuldmagtJSON
import FuldmagtRecord

/// The CloudEvents attributes of a record, in binary or structured mode.
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

    /// Attributes while they are gathered.
    private struct Attributes {
        var specversion: String?
        var id: String?
        var type: String?
        var source: String?
        var time: String?
        var contentType: String?
        var extensions: [Extension] = []

        mutating func set(_ name: String, _ value: String) throws(DeadLetter) {
            switch name {
            case "specversion": try once(&specversion, value)
            case "id": try once(&id, value)
            case "type": try once(&type, value)
            case "source": try once(&source, value)
            case "time": try once(&time, value)
            case "datacontenttype": try once(&contentType, value)
            case "subject", "dataschema": break
            default:
                guard extensions.count < maximumExtensions, value.utf8.count <= maximumExtensionSize,
                    name.utf8.count <= 64, !name.isEmpty,
                    name.utf8.allSatisfy({ (48...57).contains($0) || (97...122).contains($0) }),
                    !extensions.contains(where: { $0.name == name })
                else {
                    throw DeadLetter(
                        .invalidAttribute,
                        "an extension attribute is repeated, misnamed or too long (at most \(maximumExtensions) of \(maximumExtensionSize) bytes, names of a-z and 0-9)"
                    )
                }
                extensions.append(Extension(name: name, value: value))
            }
        }

        /// The same for the attributes that every record has, whose names are not made texts of.
        /// - Returns: false for others, which are not set.
        mutating func setCommon(_ name: UnsafeRawBufferPointer, _ value: String) throws(DeadLetter) -> Bool {
            switch name.count {
            case 2 where Self.isSame(name, "id"): try once(&id, value)
            case 4 where Self.isSame(name, "type"): try once(&type, value)
            case 4 where Self.isSame(name, "time"): try once(&time, value)
            case 6 where Self.isSame(name, "source"): try once(&source, value)
            case 11 where Self.isSame(name, "specversion"): try once(&specversion, value)
            default: return false
            }
            return true
        }

        private static func isSame(_ name: UnsafeRawBufferPointer, _ other: StaticString) -> Bool {
            (0..<name.count).allSatisfy { name[$0] == other.utf8Start[$0] }
        }

        private func once(_ attribute: inout String?, _ value: String) throws(DeadLetter) {
            guard attribute == nil else { throw DeadLetter(.invalidAttribute, "an attribute stands twice") }
            attribute = value
        }
    }

    /// Reads a record's attributes and parses its value.
    /// - Parameters:
    ///   - document: receives the JSON of the value; the returned node is of it.
    /// - Returns: the envelope and the command's data.
    public static func read(_ record: RecordView, into document: JSONDocument) throws(DeadLetter) -> (
        envelope: Envelope, data: JSONNode
    ) {
        guard let value = record.value, value.count > 0 else {
            throw DeadLetter(.emptyValue, record.value == nil ? "the record has no value" : "the value has no bytes")
        }
        guard value.count <= maximumValueSize else {
            throw DeadLetter(.tooLarge, "the value has \(value.count) bytes; at most \(maximumValueSize) are read")
        }
        var attributes = Attributes()
        var isStructured = false
        try readHeaders(record.headers, into: &attributes, isStructured: &isStructured)
        do {
            try document.parse(value, maximumDepth: maximumDepth)
        } catch {
            throw DeadLetter(json: error)
        }
        var data = document.root
        if isStructured {
            data = try readStructured(document.root, into: &attributes)
        } else if let contentType = attributes.contentType, !isJSON(contentType) {
            throw DeadLetter(.invalidAttribute, "content-type is not application/json")
        }
        return (try check(attributes), data)
    }

    private static func readHeaders(
        _ headers: UnsafeRawBufferPointer, into attributes: inout Attributes, isStructured: inout Bool
    ) throws(DeadLetter) {
        var contentType: String?
        try HeaderBlock.forEach(in: headers) { (name, value) throws(DeadLetter) in
            let isAttribute = name.count > 3 && name[0] == 0x63 && name[1] == 0x65 && name[2] == 0x5f
            let isContentType = !isAttribute && name.elementsEqual("content-type".utf8)
            guard isAttribute || isContentType else { return }
            guard let value, let text = Self.text(value) else {
                throw DeadLetter(.invalidAttribute, "a header is null or not UTF-8")
            }
            if isContentType {
                contentType = text
                return
            }
            let attribute = UnsafeRawBufferPointer(rebasing: name[3...])
            if try attributes.setCommon(attribute, text) { return }
            guard let name = Self.text(attribute) else {
                throw DeadLetter(.invalidAttribute, "a header's name is not UTF-8")
            }
            try attributes.set(name, text)
        }
        isStructured =
            contentType != "application/json"
            && contentType.map { mediaType($0) == "application/cloudevents+json" } ?? false
        if isStructured { attributes = Attributes() } else { attributes.contentType = contentType }
    }

    /// UTF-8 as a string; nil for anything else.
    private static func text(_ bytes: UnsafeRawBufferPointer) -> String? {
        var seen: UInt8 = 0
        for byte in bytes { seen |= byte }
        if seen < 0x80 { return String(decoding: bytes, as: UTF8.self) }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func readStructured(_ root: JSONNode, into attributes: inout Attributes) throws(DeadLetter)
        -> JSONNode
    {
        guard root.kind == .object else { throw DeadLetter(.invalidJSON, "the event is not a JSON object") }
        var data: JSONNode?
        var gathered = attributes
        try root.forEachMember { (name, node) throws(DeadLetter) in
            if name == "data" {
                data = node
            } else if node.isNull {
                return
            } else if let text = node.string ?? node.int.map(String.init) ?? node.bool.map(String.init) {
                try gathered.set(name, text)
            } else {
                throw DeadLetter(.invalidAttribute, "an attribute of the event is not a text, whole number or boolean")
            }
        }
        attributes = gathered
        if let contentType = attributes.contentType, !isJSON(contentType) {
            throw DeadLetter(.invalidAttribute, "datacontenttype is not application/json")
        }
        guard let data else { throw DeadLetter(.missingAttribute, "the event has no data") }
        return data
    }

    private static func check(_ attributes: Attributes) throws(DeadLetter) -> Envelope {
        guard let specversion = attributes.specversion else {
            throw DeadLetter(.missingAttribute, "ce_specversion is missing")
        }
        guard let id = attributes.id else { throw DeadLetter(.missingAttribute, "ce_id is missing") }
        guard let type = attributes.type else { throw DeadLetter(.missingAttribute, "ce_type is missing") }
        guard let source = attributes.source else { throw DeadLetter(.missingAttribute, "ce_source is missing") }
        guard specversion == "1.0" else { throw DeadLetter(.invalidAttribute, "ce_specversion is not 1.0") }
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

    private static func mediaType(_ text: String) -> String {
        let end = text.firstIndex(of: ";") ?? text.endIndex
        return text[..<end].lowercased().filter { !$0.isWhitespace }
    }

    private static func isJSON(_ contentType: String) -> Bool {
        contentType == "application/json" || mediaType(contentType) == "application/json"
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
