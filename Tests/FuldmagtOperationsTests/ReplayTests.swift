import Foundation
import FuldmagtDomain
import FuldmagtKeys
import FuldmagtOperations
import FuldmagtRecord
import Testing

@Suite struct ReplayTests {
    static let good =
        #"{"grantor":{"cpr":"6101500014"},"representative":{"cpr":"6202800015"},"packages":["tax"],"validUntil":"2028-01-01","channel":"digital"}"#

    static let keys = key("0a")

    static func key(_ byte: String) -> ClusterKey {
        do { return try ClusterKey(hex: String(repeating: byte, count: 32)) } catch { preconditionFailure("no key") }
    }

    static let ours = [
        ("dl_reason", "unknown-type"), ("dl_detail", "a detail"), ("dl_topic", "fuldmagt.commands.grant"),
        ("dl_partition", "2"), ("dl_offset", "17"), ("dl_time", "2026-11-24T10:00:00.000Z"), ("dl_worker", "w1"),
    ]

    static func record(
        value: String? = good, headers: [(String, String)] = envelope + ours, offset: Int64 = 5
    ) -> SetAsideRecord {
        var block: [UInt8] = []
        for (name, value) in headers { HeaderBlock.append(name: name, value: value, to: &block) }
        var batch = RecordBatch()
        let key = Array("6101500014".utf8)
        key.withUnsafeBytes { key in
            Array((value ?? "").utf8).withUnsafeBytes { bytes in
                batch.append(
                    topic: Topic.deadLetters.rawValue, offset: offset, timestamp: 1_795_514_400_000, key: key,
                    value: value == nil ? nil : bytes
                ) { $0.append(contentsOf: block) }
            }
        }
        return batch.withRecords { SetAsideRecord($0[0], partition: 3) }
    }

    static let envelope = [
        ("ce_specversion", "1.0"), ("ce_id", "1"), ("ce_type", "dk.fuldmagt.grant.issue.v1"),
        ("ce_source", "urn:dk:cvr:29189846"), ("content-type", "application/json"),
    ]

    static func replay(
        attempts: Int = 3, isForced: Bool = false, keys: ClusterKey = ReplayTests.keys
    ) throws -> Replay {
        let today = try #require(Instant("2026-11-24T10:00:00Z")).day
        return Replay(
            settings: Settings(
                admitsTestPersons: true, sender: Sender(cvr: "11223344", name: "Fuldmagt"), cluster: "test",
                partitions: 4),
            keys: keys, today: today, attempts: attempts, isForced: isForced)
    }

    private func decide(_ record: SetAsideRecord, isForced: Bool = false) throws -> Replay.Decision {
        try Self.replay(isForced: isForced).decide(record, digest: record.digest(under: Self.keys))
    }

    private func headers(_ block: [UInt8]) -> [String] {
        var found: [String] = []
        block.withUnsafeBytes { bytes in
            HeaderBlock.forEach(in: bytes) { name, value in
                found.append(
                    "\(String(decoding: name, as: UTF8.self))=\(value.map { String(decoding: $0, as: UTF8.self) } ?? "")"
                )
            }
        }
        return found
    }

    @Test("a record that can be read now goes to where it came from, by its key, as it was")
    func send() throws {
        let record = Self.record()
        #expect(record.reason == "unknown-type" && record.sourceOffset == 17 && record.attempt == 0)
        #expect(try decide(record) == .send(topic: .grantCommands, partition: nil, attempt: 1))
        let frame = Replay.frame(record, to: .grantCommands, partition: nil, attempt: 1)
        var seen: [String] = []
        try frame.forEach { sent in
            #expect(sent.topic == Topic.grantCommands.rawValue)
            #expect(sent.key.map(Array.init) == record.key)
            #expect(sent.value.map(Array.init) == record.value)
            seen = headers(Array(sent.headers))
        }
        #expect(seen == Self.envelope.map { "\($0.0)=\($0.1)" } + ["dl_attempt=1"])
    }

