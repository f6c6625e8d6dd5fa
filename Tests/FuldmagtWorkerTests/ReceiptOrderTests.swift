import FuldmagtDomain
import FuldmagtTestKit
import Testing

/// Receipts in random orders, late and twice, through workers: where notifications end follows from what was said alone.
@Suite struct ReceiptOrderTests {
    struct Run: Sendable, CustomTestStringConvertible {
        var seed: UInt64
        var batch: Int
        var members: Int
        var testDescription: String { "seed \(seed), batches of \(batch), \(members) workers" }
    }

    private static let packages = (0..<20).map { "p\($0)" }

    /// Written from the table in `PostStanding`: `channel state` for what was said of one notification.
    private static func end(_ said: Set<String>) -> String {
        func came(_ texts: String...) -> Bool { texts.contains { said.contains($0) } }
        if came("digital-post delivered") { return "digital-post delivered" }
        if came("letter failed", "letter returned") { return "letter task" }
        for state in ["delivered", "accepted", "submitted"] where came("letter \(state)") { return "letter \(state)" }
        if came("digital-post failed", "digital-post returned") { return "letter queued" }
        for state in ["accepted", "submitted"] where came("digital-post \(state)") { return "digital-post \(state)" }
        return "digital-post queued"
    }

    /// - Returns: the state of all shards, and how many tasks were written.
    private func play(_ run: Run) throws -> (dump: [String], tasks: Int) {
        let cluster = try TestCluster()
        cluster.options.batchRecords = run.batch
        for package in Self.packages { cluster.package(package, scope: "national") }
        try cluster.drain(members: run.members)
        cluster.issue(TestCluster.anna, to: TestCluster.bent, Self.packages, id: "g")
        try cluster.drain(members: run.members)
        let notifications = cluster.posted(to: TestCluster.anna) + cluster.posted(to: TestCluster.bent)
        #expect(notifications.count == 2 * Self.packages.count)
        var random = SplitMix64(seed: run.seed)
        var said: [Int: Set<String>] = [:]
        for _ in 0..<250 {
            let at = random.below(notifications.count)
            let transport = random.below(2) == 0 ? "digital-post" : "letter"
            let status = random.pick(ReceiptStatus.allCases).rawValue
            said[at, default: []].insert("\(transport) \(status)")
            for _ in 0...random.below(2) { cluster.receipt(notifications[at], status, by: transport) }
        }
        try cluster.drain(members: run.members)
        try cluster.stop()
        let dump = try cluster.dump()
        for (at, notification) in notifications.enumerated() {
            let last = try cluster.timeline(notification, in: dump).count
            #expect(last == said[at]?.count ?? 0)
            let standing =
                "\(try cluster.channel(notification, in: dump) ?? "?") \(try cluster.post(notification, in: dump) ?? "queued")"
            #expect(standing == Self.end(said[at] ?? []), "\(said[at] ?? [])")
        }
        // The same notification is a letter once, and a task once.
        let letters = (cluster.posted(to: TestCluster.anna) + cluster.posted(to: TestCluster.bent))
            .filter { $0.text("channel") == "letter" }.compactMap { $0.text("id") }
        #expect(Set(letters).count == letters.count)
        let tasks = cluster.said(.tasks).compactMap { $0.text("notification") }
        #expect(Set(tasks).count == tasks.count && !tasks.isEmpty)
        #expect(cluster.said(.deadLetters).isEmpty)
        #expect(try cluster.check() == [])
        return (dump, tasks.count)
    }

    @Test(
        "where each ends is what the table says, and batches and workers leave no trace",
        arguments: [11, 12, 13] as [UInt64])
    func anyOrder(_ seed: UInt64) throws {
        let whole = try play(Run(seed: seed, batch: 1_000, members: 1))
        for run in [Run(seed: seed, batch: 1, members: 1), Run(seed: seed, batch: 7, members: 2)] {
            let parts = try play(run)
            let isSame = parts.dump == whole.dump
            #expect(isSame && parts.tasks == whole.tasks, "\(run)")
        }
    }
}
