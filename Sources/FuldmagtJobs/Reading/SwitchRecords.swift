import FuldmagtDomain
import FuldmagtJSON

/// What the lines of a supplier switch stand for.
///
/// It follows from the catalogue when the switch is planned, and the switch itself changes the catalogue. So it is
/// written down by the plan, and a run, its resumption and the report read what was planned.
public struct SwitchRecords: Sendable {
    enum Basis: Sendable {
        case catalogue(Catalogue, today: Day)
        case written([Int: Entry])
    }

    enum Entry: Equatable, Sendable {
        case records([CatalogueRecord])
        case fault(code: String, field: String)
    }

    private let basis: Basis

    /// From the catalogue as it is.
    public init(catalogue: Catalogue, today: Day) { basis = .catalogue(catalogue, today: today) }

    /// Why what was written down cannot be used.
    public struct Unusable: Error, Equatable, CustomStringConvertible {
        public let description: String
    }

    /// From what `json` wrote, a line for each line of the input.
    public init(json bytes: [UInt8]) throws(Unusable) {
        var entries: [Int: Entry] = [:]
        let document = JSONDocument()
        for row in bytes.split(separator: 10) {
            let read = document.withRoot(of: Array(row)) { Self.entry($0) }
            guard case .success(let found?) = read else {
                throw Unusable(description: "the planned records of the switch are not of this version; plan it again")
            }
            entries[found.line] = found.entry
        }
        basis = .written(entries)
    }

    private static func entry(_ root: JSONNode) -> (line: Int, entry: Entry)? {
        guard let line = root["line"]?.int else { return nil }
        if let code = root["code"]?.string, let field = root["field"]?.string {
            return (line, .fault(code: code, field: field))
        }
        var records: [CatalogueRecord] = []
        root["records"]?.forEachElement { _, node in
            guard let type = node["type"]?.string.flatMap({ CommandType(rawValue: $0) }),
                let key = node["key"]?.string, let data = node["data"]
            else { return }
            records.append(CatalogueRecord(type: type, key: key, data: Array(data.bytes)))
        }
        return records.isEmpty || records.count != root["records"]?.count ? nil : (line, .records(records))
    }

    /// - Returns: what a line stands for, or what is wrong with it.
    func records(of switchLine: SwitchLine, line: Int) -> Result<[CatalogueRecord], LineFault> {
        switch basis {
        case .catalogue(let catalogue, let today): return switchLine.records(under: catalogue, today: today)
        case .written(let entries):
            switch entries[line] {
            case .records(let records)?: return .success(records)
            case .fault(let code, let field)?:
                return .failure(LineFault(LineFault.Form(rawValue: code) ?? .notOffered, field: field))
            case nil: return .failure(LineFault(.notOffered, field: "oldItSystem"))
            }
        }
    }

    /// What a line came to, as one line of JSON with its end.
    static func json(_ found: Result<[CatalogueRecord], LineFault>, line: Int) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.member("line", line)
        switch found {
        case .failure(let fault):
            json.member("code", fault.code)
            json.member("field", fault.field ?? "")
        case .success(let records):
            json.key("records")
            json.beginArray()
            for record in records {
                json.beginObject()
                json.member("type", record.type.rawValue)
                json.member("key", record.key)
                json.key("data")
                record.data.withUnsafeBytes { json.rawBytes($0) }
                json.endObject()
            }
            json.endArray()
        }
        json.endObject()
        return json.finish() + [10]
    }
}
