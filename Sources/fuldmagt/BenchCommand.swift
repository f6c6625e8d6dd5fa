import ArgumentParser
import Foundation
import FuldmagtDomain
import FuldmagtKeys
import FuldmagtTestKit
import FuldmagtWorker
import Logging

struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure how fast commands are decided.",
        discussion: """
            Loads a seeded workload of grant.issue commands and reports commands a second, CPU, memory and where the \
            time goes. On Kafka the topics must be new: the bench creates them. Records are loaded in step with the \
            worker, so that a broker that answers with its whole backlog does not fill the memory; making the load is \
            not timed with the log in memory, and runs beside the worker with Kafka.

            Examples:
              fuldmagt bench --log memory
              fuldmagt bench --log memory --activation-ends --commands 1000000
              fuldmagt bench --log memory --restore --commands 200000
              FULDMAGT_KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:9092 fuldmagt bench --log kafka
              fuldmagt bench --log kafka --latency --rate 2000 --seconds 30
              fuldmagt bench --log kafka --latency --beside-workers --rate 500
            """)

    enum Kind: String, ExpressibleByArgument { case memory, kafka }

    @Option(help: "memory: decide, store and frames, no broker. kafka: all of it.")
    var log = Kind.memory
    @Option(help: "How many commands.")
    var commands = 500_000
    @Option(help: "How many citizens they are about.")
    var citizens = 100_000
    @Option(help: "How many shards.")
    var partitions: Int32 = 4
    @Option(help: "Another one makes another workload.")
    var seed: UInt64 = 1
    @Flag(help: "Measure latency from produce to a committed reader's outcome, instead of throughput.")
    var latency = false
    @Flag(help: "With --latency: the topics are there, and workers run already.")
    var besideWorkers = false
    @Flag(help: "Measure what commands lose while activations end that a twentieth of the grants rest on.")
    var activationEnds = false
    @Flag(help: "Measure how fast lost shards are rebuilt from the changelog.")
    var restore = false
    @Option(help: "Commands a second for --latency.")
    var rate = 2000
    @Option(help: "Length of the latency measurement.")
    var seconds = 20
    @Option(
        help: """
            With --log kafka: MiB that a partition of the bench's topics keeps, so that a broker which holds them in memory \
            and saves all of them again and again is not measured by the length of its topics. 0 keeps everything. No more \
            commands wait in the broker than half of it, but with --latency, which sends at its rate: there workers may be \
            four seconds late before any is deleted unread. (default: 4; with --latency 1 for each 2,000 commands a second)
            """)
    var keep: Int?
    @Option(help: "Folder for the shard files; a new one in the temporary folder without it.")
    var data: String?

    func validate() throws {
        for (name, value, range) in [
            ("commands", commands, 1...1_000_000_000), ("citizens", citizens, 1...100_000_000),
            ("partitions", Int(partitions), 1...1000), ("rate", rate, 1...1_000_000), ("seconds", seconds, 1...86_400),
            ("keep", keep ?? 0, 0...1_000_000),
        ] where !range.contains(value) {
            throw ValidationError("--\(name) is \(value); \(range.lowerBound) to \(range.upperBound) are allowed")
        }
        for (name, isGiven, needed) in [
            ("latency", latency, Kind.kafka), ("beside-workers", besideWorkers, .kafka),
            ("activation-ends", activationEnds, .memory), ("restore", restore, .memory),
        ] where isGiven && log != needed {
            throw ValidationError("--\(name) is measured with --log \(needed.rawValue) only")
        }
        if besideWorkers, !latency { throw ValidationError("--beside-workers is for --latency") }
        if activationEnds, restore { throw ValidationError("--activation-ends or --restore, not both") }
    }

    func run() async throws {
        LoggingSystem.bootstrap { label in
            var handler = JSONLogHandler(label: label)
            handler.logLevel = .warning
            return handler
        }
        let environment = try await Environment()
        let configuration = try environment.kafka
        let directory = data ?? NSTemporaryDirectory() + "fuldmagt-bench-\(UUID().uuidString)"
        let options = try environment.tuning(
            of: WorkerOptions(
                worker: "bench-\(getpid())",
                settings: Settings(
                    admitsTestPersons: true, sender: Sender(cvr: "10000009", name: "Bench"), cluster: "bench",
                    partitions: partitions),
                keys: try ClusterKey(hex: String(repeating: "7e57", count: 16)), directory: directory))
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer {
            if data == nil {
                do { try FileManager.default.removeItem(atPath: directory) } catch {
                    StandardError.write("\(directory) could not be removed\n")
                }
            }
        }
        let load = BenchLoad(seed: seed, citizens: citizens, commands: commands)
        switch log {
        case .memory:
            let bench = MemoryBench(load: load, options: options)
            if activationEnds {
                try bench.activationEnds()
            } else if restore {
                try bench.restore()
            } else {
                try bench.run()
            }
        case .kafka:
            let bench = KafkaBench(
                load: load, options: options, configuration: configuration,
                keptMebibytes: keep ?? (latency ? max(1, rate / 2_000) : 4))
            if latency, besideWorkers {
                try bench.latencyBesideWorkers(rate: rate, seconds: seconds)
            } else if latency {
                try bench.latency(rate: rate, seconds: seconds)
            } else {
                try bench.throughput()
            }
        }
    }
}

