import FuldmagtDomain
import FuldmagtRecord

/// Commands as they came, kept or sent on by a worker. They hold readable numbers, so they are sealed: the length of the
/// headers, the headers, the value.
extension ClusterKey {
    /// Seals a command's record.
    /// - Parameters:
    ///   - position: where it was first written.
    ///   - now: the time that counts for its decision.
    public func seal(_ record: RecordView, topic: Topic, position: Position, at now: Instant) -> PassedOnCommand {
        var bytes = withUnsafeBytes(of: UInt32(record.headers.count).littleEndian) { [UInt8]($0) }
        bytes.append(contentsOf: record.headers)
        if let value = record.value { bytes.append(contentsOf: value) }
        return PassedOnCommand(topic: topic, position: position, at: now, sealed: seal(frame: bytes))
    }

    /// Opens what `seal` made.
    /// - Returns: one record; nil when it was sealed under another key, or is damaged.
    public func open(_ command: PassedOnCommand) -> RecordBatch? {
        let bytes: [UInt8]
        do { bytes = try open(frame: command.sealed) } catch { return nil }
        return bytes.withUnsafeBytes { bytes in
            guard bytes.count >= 4 else { return nil }
            let count = Int(UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self)))
            guard bytes.count >= 4 + count else { return nil }
            var batch = RecordBatch()
            batch.append(
                topic: command.topic.rawValue, offset: command.position.offset, timestamp: command.at.milliseconds,
                key: nil, value: UnsafeRawBufferPointer(rebasing: bytes[(4 + count)...])
            ) { $0.append(contentsOf: bytes[4..<4 + count]) }
            return batch
        }
    }
}
