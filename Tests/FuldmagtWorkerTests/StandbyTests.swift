import Foundation
import FuldmagtDomain
import FuldmagtRecord
import FuldmagtStore
import Logging
import Synchronization
import Testing

@testable import FuldmagtWorker

/// A worker that keeps copies of others' shards takes one over with the tail of its changelog only.
@Suite struct StandbyTests {
    /// The changelog of a cluster, which counts what is read of it and can fail.
    private final class Source: ChangelogSource {
        private let log: MemoryLog
        private let state = Mutex((read: 0, failure: LogFailure?.none, chunk: Int.max))

        init(_ cluster: TestCluster) { log = cluster.broker.member() }

        var read: Int { state.withLock { $0.read } }
        func fail(_ failure: LogFailure?) { state.withLock { $0.failure = failure } }
        func hold(to chunk: Int) { state.withLock { $0.chunk = chunk } }

        func readChangelog(
            shard: Int32, from position: Int64, into batch: inout RecordBatch, limit: Int
        ) throws(LogFailure) -> ChangelogProgress {
            if let failure = state.withLock({ $0.failure }) { throw failure }
            let before = batch.count
            let chunk = state.withLock { $0.chunk }
            let progress = try log.readChangelog(
                shard: shard, from: position, into: &batch, limit: min(limit, chunk))
            let count = batch.count - before
            state.withLock { $0.read += count }
            return progress
        }
    }

    /// A cluster with one worker that owns everything, and a standby in a folder of its own.
    private struct Scene {
        let cluster: TestCluster
        let source: Source
        let standby: Standby
        let folder: String
        private let options: WorkerOptions
        private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

        init() throws {
            cluster = try TestCluster()
            folder = cluster.directory + "/second"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            var options = cluster.options
            options.worker = "w2"
            options.directory = folder
            self.options = options
            source = Source(cluster)
            standby = Standby(
                options: options, source: source, surroundings: cluster.surroundings,
                health: WorkerHealth(surroundings: cluster.surroundings, factory: cluster.metrics), logger: logger)
            cluster.defineCatalogue()
            try cluster.drain()
            standby.own([])
        }

        /// Gives eight citizens a home each, and grants to the next.
        func live(_ name: String) throws {
            for number in 0..<8 {
                let citizen = "610150000\(number)"
                cluster.move(citizen, to: "0101", on: "2020-01-01", id: "\(name) move \(number)")
                cluster.issue(citizen, to: TestCluster.bent, ["tax"], id: "\(name) issue \(number)")
            }
            try cluster.drain()
        }

        /// Looks at each shard until the standby rests.
        func catchUp() {
            while standby.step() == nil {}
        }

        /// The second worker takes everything over and goes on.
        func takeOver() throws -> (rows: Int, dump: [String]) {
            try cluster.stop()
            let log = CountingLog(cluster.broker.member())
            let worker = WorkerLoop(
                options: options, log: log, surroundings: cluster.surroundings, logger: logger, standby: standby)
            try worker.start()
            while try worker.turn() > 0 || cluster.broker.lag > 0 {}
            try worker.finish()
            var dump = Dump()
            for file in try ShardFiles.all(in: folder) { try dump.add(path: file.path) }
            return (log.rows, dump.sorted())
        }

