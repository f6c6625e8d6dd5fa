import FuldmagtJSON

/// The part of YAML that a job file needs: mappings by indentation, texts with or without quotes, whole numbers, true and
/// false, comments. Everything else of YAML is refused by name, so that nothing is read otherwise than it was meant.
struct YAMLText {
    /// What cannot be read, and what to write instead.
    struct Unreadable: Error, Equatable {
        /// Counted from 1.
        var line: Int
        var text: String
    }

    private struct Line {
        var number: Int
        var indentation: Int
        var key: String
        /// Nil where a mapping follows.
        var value: Scalar?
    }

    private enum Scalar {
        case text(String)
        case integer(Int)
        case flag(Bool)
    }

    private var lines: [Line] = []

    /// - Returns: the same as JSON.
    static func json(_ text: String) throws(Unreadable) -> [UInt8] {
        var yaml = YAMLText()
        try yaml.read(text)
        var json = JSONWriter()
        let end = try yaml.write(from: 0, indentation: 0, to: &json)
        precondition(end == yaml.lines.count, "a mapping ends where its indentation does")
        return json.finish()
    }

    // MARK: Lines

    private mutating func read(_ text: String) throws(Unreadable) {
        // CRLF is one Character.
        let rows = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" || $0 == "\r" }
        for (at, row) in rows.enumerated() {
            let content = row.drop { $0 == " " }
            if content.isEmpty || content.first == "#" || (at == 0 && content == "---") { continue }
            guard content.first != "\t" else {
                throw Unreadable(line: at + 1, text: "a tab; indent with spaces")
            }
            lines.append(try Self.line(content, number: at + 1, indentation: row.count - content.count))
        }
    }

    private static func line(_ content: Substring, number: Int, indentation: Int) throws(Unreadable) -> Line {
        guard content != "-", !content.hasPrefix("- ") else {
            throw Unreadable(line: number, text: "a list; a job file has none")
        }
        var rest = content
        let key: String
        if let first = rest.first, first == "\"" || first == "'" {
            key = try quoted(&rest, number)
        } else {
            guard let colon = colon(in: rest) else {
                throw Unreadable(line: number, text: "no “name: value”; write a colon and a space after the name")
            }
            key = trimmed(rest[..<colon])
            rest = rest[colon...]
        }
        rest = rest.drop { $0 == " " }
        guard rest.first == ":", rest.count == 1 || rest.dropFirst().first == " " else {
            throw Unreadable(line: number, text: "no “name: value”; write a colon and a space after the name")
        }
        guard !key.isEmpty else { throw Unreadable(line: number, text: "no name before the colon") }
        let value = rest.dropFirst().drop { $0 == " " }
        return Line(number: number, indentation: indentation, key: key, value: try scalar(value, number))
    }

    /// The colon that ends a name: one with a space, or nothing, after it.
    private static func colon(in text: Substring) -> Substring.Index? {
        text.indices.first { at in
            let next = text.index(after: at)
            return text[at] == ":" && (next == text.endIndex || text[next] == " ")
        }
    }

    // MARK: Values

    private static func scalar(_ text: Substring, _ number: Int) throws(Unreadable) -> Scalar? {
        guard let first = text.first, first != "#" else { return nil }
        if first == "\"" || first == "'" {
            var rest = text
            let value = try quoted(&rest, number)
            rest = rest.drop { $0 == " " }
            guard rest.isEmpty || rest.first == "#" else {
                throw Unreadable(line: number, text: "something after the closing quote")
            }
            return .text(value)
        }
        let refused: [Character: String] = [
            "[": "a list in brackets", "{": "a mapping in braces", "&": "an anchor", "*": "a reference",
            "!": "a tag", "|": "a text over several lines", ">": "a text over several lines", "%": "a directive",
            "@": "a reserved character", "`": "a reserved character", "?": "a complex name",
        ]
        if let name = refused[first] {
            throw Unreadable(line: number, text: "\(name) is not read here; write one value, in quotes if it is text")
        }
        let plain = trimmed(withoutComment(text))
        guard colon(in: Substring(plain)) == nil else {
            throw Unreadable(line: number, text: "a colon within a value; put the value in quotes")
        }
        switch plain {
        case "true": return .flag(true)
        case "false": return .flag(false)
        case "null", "~": throw Unreadable(line: number, text: "null; leave the line out, or put the text in quotes")
        default: break
        }
        // 0101 is a municipality code, not a number.
        if let integer = Int(plain), String(integer) == plain { return .integer(integer) }
        return .text(plain)
    }

    private static func withoutComment(_ text: Substring) -> Substring {
        var before: Character = " "
        for at in text.indices {
            if text[at] == "#", before == " " { return text[..<at] }
            before = text[at]
        }
        return text
    }

    /// Reads a text in quotes and leaves what stands after it.
    private static func quoted(_ rest: inout Substring, _ number: Int) throws(Unreadable) -> String {
        let quote = rest.removeFirst()
        var text = ""
        while let character = rest.popFirst() {
            if character == quote {
                guard quote == "'", rest.first == "'" else { return text }
                rest.removeFirst()
                text.append("'")
            } else if character == "\\", quote == "\"" {
                guard let escaped = rest.popFirst(), let meant = Self.escapes[escaped] else {
                    throw Unreadable(line: number, text: "an escape other than \\\\ \\\" \\t \\n \\/")
                }
                text.append(meant)
            } else {
                text.append(character)
            }
        }
        throw Unreadable(line: number, text: "a quote that is not closed")
    }

    private static let escapes: [Character: Character] = ["\\": "\\", "\"": "\"", "t": "\t", "n": "\n", "/": "/"]

    private static func trimmed(_ text: Substring) -> String {
        var text = text
        while text.last == " " || text.last == "\t" { text.removeLast() }
        return String(text)
    }

    // MARK: Mappings

    /// Writes the mapping that begins at a line.
    /// - Returns: the first line after it.
    private func write(
        from start: Int, indentation: Int, to json: inout JSONWriter
    ) throws(Unreadable) -> Int {
        var at = start
        var names: Set<String> = []
        json.beginObject()
        while at < lines.count, lines[at].indentation >= indentation {
            let line = lines[at]
            guard line.indentation == indentation else {
                throw Unreadable(line: line.number, text: "indented by \(line.indentation), not by \(indentation)")
            }
            guard names.insert(line.key).inserted else {
                throw Unreadable(line: line.number, text: "\(line.key) stands twice")
            }
            json.key(line.key)
            at += 1
            switch line.value {
            case .text(let text)?: json.string(text)
            case .integer(let number)?: json.int(number)
            case .flag(let flag)?: json.bool(flag)
            case nil:
                guard at < lines.count, lines[at].indentation > indentation else {
                    throw Unreadable(line: line.number, text: "\(line.key) has no value")
                }
                at = try write(from: at, indentation: lines[at].indentation, to: &json)
            }
        }
        json.endObject()
        return at
    }
}
