import Foundation
import FuldmagtDomain
import FuldmagtJSON
import FuldmagtKeys
import FuldmagtOperations
import FuldmagtRecord
import FuldmagtStore
import FuldmagtWorker
import Logging
import Synchronization

/// A worker on a log in memory and shards in a folder of its own, one thread, with a clock the test sets.
final class TestCluster {
    static let keys: ClusterKey = {
        do { return try ClusterKey(hex: String(repeating: "0a", count: 32)) } catch { preconditionFailure("\(error)") }
    }()
    /// 2026-11-24T10:00:00Z
    static let start = Instant(milliseconds: 1_795_514_400_000)

    final class Clock: Sendable {
        let now = Mutex(TestCluster.start)
        /// The monotonic clock, nanoseconds; it stands still unless a test moves it.
        let nanoseconds = Mutex<UInt64>(0)
        func advance(seconds: Int) {
            now.withLock { $0 = $0.adding(seconds: Int64(seconds)) }
            nanoseconds.withLock { $0 += UInt64(seconds) * 1_000_000_000 }
        }
        func advance(days: Int) { now.withLock { $0 = $0.adding(seconds: Int64(days) * 86_400) } }
    }

    let clock = Clock()
    let broker: MemoryBroker
    let directory: String
    let partitions: Int32
    var options: WorkerOptions
    var loop: WorkerLoop?
    let metrics = PrometheusMetrics()
    /// Of the first worker.
    private(set) lazy var health = WorkerHealth(surroundings: surroundings, factory: metrics)
    /// What happens before each repeated attempt.
    let onPause = Mutex(Pause())

    /// A bare closure in a mutex would be wrapped once more at each look, until calling it overflows the stack.
    struct Pause: Sendable {
        var act: @Sendable () -> Void = {}
    }