    @Test("what a worker would set aside again is skipped with its reason, and forced only when asked for")
    func unreadable() throws {
        let record = Self.record(value: "{not json")
        guard case .skip(.stillUnreadable(let letter)) = try decide(record) else {
            Issue.record("it was not skipped")
            return
        }
        #expect(letter.reason == .invalidJSON)
        #expect(try decide(record, isForced: true) == .send(topic: .grantCommands, partition: nil, attempt: 1))
        guard case .skip(.stillUnreadable(let empty)) = try decide(Self.record(value: nil)) else {
            Issue.record("a tombstone was not skipped")
            return
        }
        #expect(empty.reason == .emptyValue)
    }

    @Test("a tombstone is sent as a tombstone")
    func tombstone() throws {
        try Replay.frame(Self.record(value: nil), to: .catalogue, partition: nil, attempt: 1).forEach {
            #expect($0.value == nil)
        }
    }

    @Test("replays end: the worker's copy of dl_attempt counts on, up to the limit, which force does not lift")
    func attempts() throws {
        let again = Self.record(headers: Self.envelope + [("dl_attempt", "2")] + Self.ours)
        #expect(try decide(again) == .send(topic: .grantCommands, partition: nil, attempt: 3))
        let often = Self.record(headers: Self.envelope + [("dl_attempt", "3")] + Self.ours)
        #expect(try decide(often) == .skip(.attemptsUsed(3)))
        #expect(try decide(often, isForced: true) == .skip(.attemptsUsed(3)))
        let more = try Self.replay(attempts: 4).decide(often, digest: often.digest(under: Self.keys))
        #expect(more == .send(topic: .grantCommands, partition: nil, attempt: 4))
        #expect(headers(often.replayHeaders(attempt: 4)).filter { $0.hasPrefix("dl_") } == ["dl_attempt=4"])
    }

    @Test("a producer's own dl_ headers do not lead a replay astray")
    func forged() throws {
        let forged = [("dl_topic", "fuldmagt.outcomes"), ("dl_reason", "x"), ("dl_attempt", "-7")]
        let record = Self.record(headers: Self.envelope + forged + Self.ours)
        #expect(try decide(record) == .send(topic: .grantCommands, partition: nil, attempt: 1))
        let nowhere = Self.record(headers: Self.envelope + [("dl_topic", "fuldmagt.outcomes")])
        #expect(try decide(nowhere, isForced: true) == .skip(.unknownTopic))
    }

