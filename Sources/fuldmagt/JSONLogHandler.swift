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
            FileHandle.standardError.write(try encoder.encode(masked) + Data("\n".utf8))
        } catch {
            FileHandle.standardError.write(Data("a log line could not be written\n".utf8))
        }
    }
}

/// Masks what looks like a CPR number, DDMMYYSSSS or DDMMYY-SSSS: whose first four digits can be a day and month, test
/// persons' included.
enum CPRMask {
    static func masked(_ text: String) -> String {
        var bytes = Array(text.utf8)
        var start = 0
        while start < bytes.count {
            let run = digits(in: bytes, from: start)
            guard run > 0 else {
                start += 1
                continue
            }
            var end = start + run
            if run == 6, end < bytes.count, bytes[end] == UInt8(ascii: "-"), digits(in: bytes, from: end + 1) == 4 {
                end += 5
            }
            if run == 10 || end > start + run {
                let day = Int(bytes[start] - 48) * 10 + Int(bytes[start + 1] - 48)
                let month = Int(bytes[start + 2] - 48) * 10 + Int(bytes[start + 3] - 48)
                if (1...31).contains(day > 60 ? day - 60 : day), (1...12).contains(month) {
                    for at in start..<end { bytes[at] = UInt8(ascii: "*") }
                }
            }
            start = end
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// How many digits there are from here on.
    private static func digits(in bytes: [UInt8], from start: Int) -> Int {
        var end = start
        while end < bytes.count, (48...57).contains(bytes[end]) { end += 1 }
        return end - start
    }
}
