import Foundation
import FuldmagtDomain
import FuldmagtTestKit
import FuldmagtWorker
import Logging

extension MemoryBench {
    /// What commands lose while an activation's end is worked off: the grants that it concerns become dormant in steps,
    /// between the commands.
    func activationEnds() throws {
        let (broker, loop) = try prepared()
        // The last tenth is kept for the two measurements.
        let share = load.commands / 20
        let loaded = load.commands - 2 * share
        for start in stride(from: 0, to: loaded, by: 50_000) {
            broker.append(load.issues(start..<min(start + 50_000, loaded)))
            try Self.drain(loop, broker)
            Self.say("\(min(start + 50_000, loaded)) of \(loaded) grants loaded")
        }
        func through(_ numbers: Range<Int>) throws -> Double {
            broker.append(load.issues(numbers))
            // The commands are through when their topic has been read; news and sweeps may be left.
            let rate = try rate(share) {
                while broker.lag(.grantCommands) > 0 { _ = try loop.turn() }
            }
            return rate
        }
        let usual = try through(loaded..<loaded + share)
        try Self.drain(loop, broker)
        let told = broker.written(.notifications)
        broker.append(load.endings(of: 0..<2, at: Host.now()))
        var meanwhile = 0.0
        let all = try rate(share) {
            meanwhile = try through(loaded + share..<loaded + 2 * share)
            try Self.drain(loop, broker)
        }
        Output.line(
            """
            grants loaded          \(load.accepted(0..<loaded))
            commands/s before      \(Int(usual))
            commands/s meanwhile   \(Int(meanwhile)) (\(String(format: "%.0f", meanwhile / usual * 100)) %)
            until all was done     \(String(format: "%.1f", Double(share) / all)) s
            notifications written  \(broker.written(.notifications) - told), of them two for each grant that became dormant
            peak memory            \(Usage().peakMiB) MiB
            """)
        try loop.finish()
    }

    private func rate(_ count: Int, _ body: () throws -> Void) rethrows -> Double {
        let started = Host.nanoseconds()
        try body()
        return Double(count) / (Double(Host.nanoseconds() - started) / 1e9)
    }

    private static func say(_ text: String) {
        StandardError.write("\r\(text)")
    }
}
