/// The hash that Java's Kafka clients partition by. Everything that decides which shard a citizen lives in uses this one
/// function, so that a Java producer and our own agree.
public enum Murmur2 {
    /// The 32-bit murmur2 of `bytes` with Kafka's seed.
    public static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        let multiplier: UInt32 = 0x5bd1_e995
        let length = bytes.count
        var hash: UInt32 = 0x9747_b28c ^ UInt32(truncatingIfNeeded: length)
        var at = 0
        while at + 4 <= length {
            var word = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self))
            word &*= multiplier
            word ^= word >> 24
            word &*= multiplier
            hash &*= multiplier
            hash ^= word
            at += 4
        }
        let rest = length - at
        if rest >= 3 { hash ^= UInt32(bytes[at + 2]) << 16 }
        if rest >= 2 { hash ^= UInt32(bytes[at + 1]) << 8 }
        if rest >= 1 {
            hash ^= UInt32(bytes[at])
            hash &*= multiplier
        }
        hash ^= hash >> 13
        hash &*= multiplier
        hash ^= hash >> 15
        return hash
    }

    /// The partition of a key: `murmur2(key) & 0x7fffffff % partitions`, as Java's default partitioner has it.
    /// - Parameter partitions: greater than zero.
    public static func partition(of key: UnsafeRawBufferPointer, partitions: Int32) -> Int32 {
        Int32(hash(key) & 0x7fff_ffff) % partitions
    }

    /// The partition of a textual key.
    public static func partition(of key: String, partitions: Int32) -> Int32 {
        var key = key
        return key.withUTF8 { partition(of: UnsafeRawBufferPointer($0), partitions: partitions) }
    }
}
