import FuldmagtBytes
import FuldmagtJSON
import FuldmagtRecord

/// Writes what decisions say into a frame, as CloudEvents in Kafka's binary mode.
public struct OutputWriter: ~Copyable {
    var frame = FrameWriter()
    let settings: Settings
    private let naming: Naming
    /// Headers that are the same on every record of a kind.
    private let outcomeHeaders: [UInt8]
    private let notificationHeaders: [UInt8]
    private let newsHeaders: [UInt8]
    private let readAccessHeaders: [UInt8]
    private let deathHeaders: [UInt8]
    private let sweepHeaders: [UInt8]
    private let handoverHeaders: [UInt8]
    private let numberChangeHeaders: [UInt8]
    private let commandHeaders: [UInt8]
    private let parkedHeaders: [UInt8]
    private let echoHeaders: [UInt8]
    private let shardText: String
    private var bodies = NotificationBodies()
    var counts = Counts()

    /// What was written, for metrics.
    public struct Counts: Sendable, Equatable {
        public var accepted = 0
        public var rejected = 0
        /// Commands whose sender was told that they wait.
        public var parked = 0
        public var notifications = 0
        public var cancelled = 0
        public var inbox = 0
        public var forwarded = 0
        public var deadLetters = 0
        /// Commands whose sender may not send them, decided all the same.
        public var warnings = 0
        public var rejections: [ReasonCode: Int] = [:]
        public var deadLetterReasons: [DeadLetterReason: Int] = [:]
        /// What became of notifications.
        public var post = PostCounts()

        public init() {}

        public mutating func add(_ other: Counts) {
            accepted += other.accepted
            rejected += other.rejected
            parked += other.parked
            notifications += other.notifications
            cancelled += other.cancelled
            inbox += other.inbox
            forwarded += other.forwarded
            deadLetters += other.deadLetters
            warnings += other.warnings
            rejections.merge(other.rejections, uniquingKeysWith: +)
            deadLetterReasons.merge(other.deadLetterReasons, uniquingKeysWith: +)
            post.add(other.post)
        }
    }

    /// - Parameter shard: the shard that writes: receipts are returned to it (`fm_shard`).
    public init(settings: Settings, naming: Naming, shard: Int32) {
        self.settings = settings
        self.naming = naming
        shardText = String(shard)
        func common(_ type: String) -> [UInt8] {
            var block: [UInt8] = []
            HeaderBlock.append("ce_specversion", "1.0", to: &block)
            HeaderBlock.append("ce_type", type, to: &block)
            HeaderBlock.append("ce_source", "urn:dk:fuldmagt:\(settings.cluster)", to: &block)
            HeaderBlock.append("content-type", "application/json", to: &block)
            return block
        }
        outcomeHeaders = common("dk.fuldmagt.outcome.v1")
        notificationHeaders = common("dk.fuldmagt.notification.v1")
        newsHeaders = common(InboxType.news.rawValue)
        readAccessHeaders = common(InboxType.readAccess.rawValue)
        deathHeaders = common(InboxType.death.rawValue)
        sweepHeaders = common(InboxType.sweep.rawValue)
        handoverHeaders = common(InboxType.handover.rawValue)
        numberChangeHeaders = common(InboxType.numberChange.rawValue)
        commandHeaders = common(InboxType.command.rawValue)
        parkedHeaders = common(InboxType.parked.rawValue)
        echoHeaders = common(InboxType.echo.rawValue)
    }

    /// Takes the frame and counts, and starts new ones.
    public mutating func take() -> (Frame, Counts) {
        defer { counts = Counts() }
        return (frame.take(), counts)
    }

    /// Forgets what was written.
    public mutating func removeAll() {
        frame.removeAll()
        counts = Counts()
    }

    /// Puts other records behind those written here.
    public mutating func append<Failure: Error>(
        _ body: (inout FrameWriter) throws(Failure) -> Void
    ) throws(Failure) {
        try body(&frame)
    }

    public mutating func write(_ effects: Effects) {
        counts.warnings += effects.warnings
        if let outcome = effects.outcome { write(outcome) }
        for notice in effects.notices { write(notice) }
        for message in effects.inbox { write(message) }
    }

    // MARK: Outcomes

    public mutating func write(_ outcome: Outcome) {
        switch outcome.status {
        case .accepted: counts.accepted += 1
        case .parked: counts.parked += 1
        case .rejected:
            counts.rejected += 1
            for reason in outcome.reasons { counts.rejections[reason.code, default: 0] += 1 }
        }
        var key = outcome.cause.id
        let headers = outcomeHeaders
        key.withUTF8 { key in
            frame.append(
                topic: Topic.outcomes.rawValue, partition: nil, timestamp: nil, key: UnsafeRawBufferPointer(key),
                headers: { block in
                    block.append(contentsOf: headers)
                    HeaderBlock.append("ce_id", to: &block) { id in
                        id.append(outcome.cause.source)
                        id.append(UInt8(ascii: "/"))
                        id.append(outcome.cause.id)
                        id.append(UInt8(ascii: "/"))
                        id.append(outcome.status.rawValue)
                    }
                    HeaderBlock.append("ce_time", to: &block) { $0.append(outcome.decidedAt) }
                    Self.append(outcome.cause.extensions, to: &block)
                },
                value: { bytes in
                    JSONWriter.append(to: &bytes) { Self.write(outcome, to: &$0) }
                    return true
                })
        }
    }

