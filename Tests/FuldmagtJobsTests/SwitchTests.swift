import FuldmagtDomain
import FuldmagtJobs
import FuldmagtKeys
import Testing

/// Supplier switches: which records a line stands for, and what they do to grants.
@Suite struct SwitchTests {
    private static func system(_ id: String) -> (String, String) {
        ("itsystem.define", #"{"id":"urn:x:\#(id)","name":"\#(id)","supplier":{"cvr":"10000009","name":"Example"}}"#)
    }

    private static func activation(_ package: String, _ place: String, _ system: String) -> (String, String) {
        (
            "activation.set",
            #"{"municipality":"\#(place)","package":"\#(package)","itSystem":"urn:x:\#(system)","from":"2021-01-01"}"#
        )
    }

    private static func package(_ id: String, _ scope: String, _ more: String = "") -> (String, String) {
        (
            "package.define",
            #"{"id":"\#(id)","version":1,"title":{"da":"a","en":"a"},"wording":{"da":"a","en":"a"},"kind":"act","scope":"\#(scope)","kle":["27.60"]\#(more)}"#
        )
    }

    private func world() throws -> World {
        try World([
            Self.system("old"), Self.system("new"), Self.package("meals", "municipal"),
            Self.package("own", "itSystem", #","itSystem":"urn:x:old","successor":"next""#),
            Self.package("next", "itSystem", #","itSystem":"urn:x:new""#),
            Self.activation("care", "0751", "old"), Self.activation("meals", "0751", "old"),
            Self.activation("meals", "0461", "old"),
        ])
    }

    private func job() throws -> Job {
        try Job(
            file: Array(
                """
                job: s1
                source: \(Sample.source)
                kind: supplier-switch
                input: in.csv
                columns:
                  municipality: kommune
                  oldItSystem: fra
                  newItSystem: til
                  from: dato
                  package: pakke
                  replaced: ophoert
                """.utf8))
    }

    private static let header = "kommune;fra;til;dato;pakke;ophoert\n"

    private func lines(_ text: String, _ world: World, from records: SwitchRecords? = nil) throws -> [JobLine] {
        try Sample.lines(
            job(), Array((Self.header + text).utf8),
            switches: records ?? SwitchRecords(catalogue: world.circumstances.catalogue, today: Sample.today))
    }

    private func said(_ lines: [JobLine]) -> [String] {
        lines.map { line in
            guard let command = line.command else { return line.short }
            return "\(command.line) \(command.part + 1)/\(command.parts) \(command.key)"
        }
    }

    @Test("a line stands for a record with the new it-system, then one that ends the old, for each package")
    func records() throws {
        let world = try world()
        let text =
            "751;urn:x:old;urn:x:new;24-11-2026;;ja\n461;urn:x:old;urn:x:new;2027-01-01;meals;\n751;urn:x:old;urn:x:new;2026-11-24;;ja\n"
        let lines = try lines(text, world)
        #expect(
            said(lines) == [
                "header", "2 1/5 activation/0751/care/urn:x:new", "2 2/5 activation/0751/care/urn:x:old",
                "2 3/5 activation/0751/meals/urn:x:new", "2 4/5 activation/0751/meals/urn:x:old",
                "2 5/5 itsystem/urn:x:new", "3 1/2 activation/0461/meals/urn:x:new",
                "3 2/2 activation/0461/meals/urn:x:old", "duplicate 4 of 2",
            ])
        #expect(Set(lines.compactMap { $0.command?.id }).count == 7)
        #expect(lines.compactMap(\.command).allSatisfy { $0.topic == .catalogue && $0.command == nil })
        // What was planned is read again as it was, whatever the catalogue is by then.
        var reader = try JobReader(
            job: try job(), settings: Sample.settings, today: Sample.today, ids: .keyed(try Sample.keys()),
            switches: SwitchRecords(catalogue: world.circumstances.catalogue, today: Sample.today))
        reader.feed(Array((Self.header + text + "751;urn:x:old;urn:x:gone;2026-11-24;;\n").utf8))
        reader.finish()
        while try reader.next() != nil {}
        let written = try SwitchRecords(json: reader.switchRecords)
        let again = try self.lines(text + "751;urn:x:old;urn:x:gone;2026-11-24;;\n", try World(), from: written)
        #expect(again.compactMap { $0.command?.id } == lines.compactMap { $0.command?.id })
        #expect(again.last?.short == "rejected 5 unknown-it-system@3")
        #expect(throws: SwitchRecords.Unusable.self) { try SwitchRecords(json: reader.switchRecords.dropLast(9)) }
    }

    @Test(
        "what the catalogue does not bear out is told with its column",
        arguments: [
            ("751;urn:x:old;urn:x:gone;2026-11-24;;", "unknown-it-system@3"),
            ("751;urn:x:old;urn:x:old;2026-11-24;;", "same-it-system@3"),
            ("147;urn:x:old;urn:x:new;2026-11-24;;", "not-offered@2"),
            ("461;urn:x:old;urn:x:new;2026-11-24;care;", "not-offered@5"),
            ("751;urn:x:old;urn:x:new;2027-01-01;;ja", "replaced-too-early@6"),
            ("411;urn:x:old;urn:x:new;2026-11-24;;", "unreadable-municipality@1"),
            (";urn:x:old;;2026-11-24;;", "missing-field@1,missing-field@3"),
            ("751;urn:x:old;urn:x:new;;;", "missing-field@4"),
            ("751;urn:x:old;urn:x:new;x;;z", "unreadable-date@4,unreadable-flag@6"),
        ])
    func faults(line: String, expected: String) throws {
        #expect(try said(lines(line, world())) == ["header", "rejected 2 \(expected)"])
    }

    /// Citizens 1 to 4 in 0751, 5 in 0461; a grant of care or meals each, and the old system's own for 1, 2 and 5.
    private func populated() throws -> World {
        let world = try world()
        for number in 1...5 {
            let cpr = Sample.cpr(number)
            let place = number == 5 ? "0461" : "0751"
            try world.decide(
                "move.relocate", #"{"citizen":{"cpr":"\#(cpr)"},"to":"\#(place)","effective":"2020-01-01"}"#,
                id: "r\(number)")
            let packages =
                [number == 5 || number % 2 == 0 ? "meals" : "care"] + ([1, 2, 5].contains(number) ? ["own"] : [])
            try world.decide(
                "grant.issue",
                #"{"grantor":{"cpr":"\#(cpr)"},"representative":{"cpr":"\#(Sample.cpr(9))"},"packages":[\#(packages.map { "\"\($0)\"" }.joined(separator: ","))],"validUntil":"2027-06-01","channel":"digital"}"#,
                id: "g\(number)")
        }
        return world
    }

    private func plan(_ text: String, _ world: World) throws -> (tally: PlanTally, rows: [String], foreseen: [Foreseen])
    {
        let files = world.files
        var foreseen: [Foreseen] = []
        var plan = SwitchPlan(
            source: world.source,
            population: Population(
                residents: { municipality, body in
                    for file in files.values where file.residence(on: Sample.today)?.municipality == municipality {
                        try body(file.citizen)
                    }
                },
                grantors: { package, body in
                    for file in files.values where file.grants.contains(where: { $0.terms.id == package }) {
                        try body(file.citizen)
                    }
                }), keys: world.keys, circumstances: world.circumstances
        ) { foreseen.append($0) }
        let rows = try lines(text, world).compactMap { plan.take($0) }.map { "\($0.line) \($0.word) \($0.detail)" }
        try plan.finish()
        return (plan.tally, rows, foreseen)
    }

    @Test("a switch with everything taken over costs nobody a grant; one that leaves a package behind makes it dormant")
    func fates() throws {
        let world = try populated()
        let whole = try plan("751;urn:x:old;urn:x:new;24-11-2026;;\n", world)
        #expect(whole.rows == ["2 accepted "] && whole.tally.count(of: .goesDormant) == 0)
        #expect(whole.tally.count(of: .staysActive) == 6 && whole.tally.notifications.isEmpty)
        #expect(
            whole.foreseen.count == 4 && whole.foreseen.allSatisfy { $0.grants.values.allSatisfy { $0 == .active } })
        // Both systems' own rights go over at once, wherever their grantors live.
        let replaced = try plan("751;urn:x:old;urn:x:new;24-11-2026;;ja\n", world)
        let next = replaced.tally.grants.filter { $0.key.package == "next" }.values.reduce(0) {
            $0 + ($1[.staysActive]?.count ?? 0)
        }
        #expect(next == 3 && replaced.foreseen.count == 5)
        #expect(replaced.tally.notifications.mapValues(\.count) == [.init(.grantCorrected, .digitalPost): 6])
        #expect(replaced.tally.count(of: .ends) == 0)
        for foreseen in whole.foreseen { #expect(Foreseen(json: foreseen.json.dropLast()) == foreseen) }
    }

    @Test("what is rejected, and what was sent before, is told of the line as a whole")
    func verdicts() throws {
        let world = try populated()
        #expect(
            try plan("751;urn:x:old;urn:x:gone;24-11-2026;;\n461;urn:x:old;urn:x:new;24-11-2026;;\n", world).rows == [
                "2 faulty unknown-it-system", "3 accepted ",
            ])
    }
}
