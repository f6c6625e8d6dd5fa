import FuldmagtDomain
import FuldmagtJSON
import FuldmagtRecord

/// A record of `fuldmagt.notifications` as a consumer needs it.
public struct PostNotification: Sendable, Equatable {
    /// In the form of a UUID version 4.
    public var id: Ident
    /// Nil for a record that withdraws an earlier one of the same id.
    public var kind: NotificationKind?
    public var recipient: Party
    public var channel: PostChannel
    public var title: String
    public var body: String
    public var language: String
    public var kle: String
    public var sender: Sender
    /// Id of what brought it about; the same for all that one command brings about for one party.
    public var cause: String
    /// The record's key: the recipient's pseudonym, which receipts carry too.
    public var pseudonym: Ident
    /// Where receipts go: the header `fm_shard`.
    public var shard: Int32

    public var isCancellation: Bool { kind == nil }

    public init(
        id: Ident, kind: NotificationKind?, recipient: Party, channel: PostChannel, title: String, body: String,
        language: String = "da", kle: String, sender: Sender, cause: String, pseudonym: Ident, shard: Int32
    ) {
        self.id = id
        self.kind = kind
        self.recipient = recipient
        self.channel = channel
        self.title = title
        self.body = body
        self.language = language
        self.kle = kle
        self.sender = sender
        self.cause = cause
        self.pseudonym = pseudonym
        self.shard = shard
    }

    /// What a record cannot be used for. Holds nothing of the record.
    public struct Unusable: Error, Equatable, Sendable, CustomStringConvertible {
        public let description: String
    }

    private static let type = "dk.fuldmagt.notification.v1"

    /// Reads a record.
    /// - Parameter document: reused between calls.
    public static func read(_ record: RecordView, into document: JSONDocument) throws(Unusable) -> PostNotification {
        guard let value = record.value else { throw Unusable(description: "it has no value") }
        guard record.header("ce_type") == Self.type else {
            throw Unusable(description: "its ce_type is not \(Self.type)")
        }
        guard let shard = record.header("fm_shard").flatMap({ Int32($0) }), shard >= 0 else {
            throw Unusable(description: "its header fm_shard is no partition")
        }
        guard let key = record.key, key.count == 32, let pseudonym = Ident(hexDigits: key) else {
            throw Unusable(description: "its key is no pseudonym")
        }
        return try read(value, pseudonym: pseudonym, shard: shard, into: document)
    }

    /// Reads a record's value.
    static func read(
        _ value: UnsafeRawBufferPointer, pseudonym: Ident, shard: Int32, into document: JSONDocument
    ) throws(Unusable) -> PostNotification {
        do { try document.parse(value) } catch { throw Unusable(description: "its value is not JSON") }
        let root = document.root
        func text(_ name: StaticString) throws(Unusable) -> String {
            guard let text = root[name]?.string, !text.isEmpty else {
                throw Unusable(description: "its \(name) is missing")
            }
            return text
        }
        guard let id = Ident(hex: try text("id")), id == id.asUUIDv4 else {
            throw Unusable(description: "its id has not the form of a UUID version 4")
        }
        let kindText = try text("kind")
        let kind = NotificationKind(rawValue: kindText)
        guard kind != nil || kindText == "cancelled" else { throw Unusable(description: "its kind is unknown") }
        guard let channel = PostChannel(rawValue: try text("channel")) else {
            throw Unusable(description: "its channel is unknown")
        }
        guard let cvr = root["sender"]?["cvr"]?.string, CVR(cvr) != nil, let name = root["sender"]?["name"]?.string
        else { throw Unusable(description: "its sender is no authority") }
        return PostNotification(
            id: id, kind: kind, recipient: try recipient(root["recipient"]), channel: channel, title: try text("title"),
            body: try text("body"), language: root["language"]?.string ?? "da", kle: try text("kle"),
            sender: Sender(cvr: cvr, name: name), cause: root["cause"]?["id"]?.string ?? "", pseudonym: pseudonym,
            shard: shard)
    }

    private static func recipient(_ node: JSONNode?) throws(Unusable) -> Party {
        if let digits = node?["cvr"]?.string, let cvr = CVR(digits) { return .company(cvr) }
        if let digits = node?["cpr"]?.string {
            // Workers have checked it against its day.
            do { return .person(try CPR(digits, today: .last)) } catch {
                throw Unusable(description: "its recipient is no person")
            }
        }
        throw Unusable(description: "its recipient is missing")
    }
}
