/// One value, or one member name, of a parsed text; values stand in the order of the text.
///
/// A container is followed by its content: an array by its elements, an object by name and value in turn.
struct JSONToken {
    /// Where the source text of the value begins and ends, quotes and brackets included.
    var start: UInt32
    var end: UInt32
    /// The token after this value and all it contains. While a container is open: the container around it.
    var next: UInt32
    /// Elements or members of a container. Of a string with escapes: where its bytes begin in `JSONStorage.decoded`.
    var count: UInt32
    var kind: JSONKind
    /// Of a string: has escapes. Of a number: has a fraction or an exponent. Of a bool: its value.
    var flag: Bool

    /// "No container" in `next`.
    static let none = UInt32.max
}

/// What a document has parsed: reached by pointer so that nodes are copied without counting references.
struct JSONStorage {
    /// The text being parsed or last parsed.
    var source: UnsafePointer<UInt8>
    var tokens: UnsafeMutablePointer<JSONToken>
    var tokenCount = 0
    var tokenCapacity: Int
    /// Strings with escapes: each a 4-byte length and the bytes it stands for.
    var decoded: UnsafeMutableRawPointer
    var decodedCount = 0
    var decodedCapacity: Int
    /// Hash table for the member names of one large object.
    var table: [UInt32] = []
    /// Member names in order, for the objects whose equality form is being made.
    var order: [UInt32] = []

    init() {
        tokenCapacity = 256
        tokens = .allocate(capacity: tokenCapacity)
        decodedCapacity = 1024
        decoded = .allocate(byteCount: decodedCapacity, alignment: 8)
        source = UnsafePointer(decoded.assumingMemoryBound(to: UInt8.self))
        clear()
    }

    func deallocate() {
        tokens.deallocate()
        decoded.deallocate()
    }

    /// Leaves one null value, which has no source text.
    mutating func clear() {
        tokenCount = 1
        tokens.initialize(to: JSONToken(start: 0, end: 0, next: 1, count: 0, kind: .null, flag: false))
        decodedCount = 0
    }

    @inline(__always)
    mutating func append(_ token: JSONToken) {
        if tokenCount == tokenCapacity { growTokens() }
        (tokens + tokenCount).initialize(to: token)
        tokenCount += 1
    }

    @inline(never)
    private mutating func growTokens() {
        let larger = UnsafeMutablePointer<JSONToken>.allocate(capacity: tokenCapacity * 2)
        larger.moveInitialize(from: tokens, count: tokenCount)
        tokens.deallocate()
        tokens = larger
        tokenCapacity *= 2
    }

    /// Makes room for `byteCount` more bytes in `decoded`.
    mutating func reserveDecoded(_ byteCount: Int) {
        guard decodedCount + byteCount > decodedCapacity else { return }
        let capacity = max(decodedCapacity * 2, decodedCount + byteCount)
        let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 8)
        larger.copyMemory(from: decoded, byteCount: decodedCount)
        decoded.deallocate()
        decoded = larger
        decodedCapacity = capacity
    }

    /// The bytes a string or member name stands for.
    @inline(__always)
    func text(of token: JSONToken) -> UnsafeRawBufferPointer {
        if token.flag {
            let at = Int(token.count)
            let length = Int(decoded.loadUnaligned(fromByteOffset: at, as: UInt32.self))
            return UnsafeRawBufferPointer(start: decoded + at + 4, count: length)
        }
        return UnsafeRawBufferPointer(start: source + Int(token.start) + 1, count: Int(token.end - token.start) - 2)
    }

    /// The source text of a value.
    func bytes(of token: JSONToken) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: source + Int(token.start), count: Int(token.end - token.start))
    }
}

/// Whether `count` bytes are the same.
@inline(__always)
func sameBytes(_ a: UnsafeRawPointer, _ b: UnsafeRawPointer, _ count: Int) -> Bool {
    var at = 0
    while at + 8 <= count {
        let x = a.loadUnaligned(fromByteOffset: at, as: UInt64.self)
        if x != b.loadUnaligned(fromByteOffset: at, as: UInt64.self) { return false }
        at += 8
    }
    while at < count {
        if a.load(fromByteOffset: at, as: UInt8.self) != b.load(fromByteOffset: at, as: UInt8.self) { return false }
        at += 1
    }
    return true
}

/// Whether two runs of bytes are the same; the address of an empty run does not count.
@inline(__always)
func sameBytes(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
    guard a.count == b.count else { return false }
    guard let x = a.baseAddress, let y = b.baseAddress else { return true }
    return sameBytes(x, y, a.count)
}