    @Test("workers' own records and reused ids are not sent unless forced; the former keep their partition")
    func special() throws {
        func from(_ topic: String, reason: String) -> SetAsideRecord {
            Self.record(
                headers: Self.envelope
                    + Self.ours.map { $0.0 == "dl_topic" ? ($0.0, topic) : $0.0 == "dl_reason" ? ($0.0, reason) : $0 })
        }
        #expect(try decide(from("fuldmagt.inbox", reason: "unknown-type")) == .skip(.ownRecord))
        #expect(
            try decide(from("fuldmagt.inbox", reason: "unknown-type"), isForced: true)
                == .send(topic: .inbox, partition: 2, attempt: 1))
        #expect(try decide(from("fuldmagt.commands.grant", reason: "id-reused")) == .skip(.idReused))
        guard case .skip(.stillUnreadable) = try decide(from("fuldmagt.catalogue", reason: "wrong-topic")) else {
            Issue.record("a command on the catalogue was not skipped")
            return
        }
    }

    @Test("what consumers of notifications set aside: receipts go into a folder, notifications back")
    func ofConsumers() throws {
        func from(
            _ origin: String, reason: String, value: String? = "<receipt/>", attempt: String = "0"
        ) -> SetAsideRecord {
            Self.record(
                value: value,
                headers: [("dl_attempt", attempt), ("dl_reason", reason), ("dl_topic", origin), ("dl_partition", "1")])
        }
        #expect(try decide(from("post-status", reason: "unknown-status")) == .deliver(attempt: 1))
        #expect(try decide(from("post-status", reason: "invalid-receipt", attempt: "2")) == .deliver(attempt: 3))
        let often = from("post-status", reason: "invalid-receipt", attempt: "3")
        #expect(try decide(often, isForced: true) == .skip(.attemptsUsed(3)))
        #expect(try decide(from("post-status", reason: "too-large", value: nil), isForced: true) == .skip(.notKept))
        let notification = from("fuldmagt.notifications", reason: "invalid-notification")
        #expect(try decide(notification) == .skip(.ownRecord))
        #expect(try decide(notification, isForced: true) == .send(topic: .notifications, partition: 1, attempt: 1))
        for reason in ["invalid-receipt", "unknown-status", "invalid-notification", "unknown-receipt", "too-large"] {
            #expect(Replay.reasons.count { $0 == reason } == 1, "\(reason)")
        }
        #expect(Replay.origins.contains("post-status") && Replay.origins.contains("fuldmagt.notifications"))
    }

    @Test("another record at a listed position is never sent")
    func changed() throws {
        let listed = Self.record()
        let other = Self.record(value: Self.good + " ")
        let digest = listed.digest(under: Self.keys)
        #expect(try Self.replay(isForced: true).decide(listed, digest: digest) != .skip(.changed))
        #expect(try Self.replay(isForced: true).decide(other, digest: digest) == .skip(.changed))
        #expect(Self.record(value: nil).digest(under: Self.keys) != Self.record(value: "").digest(under: Self.keys))
        // Without the key nobody can try numbers on a digest.
        let elsewhere = Self.key("0b")
        #expect(listed.digest(under: elsewhere) != digest)
        #expect(listed.valueDigest(under: elsewhere) != listed.valueDigest(under: Self.keys))
        let replay = try Self.replay(isForced: true, keys: elsewhere)
        #expect(replay.decide(listed, digest: digest) == .skip(.changed))
    }

    @Test("a list is read as it was written, in the order of positions; a line that is none is named")
    func list() throws {
        let list = FrozenList([
            .init(partition: 1, offset: 2, digest: "b"), .init(partition: 0, offset: 9, digest: "a"),
            .init(partition: 1, offset: 2, digest: "b"),
        ])
        #expect(list.entries.map(\.offset) == [9, 2])
        #expect(try FrozenList(lines: list.lines()) == list)
        #expect(throws: FrozenList.Malformed(line: 3)) {
            try FrozenList(lines: list.lines() + Data("{\"partition\":1}\n".utf8))
        }
        let text = String(decoding: try list.lines(), as: UTF8.self)
        #expect(text.hasPrefix(#"{"digest":"a","offset":9,"partition":0}"#))
    }

    @Test("progress survives a death: whole notes count, a note cut short does not, and nobody else writes meanwhile")
    func progress() throws {
        let path = NSTemporaryDirectory() + "fuldmagt-list-\(UUID().uuidString)"
        let file = ReplayProgress.path(list: path)
        defer { unlink(file) }
        let entries = (0..<3).map { FrozenList.Entry(partition: 0, offset: Int64($0), digest: "d\($0)") }
        var first: ReplayProgress? = try ReplayProgress(list: path)
        try first?.note(Array(entries[..<2]))
        #expect(throws: ReplayProgress.Unusable.self) { try ReplayProgress(list: path) }
        first = nil
        var bytes = try Data(contentsOf: URL(fileURLWithPath: file))
        bytes += try FrozenList([entries[2]]).lines().dropLast(4)
        try bytes.write(to: URL(fileURLWithPath: file))
        let second = try ReplayProgress(list: path)
        #expect(second.done == Set(entries[..<2]))
        try second.note([entries[2]])
        #expect(try FrozenList(lines: Data(contentsOf: URL(fileURLWithPath: file))).entries == entries)
    }
}
