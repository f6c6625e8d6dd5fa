import Crypto
import FuldmagtDomain
import FuldmagtRecord

/// A command, or a record of the catalogue, that a line of the input stands for.
public struct LineCommand: Sendable {
    /// Line of the input, counted from 1.
    public let line: Int
    /// Which of the line's commands this is, counted from 0, and how many there are: a supplier switch has several.
    public internal(set) var part = 0
    public internal(set) var parts = 1
    /// The record's key: CPR or CVR number of the citizen, or what the catalogue's record is about.
    public let key: String
    public let cause: Cause
    /// As a worker will read it; nil for a record of the catalogue.
    public let command: Command?
    /// What makes this command the same as another but for the line: type and data.
    public let content: UInt64
    /// First bytes of the hash within the id, by which a report finds the line again.
    public let mark: UInt64
    let type: CommandType
    let data: [UInt8]

    public var id: String { cause.id }
    public var topic: Topic { type.topic }
    /// Whether the line is dealt with once this has been sent.
    public var isLast: Bool { part == parts - 1 }

    init(
        line: Int, key: String, cause: Cause, command: Command?, mark: UInt64, type: CommandType, data: [UInt8]
    ) {
        self.line = line
        self.key = key
        self.cause = cause
        self.command = command
        self.mark = mark
        self.type = type
        self.data = data
        content = Self.content(type: type, data: data)
    }

    /// A record of the catalogue.
    init(_ record: CatalogueRecord, line: Int, job: Job, ids: LineIDs) {
        let (id, mark) = Self.id(job: job.id, line: line, type: record.type, data: record.data, ids: ids)
        self.init(
            line: line, key: record.key, cause: Self.cause(id: id, job: job, type: record.type), command: nil,
            mark: mark, type: record.type, data: record.data)
    }

    /// What outcomes of a job's command name as their cause.
    static func cause(id: String, job: Job, type: CommandType) -> Cause {
        Cause(
            id: id, source: job.source, type: type.name, extensions: [Extension(name: jobAttribute, value: job.id)])
    }

    /// Calls `body` with the record as a worker will read it.
    /// - Parameter offset: where it is taken to stand on its topic.
    public func withRecord<Result>(
        offset: Int64 = 0, at now: Instant, _ body: (RecordView) throws -> Result
    ) rethrows -> Result {
        var headers: [UInt8] = []
        for (name, value) in Self.headers(of: cause) { HeaderBlock.append(name: name, value: value, to: &headers) }
        return try data.withUnsafeBytes { value in
            try headers.withUnsafeBytes { headers in
                try body(
                    RecordView(
                        topic: topic.rawValue, offset: offset, timestamp: now.milliseconds, key: nil, headers: headers,
                        value: value))
            }
        }
    }

    /// The id of a line's command; see `LineIDs`.
    static func id(
        job: String, line: Int, type: CommandType, data: [UInt8], ids: LineIDs
    ) -> (id: String, mark: UInt64) {
        let mark = ids.mark(of: [Array(job.utf8), Array(String(line).utf8), Array(type.rawValue.utf8), data])
        return (Self.id(job: job, line: line, mark: mark), mark)
    }

    /// - Parameter mark: first eight bytes of the hash.
    static func id(job: String, line: Int, mark: UInt64) -> String {
        let digits = String(mark, radix: 16)
        return "\(job)-\(line)-\(String(repeating: "0", count: 16 - digits.utf8.count))\(digits)"
    }

    /// The line and the mark within an id of a job; nil for other ids.
    static func parts(ofID id: String, job: String) -> (line: Int, mark: UInt64)? {
        guard id.hasPrefix(job + "-") else { return nil }
        let parts = id.dropFirst(job.count + 1).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let line = Int(parts[0]), line > 0, parts[1].utf8.count == 16,
            let mark = UInt64(parts[1], radix: 16)
        else { return nil }
        return (line, mark)
    }

    static func content(type: CommandType, data: [UInt8]) -> UInt64 { hash([Array(type.rawValue.utf8), data]) }

    /// SHA-256 over the parts, each after its length, cut to eight bytes.
    static func hash(_ parts: [[UInt8]]) -> UInt64 {
        var hash = SHA256()
        for part in parts {
            withUnsafeBytes(of: UInt64(part.count).littleEndian) { hash.update(bufferPointer: $0) }
            hash.update(data: part)
        }
        return hash.finalize().withUnsafeBytes { UInt64(bigEndian: $0.loadUnaligned(as: UInt64.self)) }
    }

    /// Appends the record to produce: CloudEvents in binary mode, keyed by the citizen.
    public func append(to frame: inout FrameWriter) {
        Array(key.utf8).withUnsafeBytes { key in
            frame.append(
                topic: type.topic.rawValue, partition: nil, timestamp: nil, key: key,
                headers: { block in
                    for (name, value) in Self.headers(of: cause) {
                        HeaderBlock.append(name: name, value: value, to: &block)
                    }
                },
                value: {
                    $0.append(contentsOf: data)
                    return true
                })
        }
    }

    static func headers(of cause: Cause) -> [(String, String)] {
        [
            ("ce_specversion", "1.0"), ("ce_id", cause.id), ("ce_type", cause.type), ("ce_source", cause.source),
            ("content-type", "application/json"),
        ] + cause.extensions.map { ("ce_\($0.name)", $0.value) }
    }

    /// The attribute that outcomes and dead letters of a job carry.
    public static let jobAttribute = "jobid"
}
