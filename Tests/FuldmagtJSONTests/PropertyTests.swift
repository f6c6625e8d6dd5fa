import Foundation
import FuldmagtJSON
import Testing

struct PropertyTests {
    @Test func whatIsWrittenIsReadBack() throws {
        let document = JSONDocument()
        for seed in 0..<2_000 {
            var random = SeededGenerator(seed)
            let value = RandomValue.make(&random)
            let same = try parse(value.compact, with: document) { value.matches($0) }
            #expect(same, "seed \(seed)")
        }
    }

    @Test func equalityFormIgnoresSpelling() throws {
        for seed in 0..<2_000 {
            var random = SeededGenerator(seed)
            let value = RandomValue.make(&random)
            let expected = try form(value.compact)
            #expect(try form(value.respelled(&random)) == expected, "seed \(seed)")
            let other = value.changed(&random)
            #expect(try form(other.respelled(&random)) != expected, "seed \(seed)")
        }
    }

    /// Numbers and names that RFC 8785 serializes alike, and others.
    @Test func equalityFormOfEdges() throws {
        for (a, b) in [
            ("0", "-0"), ("0", "-0.0e-5"), ("0", "1e-400"), ("9007199254740992", "9007199254740993"),
            ("1e21", "1000000000000000000000"),
            ("0.1", "0.1000000000000000055511151231257827"), ("[]", " [ ] "), ("\"/\"", #""\/""#),
            (#"{"a":1,"b":{"d":1,"c":2}}"#, #"{"b":{"c":2,"d":1},"a":1}"#),
        ] {
            #expect(try form(a) == form(b), "\(a) and \(b)")
        }
        for (a, b) in [
            ("0", "5e-324"), ("1", "1.0000000000000002"), ("1", "\"1\""), ("null", "false"), ("[]", "{}"),
            ("[[],1]", "[[1]]"),
            ("[1,2]", "[2,1]"), ("\"é\"", "\"e\u{301}\""), (#"{"a":1}"#, #"{"A":1}"#), (#"["a","b"]"#, #"{"a":"b"}"#),
            (#"{"a":"b"}"#, #"{"b":"a"}"#), ("\"\"", "null"), (#"["",""]"#, #"[""]"#),
        ] {
            #expect(try form(a) != form(b), "\(a) and \(b)")
        }
    }

    @Test func mutatedTextsNeverTrap() {
        let seeds = [
            #"{"a":"x","b":[1,-2.5e3,true,null],"c":{"d":"\ud83d\ude00æ"}}"#,
            #"[0,1e308,"\u00e6\n",{"a":{"a":{}}},[[[]]],"€"]"#,
            #"{"id":"7c9e6679","n":9223372036854775807,"s":"Ærø \"1\""}"#,
        ].map { Array($0.utf8) }
        let telling = Array("\"\\[]{},:0-+.eEu\u{0}\n tfn".utf8) + [0x80, 0xbf, 0xc3, 0xed, 0xf0, 0xff]
        let document = JSONDocument()
        var random = SeededGenerator(7)
        var accepted = 0
        for seed in 0..<200_000 {
            var text = seeds[seed % seeds.count]
            let changes = 1 + Int(random.next() & 3)
            for _ in 0..<changes where !text.isEmpty {
                let choice = random.next()
                let at = Int(choice >> 8 & 0xffff) % text.count
                let byte =
                    choice & 128 == 0 ? UInt8(choice >> 24 & 0xff) : telling[Int(choice >> 24 & 0xff) % telling.count]
                switch choice & 7 {
                case 0: text.removeSubrange(at...)
                case 1, 2: text.remove(at: at)
                case 3: text.insert(byte, at: at)
                default: text[at] = byte
                }
            }
            text.withUnsafeBytes { bytes in
                do throws(JSONFailure) {
                    try document.parse(bytes, maximumDepth: 5)
                    accepted += walk(document.root) > 0 ? 1 : 0
                    var form: [UInt8] = []
                    document.root.appendEqualityForm(to: &form)
                } catch {
                    if error.offset < 0 || error.offset > bytes.count { Issue.record("offset outside the text") }
                }
            }
        }
        #expect(accepted > 1_000)
    }

    /// Foundation reads other encodings, and keeps one of repeated members: texts that differ in this are left out.
    @Test func agreesWithFoundation() throws {
        let document = JSONDocument()
        for seed in 0..<10_000 {
            var random = SeededGenerator(seed)
            var text = Array(RandomValue.make(&random, depth: 2).respelled(&random).utf8)
            for _ in 0..<Int.random(in: 0..<3, using: &random) where !text.isEmpty {
                let at = Int.random(in: 0..<text.count, using: &random)
                text[at] = Array("\"\\[]{},:019-+.eEu tfnaz".utf8).randomElement(using: &random) ?? 0
            }
            let refusal = refusal(text, with: document)
            if refusal?.kind == .duplicateMember || refusal?.expectation.description == "a surrogate pair" { continue }
            if refusal?.expectation.description == "a number a double can hold" { continue }
            let theirs = (try? JSONSerialization.jsonObject(with: Data(text), options: .fragmentsAllowed)) != nil
            #expect(
                theirs == (refusal == nil),
                "seed \(seed): \(String(decoding: text, as: UTF8.self)): \(String(describing: refusal))")
        }
    }

    /// Ten million bytes in forms that a reader with a quadratic step would not come to the end of.
    @Test func largeTextsAreReadOrRefused() throws {
        let document = JSONDocument()
        let megabytes = 10_000_000
        #expect(refusal(repeatElement(UInt8(ascii: "["), count: megabytes), with: document)?.kind == .tooDeep)
        #expect(refusal(repeatElement(UInt8(ascii: "{"), count: megabytes), with: document)?.offset == 1)
        #expect(refusal([UInt8](repeating: 0, count: megabytes), with: document)?.offset == 0)
        #expect(refusal([UInt8](repeating: 0xff, count: megabytes), with: document)?.kind == .invalidUTF8)
        let members = (0..<100_000).map { "\"m\($0)\":\($0)" }.joined(separator: ",")
        let last = try parse("{\(members)}".utf8, with: document) { $0["m99999"]?.int }
        #expect(last == 99_999)
        #expect(refusal("{\(members),\"m5\":1}".utf8, with: document)?.kind == .duplicateMember)
        let escapes = "[" + (0..<20_000).map { _ in #""\n""# }.joined(separator: ",") + "]"
        #expect(try parse(escapes.utf8, with: document) { $0.count } == 20_000)
    }
}
