/// Digests of records as they stand, which hold CPR numbers: without the key, whoever reads a digest could try numbers
/// until one fits.
extension ClusterKey {
    /// What of a job's line goes into the id of its command: the first eight bytes of HMAC-SHA-256.
    public func mark(of parts: [[UInt8]]) -> UInt64 {
        Self.code(of: parts, key: lines).withUnsafeBytes { UInt64(bigEndian: $0.loadUnaligned(as: UInt64.self)) }
    }

    /// Tells a record that was set aside from any other: HMAC-SHA-256 in hexadecimal.
    public func digest(ofRecord parts: [[UInt8]?]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: Self.code(of: parts, key: records).withUnsafeBytes { code in
                code.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
            },
            as: UTF8.self)
    }

    /// Over the parts, each after its length: no two lists of parts run together. -1 tells a null from what has no bytes.
    private static func code(of parts: [[UInt8]?], key: PreparedHMAC) -> HashCode {
        var text: [UInt8] = []
        for part in parts {
            withUnsafeBytes(of: Int64(part?.count ?? -1).littleEndian) { text.append(contentsOf: $0) }
            text += part ?? []
        }
        return text.withUnsafeBytes { key.code(of: $0) }
    }
}
