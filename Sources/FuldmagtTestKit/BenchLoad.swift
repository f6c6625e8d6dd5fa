import FuldmagtDomain
import FuldmagtRecord

/// The load that speed is measured with: `grant.issue` commands of about 380 bytes over a number of citizens, packages in
/// every municipality, some repeats and some packages that are not activated. Every command follows from the seed and its
/// number.
public struct BenchLoad: Sendable {
    public static let packages = 40
    public let seed: UInt64
    public let citizens: Int
    public let commands: Int
    /// Of a thousand commands, how many repeat an earlier one, and how many name a package that is not activated.
    public static let repeats: UInt64 = 20
    public static let notActivated: UInt64 = 30

    private let municipalities: [Municipality]

    public init(seed: UInt64, citizens: Int, commands: Int) {
        self.seed = seed
        self.citizens = citizens
        self.commands = commands
        municipalities = Municipality.all.filter(\.isMunicipality)
    }

    /// A test person: born between 1950 and 1989, numbered by `index`.
    public func person(_ index: Int) -> String {
        let day = index % 28 + 1 + 60
        let month = index / 28 % 12 + 1
        let year = index / 336 % 40 + 50
        let serial = index / 13_440 % 4000
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let digits = String(serial)
        return two(day) + two(month) + two(year) + String(repeating: "0", count: 4 - digits.utf8.count) + digits
    }

    public func municipality(of citizen: Int) -> Municipality { municipalities[citizen % municipalities.count] }

    private func mix(_ value: UInt64) -> UInt64 {
        var z = value &+ seed &+ 0x9e37_79b9_7f4a_7c15
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    // MARK: Records

    private func append(_ type: CommandType, id: String, key: String, data: String, to frame: inout Frame) {
        var key = key
        key.withUTF8 { key in
            frame.append(
                topic: type.topic.rawValue, partition: nil, timestamp: nil, key: UnsafeRawBufferPointer(key),
                headers: { block in
                    HeaderBlock.append("ce_specversion", "1.0", to: &block)
                    HeaderBlock.append("ce_id", id, to: &block)
                    HeaderBlock.append("ce_type", type.name, to: &block)
                    HeaderBlock.append("ce_source", "urn:dk:cvr:29189846:bench", to: &block)
                    HeaderBlock.append("ce_time", "2026-11-22T10:00:00Z", to: &block)
                    HeaderBlock.append("content-type", "application/json", to: &block)
                },
                value: { bytes in
                    bytes.append(contentsOf: data.utf8)
                    return true
                })
        }
    }

    /// 40 packages, and their activations in every municipality but for the last package, which none has.
    public func catalogue() -> Frame {
        var frame = Frame()
        for package in 0...Self.packages {
            append(
                .packageDefine, id: "package-\(package)", key: "package/bench-\(package)",
                data: """
                    {"id":"bench-\(package)","version":1,"title":{"da":"Eksempel \(package)","en":"Example \(package)"},"wording":{"da":"Jeg giver fuldmagt til at handle for mig i sager af denne slags.","en":"I give power of attorney to act for me in matters of this kind."},"kind":"act","scope":"municipal","kle":["27.60"]}
                    """, to: &frame)
            guard package < Self.packages else { continue }
            for municipality in municipalities {
                append(
                    .activationSet, id: "activation-\(package)-\(municipality)",
                    key: "activation/\(municipality)/bench-\(package)/urn:example:bench",
                    data: """
                        {"municipality":"\(municipality)","package":"bench-\(package)","itSystem":"urn:example:bench","from":"2020-01-01"}
                        """, to: &frame)
            }
        }
        return frame
    }

    /// Where a run of citizens lives.
    public func moves(_ range: Range<Int>) -> Frame {
        var frame = Frame()
        for citizen in range {
            let person = person(citizen)
            append(
                .moveRelocate, id: "move-\(citizen)", key: person,
                data: """
                    {"citizen":{"cpr":"\(person)"},"to":"\(municipality(of: citizen))","effective":"2020-01-01"}
                    """, to: &frame)
        }
        return frame
    }

    /// A run of commands.
    public func issues(_ range: Range<Int>) -> Frame {
        var frame = Frame()
        frame.reserveCapacity(range.count * 640)
        for number in range { appendIssue(number, to: &frame) }
        return frame
    }

    /// How many distinct ids a run of commands from the first on has.
    public func distinct(_ range: Range<Int>) -> Int {
        range.reduce(0) { $0 + (isRepeat($1) ? 0 : 1) }
    }

    private func isRepeat(_ number: Int) -> Bool {
        number > 1000 && mix(UInt64(number)) % 1000 < Self.repeats && !isRepeat(number - 997)
    }

    private func appendIssue(_ number: Int, to frame: inout Frame) {
        if isRepeat(number) {
            appendIssue(number - 997, to: &frame)
            return
        }
        // Each citizen gives to each of their helpers once: the round decides over package and helper.
        let citizen = Int(mix(UInt64(number) << 20) % UInt64(citizens))
        let helper = (citizen + 1 + Int(mix(UInt64(number) << 21) % 97)) % citizens
        let isActivated = mix(UInt64(number) << 22) % 1000 >= Self.notActivated
        let package = isActivated ? number % Self.packages : Self.packages
        let grantor = person(citizen)
        append(
            .grantIssue, id: "bench-\(seed)-\(number)", key: grantor,
            data: """
                {"grantor":{"cpr":"\(grantor)"},"representative":{"cpr":"\(person(helper))"},"packages":["bench-\(package)"],"validFrom":"2026-11-20","validUntil":"2028-11-22","channel":"paper","evidence":{"journal":"2026-\(number)-0001","caseworker":"caseworker-\(number % 100)","identification":"passport","form":"example form, scanned and archived by the citizen service of the municipality"}}
                """, to: &frame)
    }
}
