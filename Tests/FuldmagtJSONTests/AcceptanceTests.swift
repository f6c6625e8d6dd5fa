import FuldmagtJSON
import Testing

struct AcceptanceTests {
    @Test(arguments: [
        "null", " true ", "\t\r\nfalse\n", "0", "-0", "-0.0", "1", "-1", "10", "0.5", "1e1", "1E+1", "1e-1", "0e0",
        "0e999",
        "1e-999", "123456789012345678901234567890", "1.7976931348623157e308", "0.0000001e310", "\"\"", "\"a\"",
        #""\"\\\/\b\f\n\r\t""#, #""\u0000""#, #""\ud83d\ude00""#, #""\uD83D\uDE00""#, "\"\u{7f}\"", "\"æøå\"", "\"€\"",
        "\"😀\"", "\"\u{10ffff}\"", "\"\u{e000}\"", "\"\u{d7ff}\"", "[]", "[ ]", "{}", "{ }", "[1,2]", "[ 1 , [ ] ]",
        "[[],{}]", #"{"a":1}"#, #" { "a" : { "b" : [ null ] } , "c" : "d" } "#, #"{"":0}"#, #"{"a":1,"A":2}"#,
        #"{"\u0000":1,"":2}"#, "\"\u{feff}\"", "\"\u{2028}\"", #"[{"a":1},{"a":1}]"#, #"{"a":{"a":1},"b":{"a":1}}"#,
    ])
    func accepts(_ text: String) {
        #expect(refusal(text.utf8) == nil)
    }

