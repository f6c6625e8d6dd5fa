import FuldmagtBytes
import FuldmagtDomain

/// Writes messages in MeMo, the format of Digital Post.
///
/// Known of it, from the project's page on the domain: the namespace, the names and the order of what stands in
/// MessageHeader and MessageBody, that SF1601 demands the prefix `memo:`, that messageUUID must have the form of a UUID
/// version 4, that times are UTC and end in Z, that `notification` has at most 150 characters and most strings at most
/// 256. Not known there, and ours until checked against the official schema: the name `Message` of the document's element
/// and its attribute `memoVersion`.
public struct MeMoWriter: Sendable {
    public enum Version: String, CaseIterable, Sendable {
        case v11 = "1.1"
        case v12 = "1.2"
    }

    /// Form of the main document.
    public enum DocumentForm: String, CaseIterable, Sendable {
        case html
        case text
    }

    public static let namespace = "https://DigitalPost.dk/MeMo-1"
    /// SF1601 takes no other.
    public static let prefix = "memo"
    /// Characters, as a schema counts them.
    public static let notificationLimit = 150
    public static let textLimit = 256

    public var version: Version
    public var form: DocumentForm
    /// The quarterly version of the KLE numbers; left out where it is not configured.
    public var kleVersion: String?

    public init(version: Version = .v12, form: DocumentForm = .html, kleVersion: String? = nil) {
        self.version = version
        self.form = form
        self.kleVersion = kleVersion
    }

    /// Titles of KLE numbers that notifications carry whatever the package; others are named by number alone.
    private static let kleLabels = [
        "23.30.15": "Fuldmagter", "23.15.15": "Offentlig Digital Post, fysiske personer",
    ]

    /// Appends one message as a whole document.
    public func append(_ message: OutgoingMessage, to sink: inout ByteSink) {
        sink.append("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")
        appendElement(message, to: &sink)
    }

    /// The same without the XML declaration, to stand within another document.
    func appendElement(_ message: OutgoingMessage, to sink: inout ByteSink) {
        sink.append("<memo:Message xmlns:memo=\"https://DigitalPost.dk/MeMo-1\" memoVersion=\"")
        sink.append(version.rawValue)
        sink.append("\">\n<memo:MessageHeader>\n")
        Self.element("messageType", "DIGITALPOST", to: &sink)
        Self.element("messageUUID", message.id.uuidText, to: &sink)
        Self.element("messageID", message.id.uuidText, to: &sink)
        if let code = message.code { Self.element("messageCode", code, to: &sink) }
        Self.element("label", TextLimit.cut(message.label, to: Self.textLimit), to: &sink)
        Self.element("notification", TextLimit.cut(message.label, to: Self.notificationLimit), to: &sink)
        Self.element("reply", "false", to: &sink)
        Self.element("mandatory", "false", to: &sink)
        Self.element("legalNotification", "false", to: &sink)
        sink.append("<memo:Sender>\n")
        Self.element("senderID", message.sender.cvr, to: &sink)
        Self.element("idType", "CVR", to: &sink)
        Self.element("label", TextLimit.cut(message.sender.name, to: Self.textLimit), to: &sink)
        sink.append("</memo:Sender>\n<memo:Recipient>\n")
        Self.element("recipientID", message.recipient.digits, to: &sink)
        Self.element("idType", message.recipient.isPerson ? "CPR" : "CVR", to: &sink)
        sink.append("</memo:Recipient>\n<memo:ContentData>\n<memo:KLEdata>\n")
        Self.element("subjectKey", message.kle, to: &sink)
        if let kleVersion { Self.element("version", kleVersion, to: &sink) }
        if let label = Self.kleLabels[message.kle] { Self.element("label", label, to: &sink) }
        sink.append("</memo:KLEdata>\n</memo:ContentData>\n</memo:MessageHeader>\n<memo:MessageBody>\n")
        Self.element("createdDateTime", message.fixedAt.description, to: &sink)
        sink.append("<memo:MainDocument>\n<memo:File>\n")
        Self.element("encodingFormat", form == .html ? "text/html" : "text/plain", to: &sink)
        Self.element("filename", form == .html ? "besked.html" : "besked.txt", to: &sink)
        Self.element("language", message.language, to: &sink)
        sink.append("<memo:content>")
        var document = ByteSink(capacity: 2048)
        switch form {
        case .html: HTMLDocument.append(message, to: &document)
        case .text: document.append(message.plainText)
        }
        document.withUnsafeBytes { Base64.append($0, to: &sink) }
        sink.append("</memo:content>\n</memo:File>\n</memo:MainDocument>\n</memo:MessageBody>\n</memo:Message>\n")
    }

    public func document(_ message: OutgoingMessage) -> [UInt8] {
        var sink = ByteSink(capacity: 4096)
        append(message, to: &sink)
        return sink.array()
    }

    private static func element(_ name: StaticString, _ text: String, to sink: inout ByteSink) {
        sink.append("<memo:")
        sink.append(name)
        sink.append(">")
        XMLText.append(text, to: &sink)
        sink.append("</memo:")
        sink.append(name)
        sink.append(">\n")
    }
}
