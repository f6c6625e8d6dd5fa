import ArgumentParser
import Dispatch
import Foundation
import FuldmagtSimulation
import Synchronization

struct SimulateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Plays a cluster of workers through random faults, and compares with the naive model.",
        discussion: """
            Workers, log, group, disks and clocks are simulated step by step from one seed: the same seed does the \
            same things in the same order. A seed that fails is played again, and what happened last is printed, with \
            the command that shows all of it.

              fuldmagt simulate --seed 1 --seeds 2000    plays seeds 1 to 2000
              fuldmagt simulate --seed 17 --trace        shows what happens in seed 17

            Ctrl-C ends it after the seeds that are being played, and tells of those that were. Exits 3 if a seed failed, \
            1 if it was ended before the last one.
            """)

    @Option(help: "The first seed.") var seed: UInt64 = 1
    @Option(help: "How many seeds.") var seeds = 1
    @Option(help: "Seeds that are played side by side; the number of cores where it is not given.") var jobs: Int?
    @Option(help: "Stops after so many failed seeds.") var failures = 5
    @Flag(help: "Prints what happens.") var trace = false

    func validate() throws {
        guard seeds > 0, failures > 0, jobs ?? 1 > 0 else { throw ValidationError("numbers must be above 0") }
        guard !seed.addingReportingOverflow(UInt64(seeds)).overflow else {
            throw ValidationError("--seed is \(seed); the last of \(seeds) seeds would be beyond 2^64")
        }
    }

    private struct Tally {
        var next: UInt64
        var failed: [SimulationResult] = []
        var played = 0
        var events = 0
        var records = 0
        var faults: [String: Int] = [:]
        /// When something was last said of it, nanoseconds.
        var told: UInt64

        mutating func add(_ result: SimulationResult) {
            played += 1
            events += result.events
            records += result.records
            faults.merge(result.faults, uniquingKeysWith: +)
            if result.failure != nil { failed.append(result) }
        }
    }

    func run() throws {
        let stop = StopSignal()
        let started = Host.nanoseconds()
        let tally = Mutex(Tally(next: seed, told: started))
        let last = seed + UInt64(seeds)
        DispatchQueue.concurrentPerform(iterations: min(jobs ?? ProcessInfo.processInfo.activeProcessorCount, seeds)) {
            _ in
            SimulatedDisk.with { disk in
                while true {
                    let mine = tally.withLock { tally -> UInt64? in
                        guard tally.next < last, tally.failed.count < failures, !stop.isRaised else { return nil }
                        defer { tally.next += 1 }
                        return tally.next
                    }
                    guard let mine else { return }
                    let result = play(mine, on: disk, keepsTrace: trace)
                    let now = Host.nanoseconds()
                    tally.withLock { tally in
                        tally.add(result)
                        if trace { Output.line(result.trace.joined(separator: "\n")) }
                        if result.failure != nil { say("seed \(mine) failed\n") }
                        guard now - tally.told > 10_000_000_000 else { return }
                        tally.told = now
                        let speed = Double(tally.played) * 1e9 / Double(now - started)
                        say(
                            "\(tally.played) of \(seeds) seeds, \(tally.failed.count) failed; \(String(format: "%.1f", speed)) seeds/s\n"
                        )
                    }
                }
            }
        }
        let seconds = Double(Host.nanoseconds() - started) / 1e9
        try tally.withLock { tally in
            for result in tally.failed.sorted(by: { $0.seed < $1.seed }) { show(result) }
            Output.line(
                "\(tally.played) seeds from \(seed): \(tally.failed.count) failed; \(tally.records) commands, \(tally.faults.values.reduce(0, +)) faults, \(tally.events) events; \(String(format: "%.1f", Double(tally.played) / seconds)) seeds/s, \(String(format: "%.0f", seconds)) s"
            )
            let faults = tally.faults.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            if !faults.isEmpty {
                Output.line("faults: \(faults.map { "\($0.key) \($0.value)" }.joined(separator: ", "))")
            }
            guard tally.failed.isEmpty else { throw Exit.found }
            guard tally.played == seeds else {
                throw Exit.saying("ended by a signal; go on with --seed \(tally.next)", Exit.failure)
            }
        }
    }

    private func play(_ seed: UInt64, on disk: SimulatedDisk, keepsTrace: Bool) -> SimulationResult {
        Simulation(seed: seed, disk: disk, keepsTrace: keepsTrace).run()
    }

    private func show(_ result: SimulationResult) {
        Output.line("seed \(result.seed) failed: \(result.failure ?? "")")
        guard !trace else { return }
        Output.line("all that happened in it: fuldmagt simulate --seed \(result.seed) --trace")
        let again = SimulatedDisk.with { play(result.seed, on: $0, keepsTrace: true) }
        if again.fingerprint != result.fingerprint { Output.line("(it went another way when it was played again)") }
        Output.line(again.trace.suffix(200).joined(separator: "\n"))
    }

    private func say(_ text: String) { StandardError.write(text) }
}
