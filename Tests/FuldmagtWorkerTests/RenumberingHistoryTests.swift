import FuldmagtDomain
import FuldmagtStore
import FuldmagtTestKit
import FuldmagtWorker
import Testing

/// A few people with more numbers than they should have, and every order in which these follow each other.
@Suite struct RenumberingHistoryTests {
    /// Who somebody is by which number, and who may act for whom: written from the contract, with every number one text.
    private struct Model {
        struct Grant {
            let grantor: String
            let package: String
            /// The number it is held under, and the one before.
            var holder: String
            var former: String?
        }

        /// The number that took a number's place.
        var newer: [String: String] = [:]
        var living: [Grant] = []

        func current(_ number: String) -> String {
            var number = number
            while let next = newer[number] { number = next }
            return number
        }

        mutating func renumber(_ named: String, to number: String) -> String {
            let file = current(named)
            guard number != file else { return named == file ? "rejected" : "accepted" }
            // Somebody has a former number again.
            if current(number) == file { newer[number] = nil }
            newer[file] = number
            for at in living.indices { follow(&living[at]) }
            return "accepted"
        }

        private func follow(_ grant: inout Grant) {
            while let next = newer[grant.holder] {
                grant.former = grant.holder
                grant.holder = next
            }
        }

        private func isHeld(_ grant: Grant, by number: String, from grantor: String, _ package: String) -> Bool {
            current(grant.grantor) == current(grantor) && grant.package == package
                && (grant.holder == number || grant.former == number)
        }

        mutating func issue(_ grantor: String, to holder: String, _ package: String) -> String {
            if holder == grantor || holder == current(grantor) { return "rejected" }
            if living.contains(where: { isHeld($0, by: holder, from: grantor, package) }) { return "rejected" }
            var grant = Grant(grantor: grantor, package: package, holder: holder)
            follow(&grant)
            living.append(grant)
            return "accepted"
        }

        mutating func revoke(_ grantor: String, from holder: String, _ package: String) -> String {
            let count = living.count
            living = living.filter { !isHeld($0, by: holder, from: grantor, package) }
            return living.count < count ? "accepted" : "rejected"
        }

        /// The name to use for a representative. Where they hold the package already it is the present one: which of the
        /// former ones a grantor's file still knows depends on how it heard of the present one.
        func name(of holder: String, from grantor: String, _ package: String) -> String {
            let isAmbiguous = living.contains {
                current($0.grantor) == current(grantor) && $0.package == package && $0.holder == current(holder)
            }
            return isAmbiguous ? current(holder) : holder
        }
    }

    private static let numbers = [
        "6101500014", "6202800015", "6303900016", "6101500030", "6101500049", "6202800023", "6303900024",
    ]
    private static let packages = ["tax", "health"]

    private func pseudonym(_ digits: String) -> String {
        do { return TestCluster.keys.pseudonym(of: .person(try CPR(digits, today: .last))).description } catch {
            preconditionFailure("no number")
        }
    }

    private func begin() throws -> TestCluster {
        let cluster = try TestCluster()
        for package in Self.packages { cluster.package(package, scope: "national") }
        try cluster.drain()
        return cluster
    }

    private enum Step {
        case issue(String, String, String)
        case revoke(String, String, String)
        case renumber(String, String)
    }

    /// - Parameter staysOneself: nobody gets a number that is another person's: three have some of the numbers each.
    private func step(_ random: inout SplitMix64, staysOneself: Bool) -> Step {
        let at = random.below(Self.numbers.count)
        let one = Self.numbers[at]
        let other = random.pick(Self.numbers.filter { $0 != one })
        let own = Self.numbers.indices.filter { $0 != at && $0 % 3 == at % 3 }.map { Self.numbers[$0] }
        switch random.below(10) {
        case ..<4: return .issue(one, other, random.pick(Self.packages))
        case ..<7: return .revoke(one, other, random.pick(Self.packages))
        default: return .renumber(one, staysOneself ? random.pick(own) : other)
        }
    }

