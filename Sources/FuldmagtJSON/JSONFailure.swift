/// Why a text was refused, and where.
///
/// Never holds any of the text itself, so it may be logged or sent on.
public struct JSONFailure: Error, Equatable {
    public enum Kind: Sendable, Equatable {
        /// A byte sequence that RFC 3629 does not allow: overlong, a surrogate, beyond U+10FFFF, cut off.
        case invalidUTF8
        /// Not JSON as in RFC 8259, a lone surrogate escape, or a number no double can hold.
        case syntax
        /// An object with two members of the same name, compared after escapes are resolved.
        case duplicateMember
        /// More containers inside each other than the caller allows.
        case tooDeep
    }

    public let kind: Kind
    /// The byte at which reading stopped, counted from 0; the length of the text when it ended too early.
    public let offset: Int
    /// What should have stood there, such as "a value".
    public let expectation: StaticString

    public init(kind: Kind, offset: Int, expectation: StaticString) {
        self.kind = kind
        self.offset = offset
        self.expectation = expectation
    }

    public static func == (a: JSONFailure, b: JSONFailure) -> Bool {
        a.kind == b.kind && a.offset == b.offset
            && a.expectation.withUTF8Buffer { x in b.expectation.withUTF8Buffer { y in x.elementsEqual(y) } }
    }
}

extension JSONFailure: CustomStringConvertible {
    public var description: String {
        let what =
            switch kind {
            case .invalidUTF8: "invalid UTF-8"
            case .syntax: "not JSON"
            case .duplicateMember: "a repeated member"
            case .tooDeep: "nested too deeply"
            }
        return "\(what) at byte \(offset): expected \(expectation)"
    }
}

/// The six kinds of JSON value.
public enum JSONKind: UInt8, Sendable {
    case null, bool, number, string, array, object
}
