import FuldmagtJSON
import Testing

@testable import FuldmagtDomain

/// Inbox records as they are written and read: whole, or not at all.
@Suite struct InboxRecordTests {
    private let cause = Cause(id: "d", source: "urn:dk:cvr:29189846", type: "dk.fuldmagt.move.decease.v1")
    private let mistake = Cause(id: "m", source: "urn:dk:cvr:29189846", type: "dk.fuldmagt.move.correct.v1")
    private let first = Ident(high: 1, low: 1)
    private let second = Ident(high: 2, low: 2)
    private let round = Ident(high: 3, low: 3)

    /// A death that is told to a grantor's shard, as JSON.
    private func written(mistake: Cause?, rounds: [Ident]) -> String {
        var message = InboxMessage(
            shard: 0, citizen: first, sealed: nil,
            body: .death(
                RepresentativeDeath(
                    representative: first, grants: [first, second], cause: cause, at: Instant(milliseconds: 7),
                    mistake: mistake)))
        message.rounds = rounds
        var json = JSONWriter()
        message.write(to: &json)
        return String(decoding: json.finish(), as: UTF8.self)
    }

    private func read(_ text: String) throws -> InboxRecord? {
        let document = JSONDocument()
        return try Array(text.utf8).withUnsafeBytes { bytes -> InboxRecord? in
            try document.parse(bytes)
            return InboxRecord.read(document.root)
        }
    }

    private func death(_ record: InboxRecord) throws -> RepresentativeDeath {
        guard case .death(let death) = record.body else { throw NoDeath() }
        return death
    }

    private struct NoDeath: Error {}

    @Test("what was written is read, with its rounds and what is taken back, or without them")
    func whole() throws {
        let told = try #require(try read(written(mistake: mistake, rounds: [round, first])))
        let takenBack = try death(told)
        #expect(told.rounds == [round, first])
        #expect(takenBack.mistake == mistake)
        #expect(takenBack.grants == [first, second])
        let plain = try #require(try read(written(mistake: nil, rounds: [])))
        #expect(plain.rounds.isEmpty)
        #expect(try death(plain).mistake == nil)
    }

    @Test("a record with a list of idents that is none, or with a cause that cannot be read, is no record")
    func damaged() throws {
        let text = written(mistake: mistake, rounds: [round])
        _ = try #require(try read(text))
        for (part, damaged) in [
            (round.description, "no ident"), ("\"\(round.description)\"", "7"),
            ("[\"\(round.description)\"]", "{}"), ("[\"\(round.description)\"]", "null"),
            (second.description, "no ident"), ("\"id\":\"d\"", "\"id\":null"), ("\"id\":\"m\"", "\"id\":7"),
            ("\"mistake\":{", "\"mistake\":null,\"other\":{"),
        ] {
            let wrong = text.replacing(part, with: damaged)
            #expect(wrong != text, "\(part)")
            let isRead = try read(wrong) != nil
            #expect(!isRead, "\(wrong)")
        }
    }
}