    private func send(_ step: Step, id: String, to cluster: TestCluster) {
        switch step {
        case .issue(let grantor, let holder, let package): cluster.issue(grantor, to: holder, [package], id: id)
        case .revoke(let grantor, let holder, let package): cluster.revoke(grantor, from: holder, [package], id: id)
        case .renumber(let from, let to): cluster.renumber(from, to: to, id: id)
        }
    }

    /// What rows of a table say of living grants: some members of each.
    private func living(_ table: String, _ members: String..., in dump: [String]) throws -> [String] {
        try dump.filter { $0.contains("\"table\":\"\(table)\"") && $0.contains(#""state":"active""#) }.map { line in
            try members.map { member in
                let range = try #require(line.range(of: "\"\(member)\":\""))
                return String(line[range.upperBound...].prefix { $0 != "\"" })
            }.joined(separator: " ")
        }.sorted()
    }

    @Test(
        "one command after the other: answers and rights are the model's, and both parties' files agree",
        arguments: 1...24)
    func oneByOne(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let cluster = try begin()
        var model = Model()
        var story: [String] = []
        for number in 0..<40 {
            var step = step(&random, staysOneself: false)
            switch step {
            case .issue(let grantor, let holder, let package):
                step = .issue(grantor, model.name(of: holder, from: grantor, package), package)
            case .revoke(let grantor, let holder, let package):
                step = .revoke(grantor, model.name(of: holder, from: grantor, package), package)
            case .renumber: break
            }
            story.append("\(step)")
            cluster.clock.advance(seconds: 1)
            let expected =
                switch step {
                case .issue(let grantor, let holder, let package): model.issue(grantor, to: holder, package)
                case .revoke(let grantor, let holder, let package): model.revoke(grantor, from: holder, package)
                case .renumber(let from, let to): model.renumber(from, to: to)
                }
            send(step, id: "c\(number)", to: cluster)
            try cluster.drain(members: Int(seed % 3) + 1)
            try #require(
                cluster.answer("c\(number)").hasPrefix(expected),
                "\(story.joined(separator: "\n"))\n\(cluster.said(.deadLetters))")
            let rights = model.living.map {
                "\(pseudonym(model.current($0.grantor))) \(pseudonym($0.holder)) \($0.package)"
            }
            let dump = try cluster.dump()
            let given = try living("grant", "citizen", "representative", "package", in: dump)
            try #require(given == rights.sorted(), "\(story.joined(separator: "\n"))")
            let received = try living("received", "grantor", "citizen", "package", in: dump)
            try #require(received == given, "\(story.joined(separator: "\n"))")
        }
        let findings = try cluster.check()
        #expect(findings.isEmpty, "\(findings)\n\(story.joined(separator: "\n"))")
    }

    @Test(
        "many at once: each is answered once, everything comes to rest, and both parties' files agree",
        arguments: 1...24)
    func atOnce(seed: UInt64) throws { try manyAtOnce(seed, crosses: false) }

    @Test(
        "many at once, and changes of one person's numbers cross each other: the same",
        arguments: [1533, 2667] + Array(1...24))
    func crossing(seed: UInt64) throws { try manyAtOnce(seed, crosses: true) }

