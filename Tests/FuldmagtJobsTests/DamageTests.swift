import FuldmagtJobs
import FuldmagtTestKit
import Testing

/// Thousands of damaged files, generated: nothing traps, and every byte of every line is either a command or rejected.
@Suite struct DamageTests {
    private static let pieces: [[UInt8]] = [
        Array("\"".utf8), Array("\"\"".utf8), [0], [0xEF, 0xBB, 0xBF], [13], [13, 10], [10, 13], [0xC3], [0xFF, 0xFE],
        [0x85], Array(";".utf8), Array(";;;;".utf8), Array("\u{2028}".utf8), Array("{".utf8), Array("\\".utf8),
        Array("æøå".utf8), [0xE6, 0xF8, 0xE5], Array(repeating: 0x78, count: 3_000), Array("-".utf8),
        Array("=1+1".utf8),
    ]

    /// A kind of input, with a good line of it by number.
    struct Input: Sendable, CustomTestStringConvertible {
        var name: String
        var header: String
        /// The job file's members beside job, source and kind.
        var members: String
        var kind: String
        var files: Int
        var line: @Sendable (Int, String) -> String

        var testDescription: String { name }
    }

    private static let inputs = [
        Input(
            name: "CSV of moves in ISO-8859-1", header: "cpr;kommune;dato\r\n", members: #","encoding":"iso-8859-1""#,
            kind: "moves", files: 1_000, line: { "\($1);0101;2026-01-0\($0 % 9 + 1)" }),
        Input(
            name: "JSON lines of moves", header: "", members: #","format":"jsonl","columns":{}"#, kind: "moves",
            files: 1_000, line: { #"{"citizen":"\#($1)","to":"0101","effective":"2026-01-0\#($0 % 9 + 1)"}"# }),
        Input(
            name: "CSV of grants", header: "g;r;p;u\r\n",
            members:
                #","columns":{"grantor":"g","representative":"r","packages":"p","validUntil":"u"},"defaults":{"channel":"digital"},"privileges":{"A":"care"}"#,
            kind: "grants", files: 300, line: { "\($1);10000009;\"A\";0\($0 % 9 + 1)-06-2027" }),
        Input(
            name: "CSV of a supplier switch", header: "m;o;n;f\r\n",
            members: #","columns":{"municipality":"m","oldItSystem":"o","newItSystem":"n","from":"f"}"#,
            kind: "supplier-switch", files: 300, line: { at, _ in "101;urn:example:system;urn:x:\(at % 2);24-11-2026" }),
    ]

    @Test("damaged files of each kind, read in pieces of any size", arguments: inputs)
    func damage(input: Input) throws {
        let job = try Sample.job(input.members, kind: input.kind)
        let world = try World(
            ["0", "1"].map {
                ("itsystem.define", #"{"id":"urn:x:\#($0)","name":"x","supplier":{"cvr":"10000009","name":"x"}}"#)
            })
        let switches = SwitchRecords(catalogue: world.circumstances.catalogue, today: Sample.today)
        for seed in 0..<input.files {
            var random = SplitMix64(seed: UInt64(seed))
            var bytes = Array(input.header.utf8)
            for number in 0..<12 {
                bytes += Array(input.line(number, Sample.cpr(Int(random.next() % 10))).utf8)
                bytes += [[10], [13], [13, 10]][Int(random.next() % 3)]
            }
            damage(&bytes, from: input.header.utf8.count, &random)
            let lines = try Sample.lines(
                job, bytes, piece: Int(random.next() % 97) + 1, limit: 2_000, switches: switches)
            try check(lines, bytes, "seed \(seed)")
        }
    }

    @Test("a field of 1 MiB of each kind of byte is sent or rejected, and the lines around it are read")
    func large() throws {
        for byte in [0x78, 0x22, 0x3B, 0x00, 0xFF, 0xC3, 0x2D, 0x30] as [UInt8] {
            let field = [UInt8](repeating: byte, count: 1 << 20)
            let bytes =
                Array("cpr;kommune;dato\n\(Sample.cpr(1));101;2026-01-01\n\(Sample.cpr(2));".utf8) + field
                + Array(";2026-01-01\n\(Sample.cpr(3));101;2026-01-01\n".utf8)
            let lines = try Sample.lines(Sample.job(), bytes, piece: 1 << 16)
            #expect(lines.count == 4 && lines[1].command?.line == 2 && lines[3].command?.line == 4, "\(byte)")
            #expect(lines[2].short.hasPrefix("rejected 3"), "\(byte)")
        }
    }

    private func damage(_ bytes: inout [UInt8], from start: Int, _ random: inout SplitMix64) {
        for _ in 0...(random.next() % 4) {
            let at = start + Int(random.next() % UInt64(bytes.count - start))
            switch random.next() % 4 {
            case 0: bytes.removeSubrange(at..<min(at + 1 + Int(random.next() % 9), bytes.count))
            case 1: bytes[at] = UInt8(truncatingIfNeeded: random.next())
            case 2: bytes.removeLast(min(Int(random.next() % 20), bytes.count - start - 1))
            default: bytes.insert(contentsOf: Self.pieces[Int(random.next() % UInt64(Self.pieces.count))], at: at)
            }
            if bytes.count <= start + 1 { bytes += Array("xyz".utf8) }
        }
    }

    /// The lines that a plain cutting of the bytes gives are all there, in order, with the bytes they had.
    private func check(_ lines: [JobLine], _ bytes: [UInt8], _ name: String) throws {
        var starts: [Range<Int>] = []
        var at = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        while at < bytes.count {
            var end = at
            while end < bytes.count, bytes[end] != 10, bytes[end] != 13 { end += 1 }
            var next = min(end + 1, bytes.count)
            if end + 1 < bytes.count, bytes[end] == 13, bytes[end + 1] == 10 { next = end + 2 }
            starts.append(at..<next)
            at = next
        }
        var found: [Int: [UInt8]] = [:]
        var last = 0
        for line in lines {
            let number: Int
            switch line {
            case .command(let command):
                number = command.line
                // A further command of the same line.
                if command.part > 0 {
                    #expect(number == last, "\(name)")
                    continue
                }
            case .duplicate(let line, _), .blank(let line): number = line
            case .header(let line): number = line.number
            case .rejected(let line, let faults):
                number = line.number
                found[number] = line.raw
                #expect(!faults.isEmpty && faults.allSatisfy { !$0.code.isEmpty && !$0.remedy.isEmpty }, "\(name)")
            case .rejectedPart(let line):
                number = line.number
                found[number, default: []] += line.raw
                #expect(number == last, "\(name)")
                continue
            }
            #expect(number == last + 1, "\(name): line \(number) after \(last)")
            last = number
        }
        #expect(last == starts.count, "\(name): \(last) of \(starts.count) lines")
        for (number, raw) in found where number <= starts.count {
            #expect(raw == Array(bytes[starts[number - 1]]), "\(name): line \(number)")
        }
    }
}
