import FuldmagtBytes
import FuldmagtJSON
import FuldmagtRecord

/// Why a caseworker has to see to a notification.
public enum TaskReason: String, CaseIterable, Sendable {
    /// The postal service brought the letter back.
    case letterReturned = "letter-returned"
    /// The letter could not be made or sent.
    case letterFailed = "letter-failed"
    /// Nobody knows what became of the letter.
    case noReceipt = "no-receipt"
    /// It was not sent as the recipient was called dead, which was a mistake.
    case undeliverable
}

/// A record on the tasks topic: who has to be told something and was not. Holds no CPR number.
public struct CaseworkerTask: Sendable {
    /// In the form of a UUID version 4, the same for the same task.
    public var id: Ident
    public var reason: TaskReason
    public var notification: Notification
    /// The recipient's pseudonym.
    public var citizen: Ident
    /// The receipt that brought it about, or the notification that none came for.
    public var cause: Cause
    public var createdAt: Instant

    /// `ce_type`.
    public static let type = "dk.fuldmagt.task.v1"

    public init(
        _ reason: TaskReason, _ notification: Notification, citizen: Ident, cause: Cause, at now: Instant,
        naming: Naming
    ) {
        let named = Cause(id: notification.id.uuidText, source: reason.rawValue, type: Self.type)
        // The recipient may get another number: a task is about the notification.
        id = naming.id("task", named, notification.id, .index(0))
        self.reason = reason
        self.notification = notification
        self.citizen = citizen
        self.cause = cause
        createdAt = now
    }

    func write(to json: inout JSONWriter) {
        json.beginObject()
        json.member("id", uuid: id)
        json.member("reason", reason.rawValue)
        json.member("notification", uuid: notification.id)
        json.member("kind", notification.kind.rawValue)
        json.member("citizen", hex: citizen)
        if let grant = notification.grant { json.member("grant", uuid: grant) }
        json.key("sender")
        json.beginObject()
        json.member("cvr", notification.sender.cvr)
        json.member("name", notification.sender.name)
        json.endObject()
        json.key("cause")
        json.beginObject()
        json.member("id", cause.id)
        json.member("type", cause.type)
        json.endObject()
        json.member("createdAt", createdAt)
        json.endObject()
    }
}

/// What became of notifications, for metrics.
public struct PostCounts: Sendable, Equatable {
    public var rerouted = 0
    /// Receipts that came before their notification was known.
    public var early = 0
    public var receipts: [PostEvent: Int] = [:]
    /// By where notifications moved.
    public var moves: [PostStanding: Int] = [:]
    public var tasks: [TaskReason: Int] = [:]

    public mutating func add(_ other: PostCounts) {
        rerouted += other.rerouted
        early += other.early
        guard !other.receipts.isEmpty || !other.moves.isEmpty || !other.tasks.isEmpty else { return }
        receipts.merge(other.receipts, uniquingKeysWith: +)
        moves.merge(other.moves, uniquingKeysWith: +)
        tasks.merge(other.tasks, uniquingKeysWith: +)
    }
}

extension OutputWriter {
    public mutating func write(_ task: CaseworkerTask) {
        counts.post.tasks[task.reason, default: 0] += 1
        let source = "urn:dk:fuldmagt:\(settings.cluster)"
        var key = task.notification.id.uuidText
        key.withUTF8 { key in
            frame.append(
                topic: Topic.tasks.rawValue, partition: nil, timestamp: nil, key: UnsafeRawBufferPointer(key),
                headers: { block in
                    HeaderBlock.append("ce_specversion", "1.0", to: &block)
                    HeaderBlock.append("ce_type", CaseworkerTask.type, to: &block)
                    HeaderBlock.append("ce_source", source, to: &block)
                    HeaderBlock.append("content-type", "application/json", to: &block)
                    HeaderBlock.append("ce_id", to: &block) { $0.append(uuid: task.id) }
                    HeaderBlock.append("ce_time", to: &block) { $0.append(task.createdAt) }
                    Self.append(
                        task.cause.extensions, isAboutAnother: task.notification.isAboutAnother, to: &block)
                },
                value: { bytes in
                    JSONWriter.append(to: &bytes) { task.write(to: &$0) }
                    return true
                })
        }
    }

    /// Counts a receipt, and where its notification moved.
    public mutating func count(_ event: PostEvent, to standing: PostStanding?) {
        if event.transport != nil { counts.post.receipts[event, default: 0] += 1 }
        if let standing { counts.post.moves[standing, default: 0] += 1 }
    }

    /// Counts a receipt that is kept until its notification is known.
    public mutating func countEarlyReceipt() { counts.post.early += 1 }
}
