import FuldmagtJSON
import FuldmagtRecord

/// The attributes of a record that is a CloudEvent, as they are told: in the headers, with the data as the value (binary
/// mode), or with the data in an event that is the value (structured mode). Whoever reads one kind of record judges them.
struct EventAttributes {
    private(set) var specversion: String?
    private(set) var id: String?
    private(set) var type: String?
    private(set) var source: String?
    private(set) var time: String?
    private(set) var contentType: String?
    private(set) var extensions: [Extension] = []
    private(set) var isStructured = false
    private let keepsExtensions: Bool

    private init(keepsExtensions: Bool) { self.keepsExtensions = keepsExtensions }

    /// Reads a record's attributes and parses its value.
    /// - Parameters:
    ///   - document: receives the JSON of the value; the returned node is of it.
    ///   - keepsExtensions: false where nothing is made of extension attributes: then they are passed over.
    /// - Returns: the attributes, and the event's data.
    static func read(
        _ record: RecordView, into document: JSONDocument, keepsExtensions: Bool = true
    ) throws(DeadLetter) -> (attributes: EventAttributes, data: JSONNode) {
        guard let value = record.value, value.count > 0 else {
            throw DeadLetter(.emptyValue, record.value == nil ? "the record has no value" : "the value has no bytes")
        }
        guard value.count <= Envelope.maximumValueSize else {
            throw DeadLetter(
                .tooLarge, "the value has \(value.count) bytes; at most \(Envelope.maximumValueSize) are read")
        }
        var attributes = EventAttributes(keepsExtensions: keepsExtensions)
        try readHeaders(record.headers, into: &attributes)
        do throws(JSONFailure) {
            try document.parse(value, maximumDepth: Envelope.maximumDepth)
        } catch {
            throw DeadLetter(json: error)
        }
        guard attributes.isStructured else { return (attributes, document.root) }
        let data = try readStructured(document.root, into: &attributes)
        return (attributes, data)
    }

    /// What every event has.
    func required() throws(DeadLetter) -> (id: String, type: String, source: String) {
        guard let specversion else { throw DeadLetter(.missingAttribute, "ce_specversion is missing") }
        guard let id else { throw DeadLetter(.missingAttribute, "ce_id is missing") }
        guard let type else { throw DeadLetter(.missingAttribute, "ce_type is missing") }
        guard let source else { throw DeadLetter(.missingAttribute, "ce_source is missing") }
        guard specversion == "1.0" else { throw DeadLetter(.invalidAttribute, "ce_specversion is not 1.0") }
        return (id, type, source)
    }

    static func isJSON(_ contentType: String) -> Bool {
        contentType == "application/json" || mediaType(contentType) == "application/json"
    }

    private static func mediaType(_ text: String) -> String {
        let end = text.firstIndex(of: ";") ?? text.endIndex
        return text[..<end].lowercased().filter { !$0.isWhitespace }
    }

    // MARK: Gathering

    private static func readHeaders(
        _ headers: UnsafeRawBufferPointer, into attributes: inout EventAttributes
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
        let isStructured =
            contentType != "application/json"
            && contentType.map { mediaType($0) == "application/cloudevents+json" } ?? false
        guard isStructured else {
            attributes.contentType = contentType
            return
        }
        // The event says it all.
        attributes = EventAttributes(keepsExtensions: attributes.keepsExtensions)
        attributes.isStructured = true
    }

    /// UTF-8 as a string; nil for anything else.
    private static func text(_ bytes: UnsafeRawBufferPointer) -> String? {
        var seen: UInt8 = 0
        for byte in bytes { seen |= byte }
        if seen < 0x80 { return String(decoding: bytes, as: UTF8.self) }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func readStructured(
        _ root: JSONNode, into attributes: inout EventAttributes
    ) throws(DeadLetter) -> JSONNode {
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

    private mutating func set(_ name: String, _ value: String) throws(DeadLetter) {
        switch name {
        case "specversion": try Self.once(&specversion, value)
        case "id": try Self.once(&id, value)
        case "type": try Self.once(&type, value)
        case "source": try Self.once(&source, value)
        case "time": try Self.once(&time, value)
        case "datacontenttype": try Self.once(&contentType, value)
        case "subject", "dataschema": break
        default: if keepsExtensions { try addExtension(name, value) }
        }
    }

    /// The same for the attributes that every record has, whose names are not made texts of.
    /// - Returns: false for others, which are not set.
    private mutating func setCommon(_ name: UnsafeRawBufferPointer, _ value: String) throws(DeadLetter) -> Bool {
        switch name.count {
        case 2 where Self.isSame(name, "id"): try Self.once(&id, value)
        case 4 where Self.isSame(name, "type"): try Self.once(&type, value)
        case 4 where Self.isSame(name, "time"): try Self.once(&time, value)
        case 6 where Self.isSame(name, "source"): try Self.once(&source, value)
        case 11 where Self.isSame(name, "specversion"): try Self.once(&specversion, value)
        default: return false
        }
        return true
    }

    private mutating func addExtension(_ name: String, _ value: String) throws(DeadLetter) {
        guard extensions.count < Envelope.maximumExtensions, value.utf8.count <= Envelope.maximumExtensionSize,
            name.utf8.count <= 64, !name.isEmpty,
            name.utf8.allSatisfy({ (48...57).contains($0) || (97...122).contains($0) }),
            !extensions.contains(where: { $0.name == name })
        else {
            throw DeadLetter(
                .invalidAttribute,
                "an extension attribute is repeated, misnamed or too long (at most \(Envelope.maximumExtensions) of \(Envelope.maximumExtensionSize) bytes, names of a-z and 0-9)"
            )
        }
        extensions.append(Extension(name: name, value: value))
    }

    private static func isSame(_ name: UnsafeRawBufferPointer, _ other: StaticString) -> Bool {
        (0..<name.count).allSatisfy { name[$0] == other.utf8Start[$0] }
    }

    private static func once(_ attribute: inout String?, _ value: String) throws(DeadLetter) {
        guard attribute == nil else { throw DeadLetter(.invalidAttribute, "an attribute stands twice") }
        attribute = value
    }
}
