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

    /// Reads a record of the receipts topic: a CloudEvent in binary mode.
    /// - Parameter document: receives the JSON.
    public static func read(_ record: RecordView, into document: JSONDocument) throws(DeadLetter) -> Receipt {
        guard let value = record.value, value.count > 0 else {
            throw DeadLetter(.emptyValue, record.value == nil ? "the record has no value" : "the value has no bytes")
        }
        guard value.count <= Envelope.maximumValueSize else {
            throw DeadLetter(
                .tooLarge, "the value has \(value.count) bytes; at most \(Envelope.maximumValueSize) are read")
        }
        let cause = try cause(record.headers)
        do throws(JSONFailure) {
            try document.parse(value, maximumDepth: Envelope.maximumDepth)
        } catch {
            throw DeadLetter(json: error)
        }
        let data = document.root
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

    private static func cause(_ headers: UnsafeRawBufferPointer) throws(DeadLetter) -> Cause {
        var found: [String: String] = [:]
        try HeaderBlock.forEach(in: headers) { (name, value) throws(DeadLetter) in
            guard name.starts(with: "ce_".utf8) else { return }
            guard let value, let name = String(validating: name, as: UTF8.self),
                let text = String(validating: value, as: UTF8.self)
            else { throw DeadLetter(.invalidAttribute, "a header is null or not UTF-8") }
            guard found.updateValue(text, forKey: name) == nil else {
                throw DeadLetter(.invalidAttribute, "an attribute stands twice")
            }
        }
        for name in ["ce_specversion", "ce_id", "ce_type", "ce_source"] where found[name] == nil {
            throw DeadLetter(.missingAttribute, "\(name) is missing")
        }
        guard found["ce_specversion"] == "1.0", let id = found["ce_id"], let source = found["ce_source"],
            !id.isEmpty, id.hasAtMost(characters: maximumID), !source.isEmpty,
            source.hasAtMost(characters: Envelope.maximumSource)
        else {
            throw DeadLetter(.invalidAttribute, "ce_specversion is not 1.0, or ce_id or ce_source is empty or too long")
        }
        guard found["ce_type"] == type else {
            let isOtherVersion = found["ce_type"]?.hasPrefix("dk.fuldmagt.receipt.v") ?? false
            throw DeadLetter(
                isOtherVersion ? .unknownVersion : .unknownType, "ce_type is not \(type), which belongs on this topic")
        }
        return Cause(id: id, source: source, type: type)
    }
}
