import Foundation
import FuldmagtDomain
import Logging

/// Writes log lines as JSON objects, one a line, to standard error. Anything that looks like a CPR number is masked: the
/// code never logs one, and this is the second lock on that door.
struct JSONLogHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .info
    let label: String

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var fields: [String: String] = [
            "time": Host.now().description, "level": event.level.rawValue, "logger": label,
            "text": event.message.description,
        ]
        for (key, value) in metadata.merging(event.metadata ?? [:], uniquingKeysWith: { _, new in new }) {
            fields[key] = value.description
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let masked = fields.mapValues { CPRMask.masked($0) }
        do {
            StandardError.write(String(decoding: try encoder.encode(masked), as: UTF8.self) + "\n")
        } catch {
            StandardError.write("a log line could not be encoded\n")
        }
    }
}

/// Masks what looks like a CPR number, byte by byte.
enum CPRMask {
    static func masked(_ text: String) -> String {
        var bytes = Array(text.utf8)
        WrittenCPR.forEach(in: bytes) { found in
            for at in found { bytes[at] = UInt8(ascii: "*") }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
