/// Reads a whole XML 1.0 document in UTF-8 with namespaces.
///
/// Strict, and narrower than XML where that is safer: no document type, so no entities of anybody's own, nothing that is
/// fetched, and nothing that grows. Comments and processing instructions are passed over.
public struct XMLReader {
    /// Bounds on what is read.
    public static let byteLimit = 16 << 20
    private static let depthLimit = 64
    private static let elementLimit = 100_000

    private let bytes: UnsafeRawBufferPointer
    private var at = 0
    private var line = 1
    private var elements = 0

    private init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// - Returns: the document's element.
    public static func read(_ bytes: [UInt8]) throws(XMLFailure) -> XMLElement {
        guard bytes.count <= byteLimit else {
            throw XMLFailure(line: 1, problem: "a document of at most 16 MiB is expected")
        }
        guard String(validating: bytes, as: UTF8.self) != nil else {
            throw XMLFailure(line: 1, problem: "it is not UTF-8")
        }
        return try bytes.withUnsafeBufferPointer { (bytes) throws(XMLFailure) in
            var reader = XMLReader(bytes: UnsafeRawBufferPointer(bytes))
            return try reader.document()
        }
    }

    private mutating func document() throws(XMLFailure) -> XMLElement {
        if bytes.starts(with: [0xef, 0xbb, 0xbf]) { at = 3 }
        if starts(with: "<?xml") { try declaration() }
        try passOver()
        guard peek == UInt8(ascii: "<") else { throw failure("an element is expected") }
        let root = try element(scope: ["xml": "http://www.w3.org/XML/1998/namespace", "": ""], depth: 0)
        try passOver()
        guard at == bytes.count else { throw failure("nothing may follow the document's element") }
        return root
    }

    private func failure(_ problem: String) -> XMLFailure { XMLFailure(line: line, problem: problem) }

    private var peek: UInt8? { at < bytes.count ? bytes[at] : nil }

    private func starts(with text: StaticString) -> Bool {
        guard at + text.utf8CodeUnitCount <= bytes.count else { return false }
        for offset in 0..<text.utf8CodeUnitCount where bytes[at + offset] != text.utf8Start[offset] { return false }
        return true
    }

    private mutating func advance(_ count: Int = 1) {
        for _ in 0..<count {
            if bytes[at] == 0x0a { line += 1 }
            at += 1
        }
    }

    private mutating func expect(_ text: StaticString) throws(XMLFailure) {
        guard starts(with: text) else { throw failure("“\(text)” is expected") }
        advance(text.utf8CodeUnitCount)
    }

    @discardableResult
    private mutating func space() -> Bool {
        let from = at
        while let byte = peek, [0x20, 0x09, 0x0a, 0x0d].contains(byte) { advance() }
        return at > from
    }

    /// Advances behind the next occurrence of `end`, and gives what stood before it.
    private mutating func through(_ end: StaticString, _ what: String) throws(XMLFailure) -> Range<Int> {
        let from = at
        while !starts(with: end) {
            guard at < bytes.count else { throw failure("\(what) does not end") }
            advance()
        }
        let range = from..<at
        advance(end.utf8CodeUnitCount)
        return range
    }

