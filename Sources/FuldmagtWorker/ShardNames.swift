import FuldmagtDomain
import FuldmagtKeys
import FuldmagtRecord
import FuldmagtStore

/// Pseudonyms, sealed numbers and derived ids for one shard's turns.
struct ShardNames {
    private let keys: ClusterKey
    private let partitions: Int32
    /// The same as functions, for the rules.
    let naming: Naming

    init(keys: ClusterKey, partitions: Int32) {
        self.keys = keys
        self.partitions = partitions
        naming = Naming(
            identify: { keys.identity(of: $0, partitions: partitions) },
            seal: { keys.seal($0) },
            id: { purpose, cause, citizen, ordinal in
                keys.id(purpose, cause: cause, citizen: citizen, ordinal: ordinal)
            },
            mask: { keys.maskedCause(source: $0.source, id: $0.id) },
            open: { reference in
                do {
                    return try keys.party(pseudonym: reference.pseudonym, sealed: reference.sealed)
                } catch {
                    return nil
                }
            })
    }

    func identity(of party: Party) -> Identity { keys.identity(of: party, partitions: partitions) }

    /// The identity behind a sealed number.
    func identity(of citizen: KnownCitizen) throws(ClusterKey.Unsealable) -> Identity {
        try keys.identity(pseudonym: citizen.pseudonym, sealed: citizen.sealed, partitions: partitions)
    }

    /// Seals a command's record, which is to be passed on to the shard of a new number.
    func passOn(_ record: RecordView, topic: Topic, position: Position, at now: Instant) -> PassedOnCommand {
        var bytes = withUnsafeBytes(of: UInt32(record.headers.count).littleEndian) { [UInt8]($0) }
        bytes.append(contentsOf: record.headers)
        if let value = record.value { bytes.append(contentsOf: value) }
        return PassedOnCommand(topic: topic, position: position, at: now, sealed: keys.seal(frame: bytes))
    }

    /// Opens what `passOn` sealed.
    /// - Returns: one record; nil when it was sealed under another key, or is damaged.
    func open(_ command: PassedOnCommand) -> RecordBatch? {
        let bytes: [UInt8]
        do { bytes = try keys.open(frame: command.sealed) } catch { return nil }
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

    func proof(_ parts: [String]) -> Ident { keys.proof(of: parts) }
}
