import FuldmagtDomain

/// Checks a MeMo file against what is known of MeMo; see `MeMoWriter`.
///
/// For whoever writes a consumer of their own: each finding says where, what, and what to do instead. It holds nothing of
/// the file but names of elements.
public struct MeMoCheck {
    public struct Finding: Equatable, Sendable, CustomStringConvertible {
        /// From 1.
        public var line: Int
        /// Where in the document: `MessageHeader/label`.
        public var field: String
        /// What is wrong.
        public var problem: String
        /// What to do instead.
        public var remedy: String

        public var description: String { "line \(line): \(field): \(problem); \(remedy)" }
    }

    private var findings: [Finding] = []

    /// - Returns: nothing for a file as it should be.
    public static func findings(in bytes: [UInt8]) -> [Finding] {
        let root: XMLElement
        do {
            root = try XMLReader.read(bytes)
        } catch {
            return [
                Finding(
                    line: error.line, field: "document", problem: "it is not well-formed: \(error.problem)",
                    remedy: "escape &, <, > and control characters, and write UTF-8")
            ]
        }
        var check = MeMoCheck()
        check.message(root)
        return check.findings
    }

    private mutating func find(_ element: XMLElement, _ field: String, _ problem: String, _ remedy: String) {
        findings.append(Finding(line: element.line, field: field, problem: problem, remedy: remedy))
    }

    private mutating func message(_ root: XMLElement) {
        if root.name != "Message" {
            find(root, root.name, "it is no message", "the document's element is memo:Message")
        }
        names(root, "")
        if !MeMoWriter.Version.allCases.map(\.rawValue).contains(root.attribute("memoVersion") ?? "") {
            find(root, "memoVersion", "the version is missing or unknown", "set memoVersion to 1.2, or 1.1")
        }
        order(root, "", Self.message)
        if let header = root.child("MessageHeader") { self.header(header) }
        guard let body = root.child("MessageBody") else { return }
        order(body, "MessageBody", Self.body)
        if let time = body.child("createdDateTime"), Instant(time.text) == nil || !time.text.hasSuffix("Z") {
            find(time, "MessageBody/createdDateTime", "it is no time in UTC", "write it as 2026-11-22T10:00:00Z")
        }
        guard let main = body.child("MainDocument") else { return }
        order(main, "MessageBody/MainDocument", [.required("File")])
        if let file = main.child("File") { self.file(file) }
    }

    /// Prefix and namespace of everything.
    private mutating func names(_ element: XMLElement, _ path: String) {
        let field = path.isEmpty ? element.name : "\(path)/\(element.name)"
        if element.namespace != MeMoWriter.namespace {
            find(element, field, "it is in another namespace", "declare xmlns:memo=\"\(MeMoWriter.namespace)\"")
        } else if element.prefix != MeMoWriter.prefix {
            find(
                element, field, "its prefix is not memo",
                "SF1601 takes the prefix memo: only; write <memo:\(element.name)>")
        }
        for child in element.children { names(child, field == "Message" ? "" : field) }
    }

    // MARK: What stands where

    private struct Place {
        var name: String
        var isRequired: Bool
        /// Characters at most; nil for elements, and content without a bound.
        var limit: Int?

        static func required(_ name: String, _ limit: Int? = nil) -> Place {
            Place(name: name, isRequired: true, limit: limit)
        }
        static func optional(_ name: String, _ limit: Int? = nil) -> Place {
            Place(name: name, isRequired: false, limit: limit)
        }
    }

    private static let text = MeMoWriter.textLimit
    private static let message: [Place] = [.required("MessageHeader"), .required("MessageBody")]
    private static let body: [Place] = [.required("createdDateTime", text), .required("MainDocument")]
    private static let header: [Place] = [
        .required("messageType", text), .required("messageUUID", 36), .optional("messageID", text),
        .optional("messageCode", text), .required("label", text),
        .optional("notification", MeMoWriter.notificationLimit), .optional("reply", 5), .optional("mandatory", 5),
        .optional("legalNotification", 5), .required("Sender"), .required("Recipient"), .optional("ContentData"),
    ]
    private static let sender: [Place] = [
        .required("senderID", text), .required("idType", text), .required("label", text),
    ]
    private static let recipient: [Place] = [.required("recipientID", text), .required("idType", text)]
    private static let kle: [Place] = [
        .required("subjectKey", text), .optional("version", text), .optional("activityFacet", text),
        .optional("label", text),
    ]
    private static let file: [Place] = [
        .required("encodingFormat", text), .required("filename", text), .required("language", text),
        .required("content"),
    ]

