/// An element of a document that was read.
public struct XMLElement: Sendable {
    /// Without its prefix.
    public var name: String
    /// Empty where it has none.
    public var prefix: String
    /// Empty where it is in none.
    public var namespace: String
    public var attributes: [(name: String, value: String)]
    public var children: [XMLElement] = []
    /// All text directly within it, in order.
    public var text = ""
    /// Where its tag begins, from 1.
    public var line: Int

    /// The first child of that name in whatever namespace.
    public func child(_ name: String) -> XMLElement? { children.first { $0.name == name } }

    public func attribute(_ name: String) -> String? { attributes.first { $0.name == name }?.value }

    /// The first element of that name at any depth, itself included, in document order.
    public func first(_ name: String) -> XMLElement? {
        if self.name == name { return self }
        for child in children {
            if let found = child.first(name) { return found }
        }
        return nil
    }

    /// The text without white space at its ends.
    public var trimmedText: String {
        let scalars = text.unicodeScalars
        let isSpace = { (scalar: Unicode.Scalar) in [0x20, 0x09, 0x0a, 0x0d].contains(scalar.value) }
        guard let from = scalars.firstIndex(where: { !isSpace($0) }),
            let last = scalars.lastIndex(where: { !isSpace($0) })
        else { return "" }
        return String(scalars[from...last])
    }
}

/// Why bytes are no document that is accepted.
public struct XMLFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// From 1.
    public var line: Int
    /// What is wrong; holds nothing of the document but names of elements.
    public var problem: String

    public var description: String { "line \(line): \(problem)" }
}
