import CLibCrypto
import Crypto
import FuldmagtDomain

/// HMAC-SHA-256 (RFC 2104) with the key's two blocks hashed beforehand: half the work for the short texts we have.
///
/// OpenSSL's plain structures are copied where swift-crypto's hash would allocate: a command is hashed eight times.
struct PreparedHMAC: Sendable {
    private let inner: PlainSHA256
    private let outer: PlainSHA256

    /// - Parameter key: at most 64 bytes.
    init(_ key: SymmetricKey) {
        var inner = PlainSHA256()
        var outer = PlainSHA256()
        key.withUnsafeBytes { key in
            precondition(key.count <= 64, "a longer key would have to be hashed first")
            var block = [UInt8](repeating: 0x36, count: 64)
            for (at, byte) in key.enumerated() { block[at] ^= byte }
            block.withUnsafeBytes { inner.update($0) }
            for at in block.indices { block[at] ^= 0x36 ^ 0x5c }
            block.withUnsafeBytes { outer.update($0) }
        }
        self.inner = inner
        self.outer = outer
    }

    func code(of bytes: UnsafeRawBufferPointer) -> HashCode {
        var inner = inner
        inner.update(bytes)
        var outer = outer
        inner.finish().withUnsafeBytes { outer.update($0) }
        return outer.finish()
    }
}

/// SHA-256 in a structure that owns no memory.
struct PlainSHA256: @unchecked Sendable {
    private var state = SHA256_CTX()

    init() { SHA256_Init(&state) }

    mutating func update(_ bytes: UnsafeRawBufferPointer) { SHA256_Update(&state, bytes.baseAddress, bytes.count) }

    /// The structure is of no use afterwards.
    mutating func finish() -> HashCode {
        var code = HashCode()
        withUnsafeMutableBytes(of: &code.words) { code in
            _ = SHA256_Final(code.baseAddress?.assumingMemoryBound(to: UInt8.self), &state)
        }
        return code
    }
}

/// The 32 bytes of a SHA-256.
struct HashCode {
    fileprivate var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    /// The first sixteen bytes.
    var first: Ident { Ident(high: UInt64(bigEndian: words.0), low: UInt64(bigEndian: words.1)) }

    func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try Swift.withUnsafeBytes(of: words) { try body($0) }
    }
}
