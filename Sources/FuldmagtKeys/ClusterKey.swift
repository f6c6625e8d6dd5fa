import Crypto
import FuldmagtBytes
import FuldmagtDomain
import FuldmagtJSON
import FuldmagtRecord

/// The secret all workers of a cluster share. From it come pseudonyms, sealed numbers and derived ids.
///
/// Whoever holds it can link pseudonyms to CPR numbers, so it lives in a file only the workers can read. A cluster that
/// loses it cannot open its shards; one that changes it starts anew.
public struct ClusterKey: Sendable {
    private let pseudonyms: PreparedHMAC
    private let ids: PreparedHMAC
    private let numbers: SymmetricKey
    private let nonces: PreparedHMAC
    private let frames: SymmetricKey
    private let proofs: PreparedHMAC
    private let contents: PreparedHMAC
    let lines: PreparedHMAC
    let records: PreparedHMAC

    public enum Invalid: Error, CustomStringConvertible {
        case form

        public var description: String {
            "a cluster key is 64 hexadecimal digits (32 random bytes); make one with: openssl rand -hex 32"
        }
    }

    /// - Parameter hex: 64 hexadecimal digits; white space around them is ignored.
    public init(hex: String) throws(Invalid) {
        let digits = hex.filter { !$0.isWhitespace }
        guard digits.utf8.count == 64, let high = Ident(hex: String(digits.prefix(32))),
            let low = Ident(hex: String(digits.suffix(32)))
        else { throw .form }
        var bytes: [UInt8] = []
        high.withBytes { bytes.append(contentsOf: $0) }
        low.withBytes { bytes.append(contentsOf: $0) }
        let root = SymmetricKey(data: bytes)
        func derived(_ purpose: String) -> SymmetricKey {
            HKDF<SHA256>.deriveKey(
                inputKeyMaterial: root, info: Array("fuldmagt/v1/\(purpose)".utf8), outputByteCount: 32)
        }
        pseudonyms = PreparedHMAC(derived("pseudonym"))
        ids = PreparedHMAC(derived("id"))
        numbers = derived("number")
        nonces = PreparedHMAC(derived("nonce"))
        frames = derived("frame")
        proofs = PreparedHMAC(derived("proof"))
        contents = PreparedHMAC(derived("content"))
        lines = PreparedHMAC(derived("line"))
        records = PreparedHMAC(derived("record"))
    }

    // MARK: Parties

    /// How the system knows a party: `HMAC-SHA-256(key, number)` cut to 16 bytes. Persons and companies cannot collide:
    /// their numbers differ in length.
    public func pseudonym(of party: Party) -> Ident { Self.first(mac(of: party.digits)) }

    /// A keyed hash of some other text, such as the mark by which a shard knows its key.
    public func pseudonym(ofText text: String) -> Ident { Self.first(mac(of: text)) }

    private func mac(of text: String) -> SHA256.Digest {
        var text = text
        return text.withUTF8 { pseudonyms.code(of: UnsafeRawBufferPointer($0)) }
    }

    private static func first(_ digest: SHA256.Digest) -> Ident { digest.withUnsafeBytes { Ident($0) } }

    /// How the system knows a party, and where it belongs.
    /// - Parameter partitions: of the command topics.
    public func identity(of party: Party, partitions: Int32) -> Identity {
        let digits = party.digits
        return Identity(
            party: party, pseudonym: Self.first(mac(of: digits)),
            shard: Murmur2.partition(of: digits, partitions: partitions))
    }

    /// Encrypts a party's number with AES-GCM, padded to sixteen bytes.
    ///
    /// The nonce is a keyed hash of the pseudonym, so it need not be kept and never meets two numbers. That equal numbers
    /// give equal bytes tells no more than the pseudonym beside them does, and makes a replayed record equal to the
    /// first.
    public func seal(_ identity: Identity) -> SealedNumber { seal(identity.party.digits, of: identity.pseudonym) }

