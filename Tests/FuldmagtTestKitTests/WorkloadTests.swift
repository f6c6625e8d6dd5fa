import FuldmagtDomain
import FuldmagtKeys
import FuldmagtRecord
import FuldmagtTestKit
import Testing

@Suite struct WorkloadTests {
    static let partitions: Int32 = 6

    static func workload(seed: UInt64, commands: Int) throws -> (Workload, ClusterKey) {
        let keys = try ClusterKey(hex: String(repeating: "0f", count: 32))
        var options = Workload.Options()
        options.hasLargeValues = commands >= 20_000
        let workload = Workload(
            seed: seed, citizens: 600, commands: commands, partitions: partitions, keys: keys, options: options)
        return (workload, keys)
    }

    static func run(_ workload: Workload, _ keys: ClusterKey, phases: [[ModelRecord]]) -> NaiveModel {
        var model = NaiveModel(
            keys: keys,
            settings: Settings(
                admitsTestPersons: true, sender: Sender(cvr: "55133018", name: "Eksempel"), cluster: "test",
                partitions: partitions))
        for record in workload.catalogue() { model.take(record) }
        for (phase, records) in zip(workload.phases(), phases) {
            model.advance(to: phase.start)
            for record in records { model.take(record) }
        }
        return model
    }

    @Test func theSameSeedGivesTheSameRecords() throws {
        let (first, _) = try Self.workload(seed: 3, commands: 2000)
        let (second, _) = try Self.workload(seed: 3, commands: 2000)
        let (other, _) = try Self.workload(seed: 4, commands: 2000)
        #expect(first.phases().map(\.records) == second.phases().map(\.records))
        #expect(first.phases().map(\.records) != other.phases().map(\.records))
        #expect(first.catalogue() == second.catalogue())
    }

    @Test func timeGoesForwardAndAPhaseIsOneDay() throws {
        let (workload, _) = try Self.workload(seed: 5, commands: 5000)
        var last = try #require(workload.catalogue().last?.timestamp)
        for phase in workload.phases() {
            #expect(phase.start.milliseconds > last)
            for record in phase.records {
                #expect(record.timestamp >= phase.start.milliseconds && record.timestamp > last)
                #expect(Instant(milliseconds: record.timestamp).day == phase.start.day)
                last = record.timestamp
            }
        }
    }

