import FuldmagtDomain
import FuldmagtRecord
import FuldmagtWorker

/// A worker's connection to the log, as the simulation lets it have it.
final class SimulatedLog: RecordLog, @unchecked Sendable {
    private let inner: MemoryLog
    private unowned let simulation: Simulation
    private let worker: Int
    /// Calls that are not answered, before others are.
    var silentCalls = 0
    private var isDead = false

    init(_ inner: MemoryLog, of worker: Int, in simulation: Simulation) {
        self.inner = inner
        self.worker = worker
        self.simulation = simulation
    }

    /// Nothing that its process still does reaches the log.
    func cut() { isDead = true }

    /// The group does not wait for it any longer.
    func expire() { inner.expire() }

    private func live() throws(LogFailure) {
        if isDead { throw LogFailure(.fatal, "the process is dead") }
    }

    private func answer() throws(LogFailure) {
        try live()
        guard silentCalls > 0 else { return }
        silentCalls -= 1
        throw LogFailure(.retry, "the broker does not answer")
    }

    func join(_ listener: any AssignmentListener) throws(LogFailure) {
        try live()
        try inner.join(listener)
        simulation.joined(worker)
    }

    func poll(_ limits: PollLimits, into batches: inout [Int32: RecordBatch]) throws(LogFailure) {
        try answer()
        guard !simulation.isGroupForming else { return simulation.polled([:], by: worker) }
        try inner.poll(limits, into: &batches)
        simulation.polled(batches, by: worker)
        try live()
    }

    func committed(shard: Int32) throws(LogFailure) -> Committed {
        try answer()
        return try inner.committed(shard: shard)
    }

    func extents(shard: Int32) throws(LogFailure) -> [Topic: Range<Int64>] {
        try answer()
        return try inner.extents(shard: shard)
    }

    func ends(shard: Int32) -> [Topic: Int64] { isDead ? [:] : inner.ends(shard: shard) }

    func publish(_ transaction: LogTransaction) throws(LogFailure) {
        try answer()
        simulation.reached(.afterProduce, by: worker)
        try live()
        simulation.reached(.beforeLogCommit, by: worker)
        try live()
        let fault = simulation.takePublishFault(of: worker)
        if case .refused(let failure) = fault { throw failure }
        do {
            try inner.publish(transaction)
        } catch {
            simulation.notPublished(by: worker, error)
            throw error
        }
        simulation.published(transaction, by: worker)
        if case .unknown(let failure) = fault { throw failure }
        simulation.reached(.afterLogCommit, by: worker)
        try live()
    }

    func readChangelog(
        shard: Int32, from position: Int64, into batch: inout RecordBatch, limit: Int
    ) throws(LogFailure) -> ChangelogProgress {
        try answer()
        return try inner.readChangelog(
            shard: shard, from: position, into: &batch, limit: min(limit, simulation.restoreChunk))
    }

    func readCatalogue(into batch: inout RecordBatch, limit: Int) throws(LogFailure) -> Bool {
        try live()
        if simulation.isCatalogueSilent() { throw LogFailure(.retry, "the catalogue's broker does not answer") }
        return try inner.readCatalogue(into: &batch, limit: limit)
    }

    func rewindCatalogue() throws(LogFailure) {
        try live()
        try inner.rewindCatalogue()
    }

    func remaining(shard: Int32, from positions: [Topic: Int64]) -> [Topic: Int64] {
        inner.remaining(shard: shard, from: positions)
    }

    func leave() throws(LogFailure) {
        try live()
        try inner.leave()
    }
}
