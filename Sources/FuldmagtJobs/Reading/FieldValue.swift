import FuldmagtDomain
import FuldmagtJSON

/// A column's text as a command's data wants it.
enum FieldValue: Equatable {
    case text(String)
    case flag(Bool)
    case cpr(String)
    case cvr(String)
    case list([String])

    /// - Parameters:
    ///   - text: trimmed, not empty.
    ///   - privileges: packages by the names that a line may have for them; empty where it has their ids.
    static func read(
        _ text: String, as form: JobField.Form, privileges: [String: String] = [:]
    ) throws(LineFault) -> FieldValue {
        switch form {
        case .text: return .text(text)
        case .flag:
            switch text.lowercased() {
            case "true", "ja", "yes", "1", "j", "y": return .flag(true)
            case "false", "nej", "no", "0", "n": return .flag(false)
            default: throw LineFault(.flag)
            }
        case .municipality:
            guard (3...4).contains(text.utf8.count), text.utf8.allSatisfy(isDigit) else {
                throw LineFault(.municipality)
            }
            // Codes that do not exist are left for the contract's own check, which names them so.
            return .text(text.utf8.count == 3 ? "0" + text : text)
        case .day: return .text(try day(text).description)
        case .party: return try party(text)
        case .packages:
            var packages: [String] = []
            for name in text.split(separator: ",", omittingEmptySubsequences: false) {
                let name = LineMapper.trimmed(String(name))
                guard let package = privileges.isEmpty ? name : privileges[name] else { throw LineFault(.privilege) }
                packages.append(package)
            }
            return .list(packages)
        }
    }

    /// Reads yyyy-mm-dd, dd-mm-yyyy and ddmmyyyy.
    static func day(_ text: String) throws(LineFault) -> Day {
        let bytes = Array(text.utf8)
        func number(_ range: Range<Int>) -> Int? {
            bytes[range].allSatisfy(isDigit) ? bytes[range].reduce(0) { $0 * 10 + Int($1 - 48) } : nil
        }
        let dash = UInt8(ascii: "-")
        var parts: (Int?, Int?, Int?) = (nil, nil, nil)
        if bytes.count == 10, bytes[4] == dash, bytes[7] == dash {
            parts = (number(0..<4), number(5..<7), number(8..<10))
        } else if bytes.count == 10, bytes[2] == dash, bytes[5] == dash {
            parts = (number(6..<10), number(3..<5), number(0..<2))
        } else if bytes.count == 8 {
            parts = (number(4..<8), number(2..<4), number(0..<2))
        }
        guard let year = parts.0, let month = parts.1, let dayOfMonth = parts.2,
            let day = Day(year: year, month: month, day: dayOfMonth)
        else { throw LineFault(.date) }
        return day
    }

    private static func party(_ text: String) throws(LineFault) -> FieldValue {
        var bytes = Array(text.utf8)
        if bytes.count == 11, bytes[6] == UInt8(ascii: "-") { bytes.remove(at: 6) }
        let digits = String(decoding: bytes, as: UTF8.self)
        switch bytes.count {
        case 10: return .cpr(digits)
        case 8 where bytes.allSatisfy(isDigit): return .cvr(digits)
        default: throw LineFault(.party)
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }

    func write(to json: inout JSONWriter) {
        switch self {
        case .text(let text): json.string(text)
        case .flag(let flag): json.bool(flag)
        case .cpr(let digits): Self.write("cpr", digits, to: &json)
        case .cvr(let digits): Self.write("cvr", digits, to: &json)
        case .list(let texts):
            json.beginArray()
            for text in texts { json.string(text) }
            json.endArray()
        }
    }

    private static func write(_ name: StaticString, _ digits: String, to json: inout JSONWriter) {
        json.beginObject()
        json.member(name, digits)
        json.endObject()
    }
}
