import FuldmagtDomain
import FuldmagtJSON
import FuldmagtRecord

/// What is wrong with one line, where it goes and by which key.
struct LineCheck {
    /// A fault with the field it is in and what is allowed there.
    struct Fault {
        var code: String
        /// Path in the data; nil for the event itself.
        var field: String?
        var text: String
        var remedy: String?

        var description: String {
            var said = "\(code)\(field.map { " in data.\($0)" } ?? ""): \(text)"
            if let remedy { said += " Allowed: \(remedy)." }
            return said
        }
    }

    private(set) var faults: [Fault] = []
    /// Whether it begins a value that goes on over further lines, or is a list: then no line of its file is an event.
    private(set) var isNoJSONLine = false
    private(set) var id: String?
    private(set) var topic: Topic?
    private(set) var key: String?

    init(_ bytes: [UInt8], settings: Settings, today: Day) {
        let document = JSONDocument()
        var headers: [UInt8] = []
        HeaderBlock.append("content-type", "application/cloudevents+json", to: &headers)
        bytes.withUnsafeBytes { value in
            headers.withUnsafeBytes { headers in
                let record = RecordView(topic: 0, offset: 0, timestamp: 0, key: nil, headers: headers, value: value)
                do throws(DeadLetter) {
                    let (envelope, data) = try Envelope.read(record, into: document)
                    topic = envelope.type.topic
                    // What has faults is told a key by guess, for who sends it all the same.
                    key =
                        Catalogue.key(of: data, type: envelope.type, today: today, settings: settings)
                        ?? Self.key(of: data, type: envelope.type.rawValue)
                    id = envelope.cause.id
                    let reasons =
                        if envelope.type.topic == .catalogue {
                            Catalogue.faults(in: data, type: envelope.type, today: today, settings: settings)
                        } else {
                            try Command.read(
                                data, envelope: envelope, topic: envelope.type.topic, today: today, settings: settings
                            ).faults
                        }
                    let contract = Contract.record(envelope.type.rawValue)
                    faults = reasons.map {
                        Fault(
                            code: $0.code.rawValue, field: $0.field, text: $0.english,
                            remedy: $0.field.flatMap { contract?.remedy(for: $0) })
                    }
                } catch {
                    faults = [Fault(code: error.reason.rawValue, field: nil, text: error.detail, remedy: nil)]
                    guess(document)
                    isNoJSONLine = Self.isPart(bytes)
                }
            }
        }
    }

    /// Whether a line that is no event looks like the first of a value that is written over several, or like a list.
    private static func isPart(_ bytes: [UInt8]) -> Bool {
        func isSpace(_ byte: UInt8) -> Bool { byte == 32 || byte == 9 || byte == 13 }
        let text = bytes.drop(while: isSpace)
        guard let first = text.first, let last = text.last(where: { !isSpace($0) }) else { return false }
        return first == UInt8(ascii: "[") || first == UInt8(ascii: "{") && "{[,".utf8.contains(last)
    }

    /// What is told of a file whose first line is such a one, instead of a fault for each of its lines.
    static let noJSONLines = Fault(
        code: "invalid-json", field: nil,
        text:
            "the file is not JSON lines: an event begins here and goes on over further lines, or they stand in a list.",
        remedy: "one event on each line; jq -c . FILE writes an event so, jq -c '.[]' FILE a list of them")

    /// Topic and key as far as a faulty line tells them.
    private mutating func guess(_ document: JSONDocument) {
        guard document.root.kind == .object, let type = document.root["type"]?.string else { return }
        let name = type.hasPrefix("dk.fuldmagt.") ? String(type.dropFirst(12)) : type
        topic = topic ?? Self.topic(of: name)
        if let data = document.root["data"] { key = Self.key(of: data, type: name) }
    }

    private static func topic(of name: String) -> Topic? {
        switch name.split(separator: ".").first {
        case "grant": .grantCommands
        case "move": .moveCommands
        case "exemption", "readaccess", "mailbox": .exemptionCommands
        case "package", "activation", "itsystem", "authority": .catalogue
        default: nil
        }
    }

    private static func key(of data: JSONNode, type: String) -> String? {
        switch type.split(separator: ".").first {
        case "package": return data["id"]?.string.map { "package/\($0)" }
        case "itsystem": return data["id"]?.string.map { "itsystem/\($0)" }
        case "authority": return data["cvr"]?.string.map { "authority/\($0)" }
        case "activation":
            let code = data["municipality"].flatMap { $0.string ?? $0.int.map { String($0) } }
            guard let municipality = code, let package = data["package"]?.string,
                let system = data["itSystem"]?.string
            else { return nil }
            return "activation/\(Municipality(municipality)?.description ?? municipality)/\(package)/\(system)"
        default:
            let party = data["grantor"] ?? data["citizen"]
            return party?["cpr"]?.string ?? party?["cvr"]?.string
        }
    }
}
