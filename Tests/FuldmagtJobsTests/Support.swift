import FuldmagtDomain
import FuldmagtJobs
import FuldmagtKeys

/// What tests of jobs share. All persons are test persons.
enum Sample {
    static let today = day("2026-11-24")
    static let settings = Settings(
        admitsTestPersons: true, sender: Sender(cvr: "10000009", name: "Fuldmagt"), cluster: "test", partitions: 4)
    static let source = "urn:dk:cvr:29189846:moves"

    static func day(_ text: String) -> Day {
        guard let day = Day(text) else { preconditionFailure("no day") }
        return day
    }

    static func keys() throws -> ClusterKey { try ClusterKey(hex: String(repeating: "0a", count: 32)) }

    /// Test person `number`: 0 to 9999.
    static func cpr(_ number: Int) -> String {
        let digits = String(number)
        return "610150" + String(repeating: "0", count: 4 - digits.count) + digits
    }

    static func job(_ changes: String = "", kind: String = "moves") throws -> Job {
        try Job(file: Array(file(changes, kind: kind).utf8))
    }

    /// A job file of moves: CSV with header `cpr;kommune;dato`.
    static func file(_ changes: String = "", kind: String = "moves") -> String {
        let columns =
            changes.contains("\"columns\"")
            ? "" : #","columns":{"citizen":"cpr","to":"kommune","effective":"dato"}"#
        return #"{"job":"m1","source":"\#(source)","kind":"\#(kind)","input":"in.csv"\#(columns)\#(changes)}"#
    }

    /// All lines of an input that comes in pieces.
    static func lines(
        _ job: Job, _ bytes: [UInt8], piece: Int = 4096, limit: Int = LineSplitter.defaultLimit,
        switches: SwitchRecords? = nil, ids: LineIDs? = nil
    ) throws -> [JobLine] {
        var reader = try JobReader(
            job: job, settings: settings, today: today, ids: ids ?? .keyed(try keys()), switches: switches,
            lineLimit: limit)
        var lines: [JobLine] = []
        var at = 0
        while at < bytes.count {
            let end = min(at + piece, bytes.count)
            reader.feed(bytes[at..<end])
            at = end
            while let line = try reader.next() { lines.append(line) }
        }
        reader.finish()
        while let line = try reader.next() { lines.append(line) }
        return lines
    }

    static func lines(_ job: Job, _ text: String, piece: Int = 4096) throws -> [JobLine] {
        try lines(job, Array(text.utf8), piece: piece)
    }
}

extension JobLine {
    /// In one word, with what matters.
    var short: String {
        switch self {
        case .command(let command): "command \(command.line)"
        case .rejected(let line, let faults):
            "rejected \(line.number) " + faults.map { "\($0.code)@\($0.column ?? 0)" }.joined(separator: ",")
        case .rejectedPart(let line): "part \(line.number)"
        case .duplicate(let line, let of): "duplicate \(line) of \(of)"
        case .header: "header"
        case .blank(let line): "blank \(line)"
        }
    }

    var command: LineCommand? { if case .command(let command) = self { command } else { nil } }
}
