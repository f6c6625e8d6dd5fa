import FuldmagtDomain
import FuldmagtJSON
import FuldmagtRecord

/// What a run wrote, read back from the topics in the form of what the model expects.
public struct Observed {
    public private(set) var outcomes: [ExpectedOutcome] = []
    public private(set) var notifications: [ExpectedNotification] = []
    public private(set) var deadLetters: [ExpectedDeadLetter] = []
    /// Caseworkers' tasks as they were written. Of these the model knows nothing.
    public private(set) var tasks: [[UInt8]] = []
    /// Records that could not be read back at all.
    public private(set) var unreadable = 0
    private var kinds: [String: String] = [:]

    public init() {}

    /// Records read so far.
    public var count: Int { outcomes.count + notifications.count + deadLetters.count + tasks.count + unreadable }

    /// Topics whose records it takes, in an order in which notifications come before what their cancellation says of them.
    public static let topics: [Topic] = [.notifications, .deadLetters, .outcomes, .tasks]

    /// Takes a record of one of `topics`.
    public mutating func take(_ record: RecordView) {
        var headers: [String: String] = [:]
        HeaderBlock.forEach(in: record.headers) { name, value in
            guard let value else { return }
            headers[String(decoding: name, as: UTF8.self)] = String(decoding: value, as: UTF8.self)
        }
        switch Topic(rawValue: record.topic) {
        case .deadLetters:
            deadLetters.append(
                ExpectedDeadLetter(
                    reason: headers["dl_reason"] ?? "",
                    topic: headers["dl_topic"].flatMap { Topic(name: $0) } ?? .inbox,
                    key: record.key.map(Array.init), value: record.value.map(Array.init)))
        case .tasks: tasks.append(record.value.map(Array.init) ?? [])
        case .outcomes, .notifications:
            let document = JSONDocument()
            guard let value = record.value else {
                unreadable += 1
                return
            }
            do { try document.parse(value) } catch {
                unreadable += 1
                return
            }
            if Topic(rawValue: record.topic) == .outcomes {
                outcome(document.root, headers)
            } else {
                notification(document.root, headers)
            }
        default: unreadable += 1
        }
    }

    private static func extensions(_ headers: [String: String]) -> [String: String] {
        let own: Set = ["ce_specversion", "ce_id", "ce_type", "ce_source", "ce_time"]
        let found = headers.filter { $0.key.hasPrefix("ce_") && !own.contains($0.key) }
        return Dictionary(
            found.map { (String($0.key.dropFirst(3)), $0.value) }, uniquingKeysWith: { first, _ in first })
    }

    private mutating func outcome(_ node: JSONNode, _ headers: [String: String]) {
        var reasons: Set<ExpectedReason> = []
        node["reasons"]?.forEachElement { _, reason in
            reasons.insert(ExpectedReason(reason["code"]?.string ?? "", reason["field"]?.string ?? ""))
        }
        var grants: [ExpectedGrant] = []
        node["grants"]?.forEachElement { _, grant in
            grants.append(
                ExpectedGrant(
                    id: grant["id"]?.string ?? "", package: grant["package"]?.string ?? "",
                    state: grant["state"]?.string ?? "", version: grant["version"]?.int ?? 0,
                    validUntil: grant["validUntil"]?.string ?? ""))
        }
        outcomes.append(
            ExpectedOutcome(
                source: node["command"]?["source"]?.string ?? "", id: node["command"]?["id"]?.string ?? "",
                type: node["command"]?["type"]?.string ?? "", status: node["status"]?.string ?? "", reasons: reasons,
                grants: grants,
                decidedAt: node["decidedAt"]?.string.flatMap { Instant($0) }?.milliseconds ?? 0,
                extensions: Self.extensions(headers)))
    }

    private mutating func notification(_ node: JSONNode, _ headers: [String: String]) {
        let id = node["id"]?.string ?? ""
        let kind = node["kind"]?.string ?? ""
        let isRerouted = kind != "cancelled" && kinds[id] != nil
        if kind != "cancelled" { kinds[id] = kind }
        notifications.append(
            ExpectedNotification(
                id: id, kind: kind, cancelledKind: kind == "cancelled" ? kinds[id] : nil,
                recipient: node["recipient"]?["cpr"]?.string ?? node["recipient"]?["cvr"]?.string ?? "",
                channel: node["channel"]?.string ?? "", isRerouted: isRerouted, grant: node["grant"]?.string,
                cause: node["cause"]?["id"]?.string ?? "", causeType: node["cause"]?["type"]?.string,
                createdAt: node["createdAt"]?.string.flatMap { Instant($0) }?.milliseconds ?? 0,
                extensions: Self.extensions(headers)))
    }

    /// Forgets that commands were parked, of which a model that waits for nothing knows nothing.
    public mutating func forgetParked() { outcomes.removeAll { $0.status == "parked" } }

    // MARK: Comparing

    /// What differs from the model, a line each; empty where nothing does. Order does not count, doubles do.
    public func differences(from model: NaiveModel) -> [String] {
        differences(model.outcomes, model.notifications, model.deadLetters)
    }

    /// What differs from what another run wrote.
    public func differences(from other: Observed) -> [String] {
        differences(other.outcomes, other.notifications, other.deadLetters)
            + Self.compare("task", tasks.map(Self.text), other.tasks.map(Self.text))
    }

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    private func differences(
        _ expectedOutcomes: [ExpectedOutcome], _ expectedNotifications: [ExpectedNotification],
        _ expectedDeadLetters: [ExpectedDeadLetter]
    ) -> [String] {
        var lines = unreadable > 0 ? ["\(unreadable) records cannot be read back"] : []
        lines += Self.compare("outcome", outcomes, expectedOutcomes)
        lines += Self.compare("notification", notifications, expectedNotifications)
        lines += Self.compare("dead letter", deadLetters, expectedDeadLetters)
        return lines
    }

    /// Each notification as it was first told, and the channel that it was last written for.
    public var notificationsByChannel: [(ExpectedNotification, channel: String)] {
        var channels: [String: String] = [:]
        for notification in notifications where notification.cancelledKind == nil {
            channels[notification.id] = notification.channel
        }
        return notifications.compactMap { notification in
            guard notification.cancelledKind == nil, !notification.isRerouted else { return nil }
            return (notification, channel: channels[notification.id] ?? notification.channel)
        }
    }

    private static func compare<Item: Hashable>(_ name: String, _ seen: [Item], _ expected: [Item]) -> [String] {
        var counts: [Item: Int] = [:]
        for item in expected { counts[item, default: 0] += 1 }
        for item in seen { counts[item, default: 0] -= 1 }
        return counts.filter { $0.value != 0 }.map { item, count in
            "\(name) \(count > 0 ? "missing" : "too many") × \(abs(count)): \(item)"
        }.sorted()
    }
}