    static func write(_ outcome: Outcome, to json: inout JSONWriter) {
        json.beginObject()
        json.key("command")
        json.beginObject()
        json.member("id", outcome.cause.id)
        json.member("type", outcome.cause.type)
        json.member("source", outcome.cause.source)
        json.endObject()
        json.member("status", outcome.status.rawValue)
        json.key("reasons")
        json.beginArray()
        for reason in outcome.reasons {
            json.beginObject()
            json.member("code", reason.code.rawValue)
            json.memberIfPresent("field", reason.field)
            json.member("da", reason.danish)
            json.member("en", reason.english)
            json.endObject()
        }
        json.endArray()
        json.key("grants")
        json.beginArray()
        for grant in outcome.grants { grant.write(to: &json) }
        json.endArray()
        json.member("decidedAt", outcome.decidedAt)
        json.key("position")
        json.beginObject()
        json.member("topic", outcome.position.topic.name)
        json.member("partition", Int(outcome.position.partition))
        json.member("offset", Int(outcome.position.offset))
        json.endObject()
        json.endObject()
    }

    // MARK: Notifications

    public mutating func write(_ notice: Notice) {
        let notification = notice.notification
        if notice.isCancellation {
            counts.cancelled += 1
        } else if notice.isRerouting {
            counts.post.rerouted += 1
        } else {
            counts.notifications += 1
        }
        let headers = notificationHeaders
        let masked = notice.isMasked ? naming.mask(notice.cause) : nil
        let shardText = shardText
        let body = bodies.json(of: notification)
        Self.withHex(notice.recipient.pseudonym) { key in
            frame.append(
                topic: Topic.notifications.rawValue, partition: nil, timestamp: nil, key: key,
                headers: { block in
                    block.append(contentsOf: headers)
                    HeaderBlock.append("ce_id", to: &block) { id in
                        id.append(uuid: notification.id)
                        if notice.isCancellation { id.append("/cancelled") }
                        if notice.isRerouting { id.append("/letter") }
                    }
                    HeaderBlock.append("ce_time", to: &block) { $0.append(notification.createdAt) }
                    HeaderBlock.append("fm_shard", shardText, to: &block)
                    Self.append(notice.cause.extensions, isAboutAnother: masked != nil, to: &block)
                },
                value: { bytes in
                    JSONWriter.append(to: &bytes) { Self.write(notice, body: body, masked: masked, to: &$0) }
                    return true
                })
        }
    }

    private static func write(_ notice: Notice, body: [UInt8], masked: Ident?, to json: inout JSONWriter) {
        let notification = notice.notification
        json.beginObject()
        json.member("id", uuid: notification.id)
        json.member("kind", notice.isCancellation ? "cancelled" : notification.kind.rawValue)
        json.key("recipient")
        json.beginObject()
        json.member(notice.recipient.party.isPerson ? "cpr" : "cvr", notice.recipient.party.digits)
        json.endObject()
        json.member("channel", notification.channel.rawValue)
        if let grant = notification.grant { json.member("grant", uuid: grant) }
        json.member("title", NotificationText.title(notification))
        json.key("body")
        body.withUnsafeBytes { json.rawBytes($0) }
        json.member("language", "da")
        json.member("kle", notification.kle)
        json.key("sender")
        json.beginObject()
        json.member("cvr", notification.sender.cvr)
        json.member("name", notification.sender.name)
        json.endObject()
        json.key("cause")
        json.beginObject()
        if let masked {
            json.member("id", hex: masked)
        } else {
            json.member("id", notice.cause.id)
            json.member("type", notice.cause.type)
        }
        json.endObject()
        json.member("createdAt", notification.createdAt)
        json.endObject()
    }

    // MARK: Inbox

    public mutating func write(_ message: InboxMessage) {
        counts.inbox += 1
        let shardText = shardText
        let headers =
            switch message.body {
            case .news: newsHeaders
            case .readAccess: readAccessHeaders
            case .death: deathHeaders
            case .sweep: sweepHeaders
            case .handover: handoverHeaders
            case .numberChange: numberChangeHeaders
            case .command: commandHeaders
            case .parked: parkedHeaders
            case .echo: echoHeaders
            }
        func write(_ key: UnsafeRawBufferPointer?) {
            frame.append(
                topic: Topic.inbox.rawValue, partition: message.shard, timestamp: nil, key: key,
                headers: { block in
                    block.append(contentsOf: headers)
                    HeaderBlock.append("ce_id", to: &block) { message.body.writeID(shard: shardText, to: &$0) }
                },
                value: { bytes in
                    JSONWriter.append(to: &bytes) { message.write(to: &$0) }
                    return true
                })
        }
        if let citizen = message.citizen {
            Self.withHex(citizen) { write($0) }
        } else {
            write(nil)
        }
    }

