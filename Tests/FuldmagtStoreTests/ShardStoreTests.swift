import Foundation
import FuldmagtDomain
import FuldmagtKeys
import FuldmagtRecord
import GRDB
import Testing

@testable import FuldmagtStore

@Suite struct ShardStoreTests {
    let directory: String
    let keys: ClusterKey
    let today: Day

    init() throws {
        directory = NSTemporaryDirectory() + "fuldmagt-store-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        keys = try ClusterKey(hex: String(repeating: "0a", count: 32))
        today = try #require(Day("2026-11-23"))
    }

    private func open(shard: Int32 = 0, partitions: Int32 = 4, keys: ClusterKey? = nil) throws(StoreError) -> ShardStore
    {
        try ShardStore(
            shard: shard, keys: keys ?? self.keys, options: .init(directory: directory, partitions: partitions),
            owner: "test", today: today)
    }

    @Test("a later owner fences off an earlier one")
    func epoch() throws {
        let first = try open()
        let second = try open()
        let error = #expect(throws: StoreError.self) { try first.turn { try $0.setPosition(1, of: .inbox) } }
        #expect(error?.consequence == .fenced)
        try second.turn { try $0.setPosition(2, of: .inbox) }
        #expect(try second.turn { try $0.positions() } == [.inbox: 2])
    }

    @Test("a store that is dropped as it is leaves nothing that watches its connection")
    func dropped() throws {
        for number in 1...20 {
            // One with a changelog watches each row.
            let store = try ShardStore(
                shard: 0, keys: keys,
                options: .init(directory: directory, partitions: 4, recordsChanges: true), owner: "test", today: today)
            #expect(try store.turn { try $0.positions()[.inbox] ?? 0 } == Int64(number - 1))
            try store.turn { try $0.setPosition(Int64(number), of: .inbox) }
        }
    }

    @Test("a turn that throws leaves nothing behind")
    func rollback() throws {
        struct Stop: Error {}
        let store = try open()
        #expect(throws: StoreError.self) {
            try store.turn { access in
                try access.setPosition(9, of: .inbox)
                _ = try access.claim(Ident(high: 1, low: 2), content: Ident(high: 3, low: 4), day: today)
                throw Stop()
            }
        }
        #expect(try store.turn { try $0.positions() } == [:])
        let claim = try store.turn { try $0.claim(Ident(high: 1, low: 2), content: Ident(high: 3, low: 4), day: today) }
        guard case .new = claim else {
            Issue.record("the claim survived its turn")
            return
        }
    }

    @Test("the same id is new once, then a repeat, and reused with other content")
    func claims() throws {
        let store = try open()
        let answers = try store.turn { access in
            try [Ident(high: 0, low: 1), Ident(high: 0, low: 1), Ident(high: 0, low: 2)].map {
                "\(try access.claim(Ident(high: 7, low: 7), content: $0, day: today))"
            }
        }
        #expect(answers == ["new", "repeated", "reused"])
    }

    @Test("frames come back as they were stored, sealed in the file, and never under an earlier number")
    func outbox() throws {
        let store = try open()
        var writer = FrameWriter()
        writer.append(
            topic: 1, partition: 2, timestamp: 3, key: nil, headers: { _ in },
            value: {
                $0.append("a number nobody may read")
                return true
            })
        let frame = writer.take()
        let first = try store.turn { try $0.appendFrame(frame, ends: [.inbox: 5, .grantCommands: 6]) }
        let pending = try store.turn { try $0.pendingFrames() }
        #expect(pending.map(\.frame) == [frame])
        #expect(pending.first?.ends == [.inbox: 5, .grantCommands: 6])
        #expect(pending.first?.isOut(committed: [.inbox: 5]) == false)
        #expect(pending.first?.isOut(committed: [.inbox: 5, .grantCommands: 7]) == true)
        try store.turn { try $0.markSent(through: first) }
        let second = try store.turn { try $0.appendFrame(frame, ends: [.inbox: 6]) }
        #expect(second > first)
        try store.close()
        for name in try FileManager.default.contentsOfDirectory(atPath: directory) {
            let bytes = try #require(FileManager.default.contents(atPath: "\(directory)/\(name)"))
            #expect(bytes.range(of: Data("nobody may read".utf8)) == nil)
        }
    }

    @Test("a full disk is a reason to try again, and the same turn then succeeds")
    func diskFull() throws {
        let store = try open()
        try store.queue.inDatabase { try $0.execute(sql: "PRAGMA max_page_count = 1") }
        var writer = FrameWriter()
        writer.append(
            topic: 1, partition: nil, timestamp: nil, key: nil, headers: { _ in },
            value: {
                $0.append(contentsOf: [UInt8](repeating: 7, count: 1 << 20))
                return true
            })
        let frame = writer.take()
        let error = #expect(throws: StoreError.self) {
            _ = try store.turn { try $0.appendFrame(frame, ends: [.inbox: 1]) }
        }
        #expect(error?.consequence == .retry)
        try store.queue.inDatabase { try $0.execute(sql: "PRAGMA max_page_count = 1000000") }
        _ = try store.turn { try $0.appendFrame(frame, ends: [.inbox: 1]) }
        #expect(try store.turn { try $0.pendingFrames().map(\.frame) } == [frame])
    }

    @Test("another partition count, another key, a newer schema and a folder that is none are told apart")
    func refusals() throws {
        try open().close()
        let count = #expect(throws: StoreError.self) { try open(partitions: 8) }
        #expect(count?.text.contains("partition count cannot change") == true)
        let other = try ClusterKey(hex: String(repeating: "0b", count: 32))
        let key = #expect(throws: StoreError.self) { try open(keys: other) }
        #expect(key?.text.contains("another cluster key") == true)
        let path = "\(directory)/\(ShardStore.fileName(of: 0))"
        let queue = try DatabaseQueue(path: path)
        try queue.write { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('99 from the future')") }
        try queue.close()
        let newer = #expect(throws: StoreError.self) { try open() }
        #expect(newer?.consequence == .fatal)
        #expect(newer?.text.contains("newer version") == true)
        let nowhere = #expect(throws: StoreError.self) {
            try ShardStore(
                shard: 0, keys: keys, options: .init(directory: path, partitions: 4), owner: "test", today: today)
        }
        #expect(nowhere?.text.contains("cannot be opened") == true)
    }

    @Test(
        "the schema refuses what cannot be",
        arguments: [
            "INSERT INTO meta VALUES (2, 0, 4, 0, '', zeroblob(16), 20260101, 0, NULL, NULL)",
            "INSERT INTO positions VALUES ('t', -1)",
            "INSERT INTO processed VALUES (zeroblob(15), zeroblob(16), 20260101)",
            "INSERT INTO citizens VALUES (1, zeroblob(16), zeroblob(20), 'person', NULL)",
            "INSERT INTO citizens VALUES (1, zeroblob(16), zeroblob(38), 'robot', NULL)",
            "INSERT INTO residences VALUES (99, 0, 20260101, 101, NULL, NULL, 0, 'c', 1, NULL)",
            "INSERT INTO grant_history VALUES (99, 0, 'active', 1, 20260101, 20270101, 0, 'c', 1, NULL, NULL)",
            "INSERT INTO due VALUES (20260101, 99)",
        ])
    func constraints(_ sql: String) throws {
        let store = try open()
        #expect(throws: DatabaseError.self) { try store.queue.inDatabase { try $0.execute(sql: sql) } }
    }
}
