import FuldmagtDomain
import FuldmagtRecord

/// How a shard knows the id of a command that was decided.
///
/// Twelve bytes of SHA-256 tell ids apart. Four bytes before them bring together ids that were made one after the other:
/// counters, UUIDs that begin with the time, the ids of a job's lines. So the ids of a turn fall on few pages of a shard and
/// not on as many as there are ids. Ids that have nothing in common fall anywhere, as they did.
public struct CommandKey: Sendable, Hashable {
    public let key: Ident
    /// SHA-256 of source and id, cut to 16 bytes: what versions before schema 12 noted.
    public let digest: Ident

    /// - Parameter scratch: reused between calls.
    public init(source: String, id: String, scratch: inout [UInt8]) {
        let digest = ClusterKey.digest(.command(source: source, id: id), scratch: &scratch)
        self.digest = digest
        let neighbours = scratch.withUnsafeBytes { bytes in
            Murmur2.hash(UnsafeRawBufferPointer(rebasing: bytes.dropLast(Self.ownBytes(of: bytes, id.utf8.count))))
        }
        key = Ident(high: UInt64(neighbours) << 32 | digest.high & 0xffff_ffff, low: digest.low)
    }

    /// How many bytes at the end are the id's own, and not its neighbours' too.
    private static func ownBytes(of text: UnsafeRawBufferPointer, _ length: Int) -> Int {
        let id = UnsafeRawBufferPointer(rebasing: text.suffix(length))
        let dash = UInt8(ascii: "-")
        // Of a UUID the first eight digits are the time, where it is one of those.
        if length == 36, id[8] == dash, id[13] == dash, id[18] == dash, id[23] == dash { return 28 }
        // A hash behind a number; otherwise a number at the end.
        let tail = length - (id.lastIndex(of: dash) ?? length)
        return min(length, (tail > 12 ? tail : 0) + 3)
    }
}
