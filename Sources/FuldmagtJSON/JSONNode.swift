/// One value of a parsed text; void once its document parses again or is released.
public struct JSONNode {
    let storage: UnsafeMutablePointer<JSONStorage>
    let index: Int

    @inline(__always)
    private var token: JSONToken { storage.pointee.tokens[index] }

    public var kind: JSONKind { token.kind }

    /// The source text of the value, quotes and brackets included.
    public var bytes: UnsafeRawBufferPointer { storage.pointee.bytes(of: token) }

    /// A member of an object; nil when there is none of that name, or when this is not an object.
    public subscript(_ name: StaticString) -> JSONNode? {
        guard kind == .object else { return nil }
        return name.withUTF8Buffer { name in
            storage.pointee.member(UnsafeRawBufferPointer(name), ofObjectAt: index)
                .map { JSONNode(storage: storage, index: $0) }
        }
    }

    public var isNull: Bool { kind == .null }

    /// Nil when this is not true or false.
    public var bool: Bool? { kind == .bool ? token.flag : nil }

    /// The exact integer a number stands for, written in any way (`1`, `1.0`, `1e2`); nil for a fraction, a number
    /// outside 64 bits, and anything that is not a number.
    public var int: Int? {
        guard kind == .number else { return nil }
        return token.flag ? JSONNumber.integer(bytes) : JSONNumber.plainInteger(bytes)
    }

    /// The double nearest to a number, minus zero as zero; nil when this is not a number.
    public var double: Double? { kind == .number ? JSONNumber.double(bytes) : nil }

    /// What a string stands for, escapes resolved; nil when this is not a string.
    public var string: String? { stringBytes.map { String(decoding: $0, as: UTF8.self) } }

    /// Calls `body` with the UTF-8 a string stands for, escapes resolved; allocates nothing.
    /// - Returns: nil, without a call, when this is not a string.
    @inlinable
    public func withStringBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R? {
        guard let bytes = stringBytes else { return nil }
        return body(bytes)
    }

    @usableFromInline
    var stringBytes: UnsafeRawBufferPointer? {
        let token = token
        return token.kind == .string ? storage.pointee.text(of: token) : nil
    }

    /// Whether this is the string `text`, byte by byte.
    public func equals(_ text: StaticString) -> Bool {
        guard let bytes = stringBytes else { return false }
        return text.withUTF8Buffer { sameBytes(UnsafeRawBufferPointer($0), bytes) }
    }

    /// The number of elements or members; 0 for anything but an array or object.
    public var count: Int { kind.rawValue >= JSONKind.array.rawValue ? Int(token.count) : 0 }

    /// Calls `body` with the position, from 0, and value of each element in order; not at all when this is no array.
    @inlinable
    public func forEachElement<E: Error>(_ body: (Int, JSONNode) throws(E) -> Void) throws(E) {
        guard kind == .array else { return }
        var element = child
        for position in 0..<count {
            try body(position, element)
            element = element.sibling
        }
    }

    /// Calls `body` with the name, escapes resolved, and value of each member in the order of the text; not at all
    /// when this is no object.
    @inlinable
    public func forEachMember<E: Error>(_ body: (String, JSONNode) throws(E) -> Void) throws(E) {
        guard kind == .object else { return }
        var name = child
        for _ in 0..<count {
            let value = name.sibling
            try body(name.string ?? "", value)
            name = value.sibling
        }
    }

    /// The first element or member name. The container must not be empty.
    @usableFromInline
    var child: JSONNode { JSONNode(storage: storage, index: index + 1) }

    /// What stands after this value in its container. Void after the last.
    @usableFromInline
    var sibling: JSONNode { JSONNode(storage: storage, index: Int(token.next)) }
}
