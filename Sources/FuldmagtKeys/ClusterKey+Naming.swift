import FuldmagtDomain

extension ClusterKey {
    /// Pseudonyms, sealed numbers and derived ids as functions, for the rules: they hold no secret themselves.
    /// - Parameter partitions: of the command topics.
    public func naming(partitions: Int32) -> Naming {
        Naming(
            identify: { identity(of: $0, partitions: partitions) },
            seal: { seal($0) },
            id: { purpose, cause, citizen, ordinal in id(purpose, cause: cause, citizen: citizen, ordinal: ordinal) },
            mask: { maskedCause(source: $0.source, id: $0.id) },
            open: { reference in
                do {
                    return try party(pseudonym: reference.pseudonym, sealed: reference.sealed)
                } catch {
                    return nil
                }
            })
    }
}
