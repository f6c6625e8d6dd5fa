import FuldmagtDomain
import FuldmagtKeys

/// Pseudonyms, sealed numbers and derived ids for one shard's turns, with a bounded memory of parties met lately.
final class ShardNames {
    private let keys: ClusterKey
    private let partitions: Int32
    private var known: [String: Identity] = [:]
    private static let limit = 16_384

    init(keys: ClusterKey, partitions: Int32) {
        self.keys = keys
        self.partitions = partitions
    }

    func identity(of party: Party) -> Identity {
        let digits = party.digits
        if let identity = known[digits] { return identity }
        let identity = keys.identity(of: party, partitions: partitions)
        if known.count >= Self.limit { known.removeAll(keepingCapacity: true) }
        known[digits] = identity
        return identity
    }

    func identity(sealed: [UInt8], today: Day) throws(ClusterKey.Unsealable) -> Identity {
        try keys.identity(sealed: sealed, today: today, partitions: partitions)
    }

    var naming: Naming {
        Naming(
            identify: { self.identity(of: $0) },
            id: { purpose, cause, citizen, ordinal in
                self.keys.id(purpose.description, source: cause.source, id: cause.id, citizen: citizen, ordinal: ordinal)
            },
            mask: { self.keys.maskedCause(source: $0.source, id: $0.id) })
    }

    func proof(_ parts: [String]) -> Ident { keys.proof(of: parts) }
}