    @Test(arguments: [
        ("", 0, "a value"), ("   ", 3, "a value"), ("nul", 0, "a value"), ("nulL", 0, "a value"),
        ("True", 0, "a value"),
        ("nullx", 4, "the end of the text"), ("1 2", 2, "the end of the text"), ("\u{feff}1", 0, "a value"),
        ("NaN", 0, "a value"), ("Infinity", 0, "a value"), ("-Infinity", 1, "a digit"), ("+1", 0, "a value"),
        ("-", 1, "a digit"), ("--1", 1, "a digit"), ("01", 1, "the end of the text"),
        ("-01", 2, "the end of the text"), ("1.", 2, "a digit"), (".5", 0, "a value"), ("1.e1", 2, "a digit"),
        ("1e", 2, "a digit"), ("1e+", 3, "a digit"), ("1e1.5", 3, "the end of the text"),
        ("0x10", 1, "the end of the text"), ("1_000", 1, "the end of the text"),
        (" 1e999", 1, "a number a double can hold"), ("[-1e309]", 1, "a number a double can hold"),
        ("1.7976931348623159e308", 0, "a number a double can hold"),
        ("1e99999999999999999999999", 0, "a number a double can hold"),
        ("\"", 1, "a closing quote"), ("\"abc", 4, "a closing quote"), ("'a'", 0, "a value"),
        ("\"a\u{0}b\"", 2, "an escape for a control character"), ("\"\n\"", 1, "an escape for a control character"),
        ("\"\u{1f}\"", 1, "an escape for a control character"), (#""\x""#, 2, "an escape"), (#""\"#, 2, "an escape"),
        (#""\""#, 3, "a closing quote"), (#""\u12G4""#, 5, "a hexadecimal digit"), (#""\u"#, 3, "a hexadecimal digit"),
        (#""\U0041""#, 2, "an escape"), (#""a\ud800""#, 2, "a surrogate pair"), (#""\udc00""#, 1, "a surrogate pair"),
        (#""\ud800\ud800""#, 1, "a surrogate pair"), (#""\ud800x""#, 1, "a surrogate pair"),
        (#""\ud800\n""#, 1, "a surrogate pair"), (#""\ud800\u"#, 9, "a hexadecimal digit"), ("[", 1, "a value"),
        ("[1", 2, "a comma or the end of the array"), ("[1,", 3, "a value"), ("[1,]", 3, "a value"),
        ("[,1]", 1, "a value"),
        ("[1 2]", 3, "a comma or the end of the array"), ("[1}", 2, "a comma or the end of the array"),
        ("]", 0, "a value"),
        ("{", 1, "a member name"), ("{,}", 1, "a member name"), ("{a:1}", 1, "a member name"),
        ("{1:1}", 1, "a member name"),
        (#"{"a"}"#, 4, "a colon"), (#"{"a" 1}"#, 5, "a colon"), (#"{"a":}"#, 5, "a value"),
        (#"{"a":1,}"#, 7, "a member name"),
        (#"{"a":1"#, 6, "a comma or the end of the object"), (#"{"a":1]"#, 6, "a comma or the end of the object"),
        (#"{"a":1}}"#, 7, "the end of the text"), ("[1]//", 3, "the end of the text"), ("/**/1", 0, "a value"),
        ("\u{a0}1", 0, "a value"), ("\u{0}", 0, "a value"), ("1\u{0}", 1, "the end of the text"),
        ("[1\u{b}]", 2, "a comma or the end of the array"),
    ])
    func refuses(_ text: String, offset: Int, expectation: String) throws {
        let failure = try #require(refusal(text.utf8))
        #expect(failure.kind == .syntax)
        #expect(failure.offset == offset)
        #expect(failure.expectation.description == expectation)
    }

    @Test(arguments: [
        ([0x80], 0), ([0xff], 0), ([0x5b, 0xc3], 1), ([0x22, 0x80, 0x22], 1), ([0x22, 0x61, 0xc3, 0x22], 2),
        ([0x22, 0xc0, 0x80, 0x22], 1), ([0x22, 0xc1, 0xbf, 0x22], 1), ([0x22, 0xe0, 0x9f, 0xbf, 0x22], 1),
        ([0x22, 0xed, 0xa0, 0x80, 0x22], 1), ([0x22, 0xed, 0xbf, 0xbf, 0x22], 1),
        ([0x22, 0xf0, 0x8f, 0xbf, 0xbf, 0x22], 1),
        ([0x22, 0xf4, 0x90, 0x80, 0x80, 0x22], 1), ([0x22, 0xf5, 0x80, 0x80, 0x80, 0x22], 1), ([0x22, 0xe2, 0x82], 1),
        ([0x22, 0xf0, 0x9f, 0x98], 1), ([0x22, 0x5c, 0x6e, 0xe2, 0x82, 0x22], 3),
        ([0x22, 0xf8, 0x88, 0x80, 0x80, 0x80, 0x22], 1),
        ([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x3a, 0x31, 0x7d], 2), ([0xff, 0xfe, 0x31, 0x00], 0), ([0x31, 0xfe], 1),
    ])
    func refusesInvalidUTF8(_ text: [UInt8], offset: Int) {
        #expect(refusal(text) == JSONFailure(kind: .invalidUTF8, offset: offset, expectation: "well-formed UTF-8"))
    }

    @Test(arguments: [
        (#"{"a":1,"a":2}"#, 7), (#"{"":1,"":2}"#, 6), (#"{"a":1,"b":2,"a":3,"b":4}"#, 13), (#"{"a":1,"\u0061":2}"#, 7),
        (#"{"\u0061":1,"a":2}"#, 12), (#"{"x":{"a":1,"a":1}}"#, 12), (#"{"x":{"a":[{}],"b":{},"a":1}}"#, 22),
        (#"{"long member name":1,"b":[1,[2]],"long member name":2}"#, 34), (#"{"a/b":1,"a\/b":2}"#, 9),
        (#"[{"a":1,"a":2}"#, 8), (#"{"æ":1,"\u00e6":1}"#, 8),
    ])
    func refusesRepeatedMembers(_ text: String, offset: Int) {
        #expect(
            refusal(text.utf8)
                == JSONFailure(kind: .duplicateMember, offset: offset, expectation: "a name not used before"))
    }

    @Test func findsARepeatedMemberAmongMany() {
        for count in [2, 3, 31, 32, 33, 34, 64, 200, 1000] {
            let names = (0..<count).map { "\"name \($0)\":{\"x\":[\($0)]}" }
            #expect(refusal("{\(names.joined(separator: ","))}".utf8) == nil)
            for repeated in [0, count / 2, count - 1] {
                let text = "{\(names.joined(separator: ",")),\"n\\u0061me \(repeated)\":0}"
                let failure = refusal(text.utf8)
                #expect(failure?.kind == .duplicateMember)
                #expect(failure?.offset == "{\(names.joined(separator: ",")),".utf8.count)
            }
        }
    }

    @Test func limitsDepth() throws {
        let nested = { (depth: Int) in String(repeating: "[", count: depth) + String(repeating: "]", count: depth) }
        #expect(refusal(nested(64).utf8) == nil)
        let expected = JSONFailure(kind: .tooDeep, offset: 64, expectation: "a value that is not nested deeper")
        #expect(refusal(nested(65).utf8) == expected)
        #expect(refusal("1".utf8, depth: 0) == nil)
        #expect(refusal("{}".utf8, depth: 0)?.kind == .tooDeep)
        #expect(refusal("[[],[],{\"a\":[]}]".utf8, depth: 3) == nil)
        #expect(refusal("[[],[],{\"a\":[]}]".utf8, depth: 2)?.offset == 12)
        try parse(nested(JSONDocument.depthLimit).utf8, depth: .max) { root in
            var form: [UInt8] = []
            root.appendEqualityForm(to: &form)
            #expect(form.count == JSONDocument.depthLimit * 9)
            #expect(walk(root) > 0)
        }
        #expect(refusal(nested(JSONDocument.depthLimit + 1).utf8, depth: .max)?.kind == .tooDeep)
    }
}
