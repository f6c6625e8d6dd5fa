import FuldmagtDomain
import FuldmagtRecord

/// Turns what transports say into records: receipts where the notification is known, dead letters where it is not.
/// Nothing is passed over in silence.
public final class ReceiptIntake {
    private let ledgers: LedgerReader
    private let layout: PostStatus.Layout
    private var writer: ReceiptWriter
    private let now: () -> Instant

    /// What became of documents.
    public struct Counts: Equatable, Sendable {
        /// Documents that receipts were made of.
        public var documents = 0
        public var receipts = 0
        /// Documents that became dead letters, by reason.
        public var deadLetters: [String: Int] = [:]
        /// Files that could not be read, each once.
        public var unreadable = 0

        public init() {}
    }

    public private(set) var counts = Counts()

    /// - Parameters:
    ///   - source: `ce_source` of receipts.
    ///   - worker: name of this process in dead letters.
    public init(
        ledgers: LedgerReader, layout: PostStatus.Layout, source: String, worker: String, now: @escaping () -> Instant
    ) {
        self.ledgers = ledgers
        self.layout = layout
        self.now = now
        writer = ReceiptWriter(source: source, worker: worker)
    }

    /// Bytes of a document that is taken in whole.
    public static let documentLimit = 1 << 20

    /// Takes a document in. It may be acknowledged to whoever brought it once the frame with it is written.
    /// - Parameter attempt: how often it was sent again after it had been set aside.
    /// - Returns: what it becomes then; never `later`.
    @discardableResult
    public func take(_ document: [UInt8], attempt: Int = 0) throws -> ReceiptDesk.Answer {
        guard document.count <= Self.documentLimit else { return takeTooLarge(bytes: document.count) }
        let status: PostStatus
        do throws(PostStatus.Unusable) {
            status = try PostStatus.read(document, layout: layout)
        } catch {
            return setAside(document, error, attempt: attempt)
        }
        let found = try ledgers.notifications(ofMessage: status.message)
        let receipts = status.receipts(found)
        guard !receipts.isEmpty else {
            let detail =
                found.isEmpty
                ? "no ledger knows the message" : "the message was not sent by the transport that tells of it"
            return setAside(document, PostStatus.Unusable(.unknownReceipt, detail: detail), attempt: attempt)
        }
        for receipt in receipts { writer.append(receipt) }
        counts.documents += 1
        counts.receipts += receipts.count
        return .taken(receipts: receipts.count)
    }

    /// A dead letter without the document: it would be no smaller there.
    func takeTooLarge(bytes: Int) -> ReceiptDesk.Answer {
        setAside(
            nil,
            PostStatus.Unusable(
                .tooLarge,
                detail: "the document has \(bytes) bytes, and \(Self.documentLimit) at most are read"))
    }

    private func setAside(
        _ document: [UInt8]?, _ fault: PostStatus.Unusable, attempt: Int = 0
    ) -> ReceiptDesk.Answer {
        // Names of elements are whatever the document says.
        var fault = fault
        fault.detail = fault.detail.withoutNumbers
        var headers: [UInt8] = []
        if attempt > 0 { HeaderBlock.append("dl_attempt", String(attempt), to: &headers) }
        func append(_ bytes: UnsafeRawBufferPointer?) {
            headers.withUnsafeBytes {
                writer.append(
                    deadLetter: bytes, key: nil, headers: $0, reason: fault.reason, detail: fault.detail,
                    origin: PostFault.transport, partition: -1, offset: -1, now: now())
            }
        }
        if let document { document.withUnsafeBytes { append($0) } } else { append(nil) }
        counts.deadLetters[fault.reason, default: 0] += 1
        return .setAside(fault)
    }

    /// A file is left where it is.
    func countUnreadable() { counts.unreadable += 1 }

    /// The records made since this was last called.
    public func takeFrame() -> Frame { writer.take() }
}
