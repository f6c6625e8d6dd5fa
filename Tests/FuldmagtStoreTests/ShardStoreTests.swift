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

    private func name(_ id: String) -> CommandKey {
        var scratch: [UInt8] = []
        return CommandKey(source: "urn:test", id: id, scratch: &scratch)
    }

    private func frame(_ byte: UInt8, size: Int) -> Frame {
        var writer = FrameWriter()
        writer.append(
            topic: 1, partition: nil, timestamp: nil, key: nil, headers: { _ in },
            value: {
                $0.append(contentsOf: [UInt8](repeating: byte, count: size))
                return true
            })
        return writer.take()
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
                _ = try access.claim(name("a"), content: Ident(high: 3, low: 4), day: today)
                throw Stop()
            }
        }
        #expect(try store.turn { try $0.positions() } == [:])
        let claim = try store.turn { try $0.claim(name("a"), content: Ident(high: 3, low: 4), day: today) }
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
                "\(try access.claim(name("b"), content: $0, day: today))"
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
        func fill(_ access: ShardAccess) throws {
            for number in 0..<1000 {
                _ = try access.claim(name("a\(number)"), content: Ident(high: 0, low: 1), day: today)
            }
        }
        let error = #expect(throws: StoreError.self) { try store.turn { try fill($0) } }
        #expect(error?.consequence == .retry)
        try store.queue.inDatabase { try $0.execute(sql: "PRAGMA max_page_count = 1000000") }
        try store.turn { try fill($0) }
    }

    @Test("a frame that finds no room on the disk is a reason to try again, and leaves nothing behind")
    func diskFullOfFrames() throws {
        let path = "\(directory)/\(ShardStore.fileName(of: 0))-frames"
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/dev/full")
        let store = try open()
        let error = #expect(throws: StoreError.self) {
            try store.turn { access in
                try access.setPosition(9, of: .inbox)
                _ = try access.appendFrame(frame(7, size: 1 << 20), ends: [.inbox: 9])
            }
        }
        #expect(error?.consequence == .retry)
        #expect(error?.text.contains("the disk is full") == true)
        #expect(try store.turn { try $0.positions() } == [:])
        #expect(try store.turn { try $0.pendingFrames().isEmpty })
    }

    @Test("frames take the place of those that are gone for good, never of those that wait")
    func places() throws {
        let path = "\(directory)/\(ShardStore.fileName(of: 0))-frames"
        var store = try open()
        func size() throws -> Int {
            try #require(try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int)
        }
        var waiting: [(Int64, Frame)] = []
        for number in 1...40 {
            let next = frame(UInt8(number), size: number % 7 * 40_000)
            let sent = waiting.first?.0
            let stored = try store.turn { access in
                // Two wait at any time, as while one is published and the next is decided.
                if waiting.count == 2, let sent { try access.markSent(through: sent) }
                return try access.appendFrame(next, ends: [.inbox: Int64(number)])
            }
            if waiting.count == 2 { waiting.removeFirst() }
            waiting.append((stored, next))
            if number % 5 == 0 {
                #expect(throws: StoreError.self) {
                    try store.turn { access in
                        try access.markSent(through: stored)
                        _ = try access.appendFrame(frame(0, size: 200_000), ends: [.inbox: 99])
                        throw StoreError(.retry, "not committed")
                    }
                }
            }
            if number % 3 == 0 { store = try open() }
            let pending = try store.turn { try $0.pendingFrames() }
            #expect(pending.map(\.number) == waiting.map(\.0))
            #expect(pending.map(\.frame) == waiting.map(\.1))
            #expect(pending.allSatisfy { !$0.isLost })
        }
        #expect(try size() < 1_200_000)
        try store.turn { try $0.markSent(through: Int64.max, isLast: true) }
        #expect(try size() == 0)
    }

    @Test("a frame whose bytes are not there, or not its own, is known to be lost")
    func lostFrames() throws {
        let path = "\(directory)/\(ShardStore.fileName(of: 0))-frames"
        let store = try open()
        for number in 1...2 {
            _ = try store.turn { try $0.appendFrame(frame(1, size: 1000), ends: [.inbox: Int64(number)]) }
        }
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        try file.write(contentsOf: [1])
        #expect(try store.turn { try $0.pendingFrames().map(\.isLost) } == [true, false])
        try file.truncate(atOffset: 1100)
        try file.close()
        #expect(try store.turn { try $0.pendingFrames().map(\.isLost) } == [true, true])
    }

    @Test("ids that follow one another stand together, and no two are taken for one")
    func neighbours() throws {
        func first(_ ids: [String]) -> Set<UInt64> { Set(ids.map { name($0).key.high >> 32 }) }
        #expect(first((1000..<2000).map { "issue-\($0)" }).count == 1)
        func mark(_ line: Int) -> String {
            String((UInt64(line) &* 0x9e37_79b9_7f4a_7c15) | 1 << 63, radix: 16)
        }
        #expect(first((1000..<2000).map { "job-1-\($0)-\(mark($0))" }).count == 1)
        #expect(first((100..<200).map { "018bcfe5-6800-7\($0)-8def-0123456789ab" }).count == 1)
        #expect(first(["a", "ab", "", "-", "æøå", "------------------------------------"]).count > 1)
        let all = (0..<5000).map { name("issue-\($0)").key }
        #expect(Set(all).count == 5000)
        #expect(name("a").digest != name("a").key)
    }

    @Test("ids that an earlier version noted are known until the last of them is forgotten")
    func formerKeys() throws {
        let content = Ident(high: 3, low: 4)
        var store = try open()
        try store.queue.inDatabase { db in
            for (id, day) in [("a", today), ("b", today.adding(days: 1))] {
                try db.execute(
                    sql: "INSERT INTO processed VALUES (?, ?, ?)",
                    arguments: [name(id).digest.data, content.data, day.number])
            }
            try db.execute(sql: "UPDATE meta SET keyed_since = NULL")
        }
        store = try open()
        func claims(_ ids: String..., forget: Int? = nil) throws -> [String] {
            try store.turn { access in
                if let forget { try access.forgetProcessed(before: today.adding(days: forget), limit: 100) }
                return try ids.map {
                    "\(try access.claim(name($0), content: content, day: today.adding(days: 9)))"
                }
            }
        }
        #expect(try claims("a", "b", "c", "c") == ["repeated", "repeated", "new", "repeated"])
        #expect(try claims("a", "b", forget: 1) == ["new", "repeated"])
        #expect(throws: StoreError.self) {
            try store.turn { access in
                try access.forgetProcessed(before: today.adding(days: 2), limit: 100)
                throw StoreError(.retry, "not committed")
            }
        }
        #expect(try claims("b") == ["repeated"])
        #expect(try claims("b", forget: 2) == ["new"])
        #expect(
            try store.queue.inDatabase { try Int.fetchOne($0, sql: "SELECT keyed_since FROM meta") } == 0)
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
