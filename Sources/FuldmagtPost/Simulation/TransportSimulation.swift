import Foundation
import FuldmagtBytes
import FuldmagtDomain
import GRDB

/// A stand-in for Digital Post and a print supplier, for demos and tests. Nothing reaches anybody.
///
/// It takes what `post memo` and `post letters` put into their folders, knows a message it has had before by its id, and
/// writes receipts late, twice, out of order or not at all, as its options say. Its file survives its own death.
public final class TransportSimulation {
    private let queue: DatabaseQueue
    private let options: SimulationOptions
    private let memo: OutFolder
    private let letters: OutFolder
    private let receipts: OutFolder
    private static let chunk = 500

    /// - Parameters:
    ///   - path: of the simulation's own file.
    ///   - memo: folder that MeMo messages are taken from.
    ///   - letters: folder that batches of letters are taken from.
    ///   - receipts: folder that receipts are put into.
    public init(path: String, options: SimulationOptions, memo: String, letters: String, receipts: String) throws {
        self.options = options
        self.memo = try OutFolder(memo)
        self.letters = try OutFolder(letters)
        self.receipts = try OutFolder(receipts)
        _ = try OutFolder(memo + "/taken")
        _ = try OutFolder(letters + "/taken")
        var configuration = Configuration()
        configuration.busyMode = .timeout(10)
        configuration.prepareDatabase { try $0.execute(sql: "PRAGMA journal_mode = WAL") }
        queue = try DatabaseQueue(path: path, configuration: configuration)
        try queue.write { db in
            try db.execute(
                sql: """
                    CREATE TABLE IF NOT EXISTS messages (
                        id BLOB NOT NULL, channel TEXT NOT NULL, takenAt INTEGER NOT NULL,
                        repeats INTEGER NOT NULL DEFAULT 0, fails INTEGER NOT NULL, refused TEXT,
                        PRIMARY KEY (id, channel)) STRICT;
                    CREATE TABLE IF NOT EXISTS receipts (
                        row INTEGER PRIMARY KEY, message BLOB NOT NULL, receiptID TEXT NOT NULL, status TEXT NOT NULL,
                        code TEXT, due INTEGER NOT NULL, copy INTEGER NOT NULL,
                        state TEXT NOT NULL CHECK (state IN ('waiting', 'written', 'lost'))) STRICT;
                    CREATE INDEX IF NOT EXISTS waiting ON receipts (due) WHERE state = 'waiting';
                    CREATE INDEX IF NOT EXISTS byID ON receipts (receiptID);
                    """)
        }
    }

    /// Takes in what is there and writes what is due.
    /// - Returns: messages taken and receipts written.
    public func step(now: Instant) throws -> (taken: Int, written: Int) {
        let taken = try takeMessages(now: now) + takeBatches(now: now)
        return (taken, try writeDue(now: now))
    }

    // MARK: Taking

    private func takeMessages(now: Instant) throws -> Int {
        let names = try FileManager.default.contentsOfDirectory(atPath: memo.path)
            .filter { $0.hasSuffix(".xml") && !$0.hasPrefix(".") }.sorted()
        for start in stride(from: 0, to: names.count, by: Self.chunk) {
            let some = names[start..<min(start + Self.chunk, names.count)]
            try queue.write { db in
                for name in some {
                    let bytes = [UInt8](FileManager.default.contents(atPath: "\(memo.path)/\(name)") ?? Data())
                    guard let id = Self.id(of: bytes) ?? Ident(hex: String(name.prefix(36))) else { continue }
                    let fault = MeMoCheck.findings(in: bytes).first
                    try take(id, .digitalPost, refused: fault?.description, db, now)
                }
            }
            for name in some { try OutFolder.rename("\(memo.path)/\(name)", to: "\(memo.path)/taken/\(name)") }
        }
        return names.count
    }

    /// What is in a message counts, not the name of its file.
    private static func id(of document: [UInt8]) -> Ident? {
        do {
            return try XMLReader.read(document).first("messageUUID").flatMap { Ident(hex: $0.text) }
        } catch {
            return nil
        }
    }

    private func takeBatches(now: Instant) throws -> Int {
        var count = 0
        for batch in try LetterFolder.batches(in: letters.path) {
            let folder = "\(letters.path)/\(batch)"
            let manifest = FileManager.default.contents(atPath: "\(folder)/\(LetterFolder.manifestName)") ?? Data()
            let read = try JSONDecoder().decode(LetterFolder.Manifest.self, from: manifest)
            try queue.write { db in
                for letter in read.letters {
                    guard let id = Ident(hex: letter.id) else { continue }
                    let bytes = [UInt8](FileManager.default.contents(atPath: "\(folder)/\(letter.file)") ?? Data())
                    let isWhole = LetterFolder.digest(bytes) == letter.sha256 && bytes.count == letter.bytes
                    try take(id, .letter, refused: isWhole ? nil : "the checksum does not fit", db, now)
                    count += 1
                }
            }
            let target = "\(letters.path)/taken/\(batch)"
            if FileManager.default.fileExists(atPath: target) { try FileManager.default.removeItem(atPath: target) }
            try OutFolder.rename(folder, to: target)
        }
        return count
    }