    init(partitions: Int32 = 4, admitsTestPersons: Bool = true) throws {
        self.partitions = partitions
        let clock = clock
        broker = MemoryBroker(partitions: partitions) { clock.now.withLock { $0 } }
        directory = NSTemporaryDirectory() + "fuldmagt-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        options = WorkerOptions(
            worker: "w1",
            settings: Settings(
                admitsTestPersons: admitsTestPersons, sender: Sender(cvr: "11223344", name: "Fuldmagt"),
                cluster: "test", partitions: partitions),
            keys: Self.keys, directory: directory)
        options.isPipelined = false
        options.isDurable = false
        // Only tests of receipts write some.
        options.settings.patience = .endless
        // The model never forgets an id.
        options.processedDays = 10_000
    }

    deinit {
        do { try FileManager.default.removeItem(atPath: directory) } catch {
            // A test may have taken the folder's rights away; the system cleans its temporary files.
        }
    }

    var surroundings: Surroundings {
        let clock = clock
        let pause = Unowned(self)
        return Surroundings(
            now: { clock.now.withLock { $0 } }, nanoseconds: { clock.nanoseconds.withLock { $0 } },
            pause: { _ in pause.cluster?.onPause.withLock { $0.act }() },
            reached: { _ in })
    }

    private final class Unowned: @unchecked Sendable {
        weak var cluster: TestCluster?
        init(_ cluster: TestCluster) { self.cluster = cluster }
    }

    /// More workers of the same cluster, by folder of their own on the same shards.
    private var others: [WorkerLoop] = []

    func start() throws {
        loop = try join(options, health: health)
    }

    private func join(_ options: WorkerOptions, health: WorkerHealth? = nil) throws -> WorkerLoop {
        var logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        logger.logLevel = .critical
        let loop = WorkerLoop(
            options: options, log: broker.member(), surroundings: surroundings, logger: logger,
            health: health)
        try loop.start()
        return loop
    }

    func stop() throws {
        for other in others { try other.finish() }
        others = []
        try loop?.finish()
        loop = nil
    }

    /// Forgets the worker as if its process had died: nothing is published or marked any more, and the group lets it go.
    func abandon() {
        loop = nil
        broker.expireMembers()
    }

    /// Works until nothing is left to do.
    func drain(members: Int = 1) throws {
        if loop == nil { try start() }
        while others.count < members - 1 {
            var options = options
            options.worker = "w\(others.count + 2)"
            others.append(try join(options))
        }
        var quiet = 0
        while quiet < 3 {
            var count = try loop?.turn() ?? 0
            for other in others { count += try other.turn() }
            quiet = count == 0 && broker.lag == 0 ? quiet + 1 : 0
        }
    }

    // MARK: Saying things

    static let source = "urn:dk:cvr:29189846"

    func send(
        _ type: String, _ data: String, id: String, source: String = TestCluster.source, key: String? = nil,
        topic: Topic? = nil, partition: Int32? = nil, extensions: [(String, String)] = []
    ) {
        let target =
            topic
            ?? (type.hasPrefix("grant.")
                ? .grantCommands
                : type.hasPrefix("move.")
                    ? .moveCommands : type.contains("exemption") ? .exemptionCommands : .catalogue)
        let name = type.hasPrefix("dk.") ? type : "dk.fuldmagt.\(type).v1"
        var headers: [(String, [UInt8])] = [
            ("ce_specversion", Array("1.0".utf8)), ("ce_id", Array(id.utf8)), ("ce_type", Array(name.utf8)),
            ("ce_source", Array(source.utf8)), ("content-type", Array("application/json".utf8)),
        ]
        headers += extensions.map { ("ce_\($0.0)", Array($0.1.utf8)) }
        broker.append(
            topic: target, partition: partition, key: key.map { Array($0.utf8) }, headers: headers,
            value: Array(data.utf8))
    }

    /// Writes a record of an inbox once more, as one that was held up.
    func append(_ record: Said, to shard: Int32) {
        broker.append(
            topic: .inbox, partition: shard, key: record.key.map { Array($0.utf8) },
            headers: record.headers.sorted { $0.key < $1.key }.map { ($0.key, Array($0.value.utf8)) },
            value: record.value)
    }

    // MARK: Reading what was said

    struct Said: CustomStringConvertible {
        var topic: Topic
        var key: String?
        var headers: [String: String]
        var value: [UInt8]?

        var json: [String: Any] {
            guard let value, let object = try? JSONSerialization.jsonObject(with: Data(value)) as? [String: Any] else {
                return [:]
            }
            return object
        }
        var description: String { String(decoding: value ?? [], as: UTF8.self) }
        func text(_ path: String) -> String? {
            var node: Any? = json
            for part in path.split(separator: ".") {
                if let index = Int(part) {
                    node = (node as? [Any]).flatMap { $0.indices.contains(index) ? $0[index] : nil }
                } else {
                    node = (node as? [String: Any])?[String(part)]
                }
            }
            return node.map { "\($0)" }
        }
    }

    /// - Parameter only: a partition; nil for all.
    func said(_ topic: Topic, in only: Int32? = nil) -> [Said] {
        var all: [Said] = []
        for partition in 0..<partitions where (topic != .catalogue || partition == 0) && only ?? partition == partition
        {
            broker.read(topic, partition: partition).withRecords { records in
                for record in records {
                    var headers: [String: String] = [:]
                    HeaderBlock.forEach(in: record.headers) { name, value in
                        headers[String(decoding: name, as: UTF8.self)] = value.map {
                            String(decoding: $0, as: UTF8.self)
                        }
                    }
                    all.append(
                        Said(
                            topic: topic, key: record.key.map { String(decoding: $0, as: UTF8.self) }, headers: headers,
                            value: record.value.map(Array.init)))
                }
            }
        }
        return all
    }

    func outcomes(of id: String) -> [Said] { said(.outcomes).filter { $0.key == id } }

    /// `status code@field …` of a command's only outcome.
    func answer(_ id: String) -> String {
        let outcomes = outcomes(of: id)
        guard outcomes.count == 1, let outcome = outcomes.first else { return "\(outcomes.count) outcomes" }
        let reasons = (outcome.json["reasons"] as? [[String: Any]] ?? []).map {
            "\($0["code"] ?? "")\($0["field"].map { "@\($0)" } ?? "")"
        }
        return ([outcome.text("status") ?? "?"] + reasons.sorted()).joined(separator: " ")
    }

    /// `kind channel` of every notification to a party, in order.
    func notifications(to digits: String) -> [String] {
        said(.notifications).filter { $0.text("recipient.cpr") == digits || $0.text("recipient.cvr") == digits }
            .map { "\($0.text("kind") ?? "?") \($0.text("channel") ?? "?")" }
    }

    func dump() throws -> [String] {
        var dump = Dump()
        for file in try ShardFiles.all(in: directory) { try dump.add(path: file.path) }
        return dump.sorted()
    }

    func check() throws -> [ShardFiles.Finding] {
        try ShardFiles.all(in: directory).flatMap { try ShardFiles.check(shard: $0.shard, path: $0.path) }
    }
}

