import FuldmagtJSON

/// The contract as an AsyncAPI 3.0 document.
public enum AsyncAPI {
    /// The document as compact JSON.
    public static func document() -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.member("asyncapi", "3.0.0")
        json.key("info")
        json.beginObject()
        json.member("title", "Fuldmagt")
        json.member("version", Contract.version)
        json.member(
            "description",
            "Digital powers of attorney: commands in, outcomes and notifications out. Records are CloudEvents 1.0 in Kafka's binary mode; the payload is the data. Structured mode is read, too: the header content-type is application/cloudevents+json, and the value the whole event. Fields that are not named here are ignored, and may come."
        )
        json.endObject()
        json.member("defaultContentType", "application/json")
        let topics = Topic.allCases.filter { topic in Contract.records.contains { $0.topic == topic } }
        json.key("channels")
        json.beginObject()
        for topic in topics {
            json.key(topic.name)
            json.beginObject()
            json.member("address", topic.name)
            json.key("messages")
            json.beginObject()
            for record in Contract.records where record.topic == topic {
                json.key(record.name)
                reference("#/components/messages/\(record.name)", &json)
            }
            json.endObject()
            json.endObject()
        }
        json.endObject()
        writeOperations(topics, &json)
        json.key("components")
        json.beginObject()
        json.key("messages")
        json.beginObject()
        for record in Contract.records {
            json.key(record.name)
            write(record, &json)
        }
        json.endObject()
        json.key("schemas")
        json.beginObject()
        for headers in Headers.allCases {
            json.key(headers.rawValue)
            headers.write(to: &json)
        }
        json.endObject()
        json.endObject()
        json.endObject()
        return json.finish()
    }

    private static func reference(_ path: String, _ json: inout JSONWriter) {
        json.beginObject()
        // A slash in a name would be ~1 in a pointer; ours have none.
        json.member("$ref", path)
        json.endObject()
    }

    /// What the application does with each channel: it receives commands and sends answers.
    private static func writeOperations(_ topics: [Topic], _ json: inout JSONWriter) {
        json.key("operations")
        json.beginObject()
        for topic in topics {
            let isSent = Headers(of: topic) == .output
            json.key("\(isSent ? "send" : "receive") \(topic.name)")
            json.beginObject()
            json.member("action", isSent ? "send" : "receive")
            json.key("channel")
            reference("#/channels/\(topic.name)", &json)
            json.endObject()
        }
        json.endObject()
    }

    private static func write(_ record: ContractRecord, _ json: inout JSONWriter) {
        let headers = Headers(of: record.topic)
        json.beginObject()
        json.member("name", record.type)
        json.member("title", record.name)
        json.member("summary", record.summary)
        json.member("contentType", "application/json")
        json.key("headers")
        reference("#/components/schemas/\(headers.rawValue)", &json)
        json.key("payload")
        json.beginObject()
        json.member("schemaFormat", "application/schema+json;version=draft-2020-12")
        json.key("schema")
        record.writeSchema(to: &json)
        json.endObject()
        json.key("bindings")
        json.beginObject()
        json.key("kafka")
        json.beginObject()
        json.key("key")
        json.beginObject()
        json.member("type", "string")
        json.member("description", record.key)
        json.endObject()
        json.endObject()
        json.endObject()
        json.key("examples")
        json.beginArray()
        json.beginObject()
        json.key("headers")
        json.beginObject()
        json.member("ce_specversion", "1.0")
        json.member("ce_id", "example-1")
        json.member("ce_type", record.type)
        json.member("ce_source", headers.exampleSource)
        json.endObject()
        json.key("payload")
        Array(record.example.utf8).withUnsafeBytes { json.rawBytes($0) }
        json.endObject()
        json.endArray()
        json.endObject()
    }

    /// The headers of a kind of record. They differ in what is read, and in what is written.
    private enum Headers: String, CaseIterable {
        /// Of commands and of the catalogue's records.
        case command = "commandHeaders"
        case receipt = "receiptHeaders"
        /// Of what the application sends.
        case output = "outputHeaders"

        init(of topic: Topic) {
            switch topic {
            case .outcomes, .notifications, .tasks: self = .output
            case .receipts: self = .receipt
            default: self = .command
            }
        }

        private var id: ContractField {
            switch self {
            case .command:
                ContractField(
                    "ce_id", .text(limit: Envelope.maximumID), "unique for its source: a repeat has no effect")
            case .receipt:
                ContractField("ce_id", .text(limit: Receipt.maximumID), "the receipt's own, kept as the proof")
            case .output:
                // Of an outcome the longest: source, id and status of a command, with slashes between.
                ContractField("ce_id", .text(limit: 512), "follows from the cause: the same for a repeat")
            }
        }

        private var source: ContractField {
            let text =
                switch self {
                case .command: "urn:dk:cvr:NNNNNNNN, optionally followed by :system-name"
                case .receipt: "who says so: urn:dk:cvr:NNNNNNNN, optionally followed by :system-name"
                case .output: "urn:dk:fuldmagt:<cluster>"
                }
            return ContractField("ce_source", .text(limit: Envelope.maximumSource), text)
        }

        /// What only records of this kind have.
        private var own: [ContractField] {
            switch self {
            case .command, .receipt: []
            case .output:
                [
                    .optional(
                        "fm_shard", .form("^[0-9]+$", limit: 10),
                        "of a notification, the partition that its receipts go to")
                ]
            }
        }

        var exampleSource: String {
            switch self {
            case .command, .receipt: "urn:dk:cvr:99000007:example"
            case .output: "urn:dk:fuldmagt:example"
            }
        }

        func write(to json: inout JSONWriter) {
            json.beginObject()
            ContractKind.writeMembers(
                [
                    ContractField("ce_specversion", .choice(["1.0"]), "the version of CloudEvents"), id,
                    ContractField("ce_type", .text(limit: 256), "dk.fuldmagt.<name>.v1"), source,
                    .optional("ce_time", .instant, "when it was said"),
                    .optional("content-type", .text(limit: 256), "application/json"),
                ] + own, to: &json)
            json.endObject()
        }
    }
}