    @Test func everyReasonAndDeadLetterOccurs() throws {
        let (workload, keys) = try Self.workload(seed: 1, commands: 20_000)
        let model = Self.run(workload, keys, phases: workload.phases().map(\.records))
        #expect(model.outcomes.filter { $0.type.contains(".catalogue") }.isEmpty)
        let codes = Set(model.outcomes.flatMap { $0.reasons.map(\.code) })
        let inScope: Set<String> = [
            "invalid-field", "missing-field", "invalid-cpr", "invalid-cvr", "unknown-package", "package-retired",
            "package-not-activated", "unknown-municipality", "same-party", "grantor-too-young",
            "representative-too-young", "validity-ended", "validity-too-long", "already-granted", "unknown-grant",
            "not-active", "evidence-missing", "assessment-missing", "not-in-person", "journal-missing",
            "already-exempt", "not-exempt", "not-deciding-authority", "residence-unknown", "unknown-kle",
            "already-requested", "unknown-request", "version-mismatch", "unknown-readaccess",
            "grantor-dead", "representative-dead", "citizen-dead",
        ]
        #expect(codes == inScope)
        let dead = Dictionary(grouping: model.deadLetters, by: \.reason).mapValues(\.count)
        let kinds = [
            "empty-value", "too-large", "too-deep", "invalid-utf8", "invalid-json", "missing-attribute",
            "invalid-attribute", "unknown-type", "unknown-version", "wrong-topic", "invalid-citizen", "id-reused",
        ]
        #expect(Set(dead.keys) == Set(kinds))
        for kind in kinds { #expect(dead[kind, default: 0] >= 4, "\(kind)") }
        let told = Set(model.notifications.map(\.kind))
        #expect(
            told == [
                "grant-given", "grant-received", "grant-revoked", "grant-dormant", "grant-awake",
                "exemption-registered", "exemption-lifted", "cancelled", "grant-requested", "grant-declined",
                "grant-renewed", "grant-corrected", "grant-expiring", "grant-ended", "readaccess-given",
                "readaccess-ended",
            ])
        let accepted = model.outcomes.filter { $0.status == "accepted" }.count
        #expect(accepted * 2 > model.outcomes.count)
        #expect(
            Set(model.notifications.filter { $0.cancelledKind == nil && !$0.isRerouted }.map(\.id)).count
                == model.notifications.filter { $0.cancelledKind == nil && !$0.isRerouted }.count)
    }

    /// Every command does something now and then, and is rejected for each reason it can have.
    @Test(arguments: [
        ("grant.issue", ["grantor-dead", "representative-dead", "residence-unknown", "package-not-activated"]),
        (
            "grant.request",
            ["already-requested", "already-granted", "residence-unknown", "validity-ended", "grantor-dead"]
        ),
        ("grant.approve", ["unknown-request", "already-granted", "validity-ended", "evidence-missing"]),
        ("grant.decline", ["unknown-request", "missing-field", "invalid-field"]),
        ("grant.renew", ["unknown-grant", "not-active", "version-mismatch", "validity-ended", "validity-too-long"]),
        (
            "grant.correct",
            [
                "unknown-grant", "not-active", "version-mismatch", "validity-ended", "validity-too-long",
                "journal-missing", "same-party", "already-granted", "representative-too-young", "invalid-cpr",
                "invalid-cvr",
            ]
        ),
        ("exemption.correct", ["not-exempt", "journal-missing", "not-deciding-authority", "unknown-municipality"]),
        ("readaccess.grant", ["same-party", "validity-ended", "invalid-cpr", "invalid-cvr", "missing-field"]),
        ("readaccess.withdraw", ["unknown-readaccess", "invalid-field"]),
        ("mailbox.enrol", ["missing-field", "invalid-field", "citizen-dead"]),
        ("move.relocate", ["missing-field", "invalid-field", "unknown-municipality", "citizen-dead"]),
        ("move.emigrate", ["missing-field", "invalid-field"]),
        ("move.immigrate", ["missing-field", "invalid-field", "unknown-municipality"]),
        ("move.decease", ["missing-field", "invalid-field", "citizen-dead"]),
        ("move.correct", ["missing-field", "invalid-field", "journal-missing"]),
    ])
    func everyCommandSucceedsAndFails(name: String, reasons: [String]) throws {
        let outcomes = Self.large.filter { $0.type == "dk.fuldmagt.\(name).v1" }
        let accepted = outcomes.filter { $0.status == "accepted" }.count
        #expect(outcomes.count >= 80)
        #expect(accepted * 5 > outcomes.count, "\(accepted) of \(outcomes.count)")
        let codes = Dictionary(grouping: outcomes.flatMap { Set($0.reasons.map(\.code)) }) { $0 }
        for reason in reasons { #expect(codes[reason, default: []].count >= 3, "\(reason)") }
    }

    static let large: [ExpectedOutcome] =
        (try? workload(seed: 2, commands: 40_000)).map { workload, keys in
            run(workload, keys, phases: workload.phases().map(\.records)).outcomes
        } ?? []

    /// What a phase promises: any order that keeps one citizen's records in one topic's partition gives the same.
    @Test(arguments: [11, 12] as [UInt64])
    func theOrderOfOtherCitizensDoesNotMatter(seed: UInt64) throws {
        let (workload, keys) = try Self.workload(seed: seed, commands: 2500)
        let phases = workload.phases().map(\.records)
        var random = SplitMix64(seed: seed)
        let mixed = phases.map { Self.mixed($0, &random) }
        let straight = Self.run(workload, keys, phases: phases)
        let other = Self.run(workload, keys, phases: mixed)
        #expect(phases != mixed)
        #expect(straight.dump() == other.dump())
        #expect(Set(straight.outcomes) == Set(other.outcomes))
        #expect(straight.outcomes.count == other.outcomes.count)
        #expect(Set(straight.notifications) == Set(other.notifications))
        #expect(Set(straight.deadLetters) == Set(other.deadLetters))
        #expect(straight.deadLetters.count == other.deadLetters.count)
    }

    /// Another order that keeps only the records of one key in one topic's partition as they are.
    static func mixed(_ records: [ModelRecord], _ random: inout SplitMix64) -> [ModelRecord] {
        if records.first?.topic == .catalogue { return records }
        var lanes: [[ModelRecord]] = []
        var lane: [String: Int] = [:]
        for record in records {
            let name = "\(record.topic) \(record.partition ?? -1) \(record.key ?? [])"
            if let at = lane[name] {
                lanes[at].append(record)
            } else {
                lane[name] = lanes.count
                lanes.append([record])
            }
        }
        let order = random.shuffled(lanes.enumerated().flatMap { lane in lane.element.map { _ in lane.offset } })
        var at = [Int](repeating: 0, count: lanes.count)
        return order.map { lane in
            defer { at[lane] += 1 }
            return lanes[lane][at[lane]]
        }
    }
}
