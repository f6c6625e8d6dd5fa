import FuldmagtDomain
import FuldmagtKeys
import FuldmagtRecord

/// A record of `fuldmagt.dead-letters`: what could not be read, as it was, and why.
///
/// `description` and all members but `key`, `value` and `headers` hold nothing that came from the record itself.
public struct SetAsideRecord: Sendable {
    /// Where the dead letter stands.
    public let partition: Int32
    public let offset: Int64
    /// Kafka's timestamp of the dead letter: when it was set aside.
    public let written: Instant
    public let key: [UInt8]?
    public let value: [UInt8]?
    /// All headers, ours included; see `HeaderBlock`.
    public let headers: [UInt8]
    /// `dl_reason`, a code of the contract; empty where the header is missing.
    public let reason: String
    public let detail: String
    /// `dl_topic`: where the record failed.
    public let topic: String
    /// `dl_partition`, `dl_offset`: where it stood there.
    public let sourcePartition: Int32?
    public let sourceOffset: Int64?
    /// `dl_time`: the time that counted for the record; `written` where the header is missing.
    public let time: Instant
    public let worker: String
    /// How often it has been replayed.
    public let attempt: Int

    /// The header that counts replays; the worker copies it like any other, so a record that fails again carries it.
    public static let attemptHeader = "dl_attempt"
    private static let prefix = "dl_"

    /// - Parameter partition: of `fuldmagt.dead-letters`.
    public init(_ record: RecordView, partition: Int32) {
        self.partition = partition
        offset = record.offset
        written = Instant(milliseconds: record.timestamp)
        key = record.key.map(Array.init)
        value = record.value.map(Array.init)
        headers = Array(record.headers)
        // The worker writes its headers last, so the last of a name is its own, whatever a producer sent.
        var ours: [String: String] = [:]
        HeaderBlock.forEach(in: record.headers) { name, value in
            guard name.starts(with: Self.prefix.utf8), let value else { return }
            ours[String(decoding: name, as: UTF8.self)] = String(decoding: value, as: UTF8.self)
        }
        reason = ours["dl_reason"] ?? ""
        detail = ours["dl_detail"] ?? ""
        topic = ours["dl_topic"] ?? ""
        sourcePartition = ours["dl_partition"].flatMap { Int32($0) }
        sourceOffset = ours["dl_offset"].flatMap { Int64($0) }
        time = ours["dl_time"].flatMap { Instant($0) } ?? written
        worker = ours["dl_worker"] ?? ""
        attempt = ours[Self.attemptHeader].flatMap { Int($0) }.map { max($0, 0) } ?? 0
    }

    /// A keyed digest of key, headers and value: tells whether the record at a position is the one that was listed. Only
    /// who holds the cluster key can make it, so no CPR number can be tried on it.
    public func digest(under keys: ClusterKey) -> String { keys.digest(ofRecord: [key, headers, value]) }

    /// The same of the value alone; nil for a tombstone.
    public func valueDigest(under keys: ClusterKey) -> String? { value.map { keys.digest(ofRecord: [$0]) } }

    /// The headers that the record had before it was set aside, with the number of its replay.
    public func replayHeaders(attempt: Int) -> [UInt8] {
        var block: [UInt8] = []
        headers.withUnsafeBytes { headers in
            HeaderBlock.forEach(in: headers) { name, value in
                if !name.starts(with: Self.prefix.utf8) { HeaderBlock.append(name: name, value: value, to: &block) }
            }
        }
        HeaderBlock.append(name: Self.attemptHeader, value: String(attempt), to: &block)
        return block
    }

    /// The record as the worker would read it again.
    func withOriginal<Result, Failure: Error>(
        topic: Topic, attempt: Int, _ body: (RecordView) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var batch = RecordBatch()
        let headers = replayHeaders(attempt: attempt)
        (key ?? []).withUnsafeBytes { keyBytes in
            (value ?? []).withUnsafeBytes { valueBytes in
                batch.append(
                    topic: topic.rawValue, offset: sourceOffset ?? 0, timestamp: time.milliseconds,
                    key: key == nil ? nil : keyBytes, value: value == nil ? nil : valueBytes
                ) { $0.append(contentsOf: headers) }
            }
        }
        return try batch.withRecords { (records) throws(Failure) in try body(records[0]) }
    }
}