    private func string(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

    private mutating func declaration() throws(XMLFailure) {
        let text = string(try through("?>", "the XML declaration"))
        guard text.contains("1.0") else { throw failure("XML version 1.0 is expected") }
        if let at = text.firstRange(of: "encoding=") {
            let name = text[at.upperBound...].dropFirst().prefix { $0 != "\"" && $0 != "'" }
            guard name.lowercased() == "utf-8" else { throw failure("the encoding UTF-8 is expected") }
        }
    }

    /// White space, comments and processing instructions.
    private mutating func passOver() throws(XMLFailure) {
        while true {
            if space() { continue }
            if starts(with: "<!--") {
                advance(4)
                _ = try through("-->", "a comment")
            } else if starts(with: "<?") {
                _ = try through("?>", "a processing instruction")
            } else if starts(with: "<!DOCTYPE") {
                throw failure("a document type is not accepted")
            } else {
                return
            }
        }
    }

    private mutating func name() throws(XMLFailure) -> String {
        let from = at
        while let byte = peek, Self.isNamePart(byte), at > from || !Self.isOnlyWithin(byte) { advance() }
        guard at > from, at - from <= 256 else { throw failure("a name is expected") }
        return string(from..<at)
    }

    private static func isNamePart(_ byte: UInt8) -> Bool {
        switch byte {
        case 65...90, 97...122, 48...57, 0x80...0xff: true
        default: "_-.:".utf8.contains(byte)
        }
    }

    private static func isOnlyWithin(_ byte: UInt8) -> Bool { (48...57).contains(byte) || "-.:".utf8.contains(byte) }

    private mutating func element(scope: [String: String], depth: Int) throws(XMLFailure) -> XMLElement {
        guard depth < Self.depthLimit else { throw failure("elements stand too deep within each other") }
        elements += 1
        guard elements <= Self.elementLimit else { throw failure("there are too many elements") }
        let begun = line
        try expect("<")
        let qualified = try name()
        var scope = scope
        var attributes: [(name: String, value: String)] = []
        var names: Set<String> = []
        while true {
            let hadSpace = space()
            guard let byte = peek else { throw failure("a tag does not end") }
            if byte == UInt8(ascii: ">") || byte == UInt8(ascii: "/") { break }
            guard hadSpace else { throw failure("white space is expected before an attribute") }
            let name = try name()
            space()
            try expect("=")
            space()
            let value = try attributeValue()
            guard names.insert(name).inserted else { throw failure("attribute \(name) is repeated") }
            attributes.append((name, value))
            if name == "xmlns" {
                scope[""] = value
            } else if name.hasPrefix("xmlns:") {
                scope[String(name.dropFirst(6))] = value
            }
        }
        let parts = qualified.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2, !parts.contains("") else { throw failure("<\(qualified)> is no name") }
        let prefix = parts.count == 2 ? String(parts[0]) : ""
        guard let namespace = scope[prefix] else { throw failure("the prefix \(prefix) is not declared") }
        var element = XMLElement(
            name: parts.last.map(String.init) ?? "", prefix: prefix, namespace: namespace,
            attributes: attributes.filter { $0.name != "xmlns" && !$0.name.hasPrefix("xmlns:") }, line: begun)
        if starts(with: "/>") {
            advance(2)
            return element
        }
        try expect(">")
        try content(of: &element, scope: scope, depth: depth)
        let closing = try name()
        guard closing == qualified else { throw failure("</\(qualified)> is expected") }
        space()
        try expect(">")
        return element
    }

    /// Reads up to the name of the end tag.
    private mutating func content(of element: inout XMLElement, scope: [String: String], depth: Int) throws(XMLFailure)
    {
        var text: [UInt8] = []
        defer { element.text = String(decoding: text, as: UTF8.self) }
        while let byte = peek {
            if byte == UInt8(ascii: "<") {
                if starts(with: "</") {
                    advance(2)
                    return
                }
                if starts(with: "<!--") {
                    advance(4)
                    _ = try through("-->", "a comment")
                } else if starts(with: "<![CDATA[") {
                    advance(9)
                    let range = try through("]]>", "a CDATA section")
                    try append(range, to: &text)
                } else if starts(with: "<?") {
                    _ = try through("?>", "a processing instruction")
                } else {
                    element.children.append(try self.element(scope: scope, depth: depth + 1))
                }
            } else if byte == UInt8(ascii: "&") {
                try reference(to: &text)
            } else {
                let from = at
                while let byte = peek, byte != UInt8(ascii: "<"), byte != UInt8(ascii: "&") {
                    if byte == UInt8(ascii: "]"), starts(with: "]]>") { throw failure("“]]>” may not stand in text") }
                    advance()
                }
                try append(from..<at, to: &text)
            }
        }
        throw failure("<\(element.name)> does not end")
    }

    private mutating func attributeValue() throws(XMLFailure) -> String {
        guard let quote = peek, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else {
            throw failure("a quoted value is expected")
        }
        advance()
        var text: [UInt8] = []
        while let byte = peek, byte != quote {
            if byte == UInt8(ascii: "<") { throw failure("“<” may not stand in an attribute") }
            if byte == UInt8(ascii: "&") {
                try reference(to: &text)
            } else {
                let from = at
                while let byte = peek, byte != quote, byte != UInt8(ascii: "<"), byte != UInt8(ascii: "&") { advance() }
                try append(from..<at, to: &text)
            }
        }
        guard peek == quote else { throw failure("an attribute does not end") }
        advance()
        return String(decoding: text, as: UTF8.self)
    }

    /// Appends characters as they stand, line ends as line feeds.
    private func append(_ range: Range<Int>, to text: inout [UInt8]) throws(XMLFailure) {
        var at = range.lowerBound
        while at < range.upperBound {
            let byte = bytes[at]
            switch byte {
            case 0x0d:
                text.append(0x0a)
                if at + 1 < range.upperBound, bytes[at + 1] == 0x0a { at += 1 }
            case 0x00..<0x20 where byte != 0x09 && byte != 0x0a: throw failure("a control character may not stand here")
            case 0xef where at + 2 < range.upperBound && bytes[at + 1] == 0xbf && bytes[at + 2] >= 0xbe:
                throw failure("a character may not stand here")
            default: text.append(byte)
            }
            at += 1
        }
    }

    private mutating func reference(to text: inout [UInt8]) throws(XMLFailure) {
        let from = at + 1
        var end = from
        while end < bytes.count, bytes[end] != UInt8(ascii: ";"), end - from < 12 { end += 1 }
        guard end < bytes.count, bytes[end] == UInt8(ascii: ";") else { throw failure("“&” begins a reference") }
        let name = string(from..<end)
        let named: [String: String] = ["amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'"]
        if let character = named[name] {
            text.append(contentsOf: character.utf8)
        } else {
            let isHex = name.hasPrefix("#x")
            guard name.hasPrefix("#"), let value = UInt32(name.dropFirst(isHex ? 2 : 1), radix: isHex ? 16 : 10),
                let scalar = Unicode.Scalar(value), XMLText.isAllowed(scalar)
            else { throw failure("a reference names no character") }
            text.append(contentsOf: String(Character(scalar)).utf8)
        }
        at = end + 1
    }
}
