import FuldmagtDomain
import FuldmagtRecord

/// The load that speed is measured with: `grant.issue` commands of about 380 bytes, some of them repeats, some naming a
/// package that is not offered where the citizen lives; all others are accepted.
///
/// Every command is a function of the seed and its number, so any part of the load can be made anywhere, in any order.
/// Making one patches a few digits in a template: the generator must not be what is measured.
///
/// Send `catalogue()` first, then `relocation` for every citizen, then the commands.
public struct BenchWorkload: Sendable {
    public enum Kind: Sendable {
        case accepted
        /// The same bytes as an earlier command.
        case repeated
        /// Rejected: `package-not-activated`.
        case notActivated
    }

    /// Where a caller's commands are made: one for each thread, reused between commands.
    public struct Buffer: Sendable {
        fileprivate var issue: BenchTemplate
        fileprivate var issueToCompany: BenchTemplate
        fileprivate var relocation: BenchTemplate
    }

    public static let packages = 40
    /// Of the packages, those a municipality offers.
    static let offered = 36

    public let seed: UInt64
    public let citizens: Int
    public let commands: Int
    private let municipalities: [Municipality]
    private let companies: [[UInt8]]
    /// Of 10,000 commands after the first of every citizen, how many are repeats.
    private let repeatShare: UInt64

    /// - Parameters:
    ///   - citizens: at most 16,800,000: then the made-up numbers are used up.
    ///   - commands: at most 36 for each citizen, so that none gives the same package twice.
    public init(seed: UInt64, citizens: Int = 100_000, commands: Int = 500_000) {
        precondition(citizens > 1 && citizens <= 16_800_000 && commands <= citizens * Self.offered)
        self.seed = seed
        self.citizens = citizens
        self.commands = commands
        municipalities = Municipality.all.filter(\.isMunicipality)
        companies = WorkloadPerson.companies(64).map { Array($0.utf8) }
        repeatShare = commands > citizens ? UInt64(200 * commands / (commands - citizens)) : 0
    }

    @inline(__always)
    private func mixed(_ purpose: UInt64, _ number: Int) -> UInt64 {
        SplitMix64.mixed(SplitMix64.mixed(seed &+ purpose &* 0x9e37_79b9_7f4a_7c15) &+ UInt64(number))
    }

    // MARK: What a command is

    /// What becomes of a command.
    public func kind(of index: Int) -> Kind {
        let roll = mixed(1, index) % 10_000
        if index >= citizens, roll < repeatShare { return .repeated }
        return roll >= 9700 ? .notActivated : .accepted
    }

    /// How many commands there are of each kind.
    public func counts() -> (accepted: Int, repeated: Int, notActivated: Int) {
        var counts = (accepted: 0, repeated: 0, notActivated: 0)
        for index in 0..<commands {
            switch kind(of: index) {
            case .accepted: counts.accepted += 1
            case .repeated: counts.repeated += 1
            case .notActivated: counts.notActivated += 1
            }
        }
        return counts
    }

    /// Every citizen once in each round of as many commands as there are citizens, never in the order of their numbers.
    private func citizen(of index: Int) -> Int { (index % citizens * 1_000_003 + 7919) % citizens }

    private func municipality(of citizen: Int) -> Int { Int(mixed(2, citizen) % UInt64(municipalities.count)) }

    /// A municipality offers every package but those whose number ends in one digit.
    private static func digitNotOffered(_ municipality: Int) -> Int { municipality % 10 }

    private func package(of index: Int, citizen: Int, isOffered: Bool) -> Int {
        let missing = Self.digitNotOffered(municipality(of: citizen))
        let hash = mixed(3, citizen)
        guard isOffered else { return Int(hash % 4) * 10 + missing }
        let place = (Int(hash % UInt64(Self.offered)) + index / citizens * 7) % Self.offered
        let digit = place % 9
        return place / 9 * 10 + (digit >= missing ? digit + 1 : digit)
    }

    // MARK: Records

