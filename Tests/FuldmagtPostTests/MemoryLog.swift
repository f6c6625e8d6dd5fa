import Foundation
import FuldmagtDomain
import FuldmagtJSON
import FuldmagtKeys
import FuldmagtRecord
import Testing

@testable import FuldmagtPost

/// Notifications to be read and records that were written, in memory.
final class MemoryLog: PostLog {
    private var partitions: [Int32: RecordBatch] = [:]
    private(set) var written: [WrittenRecord] = []
    /// Called before records are read: what becomes visible meanwhile.
    var onRead: (() -> Void)?
    /// The same before somebody looks for what is written, committed or not.
    var onLook: (() -> Void)?
    /// Records of a partition, from this offset on, belong to a transaction that is not decided.
    var undecidedFrom: [Int32: Int64] = [:]

    struct WrittenRecord {
        var topic: Topic
        var partition: Int32?
        var key: [UInt8]?
        var headers: [String: String]
        var value: [UInt8]?

        var json: [String: String] {
            guard let value, let object = try? JSONSerialization.jsonObject(with: Data(value)) as? [String: String]
            else { return [:] }
            return object
        }
    }

    func append(_ notification: PostNotification, partition: Int32 = 0) {
        var headers: [UInt8] = []
        HeaderBlock.append("ce_type", "dk.fuldmagt.notification.v1", to: &headers)
        HeaderBlock.append("fm_shard", String(notification.shard), to: &headers)
        append(
            key: Array(notification.pseudonym.description.utf8), headers: headers, value: Self.value(notification),
            partition: partition)
    }

    func append(key: [UInt8]?, headers: [UInt8], value: [UInt8]?, partition: Int32 = 0) {
        let offset = Int64(partitions[partition]?.count ?? 0)
        (key ?? []).withUnsafeBytes { keyBytes in
            (value ?? []).withUnsafeBytes { valueBytes in
                partitions[partition, default: RecordBatch()].append(
                    topic: Topic.notifications.rawValue, offset: offset, timestamp: 0, key: key == nil ? nil : keyBytes,
                    value: value == nil ? nil : valueBytes
                ) { $0.append(contentsOf: headers) }
            }
        }
    }

    static func value(_ notification: PostNotification) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.member("id", notification.id.uuidText)
        json.member("kind", notification.kind?.rawValue ?? "cancelled")
        json.key("recipient")
        json.beginObject()
        json.member(notification.recipient.isPerson ? "cpr" : "cvr", notification.recipient.digits)
        json.endObject()
        json.member("channel", notification.channel.rawValue)
        json.member("title", notification.title)
        json.member("body", notification.body)
        json.member("language", notification.language)
        json.member("kle", notification.kle)
        json.key("sender")
        json.beginObject()
        json.member("cvr", notification.sender.cvr)
        json.member("name", notification.sender.name)
        json.endObject()
        json.key("cause")
        json.beginObject()
        json.member("id", notification.cause)
        json.endObject()
        json.member("createdAt", Sample.time.description)
        json.endObject()
        return json.finish()
    }

    func read(from positions: [Int32: Int64], _ body: (Int32, RecordView) throws -> Void) throws -> [Int32: Int64] {
        onRead?()
        return try forEach(from: positions, to: undecidedFrom, body)
    }

    func look(from positions: [Int32: Int64], _ body: (Int32, RecordView) throws -> Void) throws -> [Int32: Int64] {
        onLook?()
        return try forEach(from: positions, to: [:], body)
    }

    private func forEach(
        from positions: [Int32: Int64], to ends: [Int32: Int64], _ body: (Int32, RecordView) throws -> Void
    ) throws -> [Int32: Int64] {
        var reached = positions
        for (partition, batch) in partitions.sorted(by: { $0.key < $1.key }) {
            let from = Int(positions[partition] ?? 0)
            let end = min(Int(ends[partition] ?? .max), batch.count)
            try batch.withRecords { records throws in
                for record in records.prefix(end).dropFirst(from) { try body(partition, record) }
            }
            reached[partition] = Int64(max(from, end))
        }
        return reached
    }

    func write(_ frame: Frame) throws {
        try frame.forEach { record in
            var headers: [String: String] = [:]
            HeaderBlock.forEach(in: record.headers) { name, value in
                headers[String(decoding: name, as: UTF8.self)] = value.map { String(decoding: $0, as: UTF8.self) }
            }
            written.append(
                WrittenRecord(
                    topic: try #require(Topic(rawValue: record.topic)), partition: record.partition,
                    key: record.key.map { Array($0) }, headers: headers, value: record.value.map { Array($0) }))
        }
    }

    var receipts: [WrittenRecord] { written.filter { $0.topic == .receipts } }
    var deadLetters: [WrittenRecord] { written.filter { $0.topic == .deadLetters } }
}

/// A sender of Digital Post with its ledger, folder and log, which can die.
final class SenderScene {
    let folder: String
    let log = MemoryLog()
    let keys: ClusterKey
    var now = Sample.time
    /// What a look at the monotonic clock costs.
    var tick: UInt64 = 0
    private var ticked: UInt64 = 1
    var quietSeconds = 0
    /// While messages were handed over.
    private(set) var signsOfLife = 0
    var chunk = 10
    /// The point at which the process dies, once.
    private var diesAt: PostMilestone?

    struct Death: Error {}

    init() throws {
        folder = try Sample.folder()
        keys = try ClusterKey(hex: String(repeating: "7e57", count: 16))
    }

    /// One in which notification 1 has been sent.
    static func afterSending() throws -> SenderScene {
        let scene = try SenderScene()
        scene.log.append(try Sample.notification(1, recipient: 1))
        try scene.run()
        return scene
    }

    /// Where receipts are put.
    var receipts: String { folder + "/receipts" }

    /// What finds the notifications that receipts are about.
    func intake(layout: PostStatus.Layout = .init()) -> ReceiptIntake {
        ReceiptIntake(
            ledgers: LedgerReader(paths: [folder + "/memo.sqlite", folder + "/letters.sqlite"]), layout: layout,
            source: "urn:dk:cvr:99000007:fuldmagt-post", worker: "test", now: { Sample.time })
    }

    func nanoseconds() -> UInt64 {
        ticked += tick
        return ticked
    }

    var outbox: String { folder + "/memo" }

    func sent() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: outbox).filter { !$0.hasPrefix(".") }.sorted()
    }

    func ledger() throws -> PostLedger {
        try PostLedger(path: folder + "/memo.sqlite", keys: keys, channel: .digitalPost)
    }

    /// A process from its start until there is nothing to do, or it dies.
    func run() throws {
        let ledger = try ledger()
        let sender = try PostSender(
            log: log, transport: try MeMoFolder(path: outbox, writer: MeMoWriter()), ledger: ledger,
            options: .init(
                chunk: chunk, quietSeconds: quietSeconds, source: "urn:dk:cvr:99000007:fuldmagt-post", worker: "test"),
            now: { self.now }, nanoseconds: { self.nanoseconds() },
            isAlive: { self.signsOfLife += 1 },
            reached: { milestone in
                guard milestone == self.diesAt else { return }
                self.diesAt = nil
                throw Death()
            })
        while try sender.step().isBusy {}
        try ledger.close()
    }

    /// A process that dies at a point.
    func run(dyingAt milestone: PostMilestone) throws {
        diesAt = milestone
        #expect(throws: Death.self) { try self.run() }
    }

    func end() throws { try Sample.remove(folder) }
}
