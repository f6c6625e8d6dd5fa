import FuldmagtBytes
import FuldmagtJSON
import Testing

struct WriterTests {
    @Test func putsCommas() {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("a", "b")
        writer.member("n", -12)
        writer.member("t", true)
        writer.memberIfPresent("gone", nil)
        writer.memberIfPresent("here", "h")
        writer.key("l")
        writer.beginArray()
        writer.beginArray()
        writer.endArray()
        writer.beginObject()
        writer.endObject()
        writer.null()
        writer.bool(false)
        writer.raw("{\"r\":1}")
        Array("[2]".utf8).withUnsafeBytes { writer.rawBytes($0) }
        writer.endArray()
        writer.key("name" as String)
        writer.string("s" as StaticString)
        writer.endObject()
        let text = String(decoding: writer.finish(), as: UTF8.self)
        #expect(text == #"{"a":"b","n":-12,"t":true,"here":"h","l":[[],{},null,false,{"r":1},[2]],"name":"s"}"#)
    }

    @Test(arguments: [0, 1, -1, 9, 10, 99, 100, Int.max, Int.min])
    func writesIntegers(_ value: Int) {
        var writer = JSONWriter()
        writer.int(value)
        writer.int(Int64(value))
        #expect(String(decoding: writer.finish(), as: UTF8.self) == "\(value),\(value)")
    }

    @Test func escapesWhatMustBeEscaped() throws {
        var writer = JSONWriter()
        writer.string("a\"\\/\u{8}\u{c}\n\r\t\0\u{1f}\u{10}\u{7f}æ€😀 a longer run of plain text\"")
        let expected = #""a\"\\/\b\f\n\r\t\u0000\u001f\u0010"# + "\u{7f}æ€😀 a longer run of plain text\\\"\""
        #expect(String(decoding: writer.finish(), as: UTF8.self) == expected)
    }

    @Test func writesStringsInPieces() {
        var writer = JSONWriter()
        writer.beginArray()
        writer.pieces { text in
            text.piece("a\"")
            text.piece("")
            text.piece("æ\n")
        }
        writer.plainString(count: 3) { for at in 0..<3 { $0[at] = UInt8(ascii: "x") } }
        writer.endArray()
        #expect(String(decoding: writer.finish(), as: UTF8.self) == #"["a\"æ\n","xxx"]"#)
    }

    @Test func appendsToWhatIsThere() {
        var sink = ByteSink()
        sink.append("x")
        JSONWriter.append(to: &sink) { writer in
            writer.beginArray()
            writer.int(1)
            writer.endArray()
        }
        JSONWriter.append(to: &sink) { $0.null() }
        #expect(String(decoding: sink.array(), as: UTF8.self) == "x[1]null")
    }
}
