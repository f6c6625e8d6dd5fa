import FuldmagtDomain
import GRDB
import Testing

@testable import FuldmagtStore

/// A grant's history, which begins in the grant's own row, and what is kept of citizens in memory.
@Suite struct CitizenRowsTests {
    let scene: StoreScene
    let citizen: Identity
    let cause = Cause(
        id: "given", source: "urn:dk:cvr:29189846", type: "dk.fuldmagt.grant.issue.v1",
        extensions: [Extension(name: "jobid", value: "j1")])
    private var store: ShardStore { scene.store }
    private var today: Day { scene.today }

    init() throws {
        scene = try StoreScene()
        citizen = try scene.citizen("6101901234")
    }

    private func apply(_ change: RowChange, failing: Bool = false) throws {
        try scene.apply(change, to: citizen, failing: failing)
    }

    private func file(_ sections: FileSections) throws -> CitizenFile {
        try store.turn { access in
            var loaded = try access.file(of: citizen)
            try access.load(sections, into: &loaded)
            return loaded.file
        }
    }

    private func execute(_ sql: String) throws { try store.queue.inDatabase { try $0.execute(sql: sql) } }

    private func lines(_ sql: String) throws -> [String] {
        try store.queue.inDatabase { db in
            try Row.fetchAll(db, sql: sql).map { $0.databaseValues.map(\.description).joined(separator: " ") }
        }
    }

    private func give() throws {
        let grant = try scene.grant(6, until: "2028-11-23")
        try apply(.grant(grant, GrantEntry(at: Instant(milliseconds: 7), cause: cause)))
    }

    private func makeDormant() throws {
        var grant = try #require(try file([.grants]).grants.first)
        grant.state = .dormant
        grant.entry = 1
        let moved = Cause(id: "moved", source: cause.source, type: "dk.fuldmagt.move.relocate.v1")
        try apply(.grantChanged(grant, GrantEntry(at: Instant(milliseconds: 8), cause: moved)))
    }

    private let history = "SELECT entry, state, at, cause, extensions FROM history ORDER BY entry"
    private let given = #"0 "active" 7 "given" "{\"jobid\":\"j1\"}""#

    @Test("a grant that was never changed has its history in its own row; the first change moves it, once")
    func movesGiving() throws {
        try give()
        #expect(try lines(history) == [given])
        #expect(try lines("SELECT * FROM grant_history") == [])
        #expect(try file([.grants, .causes]).grants.first?.cause == cause)
        try makeDormant()
        #expect(try lines(history) == [given, #"1 "dormant" 8 "moved" NULL"#])
        #expect(try lines("SELECT given_at FROM grants") == ["NULL"])
        #expect(try file([.grants, .causes]).grants.first?.cause == cause)
    }

    @Test("what made a grant what it is now is found wherever its history stands: job verify tells it")
    func lastCause() throws {
        func lastCause() throws -> String? {
            let grant = try #require(try file([.grants]).grants.first)
            return try store.turn { try $0.lastCause(of: grant)?.id }
        }
        try give()
        #expect(try lastCause() == "given")
        try makeDormant()
        #expect(try lastCause() == "moved")
    }

    @Test("a grant from before, whose history has a table of its own, goes on there")
    func grantFromBefore() throws {
        try give()
        try execute("INSERT INTO grant_history SELECT * FROM history")
        try execute(
            "UPDATE grants SET given_at = NULL, given_cause = NULL, given_origin = NULL, given_extensions = NULL")
        #expect(try lines(history) == [given])
        #expect(try file([.grants, .causes]).grants.first?.cause == cause)
        try makeDormant()
        #expect(try lines(history) == [given, #"1 "dormant" 8 "moved" NULL"#])
    }

    @Test(
        "how a grant was given is never changed, and never lost",
        arguments: [
            "UPDATE grants SET given_cause = 'other'", "UPDATE grants SET given_at = 9",
            "UPDATE grants SET state = 'dormant'", "UPDATE grants SET valid_until = 20300101",
            "UPDATE grants SET given_at = NULL, given_cause = NULL, given_origin = NULL, given_extensions = NULL",
            "UPDATE grants SET entry = 1", "UPDATE grants SET given_origin = NULL",
        ])
    func refusals(_ sql: String) throws {
        try give()
        #expect(throws: DatabaseError.self) { try execute(sql) }
        #expect(try lines(history) == [given])
    }

    @Test("what is kept in memory of a citizen follows what is stored, and what is undone")
    func keptInMemory() throws {
        let aarhus = try #require(Municipality("0751"))
        let copenhagen = try #require(Municipality("0101"))
        func residence(_ arrival: Int, _ municipality: Municipality) -> RowChange {
            .residence(
                Residence(
                    arrival: arrival, effective: today, municipality: municipality,
                    from: nil, registeredAt: nil, at: Instant(milliseconds: 1), cause: cause))
        }
        let exemption = RowChange.exemption(
            Exemption(
                ordinal: 0, municipality: aarhus, form: "FD 001A", journal: "j",
                caseworker: "c", requestedBy: .citizen, appearedInPerson: true, departure: false, validUntil: nil,
                at: Instant(milliseconds: 1), cause: cause))
        try apply(residence(0, aarhus))
        // Read twice: the second time from memory.
        for _ in 0..<2 {
            let file = try file([.residences, .exemptions])
            #expect(file.residences.map(\.municipality) == [aarhus] && file.exemptions.isEmpty)
        }
        #expect(throws: StoreError.self) { try apply(exemption, failing: true) }
        #expect(throws: StoreError.self) { try apply(residence(1, copenhagen), failing: true) }
        #expect(try file([.exemptions, .residences]).exemptions.isEmpty)
        try apply(exemption)
        try apply(residence(1, copenhagen))
        for _ in 0..<2 {
            let file = try file([.residences, .exemptions])
            #expect(file.residences.map(\.municipality) == [aarhus, copenhagen] && file.exemptions.count == 1)
        }
    }

    @Test("a turn that fails while rows are being read leaves none for the next, who may be somebody else")
    func halfRead() throws {
        struct Stop: Error {}
        let other = try scene.citizen("6101901242")
        for number in 1...3 {
            var grant = try scene.grant(UInt64(number), until: "2028-11-23")
            grant.ordinal = number - 1
            try apply(.grant(grant, GrantEntry(at: Instant(milliseconds: 7), cause: cause)))
        }
        try scene.apply(
            .grant(try scene.grant(9, until: "2028-11-23"), GrantEntry(at: Instant(milliseconds: 7), cause: cause)),
            to: other)
        #expect(throws: StoreError.self) {
            try store.turn { access in
                let row = try access.file(of: citizen).row
                #expect(try access.statements.readGrants.bind(1, row).next())
                throw Stop()
            }
        }
        let read = try store.turn { access in
            var loaded = try access.file(of: other)
            try access.load([.grants], into: &loaded)
            return loaded.file.grants.map(\.id.low)
        }
        #expect(read == [9])
    }

    @Test("a value that is not taken is an error, not the value that was there before")
    func notTaken() throws {
        try give()
        try store.turn { access in
            let rows = access.statements.readGrants.bind(1, try access.file(of: citizen).row)
            #expect(try rows.next())
            // Its reading is under way.
            rows.bind(1, 77)
            #expect(throws: StoreError.self) { try rows.next() }
            rows.reset()
            #expect(try !rows.bind(1, 77).next())
        }
    }
}
