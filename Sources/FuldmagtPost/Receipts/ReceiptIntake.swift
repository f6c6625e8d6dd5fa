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

    /// Takes a document in. It may be acknowledged to whoever brought it once the frame with it is written.
    /// - Returns: whether it was usable.
    @discardableResult
    public func take(_ document: [UInt8]) throws -> Bool {
        let status: PostStatus
        do throws(PostStatus.Unusable) {
            status = try PostStatus.read(document, layout: layout)
        } catch {
            setAside(document, error)
            return false
        }
        let found = try ledgers.notifications(ofMessage: status.message)
        let receipts = status.receipts(found)
        guard !receipts.isEmpty else {
            let detail =
                found.isEmpty
                ? "no ledger knows the message" : "the message was not sent by the transport that tells of it"
            setAside(document, PostStatus.Unusable(reason: "unknown-receipt", detail: detail))
            return false
        }
        for receipt in receipts { writer.append(receipt) }
        counts.documents += 1
        counts.receipts += receipts.count
        return true
    }

    private func setAside(_ document: [UInt8], _ fault: PostStatus.Unusable) {
        document.withUnsafeBytes { bytes in
            writer.append(
                deadLetter: bytes, key: nil, headers: nil, reason: fault.reason, detail: fault.detail,
                origin: "post-status", partition: -1, offset: -1, now: now())
        }
        counts.deadLetters[fault.reason, default: 0] += 1
    }

    /// The records made since this was last called.
    public func takeFrame() -> Frame { writer.take() }
}