        var files: [String] {
            get throws { try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.contains("standby") } }
        }
    }

    @Test("only the tail is read at takeover, and every row is there")
    func tail() throws {
        let scene = try Scene()
        try scene.live("before")
        scene.catchUp()
        let copied = scene.source.read
        #expect(copied > 50)
        #expect(try scene.files.count == 4)
        try scene.live("after")
        let (rows, dump) = try scene.takeOver()
        #expect(rows > 0 && rows < copied)
        #expect(dump == (try scene.cluster.dump()))
        #expect(try scene.files == [])
        #expect(scene.source.read == copied)
    }

    @Test("it follows what is written, and shows how far behind it is")
    func follows() throws {
        let scene = try Scene()
        try scene.live("before")
        scene.catchUp()
        try scene.live("after")
        scene.catchUp()
        #expect(scene.cluster.metrics.text.contains(#"fuldmagt_standby_lag_records{shard="0"} 0"#))
        let (rows, dump) = try scene.takeOver()
        #expect(rows == 0)
        #expect(dump == (try scene.cluster.dump()))
    }

    @Test("a copy that lagged behind for longer than deletions are told is not gone on with")
    func tooOld() throws {
        let scene = try Scene()
        try scene.live("before")
        scene.catchUp()
        let copied = scene.source.read
        scene.cluster.clock.advance(seconds: 13 * 3_600)
        try scene.live("after")
        let (rows, dump) = try scene.takeOver()
        #expect(rows > copied)
        #expect(dump == (try scene.cluster.dump()))
        #expect(try scene.files == [])
    }

    @Test("nor is one whose machine stood still, clock and all, for as long: what was written meanwhile tells")
    func stoodStill() throws {
        let scene = try Scene()
        try scene.live("before")
        scene.catchUp()
        let copied = scene.source.read
        scene.cluster.clock.advance(seconds: 13 * 3_600)
        try scene.live("after")
        scene.cluster.clock.now.withLock { $0 = $0.adding(seconds: -13 * 3_600) }
        // Its own clock has not been set yet.
        scene.catchUp()
        #expect(scene.source.read > 2 * copied, "not the tail only: what was read before, once more")
        let (_, dump) = try scene.takeOver()
        #expect(dump == (try scene.cluster.dump()))
    }

    @Test("a copy is as old as the reading that brought it up, however long that took")
    func longReading() throws {
        let scene = try Scene()
        try scene.live("before")
        scene.source.hold(to: 10)
        _ = scene.standby.step()
        #expect((1...20).contains(scene.source.read))
        scene.cluster.clock.advance(seconds: 11 * 3_600)
        scene.source.hold(to: .max)
        // The same shard, to its end.
        _ = scene.standby.step()
        #expect(try scene.files.allSatisfy { $0.hasPrefix("shard-0000") })
        scene.cluster.clock.advance(seconds: 2 * 3_600)
        #expect(scene.standby.take(0) == nil)
        #expect(try scene.files == [])
    }

    @Test("a copy of another changelog is begun anew, and one that cannot be read for the moment is kept")
    func failures() throws {
        let scene = try Scene()
        try scene.live("before")
        scene.catchUp()
        let copied = scene.source.read
        scene.source.fail(LogFailure(.retry, "the broker is away"))
        #expect(scene.standby.step() != nil)
        scene.source.fail(nil)
        scene.catchUp()
        #expect(scene.source.read == copied)
        scene.source.fail(LogFailure(.fatal, "the changelog ends before"))
        for _ in 0..<4 { #expect(scene.standby.step() != nil) }
        #expect(try scene.files == [])
        scene.source.fail(nil)
        // Not at once: it may fail again near the end of a long changelog.
        scene.catchUp()
        #expect(scene.source.read == copied)
        scene.cluster.clock.advance(seconds: 600)
        scene.catchUp()
        #expect(scene.source.read == 2 * copied)
        let (rows, dump) = try scene.takeOver()
        #expect(rows == 0)
        #expect(dump == (try scene.cluster.dump()))
    }

    @Test("a copy of what a newer version writes is given up once, and not begun anew while the process lives")
    func newerVersion() throws {
        let scene = try Scene()
        try scene.live("before")
        scene.catchUp()
        let copied = scene.source.read
        // As its newer owner writes it: the number of the schema comes first.
        var row: (key: [UInt8], value: [UInt8])?
        scene.cluster.broker.read(.changelog, partition: 0).withRecords { records in
            for record in records {
                guard let key = record.key, let value = record.value else { continue }
                row = (Array(key), [0x7f] + value.dropFirst())
            }
        }
        let (key, value) = try #require(row)
        scene.cluster.broker.append(topic: .changelog, partition: 0, key: key, headers: [], value: value)
        for _ in 0..<8 { _ = scene.standby.step() }
        #expect(try scene.files.count == 3)
        let read = scene.source.read
        #expect(read == copied + 1)
        for _ in 0..<5 {
            scene.cluster.clock.advance(seconds: 3_600)
            for _ in 0..<8 { _ = scene.standby.step() }
        }
        #expect(scene.source.read == read)
        #expect(try scene.files.count == 3)
    }

    @Test("a copy that was handed out is not begun anew, whose turn it was in this round or not")
    func handedOut() throws {
        let scene = try Scene()
        try scene.live("before")
        scene.catchUp()
        // One shard has been looked at in this round, and three are still to be.
        try scene.live("after")
        _ = scene.standby.step()
        for shard in Int32(0)..<4 {
            let copy = try #require(scene.standby.take(shard))
            for _ in 0..<4 { _ = scene.standby.step() }
            // The file is where it was, with what it had.
            #expect(try scene.files.contains { $0.hasPrefix("shard-000\(shard)") })
            try copy.restore.discard()
        }
        #expect(try scene.files == [])
    }

    @Test("what it owns is not followed, and nothing is left behind when it stops")
    func owned() throws {
        let scene = try Scene()
        try scene.live("before")
        scene.standby.own([0, 1])
        scene.catchUp()
        #expect(try scene.files.map { $0.prefix(10) }.sorted() == ["shard-0002", "shard-0003"])
        scene.standby.own([0, 2])
        scene.catchUp()
        #expect(try scene.files.map { $0.prefix(10) }.sorted() == ["shard-0001", "shard-0003"])
        scene.standby.stop()
        #expect(try scene.files == [])
    }
}

/// A worker's log that counts what is read of changelogs.
private final class CountingLog: RecordLog, @unchecked Sendable {
    private let log: MemoryLog
    private(set) var rows = 0

    init(_ log: MemoryLog) { self.log = log }

    func join(_ listener: any AssignmentListener) throws(LogFailure) { try log.join(listener) }
    func poll(_ limits: PollLimits, into batches: inout [Int32: RecordBatch]) throws(LogFailure) {
        try log.poll(limits, into: &batches)
    }
    func committed(shard: Int32) throws(LogFailure) -> Committed { try log.committed(shard: shard) }
    func readChangelog(
        shard: Int32, from position: Int64, into batch: inout RecordBatch, limit: Int
    ) throws(LogFailure) -> ChangelogProgress {
        let progress = try log.readChangelog(shard: shard, from: position, into: &batch, limit: limit)
        rows += batch.count
        return progress
    }
    func publish(_ transaction: LogTransaction) throws(LogFailure) { try log.publish(transaction) }
    func readCatalogue(into batch: inout RecordBatch, limit: Int) throws(LogFailure) -> Bool {
        try log.readCatalogue(into: &batch, limit: limit)
    }
    func rewindCatalogue() throws(LogFailure) { try log.rewindCatalogue() }
    func remaining(shard: Int32, from positions: [Topic: Int64]) -> [Topic: Int64] {
        log.remaining(shard: shard, from: positions)
    }
    func leave() throws(LogFailure) { try log.leave() }
}
