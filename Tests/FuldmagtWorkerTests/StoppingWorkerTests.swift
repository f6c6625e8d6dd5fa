import Foundation
import FuldmagtDomain
import FuldmagtRecord
import Logging
import Testing

@testable import FuldmagtWorker

/// A worker that is told to stop while its group is still sharing out.
@Suite struct StoppingWorkerTests {
    /// A log whose group assigns a shard to a member while that leaves, when nothing can be asked any more.
    private final class LateGroup: RecordLog, @unchecked Sendable {
        private weak var listener: (any AssignmentListener)?
        private var isClosed = false
        private(set) var answer: [Int32: [Topic: Int64]]?

        func join(_ listener: any AssignmentListener) throws(LogFailure) { self.listener = listener }

        func poll(_ limits: PollLimits, into batches: inout [Int32: RecordBatch]) throws(LogFailure) {}

        func committed(shard: Int32) throws(LogFailure) -> Committed {
            if isClosed { throw LogFailure(.fatal, "the client is closed") }
            return Committed()
        }

        func readChangelog(
            shard: Int32, from position: Int64, into batch: inout RecordBatch, limit: Int
        ) throws(LogFailure) -> ChangelogProgress { ChangelogProgress(next: position, end: position) }

        func publish(_ transaction: LogTransaction) throws(LogFailure) {}

        func readCatalogue(into batch: inout RecordBatch, limit: Int) throws(LogFailure) -> Bool { true }

        func rewindCatalogue() throws(LogFailure) {}

        func remaining(shard: Int32, from positions: [Topic: Int64]) -> [Topic: Int64] { [:] }

        func leave() throws(LogFailure) {
            isClosed = true
            answer = listener?.assigned([0, 1])
            listener?.revoked([0, 1])
        }
    }

    @Test("a shard that is assigned to a worker while it leaves is not taken over, and it ends well")
    func assignedWhileLeaving() throws {
        let cluster = try TestCluster()
        let group = LateGroup()
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let worker = WorkerLoop(
            options: cluster.options, log: group, surroundings: cluster.surroundings, logger: logger)
        try worker.start()
        try worker.finish()
        #expect(group.answer == [:])
        #expect(try FileManager.default.contentsOfDirectory(atPath: cluster.directory).isEmpty)
    }
}
