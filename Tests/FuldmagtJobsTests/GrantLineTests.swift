import FuldmagtDomain
import FuldmagtJobs
import Testing

/// Grants that another system keeps, by its own names for what may be done.
@Suite struct GrantLineTests {
    private let a = Sample.cpr(1)
    private let b = Sample.cpr(2)

    private func job(_ more: String = "") throws -> Job {
        try Job(
            file: Array(
                """
                job: g1
                source: \(Sample.source)
                kind: grants
                input: in.csv
                columns:
                  grantor: giver
                  representative: modtager
                  packages: ret
                  validUntil: til
                  channel: måde
                  journal: sag
                defaults:
                  caseworker: c1
                  identification: passport
                  citizenPresent: ja
                  decidedOn: 01-11-2026
                  possibilities: MitID
                  consequences: told
                privileges:
                  PLEJE-HANDL: care
                  MAD-HANDL: meals
                \(more)
                """.utf8))
    }

    private static let header = "giver;modtager;ret;til;måde;sag\n"

    @Test("privileges become packages, and evidence and assessment stand where the contract wants them")
    func read() throws {
        let lines = try Sample.lines(
            job(),
            Self.header
                + "\(a);\(b);\"PLEJE-HANDL, MAD-HANDL\";01-06-2027;assisted;2026-1\n\(b);10000009;MAD-HANDL;2027-06-01;digital;"
        )
        let issues = lines.compactMap { line -> GrantIssue? in
            if case .issue(let issue)? = line.command?.command?.body { issue } else { nil }
        }
        #expect(issues.count == 2, "\(lines.map(\.short))")
        #expect(issues[0].packages == ["care", "meals"] && issues[0].channel == .assisted)
        #expect(issues[0].evidence?.journal == "2026-1" && issues[0].evidence?.caseworker == "c1")
        #expect(issues[0].evidence?.assessment?.citizenPresent == true)
        #expect(issues[0].evidence?.assessment?.decidedOn == Sample.day("2026-11-01"))
        #expect(issues[1].representative == CVR("10000009").map { .company($0) } && issues[1].evidence == nil)
        #expect(lines[1].command?.key == a && lines[1].command?.topic == .grantCommands)
    }

    @Test(
        "what is wrong is told with the column it stands in",
        arguments: [
            ("A;B;UKENDT;2027-06-01;digital;", "unknown-privilege@3"), ("A;B;;2027-06-01;digital;", "missing-field@3"),
            ("A;B;PLEJE-HANDL,;2027-06-01;digital;", "unknown-privilege@3"),
            ("A;B;PLEJE-HANDL;2027-06-01;paper;", "journal-missing@6"),
            ("A;B;PLEJE-HANDL;;digital;", "missing-field@4"),
            ("A;;PLEJE-HANDL;2027-06-01;digital;", "missing-field@2"),
            ("10000009;B;PLEJE-HANDL;2027-06-01;digital;", "missing-field@1"),
            ("A;B;PLEJE-HANDL;2027-06-01;smoke;", "invalid-field@5"),
        ])
    func faults(line: String, expected: String) throws {
        let line = line.replacing("A;", with: a + ";").replacing("B;", with: b + ";")
        #expect(try Sample.lines(job(), Self.header + line).map(\.short) == ["header", "rejected 2 \(expected)"])
    }

    @Test("without privileges, packages are named by their ids; another kind of job has none")
    func ids() throws {
        let file = "job: g1\nsource: \(Sample.source)\nkind: grants\ninput: a\ncolumns:\n  grantor: g\n  packages: p"
        let lines = try Sample.lines(Job(file: Array(file.utf8)), "g;p\n\(a);care")
        // Told by the contract, which knows no privileges: the other fields are missing.
        #expect(lines[1].short.hasPrefix("rejected 2 missing-field"))
        let moves = file.replacing("kind: grants", with: "kind: moves").replacing("grantor: g", with: "citizen: g")
            .replacing("  packages: p", with: "privileges:\n  a: b")
        let error = #expect(throws: Job.Unusable.self) { try Job(file: Array(moves.utf8)) }
        #expect(error?.description.contains("moves names no packages") == true)
    }
}