/// A small catalogue: what the tests of the worker need.
extension TestCluster {
    static let anna = "6101500014"
    static let bent = "6202800015"
    static let carl = "6303900016"

    func defineCatalogue() {
        package("care", scope: "municipal")
        package("tax", scope: "national")
        activate("care", in: "0101")
        activate("care", in: "0751")
    }

    /// - Parameter record: id of the record, for a system that is defined again.
    func system(_ id: String, replaces: String? = nil, id record: String? = nil) {
        send(
            "itsystem.define",
            """
            {"id":"\(id)","name":"Eksempel","supplier":{"cvr":"99000007","name":"Eksempel"}\(replaces.map { ",\"replaces\":\"\($0)\"" } ?? "")}
            """, id: record ?? "define-\(id)", key: "itsystem/\(id)")
    }

    func package(_ id: String, scope: String, kle: String = "27.60", version: Int = 1, extra: String = "") {
        send(
            "package.define",
            """
            {"id":"\(id)","version":\(version),"title":{"da":"Eksempel \(id)","en":"Example \(id)"},
             "wording":{"da":"Jeg giver fuldmagt.","en":"I give power of attorney."},"kind":"act","scope":"\(scope)",
             "kle":["\(kle)"]\(extra)}
            """, id: "define-\(id)\(version > 1 ? "-\(version)" : "")", key: "package/\(id)")
    }

    func activate(_ package: String, in municipality: String, until: String? = nil, id: String? = nil) {
        send(
            "activation.set",
            """
            {"municipality":"\(municipality)","package":"\(package)","itSystem":"urn:example:system","from":"2020-01-01"\(until.map { ",\"until\":\"\($0)\"" } ?? "")}
            """, id: id ?? "activate-\(package)-\(municipality)",
            key: "activation/\(municipality)/\(package)/urn:example:system")
    }

    func move(_ cpr: String, to municipality: String, on day: String, id: String) {
        send(
            "move.relocate", #"{"citizen":{"cpr":"\#(cpr)"},"to":"\#(municipality)","effective":"\#(day)"}"#, id: id,
            key: cpr)
    }

    func issue(
        _ grantor: String, to representative: String, _ packages: [String], id: String, until: String = "2028-01-01"
    ) {
        let list = packages.map { "\"\($0)\"" }.joined(separator: ",")
        send(
            "grant.issue",
            #"{"grantor":{"cpr":"\#(grantor)"},"representative":{"cpr":"\#(representative)"},"packages":[\#(list)],"validUntil":"\#(until)","channel":"digital"}"#,
            id: id, key: grantor)
    }

    /// A revocation by name, asked for by the grantor.
    func revoke(_ grantor: String, from representative: String, _ packages: [String], id: String) {
        let list = packages.map { "\"\($0)\"" }.joined(separator: ",")
        send(
            "grant.revoke",
            #"{"grantor":{"cpr":"\#(grantor)"},"representative":{"cpr":"\#(representative)"},"packages":[\#(list)],"by":"grantor"}"#,
            id: id, key: grantor)
    }

    func renumber(_ citizen: String, to number: String, id: String, on day: String = "2026-11-20") {
        send(
            "move.renumber", #"{"citizen":{"cpr":"\#(citizen)"},"newCpr":"\#(number)","effective":"\#(day)"}"#, id: id,
            key: citizen)
    }
}
