import FuldmagtDomain
import FuldmagtRecord
import Synchronization

/// A log in memory with Kafka's contract as far as a worker relies on it: topics of partitions, one consumer group,
/// transactions of records and offsets. For tests, simulations and measurements without a broker.
public final class MemoryBroker: Sendable {
    struct State: Sendable {
        var logs: [Topic: [Partition]] = [:]
        var committed: [Int32: [Topic: Int64]] = [:]
        var marks: [Int32: FrameMark] = [:]
        var members: [Int] = []
        /// Which member owns a shard; it has none between its release and the next taking.
        var owners: [Int32: Int] = [:]
        var nextMember = 0
        /// How many, by the topic's number.
        var written = [Int](repeating: 0, count: 256)
        /// Taken and cleared by the next `publish`: a test's fault.
        var publishFault: PublishFault?
        /// What reading the catalogue fails with, until it is cleared.
        var catalogueFault: LogFailure?
        var changelogFault: LogFailure?
    }

    /// What goes wrong with a publication.
    public enum PublishFault: Sendable {
        /// Nothing is written and the caller is told so.
        case refused(LogFailure)
        /// All is written, but the caller is told that nothing was.
        case unknown(LogFailure)
    }

    public let partitions: Int32
    /// Whether a topic's records are counted and dropped, by its number.
    private let isDropped: [Bool]
    /// Whether records are dropped once the group has committed beyond them.
    private let forgetsCommitted: Bool
    /// Whether a transaction leaves a marker in each partition of `marked` that it wrote to.
    private let leavesMarkers: Bool
    /// What workers write and read.
    private static let marked: [Topic] = [.inbox, .changelog]
    private let now: @Sendable () -> Instant
    let state: Mutex<State>

    /// - Parameter now: gives records without a timestamp theirs.
    public init(
        partitions: Int32, dropping dropped: Set<Topic> = [], forgetsCommitted: Bool = false,
        leavesMarkers: Bool = false, now: @escaping @Sendable () -> Instant
    ) {
        self.partitions = partitions
        isDropped = (0...UInt8.max).map { number in dropped.contains { $0.rawValue == number } }
        self.forgetsCommitted = forgetsCommitted
        self.leavesMarkers = leavesMarkers
        self.now = now
        var state = State()
        for topic in Topic.allCases {
            let count = topic == .catalogue ? 1 : Int(partitions)
            state.logs[topic] = Array(repeating: Partition(), count: count)
        }
        self.state = Mutex(state)
    }

    /// A new member of the group.
    public func member() -> MemoryLog { MemoryLog(broker: self) }

    /// Lets the next publication fail; nil for none.
    public func fail(_ fault: PublishFault?) { state.withLock { $0.publishFault = fault } }

    /// Lets reading the catalogue fail until it is called with nil.
    public func failCatalogue(_ failure: LogFailure?) { state.withLock { $0.catalogueFault = failure } }

    /// The same of the changelog.
    public func failChangelog(_ failure: LogFailure?) { state.withLock { $0.changelogFault = failure } }

    /// Lets one member go, as a group does with one that is not heard of.
    func expire(_ member: Int) {
        state.withLock { state in
            state.members.removeAll { $0 == member }
            state.owners = state.owners.filter { $0.value != member }
        }
    }

    /// Forgets how far the group has come, as a broker does with a group that nobody belongs to for long.
    public func forgetOffsets() {
        state.withLock { state in
            state.committed = [:]
            state.marks = [:]
        }
    }

    /// Deletes a topic and makes it anew: a broker forgets a group's offsets of it.
    public func remake(_ topic: Topic) {
        state.withLock { state in
            state.logs[topic] = state.logs[topic]?.map { _ in Partition(base: 0) }
            for shard in state.committed.keys { state.committed[shard]?[topic] = nil }
        }
    }

    /// Cuts a partition off at its end, as brokers do that lose a leader before its followers have everything.
    public func cutOff(_ topic: Topic, partition number: Int32, at end: Int64) {
        state.withLock { state in
            guard let partition = state.logs[topic]?[Int(number)] else { return }
            var kept = Partition(base: min(partition.base, end))
            partition.records.withRecords { records in
                for record in records where record.offset < end { kept.keep(record) }
            }
            state.logs[topic]?[Int(number)] = kept
        }
    }