    private func take(_ id: Ident, _ channel: PostChannel, refused: String?, _ db: Database, _ now: Instant) throws {
        let fate = SimulatedFate(message: id, channel: channel, options: options, isRefused: refused != nil)
        try db.cachedStatement(
            sql: """
                INSERT INTO messages (id, channel, takenAt, fails, refused) VALUES (?, ?, ?, ?, ?)
                ON CONFLICT (id, channel) DO UPDATE SET repeats = repeats + 1
                """
        ).execute(arguments: [id.data, channel.rawValue, now.milliseconds, fate.fails, refused])
        let repeats = try Int.fetchOne(
            db, sql: "SELECT repeats FROM messages WHERE id = ? AND channel = ?",
            arguments: [id.data, channel.rawValue])
        guard repeats == 0 else { return }
        for receipt in fate.receipts {
            try db.cachedStatement(
                sql: """
                    INSERT INTO receipts (message, receiptID, status, code, due, copy, state)
                    VALUES (?, ?, ?, ?, ?, ?, ?)
                    """
            ).execute(
                arguments: [
                    id.data, receipt.receiptID, receipt.status, receipt.code, now.milliseconds + receipt.after,
                    receipt.copy, receipt.isLost ? "lost" : "waiting",
                ])
        }
    }

    // MARK: Telling

    private func writeDue(now: Instant) throws -> Int {
        var count = 0
        while true {
            let rows = try queue.read { db in
                try Row.fetchAll(
                    db, sql: "SELECT * FROM receipts WHERE state = 'waiting' AND due <= ? ORDER BY due, row LIMIT ?",
                    arguments: [now.milliseconds, Self.chunk])
            }
            guard !rows.isEmpty else { return count }
            for row in rows {
                let id: String = row["receiptID"]
                let name = "\(id)-\(row["copy"] as Int).xml"
                let document = PostStatus.document(
                    receiptID: id, message: PostLedger.ident(row["message"]), status: row["status"], code: row["code"],
                    at: Instant(milliseconds: row["due"]))
                try document.withUnsafeBytes { try OutFolder.write($0, to: "\(receipts.path)/.\(name)") }
                try OutFolder.rename("\(receipts.path)/.\(name)", to: "\(receipts.path)/\(name)")
            }
            try queue.write { db in
                for row in rows {
                    try db.execute(
                        sql: "UPDATE receipts SET state = 'written' WHERE row = ?", arguments: [row["row"] as Int64])
                }
            }
            count += rows.count
        }
    }

    // MARK: Accounting

    /// What the simulation did.
    public struct Counts: Equatable, Sendable {
        /// Different messages, by channel.
        public var messages: [PostChannel: Int] = [:]
        /// Messages that came again under an id that was known.
        public var repeats = 0
        /// Different messages that were not delivered, by channel.
        public var failed: [PostChannel: Int] = [:]
        /// Messages refused for what is in them.
        public var refused = 0
        public var waiting = 0
        public var written = 0
        public var lost = 0
        /// Of those written, second copies.
        public var duplicates = 0
        /// Of the second copies, those whose first was written too.
        public var repeatsOfFirst = 0
        /// Receipts written, by status.
        public var byStatus: [String: Int] = [:]

        public init() {}
    }

    public func counts() throws -> Counts { try queue.read { try Self.counts($0) } }

    /// The same of a simulation that may be at work.
    public static func counts(path: String) throws -> Counts {
        guard FileManager.default.fileExists(atPath: path) else { return Counts() }
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(10)
        return try DatabaseQueue(path: path, configuration: configuration).read { db in
            try db.tableExists("receipts") ? try counts(db) : Counts()
        }
    }

    private static func counts(_ db: Database) throws -> Counts {
        var counts = Counts()
        for row in try Row.fetchAll(
            db,
            sql: """
                SELECT channel, count(*) AS count, sum(repeats) AS repeats, sum(fails) AS fails,
                    count(refused) AS refused FROM messages GROUP BY channel
                """)
        {
            guard let channel = PostChannel(rawValue: row["channel"]) else { continue }
            counts.messages[channel] = row["count"]
            counts.failed[channel] = row["fails"]
            counts.repeats += row["repeats"] as Int
            counts.refused += row["refused"] as Int
        }
        for row in try Row.fetchAll(
            db, sql: "SELECT state, status, copy, count(*) AS count FROM receipts GROUP BY state, status, copy")
        {
            let count: Int = row["count"]
            switch row["state"] as String {
            case "written":
                counts.written += count
                counts.byStatus[row["status"], default: 0] += count
                if row["copy"] as Int > 0 { counts.duplicates += count }
            case "lost": counts.lost += count
            default: counts.waiting += count
            }
        }
        counts.repeatsOfFirst =
            try Int.fetchOne(
                db,
                sql: """
                    SELECT count(*) FROM receipts a JOIN receipts b ON b.receiptID = a.receiptID AND b.copy = 0
                    WHERE a.copy > 0 AND a.state = 'written' AND b.state = 'written'
                    """) ?? 0
        return counts
    }
}

extension PostStatus {
    /// A receipt in the layout that is our example.
    static func document(receiptID: String, message: Ident, status: String, code: String?, at: Instant) -> [UInt8] {
        let layout = Layout()
        var sink = ByteSink(capacity: 512)
        func element(_ name: String, _ text: String) {
            sink.append("  <\(name)>" as String)
            XMLText.append(text, to: &sink)
            sink.append("</\(name)>\n" as String)
        }
        sink.append("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")
        sink.append("<PKO_PostStatus xmlns=\"urn:fuldmagt:example:poststatus\">\n")
        element(layout.receiptID, receiptID)
        element(layout.message, message.uuidText)
        element(layout.status, status)
        if let code { element(layout.code, code) }
        element(layout.at, at.description)
        sink.append("</PKO_PostStatus>\n")
        return sink.array()
    }
}
