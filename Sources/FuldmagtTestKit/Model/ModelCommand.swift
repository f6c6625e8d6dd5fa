import FuldmagtDomain

/// What brought an effect about, as outcomes, rows and notifications name it.
struct ModelCause {
    var source: String
    var id: String
    var type: String
    var extensions: [String: String]
    /// Record time in milliseconds; later for effects that a day brings about.
    var at: Int64

    var day: Day { Instant(milliseconds: at).day }

    /// The same, where a day brought the effect about.
    func at(_ instant: Instant) -> ModelCause {
        var cause = self
        cause.at = instant.milliseconds
        return cause
    }
}

/// A record whose envelope could be read.
struct ModelCommand {
    var cause: ModelCause
    /// The type without `dk.fuldmagt.` and version: `grant.issue`.
    var name: String
    var data: ModelJSON

    var today: Day { cause.day }
}

/// Why a record becomes a dead letter.
struct ModelDeadLetter: Error {
    var reason: String
}

extension ModelCommand {
    private static let topics: [String: Topic] = [
        "grant.issue": .grantCommands, "grant.request": .grantCommands, "grant.approve": .grantCommands,
        "grant.decline": .grantCommands, "grant.revoke": .grantCommands, "grant.renew": .grantCommands,
        "grant.correct": .grantCommands, "move.relocate": .moveCommands, "move.emigrate": .moveCommands,
        "move.immigrate": .moveCommands, "move.decease": .moveCommands, "move.correct": .moveCommands,
        "exemption.register": .exemptionCommands,
        "exemption.lift": .exemptionCommands, "exemption.correct": .exemptionCommands,
        "readaccess.grant": .exemptionCommands, "readaccess.withdraw": .exemptionCommands,
        "mailbox.enrol": .exemptionCommands, "package.define": .catalogue, "activation.set": .catalogue,
        "itsystem.define": .catalogue, "authority.define": .catalogue,
    ]
    private static let coreAttributes: Set<String> = [
        "specversion", "id", "type", "source", "time", "datacontenttype", "dataschema", "subject", "data",
        "data_base64",
    ]

    /// Reads a record in binary or structured mode.
    init(_ record: ModelRecord) throws(ModelDeadLetter) {
        guard let value = record.value, !value.isEmpty else { throw ModelDeadLetter(reason: "empty-value") }
        guard value.count <= 1 << 20 else { throw ModelDeadLetter(reason: "too-large") }
        var headers: [String: String] = [:]
        for (name, value) in record.headers {
            guard let text = String(validating: value, as: UTF8.self) else {
                throw ModelDeadLetter(reason: "invalid-attribute")
            }
            headers[name.lowercased()] = text
        }
        let mediaType = Self.mediaType(headers["content-type"] ?? "application/json")
        var attributes: [String: String] = [:]
        var data: ModelJSON?
        switch mediaType {
        case "application/cloudevents+json":
            (attributes, data) = try Self.structured(try Self.read(value))
        case "application/json":
            for (name, value) in headers where name.hasPrefix("ce_") { attributes[String(name.dropFirst(3))] = value }
        default: throw ModelDeadLetter(reason: "invalid-attribute")
        }
        let name = try Self.checked(attributes, topic: record.topic)
        if mediaType == "application/json" { data = try Self.read(value) }
        guard let data else { throw ModelDeadLetter(reason: "missing-attribute") }
        self.name = name
        self.data = data
        cause = ModelCause(
            source: attributes["source"] ?? "", id: attributes["id"] ?? "", type: attributes["type"] ?? "",
            extensions: attributes.filter { !Self.coreAttributes.contains($0.key) }, at: record.timestamp)
    }

    static func mediaType(_ text: String) -> String {
        let type = text.split(separator: ";", maxSplits: 1, omittingEmptySubsequences: false)[0]
        return String(type.filter { $0 != " " }).lowercased()
    }

    private static func read(_ value: [UInt8]) throws(ModelDeadLetter) -> ModelJSON {
        do { return try ModelJSONReader.read(value) } catch { throw ModelDeadLetter(reason: error.reason) }
    }

    /// Attributes and data of an event that is the value.
    static func structured(_ event: ModelJSON) throws(ModelDeadLetter) -> ([String: String], ModelJSON?) {
        guard case .object(let members) = event else { throw ModelDeadLetter(reason: "missing-attribute") }
        var attributes: [String: String] = [:]
        for member in members where member.name != "data" {
            guard let text = member.value.text else { throw ModelDeadLetter(reason: "invalid-attribute") }
            attributes[member.name] = text
        }
        if let type = attributes["datacontenttype"], mediaType(type) != "application/json" {
            throw ModelDeadLetter(reason: "invalid-attribute")
        }
        return (attributes, event["data"])
    }

    /// Checks the attributes of the envelope; returns the command's name.
    private static func checked(_ attributes: [String: String], topic: Topic) throws(ModelDeadLetter) -> String {
        guard let version = attributes["specversion"], let id = attributes["id"], let type = attributes["type"],
            let source = attributes["source"]
        else { throw ModelDeadLetter(reason: "missing-attribute") }
        guard version == "1.0", (1...128).contains(id.unicodeScalars.count), isSource(source), !type.isEmpty else {
            throw ModelDeadLetter(reason: "invalid-attribute")
        }
        if let time = attributes["time"], Instant(time) == nil { throw ModelDeadLetter(reason: "invalid-attribute") }
        let parts = type.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 5, parts[0] == "dk", parts[1] == "fuldmagt",
            let topicOfType = topics[parts[2] + "." + parts[3]]
        else { throw ModelDeadLetter(reason: "unknown-type") }
        guard parts[4] == "v1" else { throw ModelDeadLetter(reason: "unknown-version") }
        guard topicOfType == topic else { throw ModelDeadLetter(reason: "wrong-topic") }
        return parts[2] + "." + parts[3]
    }

    /// `urn:dk:cvr:NNNNNNNN`, optionally followed by `:system-name`.
    private static func isSource(_ text: String) -> Bool {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        return (4...5).contains(parts.count) && parts[0...2] == ["urn", "dk", "cvr"] && CVR(parts[3]) != nil
            && parts.allSatisfy { !$0.isEmpty }
    }
}