    private func seal(_ number: String, of pseudonym: Ident) -> SealedNumber {
        precondition(number.utf8.count <= 16, "CPR and CVR numbers have ten and eight digits")
        do {
            return try withUnsafeTemporaryAllocation(byteCount: 16, alignment: 1) { block in
                block.initializeMemory(as: UInt8.self, repeating: 0)
                for (at, byte) in number.utf8.enumerated() { block[at] = byte }
                let box = try AES.GCM.seal(
                    UnsafeRawBufferPointer(block), using: numbers, nonce: try nonce(of: pseudonym))
                return SealedNumber(
                    block: box.ciphertext.withUnsafeBytes { Ident($0) }, tag: box.tag.withUnsafeBytes { Ident($0) })
            }
        } catch {
            // A 12-byte nonce and a 32-byte key are what AES-GCM takes; there is no other way to fail.
            preconditionFailure("AES-GCM refused a derived nonce")
        }
    }

    private func nonce(of pseudonym: Ident) throws -> AES.GCM.Nonce {
        let digest = pseudonym.withBytes { nonces.code(of: $0) }
        return try digest.withUnsafeBytes { try AES.GCM.Nonce(data: UnsafeRawBufferPointer(rebasing: $0[..<12])) }
    }

    /// Opens a sealed number.
    /// - Throws: when it was sealed under another key, for another pseudonym, or is damaged.
    private func open(_ sealed: SealedNumber, of pseudonym: Ident) throws(Unsealable) -> String {
        do {
            let block = try sealed.block.withBytes { block in
                try sealed.tag.withBytes { tag in
                    let box = try AES.GCM.SealedBox(nonce: try nonce(of: pseudonym), ciphertext: block, tag: tag)
                    return try AES.GCM.open(box, using: numbers)
                }
            }
            let digits = String(decoding: block.prefix { $0 != 0 }, as: UTF8.self)
            guard Self.first(mac(of: digits)) == pseudonym else { throw Unsealable() }
            return digits
        } catch {
            throw Unsealable()
        }
    }

    /// Encrypts a stored frame, which holds notifications and dead letters with readable numbers, under a nonce of its own.
    public func seal(frame bytes: [UInt8]) -> [UInt8] { withSealed(frame: bytes) { [UInt8]($0) } }

    /// Lends the bytes that `seal(frame:)` gives, uncopied: frames are large.
    public func withSealed<Value, Failure: Error>(
        frame bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        let box: AES.GCM.SealedBox
        do { box = try AES.GCM.seal(bytes, using: frames) } catch {
            preconditionFailure("AES-GCM refused a whole key")
        }
        guard let combined = box.combined else { preconditionFailure("AES-GCM gave a box that does not combine") }
        let result: Result<Value, Failure> = combined.withUnsafeBytes { bytes in
            do throws(Failure) { return .success(try body(bytes)) } catch { return .failure(error) }
        }
        return try result.get()
    }

    /// Opens what `seal(frame:)` made.
    public func open(frame sealed: [UInt8]) throws(Unsealable) -> [UInt8] {
        do {
            return [UInt8](try AES.GCM.open(try AES.GCM.SealedBox(combined: sealed), using: frames))
        } catch {
            throw Unsealable()
        }
    }

    /// A number that was sealed under another key, or damaged.
    public struct Unsealable: Error, CustomStringConvertible {
        public init() {}

        public var description: String {
            "a sealed number cannot be opened: it is damaged, or the cluster key is not the one it was sealed under"
        }
    }

    /// The party behind a pseudonym and its sealed number.
    /// - Throws: when the two do not belong together, or were made under another key.
    public func party(pseudonym: Ident, sealed: SealedNumber) throws(Unsealable) -> Party {
        let digits = try open(sealed, of: pseudonym)
        if let cvr = CVR(digits) { return .company(cvr) }
        // It was checked against its day when it was sealed.
        do { return .person(try CPR(digits, today: .last)) } catch { throw Unsealable() }
    }

    /// The identity of a party known by pseudonym and sealed number.
    public func identity(pseudonym: Ident, sealed: SealedNumber, partitions: Int32) throws(Unsealable) -> Identity {
        let party = try party(pseudonym: pseudonym, sealed: sealed)
        return Identity(
            party: party, pseudonym: pseudonym, shard: Murmur2.partition(of: party.digits, partitions: partitions))
    }

    // MARK: Ids

    /// An id derived from its cause: the same cause gives the same id, so a repeat is recognisable. It has the form of a
    /// UUID version 4.
    /// - Parameters:
    ///   - purpose: what kind of thing it names.
    ///   - citizen: whose it is.
    ///   - ordinal: tells apart what one cause makes for one citizen.
    public func id(_ purpose: String, source: String, id: String, citizen: Ident, ordinal: String) -> Ident {
        Self.mac([purpose, source, id, citizen.description, ordinal], key: ids).asUUIDv4
    }

