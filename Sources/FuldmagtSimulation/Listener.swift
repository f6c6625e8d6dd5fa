import FuldmagtDomain
import FuldmagtTestKit
import FuldmagtWorker

/// Reads what a cluster says, each record once.
struct Listener {
    private let broker: MemoryBroker
    /// Records read, by topic and partition.
    private var seen: [Topic: [Int]] = [:]
    /// What was said so far.
    private(set) var observed = Observed()

    init(_ broker: MemoryBroker) { self.broker = broker }

    /// Reads what was said since the last look.
    mutating func look() {
        for topic in Observed.topics {
            for partition in 0..<broker.partitions {
                let from = seen[topic]?[Int(partition)] ?? 0
                guard broker.written(topic, partition: partition) > Int64(from) else { continue }
                let batch = broker.read(topic, partition: partition)
                batch.withRecords { records in
                    for index in from..<records.count { observed.take(records[index]) }
                }
                seen[topic, default: Array(repeating: 0, count: Int(broker.partitions))][Int(partition)] = batch.count
            }
        }
    }

    mutating func forgetParked() { observed.forgetParked() }
}
