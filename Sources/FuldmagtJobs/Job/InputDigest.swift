import Crypto

/// Tells whether a job's input, and how it is read, are still what they were: SHA-256 over both.
public struct InputDigest {
    private var hash = SHA256()

    public init(_ job: Job) {
        var parts = [
            job.id, job.source, job.kind.rawValue, job.format.rawValue, job.encoding.rawValue, String(job.delimiter),
            String(job.hasHeader),
        ]
        for (name, column) in job.columns.sorted(by: { $0.key < $1.key }) { parts += ["column", name, "\(column)"] }
        for (name, value) in job.defaults.sorted(by: { $0.key < $1.key }) { parts += ["default", name, value] }
        for (name, package) in job.privileges.sorted(by: { $0.key < $1.key }) { parts += ["privilege", name, package] }
        for part in parts {
            withUnsafeBytes(of: UInt64(part.utf8.count).littleEndian) { hash.update(bufferPointer: $0) }
            hash.update(data: Array(part.utf8))
        }
    }

    /// Adds the input's bytes as they come.
    public mutating func feed(_ bytes: [UInt8]) { hash.update(data: bytes) }

    /// In hexadecimal.
    public var text: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: hash.finalize().flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
