import FuldmagtDomain
import FuldmagtJSON

/// A migration job, as its job file describes it: which file, what its lines are, and which column is which field.
///
/// The file is YAML of a strict kind (see `YAMLText`), or one JSON object with the same members.
public struct Job: Equatable, Sendable {
    public enum Format: String, CaseIterable, Sendable {
        case csv
        case jsonLines = "jsonl"
    }

    /// Where a field's value stands in a line.
    public enum Column: Equatable, Sendable {
        /// By the header's name, or the member's in JSON lines.
        case named(String)
        /// By its place, counted from 1.
        case numbered(Int)
    }

    /// Names the job, its command ids and its files: up to 64 of a-z, 0-9 and -, and no CPR number among them.
    public var id: String
    /// Why a job that is still to be begun may not have its id; nil where it may. One that was begun keeps it, as other ids
    /// would send everything again.
    public var unfitID: Unusable? {
        guard id.withoutNumbers != id else { return nil }
        return Unusable(
            "job holds what looks like a CPR number, and would become the name of a folder and a header of every command; name the job by what it does, such as moves-winter"
        )
    }
    /// `ce_source` of the commands.
    public var source: String
    public var kind: JobKind
    /// Path of the input; relative to the job file's folder.
    public var input: String
    public var format: Format
    public var encoding: TextEncoding
    /// One character of ASCII.
    public var delimiter: UInt8
    /// Whether the first line of CSV names the columns.
    public var hasHeader: Bool
    public var columns: [String: Column]
    /// Values for fields that have no column, or an empty one.
    public var defaults: [String: String]
    /// Package ids by the names that another system has for them.
    public var privileges: [String: String]

    /// Why a job file cannot be used, and what is allowed. Holds no value of an input line.
    public struct Unusable: Error, Equatable, CustomStringConvertible {
        public let description: String

        init(_ description: String) { self.description = description }
    }

    /// Reads a job file. Members that are not known are refused, as they are misspelt ones.
    public init(file bytes: [UInt8]) throws(Unusable) {
        if bytes.first(where: { ![9, 10, 13, 32].contains($0) }) == UInt8(ascii: "{") {
            try self.init(json: bytes)
            return
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Unusable("the job file is not UTF-8; save it as UTF-8")
        }
        let json: [UInt8]
        do throws(YAMLText.Unreadable) {
            json = try YAMLText.json(text.first == "\u{FEFF}" ? String(text.dropFirst()) : text)
        } catch {
            throw Unusable("line \(error.line): \(error.text)")
        }
        try self.init(json: json)
    }

    private init(json bytes: [UInt8]) throws(Unusable) {
        let read = JSONDocument().withRoot(of: bytes) { root -> Result<Job, Unusable> in
            do throws(Unusable) {
                return .success(try Job(root))
            } catch {
                return .failure(error)
            }
        }
        switch read {
        case .failure(let failure):
            throw Unusable("not JSON at byte \(failure.offset): expected \(failure.expectation)")
        case .success(let job): self = try job.get()
        }
    }

    private init(_ root: JSONNode) throws(Unusable) {
        guard root.kind == .object else { throw Unusable("the job file is not a mapping of name: value") }
        let known = [
            "job", "source", "kind", "input", "format", "encoding", "delimiter", "header", "columns", "defaults",
            "privileges",
        ]
        try root.forEachMember { (name, _) throws(Unusable) in
            guard known.contains(name) else {
                throw Unusable("member \(name) is not known; allowed are \(known.joined(separator: ", "))")
            }
        }
        id = try Self.text("job", in: root)
        source = try Self.text("source", in: root)
        input = try Self.text("input", in: root)
        kind = try Self.choice("kind", in: root, default: nil)
        let format: Format = try Self.choice("format", in: root, default: .csv)
        self.format = format
        encoding = try Self.choice("encoding", in: root, default: .utf8)
        let delimiter = root["delimiter"] == nil ? ";" : try Self.text("delimiter", in: root)
        guard delimiter.utf8.count == 1, let byte = delimiter.utf8.first, byte != 10, byte != 13, byte != 34, byte != 0
        else {
            throw Unusable("delimiter is not one character; allowed is one of ASCII, such as ; , or a tab (\\t)")
        }
        self.delimiter = byte
        guard root["header"].map({ $0.bool != nil }) ?? true else { throw Unusable("header is not true or false") }
        hasHeader = root["header"]?.bool ?? true
        columns = try Self.columns(root["columns"], format: format)
        defaults = try Self.texts("defaults", of: root["defaults"])
        privileges = try Self.texts("privileges", of: root["privileges"])
        try check()
    }

