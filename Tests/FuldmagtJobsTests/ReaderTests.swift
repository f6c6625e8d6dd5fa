import FuldmagtDomain
import FuldmagtJobs
import FuldmagtKeys
import FuldmagtRecord
import Testing

/// Lines, fields and mapping: what a line becomes, and where it says that it is wrong.
@Suite struct ReaderTests {
    private let a = Sample.cpr(1)
    private let b = Sample.cpr(2)

    @Test("line ends mix, a mark at the start is left out, blank lines say nothing, and pieces make no difference")
    func lineEnds() throws {
        let text = "\u{FEFF}cpr;kommune;dato\r\n\(a);0101;2026-01-01\r\r\n\(b);0751;2026-01-02\n\n\(a);0461;2026-01-03"
        let whole = try Sample.lines(Sample.job(), text).map(\.short)
        #expect(whole == ["header", "command 2", "blank 3", "command 4", "blank 5", "command 6"])
        for piece in 1...7 { #expect(try Sample.lines(Sample.job(), text, piece: piece).map(\.short) == whole) }
    }

    @Test(
        "each fault of form is told with its column, and costs its own line only",
        arguments: [
            ("\"6101500001;0101;2026-01-01", "open-quote@1"), ("61\"01500001;0101;2026-01-01", "stray-quote@1"),
            ("\"6101500001\"x;0101;2026-01-01", "text-after-quote@1"),
            ("6101500001;01\u{0}01;2026-01-01", "nul-byte@2"),
            ("6101500001;0101", "column-count@2"), ("6101500001;0101;2026-01-01;x", "column-count@4"),
            ("6101500001;0101;2026-13-01", "unreadable-date@3"), ("6101500001;0101;31-02-2026", "unreadable-date@3"),
            ("6101500001;0101;20260101", "unreadable-date@3"),
            ("6101500001;01;2026-01-01", "unreadable-municipality@2"),
            ("6101500001;0999;2026-01-01", "unknown-municipality@2"), ("6101500001;;2026-01-01", "missing-field@2"),
            ("610150;0101;2026-01-01", "unreadable-number@1"), ("7113500001;0101;2026-01-01", "invalid-citizen@1"),
            (";0101;2026-01-01", "invalid-citizen@1"),
            ("x;y;z", "unreadable-number@1,unreadable-municipality@2,unreadable-date@3"),
        ])
    func faults(line: String, expected: String) throws {
        let text = "cpr;kommune;dato\n\(line)\n\(b);0101;2026-01-01\n"
        #expect(try Sample.lines(Sample.job(), text).map(\.short) == ["header", "rejected 2 \(expected)", "command 3"])
    }

    @Test("a field of over 1 MiB and a line of over the limit are told, and no byte of them is lost")
    func tooLong() throws {
        let long = String(repeating: "x", count: (1 << 20) + 1)
        #expect(
            try Sample.lines(Sample.job(), "cpr;kommune;dato\n\(a);\(long);2026-01-01\n\(b);0101;2026-01-01").map(
                \.short)
                == ["header", "rejected 2 field-too-long@2", "command 3"])
        let text = "cpr;kommune;dato\n\(String(repeating: "y", count: 250))\r\n\(b);0101;2026-01-01"
        let lines = try Sample.lines(Sample.job(), Array(text.utf8), piece: 33, limit: 100)
        #expect(
            lines.map(\.short)
                == ["header", "rejected 2 line-too-long@0", "part 2", "part 2", "command 3"])
        #expect(lines.reduce(0) { $0 + $1.rawCount } == String(repeating: "y", count: 250).utf8.count + 2)
    }

    @Test("quotes, delimiters within them, hyphens, three digits, all forms of date, spaces around")
    func forms() throws {
        let dates = ["2026-02-03", "03-02-2026", "03022026"]
        let rows = dates.enumerated().map { "\"\(Sample.cpr($0).prefix(6))-\(Sample.cpr($0).suffix(4))\"; 101 ;\($1)" }
        let lines = try Sample.lines(Sample.job(), "cpr;\"kommune\";dato\n" + rows.joined(separator: "\n"))
        let moves = lines.compactMap { line -> Relocate? in
            if case .relocate(let move)? = line.command?.command?.body { move } else { nil }
        }
        #expect(moves.count == 3)
        #expect(moves.allSatisfy { $0.to == Municipality("0101") && $0.effective == Sample.day("2026-02-03") })
        #expect(lines.compactMap(\.command).map(\.key) == (0..<3).map { Sample.cpr($0) })
    }

    @Test("the same text in ISO-8859-1 and UTF-8 is the same command; in the wrong one it is a fault")
    func encodings() throws {
        let mapping =
            #","columns":{"citizen":"cpr","journal":"sagsnr på"},"#
            + #""defaults":{"municipality":"101","form":"FD 001A","caseworker":"c1","requestedBy":"citizen","appearedInPerson":"ja"}"#
        let text = "cpr;sagsnr på\n\(a);Ærø-1\n"
        let latin = text.unicodeScalars.map { UInt8($0.value) }
        let fromUTF8 = try Sample.lines(Sample.job(mapping, kind: "exemptions"), Array(text.utf8))
        let job = try Sample.job(mapping + #","encoding":"iso-8859-1""#, kind: "exemptions")
        let fromLatin = try Sample.lines(job, latin)
        #expect(fromUTF8.map(\.short) == ["header", "command 2"])
        #expect(fromUTF8[1].command?.id == fromLatin[1].command?.id)
        let plain = try Sample.job(
            mapping.replacing("sagsnr på", with: "2", maxReplacements: 1).replacing("\"2\"", with: "2"),
            kind: "exemptions")
        let wrong = Array("cpr;nr\n\(a);".utf8) + [0xC6, 0x72, 0xF8, 10]
        #expect(try Sample.lines(plain, wrong).map(\.short) == ["header", "rejected 2 encoding@2"])
    }

    @Test("JSON lines: members by their own names or mapped ones; lists, objects and what is no JSON are told")
    func jsonLines() throws {
        let job = try Sample.job(#","format":"jsonl","columns":{"citizen":"cpr"}"#)
        let text = """
            {"cpr":"\(a)","to":101,"effective":"2026-01-01","other":[1]}
            {"cpr":"\(b)","to":"0101","effective":["2026-01-01"]}
            {"cpr":"\(b)"
            [1]
            {"cpr":"\(b)","to":"0101","effective":"2026-01-01","type":"emigrate"}
            {"cpr":"\(b)","to":"0101","effective":"2026-01-01","type":"vanish"}
            """
        let lines = try Sample.lines(job, text)
        #expect(
            lines.map(\.short) == [
                "command 1", "rejected 2 not-a-value@0", "rejected 3 not-json@0", "rejected 4 not-an-object@0",
                "command 5", "rejected 6 unknown-command@0",
            ])
        #expect(lines[4].command?.cause.type == "dk.fuldmagt.move.emigrate.v1")
    }

    @Test("ids follow from job, line and content, and from nothing else; a citizen's repeated line is a duplicate")
    func ids() throws {
        let text =
            "cpr;kommune;dato\n\(a);0101;2026-01-01\n\(b);0101;2026-01-01\n\(a);101;01-01-2026\n\(a);0461;2026-02-01\n\(a);0101;2026-01-01\n"
        let lines = try Sample.lines(Sample.job(), text)
        #expect(
            lines.map(\.short) == ["header", "command 2", "command 3", "duplicate 4 of 2", "command 5", "command 6"])
        let ids = lines.compactMap { $0.command?.id }
        #expect(Set(ids).count == 4)
        #expect(ids == (try Sample.lines(Sample.job(), text, piece: 5)).compactMap { $0.command?.id })
        #expect(ids[0].hasPrefix("m1-2-") && !ids[0].contains(a))
        let other = try Job(file: Array(Sample.file().replacing("\"m1\"", with: "\"m2\"").utf8))
        #expect(try Sample.lines(other, text)[1].command?.id.dropFirst(2) != ids[0].dropFirst(2))
        #expect(lines[1].command?.cause.extensions == [Extension(name: "jobid", value: "m1")])
    }

    @Test(
        "without the cluster key no number can be tried on an id; a job begun before ids were keyed goes on as it was")
    func keyedIDs() throws {
        let text = Array("cpr;kommune;dato\n\(a);0101;2026-01-01\n".utf8)
        func id(_ ids: LineIDs) throws -> String? { try Sample.lines(Sample.job(), text, ids: ids)[1].command?.id }
        let other = try ClusterKey(hex: String(repeating: "0b", count: 32))
        let keyed = try id(.keyed(try Sample.keys()))
        #expect(try keyed == id(.keyed(try Sample.keys())))
        #expect(try keyed != id(.keyed(other)))
        #expect(try keyed != id(.plain))
        // As the version before made it.
        #expect(try id(.plain) == "m1-2-bbcaacc20e0201d3")
    }

    @Test(
        "a job file that cannot be used says which member and what is allowed",
        arguments: [
            (#","kind2":1"#, "member kind2 is not known"), (#","delimiter":"ab""#, "delimiter is not one character"),
            (#","encoding":"utf-16""#, "encoding: allowed are utf-8, iso-8859-1"), (#","header":1"#, "header"),
            (#","columns":{"to":"x"}"#, "columns.citizen is missing"),
            (#","columns":{"citizen":"a","vej":"x"}"#, "columns.vej is no field of moves"),
            (#","header":false"#, "a column is given by its number"),
            (#","defaults":{"type":"die"}"#, "allowed for moves are relocate, emigrate, immigrate"),
        ])
    func unusable(changes: String, expected: String) throws {
        let error = #expect(throws: Job.Unusable.self) { try Sample.job(changes) }
        #expect(error?.description.contains(expected) == true, "\(error?.description ?? "")")
    }

    @Test("a header without a mapped column stops the job before anything is read")
    func header() throws {
        let error = #expect(throws: Job.Unusable.self) { try Sample.lines(Sample.job(), "cpr,kommune,dato\n") }
        #expect(error?.description.contains("columns.citizen: the header has no column “cpr”") == true)
    }
}

extension JobLine {
    /// Bytes of a rejected line.
    fileprivate var rawCount: Int {
        switch self {
        case .rejected(let line, _), .rejectedPart(let line): line.raw.count
        default: 0
        }
    }
}
