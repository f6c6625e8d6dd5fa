import Foundation
import FuldmagtKeys

/// Dead letters chosen once, so that what is replayed is what was looked at: one JSON object a line.
///
/// It names positions and keyed digests, so it holds no personal data. A list of a version whose digests were not keyed
/// matches nothing any more: what it names is skipped as changed, and has to be listed again.
public struct FrozenList: Sendable, Equatable {
    /// One dead letter.
    public struct Entry: Codable, Hashable, Sendable {
        /// Position in `fuldmagt.dead-letters`.
        public var partition: Int32
        public var offset: Int64
        /// `SetAsideRecord.digest` when it was listed.
        public var digest: String

        public init(partition: Int32, offset: Int64, digest: String) {
            self.partition = partition
            self.offset = offset
            self.digest = digest
        }

        /// - Parameter keys: for the digest.
        public init(_ record: SetAsideRecord, keys: ClusterKey) {
            self.init(partition: record.partition, offset: record.offset, digest: record.digest(under: keys))
        }
    }

    /// In the order of partitions and offsets: what has one key is replayed in the order it was set aside.
    public private(set) var entries: [Entry]

    public init(_ entries: [Entry]) {
        self.entries = Set(entries).sorted { ($0.partition, $0.offset) < ($1.partition, $1.offset) }
    }

    /// A line that is no entry.
    public struct Malformed: Error, Equatable, CustomStringConvertible {
        /// From 1.
        public var line: Int

        public init(line: Int) { self.line = line }

        public var description: String {
            "line \(line) is no entry; each is {\"partition\":0,\"offset\":0,\"digest\":\"…\"}, as fuldmagt dead-letters list --output writes it"
        }
    }

    /// Reads the lines of a file; empty ones are passed over.
    public init(lines: Data) throws(Malformed) {
        var entries: [Entry] = []
        for (number, line) in lines.split(separator: 10, omittingEmptySubsequences: false).enumerated()
        where !line.allSatisfy({ $0 == 32 || $0 == 13 }) {
            do {
                entries.append(try JSONDecoder().decode(Entry.self, from: line))
            } catch {
                throw Malformed(line: number + 1)
            }
        }
        self.init(entries)
    }

    /// The lines as `init(lines:)` reads them.
    public func lines() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        var data = Data()
        for entry in entries { data += try encoder.encode(entry) + Data("\n".utf8) }
        return data
    }
}