    private func check() throws(Unusable) {
        let isAllowed = id.utf8.allSatisfy { (48...57).contains($0) || (97...122).contains($0) || $0 == 45 }
        guard isAllowed, (1...64).contains(id.utf8.count) else {
            throw Unusable("job is not an id; up to 64 of a-z, 0-9 and - are allowed")
        }
        guard Cause(id: id, source: source, type: "").sourceCVR != nil else {
            throw Unusable("source is not urn:dk:cvr:NNNNNNNN, optionally followed by :system-name")
        }
        for (name, column) in columns.sorted(by: { $0.key < $1.key }) {
            try checkField(name, of: "columns")
            if format == .csv, !hasHeader, case .named = column {
                throw Unusable("columns.\(name): without a header a column is given by its number, from 1")
            }
        }
        for name in defaults.keys.sorted() { try checkField(name, of: "defaults") }
        guard columns[kind.keyField.name] != nil || format == .jsonLines else {
            throw Unusable("columns.\(kind.keyField.name) is missing: which column holds the \(kind.keyField.meaning)")
        }
        guard privileges.isEmpty || kind.namesPackages else {
            throw Unusable("privileges: \(kind) names no packages; leave it out")
        }
        if let word = defaults["type"], !kind.types.contains(where: { $0.word == word }) {
            throw Unusable(
                "defaults.type: allowed for \(kind) are \(kind.types.map(\.word).joined(separator: ", "))")
        }
    }

    private func checkField(_ name: String, of member: String) throws(Unusable) {
        guard kind.fieldNames.contains(name) else {
            throw Unusable(
                "\(member).\(name) is no field of \(kind); allowed are \(kind.fieldNames.joined(separator: ", "))")
        }
    }

    private static func text(_ name: StaticString, in root: JSONNode) throws(Unusable) -> String {
        guard let text = root[name]?.string, !text.isEmpty else { throw Unusable("\(name) is missing or not a text") }
        return text
    }

    private static func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ name: StaticString, in root: JSONNode, default fallback: Choice?
    ) throws(Unusable) -> Choice {
        if root[name] == nil, let fallback { return fallback }
        guard let choice = root[name]?.string.flatMap({ Choice(rawValue: $0.lowercased()) }) else {
            throw Unusable("\(name): allowed are \(Choice.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return choice
    }

    private static func columns(_ node: JSONNode?, format: Format) throws(Unusable) -> [String: Column] {
        guard let node else { return [:] }
        guard node.kind == .object else { throw Unusable("columns is not a mapping of field: column") }
        var columns: [String: Column] = [:]
        try node.forEachMember { (name, value) throws(Unusable) in
            if let text = value.string, !text.isEmpty {
                columns[name] = .named(text)
            } else if let number = value.int, (1...10_000).contains(number), format == .csv {
                columns[name] = .numbered(number)
            } else {
                throw Unusable("columns.\(name) is neither a column's name nor, in CSV, its number from 1")
            }
        }
        return columns
    }

    /// A mapping of names to texts; numbers and flags are taken for the texts they were written as.
    private static func texts(_ member: String, of node: JSONNode?) throws(Unusable) -> [String: String] {
        guard let node else { return [:] }
        guard node.kind == .object else { throw Unusable("\(member) is not a mapping of name: value") }
        var texts: [String: String] = [:]
        try node.forEachMember { (name, value) throws(Unusable) in
            guard let text = LineMapper.text(of: value), !text.isEmpty else {
                throw Unusable("\(member).\(name) is not a text, a number or true or false")
            }
            texts[name] = text
        }
        return texts
    }
}
