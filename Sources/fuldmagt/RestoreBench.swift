import Foundation
import FuldmagtDomain
import FuldmagtTestKit
import FuldmagtWorker
import Logging

extension MemoryBench {
    /// How fast shards whose files are lost are rebuilt from the changelog, all of them by one worker. The log in memory
    /// costs next to nothing, so what is measured is reading the records and writing the rows.
    func restore() throws {
        let (broker, first) = try prepared(dropping: [.outcomes, .notifications])
        for start in stride(from: 0, to: load.commands, by: 50_000) {
            broker.append(load.issues(start..<min(start + 50_000, load.commands)))
            try Self.drain(first, broker)
        }
        try first.finish()
        let rows = broker.written(.changelog)
        for name in try FileManager.default.contentsOfDirectory(atPath: options.directory) {
            try FileManager.default.removeItem(atPath: "\(options.directory)/\(name)")
        }
        let started = Host.nanoseconds()
        let second = try joined(broker)
        _ = try second.turn()
        let seconds = Double(Host.nanoseconds() - started) / 1e9
        try second.finish()
        Output.line(
            """
            commands          \(load.commands)
            changelog         \(rows) records
            rebuilt in        \(String(format: "%.2f", seconds)) s, \(options.settings.partitions) shards one after the other
            rows/s            \(Int(Double(rows) / seconds))
            peak memory       \(Usage().peakMiB) MiB, the whole changelog among it
            """)
    }
}
