import Foundation
import GRDBSQLite

/// The bytes of the frames in a shard's outbox: sealed, in a file beside the shard's own.
///
/// A frame is the largest thing that a turn stores, and is gone with the next: within the shard's file every page of it went
/// through the write-ahead log and then into the database. A row of the outbox says where a frame's bytes are, and holds
/// what proves them. They are written before the row is committed, by whoever holds the shard's write lock at its epoch, and
/// their place is used again only once the row is gone for good. So a process that dies leaves rows whose frames are whole.
/// A power failure may not; a frame that cannot be read, and is not out, shows the shard to be behind its changelog.
/// Used by one thread.
final class FrameFile {
    /// Where a frame's bytes are.
    struct Place: Equatable {
        var frame: Int64
        var start: Int64
        var size: Int
        var end: Int64 { start + Int64(size) }
    }

    static let suffix = "-frames"
    /// A file that has grown larger than this is emptied as soon as no frame is in it.
    private static let roomAtMost: Int64 = 32 << 20

    private let path: String
    private let waitsForDisk: Bool
    private let file: Int32
    /// Of the rows that are committed, in the order of their places.
    private var places: [Place]
    /// Of the turn that is not committed yet.
    private var written: [Place] = []
    private var forgotten: Int64 = 0
    /// Where the file ends.
    private var end: Int64
    /// Where pieces are sealed: small enough to stay at hand.
    let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 64)

    /// Opens the file, and makes it where there is none.
    /// - Parameters:
    ///   - path: of the shard's file.
    ///   - places: of the frames that wait.
    ///   - waitsForDisk: frames are on the disk before their rows are committed.
    init(besides path: String, places: [Place], waitsForDisk: Bool) throws(StoreError) {
        self.path = path + Self.suffix
        self.places = places.sorted { $0.start < $1.start }
        self.waitsForDisk = waitsForDisk
        file = open(self.path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else {
            throw StoreError(sqlite: Self.code(of: errno) ?? SQLITE_CANTOPEN, doing: "opening \(self.path)")
        }
        end = Int64(lseek(file, 0, SEEK_END))
    }

    deinit {
        _ = Foundation.close(file)
        piece.deallocate()
    }

    /// The first place that is free and large enough.
    func room(for size: Int) -> Int64 {
        var start: Int64 = 0
        for place in (places + written).sorted(by: { $0.start < $1.start }) {
            if start + Int64(size) <= place.start { return start }
            start = max(start, place.end)
        }
        return start
    }

    func write(_ bytes: UnsafeRawBufferPointer, at start: Int64) throws(StoreError) {
        var rest = bytes
        var at = start
        while let from = rest.baseAddress, !rest.isEmpty {
            let count = pwrite(file, from, rest.count, off_t(at))
            guard count > 0 else {
                if count == 0 { throw StoreError(sqlite: SQLITE_IOERR, doing: "writing \(path)") }
                if errno == EINTR { continue }
                throw failed("writing")
            }
            at += Int64(count)
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
        end = max(end, at)
    }

    /// Notes what a row says that is not committed yet.
    func wrote(_ place: Place) throws(StoreError) {
        if waitsForDisk, fdatasync(file) != 0 { throw failed("writing") }
        written.append(place)
    }

    /// - Returns: nil where there are fewer bytes.
    func read(_ place: Place) throws(StoreError) -> [UInt8]? {
        var failure: StoreError?
        var filled = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: place.size) { space, count in
            while filled < place.size, let target = space.baseAddress {
                let more = pread(file, target + filled, place.size - filled, off_t(place.start) + filled)
                if more < 0, errno == EINTR { continue }
                if more < 0 { failure = failed("reading") }
                if more <= 0 { break }
                filled += more
            }
            count = filled
        }
        if let failure { throw failure }
        return filled == place.size ? bytes : nil
    }

    /// The rows up to a frame's are deleted, in a turn that is not committed yet.
    func forget(through frame: Int64) { forgotten = max(forgotten, frame) }

    /// Gives the room back, where nothing is needed of it any more. The caller holds the shard's write lock, and all frames
    /// that it has not forgotten are in rows to come.
    func trim() throws(StoreError) {
        guard written.isEmpty, places.allSatisfy({ $0.frame <= forgotten }) else { return }
        guard ftruncate(file, 0) == 0 else { throw failed("emptying") }
        end = 0
    }

    /// Called before a turn writes anything.
    func begin() throws(StoreError) {
        if places.isEmpty, end > Self.roomAtMost { try trim() }
    }

    func committed() {
        if forgotten > 0 { places.removeAll { $0.frame <= forgotten } }
        places += written
        places.sort { $0.start < $1.start }
        rolledBack()
    }

    func rolledBack() {
        written = []
        forgotten = 0
    }

    private func failed(_ doing: String) -> StoreError {
        StoreError(sqlite: Self.code(of: errno) ?? SQLITE_IOERR, doing: "\(doing) \(path)")
    }

    /// SQLite's code for what may be otherwise later; nil for all else.
    /// - Parameter number: what the system said.
    static func code(of number: Int32) -> Int32? {
        switch number {
        case ENOSPC, EDQUOT: SQLITE_FULL
        case _ where SystemFailure.mayPass(number): SQLITE_IOERR
        default: nil
        }
    }
}
