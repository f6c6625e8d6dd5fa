/// One pass over a text, without recursion: an open container keeps the container around it in its token.
struct JSONParser {
    let storage: UnsafeMutablePointer<JSONStorage>
    let base: UnsafePointer<UInt8>
    let end: Int
    let maximumDepth: Int
    var at = 0
    private var depth = 0
    private var parent = JSONToken.none

    init(storage: UnsafeMutablePointer<JSONStorage>, count: Int, maximumDepth: Int) {
        self.storage = storage
        base = storage.pointee.source
        end = count
        self.maximumDepth = maximumDepth
    }

    /// The byte at `at`; 0, which no text has outside strings, when there is none.
    @inline(__always)
    var byte: UInt8 { at < end ? base[at] : 0 }

    @inline(__always)
    mutating func skipSpace() {
        while at < end {
            let byte = base[at]
            guard byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 else { return }
            at += 1
        }
    }

    @inline(__always)
    mutating func append(_ kind: JSONKind, from start: Int, count: UInt32 = 0, flag: Bool = false) {
        storage.pointee.append(
            JSONToken(
                start: UInt32(truncatingIfNeeded: start), end: UInt32(truncatingIfNeeded: at),
                next: UInt32(truncatingIfNeeded: storage.pointee.tokenCount + 1), count: count, kind: kind, flag: flag))
    }

    mutating func parseText() throws(JSONFailure) {
        skipSpace()
        repeat {
            // Each turn reads one value, or opens a container and stands before its first value.
            switch byte {
            case UInt8(ascii: "\""):
                try parseString()
            case UInt8(ascii: "{"):
                try open(.object)
                if byte != UInt8(ascii: "}") {
                    try parseName()
                    continue
                }
                at += 1
                try close()
            case UInt8(ascii: "["):
                try open(.array)
                if byte != UInt8(ascii: "]") { continue }
                at += 1
                try close()
            case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                try parseNumber()
            case UInt8(ascii: "t"):
                try parseWord("true", .bool, flag: true)
            case UInt8(ascii: "f"):
                try parseWord("false", .bool, flag: false)
            case UInt8(ascii: "n"):
                try parseWord("null", .null, flag: false)
            default:
                throw failure(at, "a value")
            }
            try finishValues()
        } while parent != JSONToken.none
        guard at == end else { throw failure(at, "the end of the text") }
    }

    /// After a value: ends the containers that end here, and stops before the next value if there is one.
    private mutating func finishValues() throws(JSONFailure) {
        skipSpace()
        while parent != JSONToken.none {
            let container = storage.pointee.tokens + Int(parent)
            container.pointee.count += 1
            let byte = byte
            if container.pointee.kind == .object {
                if byte == UInt8(ascii: ",") {
                    at += 1
                    skipSpace()
                    return try parseName()
                }
                guard byte == UInt8(ascii: "}") else { throw failure(at, "a comma or the end of the object") }
            } else {
                if byte == UInt8(ascii: ",") {
                    at += 1
                    return skipSpace()
                }
                guard byte == UInt8(ascii: "]") else { throw failure(at, "a comma or the end of the array") }
            }
            at += 1
            try close()
            skipSpace()
        }
    }

    @inline(__always)
    private mutating func open(_ kind: JSONKind) throws(JSONFailure) {
        guard depth < maximumDepth else {
            throw JSONFailure(kind: .tooDeep, offset: at, expectation: "a value that is not nested deeper")
        }
        depth += 1
        let index = storage.pointee.tokenCount
        append(kind, from: at)
        storage.pointee.tokens[index].next = parent
        parent = UInt32(truncatingIfNeeded: index)
        at += 1
        skipSpace()
    }

    /// Ends the innermost container, whose last byte is just before `at`.
    @inline(__always)
    private mutating func close() throws(JSONFailure) {
        let container = storage.pointee.tokens + Int(parent)
        if container.pointee.kind == .object, container.pointee.count > 1 {
            if let name = storage.pointee.repeatedName(inObjectAt: Int(parent)) {
                let offset = Int(storage.pointee.tokens[name].start)
                throw JSONFailure(kind: .duplicateMember, offset: offset, expectation: "a name not used before")
            }
        }
        depth -= 1
        parent = container.pointee.next
        container.pointee.next = UInt32(truncatingIfNeeded: storage.pointee.tokenCount)
        container.pointee.end = UInt32(truncatingIfNeeded: at)
    }

    private mutating func parseName() throws(JSONFailure) {
        guard byte == UInt8(ascii: "\"") else { throw failure(at, "a member name") }
        try parseString()
        skipSpace()
        guard byte == UInt8(ascii: ":") else { throw failure(at, "a colon") }
        at += 1
        skipSpace()
    }

    @inline(__always)
    private mutating func parseWord(_ word: StaticString, _ kind: JSONKind, flag: Bool) throws(JSONFailure) {
        let length = word.utf8CodeUnitCount
        guard end - at >= length, sameBytes(base + at, word.utf8Start, length) else { throw failure(at, "a value") }
        let start = at
        at += length
        append(kind, from: start, flag: flag)
    }

    /// What is wrong at a byte that cannot stand where it stands.
    @inline(never)
    func failure(_ offset: Int, _ expectation: StaticString) -> JSONFailure {
        if offset < end, base[offset] >= 0x80, scalarLength(offset) == 0 {
            return JSONFailure(kind: .invalidUTF8, offset: offset, expectation: "well-formed UTF-8")
        }
        return JSONFailure(kind: .syntax, offset: offset, expectation: expectation)
    }
}
