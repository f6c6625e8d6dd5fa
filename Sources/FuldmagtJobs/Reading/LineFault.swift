import FuldmagtDomain

/// What is wrong with a line of a job's input. Holds nothing of the line itself.
public struct LineFault: Error, Hashable, Sendable {
    /// A code of ours (`open-quote`), or one of the contract's (`invalid-field`).
    public var code: String
    /// Column of the input, counted from 1; nil where the line as a whole is wrong, and in JSON lines.
    public var column: Int?
    /// The command's field; nil where it is not about one.
    public var field: String?
    /// What is wrong, in English.
    public var text: String
    /// What to do about it.
    public var remedy: String

    public init(code: String, column: Int?, field: String? = nil, text: String, remedy: String) {
        self.code = code
        self.column = column
        self.field = field
        self.text = text
        self.remedy = remedy
    }

    init(_ form: Form, column: Int? = nil, field: String? = nil) {
        let (text, remedy) = form.texts
        self.init(code: form.rawValue, column: column, field: field, text: text, remedy: remedy)
    }

    /// A fault that the contract's own reading of a command found.
    init(_ reason: Reason, column: Int?, remedy: String?) {
        self.init(
            code: reason.code.rawValue, column: column, field: reason.field, text: reason.english,
            remedy: remedy.map { "allowed: \($0)" } ?? "correct it at the source of the file")
    }

    /// Faults of the input's form.
    enum Form: String, CaseIterable {
        case openQuote = "open-quote"
        case strayQuote = "stray-quote"
        case textAfterQuote = "text-after-quote"
        case nulByte = "nul-byte"
        case fieldTooLong = "field-too-long"
        case lineTooLong = "line-too-long"
        case columnCount = "column-count"
        case encoding = "encoding"
        case notJSON = "not-json"
        case notAnObject = "not-an-object"
        case notAValue = "not-a-value"
        case date = "unreadable-date"
        case municipality = "unreadable-municipality"
        case flag = "unreadable-flag"
        case party = "unreadable-number"
        case type = "unknown-command"
        case privilege = "unknown-privilege"
        case missing = "missing-field"
        case unknownSystem = "unknown-it-system"
        case sameSystem = "same-it-system"
        case notOffered = "not-offered"
        case tooEarly = "replaced-too-early"

        /// What is wrong, and what to do about it.
        var texts: (text: String, remedy: String) {
            switch self {
            case .openQuote:
                ("a quote is opened and not closed on the line", "close it; a field cannot hold a line end")
            case .strayQuote:
                ("a quote within a field without quotes", "put quotes around the field and double the one in it")
            case .textAfterQuote:
                ("text between a closing quote and the delimiter", "double quotes that belong to the text")
            case .nulByte: ("a NUL byte", "export the file again; it may be damaged, or UTF-16")
            case .fieldTooLong: ("a field of over 1 MiB", "look for a quote that was not closed")
            case .lineTooLong: ("a line of over 4 MiB", "look for line ends that were lost")
            case .columnCount:
                ("another number of columns than the header", "look for a delimiter within a field, which needs quotes")
            case .encoding:
                ("bytes that the job's encoding does not have", "set encoding in the job file to what the file is in")
            case .notJSON: ("not JSON", "write one JSON object a line")
            case .notAnObject: ("not a JSON object", "write one JSON object a line")
            case .notAValue: ("a list or an object where a value is expected", "write a text, a number, true or false")
            case .date: ("no date", "write yyyy-mm-dd, dd-mm-yyyy or ddmmyyyy")
            case .municipality: ("no municipality code", "write its three or four digits")
            case .flag: ("neither yes nor no", "write true or false, ja or nej, 1 or 0")
            case .party:
                (
                    "neither a CPR number nor a CVR number",
                    "write ten digits, with or without a hyphen, or eight for a company"
                )
            case .type: ("no command of this kind of job", "see fuldmagt job --help for what column type may hold")
            case .privilege:
                (
                    "a privilege that the job file does not map",
                    "add it to privileges in the job file: its name and the package"
                )
            case .missing:
                ("nothing where a value is required", "fill it in, or give it under defaults in the job file")
            case .unknownSystem:
                (
                    "an it-system that the catalogue does not know",
                    "define it first, with its supplier (itsystem.define)"
                )
            case .sameSystem: ("the old it-system is the new one", "name the it-system that takes over")
            case .tooEarly:
                (
                    "the old it-system is to be given up on a day to come, but giving up takes effect at once",
                    "leave replaced out now, and run a job with it on that day"
                )
            case .notOffered:
                (
                    "the old it-system offers no such package there on the day before",
                    "see which activations the catalogue has for the municipality"
                )
            }
        }
    }
}
