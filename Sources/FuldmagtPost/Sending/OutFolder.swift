import CSyncFS
import Foundation
import FuldmagtBytes
import FuldmagtDomain

/// Why files could not be written or read; names the path.
public struct FolderFailure: Error, CustomStringConvertible {
    public let description: String

    init(_ doing: String, _ path: String, _ code: Int32 = errno) {
        description = "\(doing) \(path): \(String(cString: strerror(code)))"
    }
}

/// A folder that a transport takes files from. A file appears whole or not at all; names that begin with a dot are not
/// finished.
struct OutFolder: Sendable {
    let path: String

    /// - Parameter path: made if it is not there, for its owner only: files hold numbers of people.
    init(_ path: String) throws {
        self.path = path
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }

    /// Removes what a process that died had begun: it may be withdrawn by now, and holds numbers of people. What is still to
    /// be sent is written anew.
    func removeUnfinished() throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: path) where name.hasPrefix(".") {
            try FileManager.default.removeItem(atPath: "\(path)/\(name)")
        }
    }

    func has(_ name: String) -> Bool { access("\(path)/\(name)", F_OK) == 0 }

    /// Writes bytes to a new file.
    static func write(_ bytes: UnsafeRawBufferPointer, to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        guard descriptor >= 0 else { throw FolderFailure("writing", path) }
        defer { close(descriptor) }
        var at = 0
        while at < bytes.count {
            let count = Foundation.write(descriptor, bytes.baseAddress.map { $0 + at }, bytes.count - at)
            guard count >= 0 || errno == EINTR else { throw FolderFailure("writing", path) }
            at += max(count, 0)
        }
    }

    /// Waits until everything that was written to the folder's file system is on its disk. One wait for a chunk of files
    /// takes a tenth of the time of one for each.
    func synchronize() throws { try synchronize(by: syncfs) }

    /// Waits until the names in the folder are on its disk.
    func synchronizeNames() throws { try synchronize(by: fsync) }

    private func synchronize(by call: (Int32) -> Int32) throws {
        let descriptor = open(path, O_RDONLY)
        guard descriptor >= 0 else { throw FolderFailure("opening", path) }
        defer { close(descriptor) }
        guard call(descriptor) == 0 else { throw FolderFailure("synchronizing", path) }
    }

    /// Removes a file that was not finished.
    static func remove(_ path: String) throws {
        guard unlink(path) == 0 else { throw FolderFailure("removing", path) }
    }

    static func rename(_ from: String, to target: String) throws {
        guard Foundation.rename(from, target) == 0 else { throw FolderFailure("renaming to", target) }
    }
}

/// Hands MeMo messages over as files of a folder, named by their id.
public struct MeMoFolder: PostTransport {
    private let folder: OutFolder
    private let writer: MeMoWriter

    public init(path: String, writer: MeMoWriter) throws {
        folder = try OutFolder(path)
        try folder.removeUnfinished()
        self.writer = writer
    }

    private static func name(_ message: Ident) -> String { "\(message.uuidText).xml" }

    public func has(_ message: Ident) -> Bool { folder.has(Self.name(message)) }

    public func send(_ messages: [OutgoingMessage], now: Instant, clearance: Clearance) throws
        -> [(message: Ident, sending: PostLedger.Sending)]
    {
        var sink = ByteSink(capacity: 1 << 14)
        for message in messages {
            sink.removeAll()
            writer.append(message, to: &sink)
            try sink.withUnsafeBytes { try OutFolder.write($0, to: "\(folder.path)/.\(Self.name(message.id))") }
        }
        try folder.synchronize()
        let results = try messages.map { message in
            let name = Self.name(message.id)
            let (unfinished, finished) = ("\(folder.path)/.\(name)", "\(folder.path)/\(name)")
            guard clearance([message]).contains(message.id) else {
                try OutFolder.remove(unfinished)
                return (message.id, PostLedger.Sending.withheld)
            }
            try OutFolder.rename(unfinished, to: finished)
            return (message.id, .sent)
        }
        try folder.synchronizeNames()
        return results
    }
}
