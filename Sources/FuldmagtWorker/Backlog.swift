import FuldmagtDomain
import FuldmagtRecord

/// What one shard has not processed yet, as far as the broker has told without being asked.
struct Backlog: Sendable {
    /// Records, over all topics.
    private(set) var records: Int64 = 0
    /// Since when there has been something unprocessed, by topic. Records of one topic stand in the order of their
    /// timestamps, so the last one processed is the closest known bound of those behind it.
    private var waiting: [Topic: Instant] = [:]
    /// Where topics ended at the last look, and when that was.
    private var seen: (ends: [Topic: Int64], at: Instant)?

    /// Takes in how things stand after a turn.
    /// - Parameters:
    ///   - positions: next to read, by topic.
    ///   - remaining: records left from there, by topic.
    ///   - batch: what the turn has just processed.
    mutating func turned(positions: [Topic: Int64], remaining: [Topic: Int64], batch: RecordBatch?, now: Instant) {
        records = remaining.values.reduce(0, +)
        var last: [Topic: Instant] = [:]
        batch?.withRecords { views in
            for view in views {
                if let topic = Topic(rawValue: view.topic) { last[topic] = Instant(milliseconds: view.timestamp) }
            }
        }
        for topic in Topic.consumed {
            guard remaining[topic] ?? 0 > 0 else {
                waiting[topic] = nil
                continue
            }
            // All that was there at the last look is done: what waits came after it.
            let isLater = positions[topic] ?? 0 >= seen?.ends[topic] ?? Int64.max
            waiting[topic] = last[topic] ?? (isLater ? seen?.at : waiting[topic]) ?? now
        }
        let ends = remaining.map { ($0.key, (positions[$0.key] ?? 0) + $0.value) }
        seen = (Dictionary(uniqueKeysWithValues: ends), now)
    }

    /// Age of the oldest unprocessed record, seconds; 0 for none.
    func age(at now: Instant) -> Double { Self.age(of: waiting.values.min(), at: now) }

    /// The same for commands alone.
    func commandAge(at now: Instant) -> Double {
        Self.age(of: waiting.filter { $0.key != .inbox && $0.key != .receipts }.values.min(), at: now)
    }

    private static func age(of oldest: Instant?, at now: Instant) -> Double {
        guard let oldest else { return 0 }
        return max(0, Double(now.milliseconds - oldest.milliseconds) / 1000)
    }
}
