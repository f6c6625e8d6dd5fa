import FuldmagtDomain
import FuldmagtKeys

/// Pseudonyms, sealed numbers and derived ids for one shard's turns, with a bounded memory of parties met lately.
final class ShardNames {
    private let keys: ClusterKey
    private let partitions: Int32
    /// Two generations of parties met lately, by pseudonym and by number: what was not asked for while one generation
    /// filled up is forgotten.
    private var young: [String: Identity] = [:]
    private var old: [String: Identity] = [:]
    private var youngByPseudonym: [Ident: Identity] = [:]
    private var oldByPseudonym: [Ident: Identity] = [:]
    private let limit: Int

    /// - Parameter limit: parties remembered, at most.
    init(keys: ClusterKey, partitions: Int32, limit: Int) {
        self.keys = keys
        self.partitions = partitions
        self.limit = max(limit / 2, 16)
    }

    func identity(of party: Party) -> Identity {
        let digits = party.digits
        if let identity = young[digits] { return identity }
        let identity = old[digits] ?? keys.identity(of: party, partitions: partitions)
        remember(identity)
        return identity
    }

    /// The identity behind a sealed number.
    /// - Parameter pseudonym: as the record's key has it; what is behind the sealed number counts where they differ.
    func identity(sealed: [UInt8], pseudonym: Ident?, today: Day) throws(ClusterKey.Unsealable) -> Identity {
        if let pseudonym, let known = youngByPseudonym[pseudonym] ?? oldByPseudonym[pseudonym], known.sealed == sealed {
            return known
        }
        let identity = try keys.identity(sealed: sealed, today: today, partitions: partitions)
        remember(identity)
        return identity
    }

    private func remember(_ identity: Identity) {
        if young.count >= limit {
            old = young
            oldByPseudonym = youngByPseudonym
            young.removeAll(keepingCapacity: true)
            youngByPseudonym.removeAll(keepingCapacity: true)
        }
        young[identity.party.digits] = identity
        youngByPseudonym[identity.pseudonym] = identity
    }

    var naming: Naming {
        Naming(
            identify: { self.identity(of: $0) },
            id: { purpose, cause, citizen, ordinal in
                self.keys.id(
                    purpose.description, source: cause.source, id: cause.id, citizen: citizen, ordinal: ordinal)
            },
            mask: { self.keys.maskedCause(source: $0.source, id: $0.id) })
    }

    func proof(_ parts: [String]) -> Ident { keys.proof(of: parts) }
}
