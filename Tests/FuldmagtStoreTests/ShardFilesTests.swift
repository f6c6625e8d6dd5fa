import Foundation
import FuldmagtDomain
import FuldmagtKeys
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
}
