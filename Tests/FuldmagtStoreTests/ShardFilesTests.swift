import Foundation
import FuldmagtDomain
import FuldmagtKeys
import FuldmagtRecord
import GRDB
import GRDBSQLite
import Testing

@testable import FuldmagtStore

/// What lies in a folder of shard files, and what opening one may come to.
@Suite struct ShardFilesTests {
    private let directory: String
    private let keys: ClusterKey
    private let today: Day

    init() throws {
        directory = NSTemporaryDirectory() + "fuldmagt-files-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        keys = try ClusterKey(hex: String(repeating: "0a", count: 32))
        today = try #require(Day("2026-11-23"))
    }

    private func files() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
    }

    @Test("what a worker's own restores left is deleted, and nothing else")
    func leftovers() throws {
        let own = ["restoring-w1", "standby-w1", "new-w1", "restoring-w1.new-w1", "standby-w1.new-w1", "standby-a_b"]
        let others = [
            "restoring-w12", "standby-w2", "standby-w1-wal", "new-w", "restoring-w2.new-w2", "damaged-1795514400000",
        ]
        let whole = ["shard-0000.sqlite", "shard-0000.sqlite-wal", "shard-0000.sqlite-frames", "w1.producer"]
        let kept = whole + others.map { "shard-0000.sqlite.\($0)" }
        for name in kept + own.map({ "shard-0001.sqlite.\($0)" }) {
            #expect(FileManager.default.createFile(atPath: "\(directory)/\(name)", contents: Data([1])))
        }
        #expect(try ShardFiles.removeLeftovers(of: "w1", in: directory).count == 5)
        #expect(try ShardFiles.removeLeftovers(of: "a/b", in: directory) == ["shard-0001.sqlite.standby-a_b"])
        #expect(try files() == kept.sorted())
    }

    @Test("a restore and a standby copy that were cut short leave what is found by their worker's name")
    func cutShort() throws {
        for purpose in ShardRestore.Purpose.allCases {
            _ = try ShardRestore(shard: 0, directory: directory, worker: "a/b", purpose: purpose)
        }
        #expect(try files().count == 2)
        #expect(try ShardFiles.removeLeftovers(of: "a/b", in: directory).count == 2)
        #expect(try files().isEmpty)
    }

    @Test(
        "what keeps a file of frames from being opened is repeated where it may pass, and ends the worker where it does not",
        arguments: [
            (ENOSPC, SQLITE_FULL), (EDQUOT, SQLITE_FULL), (EMFILE, SQLITE_IOERR), (ENFILE, SQLITE_IOERR),
            (EIO, SQLITE_IOERR), (ENOMEM, SQLITE_IOERR),
        ])
    func opening(number: Int32, code: Int32) {
        #expect(FrameFile.code(of: number) == code)
        #expect(StoreError(sqlite: code, doing: "opening").consequence == .retry)
    }

    @Test("a folder in the place of a file of frames is no matter of time")
    func noFile() throws {
        let path = "\(directory)/\(ShardStore.fileName(of: 0))"
        try FileManager.default.createDirectory(atPath: path + FrameFile.suffix, withIntermediateDirectories: false)
        let error = #expect(throws: StoreError.self) { try FrameFile(besides: path, places: [], waitsForDisk: false) }
        #expect(error?.consequence == .fatal)
    }

    @Test("all that a shard writes is for its owner only, and so is what is rebuilt")
    func modes() throws {
        let store = try ShardStore(
            shard: 0, keys: keys, options: .init(directory: directory, partitions: 1, recordsChanges: true),
            owner: "w", today: today)
        try store.turn { access in try access.setPosition(1, of: .grantCommands) }
        _ = try ShardRestore(shard: 0, directory: directory, worker: "w")
        let names = try files()
        for ending in ["", "-wal", "-shm", "-frames", ".restoring-w"] {
            #expect(names.contains("shard-0000.sqlite\(ending)"), "\(names)")
        }
        for name in names {
            let mode = try FileManager.default.attributesOfItem(atPath: "\(directory)/\(name)")[.posixPermissions]
            #expect((mode as? NSNumber)?.intValue == 0o600, "\(name)")
        }
        try store.close()
    }

    private func dump(_ path: String) throws -> [String] {
        var dump = Dump()
        try dump.add(path: path)
        return dump.sorted()
    }

    @Test("a copy of a shard in use has what is still in its log, is one file, and replaces none")
    func copied() throws {
        let store = try ShardStore(
            shard: 0, keys: keys, options: .init(directory: directory, partitions: 1), owner: "w", today: today)
        defer { withExtendedLifetime(store) {} }
        func write(_ numbers: Range<UInt64>) throws {
            try store.turn { access in
                var scratch: [UInt8] = []
                for number in numbers {
                    _ = try access.claim(
                        CommandKey(source: "urn:test", id: "\(number)", scratch: &scratch),
                        content: Ident(high: 0, low: number), day: today)
                }
                var writer = FrameWriter()
                writer.append(
                    topic: 1, partition: nil, timestamp: nil, key: nil, headers: { _ in },
                    value: {
                        $0.append(contentsOf: [UInt8](repeating: 7, count: 9))
                        return true
                    })
                _ = try access.appendFrame(writer.take(), ends: [.inbox: 1])
            }
        }
        try write(0..<300)
        let path = "\(directory)/\(ShardStore.fileName(of: 0))"
        let before = try dump(path)
        let (alone, copies) = ("\(directory)/alone", "\(directory)/copies")
        for folder in [alone, copies] {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        }
        try FileManager.default.copyItem(atPath: path, toPath: "\(alone)/shard-0000.sqlite")
        #expect(try dump("\(alone)/shard-0000.sqlite") != before)

        let copied = try ShardFiles.copy(shard: 0, path: path, to: copies)
        try write(300..<301)
        #expect(copied.path == "\(copies)/shard-0000.sqlite" && copied.lastFrame == 1 && copied.rows >= 300)
        #expect(try FileManager.default.contentsOfDirectory(atPath: copies) == ["shard-0000.sqlite"])
        let attributes = try FileManager.default.attributesOfItem(atPath: copied.path)
        #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
        #expect((attributes[.size] as? NSNumber)?.int64Value == copied.bytes)
        #expect(try dump(copied.path) == before)
        #expect(try dump(path) != before)
        #expect(try ShardFiles.check(shard: 0, path: copied.path) == [])
        // Reading it leaves nothing beside it either.
        #expect(try FileManager.default.contentsOfDirectory(atPath: copies) == ["shard-0000.sqlite"])

        let error = #expect(throws: StoreError.self) { try ShardFiles.copy(shard: 0, path: path, to: copies) }
        #expect(error?.text.contains("is not replaced") == true)
        #expect(try dump(copied.path) == before)
    }

    @Test("a copy that was cut short is told, and one that fails leaves nothing")
    func copyCutShort() throws {
        let store = try ShardStore(
            shard: 0, keys: keys, options: .init(directory: directory, partitions: 1), owner: "w", today: today)
        try store.close()
        let path = "\(directory)/\(ShardStore.fileName(of: 0))"
        let copies = "\(directory)/copies"
        try FileManager.default.createDirectory(atPath: copies, withIntermediateDirectories: false)
        #expect(throws: StoreError.self) { try ShardFiles.copy(shard: 1, path: path + "-none", to: copies) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: copies).isEmpty)
        let begun = "\(copies)/shard-0000.sqlite.copying"
        #expect(FileManager.default.createFile(atPath: begun, contents: Data([1])))
        let error = #expect(throws: StoreError.self) { try ShardFiles.copy(shard: 0, path: path, to: copies) }
        #expect(error?.text.hasPrefix("\(begun) is there: delete it") == true)
        #expect(FileManager.default.contents(atPath: begun) == Data([1]))
    }

    @Test("one statement that takes long tells that it goes on, and none does after that")
    func longWork() throws {
        let queue = try DatabaseQueue()
        var signs = 0
        func count() throws -> Int? {
            try queue.inDatabase {
                try Int.fetchOne(
                    $0,
                    sql: """
                        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000)
                        SELECT count(*) FROM n
                        """)
            }
        }
        let connection = queue.inDatabase { $0.sqliteConnection }
        #expect(try LongWork.run(connection, onProgress: { signs += 1 }, count) == 200_000)
        #expect(signs > 3)
        let before = signs
        #expect(try count() == 200_000)
        #expect(signs == before)
    }

    @Test("a restore tells that it goes on with each index")
    func finishing() throws {
        let store = try ShardStore(
            shard: 1, keys: keys, options: .init(directory: directory, partitions: 4, recordsChanges: true),
            owner: "w", today: today)
        var signs = 0
        let restore = try ShardRestore(shard: 0, directory: directory, worker: "w")
        try restore.finish(mark: nil) { signs += 1 }
        let indexes = try store.queue.inDatabase {
            try Int.fetchOne($0, sql: "SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL")
        }
        #expect(signs > (indexes ?? 0) && indexes ?? 0 > 5)
    }
}