/// CPU and memory of this process.
struct Usage {
    let cpuSeconds: Double
    let peakMiB: Int

    init() {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        cpuSeconds = seconds(usage.ru_utime) + seconds(usage.ru_stime)
        peakMiB = usage.ru_maxrss / 1024
    }
}

/// What a measurement prints.
enum BenchReport {
    static func show(name: String, commands: Int, seconds: Double, cpuSeconds: Double, times: PhaseTimes) {
        func ms(_ nanoseconds: UInt64) -> String { String(format: "%.0f ms", Double(nanoseconds) / 1e6) }
        Output.line(
            """
            log               \(name)
            commands          \(commands)
            seconds           \(String(format: "%.2f", seconds))
            commands/s        \(Int(Double(commands) / seconds))
            CPU seconds       \(String(format: "%.2f", cpuSeconds)) (\(String(format: "%.1f", cpuSeconds / Double(commands) * 1e6)) µs a command)
            peak memory       \(Usage().peakMiB) MiB
            turns             \(times.turns), \(times.transactions) transactions, \(times.records) records
            time by phase (threads overlap)
              poll            \(ms(times.poll))
              catalogue       \(ms(times.catalogue))
              decode          \(ms(times.decode))
              decide          \(ms(times.decide))
              store           \(ms(times.store))
              produce         \(ms(times.produce))
              commit          \(ms(times.commit))
            """)
    }
}

/// Decode, decide, store and frames, on the log in memory.
struct MemoryBench {
    let load: BenchLoad
    let options: WorkerOptions

    func run() throws {
        let (broker, loop) = try prepared()
        let before = loop.allTimes
        var elapsed: UInt64 = 0
        var cpu = 0.0
        let chunk = 50_000
        for start in stride(from: 0, to: load.commands, by: chunk) {
            broker.append(load.issues(start..<min(start + chunk, load.commands)))
            let cpuBefore = Usage().cpuSeconds
            let started = Host.nanoseconds()
            try Self.drain(loop, broker)
            elapsed += Host.nanoseconds() - started
            cpu += Usage().cpuSeconds - cpuBefore
        }
        BenchReport.show(
            name: "memory", commands: load.commands, seconds: Double(elapsed) / 1e9, cpuSeconds: cpu,
            times: loop.allTimes.subtracting(before))
        Output.line("outcomes          \(broker.written(.outcomes)) (with moves and catalogue)")
        Output.line("notifications     \(broker.written(.notifications))")
        try loop.finish()
    }

    /// A worker that knows the catalogue and where everybody lives.
    /// - Parameter dropped: topics whose records are counted and forgotten.
    func prepared(dropping dropped: Set<Topic> = [.outcomes, .notifications, .changelog]) throws -> (
        MemoryBroker, WorkerLoop
    ) {
        let broker = MemoryBroker(
            partitions: options.settings.partitions, dropping: dropped, forgetsCommitted: true
        ) { Host.now() }
        let loop = try joined(broker)
        broker.append(load.catalogue(at: Host.now()))
        for start in stride(from: 0, to: load.citizens, by: 20_000) {
            broker.append(load.moves(start..<min(start + 20_000, load.citizens)))
            try Self.drain(loop, broker)
        }
        return (broker, loop)
    }

    func joined(_ broker: MemoryBroker) throws -> WorkerLoop {
        var options = options
        options.pollMilliseconds = 0
        let loop = WorkerLoop(
            options: options, log: broker.member(), surroundings: Host.surroundings, logger: Logger(label: "bench"))
        try loop.start()
        return loop
    }

    static func drain(_ loop: WorkerLoop, _ broker: MemoryBroker) throws {
        while try loop.turn() > 0 || broker.lag > 0 {}
    }
}
