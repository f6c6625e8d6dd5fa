import FuldmagtRecord
import Testing

@Suite struct Murmur2Tests {
    @Test(
        "agrees with Java's clients",
        arguments: [
            ("21", -973_932_308), ("foobar", -790_332_482), ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971), ("abc", 479_470_107),
        ] as [(String, Int32)])
    func agreesWithJava(key: String, expected: Int32) {
        let hash = Array(key.utf8).withUnsafeBytes { Murmur2.hash($0) }
        #expect(Int32(bitPattern: hash) == expected)
    }

    @Test("a partition is never negative and always within range")
    func partitionsAreInRange() {
        for number in 0..<10_000 {
            #expect((0..<7).contains(Murmur2.partition(of: "key-\(number)", partitions: 7)))
        }
    }
}

@Suite struct FrameTests {
    @Test("a frame gives back what was put in")
    func roundTrip() throws {
        var writer = FrameWriter()
        Array("k".utf8).withUnsafeBytes { key in
            writer.append(
                topic: 3, partition: 7, timestamp: 42, key: key,
                headers: {
                    HeaderBlock.append("a", "b", to: &$0)
                    HeaderBlock.append(name: UnsafeRawBufferPointer(start: nil, count: 0), value: nil, to: &$0)
                },
                value: {
                    $0.append(contentsOf: [0, 255])
                    return true
                })
        }
        writer.append(topic: 1, partition: nil, timestamp: nil, key: nil, headers: { _ in }, value: { _ in false })
        let frame = writer.take()
        let again = Frame(bytes: frame.bytes, count: frame.count)
        var seen: [String] = []
        try again.forEach { record in
            var names: [String] = []
            HeaderBlock.forEach(in: record.headers) { name, value in
                names.append("\(String(decoding: name, as: UTF8.self))=\(value.map { $0.count } ?? -1)")
            }
            seen.append(
                "\(record.topic) \(record.partition ?? -1) \(record.timestamp ?? -1) \(record.key?.count ?? -1) \(names) \(record.value.map(Array.init) ?? [9])"
            )
        }
        #expect(seen == [#"3 7 42 1 ["a=1", "=-1"] [0, 255]"#, "1 -1 -1 -1 [] [9]"])
    }

    @Test("a damaged frame is an error, wherever it is cut")
    func damage() {
        var writer = FrameWriter()
        writer.append(
            topic: 1, partition: nil, timestamp: nil, key: nil, headers: { _ in },
            value: {
                $0.append(contentsOf: [1, 2, 3])
                return true
            })
        let frame = writer.take()
        for length in 0..<frame.bytes.count {
            let cut = Frame(bytes: Array(frame.bytes[..<length]), count: 1)
            #expect(throws: FrameDamaged.self) { try cut.forEach { _ in } }
        }
    }
}
