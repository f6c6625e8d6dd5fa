import FuldmagtBytes
import FuldmagtDomain

/// What is handed to a transport under one id: a notification, or several of one cause to one recipient.
public struct OutgoingMessage: Sendable, Equatable {
    /// The MeMo messageUUID: the id of the first notification that it was made for.
    public var id: Ident
    /// When the id was fixed: the same however often it is sent.
    public var fixedAt: Instant
    /// In the order of their arrival; at least one.
    public var parts: [PostNotification]

    /// - Precondition: there is a part.
    public init(id: Ident, fixedAt: Instant, parts: [PostNotification]) {
        precondition(!parts.isEmpty, "a message says something")
        self.id = id
        self.fixedAt = fixedAt
        self.parts = parts
    }

    /// All parts have one recipient, sender and language.
    public var recipient: Party { parts[0].recipient }
    public var sender: Sender { parts[0].sender }
    public var language: String { parts[0].language }
    public var kle: String { parts[0].kle }

    /// What stands above it in a list of messages: says what it is about, and nothing that only the recipient may see.
    public var label: String {
        parts.allSatisfy { $0.title == parts[0].title } ? parts[0].title : Self.severalLabel
    }

    /// The label where parts have titles of their own.
    public static let severalLabel = "Der er nyt om dine fuldmagter"

    /// What brought it about, for the sender's own system; nil where parts differ.
    var code: String? {
        guard let kind = parts[0].kind, parts.allSatisfy({ $0.kind == kind }) else { return nil }
        return kind.rawValue
    }

    /// The texts one below the other.
    var plainText: String {
        guard parts.count > 1 else { return parts[0].body }
        let isAlike = parts.allSatisfy { $0.title == parts[0].title }
        return parts.map { isAlike ? $0.body : "\($0.title)\n\($0.body)" }.joined(separator: "\n\n")
    }
}

/// A document for people: HTML that needs nothing from elsewhere, for a mailbox or for print. Behind its first line it is
/// well-formed XML too.
public enum HTMLDocument {
    private static let style: StaticString = """
        body{font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;color:#1a1a1a;background:#fff;\
        max-width:38rem;margin:2rem auto;padding:0 1.25rem}\
        h1{font-size:1.5rem;line-height:1.25;margin:0 0 1rem}h2{font-size:1.125rem;margin:1.5rem 0 .25rem}\
        p{margin:0 0 1rem;overflow-wrap:anywhere;white-space:pre-line}footer{border-top:1px solid #767676;margin-top:2rem;padding-top:.75rem;\
        color:#4a4a4a;font-size:.9375rem}
        """
    private static let printStyle: StaticString = """
        @page{size:A4;margin:22mm 20mm}body{max-width:none;margin:0;padding:0;font-size:11.5pt}\
        @media screen{body{margin:22mm 20mm}}.to{height:62mm}.day{text-align:right;margin-bottom:12mm}footer{font-size:9.5pt}
        """

    /// The main document of a Digital Post message.
    public static func append(_ message: OutgoingMessage, to sink: inout ByteSink) {
        begin(message, styles: [style], to: &sink)
        content(of: message, to: &sink)
        end(message, to: &sink)
    }

    /// A letter on A4: the upper third is left to the print supplier's address, which we do not know.
    public static func appendLetter(_ message: OutgoingMessage, to sink: inout ByteSink) {
        begin(message, styles: [style, printStyle], to: &sink)
        sink.append("<div class=\"to\"></div>\n<p class=\"day\">")
        XMLText.append(danish(message.fixedAt.day), to: &sink)
        sink.append("</p>\n")
        content(of: message, to: &sink)
        end(message, to: &sink)
    }

    private static func begin(_ message: OutgoingMessage, styles: [StaticString], to sink: inout ByteSink) {
        sink.append("<!DOCTYPE html>\n<html lang=\"")
        XMLText.append(message.language, to: &sink)
        sink.append("\">\n<head>\n<meta charset=\"utf-8\"/>\n")
        sink.append("<meta name=\"viewport\" content=\"width=device-width\"/>\n<title>")
        XMLText.append(message.label, to: &sink)
        sink.append("</title>\n<style>")
        for style in styles { sink.append(style) }
        sink.append("</style>\n</head>\n<body>\n")
    }

    private static func content(of message: OutgoingMessage, to sink: inout ByteSink) {
        sink.append("<h1>")
        XMLText.append(message.label, to: &sink)
        sink.append("</h1>\n")
        let isAlike = message.parts.allSatisfy { $0.title == message.parts[0].title }
        for part in message.parts {
            if !isAlike {
                sink.append("<h2>")
                XMLText.append(part.title, to: &sink)
                sink.append("</h2>\n")
            }
            sink.append("<p>")
            XMLText.append(part.body, to: &sink)
            sink.append("</p>\n")
        }
    }

    private static func end(_ message: OutgoingMessage, to sink: inout ByteSink) {
        sink.append("<footer>")
        XMLText.append(message.sender.name, to: &sink)
        sink.append("<br/>CVR ")
        XMLText.append(message.sender.cvr, to: &sink)
        sink.append("</footer>\n</body>\n</html>\n")
    }

    private static let months = [
        "januar", "februar", "marts", "april", "maj", "juni", "juli", "august", "september", "oktober", "november",
        "december",
    ]

    static func danish(_ day: Day) -> String { "\(day.dayOfMonth). \(months[day.month - 1]) \(day.year)" }
}
