import FuldmagtDomain

/// A command before it is spelled out as a record.
struct WorkloadCommand {
    var topic: Topic
    /// `grant.issue`
    var name: String
    var source: String
    var id: String
    var data: ModelJSON
    /// The number of the party whose state changes.
    var citizen: String
    /// Without `ce_`.
    var extensions: [(String, String)] = []

    var type: String { "dk.fuldmagt.\(name).v1" }
}

/// A record's envelope, before something is made wrong with it.
struct WorkloadEnvelope {
    /// Core attributes and extensions, without `ce_`.
    var attributes: [(name: String, value: String)]
    var contentType: String?
    /// The text of the data.
    var data: String
    var isStructured: Bool

    init(_ command: WorkloadCommand, data: String, time: String?, isStructured: Bool) {
        attributes = [
            ("specversion", "1.0"), ("id", command.id), ("type", command.type), ("source", command.source),
        ]
        if let time { attributes.append(("time", time)) }
        attributes += command.extensions.map { (name: $0.0, value: $0.1) }
        contentType = "application/json"
        self.data = data
        self.isStructured = isStructured
    }

    mutating func set(_ name: String, _ value: String?) {
        let at = attributes.firstIndex { $0.name == name }
        if let value {
            if let at { attributes[at].value = value } else { attributes.append((name, value)) }
        } else if let at {
            attributes.remove(at: at)
        }
    }

    var headers: [(String, [UInt8])] {
        if isStructured { return [("content-type", Array("application/cloudevents+json; charset=utf-8".utf8))] }
        var headers = attributes.map { ("ce_\($0.name)", Array($0.value.utf8)) }
        if let contentType { headers.append(("content-type", Array(contentType.utf8))) }
        return headers
    }

    var value: [UInt8] {
        guard isStructured else { return Array(data.utf8) }
        var text = "{"
        for (name, value) in attributes { text += ModelJSON.quoted(name) + ":" + ModelJSON.quoted(value) + "," }
        if let contentType { text += "\"datacontenttype\":" + ModelJSON.quoted(contentType) + "," }
        return Array((text + "\"data\":" + data + "}").utf8)
    }
}