    private static func withHex(_ ident: Ident, _ body: (UnsafeRawBufferPointer) -> Void) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 32) { buffer in
            guard let start = buffer.baseAddress else { return }
            ident.writeHex(to: start)
            body(UnsafeRawBufferPointer(buffer))
        }
    }

    // MARK: What could not be decided here

    /// Why and where a record failed, beside the record itself.
    public struct DeadLetterOrigin {
        public var topic: Topic
        public var partition: Int32
        public var now: Instant
        public var worker: String

        public init(topic: Topic, partition: Int32, now: Instant, worker: String) {
            self.topic = topic
            self.partition = partition
            self.now = now
            self.worker = worker
        }
    }

    /// Sets a record aside, bytes and headers unchanged.
    public mutating func write(_ letter: DeadLetter, record: RecordView, from origin: DeadLetterOrigin) {
        counts.deadLetters += 1
        counts.deadLetterReasons[letter.reason, default: 0] += 1
        frame.append(
            topic: Topic.deadLetters.rawValue, partition: nil, timestamp: nil, key: record.key,
            headers: { block in
                block.append(contentsOf: record.headers)
                HeaderBlock.append("dl_reason", letter.reason.rawValue, to: &block)
                HeaderBlock.append("dl_detail", letter.detail, to: &block)
                HeaderBlock.append("dl_topic", origin.topic.name, to: &block)
                HeaderBlock.append("dl_partition", String(origin.partition), to: &block)
                HeaderBlock.append("dl_offset", String(record.offset), to: &block)
                HeaderBlock.append("dl_time", origin.now.description, to: &block)
                HeaderBlock.append("dl_worker", origin.worker, to: &block)
            },
            value: { bytes in
                guard let value = record.value else { return false }
                bytes.append(contentsOf: value)
                return true
            })
    }

    /// Re-publishes a command that stood in another citizen's partition, with its first time and position.
    public mutating func forward(_ record: RecordView, topic: Topic, to shard: Int32, first: FirstWritten) {
        counts.forwarded += 1
        frame.append(
            topic: topic.rawValue, partition: shard, timestamp: nil, key: record.key,
            headers: { block in
                HeaderBlock.forEach(in: record.headers) { name, value in
                    // Earlier marks give way to the ones that are set now.
                    if !name.starts(with: "fm_".utf8) { HeaderBlock.append(name: name, value: value, to: &block) }
                }
                for (name, value) in first.headers { HeaderBlock.append(name: name, value: value, to: &block) }
            },
            value: { bytes in
                guard let value = record.value else { return false }
                bytes.append(contentsOf: value)
                return true
            })
    }

    /// Writes again what a key of the catalogue stands for.
    /// - Parameters:
    ///   - batch: the one record, written again with its bytes, headers and time; nil for a tombstone.
    ///   - offset: of the record that took its place and changed nothing.
    public mutating func restore(_ batch: RecordBatch?, under key: [UInt8], insteadOf offset: Int64) {
        guard let batch else {
            return restore(nil as RecordView?, under: key, insteadOf: offset)
        }
        batch.withRecords { restore($0.first, under: key, insteadOf: offset) }
    }

    private mutating func restore(_ record: RecordView?, under key: [UInt8], insteadOf offset: Int64) {
        key.withUnsafeBytes { key in
            frame.append(
                topic: Topic.catalogue.rawValue, partition: 0, timestamp: record?.timestamp, key: key,
                headers: { block in
                    if let record {
                        HeaderBlock.forEach(in: record.headers) { name, value in
                            if !name.elementsEqual(Self.restored.utf8) {
                                HeaderBlock.append(name: name, value: value, to: &block)
                            }
                        }
                    }
                    HeaderBlock.append(name: Self.restored, value: String(offset), to: &block)
                },
                value: { bytes in
                    guard let value = record?.value else { return false }
                    bytes.append(contentsOf: value)
                    return true
                })
        }
    }

    /// Header of a catalogue record that was written again: the offset of the record that had taken its place.
    private static let restored = "fm_restored"

    /// Where a catalogue record was written again by a worker: the offset of the record whose place it takes. Its first
    /// writing has been answered.
    public static func restoredOffset(_ record: RecordView) -> Int64? {
        record.header(restored).flatMap { Int64($0) }
    }

    /// The extensions of what caused a record. Where it is about somebody else than its recipient, only the trace: a job's
    /// name could tell which municipality the citizen moved to.
    static func append(_ extensions: [Extension], isAboutAnother: Bool = false, to block: inout ByteSink) {
        let extensions = isAboutAnother ? extensions.filter { $0.name == "traceparent" } : extensions
        for item in extensions { HeaderBlock.append(name: "ce_\(item.name)", value: item.value, to: &block) }
    }
}