    /// Compacts a partition of the changelog.
    /// - Returns: how many records were removed.
    package func compactChangelog(partition number: Int32) -> Int {
        let now = now()
        return state.withLock { $0.logs[.changelog]?[Int(number)].compact(at: now) ?? 0 }
    }

    /// Deletes all records of a topic, as a broker does with records that are old.
    public func deleteRecords(of topic: Topic) {
        state.withLock { state in
            state.logs[topic] = state.logs[topic]?.map { Partition(base: $0.end) }
        }
    }

    /// Lets all members go, as a group does with members that are not heard of.
    public func expireMembers() {
        state.withLock { state in
            state.members = []
            state.owners = [:]
        }
    }

    /// Appends one record, as a producer outside the group does.
    public func append(
        topic: Topic, partition: Int32? = nil, key: [UInt8]?, headers: [(String, [UInt8])], value: [UInt8]?,
        timestamp: Int64? = nil
    ) {
        var frame = FrameWriter()
        (key ?? []).withUnsafeBytes { bytes in
            frame.append(
                topic: topic.rawValue, partition: partition, timestamp: timestamp, key: key == nil ? nil : bytes,
                headers: { block in
                    for (name, value) in headers {
                        var name = name
                        name.withUTF8 { name in
                            value.withUnsafeBytes { HeaderBlock.append(name: .init(name), value: $0, to: &block) }
                        }
                    }
                },
                value: { bytes in
                    guard let value else { return false }
                    bytes.append(contentsOf: value)
                    return true
                })
        }
        append(frame.take())
    }

    /// Appends a frame's records, as a producer outside the group does.
    public func append(_ frame: Frame) {
        state.withLock { state in write(frame, to: &state) }
    }

    /// How many records were written to a topic.
    public func written(_ topic: Topic) -> Int { state.withLock { $0.written[Int(topic.rawValue)] } }

    /// Where a partition ends.
    package func written(_ topic: Topic, partition: Int32) -> Int64 {
        state.withLock { $0.logs[topic]?[Int(partition)].end ?? 0 }
    }

    /// Gives access to all records of a partition that are still there.
    public func read(_ topic: Topic, partition: Int32) -> RecordBatch {
        let all = state.withLock { $0.logs[topic]?[Int(partition)] ?? Partition() }
        guard all.markers > 0 else { return all.records }
        var records = RecordBatch()
        all.records.withRecords { views in
            for record in views where record.topic != Partition.marker { records.append(record) }
        }
        return records
    }

    /// Records the group has not committed yet, over all topics that shards consume.
    public var lag: Int { lag(nil) }

    /// The same of one topic.
    public func lag(_ only: Topic?) -> Int {
        state.withLock { state in
            var lag = 0
            for topic in Topic.consumed where only == nil || topic == only {
                for (number, partition) in (state.logs[topic] ?? []).enumerated() {
                    lag += partition.count(from: state.committed[Int32(number)]?[topic] ?? 0)
                }
            }
            return lag
        }
    }

    // MARK: For members

    func write(_ transaction: LogTransaction) throws(LogFailure) {
        let fault = state.withLock { state -> PublishFault? in
            defer { state.publishFault = nil }
            if case .refused = state.publishFault { return state.publishFault }
            var before: [Topic: [Int64]] = [:]
            if leavesMarkers { for topic in Self.marked { before[topic] = state.logs[topic]?.map(\.end) } }
            for frame in transaction.frames { write(frame, to: &state) }
            for (topic, ends) in before {
                for (number, end) in ends.enumerated() where state.logs[topic]?[number].end ?? 0 > end {
                    state.logs[topic]?[number].mark(at: now().milliseconds)
                }
            }
            for (shard, offsets) in transaction.offsets {
                state.committed[shard, default: [:]].merge(offsets) { _, new in new }
                if forgetsCommitted { forget(shard, in: &state) }
            }
            state.marks.merge(transaction.marks) { _, new in new }
            return state.publishFault
        }
        switch fault {
        case .refused(let failure), .unknown(let failure): throw failure
        case nil: break
        }
    }

