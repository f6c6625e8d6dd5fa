import FuldmagtDomain
import GRDBSQLite
import Testing

@testable import FuldmagtStore

/// What is due on a day on which very much is: a look costs what it finds, not what else is due.
@Suite struct DueTests {
    private static let limit = 10

    /// A shard in which many citizens have one grant each, all of one last day.
    private struct Scene {
        let shard: StoreScene
        let citizens: [Identity]

        init(citizens count: Int, end: String) throws {
            let shard = try StoreScene()
            self.shard = shard
            citizens = try (0..<count).map { try shard.citizen("610190\(1_000 + $0)") }
            for (number, citizen) in citizens.enumerated() {
                let cause = Cause(
                    id: "given-\(number)", source: "urn:dk:cvr:29189846", type: "dk.fuldmagt.grant.issue.v1")
                let grant = try shard.grant(UInt64(number), until: end)
                try shard.apply(.grant(grant, GrantEntry(at: Instant(milliseconds: 7), cause: cause)), to: citizen)
            }
        }

        func apply(_ change: RowChange, to citizens: some Sequence<Identity>) throws {
            for citizen in citizens { try shard.apply(change, to: citizen) }
        }

        /// Who is found, and how many steps SQLite's machine took for it.
        func look(on day: String) throws -> (found: Set<Ident>, steps: Int) {
            let day = try #require(Day(day))
            let connection = try shard.store.queue.inDatabase { try #require($0.sqliteConnection) }
            // The first look prepares the statement, and reads the schema for it.
            _ = try shard.store.turn { try $0.dueCitizens(on: day, limit: 1) }
            let steps = UnsafeMutablePointer<Int>.allocate(capacity: 1)
            steps.initialize(to: 0)
            defer { steps.deallocate() }
            let found = try shard.store.turn { access in
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
        try scene.apply(.grantReminded(ordinal: 0, end), to: scene.citizens.dropLast(3))
        let look = try scene.look(on: "2026-12-02")
        #expect(look.found == Set(scene.citizens.suffix(3).map(\.pseudonym)))
        #expect(look.steps < 1_500, "\(look.steps) steps")
        try scene.apply(.grantReminded(ordinal: 0, end), to: scene.citizens.suffix(3))
        #expect(try scene.look(on: "2026-12-02").found.isEmpty)
        // They end all the same.
        #expect(try scene.look(on: "2027-01-01").found.count == Self.limit)
    }

    @Test("days that something waits for", arguments: [40, 800])
    func days(citizens: Int) throws {
        let scene = try Scene(citizens: citizens, end: "2028-12-31")
        try scene.apply(.due(try #require(Day("2026-12-01"))), to: scene.citizens)
        #expect(try scene.look(on: "2026-11-30").found.isEmpty)
        let look = try scene.look(on: "2026-12-01")
        #expect(look.found.count == Self.limit)
        #expect(look.steps < 1_500, "\(look.steps) steps")
    }
}
