import FuldmagtJobs
import Testing

/// Job files in YAML: the part of it that is read, and every other part refused by name.
@Suite struct JobFileTests {
    private static let good = """
        ---
        # Moves of a winter.
        job: m1
        source: urn:dk:cvr:29189846:moves   # who answers for them
        kind: moves
        input: "in.csv"
        header: true
        columns:
          # Where the fields stand.
          citizen: 'Borger''s nr'
          to: 2
          "effective": dato
        defaults:
            registeredAt: "2026-01-01T00:00:00Z"
        """

    @Test("YAML reads as the same job as JSON, whatever ends its lines")
    func same() throws {
        let json = #"""
            {"job":"m1","source":"urn:dk:cvr:29189846:moves","kind":"moves","input":"in.csv","header":true,
             "columns":{"citizen":"Borger's nr","to":2,"effective":"dato"},
             "defaults":{"registeredAt":"2026-01-01T00:00:00Z"}}
            """#
        let expected = try Job(file: Array(json.utf8))
        for text in [Self.good, Self.good.replacing("\n", with: "\r\n"), "\u{FEFF}" + Self.good] {
            #expect(try Job(file: Array(text.utf8)) == expected)
        }
    }

    @Test(
        "what is not read says its line and what to write instead",
        arguments: [
            ("job: [a]", "line 1: a list in brackets"), ("job: {a: b}", "line 1: a mapping in braces"),
            ("\n- job", "line 2: a list; a job file has none"), ("job: &a x", "line 1: an anchor"),
            ("job: *a", "line 1: a reference"), ("job: !!str x", "line 1: a tag"), ("job: |", "over several lines"),
            ("job: \"x", "line 1: a quote that is not closed"), ("job: 'x' y", "after the closing quote"),
            ("job: \"\\q\"", "an escape other than"), ("job: a\njob: b", "line 2: job stands twice"),
            ("job:\nkind: moves", "line 1: job has no value"),
            ("job: a\n  kind: moves", "line 2: indented by 2, not by 0"),
            ("columns:\n    a: b\n  c: d", "line 3: indented by 2, not by 0"), ("\tjob: a", "a tab"),
            ("job", "write a colon"), ("job:a", "write a colon"), ("job: a: b", "a colon within a value"),
            ("job: null", "line 1: null"), (": a", "no name before the colon"), ("", "job is missing"),
            ("job: 7\nsource: a", "job is missing or not a text"),
        ])
    func refused(text: String, expected: String) throws {
        let error = #expect(throws: Job.Unusable.self) { try Job(file: Array(text.utf8)) }
        #expect(error?.description.contains(expected) == true, "\(error?.description ?? "")")
    }

    @Test(
        "an id that holds a CPR number is refused without it; one with a date or a case number is not",
        arguments: [
            ("moves-6101500014", false), ("610150-0014", false), ("6101500014-again", false),
            ("moves-2026-11-23", true), ("moves-20261123", true), ("case-2026012345", true),
        ])
    func numberInID(id: String, isAllowed: Bool) throws {
        let text = Self.good.replacing("job: m1", with: "job: \(id)")
        // Those that were begun before are still read.
        let job = try Job(file: Array(text.utf8))
        #expect(job.id == id)
        guard !isAllowed else {
            #expect(job.unfitID == nil)
            return
        }
        let said = job.unfitID?.description ?? ""
        #expect(said.hasPrefix("job holds what looks like a CPR number") && said.contains("name the job"))
        #expect(!said.contains("0014"))
    }

    @Test("bytes that are no text, and any damage, are refused or read, and never trap")
    func damage() throws {
        #expect(throws: Job.Unusable.self) { try Job(file: [0xFF, 0x00, 0x3A]) }
        var random = Shuffler(state: 7)
        let good = Array(Self.good.utf8)
        var refused = 0
        for _ in 0..<2_000 {
            var bytes = good
            for _ in 0...random.next(3) {
                switch random.next(3) {
                case 0: bytes.remove(at: random.next(bytes.count))
                case 1: bytes[random.next(bytes.count)] = UInt8(random.next(256))
                default: bytes.insert(Array("\"':#-{[&*|> \n\t".utf8)[random.next(14)], at: random.next(bytes.count))
                }
            }
            do throws(Job.Unusable) { _ = try Job(file: bytes) } catch { refused += 1 }
        }
        #expect(refused > 500)
    }

    @Test("municipality codes keep their zeros, and a number may be a column's place or a text")
    func numbers() throws {
        let text = Self.good.replacing("registeredAt: \"2026-01-01T00:00:00Z\"", with: "to: 0101\n    from: 461")
        let job = try Job(file: Array(text.utf8))
        #expect(job.defaults == ["to": "0101", "from": "461"])
        #expect(job.columns["to"] == .numbered(2))
    }
}

/// A few numbers from a seed.
struct Shuffler {
    var state: UInt64
    mutating func next(_ below: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((state >> 33) % UInt64(below))
    }
}