    /// - Parameter crosses: a person's next number may be told while the one before is on its way.
    private func manyAtOnce(_ seed: UInt64, crosses: Bool) throws {
        var random = SplitMix64(seed: 1_000 + seed)
        let cluster = try begin()
        var story: [String] = []
        var changing: Set<Int> = []
        var sent: [Int] = []
        cluster.options.batchRecords = [1, 3, 100][Int(seed % 3)]
        for number in 0..<60 {
            let step = step(&random, staysOneself: true)
            // Else a person's numbers change one after the other.
            if !crosses, case .renumber(let from, _) = step {
                guard changing.insert((Self.numbers.firstIndex(of: from) ?? 0) % 3).inserted else { continue }
            }
            story.append("\(number) \(step)")
            cluster.clock.advance(seconds: 1)
            send(step, id: "c\(number)", to: cluster)
            sent.append(number)
            if random.below(8) == 0 {
                try cluster.drain(members: Int(seed % 3) + 1)
                story.append("drained")
                changing = []
            }
        }
        try cluster.drain(members: Int(seed % 3) + 1)
        for number in sent { #expect(cluster.outcomes(of: "c\(number)").count == 1, "\(number)") }
        // Which number a party is known by may be an old one, until there are news of the grant.
        let dump = try cluster.dump()
        let given = try living("grant", "grant", in: dump)
        #expect(try living("received", "grant", in: dump) == given, "\(story.joined(separator: "\n"))")
        #expect(cluster.said(.deadLetters).isEmpty)
        let findings = try cluster.check()
        #expect(findings.isEmpty, "\(findings)\n\(story.joined(separator: "\n"))")
    }

    @Test(
        "a revocation takes what was given before it by the same number, however that number comes and goes",
        arguments: 1...48)
    func revocationWins(seed: UInt64) throws {
        let (cluster, story) = try oneGrantor(seed: 2_000 + seed, holderDies: false)
        let living = Set(try living("grant", "grant", in: try cluster.dump()))
        for (at, (id, step)) in story.enumerated() {
            guard case .issue(let grantor, _, let package) = step,
                let grant = cluster.outcomes(of: id).last?.text("grants.0.id"), living.contains(grant)
            else { continue }
            let revoked = story[at...].first { later in
                guard case .revoke(grantor, _, package) = later.step else { return false }
                return true
            }
            let shown = story.map { "\($0.id) \($0.step)" }.joined(separator: "\n")
            #expect(revoked == nil, "\(id) lives in spite of \(revoked?.id ?? "")\n\(shown)")
        }
    }

    @Test(
        "a representative's death ends whatever they have, however the grantor's number comes and goes",
        arguments: 1...48)
    func deathEnds(seed: UInt64) throws {
        let (cluster, story) = try oneGrantor(seed: 3_000 + seed, holderDies: true)
        let living = try living("grant", "grant", in: try cluster.dump())
        #expect(living.isEmpty, "\(story.map { "\($0.id) \($0.step)" }.joined(separator: "\n"))")
    }

    /// A person with three numbers, which are replaced by one another at any time, gives somebody powers and takes them back.
    /// At the end all commands have been answered, once.
    private func oneGrantor(seed: UInt64, holderDies: Bool) throws -> (TestCluster, [(id: String, step: Step)]) {
        var random = SplitMix64(seed: seed)
        let cluster = try begin()
        let own = [Self.numbers[0], Self.numbers[3], Self.numbers[4]]
        let holder = Self.numbers[1]
        cluster.options.batchRecords = [1, 2, 5][Int(seed % 3)]
        let members = Int(seed % 3) + 1
        let day = 20 + random.below(35)
        var story: [(id: String, step: Step)] = []
        for number in 0..<60 {
            let one = random.pick(own)
            let step: Step =
                switch random.below(10) {
                case ..<3: .issue(one, holder, random.pick(Self.packages))
                case ..<6: .revoke(one, holder, random.pick(Self.packages))
                default: .renumber(one, random.pick(own.filter { $0 != one }))
                }
            story.append(("c\(number)", step))
            // Some are written at one moment.
            cluster.clock.now.withLock { $0 = Instant(milliseconds: $0.milliseconds + Int64(random.below(3))) }
            send(step, id: "c\(number)", to: cluster)
            if holderDies, number == day {
                cluster.send(
                    "move.decease", #"{"citizen":{"cpr":"\#(holder)"},"effective":"2026-11-22"}"#, id: "dead",
                    key: holder)
            }
            if random.below(20) == 0 { try cluster.drain(members: members) }
        }
        try cluster.drain(members: members)
        for (id, _) in story { #expect(cluster.outcomes(of: id).count == 1, "\(id)") }
        #expect(cluster.said(.deadLetters).isEmpty)
        let findings = try cluster.check()
        #expect(findings.isEmpty, "\(findings)")
        return (cluster, story)
    }
}
