import FuldmagtDomain
import FuldmagtKeys
import FuldmagtRecord

/// A seeded stream of receipts for what a model has told so far, as transports write them: late, twice, out of order, of
/// both transports, of messages long withdrawn, and of ids that nobody knows. They are for a phase of their own.
public struct ReceiptWorkload {
    private let keys: ClusterKey
    private let partitions: Int32
    private let seed: UInt64
    private var random: SplitMix64
    private var count = 0

    public init(seed: UInt64, keys: ClusterKey, partitions: Int32) {
        self.keys = keys
        self.partitions = partitions
        self.seed = seed
        random = SplitMix64(seed: seed)
    }

    /// Ways that notifications go, by transport.
    private static let ways: [String: [[String]]] = [
        "digital-post": [
            ["submitted", "accepted", "delivered"], ["submitted", "accepted"], ["submitted"], ["submitted", "failed"],
            ["failed"], ["submitted", "accepted", "failed", "delivered"],
        ],
        "letter": [
            ["submitted", "accepted", "delivered"], ["submitted", "accepted"], ["submitted", "failed"], ["failed"],
            ["submitted", "accepted", "delivered", "returned"],
        ],
    ]

    /// Receipts of some notifications.
    /// - Parameters:
    ///   - notifications: how many, about.
    ///   - hasUnknown: whether some name ids that nobody knows.
    ///   - after: the timestamp of the record before.
    public mutating func next(
        _ notifications: Int, of model: NaiveModel, hasUnknown: Bool, after: Int64
    ) -> [ModelRecord] {
        next(
            notifications, of: model.notifications.map { ($0, channel: model.channel(of: $0)) }, hasUnknown: hasUnknown,
            after: after)
    }

    /// The same of what was told, each with the channel that it is sent by now.
    public mutating func next(
        _ notifications: Int, of told: [(ExpectedNotification, channel: String)], hasUnknown: Bool, after: Int64
    ) -> [ModelRecord] {
        let told = told.filter { $0.0.cancelledKind == nil && !$0.0.isRerouted }
        guard !told.isEmpty else { return [] }
        var records: [ModelRecord] = []
        var clock = after
        for _ in 0..<notifications {
            let (notification, channel) = random.pick(told)
            // Now and then what only the other transport could say.
            let other = channel == "letter" ? "digital-post" : "letter"
            let transport = random.chance(1, of: 12) ? other : channel
            var statuses = random.pick(Self.ways[transport] ?? [])
            if random.chance(1, of: 5) { statuses = random.shuffled(statuses) }
            let isUnknown = hasUnknown && random.chance(1, of: 25)
            let id =
                isUnknown ? Ident(high: random.next(), low: random.next()).asUUIDv4.uuidText : notification.id
            for status in statuses {
                let copies = random.chance(1, of: 6) ? 2 : 1
                for copy in 0..<copies {
                    clock += 1
                    // A repeat has the same id, or one of its own.
                    if copy == 0 || random.chance(1, of: 2) { count += 1 }
                    records.append(
                        record(id, transport, status, to: notification.recipient, at: clock))
                }
            }
        }
        return records
    }

    private mutating func record(
        _ id: String, _ transport: String, _ status: String, to recipient: String, at clock: Int64
    ) -> ModelRecord {
        let happened = Instant(milliseconds: clock - Int64(random.below(86_400_000)))
        let code = status == "failed" ? #","code":"recipient.is.closed""# : ""
        let data =
            #"{"notification":"\#(id)","transport":"\#(transport)","status":"\#(status)","at":"\#(happened)"\#(code)}"#
        let attributes = [
            ("specversion", "1.0"), ("id", "receipt-\(seed)-\(count)"), ("type", "dk.fuldmagt.receipt.v1"),
            ("source", "urn:dk:cvr:99000007:post"),
        ]
        var headers: [(String, String)] = attributes.map { ("ce_\($0)", $1) } + [("content-type", "application/json")]
        var value = data
        // Some transports write the event as a whole.
        if count.isMultiple(of: 5) {
            headers = [("content-type", "application/cloudevents+json")]
            value = "{" + attributes.map { "\"\($0)\":\"\($1)\"," }.joined() + "\"data\":\(data)}"
        }
        return ModelRecord(
            topic: .receipts, partition: Murmur2.partition(of: recipient, partitions: partitions),
            key: Array(pseudonym(recipient).utf8), headers: headers.map { ($0, Array($1.utf8)) },
            value: Array(value.utf8), timestamp: clock)
    }

    private func pseudonym(_ digits: String) -> String { keys.pseudonym(ofText: digits).description }
}

extension NaiveModel {
    /// By what a notification goes now.
    public func channel(of notification: ExpectedNotification) -> String { post(of: notification).channel }
}
