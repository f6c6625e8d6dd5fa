import FuldmagtDomain
import FuldmagtJSON
import FuldmagtKeys
import FuldmagtPost
import FuldmagtRecord

/// Decides whether a dead letter is sent again, and where to. Reads nothing but the record.
public struct Replay {
    public var settings: Settings
    /// For digests.
    public var keys: ClusterKey
    /// The day that counts for commands sent now.
    public var today: Day
    /// How often a record may be replayed in all; what fails again and again needs a person, not another round.
    public var attempts: Int
    /// Sends also what is expected to fail again, and what belongs to the system itself.
    public var isForced: Bool
    private let document = JSONDocument()

    public init(settings: Settings, keys: ClusterKey, today: Day, attempts: Int, isForced: Bool) {
        self.settings = settings
        self.keys = keys
        self.today = today
        self.attempts = attempts
        self.isForced = isForced
    }

    public enum Decision: Equatable, Sendable {
        /// - Parameters:
        ///   - partition: nil lets the key decide, by Java's partitioner.
        ///   - attempt: what `dl_attempt` will say.
        case send(topic: Topic, partition: Int32?, attempt: Int)
        /// Goes into the folder that `post receipts` reads: it never stood on a topic.
        case deliver(attempt: Int)
        case skip(Skip)
    }

    /// Why a dead letter is not sent.
    public enum Skip: Equatable, Sendable, CustomStringConvertible {
        /// Not the record that was listed. Never sent, forced or not.
        case changed
        /// Nothing says which topic it came from. Never sent, forced or not.
        case unknownTopic
        /// Never sent, forced or not: a higher limit is asked for by its own option.
        case attemptsUsed(Int)
        /// It would be set aside again.
        case stillUnreadable(DeadLetter)
        /// Its id stands for another command: it would be set aside again while workers remember ids.
        case idReused
        /// It was too large to be kept, so there is nothing to send. Never sent, forced or not.
        case notKept
        /// The workers' own record: applied late it could undo what came after it.
        case ownRecord

        /// What happened and what helps; no personal data.
        public var description: String {
            switch self {
            case .changed: "the record there is not the one that was listed; list again"
            case .unknownTopic: "its dl_topic names no topic of ours"
            case .attemptsUsed(let attempts):
                "it has been replayed \(attempts) times already; see why it fails, or raise --attempts"
            case .stillUnreadable(let letter):
                "it would be set aside again: \(letter.reason.rawValue), \(letter.detail); --force sends it all the same"
            case .idReused:
                "its source and id stand for another command; its sender has to send it under a new id"
            case .notKept: "it was too large to be kept; it lies in the folder set-aside of post receipts"
            case .ownRecord:
                "a record of the workers themselves, which could undo what came after it; --force sends it all the same"
            }
        }
    }

    /// What `dl_reason` may say.
    public static let reasons: [String] = {
        let workers = DeadLetterReason.allCases.map(\.rawValue)
        return workers + PostFault.allCases.map(\.rawValue).filter { !workers.contains($0) }
    }()

    /// What `dl_topic` may say: a topic that somebody reads, or where else it came from.
    public static let origins = Topic.allCases.map(\.name).sorted() + [PostFault.transport]

    /// - Parameter digest: as listed.
    public func decide(_ record: SetAsideRecord, digest: String) -> Decision {
        guard record.digest(under: keys) == digest else { return .skip(.changed) }
        if record.topic == PostFault.transport {
            guard record.attempt < attempts else { return .skip(.attemptsUsed(record.attempt)) }
            return record.value == nil ? .skip(.notKept) : .deliver(attempt: record.attempt + 1)
        }
        guard let topic = Topic(name: record.topic), Self.replayed.contains(topic) else { return .skip(.unknownTopic) }
        guard record.attempt < attempts else { return .skip(.attemptsUsed(record.attempt)) }
        let attempt = record.attempt + 1
        // Workers address their own records, and receipts come back to the shard that sent the notification.
        let partition = [.inbox, .receipts, .notifications].contains(topic) ? record.sourcePartition : nil
        let decision = Decision.send(topic: topic, partition: partition, attempt: attempt)
        if isForced { return decision }
        if topic == .inbox || topic == .notifications { return .skip(.ownRecord) }
        if record.reason == DeadLetterReason.idReused.rawValue { return .skip(.idReused) }
        if let letter = fault(in: record, topic: topic, attempt: attempt) { return .skip(.stillUnreadable(letter)) }
        return decision
    }

    private static let replayed: Set<Topic> = [
        .grantCommands, .moveCommands, .exemptionCommands, .catalogue, .inbox, .receipts, .notifications,
    ]

    /// What a worker of this version would set it aside for, as far as the record alone tells.
    private func fault(in record: SetAsideRecord, topic: Topic, attempt: Int) -> DeadLetter? {
        guard topic != .receipts else { return nil }
        return record.withOriginal(topic: topic, attempt: attempt) { view -> DeadLetter? in
            do throws(DeadLetter) {
                let (envelope, data) = try Envelope.read(view, into: document)
                guard topic == .catalogue else {
                    _ = try Command.read(data, envelope: envelope, topic: topic, today: today, settings: settings)
                    return nil
                }
                guard envelope.type.topic == .catalogue else {
                    return DeadLetter(.wrongTopic, "its type does not belong on \(topic.name)")
                }
                return nil
            } catch {
                return error
            }
        }
    }

    /// The record to produce.
    public static func frame(_ record: SetAsideRecord, to topic: Topic, partition: Int32?, attempt: Int) -> Frame {
        var writer = FrameWriter()
        let headers = record.replayHeaders(attempt: attempt)
        (record.key ?? []).withUnsafeBytes { key in
            writer.append(
                topic: topic.rawValue, partition: partition, timestamp: nil, key: record.key == nil ? nil : key,
                headers: { $0.append(contentsOf: headers) },
                value: {
                    guard let value = record.value else { return false }
                    $0.append(contentsOf: value)
                    return true
                })
        }
        return writer.take()
    }
}
