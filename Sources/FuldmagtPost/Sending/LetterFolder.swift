import Crypto
import Foundation
import FuldmagtBytes
import FuldmagtDomain
import FuldmagtJSON

/// Hands letters over to a print supplier in batches: a folder each, with one HTML page a letter, ready for A4, and a
/// manifest. A batch appears whole or not at all.
///
/// A letter's file is named by its id, which stays the same if it is ever sent again; so a supplier that keeps the ids
/// prints nothing twice. Numbers of people stand in the manifest only: the supplier finds the address by them.
public struct LetterFolder: PostTransport {
    private let folder: OutFolder
    static let manifestName = "manifest.json"
    static let checksumName = "manifest.sha256"

    public init(path: String) throws {
        folder = try OutFolder(path)
        try folder.removeUnfinished()
    }

    /// What a manifest says of one letter.
    struct Entry: Codable, Equatable {
        struct Recipient: Codable, Equatable {
            var cpr: String?
            var cvr: String?
        }
        var id: String
        var file: String
        var bytes: Int
        var sha256: String
        var recipient: Recipient
    }

    struct Manifest: Codable, Equatable {
        var batch: String
        var createdAt: String
        var letters: [Entry]
    }

    /// Whether it is in a batch that was not taken away yet.
    public func has(_ message: Ident) throws -> Bool {
        for batch in try Self.batches(in: folder.path) {
            if access("\(folder.path)/\(batch)/\(message.uuidText).html", F_OK) == 0 { return true }
        }
        return false
    }

    /// Names of the finished batches, oldest first.
    static func batches(in path: String) throws -> [String] {
        guard FileManager.default.fileExists(atPath: path) else { return [] }
        return try FileManager.default.contentsOfDirectory(atPath: path).filter { $0.hasPrefix("batch-") }.sorted()
    }

    /// A batch is written anew under its own name after a death, so nothing may join it.
    public var keepsChunks: Bool { true }

    public func send(_ messages: [OutgoingMessage], now: Instant, clearance: Clearance) throws
        -> [(message: Ident, sending: PostLedger.Sending)]
    {
        var letters = messages
        // Each round has fewer letters; the last is whole.
        while try !handOver(letters, clearance) {
            let cleared = clearance(letters)
            letters.removeAll { !cleared.contains($0.id) }
        }
        let sent = Set(letters.map(\.id))
        return messages.map { ($0.id, sent.contains($0.id) ? .sent : .withheld) }
    }

    /// - Returns: false where some may not be handed over any more, and none was.
    private func handOver(_ letters: [OutgoingMessage], _ clearance: Clearance) throws -> Bool {
        guard let first = letters.first else { return true }
        // The same for the same letters, so that a batch that is written again replaces itself.
        let name = "batch-\(first.fixedAt.milliseconds)-\(first.id.uuidText.prefix(8))"
        let unfinished = "\(folder.path)/.\(name)"
        if FileManager.default.fileExists(atPath: unfinished) {
            try FileManager.default.removeItem(atPath: unfinished)
        }
        try FileManager.default.createDirectory(
            atPath: unfinished, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        try write(Manifest(batch: name, createdAt: first.fixedAt.description, letters: []), letters, to: unfinished)
        try folder.synchronize()
        let finished = "\(folder.path)/\(name)"
        if FileManager.default.fileExists(atPath: finished) {
            // Written before a death; the supplier may be reading it, so it stays.
            try FileManager.default.removeItem(atPath: unfinished)
            return true
        }
        guard clearance(letters).count == letters.count else {
            try FileManager.default.removeItem(atPath: unfinished)
            return false
        }
        try OutFolder.rename(unfinished, to: finished)
        try folder.synchronizeNames()
        return true
    }

    private func write(_ manifest: Manifest, _ letters: [OutgoingMessage], to batch: String) throws {
        var manifest = manifest
        var sink = ByteSink(capacity: 1 << 14)
        for message in letters {
            sink.removeAll()
            HTMLDocument.appendLetter(message, to: &sink)
            let file = "\(message.id.uuidText).html"
            try sink.withUnsafeBytes { try OutFolder.write($0, to: "\(batch)/\(file)") }
            let digits = message.recipient.digits
            let isPerson = message.recipient.isPerson
            manifest.letters.append(
                Entry(
                    id: message.id.uuidText, file: file, bytes: sink.count, sha256: Self.digest(sink.array()),
                    recipient: Entry.Recipient(cpr: isPerson ? digits : nil, cvr: isPerson ? nil : digits)))
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        let text = [UInt8](try encoder.encode(manifest)) + Array("\n".utf8)
        try text.withUnsafeBytes { try OutFolder.write($0, to: "\(batch)/\(Self.manifestName)") }
        // In the form that `sha256sum -c` reads.
        try Array("\(Self.digest(text))  \(Self.manifestName)\n".utf8).withUnsafeBytes {
            try OutFolder.write($0, to: "\(batch)/\(Self.checksumName)")
        }
    }

    static func digest(_ bytes: [UInt8]) -> String {
        SHA256.hash(data: bytes).map { byte in
            let digits = String(byte, radix: 16)
            return digits.utf8.count == 1 ? "0" + digits : digits
        }.joined()
    }
}
