import ArgumentParser
import Foundation
import FuldmagtDomain
import FuldmagtJSON
import FuldmagtKafka
import FuldmagtRecord
import FuldmagtWorker

struct PublishCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish", abstract: "Publish commands from a file of JSON lines.",
        discussion: """
            Each line is one CloudEvent in structured mode: \
            {"specversion":"1.0","id":…,"type":…,"source":…,"data":{…}}. It goes to the topic its type belongs on, \
            keyed by the citizen. A line with a fault is told with its number and field, and is not sent; --unchecked \
            sends it all the same.

            Examples:
              fuldmagt publish commands.jsonl --rate 500
              generate-moves | fuldmagt publish -

            Ends with 0 when every line was sent, with 3 when some had faults.
            """)

    @Argument(help: "The file; - for standard input.")
    var file: String
    @Option(help: "Records a second, at most.")
    var rate: Int?
    @Flag(help: "Send lines with faults too.")
    var unchecked = false
    @Option(help: "Send everything to this topic, whatever its type.")
    var topic: String?
    @Flag(help: "No progress bar.")
    var quiet = false

    func validate() throws {
        if let rate, rate < 1 { throw ValidationError("--rate is \(rate); at least 1 is allowed") }
        if let topic, Topic(name: topic) == nil {
            throw ValidationError(
                "--topic is \(topic); allowed are \(Topic.allCases.map(\.name).joined(separator: ", "))")
        }
    }

    func run() async throws {
        let environment = try await Environment()
        let settings = try environment.settings(partitions: 1)
        let configuration = try environment.kafka
        let source = try LineSource(path: file)
        let producer = try Connection.trying { () throws(KafkaFailure) in
            try KafkaProducer(KafkaLog.properties(configuration, for: .producer), topics: Topic.names)
        }
        var progress = ProgressBar(total: source.size, isShown: !quiet && isatty(STDERR_FILENO) == 1)
        var line = 0
        var sent = 0
        var faulty = 0
        let started = Host.nanoseconds()
        while let bytes = try source.next() {
            line += 1
            guard !bytes.allSatisfy({ $0 == 32 || $0 == 9 || $0 == 13 }) else { continue }
            let checked = LineCheck(bytes, settings: settings, today: Host.now().day)
            if checked.isNoJSONLine, sent + faulty == 0, !unchecked {
                Self.say("line \(line): \(LineCheck.noJSONLines.description)")
                throw Exit.found
            }
            if !checked.faults.isEmpty, !unchecked {
                faulty += 1
                for fault in checked.faults { Self.say("line \(line): \(fault.description)") }
                continue
            }
            guard let target = topic.flatMap({ Topic(name: $0) }) ?? checked.topic else {
                faulty += 1
                Self.say("line \(line): no topic follows from its type; name one with --topic")
                continue
            }
            // A broker that is away is told before a whole file is read for it.
            if sent == 0 {
                _ = try Connection.trying { () throws(KafkaFailure) in
                    try Connection.partitions(of: target, configuration)
                }
            }
            try send(bytes, key: checked.key, to: target, with: producer)
            sent += 1
            if sent % 64 == 0 { producer.poll() }
            pace(sent, since: started)
            progress.show(
                position: source.position, records: sent, faulty: faulty, nanoseconds: Host.nanoseconds() - started)
        }
        try Connection.trying { () throws(KafkaFailure) in try producer.flush(timeoutMilliseconds: 60_000) }
        progress.finish()
        Output.line("\(Output.counted(line, "line")), \(sent) sent, \(faulty) with faults")
        if faulty > 0 { throw Exit.found }
    }

    private func send(_ bytes: [UInt8], key: String?, to topic: Topic, with producer: KafkaProducer) throws {
        var frame = FrameWriter()
        Array((key ?? "").utf8).withUnsafeBytes { keyBytes in
            frame.append(
                topic: topic.rawValue, partition: nil, timestamp: nil, key: key == nil ? nil : keyBytes,
                headers: { HeaderBlock.append("content-type", "application/cloudevents+json", to: &$0) },
                value: {
                    $0.append(contentsOf: bytes)
                    return true
                })
        }
        do {
            try producer.produce(frame.take())
        } catch let error as KafkaFailure {
            throw try Connection.trying { () throws(KafkaFailure) -> ExitCode in throw error }
        }
    }

    private func pace(_ sent: Int, since started: UInt64) {
        guard let rate else { return }
        let due = started + UInt64(sent) * 1_000_000_000 / UInt64(rate)
        let now = Host.nanoseconds()
        if due > now { usleep(UInt32(min((due - now) / 1000, 1_000_000))) }
    }

    private static func say(_ text: String) { StandardError.write(text + "\n") }
}

/// Lines of a file or of standard input, read in pieces: a long file does not have to fit in memory.
final class LineSource {
    private let path: String
    private let handle: FileHandle
    private var buffer: [UInt8] = []
    private var at = 0
    private var isAtEnd = false
    /// Bytes of a regular file when it was opened; nil where nobody can know them.
    let size: Int?
    private(set) var position = 0

    init(path: String) throws {
        self.path = path
        if path == "-" {
            handle = .standardInput
            size = nil
            return
        }
        guard let handle = FileHandle(forReadingAtPath: path) else {
            throw Exit.saying("\(path) cannot be read; check the path and its permissions", Exit.failure)
        }
        self.handle = handle
        var status = stat()
        let isKnown = fstat(handle.fileDescriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
        size = isKnown ? Int(status.st_size) : nil
    }

    /// The next line without its end; nil after the last.
    func next() throws -> [UInt8]? {
        while true {
            if let end = buffer[at...].firstIndex(of: 10) {
                defer {
                    position += end - at + 1
                    at = end + 1
                }
                return Array(buffer[at..<end])
            }
            if isAtEnd {
                guard at < buffer.count else { return nil }
                defer {
                    position += buffer.count - at
                    at = buffer.count
                }
                return Array(buffer[at...])
            }
            buffer.removeFirst(at)
            at = 0
            let data: Data?
            do {
                data = try handle.read(upToCount: 1 << 20)
            } catch {
                throw Exit.saying("\(path) cannot be read to its end; is it a file?", Exit.failure)
            }
            isAtEnd = data?.isEmpty ?? true
            buffer += data ?? Data()
        }
    }
}

/// One line on standard error that is rewritten a few times a second.
struct ProgressBar {
    let total: Int?
    let isShown: Bool
    private var shownAt: UInt64 = 0

    init(total: Int?, isShown: Bool) {
        self.total = total
        self.isShown = isShown
    }

    mutating func show(position: Int, records: Int, faulty: Int, nanoseconds: UInt64) {
        guard isShown, nanoseconds - shownAt > 200_000_000 else { return }
        shownAt = nanoseconds
        let seconds = Double(nanoseconds) / 1e9
        var text = "\(records) sent"
        if faulty > 0 { text += ", \(faulty) with faults" }
        text += ", \(Int(Double(records) / max(seconds, 0.001)))/s"
        if let total, total > 0, position > 0 {
            // A file may grow while it is read.
            let share = min(Double(position) / Double(total), 1)
            let filled = Int(share * 30)
            let bar = String(repeating: "#", count: filled) + String(repeating: "-", count: 30 - filled)
            text = "[\(bar)] \(Int(share * 100)) %  \(text), \(Int(seconds / share - seconds)) s left"
        }
        StandardError.write("\r\u{1b}[K\(text)")
    }

    func finish() {
        if isShown { StandardError.write("\r\u{1b}[K") }
    }
}
