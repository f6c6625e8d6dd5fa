import FuldmagtDomain
import FuldmagtRecord

extension MemoryBroker {
    /// One partition: records from `base` on, and among them markers, which nobody is handed: of transactions, and of what
    /// was compacted away.
    struct Partition: Sendable {
        /// The number of no topic: a marker has an offset, and nothing else.
        static let marker = UInt8.max

        var base: Int64 = 0
        var records = RecordBatch()
        var end: Int64 { base + Int64(records.count) }

        private(set) var markers = 0
        /// When it was compacted, and to where.
        private var cleanings: [(at: Instant, end: Int64)] = []

        init(base: Int64 = 0) { self.base = base }

        mutating func mark(at timestamp: Int64) {
            markers += 1
            records.append(
                topic: Self.marker, offset: end, timestamp: timestamp, key: nil, value: nil, headers: { _ in })
        }

        /// Appends a record that has its offset, or a marker.
        mutating func keep(_ record: RecordView) {
            if record.topic == Self.marker { markers += 1 }
            records.append(record)
        }

        /// Leaves of each key its last record only, as a broker's cleaner does: of the others nothing is left but their
        /// offsets. A deletion is kept for a day after it was first passed over, and goes then.
        /// - Returns: how many records were removed.
        mutating func compact(at now: Instant) -> Int {
            let day: Int64 = 86_400_000
            let forgotten = cleanings.last { $0.at.milliseconds <= now.milliseconds - day }?.end ?? base
            var last: [[UInt8]: Int64] = [:]
            records.withRecords { views in
                for record in views { if let key = record.key { last[Array(key)] = record.offset } }
            }
            let markersBefore = markers
            var cleaned = Partition(base: base)
            records.withRecords { views in
                for record in views {
                    let isLast = record.key.map { last[Array($0)] == record.offset } ?? true
                    if isLast, record.value != nil || record.topic == Self.marker || record.offset >= forgotten {
                        cleaned.keep(record)
                    } else {
                        cleaned.mark(at: record.timestamp)
                    }
                }
            }
            cleaned.cleanings = cleanings + [(now, end)]
            self = cleaned
            return markers - markersBefore
        }

        /// Records from a position on.
        func count(from position: Int64) -> Int {
            let first = Int(max(0, position - base))
            guard first < records.count else { return 0 }
            guard markers > 0 else { return records.count - first }
            return records.withRecords { $0[first...].count { $0.topic != Self.marker } }
        }
    }
}