    private func write(_ frame: Frame, to state: inout State) {
        let time = now().milliseconds
        do {
            try frame.forEach { record in
                state.written[Int(record.topic)] += 1
                if isDropped[Int(record.topic)] { return }
                guard let topic = Topic(rawValue: record.topic), let count = state.logs[topic]?.count else { return }
                let partition =
                    record.partition ?? record.key.map { Murmur2.partition(of: $0, partitions: Int32(count)) } ?? 0
                guard let end = state.logs[topic]?[Int(partition)].end else { return }
                state.logs[topic]?[Int(partition)].records.append(
                    topic: record.topic, offset: end, timestamp: record.timestamp ?? time, key: record.key,
                    value: record.value
                ) { $0.append(contentsOf: record.headers) }
            }
        } catch {
            preconditionFailure("a frame made in this process is damaged")
        }
    }

    private func forget(_ shard: Int32, in state: inout State) {
        for topic in Topic.consumed {
            guard let committed = state.committed[shard]?[topic],
                let partition = state.logs[topic]?[Int(shard)], committed == partition.end
            else { continue }
            state.logs[topic]?[Int(shard)].base = committed
            state.logs[topic]?[Int(shard)].records.removeAll()
        }
    }
}

/// One member of a memory broker's group.
public final class MemoryLog: RecordLog, @unchecked Sendable {
    private let broker: MemoryBroker
    private weak var listener: (any AssignmentListener)?
    private var member = 0
    private var positions: [Int32: [Topic: Int64]] = [:]
    /// Who belonged to the group when this member was last told what it has.
    private var membersKnown: [Int] = []
    private var cataloguePosition: Int64 = 0

    init(broker: MemoryBroker) { self.broker = broker }

    public func join(_ listener: any AssignmentListener) throws(LogFailure) {
        self.listener = listener
        enter()
    }

    /// Has the group let this member go, as if it had not been heard of for too long. It notices when it next asks.
    package func expire() { broker.expire(member) }

    private func enter() {
        member = broker.state.withLock { state in
            state.nextMember += 1
            state.members.append(state.nextMember)
            return state.nextMember
        }
    }

    public func poll(_ limits: PollLimits, into batches: inout [Int32: RecordBatch]) throws(LogFailure) {
        rebalance()
        guard !positions.isEmpty else { return }
        // An equal share for each shard, as a consumer's fetches give it: shards are worked on side by side.
        let share = max(1, limits.records / positions.count)
        let byteShare = max(1, limits.bytes / positions.count)
        broker.state.withLock { state in
            for shard in positions.keys.sorted() {
                var records = share
                var bytes = byteShare
                for topic in Topic.consumed {
                    guard let partition = state.logs[topic]?[Int(shard)] else { continue }
                    var at = max(positions[shard]?[topic] ?? 0, partition.base)
                    partition.records.withRecords { views in
                        while at < partition.end, records > 0, bytes > 0 {
                            let view = views[Int(at - partition.base)]
                            at += 1
                            guard view.topic != MemoryBroker.Partition.marker else { continue }
                            batches[shard, default: RecordBatch()].append(view)
                            records -= 1
                            bytes -= (view.value?.count ?? 0) + view.headers.count
                        }
                    }
                    positions[shard]?[topic] = at
                }
            }
        }
    }

    /// Range assignment: shards in order, shared out in runs over members in order. A shard changes hands only after its
    /// owner has given it up. Each time who belongs to the group changes, a member is told what it has got, be it nothing.
    private func rebalance() {
        // A member that the group has let go finds out now, has lost what it had, and joins as a new one.
        let isMember = broker.state.withLock { $0.members.contains(member) }
        if !isMember {
            let lost = positions.keys.sorted()
            positions = [:]
            if !lost.isEmpty { listener?.lost(lost) }
            enter()
        }
        let (members, wanted) = broker.state.withLock { state -> ([Int], Set<Int32>) in
            guard let place = state.members.firstIndex(of: member) else { return (state.members, []) }
            let count = Int(broker.partitions)
            let each = count / state.members.count
            let extra = count % state.members.count
            let start = place * each + min(place, extra)
            return (state.members, Set((start..<start + each + (place < extra ? 1 : 0)).map(Int32.init)))
        }
        release(Set(positions.keys).subtracting(wanted))
        let assigned = broker.state.withLock { state -> Set<Int32> in
            // It may have been let go while it gave shards back.
            guard state.members.contains(member) else { return [] }
            let free = wanted.filter { state.owners[$0] == nil }
            for shard in free { state.owners[shard] = member }
            return free
        }
        guard !assigned.isEmpty || members != membersKnown else { return }
        membersKnown = members
        let starts = listener?.assigned(assigned.sorted()) ?? [:]
        for shard in assigned { positions[shard] = starts[shard] ?? [:] }
    }

