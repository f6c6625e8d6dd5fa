import FuldmagtJSON
import FuldmagtRecord

/// What a transport says happened to a notification.
///
/// It needs no list of ids that were seen: a second receipt of the same transport and status says nothing new, whoever sent
/// it under whatever id, and a notification never moves back (`PostStanding`).
public struct Receipt: Sendable, Equatable {
    public var notification: Ident
    public var transport: PostChannel
    public var status: ReceiptStatus
    /// The transport's own.
    public var code: String?
    public var detail: String?
    /// When it happened, as the transport says.
    public var at: Instant
    /// The receipt's own id, source and type: the proof.
    public var cause: Cause

    /// `ce_type`.
    public static let type = "dk.fuldmagt.receipt.v1"
    /// Longest texts, in characters.
    static let maximumID = 512
    static let maximumCode = 64
    static let maximumDetail = 1024

    public var event: PostEvent { .receipt(transport, status) }

    public init(
        notification: Ident, transport: PostChannel, status: ReceiptStatus, code: String? = nil, detail: String? = nil,
        at: Instant, cause: Cause
    ) {
        self.notification = notification
        self.transport = transport
        self.status = status
        self.code = code
        self.detail = detail
        self.at = at
        self.cause = cause
    }

    /// Reads a record of the receipts topic: a CloudEvent in binary or structured mode. What else its headers say is not
    /// looked at: a receipt is taken from whoever writes it.
    /// - Parameter document: receives the JSON.
    public static func read(_ record: RecordView, into document: JSONDocument) throws(DeadLetter) -> Receipt {
        let (attributes, data) = try EventAttributes.read(record, into: document, keepsExtensions: false)
        let cause = try cause(attributes)
        guard data.kind == .object else { throw DeadLetter(.invalidAttribute, "the receipt is not a JSON object") }
        guard let notification = Ident(hex: try text("notification", in: data, limit: 36)) else {
            throw DeadLetter(.invalidAttribute, "notification is not an id")
        }
        guard let transport = PostChannel(rawValue: try text("transport", in: data, limit: 64)) else {
            throw DeadLetter(.invalidAttribute, "transport is not one of the contract's")
        }
        guard let status = ReceiptStatus(rawValue: try text("status", in: data, limit: 64)) else {
            throw DeadLetter(.invalidAttribute, "status is not one of the contract's")
        }
        guard let at = Instant(try text("at", in: data, limit: 64)) else {
            throw DeadLetter(.invalidAttribute, "at is not an RFC 3339 time")
        }
        return Receipt(
            notification: notification, transport: transport, status: status,
            code: try optionalText("code", in: data, limit: maximumCode)?.withoutNumbers,
            detail: try optionalText("detail", in: data, limit: maximumDetail)?.withoutNumbers, at: at,
            cause: cause)
    }

    private static func text(_ name: StaticString, in data: JSONNode, limit: Int) throws(DeadLetter) -> String {
        guard let text = try optionalText(name, in: data, limit: limit) else {
            throw DeadLetter(.missingAttribute, "\(name) is missing")
        }
        return text
    }

    private static func optionalText(
        _ name: StaticString, in data: JSONNode, limit: Int
    ) throws(DeadLetter) -> String? {
        guard let node = data[name], !node.isNull else { return nil }
        guard let text = node.string, text.hasAtMost(characters: limit) else {
            throw DeadLetter(.invalidAttribute, "\(name) is not a text of at most \(limit) characters")
        }
        return text
    }

    private static func cause(_ attributes: EventAttributes) throws(DeadLetter) -> Cause {
        let (id, type, source) = try attributes.required()
        guard !id.isEmpty, id.hasAtMost(characters: maximumID), !source.isEmpty,
            source.hasAtMost(characters: Envelope.maximumSource)
        else {
            throw DeadLetter(.invalidAttribute, "ce_id or ce_source is empty or too long")
        }
        guard type == Self.type else {
            throw DeadLetter(
                type.hasPrefix("dk.fuldmagt.receipt.v") ? .unknownVersion : .unknownType,
                "ce_type is not \(Self.type), which belongs on this topic")
        }
        return Cause(id: id, source: source, type: type)
    }
}
