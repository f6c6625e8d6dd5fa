import Crypto
import FuldmagtBytes
import FuldmagtDomain
import FuldmagtJSON
import FuldmagtRecord

/// Where the receipts of a notification go: back to the shard that wrote it, with its key.
public struct ReceiptAddress: Hashable, Sendable {
    public var pseudonym: Ident
    public var shard: Int32

    public init(pseudonym: Ident, shard: Int32) {
        self.pseudonym = pseudonym
        self.shard = shard
    }
}

/// What a transport says happened to a notification: a record of `fuldmagt.receipts`.
public struct PostReceipt: Equatable, Sendable {
    public enum Status: String, CaseIterable, Sendable {
        /// Handed over to the transport.
        case submitted
        /// The transport has taken it on. That is not delivery.
        case accepted
        case delivered
        case failed
        case returned
    }

    public var notification: Ident
    public var address: ReceiptAddress
    public var transport: PostChannel
    public var status: Status
    /// The transport's own id of what it says: part of the record's id, so that a repeat is recognisable.
    public var transportID: String
    /// The transport's own code.
    public var code: String?
    /// No personal data.
    public var detail: String?
    public var at: Instant

    public init(
        notification: Ident, address: ReceiptAddress, transport: PostChannel, status: Status, transportID: String,
        code: String?, detail: String?, at: Instant
    ) {
        self.notification = notification
        self.address = address
        self.transport = transport
        self.status = status
        self.transportID = transportID
        self.code = code
        self.detail = detail
        self.at = at
    }

    /// Bytes that workers read.
    static let codeLimit = 64
    static let detailLimit = 1024

    /// `ce_id`: the same for the same notification, transport, status and transport's own id.
    public var eventID: String {
        let digest = SHA256.hash(data: Array(transportID.utf8)).withUnsafeBytes { Ident($0) }
        return "\(notification.uuidText)/\(transport.rawValue)/\(status.rawValue)/\(digest)"
    }
}

/// Writes what consumers say into frames.
public struct ReceiptWriter: ~Copyable {
    private var frame = FrameWriter()
    private let source: String
    private let worker: String

    /// - Parameters:
    ///   - source: `ce_source` of receipts: who answers for them.
    ///   - worker: name of this process in dead letters.
    public init(source: String, worker: String) {
        self.source = source
        self.worker = worker
    }

    public mutating func take() -> Frame { frame.take() }

    public mutating func append(_ receipt: PostReceipt) {
        let source = source
        let key = Array(receipt.address.pseudonym.description.utf8)
        key.withUnsafeBytes { key in
            frame.append(
                topic: Topic.receipts.rawValue, partition: receipt.address.shard, timestamp: nil, key: key,
                headers: { block in
                    HeaderBlock.append("ce_specversion", "1.0", to: &block)
                    HeaderBlock.append("ce_id", receipt.eventID, to: &block)
                    HeaderBlock.append("ce_type", "dk.fuldmagt.receipt.v1", to: &block)
                    HeaderBlock.append("ce_source", source, to: &block)
                    HeaderBlock.append("ce_time", receipt.at.description, to: &block)
                    HeaderBlock.append("content-type", "application/json", to: &block)
                },
                value: { bytes in
                    JSONWriter.append(to: &bytes) { json in
                        json.beginObject()
                        json.member("notification", receipt.notification.uuidText)
                        json.member("transport", receipt.transport.rawValue)
                        json.member("status", receipt.status.rawValue)
                        json.memberIfPresent(
                            "code",
                            receipt.code.map { TextLimit.cut($0.withoutNumbers, toBytes: PostReceipt.codeLimit) })
                        json.memberIfPresent(
                            "detail",
                            receipt.detail.map { TextLimit.cut($0.withoutNumbers, toBytes: PostReceipt.detailLimit) })
                        json.member("at", receipt.at.description)
                        json.endObject()
                    }
                    return true
                })
        }
    }

    /// What could not be used, bytes unchanged.
    /// - Parameters:
    ///   - reason: a code such as `unknown-receipt`.
    ///   - detail: for operators; holds nothing of the bytes.
    ///   - origin: what stands in `dl_topic`: a topic, or `post-status` for what came from a transport.
    public mutating func append(
        deadLetter value: UnsafeRawBufferPointer?, key: UnsafeRawBufferPointer?, headers: UnsafeRawBufferPointer?,
        reason: String, detail: String, origin: String, partition: Int32, offset: Int64, now: Instant
    ) {
        let worker = worker
        frame.append(
            topic: Topic.deadLetters.rawValue, partition: nil, timestamp: nil, key: key,
            headers: { block in
                if let headers { block.append(contentsOf: headers) }
                HeaderBlock.append("dl_reason", reason, to: &block)
                HeaderBlock.append("dl_detail", detail, to: &block)
                HeaderBlock.append("dl_topic", origin, to: &block)
                HeaderBlock.append("dl_partition", String(partition), to: &block)
                HeaderBlock.append("dl_offset", String(offset), to: &block)
                HeaderBlock.append("dl_time", now.description, to: &block)
                HeaderBlock.append("dl_worker", worker, to: &block)
            },
            value: { bytes in
                guard let value else { return false }
                bytes.append(contentsOf: value)
                return true
            })
    }
}
