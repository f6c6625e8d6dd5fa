import Foundation
import FuldmagtDomain
import FuldmagtRecord
import FuldmagtStore
import FuldmagtTestKit
import FuldmagtWorker
import Logging

/// One worker that nothing befalls, with a log and a folder of its own: it is given the records that the simulated
/// cluster is given, each phase at once, and comes to rest.
final class CalmCluster: Expectation {
    private let broker: MemoryBroker
    private let loop: WorkerLoop
    private let time: SimulatedTime
    private let folder: String
    private var listener: Listener
    /// What it has said so far.
    var observed: Observed { listener.observed }

    init(_ world: SmallWorld, folder: String) throws {
        let time = SimulatedTime()
        self.time = time
        self.folder = folder
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        broker = MemoryBroker(partitions: world.partitions) { time.log }
        listener = Listener(broker)
        var options = WorkerOptions(
            worker: "calm", settings: world.settings, keys: SmallWorld.keys, directory: folder)
        options.isPipelined = false
        options.isDurable = false
        options.cacheBytes = 4 << 20
        options.processedDays = 10_000
        options.hasOneThread = true
        var logger = Logger(label: "calm") { _ in SwiftLogNoOpLogHandler() }
        logger.logLevel = .critical
        loop = WorkerLoop(
            options: options, log: broker.member(),
            surroundings: Surroundings(
                now: { time.wall(skew: 0) }, nanoseconds: { time.nanoseconds() },
                pause: { time.advance(milliseconds: $0) }, reached: { _ in }),
            logger: logger)
    }

    func advance(to instant: Instant) throws {
        time.begin(instant)
        try comeToRest()
    }

    func take(_ record: ModelRecord) {
        broker.append(
            topic: record.topic, partition: record.partition, key: record.key, headers: record.headers,
            value: record.value, timestamp: record.timestamp)
    }

    private func comeToRest() throws {
        var quiet = 0
        for _ in 0..<500 {
            time.advance(milliseconds: 600)
            quiet = try loop.turnOrJoinAgain() == 0 && broker.lag == 0 ? quiet + 1 : 0
            if quiet == 3 { return }
        }
        throw Restless(lag: broker.lag)
    }

    private struct Restless: Error, CustomStringConvertible {
        let lag: Int
        var description: String { "the worker that nothing befalls does not come to rest: \(lag) records are left" }
    }

    /// All that it says of what it was given.
    func said() throws -> Observed {
        try comeToRest()
        listener.look()
        return listener.observed
    }

    func differences(from observed: Observed) throws -> [String] { observed.differences(from: try said()) }

    /// Ends it, and reads what its shards hold.
    func differences(fromState state: [String]) throws -> [String] {
        try loop.finish()
        var dump = Dump()
        for file in try ShardFiles.all(in: folder) { try dump.add(path: file.path) }
        return differences(of: state, from: dump.sorted().filter { !$0.contains(#""table":"processed""#) })
    }

    func notifications() throws -> [(ExpectedNotification, channel: String)] { try said().notificationsByChannel }

    var decided: Int { observed.outcomes.count }
}
