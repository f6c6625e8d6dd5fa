import FuldmagtDomain
import FuldmagtKeys
import Testing

@testable import FuldmagtStore

/// A shard in memory, and changes of what is stored about citizens.
struct StoreScene {
    let keys: ClusterKey
    let today: Day
    let store: ShardStore

    init() throws {
        keys = try ClusterKey(hex: String(repeating: "0a", count: 32))
        today = try #require(Day("2026-11-23"))
        store = try ShardStore(inMemory: 0, keys: keys, partitions: 1, today: today)
    }

    func citizen(_ digits: String) throws -> Identity {
        keys.identity(of: .person(try CPR(digits, today: today)), partitions: 1)
    }

    /// An active grant from today on.
    /// - Parameter number: tells its id from others'.
    func grant(_ number: UInt64, until end: String) throws -> Grant {
        Grant(
            id: Ident(high: 5, low: number), ordinal: 0,
            representative: PartyReference(
                pseudonym: Ident(high: 3, low: 4),
                sealed: SealedNumber(block: Ident(high: 1, low: 1), tag: Ident(high: 2, low: 2)), shard: 0),
            terms: PackageTerms(
                id: "p", version: 1, kind: .act, scope: .national, kle: "27.60.20",
                title: Bilingual(danish: "T", english: "T"), wording: Bilingual(danish: "O", english: "W")),
            state: .active, version: 1, entry: 0, validFrom: today, validUntil: try #require(Day(end)),
            channel: .digital, evidence: nil)
    }

    /// Stores a change in a turn of its own.
    /// - Parameter failing: the turn fails after that.
    func apply(_ change: RowChange, to citizen: Identity, failing: Bool = false) throws {
        struct Stop: Error {}
        try store.turn { access in
            var loaded = try access.file(of: citizen)
            try access.load([.grants, .exemptions, .residences], into: &loaded)
            loaded.file.apply(change)
            try access.store(change, to: &loaded)
            if failing { throw Stop() }
        }
    }
}