    private func release(_ shards: Set<Int32>) {
        guard !shards.isEmpty else { return }
        listener?.revoked(shards.sorted())
        for shard in shards { positions[shard] = nil }
        broker.state.withLock { state in
            // One that was let go meanwhile gives back nothing: it is another's by now.
            for shard in shards where state.owners[shard] == member { state.owners[shard] = nil }
        }
    }

    public func committed(shard: Int32) throws(LogFailure) -> Committed {
        broker.state.withLock { Committed(offsets: $0.committed[shard] ?? [:], mark: $0.marks[shard]) }
    }

    public func extents(shard: Int32) throws(LogFailure) -> [Topic: Range<Int64>] {
        broker.state.withLock { state in
            var extents: [Topic: Range<Int64>] = [:]
            for topic in Topic.answered(by: shard) {
                guard let partitions = state.logs[topic], partitions.indices.contains(Int(shard)) else { continue }
                extents[topic] = partitions[Int(shard)].base..<partitions[Int(shard)].end
            }
            return extents
        }
    }

    public func readChangelog(
        shard: Int32, from position: Int64, into batch: inout RecordBatch, limit: Int
    ) throws(LogFailure) -> ChangelogProgress {
        let progress = try broker.state.withLock { (state) throws(LogFailure) in
            if let failure = state.changelogFault { throw failure }
            guard let partition = state.logs[.changelog]?[Int(shard)] else {
                return ChangelogProgress(next: position, end: 0)
            }
            guard position >= partition.base else {
                throw LogFailure.beheaded(shard: shard, at: partition.base)
            }
            var at = max(position, partition.base)
            partition.records.withRecords { views in
                while at < partition.end, batch.count < limit {
                    let view = views[Int(at - partition.base)]
                    if view.topic != MemoryBroker.Partition.marker { batch.append(view) }
                    at += 1
                }
            }
            return ChangelogProgress(next: at, end: partition.end)
        }
        guard progress.next <= progress.end else {
            throw LogFailure(
                .fatal, "the changelog of shard \(shard) ends at \(progress.end), and was read to \(position)")
        }
        return progress
    }

    public func publish(_ transaction: LogTransaction) throws(LogFailure) {
        // As a group does: it knows who belongs to it, and takes their word for what they own.
        let isMember = broker.state.withLock { $0.members.contains(member) }
        guard isMember || transaction.offsets.isEmpty else {
            positions = [:]
            throw LogFailure(.fenced, "the group has let this member go")
        }
        try broker.write(transaction)
    }

    public func readCatalogue(into batch: inout RecordBatch, limit: Int) throws(LogFailure) -> Bool {
        try broker.state.withLock { (state) throws(LogFailure) in
            if let failure = state.catalogueFault { throw failure }
            guard let partition = state.logs[.catalogue]?[0] else { return true }
            guard cataloguePosition <= partition.end else {
                throw LogFailure.cutOff(.catalogue, at: partition.end, readTo: cataloguePosition)
            }
            partition.records.withRecords { views in
                var count = 0
                while cataloguePosition < partition.end, count < limit {
                    batch.append(views[Int(cataloguePosition - partition.base)])
                    cataloguePosition += 1
                    count += 1
                }
            }
            return cataloguePosition == partition.end
        }
    }

    public func rewindCatalogue() throws(LogFailure) { cataloguePosition = 0 }

    public func ends(shard: Int32) -> [Topic: Int64] {
        broker.state.withLock { state in
            var ends: [Topic: Int64] = [:]
            for topic in Topic.consumed {
                guard let end = state.logs[topic]?[Int(shard)].end, positions[shard]?[topic] == end else { continue }
                ends[topic] = end
            }
            return ends
        }
    }

    public func remaining(shard: Int32, from positions: [Topic: Int64]) -> [Topic: Int64] {
        broker.state.withLock { state in
            var remaining: [Topic: Int64] = [:]
            for topic in Topic.consumed {
                guard let end = state.logs[topic]?[Int(shard)].end else { continue }
                remaining[topic] = max(0, end - (positions[topic] ?? 0))
            }
            return remaining
        }
    }

    public func leave() throws(LogFailure) {
        release(Set(positions.keys))
        broker.state.withLock { state in state.members.removeAll { $0 == member } }
    }
}
