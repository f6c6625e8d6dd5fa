import Foundation
import FuldmagtDomain
import FuldmagtKafka
import FuldmagtPost
import FuldmagtRecord
import FuldmagtTestBroker
import FuldmagtTestKit

/// The four consumers of notifications beside a cluster, each a process that can be killed.
final class PostScene {
    enum Role: String, CaseIterable {
        case memo, letters, simulate, receipts

        /// Points of its step that it can be killed at.
        var points: [PostMilestone] { self == .memo || self == .letters ? PostMilestone.allCases : [] }
    }

    let cluster: KafkaCluster
    private let simulation: [String]
    private var processes: [Role: ChildProcess] = [:]
    private(set) var kills = 0

    /// - Parameter simulation: options of the simulated transports.
    init(_ cluster: KafkaCluster, simulation: [String]) {
        self.cluster = cluster
        self.simulation = simulation
    }

    var folder: String { cluster.directory + "/post" }

    private func arguments(_ role: Role) -> [String] {
        switch role {
        case .memo: ["--quiet-seconds", "0", "--chunk", "20", "--pause", "20"]
        case .letters: ["--quiet-seconds", "0", "--batch", "50", "--interval", "1"]
        case .simulate: simulation + ["--pause", "20"]
        case .receipts: ["--pause", "20"]
        }
    }

    /// - Parameter point: where it kills itself, such as `fixed:3`.
    func start(_ role: Role, killedAt point: String? = nil) throws {
        var environment = [
            "FULDMAGT_KAFKA_BOOTSTRAP_SERVERS": cluster.broker.address, "FULDMAGT_TEST_MODE": "1",
        ]
        if let point { environment["FULDMAGT_TEST_KILL"] = point }
        processes[role] = try ChildProcess(
            KafkaCluster.program, ["post", role.rawValue, "--ledgers", folder] + arguments(role),
            environment: environment, log: "\(cluster.directory)/post-\(role.rawValue).log")
    }

    /// Starts again what has killed itself.
    func revive() throws {
        for role in Role.allCases where processes[role]?.isRunning == false {
            kills += 1
            try start(role)
        }
    }

    func kill(_ role: Role, thenAt point: String? = nil) throws {
        processes[role]?.kill()
        kills += 1
        try start(role, killedAt: point)
    }

    func stop() throws {
        for role in Role.allCases { try processes[role]?.stop() }
        processes = [:]
    }

    var ledgers: LedgerReader { LedgerReader(paths: [folder + "/memo.sqlite", folder + "/letters.sqlite"]) }

    /// Notifications by state in the ledger of a channel.
    func states(_ channel: PostChannel) throws -> [LedgerState: Int] {
        try ledgers.accounts().first { $0.channel == channel }?.notifications ?? [:]
    }

    /// Whether all is read, sent, told, taken, answered and read in.
    /// - Parameter notifications: that the ledgers are to know, together.
    func isAtRest(notifications: Int = 0) throws -> Bool {
        let accounts = try ledgers.accounts()
        let end = try cluster.ends(of: .notifications).values.reduce(0, +)
        guard accounts.count == 2, accounts.allSatisfy({ $0.position == end }) else { return false }
        let waiting = accounts.reduce(0) { sum, account in
            sum + (account.notifications[.queued] ?? 0) + (account.notifications[.fixed] ?? 0) + account.untold
        }
        let known = accounts.reduce(0) { $0 + $1.notifications.values.reduce(0, +) }
        guard known >= notifications, waiting == 0, try simulated().waiting == 0 else { return false }
        let left = ["memo", "letters", "receipts"].flatMap { name -> [String] in
            do {
                return try FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(name)")
            } catch {
                return []
            }
        }
        return !left.contains { $0.hasSuffix(".xml") || $0.hasPrefix("batch-") }
    }

    func simulated() throws -> TransportSimulation.Counts {
        try TransportSimulation.counts(path: folder + "/simulation.sqlite")
    }

    /// What a transport was given, by message id: how many files with that id.
    func given(_ channel: PostChannel) throws -> [String: Int] {
        let taken = "\(folder)/\(channel == .letter ? "letters" : "memo")/taken"
        var given: [String: Int] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: taken) {
            let files =
                channel == .letter ? try FileManager.default.contentsOfDirectory(atPath: "\(taken)/\(name)") : [name]
            for file in files where file.hasSuffix(channel == .letter ? ".html" : ".xml") {
                given[String(file.prefix(36)), default: 0] += 1
            }
        }
        return given
    }

    /// Receipts in the topic: notification, transport and status, by the record's id.
    func receipts() throws -> [String: (notification: String, transport: String, status: String)] {
        try records(of: .receipts).mapValues { json in
            func text(_ name: String) -> String { json[name] as? String ?? "" }
            return (text("notification"), text("transport"), text("status"))
        }
    }

    /// Caseworker tasks in the topic.
    func tasks() throws -> [(notification: String, reason: String)] {
        try records(of: .tasks).values.map { json in
            (json["notification"] as? String ?? "", json["reason"] as? String ?? "")
        }
    }

    private func records(of topic: Topic) throws -> [String: [String: Any]] {
        let reader = try RecordReader(
            KafkaConfiguration(["bootstrap.servers": cluster.broker.address]), topics: Topic.names)
        let ends = try cluster.ends(of: topic)
        try reader.assign(
            Dictionary(
                uniqueKeysWithValues: ends.keys.map {
                    (TopicPartition(topic: topic.name, partition: $0), .beginning)
                }))
        var found: [String: [String: Any]] = [:]
        var batches: [Int32: RecordBatch] = [:]
        let deadline = Date().addingTimeInterval(60)
        while !ends.allSatisfy({
            (reader.position(of: TopicPartition(topic: topic.name, partition: $0)) ?? 0) >= $1
        }) {
            guard Date() < deadline else {
                throw KafkaCluster.Timeout(text: "\(topic.name) could not be read to its end")
            }
            try reader.poll(maximumRecords: 10_000, timeoutMilliseconds: 100, into: &batches)
            for partition in batches.keys.sorted() {
                try batches[partition]?.withRecords { records throws in
                    for record in records {
                        var id = ""
                        HeaderBlock.forEach(in: record.headers) { name, value in
                            if name.elementsEqual("ce_id".utf8), let value {
                                id = String(decoding: value, as: UTF8.self)
                            }
                        }
                        let data = Data(record.value.map { Array($0) } ?? [])
                        found[id] = try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
                    }
                }
                batches[partition]?.removeAll()
            }
        }
        return found
    }
}