    /// The same for a cause and an ordinal of the rules.
    public func id(_ purpose: StaticString, cause: Cause, citizen: Ident, ordinal: Ordinal) -> Ident {
        var text = ByteSink(capacity: 256)
        text.appendCounted { $0.append(purpose) }
        text.appendCounted { $0.append(cause.source) }
        text.appendCounted { $0.append(cause.id) }
        text.appendCounted { citizen.appendHex(to: &$0) }
        text.appendCounted { ordinal.write(to: &$0) }
        return text.withUnsafeBytes { Self.first(ids.code(of: $0)) }.asUUIDv4
    }

    /// The id of a cause as anyone but the citizen may see it: the producer's own id could tell who sent it.
    public func maskedCause(source: String, id: String) -> Ident {
        Self.mac(["cause", source, id], key: ids)
    }

    /// Proves that a re-published record's first time and position were written by this cluster.
    public func proof(of parts: [String]) -> Ident { Self.mac(parts, key: proofs) }

    /// Sixteen bytes of HMAC-SHA-256 over the parts, each after its length: no two lists of parts run together.
    private static func mac(_ parts: [String], key: PreparedHMAC) -> Ident {
        var text = ByteSink(capacity: 256)
        for part in parts { text.appendCounted { $0.append(part) } }
        return text.withUnsafeBytes { first(key.code(of: $0)) }
    }
}

/// HMAC-SHA-256 (RFC 2104) with the key's two blocks hashed beforehand: half the work for the short texts we have.
struct PreparedHMAC: Sendable {
    private let inner: SHA256
    private let outer: SHA256

    /// - Parameter key: at most 64 bytes.
    init(_ key: SymmetricKey) {
        var inner = SHA256()
        var outer = SHA256()
        key.withUnsafeBytes { key in
            precondition(key.count <= 64, "a longer key would have to be hashed first")
            var block = [UInt8](repeating: 0x36, count: 64)
            for (at, byte) in key.enumerated() { block[at] ^= byte }
            block.withUnsafeBytes { inner.update(bufferPointer: $0) }
            for at in block.indices { block[at] ^= 0x36 ^ 0x5c }
            block.withUnsafeBytes { outer.update(bufferPointer: $0) }
        }
        self.inner = inner
        self.outer = outer
    }

    func code(of bytes: UnsafeRawBufferPointer) -> SHA256.Digest {
        var inner = inner
        inner.update(bufferPointer: bytes)
        var outer = outer
        inner.finalize().withUnsafeBytes { outer.update(bufferPointer: $0) }
        return outer.finalize()
    }
}

extension ClusterKey {
    /// The digest of a command's type and data that is kept, to tell repeats from reused ids: HMAC-SHA-256 cut to 16 bytes.
    /// Without the key, whoever reads a shard could try CPR numbers until one fits.
    /// - Parameter scratch: reused between calls.
    public func content(type: String, data: JSONNode, scratch: inout [UInt8]) -> Ident {
        Self.write(.content(type: type, data: data), to: &scratch)
        return scratch.withUnsafeBytes { Self.first(contents.code(of: $0)) }
    }

    /// SHA-256 cut to 16 bytes, of what holds no CPR number: commands' sources and ids, and the catalogue's records. Shards
    /// of earlier versions hold it of citizens' commands too, until these are forgotten.
    /// - Parameter scratch: reused between calls.
    public static func digest(_ key: ContentKey, scratch: inout [UInt8]) -> Ident {
        write(key, to: &scratch)
        return scratch.withUnsafeBytes { bytes in
            var hash = SHA256()
            hash.update(bufferPointer: bytes)
            return hash.finalize().withUnsafeBytes { Ident($0) }
        }
    }

    private static func write(_ key: ContentKey, to scratch: inout [UInt8]) {
        scratch.removeAll(keepingCapacity: true)
        switch key {
        case .command(let source, let id):
            append(source, to: &scratch)
            append(id, to: &scratch)
        case .content(let type, let data):
            append(type, to: &scratch)
            data.appendEqualityForm(to: &scratch)
        }
    }

    private static func append(_ text: String, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: UInt32(text.utf8.count).littleEndian) { bytes.append(contentsOf: $0) }
        bytes.append(contentsOf: text.utf8)
    }
}
