/// Writes CSV, with semicolons as Danish spreadsheets expect.
public enum CSVText {
    /// One line for a spreadsheet, with its end. A field that would be taken for a formula gets an apostrophe.
    public static func line(_ fields: [String]) -> String {
        fields.map { quoted(isFormula($0) ? "'" + $0 : $0) }.joined(separator: ";") + "\r\n"
    }

    /// One line to be read again as it was, with its end.
    public static func dataLine(_ fields: [String]) -> String {
        fields.map(quoted).joined(separator: ";") + "\r\n"
    }

    /// Takes a line apart, its end left out; nil where it is not CSV.
    public static func fields(_ line: String) -> [String]? {
        do throws(LineFault) {
            return try CSVLine.fields(Array(line.utf8), delimiter: UInt8(ascii: ";")).map {
                String(decoding: $0, as: UTF8.self)
            }
        } catch {
            return nil
        }
    }

    private static func isFormula(_ text: String) -> Bool {
        text.utf8.first.map { "=+-@\t".utf8.contains($0) } ?? false
    }

    private static func quoted(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 == 10 || $0 == 13 || $0 == 34 || $0 == 59 }) else { return text }
        return "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }
}
