import Foundation
import FuldmagtStore

/// A file that holds the name of the last producer of a worker: what its next start must end before it reads anything.
public struct ProducerNote: Sendable {
    private let path: String

    public init(path: String) { self.path = path }

    /// The name; nil where there is none. A file that a power cut has left empty holds none either: whom to fence off stands
    /// beside the offsets of each shard as well.
    public var name: String? {
        guard let bytes = FileManager.default.contents(atPath: path) else { return nil }
        let name = String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        return name.isEmpty ? nil : name
    }

    /// Replaces the name: after a power cut there is the old one or this one.
    /// - Throws: `retry` where there is no room or the disk does not answer, which may pass.
    public func write(_ name: String) throws(LogFailure) {
        let temporary = path + ".new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failed("opening", temporary) }
        do throws(LogFailure) {
            var rest = Array(name.utf8)[...]
            while !rest.isEmpty {
                let written = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
                guard written > 0 || errno == EINTR else { throw failed("writing", temporary) }
                rest = rest.dropFirst(max(written, 0))
            }
            guard fsync(descriptor) == 0 else { throw failed("syncing", temporary) }
        } catch {
            close(descriptor)
            throw error
        }
        guard close(descriptor) == 0 else { throw failed("closing", temporary) }
        guard rename(temporary, path) == 0 else { throw failed("renaming", temporary) }
    }

    private func failed(_ doing: String, _ file: String) -> LogFailure {
        let number = errno
        return LogFailure(
            SystemFailure.mayPass(number) ? .retry : .fatal,
            "the name of this worker's producer cannot be noted: \(doing) \(file): \(String(cString: strerror(number)))"
        )
    }
}
