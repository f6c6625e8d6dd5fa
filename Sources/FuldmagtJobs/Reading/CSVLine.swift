/// One line of CSV, cut into its fields by the strict reading of RFC 4180: quotes stand around a whole field or not at
/// all, a quote within quotes is doubled. A field never goes on over the line's end: so a quote that was forgotten costs
/// one line, not the rest of the file.
enum CSVLine {
    /// A field's bytes without its quotes.
    typealias Field = [UInt8]

    /// Bytes of the longest field: 1 MiB.
    static let fieldLimit = 1 << 20

    /// - Parameter line: without its end.
    /// - Throws: the first fault, with its column counted from 1.
    static func fields(_ line: [UInt8], delimiter: UInt8) throws(LineFault) -> [Field] {
        var fields: [Field] = []
        var at = 0
        while true {
            let column = fields.count + 1
            var field: Field = []
            if at < line.count, line[at] == quote {
                try readQuoted(line, &at, into: &field, column: column)
                guard at == line.count || line[at] == delimiter else {
                    throw LineFault(.textAfterQuote, column: column)
                }
            } else {
                let start = at
                while at < line.count, line[at] != delimiter {
                    if line[at] == quote { throw LineFault(.strayQuote, column: column) }
                    at += 1
                }
                field = Array(line[start..<at])
            }
            if field.contains(0) { throw LineFault(.nulByte, column: column) }
            guard field.count <= fieldLimit else { throw LineFault(.fieldTooLong, column: column) }
            fields.append(field)
            guard at < line.count else { return fields }
            at += 1
        }
    }

    private static let quote = UInt8(ascii: "\"")

    private static func readQuoted(
        _ line: [UInt8], _ at: inout Int, into field: inout Field, column: Int
    ) throws(LineFault) {
        at += 1
        while true {
            guard at < line.count else { throw LineFault(.openQuote, column: column) }
            if line[at] == quote {
                at += 1
                guard at < line.count, line[at] == quote else { return }
            }
            field.append(line[at])
            at += 1
        }
    }
}