    /// Buffers with the fixed parts in place.
    public func makeBuffer() -> Buffer {
        let source = "urn:dk:cvr:29189846:bench"
        func issue(_ representative: String) -> BenchTemplate {
            BenchTemplate(
                type: "dk.fuldmagt.grant.issue.v1", source: source, id: "issue-#I",
                value: """
                    {"grantor":{"cpr":"#C"},"representative":{\(representative)},"packages":["bench-#P"],\
                    "validUntil":"2035-12-31","channel":"assisted","evidence":{"journal":"27.60-#J","caseworker":"KMD4711",\
                    "identification":"known-to-authority","assessment":{"possibilities":"MitID and its app",\
                    "consequences":"Told in the citizen centre","citizenPresent":true,"decidedOn":"2026-01-05"}}}
                    """)
        }
        return Buffer(
            issue: issue(##""cpr":"#R""##), issueToCompany: issue(##""cvr":"#V""##),
            relocation: BenchTemplate(
                type: "dk.fuldmagt.move.relocate.v1", source: source, id: "relocate-#I",
                value: ##"{"citizen":{"cpr":"#C"},"to":"#M","effective":"2020-01-01"}"##))
    }

    /// Makes a command and calls `body` with its key, headers (see `HeaderBlock`) and value, which are gone afterwards.
    public func command<Result>(
        _ index: Int, in buffer: inout Buffer,
        _ body: (_ key: UnsafeRawBufferPointer, _ headers: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer)
            throws -> Result
    ) rethrows -> Result {
        var index = index
        var kind = kind(of: index)
        while kind == .repeated {
            index -= citizens
            kind = self.kind(of: index)
        }
        let citizen = citizen(of: index)
        let package = package(of: index, citizen: citizen, isOffered: kind == .accepted)
        let hash = mixed(4, index)
        if hash % 10 < 3 {
            buffer.issueToCompany.put(id: index, person: citizen, package: package, journal: hash)
            buffer.issueToCompany.put(company: companies[Int(hash >> 32) & 63])
            return try buffer.issueToCompany.use(body)
        }
        let other = (citizen + 1 + Int((hash >> 32) % UInt64(citizens - 1))) % citizens
        buffer.issue.put(id: index, person: citizen, package: package, journal: hash)
        buffer.issue.put(representative: other)
        return try buffer.issue.use(body)
    }

    /// Makes the move that says where a citizen lives.
    public func relocation<Result>(
        _ citizen: Int, in buffer: inout Buffer,
        _ body: (_ key: UnsafeRawBufferPointer, _ headers: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer)
            throws -> Result
    ) rethrows -> Result {
        buffer.relocation.put(id: citizen, person: citizen, package: 0, journal: 0)
        buffer.relocation.put(municipality: Int(municipalities[municipality(of: citizen)].code))
        return try buffer.relocation.use(body)
    }

    /// 40 packages, each offered by nine of ten municipalities.
    /// - Parameter timestamp: of all of them, in milliseconds.
    public func catalogue(at timestamp: Int64) -> [ModelRecord] {
        var records: [ModelRecord] = []
        func append(_ type: String, _ key: String, _ data: ModelJSON) {
            let headers = [
                ("ce_specversion", "1.0"), ("ce_id", "bench-catalogue-\(records.count)"),
                ("ce_type", "dk.fuldmagt.\(type).v1"), ("ce_source", Workload.administrator),
                ("content-type", "application/json"),
            ]
            records.append(
                ModelRecord(
                    topic: .catalogue, key: Array(key.utf8), headers: headers.map { ($0.0, Array($0.1.utf8)) },
                    value: Array(data.written.utf8), timestamp: timestamp))
        }
        let system = Workload.itSystems[0]
        for package in 0..<Self.packages {
            let id = package < 10 ? "bench-0\(package)" : "bench-\(package)"
            append(
                "package.define", "package/\(id)",
                Workload.packageDefinition(0, version: 1).setting("id", .string(id)))
            for (at, municipality) in municipalities.enumerated() where package % 10 != Self.digitNotOffered(at) {
                append(
                    "activation.set", "activation/\(municipality)/\(id)/\(system)",
                    Workload.activation(municipality, 0, system, from: "2020-01-01", until: nil)
                        .setting("package", .string(id)))
            }
        }
        return records
    }

    /// Ends the activations of some packages everywhere: what each of them has a fortieth of all grants loses.
    /// - Parameter until: the last day.
    public func endings(of packages: Range<Int>, until: String, at timestamp: Int64) -> [ModelRecord] {
        catalogue(at: timestamp).compactMap { record in
            guard let key = record.key.map({ String(decoding: $0, as: UTF8.self) }), key.hasPrefix("activation/"),
                let package = key.split(separator: "/").dropFirst(2).first?.split(separator: "-").last.flatMap({
                    Int($0)
                }),
                packages.contains(package)
            else { return nil }
            var record = record
            let begins = Array(#""from":"2020-01-01""#.utf8)
            let ends = Array(#""from":"2020-01-01","until":"\#(until)""#.utf8)
            record.value = record.value.map { $0.replacing(begins, with: ends) }
            record.headers = record.headers.map { name, value in
                (name, name == "ce_id" ? value + Array("-end".utf8) : value)
            }
            return record
        }
    }
}
