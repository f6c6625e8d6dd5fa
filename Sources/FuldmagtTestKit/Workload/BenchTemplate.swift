import FuldmagtRecord

/// A record whose variable parts are digits at fixed places.
///
/// Marks in the text say where they go: `#I` nine digits of the id, `#C` ten of the citizen, `#R` ten of the
/// representative, `#V` eight of a company, `#P` two of the package, `#J` nine of the journal, `#M` four of the
/// municipality.
struct BenchTemplate: Sendable {
    private static let widths: [(mark: String, width: Int)] = [
        ("#I", 9), ("#C", 10), ("#R", 10), ("#V", 8), ("#P", 2), ("#J", 9), ("#M", 4),
    ]

    private var key = [UInt8](repeating: 48, count: 10)
    private var headers: [UInt8] = []
    private var value: [UInt8]
    private var idAt = 0
    private var citizenAt: Int
    private var representativeAt: Int
    private var companyAt: Int
    private var packageAt: Int
    private var journalAt: Int
    private var municipalityAt: Int

    init(type: String, source: String, id: String, value text: String) {
        var text = text
        var places: [String: Int] = [:]
        // From the left, so that a place is right once everything before it has its width.
        while let mark = Self.widths.compactMap({ Self.find($0.mark, in: text) }).min() {
            let bytes = Array(text.utf8)
            let name = String(decoding: bytes[mark..<mark + 2], as: UTF8.self)
            let width = Self.widths.first { $0.mark == name }?.width ?? 0
            places[name] = mark
            text =
                String(decoding: bytes[..<mark], as: UTF8.self) + String(repeating: "0", count: width)
                + String(decoding: bytes[(mark + 2)...], as: UTF8.self)
        }
        value = Array(text.utf8)
        citizenAt = places["#C"] ?? -1
        representativeAt = places["#R"] ?? -1
        companyAt = places["#V"] ?? -1
        packageAt = places["#P"] ?? -1
        journalAt = places["#J"] ?? -1
        municipalityAt = places["#M"] ?? -1
        HeaderBlock.append("ce_specversion", "1.0", to: &headers)
        HeaderBlock.append("ce_type", type, to: &headers)
        HeaderBlock.append("ce_source", source, to: &headers)
        HeaderBlock.append("ce_time", "2026-11-22T10:00:00Z", to: &headers)
        HeaderBlock.append("content-type", "application/json", to: &headers)
        HeaderBlock.append("ce_id", id.dropLast(2) + "000000000", to: &headers)
        idAt = headers.count - 9
    }

    private static func find(_ mark: String, in text: String) -> Int? {
        let bytes = Array(text.utf8)
        return bytes.indices.dropLast().first { bytes[$0...].starts(with: mark.utf8) }
    }

    @inline(__always)
    private static func write(_ number: Int, _ width: Int, _ bytes: inout [UInt8], _ at: Int) {
        guard at >= 0 else { return }
        var number = number
        for place in stride(from: at + width - 1, through: at, by: -1) {
            bytes[place] = UInt8(truncatingIfNeeded: 48 + number % 10)
            number /= 10
        }
    }

    /// The number of a made-up person: day of birth + 60, born from 1940 to 1989.
    @inline(__always)
    private static func number(ofPerson index: Int) -> Int {
        let day = index % 28 + 61
        let month = index / 28 % 12 + 1
        let year = index / 336 % 50 + 40
        return ((day * 100 + month) * 100 + year) * 10_000 + 1000 + index / 16_800 % 1000
    }

    @inline(__always)
    mutating func put(id: Int, person: Int, package: Int, journal: UInt64) {
        let number = Self.number(ofPerson: person)
        Self.write(number, 10, &key, 0)
        Self.write(number, 10, &value, citizenAt)
        Self.write(id, 9, &headers, idAt)
        Self.write(package, 2, &value, packageAt)
        Self.write(Int(journal % 1_000_000_000), 9, &value, journalAt)
    }

    @inline(__always)
    mutating func put(representative: Int) {
        Self.write(Self.number(ofPerson: representative), 10, &value, representativeAt)
    }

    @inline(__always)
    mutating func put(company: [UInt8]) {
        for at in company.indices { value[companyAt + at] = company[at] }
    }

    mutating func put(municipality: Int) { Self.write(municipality, 4, &value, municipalityAt) }

    func use<Result>(
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        try key.withUnsafeBytes { key in
            try headers.withUnsafeBytes { headers in
                try value.withUnsafeBytes { try body(key, headers, $0) }
            }
        }
    }
}