    /// Checks that children are the known ones, in order, and not too long.
    private mutating func order(_ element: XMLElement, _ path: String, _ places: [Place]) {
        var at = 0
        for child in element.children {
            let field = path.isEmpty ? child.name : "\(path)/\(child.name)"
            guard let place = places.firstIndex(where: { $0.name == child.name }) else {
                find(child, field, "it is not known here", "known are \(places.map(\.name).joined(separator: ", "))")
                continue
            }
            if place < at {
                find(
                    child, field, "it stands too late, or twice",
                    "the order is \(places.map(\.name).joined(separator: ", "))")
            }
            at = max(at, place + 1)
            if let limit = places[place].limit {
                let count = child.text.unicodeScalars.count
                if count > limit { find(child, field, "it has \(count) characters", "at most \(limit) are allowed") }
                if count == 0 { find(child, field, "it is empty", "leave it out, or fill it") }
            }
        }
        for place in places where place.isRequired && element.child(place.name) == nil {
            find(element, path.isEmpty ? place.name : "\(path)/\(place.name)", "it is missing", "add it")
        }
    }

    private mutating func header(_ header: XMLElement) {
        let path = "MessageHeader"
        order(header, path, Self.header)
        choice(header, path, "messageType", ["DIGITALPOST", "NEMSMS"])
        for name in ["reply", "mandatory", "legalNotification"] { choice(header, path, name, ["true", "false"]) }
        if let element = header.child("messageUUID") {
            let text = element.text
            if text.utf8.count != 36
                || Ident(hex: text).map({ $0.asUUIDv4 != $0 || $0.uuidText != text.lowercased() }) ?? true
            {
                find(
                    element, "\(path)/messageUUID", "it has not the form of a UUID version 4",
                    "write 8-4-4-4-12 hexadecimal digits, the third group beginning with 4, the fourth with 8, 9, a or b"
                )
            }
        }
        if let sender = header.child("Sender") {
            order(sender, "\(path)/Sender", Self.sender)
            choice(sender, "\(path)/Sender", "idType", ["CVR"])
            if let id = sender.child("senderID"), CVR(id.text) == nil {
                find(id, "\(path)/Sender/senderID", "it is no CVR number", "write eight digits with a valid check")
            }
        }
        if let recipient = header.child("Recipient") {
            order(recipient, "\(path)/Recipient", Self.recipient)
            choice(recipient, "\(path)/Recipient", "idType", ["CPR", "CVR"])
            if let id = recipient.child("recipientID"), let type = recipient.child("idType")?.text {
                let isNumber = type == "CVR" ? CVR(id.text) != nil : id.text.utf8.count == 10
                if !isNumber {
                    find(
                        id, "\(path)/Recipient/recipientID", "it is no number of that type",
                        "CPR has ten digits, CVR eight")
                }
            }
        }
        if let kle = header.child("ContentData")?.child("KLEdata") {
            order(kle, "\(path)/ContentData/KLEdata", Self.kle)
            if let key = kle.child("subjectKey"), KLEPattern(key.text).map({ $0.isWildcard }) ?? true {
                find(key, "\(path)/ContentData/KLEdata/subjectKey", "it is no KLE number", "write it as 23.30.15")
            }
            if let facet = kle.child("activityFacet"), KLEFacet(facet.text) == nil {
                find(facet, "\(path)/ContentData/KLEdata/activityFacet", "it is no facet", "write it as G01")
            }
        }
    }

    private mutating func file(_ file: XMLElement) {
        let path = "MessageBody/MainDocument/File"
        order(file, path, Self.file)
        if let content = file.child("content") {
            guard let bytes = Base64.decode(content.text), !bytes.isEmpty else {
                find(content, "\(path)/content", "it is not base64, or empty", "encode the document's bytes as base64")
                return
            }
            let isText = file.child("encodingFormat")?.text.hasPrefix("text/") ?? false
            if isText, String(validating: bytes, as: UTF8.self) == nil {
                find(content, "\(path)/content", "the document is not UTF-8", "encode the text in UTF-8 first")
            }
        }
    }

    private mutating func choice(_ element: XMLElement, _ path: String, _ name: String, _ allowed: [String]) {
        guard let child = element.child(name), !allowed.contains(child.text) else { return }
        find(child, "\(path)/\(name)", "its value is not known", "allowed are \(allowed.joined(separator: ", "))")
    }
}
