import FuldmagtJSON
import Testing

struct WriterTests {
    @Test func putsCommas() {
        var writer = JSONWriter(appendingTo: Array("x".utf8))
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
        #expect(text == #"x{"a":"b","n":-12,"t":true,"here":"h","l":[[],{},null,false,{"r":1},[2]],"name":"s"}"#)
    }

    @Test(arguments: [0, 1, -1, 9, 10, 99, 100, Int.max, Int.min])
    func writesIntegers(_ value: Int) {
        var writer = JSONWriter()
        writer.int(value)
        #expect(String(decoding: writer.bytes, as: UTF8.self) == "\(value)")
        writer.int(Int64(value))
        #expect(String(decoding: writer.finish(), as: UTF8.self) == "\(value),\(value)")
    }

    @Test func escapesWhatMustBeEscaped() throws {
        var writer = JSONWriter()
        writer.string("a\"\\/\u{8}\u{c}\n\r\t\0\u{1f}\u{10}\u{7f}æ€😀 a longer run of plain text\"")
        let expected = #""a\"\\/\b\f\n\r\t\u0000\u001f\u0010"# + "\u{7f}æ€😀 a longer run of plain text\\\"\""
        #expect(String(decoding: writer.finish(), as: UTF8.self) == expected)
    }

    @Test func keepsTheArray() {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(4096)
        bytes.append(UInt8(ascii: "x"))
        let before = bytes.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) }
        JSONWriter.append(to: &bytes) { writer in
            writer.beginArray()
            writer.int(1)
            writer.endArray()
        }
        JSONWriter.append(to: &bytes) { $0.null() }
        #expect(bytes.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) } == before)
        #expect(String(decoding: bytes, as: UTF8.self) == "x[1]null")
    }

    @Test func takesTheArrayOver() {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(4096)
        let before = bytes.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) }
        var writer = JSONWriter(appendingTo: consume bytes)
        writer.string("a")
        let written = writer.finish()
        #expect(written.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) } == before)
    }
}
