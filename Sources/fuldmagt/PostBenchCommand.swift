import ArgumentParser
import Foundation
import FuldmagtBytes
import FuldmagtDomain
import FuldmagtJSON
import FuldmagtKeys
import FuldmagtPost
import FuldmagtRecord

struct PostBenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure how fast notifications are read, routed and rendered.",
        discussion: """
            Without a broker: records in memory, read as the consumers read them. First reading, routing and rendering \
            alone, on one core and on two; then a sender's whole step with ledger and folder, where the disk decides.

            Example:
              fuldmagt post bench --notifications 200000
            """)

    @Option var notifications = 100_000
    @Option(help: "Messages whose ids are fixed together.")
    var chunk = 50
    @Option(help: "Notifications of the second measurement.")
    var sent = 5_000

    func validate() throws {
        guard notifications > 0, chunk > 0, sent > 0 else {
            throw ValidationError("--notifications, --chunk and --sent must be 1 or more")
        }
    }

    func run() async throws {
        let batch = Self.batch(notifications)
        for threads in [1, 2] {
            let started = Host.nanoseconds()
            let cpu = Usage().cpuSeconds
            let bytes = Counter()
            DispatchQueue.concurrentPerform(iterations: threads) { thread in
                bytes.add(Self.render(batch, thread: thread, of: threads))
            }
            let seconds = Double(Host.nanoseconds() - started) / 1e9
            Output.line(
                "read, route, render on \(threads): \(Int(Double(notifications) / seconds)) notifications/s, \(String(format: "%.1f", (Usage().cpuSeconds - cpu) / Double(notifications) * 1e6)) µs of CPU each, \(bytes.value / notifications) bytes of MeMo each"
            )
        }
        try step()
    }

    private static func batch(_ count: Int) -> RecordBatch {
        var batch = RecordBatch()
        var headers: [UInt8] = []
        HeaderBlock.append("ce_type", "dk.fuldmagt.notification.v1", to: &headers)
        HeaderBlock.append("fm_shard", "3", to: &headers)
        for number in 0..<count {
            // Every tenth is a letter.
            let value = """
                {"id":"\(id(number).uuidText)","kind":"grant-received","recipient":{"cpr":"6202800015"},"channel":"\(number % 10 == 9 ? "letter" : "digital-post")","grant":"2f1c6c1e-6f0a-4c57-9a51-2f1c6c1e6f0b","title":"Du har fået en fuldmagt","body":"Du har fået fuldmagt til “Eksempel”. Den gælder til og med 1. januar 2030.","language":"da","kle":"23.30.15","sender":{"cvr":"99000007","name":"Example"},"cause":{"id":"\(number)"},"createdAt":"2026-11-22T10:00:00.000Z"}
                """
            let key = Array(id(number).description.utf8)
            key.withUnsafeBytes { key in
                Array(value.utf8).withUnsafeBytes { value in
                    batch.append(
                        topic: Topic.notifications.rawValue, offset: Int64(number), timestamp: 0, key: key, value: value
                    ) { $0.append(contentsOf: headers) }
                }
            }
        }
        return batch
    }

    private static func id(_ number: Int) -> Ident {
        Ident(high: UInt64(number) &* 0x9e37_79b9_7f4a_7c15, low: UInt64(number)).asUUIDv4
    }

    private static func render(_ batch: RecordBatch, thread: Int, of threads: Int) -> Int {
        let document = JSONDocument()
        let writer = MeMoWriter()
        var sink = ByteSink(capacity: 1 << 14)
        var bytes = 0
        batch.withRecords { records in
            for at in stride(from: thread, to: records.count, by: threads) {
                do {
                    let notification = try PostNotification.read(records[at], into: document)
                    let message = OutgoingMessage(
                        id: notification.id, fixedAt: Instant(milliseconds: Int64(at)), parts: [notification])
                    sink.removeAll()
                    switch notification.channel {
                    case .digitalPost: writer.append(message, to: &sink)
                    case .letter: HTMLDocument.appendLetter(message, to: &sink)
                    }
                    bytes += sink.count
                } catch {
                    preconditionFailure("a record of the bench cannot be read: \(error)")
                }
            }
        }
        return bytes
    }

    /// A sender's whole step on a new folder.
    private func step() throws {
        let folder = NSTemporaryDirectory() + "fuldmagt-post-bench-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let ledger = try PostLedger(
            path: folder + "/memo.sqlite", keys: try ClusterKey(hex: String(repeating: "7e57", count: 16)),
            channel: .digitalPost)
        let sender = try PostSender(
            log: BenchLog(batch: Self.batch(sent)),
            transport: try MeMoFolder(path: folder + "/memo", writer: MeMoWriter()),
            ledger: ledger, options: .init(chunk: chunk, source: "urn:dk:cvr:10000009:bench", worker: "bench"),
            now: { Host.now() }, nanoseconds: { Host.nanosecondsSinceBoot() })
        let started = Host.nanoseconds()
        let cpu = Usage().cpuSeconds
        var messages = 0
        while true {
            let step = try sender.step()
            messages += step.sent
            if !step.isBusy { break }
        }
        let seconds = Double(Host.nanoseconds() - started) / 1e9
        Output.line(
            "sent with ledger and folder, \(chunk) at a time: \(Int(Double(messages) / seconds)) messages/s, \(Int((Usage().cpuSeconds - cpu) / Double(messages) * 1e6)) µs of CPU each"
        )
        try ledger.close()
        try FileManager.default.removeItem(atPath: folder)
    }

    /// Bytes that threads have written.
    private final class Counter: @unchecked Sendable {
        private let lock = NSLock()
        private(set) var value = 0

        func add(_ count: Int) { lock.withLock { value += count } }
    }

    /// Notifications in memory; what is written is dropped.
    private struct BenchLog: PostLog {
        let batch: RecordBatch

        func read(from positions: [Int32: Int64], _ body: (Int32, RecordView) throws -> Void) throws -> [Int32: Int64] {
            let from = Int(positions[0] ?? 0)
            try batch.withRecords { (records) throws in
                for record in records.dropFirst(from) { try body(0, record) }
            }
            return [0: Int64(batch.count)]
        }

        func look(from positions: [Int32: Int64], _ body: (Int32, RecordView) throws -> Void) throws -> [Int32: Int64] {
            positions
        }

        func write(_ frame: Frame) throws {}
    }
}
