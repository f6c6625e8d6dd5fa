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
    private let numbers: PreparedCipher
    private let nonces: PreparedHMAC
    private let frames: PreparedCipher
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
        numbers = PreparedCipher(derived("number"))
        nonces = PreparedHMAC(derived("nonce"))
        frames = PreparedCipher(derived("frame"))
        proofs = PreparedHMAC(derived("proof"))
        contents = PreparedHMAC(derived("content"))
        lines = PreparedHMAC(derived("line"))
        records = PreparedHMAC(derived("record"))
    }

    // MARK: Parties

    /// How the system knows a party: `HMAC-SHA-256(key, number)` cut to 16 bytes. Persons and companies cannot collide:
    /// their numbers differ in length.
    public func pseudonym(of party: Party) -> Ident { mac(of: party.digits).first }

    /// A keyed hash of some other text, such as the mark by which a shard knows its key.
    public func pseudonym(ofText text: String) -> Ident { mac(of: text).first }

    private func mac(of text: String) -> HashCode {
        var text = text
        return text.withUTF8 { pseudonyms.code(of: UnsafeRawBufferPointer($0)) }
    }

    /// How the system knows a party, and where it belongs.
    /// - Parameter partitions: of the command topics.
    public func identity(of party: Party, partitions: Int32) -> Identity {
        let digits = party.digits
        return Identity(
            party: party, pseudonym: mac(of: digits).first,
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
        return withUnsafeTemporaryAllocation(byteCount: 48, alignment: 8) { space in
            let block = UnsafeMutableRawBufferPointer(rebasing: space[..<16])
            block.initializeMemory(as: UInt8.self, repeating: 0)
            for (at, byte) in number.utf8.enumerated() { block[at] = byte }
            let sealed = UnsafeMutableRawBufferPointer(rebasing: space[16..<32])
            let tag = UnsafeMutableRawBufferPointer(rebasing: space[32...])
            if let sealed = sealed.baseAddress, let tag = tag.baseAddress {
                withNonce(of: pseudonym) {
                    numbers.seal(UnsafeRawBufferPointer(block), nonce: $0, into: sealed, tag: tag)
                }
            }
            return SealedNumber(
                block: Ident(UnsafeRawBufferPointer(sealed)), tag: Ident(UnsafeRawBufferPointer(tag)))
        }
    }

    /// The first twelve bytes of a keyed hash.
    private func withNonce<Result>(of pseudonym: Ident, _ body: (UnsafeRawPointer) -> Result) -> Result {
        pseudonym.withBytes { nonces.code(of: $0) }.withUnsafeBytes { code in
            guard let nonce = code.baseAddress else { preconditionFailure("a hash has bytes") }
            return body(nonce)
        }
    }

    /// Opens a sealed number.
    /// - Throws: when it was sealed under another key, for another pseudonym, or is damaged.
    private func open(_ sealed: SealedNumber, of pseudonym: Ident) throws(Unsealable) -> String {
        let digits: String? = withUnsafeTemporaryAllocation(byteCount: 16, alignment: 8) { block in
            guard let start = block.baseAddress else { return nil }
            let isOpen = sealed.block.withBytes { bytes in
                sealed.tag.withBytes { tag in
                    guard let tag = tag.baseAddress else { return false }
                    return withNonce(of: pseudonym) { numbers.open(bytes, nonce: $0, tag: tag, into: start) }
                }
            }
            return isOpen ? String(decoding: block.prefix { $0 != 0 }, as: UTF8.self) : nil
        }
        guard let digits, mac(of: digits).first == pseudonym else { throw Unsealable() }
        return digits
    }

    /// Encrypts a stored frame, which holds notifications and dead letters with readable numbers, under a nonce of its own.
    /// The nonce, twelve random bytes, stands before what is sealed, and the tag after it.
    public func seal(frame bytes: [UInt8]) -> [UInt8] {
        var sealed: [UInt8] = []
        sealed.reserveCapacity(bytes.count + Self.frameProofSize)
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: max(bytes.count, 1), alignment: 16)
        defer { piece.deallocate() }
        // The nonce takes its place once it is known.
        sealed.append(contentsOf: repeatElement(0, count: PreparedCipher.nonceSize))
        let proof = seal(frame: bytes, by: piece) { sealed.append(contentsOf: $0) }
        for at in 0..<PreparedCipher.nonceSize { sealed[at] = proof[at] }
        sealed.append(contentsOf: proof.suffix(PreparedCipher.tagSize))
        return sealed
    }

    /// Bytes of what is kept of a sealed frame besides what is sealed.
    public static let frameProofSize = PreparedCipher.nonceSize + PreparedCipher.tagSize

    /// Encrypts a frame piece by piece: frames are large, and each piece is lent while it is still at hand.
    /// - Parameter piece: where pieces are sealed; as long as they are.
    /// - Returns: nonce and tag, without which the frame cannot be opened, and by which it is known to be whole.
    public func seal<Failure: Error>(
        frame bytes: [UInt8], by piece: UnsafeMutableRawBufferPointer,
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) -> [UInt8] {
        var proof = [UInt8](AES.GCM.Nonce()) + [UInt8](repeating: 0, count: PreparedCipher.tagSize)
        var failure: Failure?
        proof.withUnsafeMutableBytes { proof in
            guard let start = proof.baseAddress else { preconditionFailure("a proof has bytes") }
            bytes.withUnsafeBytes { bytes in
                do throws(Failure) {
                    try frames.seal(bytes, nonce: start, by: piece, tag: start + PreparedCipher.nonceSize, body)
                } catch {
                    failure = error
                }
            }
        }
        if let failure { throw failure }
        return proof
    }

    /// Opens what `seal(frame:)` made.
    public func open(frame sealed: [UInt8]) throws(Unsealable) -> [UInt8] {
        guard sealed.count >= Self.frameProofSize else { throw Unsealable() }
        let text = sealed.dropFirst(PreparedCipher.nonceSize).dropLast(PreparedCipher.tagSize)
        return try open(
            frame: Array(text),
            proof: Array(sealed.prefix(PreparedCipher.nonceSize) + sealed.suffix(PreparedCipher.tagSize)))
    }

    /// Opens the pieces of a frame, one behind the other.
    /// - Throws: when they are not what the proof was made of.
    public func open(frame sealed: [UInt8], proof: [UInt8]) throws(Unsealable) -> [UInt8] {
        guard proof.count == Self.frameProofSize else { throw Unsealable() }
        var isOpen = false
        let bytes = [UInt8](unsafeUninitializedCapacity: sealed.count) { space, filled in
            filled = sealed.count
            isOpen = proof.withUnsafeBytes { proof in
                sealed.withUnsafeBytes { sealed in
                    guard let start = proof.baseAddress else { return false }
                    // Nothing is written where a frame has no bytes.
                    let target =
                        space.baseAddress.map { UnsafeMutableRawPointer($0) }
                        ?? UnsafeMutableRawPointer(mutating: start)
                    return frames.open(
                        sealed, nonce: start, tag: start + PreparedCipher.nonceSize, into: target)
                }
            }
        }
        guard isOpen else { throw Unsealable() }
        return bytes
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
        return text.withUnsafeBytes { ids.code(of: $0).first }.asUUIDv4
    }

    /// The id of a cause as anyone but the citizen may see it: the producer's own id could tell who sent it.
    public func maskedCause(source: String, id: String) -> Ident {
        var text = ByteSink(capacity: 256)
        text.appendCounted { $0.append("cause" as StaticString) }
        text.appendCounted { $0.append(source) }
        text.appendCounted { $0.append(id) }
        return text.withUnsafeBytes { ids.code(of: $0).first }
    }

    /// Proves that a re-published record's first time and position were written by this cluster.
    public func proof(of parts: [String]) -> Ident { Self.mac(parts, key: proofs) }

    /// Sixteen bytes of HMAC-SHA-256 over the parts, each after its length: no two lists of parts run together.
    private static func mac(_ parts: [String], key: PreparedHMAC) -> Ident {
        var text = ByteSink(capacity: 256)
        for part in parts { text.appendCounted { $0.append(part) } }
        return text.withUnsafeBytes { key.code(of: $0).first }
    }
}

extension ClusterKey {
    /// The digest of a command's type and data that is kept, to tell repeats from reused ids: HMAC-SHA-256 cut to 16 bytes.
    /// Without the key, whoever reads a shard could try CPR numbers until one fits.
    /// - Parameter scratch: reused between calls.
    public func content(type: String, data: JSONNode, scratch: inout [UInt8]) -> Ident {
        Self.write(.content(type: type, data: data), to: &scratch)
        return scratch.withUnsafeBytes { contents.code(of: $0).first }
    }

    /// SHA-256 cut to 16 bytes, of what holds no CPR number: commands' sources and ids, and the catalogue's records. Shards
    /// of earlier versions hold it of citizens' commands too, until these are forgotten.
    /// - Parameter scratch: reused between calls.
    public static func digest(_ key: ContentKey, scratch: inout [UInt8]) -> Ident {
        write(key, to: &scratch)
        return scratch.withUnsafeBytes { bytes in
            var hash = PlainSHA256()
            hash.update(bytes)
            return hash.finish().first
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
