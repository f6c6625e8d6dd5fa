import Foundation

/// What has been delivered of a list, in a file beside it (`FILE.done`): one JSON object a line, added only after the
/// broker acknowledged the record.
///
/// A death between delivery and note sends those records once more; the worker knows them by source and id and ignores
/// the repeat. Only one process at a time may use the file.
public final class ReplayProgress {
    /// Entries that are noted as delivered.
    public private(set) var done: Set<FrozenList.Entry>
    private let handle: FileHandle

    public struct Unusable: Error, CustomStringConvertible {
        public let description: String
    }

    /// Opens the file of a list, or makes it.
    /// - Throws: when it cannot be written, is damaged, or another replay holds it.
    public init(list path: String) throws {
        let file = Self.path(list: path)
        let descriptor = open(file, O_RDWR | O_CREAT, 0o600)
        guard descriptor >= 0 else {
            throw Unusable(description: "\(file) cannot be written; check the folder and its permissions")
        }
        handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw Unusable(description: "\(file) is in use: another replay of this list is running")
        }
        let data = try handle.readToEnd() ?? Data()
        // A note that a death cut short has no line end; its record is sent again.
        let whole = data.lastIndex(of: 10).map { data[...$0] } ?? Data()
        do {
            done = Set(try FrozenList(lines: Data(whole)).entries)
        } catch {
            throw Unusable(description: "\(file): \(error)")
        }
        try handle.truncate(atOffset: UInt64(whole.count))
        try handle.seek(toOffset: UInt64(whole.count))
    }

    /// Where the progress of a list is kept.
    public static func path(list: String) -> String { list + ".done" }

    /// Notes entries as delivered, and waits until the disk has it.
    public func note(_ entries: [FrozenList.Entry]) throws {
        guard !entries.isEmpty else { return }
        try handle.write(contentsOf: FrozenList(entries).lines())
        try handle.synchronize()
        done.formUnion(entries)
    }
}
