import CLibCrypto
import Crypto
import Synchronization

/// AES-256 in Galois/counter mode (NIST SP 800-38D) under a key whose schedule is computed once: for one number of sixteen
/// bytes that is most of the work.
final class PreparedCipher: Sendable {
    static let nonceSize = 12
    static let tagSize = 16

    private struct Contexts: @unchecked Sendable {
        let sealing: OpaquePointer
        let opening: OpaquePointer
    }
    private let key: SymmetricKey
    /// Contexts that no thread uses just now: never more than there were threads at once.
    private let idle = Mutex<[Contexts]>([])

    /// - Parameter key: 32 bytes.
    init(_ key: SymmetricKey) {
        precondition(key.bitCount == 256, "AES-256 has a key of 32 bytes")
        self.key = key
    }

    deinit {
        idle.withLock { contexts in
            for context in contexts {
                EVP_CIPHER_CTX_free(context.sealing)
                EVP_CIPHER_CTX_free(context.opening)
            }
        }
    }

    private func made() -> Contexts {
        guard let sealing = EVP_CIPHER_CTX_new(), let opening = EVP_CIPHER_CTX_new() else {
            preconditionFailure("there is no memory for a cipher")
        }
        let isReady = key.withUnsafeBytes { key in
            let bytes = key.baseAddress?.assumingMemoryBound(to: UInt8.self)
            return EVP_EncryptInit_ex(sealing, EVP_aes_256_gcm(), nil, bytes, nil) == 1
                && EVP_DecryptInit_ex(opening, EVP_aes_256_gcm(), nil, bytes, nil) == 1
        }
        precondition(isReady, "OpenSSL refused AES-256-GCM")
        return Contexts(sealing: sealing, opening: opening)
    }

    private func with<Result, Failure: Error>(_ body: (Contexts) throws(Failure) -> Result) throws(Failure) -> Result {
        let contexts = idle.withLock { $0.popLast() } ?? made()
        defer { idle.withLock { $0.append(contexts) } }
        return try body(contexts)
    }

    /// Encrypts text into as many bytes, and tells the tag that proves them.
    func seal(
        _ text: UnsafeRawBufferPointer, nonce: UnsafeRawPointer, into sealed: UnsafeMutableRawPointer,
        tag: UnsafeMutableRawPointer
    ) {
        let isDone = with { contexts in
            let context = contexts.sealing
            var count: Int32 = 0
            return EVP_EncryptInit_ex(context, nil, nil, nil, nonce.assumingMemoryBound(to: UInt8.self)) == 1
                && EVP_EncryptUpdate(
                    context, sealed.assumingMemoryBound(to: UInt8.self), &count,
                    text.baseAddress?.assumingMemoryBound(to: UInt8.self), Int32(text.count)) == 1
                && EVP_EncryptFinal_ex(
                    context, sealed.assumingMemoryBound(to: UInt8.self) + text.count, &count) == 1
                && fm_gcm_take_tag(context, tag) == 1
        }
        // A whole key and a nonce of twelve bytes are what it takes; there is no other way to fail.
        precondition(isDone, "OpenSSL refused to seal")
    }

    /// Encrypts a long text piece by piece: each is lent as soon as it is sealed, in memory that the next one takes.
    /// - Parameters:
    ///   - piece: where a piece is sealed; as long as the pieces are.
    ///   - tag: told once all of it is sealed.
    func seal<Failure: Error>(
        _ text: UnsafeRawBufferPointer, nonce: UnsafeRawPointer, by piece: UnsafeMutableRawBufferPointer,
        tag: UnsafeMutableRawPointer, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        guard let target = piece.baseAddress else { preconditionFailure("a piece has bytes") }
        let sealed = target.assumingMemoryBound(to: UInt8.self)
        let isDone = try with { (contexts) throws(Failure) in
            let context = contexts.sealing
            var count: Int32 = 0
            var isGoing = EVP_EncryptInit_ex(context, nil, nil, nil, nonce.assumingMemoryBound(to: UInt8.self)) == 1
            var at = 0
            while at < text.count, isGoing {
                let part = UnsafeRawBufferPointer(rebasing: text[at..<min(at + piece.count, text.count)])
                isGoing =
                    EVP_EncryptUpdate(
                        context, sealed, &count, part.baseAddress?.assumingMemoryBound(to: UInt8.self),
                        Int32(part.count)) == 1
                if isGoing { try body(UnsafeRawBufferPointer(start: target, count: part.count)) }
                at += part.count
            }
            return isGoing && EVP_EncryptFinal_ex(context, sealed, &count) == 1 && fm_gcm_take_tag(context, tag) == 1
        }
        precondition(isDone, "OpenSSL refused to seal")
    }

    /// Decrypts what `seal` made into as many bytes.
    /// - Returns: false when it was sealed under another key or nonce, or is damaged: the bytes mean nothing then.
    func open(
        _ sealed: UnsafeRawBufferPointer, nonce: UnsafeRawPointer, tag: UnsafeRawPointer,
        into text: UnsafeMutableRawPointer
    ) -> Bool {
        with { contexts in
            let context = contexts.opening
            var count: Int32 = 0
            return EVP_DecryptInit_ex(context, nil, nil, nil, nonce.assumingMemoryBound(to: UInt8.self)) == 1
                && EVP_DecryptUpdate(
                    context, text.assumingMemoryBound(to: UInt8.self), &count,
                    sealed.baseAddress?.assumingMemoryBound(to: UInt8.self), Int32(sealed.count)) == 1
                && fm_gcm_expect_tag(context, tag) == 1
                && EVP_DecryptFinal_ex(
                    context, text.assumingMemoryBound(to: UInt8.self) + sealed.count, &count) == 1
        }
    }
}
