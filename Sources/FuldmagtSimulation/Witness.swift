import FuldmagtDomain
import FuldmagtJSON
import FuldmagtRecord
import FuldmagtStore
import FuldmagtTestKit
import FuldmagtWorker

/// Watches what is said and done, and knows what may never be, whoever dies when.
///
/// - What is said is what is expected, each once, in whatever order.
/// - What is committed never goes back, and never beyond what there is.
/// - A file's epoch rises with every takeover.
/// - Once a revocation's outcome is out, everything said about the grant is cancelled, and nothing more is said. What a
///   transport may have had by then is left to what is expected.
/// - A command is said to wait once at most, and not after it was answered.
/// - A citizen's commands are answered in the order in which they stand in their partition.
struct Witness {
    private let broker: MemoryBroker
    private var listener: Listener
    private var committed: [Int32: [Topic: Int64]] = [:]
    private var epochs: [String: Int64] = [:]
    /// Notifications about a grant that were not cancelled, by grant.
    private var uncancelled: [String: [String: String]] = [:]
    /// Notifications that receipts were written of.
    private var underWay: Set<String> = []
    private var revoked: Set<String> = []
    /// Grants whose revocation the present transaction answers.
    private var answeredNow: [String] = []
    /// Commands that were said to wait, and those that were answered, by where they were first written.
    private var told: Set<String> = []
    private var final: Set<String> = []
    /// Offset of the last answered command, by partition and key.
    private var answered: [String: Int] = [:]
    private let document = JSONDocument()

    init(broker: MemoryBroker) {
        self.broker = broker
        listener = Listener(broker)
    }

    /// - Returns: what may not be.
    mutating func tookOver(_ takeover: ShardDisk.Takeover, in folder: String) -> String? {
        let file = "\(folder)/\(takeover.shard)/\(takeover.lineage)"
        defer { epochs[file] = takeover.epoch }
        guard let last = epochs[file], takeover.epoch <= last else { return nil }
        return "shard \(takeover.shard) was taken over with epoch \(takeover.epoch) after \(last)"
    }

    /// - Returns: what may not be.
    mutating func published(_ transaction: LogTransaction) -> String? {
        for (shard, offsets) in transaction.offsets {
            for (topic, offset) in offsets {
                let last = committed[shard]?[topic] ?? 0
                if offset < last {
                    return "the committed offset of \(topic.name) \(shard) goes back from \(last) to \(offset)"
                }
                let end = topic == .catalogue ? Int64.max : broker.written(topic, partition: shard)
                if offset > end { return "\(topic.name) \(shard) is committed to \(offset), but ends at \(end)" }
                committed[shard, default: [:]][topic] = offset
            }
        }
        var broken: String?
        do {
            // In the order in which they were written, which readers of several partitions do not see.
            for frame in transaction.frames {
                try frame.forEach { record in broken = broken ?? check(record) }
            }
        } catch {
            return "a frame is damaged"
        }
        listener.look()
        defer { answeredNow = [] }
        // All of a transaction becomes visible at once.
        for grant in answeredNow where broken == nil {
            guard let left = uncancelled[grant], !left.isEmpty else { continue }
            broken = "not cancelled when the revocation of grant \(grant) is answered: \(left.values.sorted())"
        }
        return broken
    }

    mutating func sentReceipt(_ record: ModelRecord) {
        let read = (record.value ?? []).withUnsafeBytes { bytes -> String? in
            do throws(JSONFailure) { try document.parse(bytes) } catch { return nil }
            // Some are events as a whole.
            return (document.root["data"] ?? document.root)["notification"]?.string
        }
        guard let id = read else { return }
        underWay.insert(id)
        for grant in uncancelled.keys { uncancelled[grant]?[id] = nil }
    }

    private mutating func check(_ record: FrameRecord) -> String? {
        guard let topic = Topic(rawValue: record.topic), [.notifications, .outcomes].contains(topic) else { return nil }
        guard let value = record.value else { return "a record of \(topic.name) has no value" }
        do throws(JSONFailure) { try document.parse(value) } catch { return "a record of \(topic.name) is no JSON" }
        return topic == .notifications ? notification(document.root) : outcome(document.root)
    }

    private mutating func notification(_ node: JSONNode) -> String? {
        guard let grant = node["grant"]?.string, let id = node["id"]?.string, let kind = node["kind"]?.string else {
            return nil
        }
        switch kind {
        case "cancelled": uncancelled[grant]?[id] = nil
        case "grant-revoked", "grant-ended": break
        default:
            if revoked.contains(grant) { return "\(kind) is told about grant \(grant), which is revoked" }
            if !underWay.contains(id) { uncancelled[grant, default: [:]][id] = "\(kind) \(id)" }
        }
        return nil
    }

    private mutating func outcome(_ node: JSONNode) -> String? {
        if let broken = waiting(node) { return broken }
        guard let type = node["command"]?["type"]?.string, let status = node["status"]?.string, status != "parked"
        else {
            return nil
        }
        if type == "dk.fuldmagt.grant.revoke.v1" {
            if status == "accepted" { revocation(node) }
            return nil
        }
        // Outcomes of these are written where they take effect, which may be elsewhere: a correction that gives a grant to
        // another is a revocation too.
        guard !type.hasPrefix("dk.fuldmagt.move."), type != "dk.fuldmagt.grant.correct.v1",
            let position = node["position"],
            let topic = position["topic"]?.string.flatMap({ Topic(name: $0) }), topic != .catalogue,
            let partition = position["partition"]?.int, let offset = position["offset"]?.int
        else { return nil }
        let key = broker.read(topic, partition: Int32(partition)).withRecords { records in
            offset < records.count ? records[offset].key.map { String(decoding: $0, as: UTF8.self) } : nil
        }
        // Some producers name nobody in the key.
        guard let key, key.utf8.count == 10, key.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        let place = "\(topic) \(partition) \(key)"
        defer { answered[place] = offset }
        guard let last = answered[place], offset <= last else { return nil }
        return "command \(offset) of \(topic.name) \(partition) is answered after \(last) of the same citizen"
    }

    private mutating func waiting(_ node: JSONNode) -> String? {
        guard let status = node["status"]?.string, let position = node["position"],
            let topic = position["topic"]?.string, let partition = position["partition"]?.int,
            let offset = position["offset"]?.int
        else { return nil }
        let place = "\(topic) \(partition) \(offset)"
        guard status == "parked" else {
            final.insert(place)
            return nil
        }
        if final.contains(place) { return "command \(place) is said to wait after it was answered" }
        return told.insert(place).inserted ? nil : "command \(place) is said to wait twice"
    }

    private mutating func revocation(_ node: JSONNode) {
        node["grants"]?.forEachElement { _, grant in
            guard grant["state"]?.string == "revoked", let id = grant["id"]?.string else { return }
            revoked.insert(id)
            answeredNow.append(id)
        }
    }

    /// What differs from what is expected; nothing at rest.
    mutating func compare(with expectation: inout any Expectation) throws -> [String] {
        listener.look()
        listener.forgetParked()
        return try expectation.differences(from: listener.observed)
    }
}
