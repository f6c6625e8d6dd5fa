import FuldmagtJSON
import Testing

struct NodeTests {
    @Test func readsMembers() throws {
        let text = #"{"a":1,"b\u0062":[true,null,"x\ny"],"c":{"d":-2.5},"":"æ"}"#
        try parse(text.utf8) { root in
            #expect(root.kind == .object)
            #expect(root.count == 4)
            #expect(root["a"]?.int == 1)
            #expect(root["bb"]?.count == 3)
            #expect(root["b\\u0062"] == nil)
            #expect(root["c"]?["d"]?.double == -2.5)
            #expect(root["c"]?["e"] == nil)
            #expect(root["a"]?["a"] == nil)
            #expect(root[""]?.string == "æ")
            #expect(root[""]?.equals("æ") == true)
            #expect(root[""]?.equals("æx") == false)
            #expect(root["a"]?.equals("1") == false)
            #expect(root["bb"].map { String(decoding: $0.bytes, as: UTF8.self) } == #"[true,null,"x\ny"]"#)
            #expect(String(decoding: root.bytes, as: UTF8.self) == text)
            var names: [String] = []
            root.forEachMember { name, _ in names.append(name) }
            #expect(names == ["a", "bb", "c", ""])
            var elements: [String] = []
            root["bb"]?.forEachElement { position, element in
                elements.append("\(position) \(element.kind) \(element.isNull) \(element.bool as Bool?, default: "-")")
            }
            #expect(elements == ["0 bool false true", "1 null true -", "2 string false -"])
        }
    }

    @Test func givesNilForOtherKinds() throws {
        try parse("[null,true,1,\"a\",[1],{\"a\":1}]".utf8) { root in
            root.forEachElement { position, node in
                #expect(node.isNull == (position == 0))
                #expect((node.bool != nil) == (position == 1))
                #expect((node.int != nil) == (position == 2))
                #expect((node.double != nil) == (position == 2))
                #expect((node.string != nil) == (position == 3))
                #expect((node.withStringBytes { $0.count } != nil) == (position == 3))
                #expect(node.count == (position > 3 ? 1 : 0))
                #expect((node["a"] != nil) == (position == 5))
            }
        }
    }

    @Test func passesErrorsOn() throws {
        struct Stop: Error, Equatable { let at: Int }
        try parse("[[1,2],{\"a\":1}]".utf8) { root in
            #expect(throws: Stop(at: 1)) {
                try root.forEachElement { position, _ throws(Stop) in
                    if position == 1 { throw Stop(at: position) }
                }
            }
        }
    }

    @Test func isNullBeforeAndAfterFailure() {
        let document = JSONDocument()
        #expect(document.root.isNull)
        #expect(document.root.bytes.isEmpty)
        #expect(refusal("[1,2,".utf8, with: document) != nil)
        #expect(document.root.isNull)
        #expect(walk(document.root) == 1)
    }

    @Test(
        arguments: [
            ("0", 0), ("-0", 0), ("-0.0e5", 0), ("0e999999999999999999999", 0), ("1.0", 1), ("1e2", 100),
            ("-1.50e1", -15),
            ("100e-2", 1), ("0.001e3", 1), ("9223372036854775807", .max), ("-9223372036854775808", .min),
            ("9223372036854775807.0", .max), ("-922337203685477580.8e1", .min), ("1e18", 1_000_000_000_000_000_000),
            ("9007199254740993", 9_007_199_254_740_993), ("10.00", 10), ("1200.0e-2", 12), ("9223372036854775808", nil),
            ("-9223372036854775809", nil), ("9223372036854775808.0", nil), ("1e19", nil), ("0.5", nil), ("1e-1", nil),
            ("1e-400", nil), ("10.01", nil), ("1e300", nil), ("15e-1", nil), ("123456789012345678901234567890", nil),
        ] as [(String, Int?)])
    func givesExactIntegers(_ text: String, value: Int?) throws {
        #expect(try parse(text.utf8) { $0.int } == value)
    }

    @Test func givesNearestDoubles() throws {
        var random = SeededGenerator(11)
        let document = JSONDocument()
        for _ in 0..<20_000 {
            let double = Double(bitPattern: random.next())
            guard double.isFinite else { continue }
            #expect(try parse("\(double)".utf8, with: document) { $0.double } == double)
            let digits = "\(random.next() >> UInt64.random(in: 0..<64, using: &random))"
            let spelled = "\(digits).\(random.next() % 1000)e\(Int.random(in: -40...40, using: &random))"
            #expect(try parse(spelled.utf8, with: document) { $0.double } == Double(spelled))
        }
        let long = "0." + String(repeating: "0", count: 400) + "1e401"
        #expect(try parse(long.utf8) { $0.double } == 1)
        let zeros = "1" + String(repeating: "0", count: 400) + "e-400"
        #expect(try parse(zeros.utf8) { $0.int } == 1)
        #expect(
            refusal(("1" + String(repeating: "0", count: 400)).utf8)?.expectation.description
                == "a number a double can hold")
        #expect(try parse("1e-400".utf8) { $0.double } == 0)
    }

    @Test func resolvesEscapes() throws {
        let text =
            #"["\"\\\/\b\f\n\r\t","\u0000\u007f\u0080\u07ff\u0800\uffff","\ud83d\ude00x\udbff\udfff","æ\u00e6æ"]"#
        let expected = ["\"\\/\u{8}\u{c}\n\r\t", "\0\u{7f}\u{80}\u{7ff}\u{800}\u{ffff}", "😀x\u{10ffff}", "æææ"]
        try parse(text.utf8) { root in
            root.forEachElement { position, node in #expect(node.string == expected[position]) }
        }
    }

    @Test func findsNamesOfAnyLength() throws {
        for length in 0..<40 {
            let name = String(repeating: "n", count: length)
            let text = "{\"\(name)x\":1,\"\(name)\":2,\"x\(name)\":3}"
            guard length > 0 else { continue }
            try parse(text.utf8) { root in
                var seen = 0
                root.forEachMember { _, value in seen += value.int ?? 0 }
                #expect(seen == 6)
                #expect((root["nnnnnnnnn"]?.int == 2) == (length == 9))
                #expect((root["nnnnnnnnx"]?.int == 1) == (length == 8))
            }
        }
    }
}
