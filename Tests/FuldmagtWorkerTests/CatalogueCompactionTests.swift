import FuldmagtDomain
import FuldmagtJSON
import FuldmagtKeys
import FuldmagtRecord
import FuldmagtTestKit
import Testing

/// The catalogue's topic is compacted: of each key, its last record stays. Whoever reads what is left must come to the
/// catalogue of those who read all of it.
@Suite struct CatalogueCompactionTests {
    private static let packages = ["care", "tax", "waste"]
    private static let municipalities = ["0101", "0751", "0851"]

    @Test("a wrong record under the key of a good one is answered, and the good one is written again")
    func wrong() throws {
        let cluster = try TestCluster()
        cluster.package("care", scope: "municipal")
        try cluster.drain()
        cluster.send("package.define", #"{"id":"care"}"#, id: "wrong", key: "package/care")
        try cluster.drain()
        let records = cluster.said(.catalogue)
        #expect(records.map { $0.headers["ce_id"] } == ["define-care", "wrong", "define-care"])
        #expect(records.first?.value == records.last?.value)
        #expect(records.last?.headers["fm_restored"] == "1")
        #expect(cluster.answer("wrong").hasPrefix("rejected"))
        #expect(cluster.answer("define-care") == "accepted")
    }

    @Test("whoever owns the shard next writes nothing again, and answers what was written again no second time")
    func nextOwner() throws {
        let cluster = try TestCluster()
        cluster.package("care", scope: "municipal")
        try cluster.drain()
        cluster.send("package.define", #"{"id":"care"}"#, id: "wrong", key: "package/care")
        try cluster.drain()
        try cluster.stop()
        try cluster.drain()
        #expect(cluster.said(.catalogue).count == 3)
        #expect(cluster.said(.outcomes).count == 2)
    }

    @Test("a wrong record under a key that stands for nothing is taken away again")
    func tombstone() throws {
        let cluster = try TestCluster()
        cluster.send("package.define", #"{"id":"care"}"#, id: "wrong", key: "package/care")
        cluster.package("tax", scope: "national")
        cluster.send("package.define", #"{"id":"tax"}"#, id: "define-tax", key: "package/tax2")
        try cluster.drain()
        let records = cluster.said(.catalogue)
        #expect(records.map(\.key) == ["package/care", "package/tax", "package/tax2", "package/care", "package/tax2"])
        #expect(records.suffix(2).allSatisfy { $0.value == nil })
        #expect(cluster.said(.deadLetters).map { $0.headers["dl_reason"] } == ["id-reused"])
    }

    @Test("a tombstone that names nothing is set aside once, and answered with no other")
    func strangeTombstone() throws {
        let cluster = try TestCluster()
        cluster.broker.append(topic: .catalogue, partition: 0, key: Array("nothing".utf8), headers: [], value: nil)
        cluster.broker.append(topic: .catalogue, partition: 0, key: [0xff, 0xfe], headers: [], value: nil)
        try cluster.drain()
        #expect(cluster.said(.catalogue).count == 2)
        #expect(cluster.said(.deadLetters).count == 2)
    }

    @Test("a key that is no text is an error, as any key that is not the content's")
    func strangeKey() throws {
        let cluster = try TestCluster()
        cluster.package("care", scope: "municipal")
        let records = cluster.broker.read(.catalogue, partition: 0)
        records.withRecords { records in
            for record in records {
                var headers: [(String, [UInt8])] = []
                HeaderBlock.forEach(in: record.headers) { name, value in
                    let name = String(decoding: name, as: UTF8.self)
                    headers.append((name, name == "ce_id" ? Array("strange".utf8) : value.map(Array.init) ?? []))
                }
                cluster.broker.append(
                    topic: .catalogue, partition: 0, key: [0xff], headers: headers, value: record.value.map(Array.init))
            }
        }
        try cluster.drain()
        #expect(cluster.answer("strange") == "rejected invalid-field@key")
        #expect(cluster.said(.catalogue).last?.value == nil)
    }

    @Test("however wrong, repeated and reused: compacted, the topic says what it said before", arguments: 0..<60)
    func compaction(seed: UInt64) throws {
        var chance = SplitMix64(seed: seed)
        let cluster = try TestCluster(partitions: 1)
        for step in 0..<chance.below(60) + 10 {
            Self.write(step, to: cluster, &chance)
            if chance.chance(1, of: 4) { try cluster.drain() }
            if chance.chance(1, of: 12) { try cluster.stop() }
        }
        try cluster.drain()
        let whole = cluster.broker.read(.catalogue, partition: 0)
        var left = RecordBatch()
        whole.withRecords { records in
            var last: [[UInt8]: Int64] = [:]
            for record in records { last[record.key.map(Array.init) ?? []] = record.offset }
            let horizon = Int64(chance.below(records.count + 1))
            for record in records {
                let isLast = last[record.key.map(Array.init) ?? []] == record.offset
                // Compacted to some point, behind which all is there still; tombstones stay for a while.
                if record.offset >= horizon || isLast && (record.value != nil || chance.chance(1, of: 2)) {
                    left.append(record)
                }
            }
        }
        let settings = cluster.options.settings
        let (found, wanted) = (Self.content(of: left, settings), Self.content(of: whole, settings))
        for (line, expected) in zip(found, wanted) { #expect(line == expected, "seed \(seed)") }
        let answers = cluster.said(.outcomes).compactMap(\.key)
        #expect(answers.count == Set(answers).count, "seed \(seed): a record was answered twice")
    }

    /// One more record, right or wrong.
    private static func write(_ step: Int, to cluster: TestCluster, _ chance: inout SplitMix64) {
        let package = chance.pick(packages)
        let municipality = chance.pick(municipalities)
        // Some ids come again: with the same content, or with other.
        let id = chance.chance(1, of: 4) ? "id-\(chance.below(step + 1))" : "id-\(step)"
        let key = "activation/\(municipality)/\(package)/urn:example:system"
        switch chance.below(8) {
        case 0: cluster.package(package, scope: "municipal")
        case 1:
            cluster.send("package.define", #"{"id":"\#(package)"}"#, id: id, key: "package/\(package)")
        case 2:
            cluster.broker.append(topic: .catalogue, partition: 0, key: Array(key.utf8), headers: [], value: nil)
        case 3: cluster.broker.append(topic: .catalogue, partition: 0, key: Array(key.utf8), headers: [], value: [1])
        case 4: cluster.system(municipality, replaces: chance.chance(1, of: 2) ? package : nil)
        default:
            cluster.activate(
                package, in: municipality, until: chance.pick([nil, "2027-01-01", "2028-01-01", "2019-01-01"]), id: id)
        }
    }

    /// What a reader of these records knows.
    private static func content(of batch: RecordBatch, _ settings: Settings) -> [String] {
        var catalogue = Catalogue()
        let document = JSONDocument()
        var scratch: [UInt8] = []
        batch.withRecords { records in
            for record in records {
                _ = catalogue.apply(record, document: document, settings: settings) {
                    ClusterKey.digest($0, scratch: &scratch)
                }
            }
        }
        var lines = packages.map { "\($0): \(String(describing: catalogue.package($0)))" }
        for text in municipalities {
            guard let municipality = Municipality(text) else { continue }
            for day in ["2026-11-24", "2027-06-01", "2029-01-01"].compactMap({ Day($0) }) {
                let offered = catalogue.activations(in: municipality, by: "urn:example:system", on: day)
                lines.append("\(text) \(day): \(offered.sorted { $0.key < $1.key }.map { "\($0)" })")
            }
            lines.append("\(String(describing: catalogue.itSystems[text]?.replaces))")
        }
        return lines
    }
}
