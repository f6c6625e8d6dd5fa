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
                    key = Self.key(of: data, type: envelope.type.rawValue)
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
                }
            }
        }
    }

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
            guard let municipality = data["municipality"]?.string, let package = data["package"]?.string,
                let system = data["itSystem"]?.string
            else { return nil }
            return "activation/\(Municipality(municipality)?.description ?? municipality)/\(package)/\(system)"
        default:
            let party = data["grantor"] ?? data["citizen"]
            return party?["cpr"]?.string ?? party?["cvr"]?.string
        }
    }
}
