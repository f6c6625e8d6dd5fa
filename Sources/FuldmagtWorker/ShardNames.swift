import FuldmagtDomain
import FuldmagtJSON
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
        naming = keys.naming(partitions: partitions)
    }

    func identity(of party: Party) -> Identity { keys.identity(of: party, partitions: partitions) }

    /// The identity behind a sealed number.
    func identity(of citizen: KnownCitizen) throws(ClusterKey.Unsealable) -> Identity {
        try keys.identity(pseudonym: citizen.pseudonym, sealed: citizen.sealed, partitions: partitions)
    }

    /// Seals a command's record, which is to be kept, or passed on to the shard of a new number.
    func passOn(_ record: RecordView, topic: Topic, position: Position, at now: Instant) -> PassedOnCommand {
        keys.seal(record, topic: topic, position: position, at: now)
    }

    /// Opens what `passOn` sealed.
    func open(_ command: PassedOnCommand) -> RecordBatch? { keys.open(command) }

    func proof(_ parts: [String]) -> Ident { keys.proof(of: parts) }

    /// Tells whether a command of a known source and id is the one that came before.
    /// - Parameter scratch: reused between calls.
    func content(of envelope: Envelope, _ data: JSONNode, scratch: inout [UInt8]) -> Ident {
        keys.content(type: envelope.cause.type, data: data, scratch: &scratch)
    }

    /// What tells a command from any other.
    func marks(of envelope: Envelope, _ data: JSONNode) -> [String] {
        var scratch: [UInt8] = []
        return [envelope.cause.source, envelope.cause.id, content(of: envelope, data, scratch: &scratch).description]
    }
}
