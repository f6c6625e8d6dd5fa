import FuldmagtDomain

/// A PKO_PostStatus: what the transport says happened to a message.
///
/// What such a receipt says is known (see `Meaning`); how its XML is laid out is not, so `Layout` names the elements, and
/// its defaults are an example of ours. Elements are found by local name at any depth, in whatever namespace.
public struct PostStatus: Equatable, Sendable {
    /// The transport's own id of this receipt.
    public var receiptID: String
    /// The messageUUID.
    public var message: Ident
    public var meaning: Meaning
    public var code: String?
    public var text: String?
    public var at: Instant

    /// Local names of the elements that are read.
    public struct Layout: Equatable, Sendable, Codable {
        public var receiptID = "kvitteringID"
        public var message = "messageUUID"
        public var status = "status"
        public var code = "fejlkode"
        public var text = "tekst"
        public var at = "tidspunkt"

        public init() {}
    }

    /// What a status stands for.
    public struct Meaning: Equatable, Sendable {
        /// As the transport writes it.
        public var name: String
        /// Nil where both transports say it.
        public var transport: PostChannel?
        public var status: PostReceipt.Status

        /// All there are. Accepted is not delivered: only what says that somebody got it is a delivery. The last that is
        /// known of a letter is that the postal service has it.
        public static let all: [Meaning] = [
            Meaning(name: "Afsendt", transport: nil, status: .accepted),
            Meaning(name: "Modtaget Digital Post", transport: .digitalPost, status: .accepted),
            Meaning(name: "Afleveret Digital Post", transport: .digitalPost, status: .delivered),
            Meaning(name: "Modtaget fjernprint", transport: .letter, status: .accepted),
            Meaning(name: "Klar", transport: .letter, status: .accepted),
            Meaning(name: "Afleveret til print", transport: .letter, status: .accepted),
            Meaning(name: "Modtaget PostDanmark", transport: .letter, status: .delivered),
            Meaning(name: "Fejlet", transport: nil, status: .failed),
            Meaning(name: "Tilbagekaldt", transport: nil, status: .failed),
        ]

        static func named(_ name: String) -> Meaning? {
            let name = name.lowercased()
            return all.first { $0.name.lowercased() == name }
        }
    }

    /// Why a receipt cannot be used.
    public struct Unusable: Error, Equatable, Sendable {
        /// A code of dead letters.
        public var reason: String
        /// Holds nothing of the receipt but names of elements.
        public var detail: String

        init(_ fault: PostFault, detail: String) {
            reason = fault.rawValue
            self.detail = detail
        }
    }

    public static func read(_ bytes: [UInt8], layout: Layout) throws(Unusable) -> PostStatus {
        let root: XMLElement
        do {
            root = try XMLReader.read(bytes)
        } catch {
            throw Unusable(.invalidReceipt, detail: error.description)
        }
        func text(_ name: String) throws(Unusable) -> String {
            guard let text = root.first(name)?.trimmedText, !text.isEmpty else {
                throw Unusable(.invalidReceipt, detail: "element \(name) is missing or empty")
            }
            return text
        }
        guard let message = Ident(hex: try text(layout.message)) else {
            throw Unusable(.invalidReceipt, detail: "\(layout.message) is no UUID")
        }
        guard let meaning = Meaning.named(try text(layout.status)) else {
            throw Unusable(.unknownStatus, detail: "\(layout.status) is none of the known statuses")
        }
        guard let at = Instant(try text(layout.at)) else {
            throw Unusable(.invalidReceipt, detail: "\(layout.at) is no RFC 3339 time")
        }
        let optional = { (name: String) in root.first(name)?.trimmedText.nilIfEmpty }
        return PostStatus(
            receiptID: try text(layout.receiptID), message: message, meaning: meaning,
            code: meaning.status == .failed
                ? optional(layout.code) ?? (meaning.name == "Tilbagekaldt" ? "recalled" : nil) : optional(layout.code),
            text: optional(layout.text), at: at)
    }

    /// A receipt for each notification that travelled in the message.
    /// - Parameter found: what the ledgers know of it.
    func receipts(_ found: [LedgerReader.Found]) -> [PostReceipt] {
        // What both transports say is about the later one: a letter follows Digital Post, never the other way round.
        let transport =
            meaning.transport ?? (found.contains { $0.channel == .letter } ? PostChannel.letter : .digitalPost)
        return found.filter { $0.channel == transport }.map { found in
            PostReceipt(
                notification: found.notification, address: found.address, transport: transport, status: meaning.status,
                transportID: receiptID, code: code,
                detail: ["receipt \(receiptID)", text].compactMap { $0 }
                    .joined(separator: ": "), at: at)
        }
    }
}

extension String {
    var nilIfEmpty: String? { isEmpty ? nil : self }
}
