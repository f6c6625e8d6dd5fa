import FuldmagtJSON
import FuldmagtRecord

/// What a catalogue record came to.
public enum CatalogueOutcome: Sendable {
    /// It changed the catalogue.
    case applied(Cause)
    /// It is wrong and changes nothing anywhere.
    case rejected(Cause, [Reason])
    /// The same record was applied before.
    case repeated
    /// A tombstone: what its key names is removed; nobody asked for an outcome.
    case removed
    case deadLetter(DeadLetter)
}

extension Catalogue {
    /// Applies the next record of the catalogue topic.
    ///
    /// Every worker applies the same records in the same order and comes to the same catalogue, also when compaction has
    /// removed records that were overwritten: whether a record is right depends on itself alone, but for repeats of an id.
    /// A record that changes nothing must not be the last one under its key: whoever answers for the catalogue writes
    /// again what the key stands for. That one counts whatever its id, unless the key was given something else after the
    /// record whose place it takes.
    /// - Parameters:
    ///   - digest: 16 bytes of a cryptographic hash.
    public mutating func apply(
        _ record: RecordView, document: JSONDocument, settings: Settings, digest: (ContentKey) -> Ident
    ) -> CatalogueOutcome {
        defer { position = max(position, record.offset + 1) }
        let key = record.key.flatMap { String(validating: $0, as: UTF8.self) }
        let restored = OutputWriter.restoredOffset(record)
        if let restored, let key, changes[key] ?? -1 > restored {
            // What it was to take the place of has been overwritten meanwhile.
            return .repeated
        }
        if record.value == nil, let key {
            if restored == nil, let letter = Self.refusal(ofRemovalBy: record, settings) { return .deadLetter(letter) }
            let outcome = remove(key, offset: record.offset, at: Instant(milliseconds: record.timestamp))
            if case .removed = outcome { note(key, record.offset) }
            return outcome
        }
        do throws(DeadLetter) {
            let (envelope, data) = try Envelope.read(record, into: document)
            guard envelope.type.topic == .catalogue else {
                throw DeadLetter(.wrongTopic, "\(envelope.type.rawValue) belongs on \(envelope.type.topic.name)")
            }
            let name = digest(.command(source: envelope.cause.source, id: envelope.cause.id))
            let content = digest(.content(type: envelope.cause.type, data: data))
            let now = Instant(milliseconds: record.timestamp)
            let remembered = now.adding(seconds: -Self.rememberedDays * 86_400)
            if restored == nil, let earlier = seen[name], earlier.last >= remembered {
                seen[name]?.last = now
                guard earlier.content == content else {
                    throw DeadLetter(.idReused, "the same source and id came before with other content")
                }
                return .repeated
            }
            seen[name] = (content, now)
            let today = now.day
            var reader = FieldReader(data, today: today, settings: settings)
            guard Self.mayChange(envelope.cause.source, settings) else {
                return .rejected(envelope.cause, [Reason(.sourceNotPermitted, "ce_source")])
            }
            guard data.kind == .object else {
                return .rejected(envelope.cause, [Reason(.invalidField, "data")])
            }
            let change = CatalogueChange.read(&reader, type: envelope.type)
            if let change, record.key != nil, !Self.isSame(key, change.key) {
                reader.faults.append(Reason(.invalidField, "key"))
            }
            guard let change, reader.faults.isEmpty else { return .rejected(envelope.cause, reader.faults) }
            make(change, offset: record.offset, cause: envelope.cause, at: now)
            if let key { note(key, record.offset) }
            return .applied(envelope.cause)
        } catch {
            return .deadLetter(error)
        }
    }

    /// Notes what changed a key last, under the key's own bytes.
    private mutating func note(_ key: String, _ offset: Int64) {
        changes.removeValue(forKey: key)
        changes[key] = offset
    }

