import FuldmagtDomain
import FuldmagtKeys
import GRDBSQLite
import Testing

@testable import FuldmagtStore

/// What is due on a day on which very much is: a look costs what it finds, not what else is due.
@Suite struct DueTests {
    private static let limit = 10

    /// A shard in which many citizens have one grant each, all of one last day.
    private final class Scene {
        let store: ShardStore
        let today: Day
        let citizens: [Identity]

        init(citizens count: Int, end: String) throws {
            let keys = try ClusterKey(hex: String(repeating: "0a", count: 32))
            today = try #require(Day("2026-11-23"))
            store = try ShardStore(inMemory: 0, keys: keys, partitions: 1, today: today)
            let until = try #require(Day(end))
            var citizens: [Identity] = []
            for number in 0..<count {
                let digits = String(number + 1_000)
                let citizen = keys.identity(
                    of: .person(try CPR("610190\(digits.suffix(4))", today: try #require(Day("2026-11-23")))),
                    partitions: 1)
                citizens.append(citizen)
                let grant = Grant(
                    id: Ident(high: 5, low: UInt64(number)), ordinal: 0,
                    representative: PartyReference(
                        pseudonym: Ident(high: 3, low: 4),
                        sealed: SealedNumber(block: Ident(high: 1, low: 1), tag: Ident(high: 2, low: 2)), shard: 0),
                    terms: PackageTerms(
                        id: "p", version: 1, kind: .act, scope: .national, kle: "27.60.20",
                        title: Bilingual(danish: "T", english: "T"), wording: Bilingual(danish: "O", english: "W")),
                    state: .active, version: 1, entry: 0, validFrom: today, validUntil: until, channel: .digital,
                    evidence: nil)
                let cause = Cause(
                    id: "given-\(number)", source: "urn:dk:cvr:29189846", type: "dk.fuldmagt.grant.issue.v1")
                try store.turn { access in
                    var loaded = try access.file(of: citizen)
                    try access.load([.grants], into: &loaded)
                    let change = RowChange.grant(grant, GrantEntry(at: Instant(milliseconds: 7), cause: cause))
                    loaded.file.apply(change)
                    try access.store(change, to: &loaded)
                }
            }
            self.citizens = citizens
        }

        func store(_ change: RowChange, of citizens: some Sequence<Identity>) throws {
            for citizen in citizens {
                try store.turn { access in
                    var loaded = try access.file(of: citizen)
                    try access.load([.grants], into: &loaded)
                    loaded.file.apply(change)
                    try access.store(change, to: &loaded)
                }
            }
        }

        /// Who is found, and how many steps SQLite's machine took for it.
        func look(on day: String) throws -> (found: Set<Ident>, steps: Int) {
            let day = try #require(Day(day))
            let connection = try store.queue.inDatabase { try #require($0.sqliteConnection) }
            // The first look prepares the statement, and reads the schema for it.
            _ = try store.turn { try $0.dueCitizens(on: day, limit: 1) }
            let steps = UnsafeMutablePointer<Int>.allocate(capacity: 1)
            steps.initialize(to: 0)
            defer { steps.deallocate() }
            let found = try store.turn { access in
                sqlite3_progress_handler(
                    connection, 1,
                    { steps in
                        steps?.assumingMemoryBound(to: Int.self).pointee += 1
                        return 0
                    }, steps)
                defer { sqlite3_progress_handler(connection, 0, nil, nil) }
                return try access.dueCitizens(on: day, limit: DueTests.limit)
            }
            return (Set(found.map(\.pseudonym)), steps.pointee)
        }
    }

    @Test("grants that are over", arguments: [40, 800])
    func over(citizens: Int) throws {
        let scene = try Scene(citizens: citizens, end: "2026-12-31")
        let look = try scene.look(on: "2027-01-01")
        #expect(look.found.count == Self.limit)
        #expect(look.steps < 1_500, "\(look.steps) steps")
        #expect(try scene.look(on: "2026-11-24").found.isEmpty)
    }

    @Test("ends that few have not been reminded of yet", arguments: [40, 800])
    func reminders(citizens: Int) throws {
        let scene = try Scene(citizens: citizens, end: "2026-12-31")
        #expect(try scene.look(on: "2026-12-02").found.count == Self.limit)
        let end = try #require(Day("2026-12-31"))
        try scene.store(.grantReminded(ordinal: 0, end), of: scene.citizens.dropLast(3))
        let look = try scene.look(on: "2026-12-02")
        #expect(look.found == Set(scene.citizens.suffix(3).map(\.pseudonym)))
        #expect(look.steps < 1_500, "\(look.steps) steps")
        try scene.store(.grantReminded(ordinal: 0, end), of: scene.citizens.suffix(3))
        #expect(try scene.look(on: "2026-12-02").found.isEmpty)
        // They end all the same.
        #expect(try scene.look(on: "2027-01-01").found.count == Self.limit)
    }

    @Test("days that something waits for", arguments: [40, 800])
    func days(citizens: Int) throws {
        let scene = try Scene(citizens: citizens, end: "2028-12-31")
        try scene.store(.due(try #require(Day("2026-12-01"))), of: scene.citizens)
        #expect(try scene.look(on: "2026-11-30").found.isEmpty)
        let look = try scene.look(on: "2026-12-01")
        #expect(look.found.count == Self.limit)
        #expect(look.steps < 1_500, "\(look.steps) steps")
    }
}