    /// Compaction goes by a key's bytes; texts are also equal where their accents are written in other ways.
    private static func isSame(_ key: String?, _ other: String) -> Bool {
        key?.utf8.elementsEqual(other.utf8) ?? false
    }

    private static func mayChange(_ source: String, _ settings: Settings) -> Bool {
        guard settings.sources == .enforce, !settings.administrators.isEmpty else { return true }
        return Cause.cvr(ofSource: source).map { settings.administrators.contains($0.digits) } ?? false
    }

    /// A tombstone has no envelope; but where the catalogue is some administrators' alone, one of them has to answer for it.
    private static func refusal(ofRemovalBy record: RecordView, _ settings: Settings) -> DeadLetter? {
        guard !mayChange("", settings) else { return nil }
        guard let source = record.header("ce_source") else {
            return DeadLetter(.missingAttribute, "a tombstone needs ce_source, as the catalogue has administrators")
        }
        guard !mayChange(source, settings) else { return nil }
        return DeadLetter(.invalidAttribute, "ce_source may not change the catalogue: it is not an administrator's")
    }

    private mutating func make(_ change: CatalogueChange, offset: Int64, cause: Cause, at: Instant) {
        changedAt = max(changedAt, at)
        switch change {
        case .package(let package):
            var entry = entries[package.id] ?? Entry()
            // Not one whose predecessor compaction may have removed: then readers would differ.
            if entry.package == nil, entry.changedAt >= 0 { entry.beginning = (offset, cause, at) }
            entry.package = package
            entry.changedAt = offset
            entry.cause = cause
            entry.at = at
            entries[package.id] = entry
        case .activation(let municipality, let package, let activation):
            var offer =
                entries[package]?.offers[municipality]
                ?? Offer(changedAt: offset, cause: cause, at: at)
            offer.activations.removeAll { $0.itSystem == activation.itSystem }
            offer.activations.append(activation)
            offer.changedAt = offset
            offer.cause = cause
            offer.at = at
            entries[package, default: Entry()].offers[municipality] = offer
        case .itSystem(var system):
            system.changedAt = offset
            system.cause = cause
            system.at = at
            itSystems[system.id] = system
        case .authority(let authority): authorities[authority.cvr] = authority
        }
    }

    private mutating func remove(_ key: String, offset: Int64, at: Instant) -> CatalogueOutcome {
        let parts = key.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let cause = Cause(id: key, source: "", type: "tombstone")
        let nothing = DeadLetter(.emptyValue, "a tombstone whose key names nothing in the catalogue")
        // Under another key than the definition's nothing may be removed: compaction would leave the definition standing.
        if let known = changes.index(forKey: key), !Self.isSame(changes[known].key, key) { return .deadLetter(nothing) }
        switch (parts.first, parts.count) {
        case ("package", 2...):
            let id = parts.dropFirst().joined(separator: "/")
            entries[id]?.package = nil
            entries[id]?.changedAt = offset
            entries[id]?.cause = cause
            entries[id]?.at = at
        case ("activation", 4...):
            guard let municipality = Municipality(parts[1]), municipality.description == parts[1] else {
                return .deadLetter(nothing)
            }
            let itSystem = parts.dropFirst(3).joined(separator: "/")
            entries[parts[2]]?.offers[municipality]?.activations.removeAll { $0.itSystem == itSystem }
            entries[parts[2]]?.offers[municipality]?.changedAt = offset
            entries[parts[2]]?.offers[municipality]?.cause = cause
            entries[parts[2]]?.offers[municipality]?.at = at
        case ("itsystem", 2...): itSystems[parts.dropFirst().joined(separator: "/")] = nil
        case ("authority", 2): authorities[parts[1]] = nil
        default: return .deadLetter(nothing)
        }
        changedAt = max(changedAt, at)
        return .removed
    }
}

/// What a digest is taken of.
public enum ContentKey {
    /// The idempotency key: (source, id).
    case command(source: String, id: String)
    /// Type and data as JSON values.
    case content(type: String, data: JSONNode)
}
