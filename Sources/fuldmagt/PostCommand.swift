import ArgumentParser
import Foundation
import FuldmagtDomain
import FuldmagtPost
import Logging

struct PostCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "post",
        abstract: "Bring notifications to people: Digital Post, letters, and the receipts for both.",
        discussion: """
            Three consumers, each a process of its own that may be killed at any moment:
              memo      sends what goes by Digital Post, as MeMo messages
              letters   hands letters to a print supplier, in batches
              receipts  reads what the transports say happened, and tells the workers
            `simulate` stands in for the transports. A consumer keeps a ledger in the folder post under FULDMAGT_DATA: which
            ids were fixed, and what became of them. Only one process at a time may send with a ledger.

            Examples:
              fuldmagt post memo --outbox out/memo
              fuldmagt post letters --outbox out/letters
              fuldmagt post receipts --inbox in/receipts
              fuldmagt post check out/memo/*.xml
              fuldmagt post show 2f1c6c1e-6f0a-4c57-9a51-2f1c6c1e6f0a
            """,
        subcommands: [
            PostMeMoCommand.self, PostLettersCommand.self, PostReceiptsCommand.self, PostSimulateCommand.self,
            PostPreviewCommand.self, PostCheckCommand.self, PostBenchCommand.self, PostShowCommand.self,
        ])
}

/// What senders share.
struct PostOptions: ParsableArguments {
    @Option(help: "Folder of the ledgers; default: post in the folder FULDMAGT_DATA.")
    var ledgers: String?
    @Flag(help: "End when nothing is left to do.")
    var once = false
    @Option(help: "Pause between two looks when there was nothing to do, in milliseconds.")
    var pause = 500

    func validate() throws {
        guard (1...3_600_000).contains(pause) else {
            throw ValidationError("--pause is \(pause); from 1 to 3600000 milliseconds are allowed")
        }
    }

    /// Folder of the ledgers, made if it is not there.
    func folder(_ environment: Environment) throws -> String {
        let folder = ledgers ?? environment.directory + "/post"
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw Exit.saying("the folder \(folder) cannot be made; check the path and its permissions", Exit.setting)
        }
        return folder
    }
}

/// One process's hold on a ledger.
enum PostLock {
    /// - Returns: what holds it as long as it is kept.
    static func hold(_ path: String) throws -> FileHandle {
        let descriptor = Foundation.open(path + ".lock", O_RDWR | O_CREAT, 0o600)
        guard descriptor >= 0 else {
            throw Exit.saying("\(path).lock cannot be written; check the folder and its permissions", Exit.setting)
        }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw Exit.saying("\(path) is in use by another process", Exit.failure)
        }
        return handle
    }
}

struct PostMeMoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "memo", abstract: "Send Digital Post as MeMo messages.",
        discussion: """
            Writes a file for each message into a folder, named by the message's id; a file appears whole. Ids are fixed in
            the ledger before anything is sent, so a message that is sent again after a death has the same id and bytes.
            Right before each is handed over it looks for what was withdrawn or re-routed meanwhile.

            With --endpoint it posts to a service like KombiPostAfsend of SF1601 instead, with a client certificate; what
            fails is repeated with growing pauses, and after five failures in a row the endpoint is left alone for a while.
            How that service wraps messages is not known to us: --envelope example is ours.
            """)

    @OptionGroup var options: PostOptions
    @Option(help: "Folder that messages are written to; default: memo beside the ledgers.")
    var outbox: String?
    @OptionGroup var endpoint: PostEndpointOptions
    @Option(help: "Version of MeMo: 1.2 or 1.1.")
    var memoVersion = MeMoWriter.Version.v12
    @Option(help: "Main document: html or text.")
    var document = MeMoWriter.DocumentForm.html
    @Option(help: "Version of the KLE numbers, where it is to be told.")
    var kleVersion: String?
    @Option(
        help: "Seconds that a notification waits for others of the same cause and recipient, to become one message.")
    var quietSeconds = 120
    @Option(help: "Messages whose ids are fixed together.")
    var chunk = 50

    func run() async throws {
        LoggingSystem.bootstrap { JSONLogHandler(label: $0) }
        let environment = try await Environment()
        let folder = try options.folder(environment)
        let run = PostRun(options: options, quietSeconds: quietSeconds, chunk: chunk, pause: options.pause)
        let writer = MeMoWriter(version: memoVersion, form: document, kleVersion: kleVersion)
        let outbox = outbox ?? folder + "/memo"
        let ledger = folder + "/memo.sqlite"
        if let endpoint = endpoint.options {
            try run.send(.digitalPost, ledger: ledger, environment) {
                do {
                    return try MeMoEndpoint(
                        endpoint, writer: writer, now: { Host.now() }, jitter: { Double.random(in: 0...1) })
                } catch let error as MeMoEndpoint.Misuse {
                    throw Exit.saying(error.description, Exit.setting)
                }
            }
        } else {
            try run.send(.digitalPost, ledger: ledger, environment) { try MeMoFolder(path: outbox, writer: writer) }
        }
    }
}

/// Where to post messages to.
struct PostEndpointOptions: ParsableArguments {
    @Option(name: .customLong("endpoint"), help: "https:// address to post messages to, instead of a folder.")
    var url: String?
    @Option(help: "PEM file with the client certificate.")
    var certificate: String?
    @Option(help: "PEM file with its key, where it is not in the same file.")
    var key: String?
    @Option(help: "PEM file with who vouches for the endpoint; default: the system's.")
    var authorities: String?
    @Option(help: "What is put around a message: example or none.")
    var envelope = MeMoEndpoint.Envelope.example

    func validate() throws {
        for (name, file) in [("certificate", certificate), ("key", key), ("authorities", authorities)] {
            if let file, !FileManager.default.isReadableFile(atPath: file) {
                throw ValidationError("--\(name): \(file) cannot be read")
            }
        }
        if url == nil, certificate != nil || key != nil || authorities != nil {
            throw ValidationError("--certificate, --key and --authorities are for --endpoint")
        }
    }

    /// Nil where messages go to a folder.
    var options: MeMoEndpoint.Options? {
        guard let url else { return nil }
        var options = MeMoEndpoint.Options(url: url)
        options.certificate = certificate
        options.key = key
        options.authorities = authorities
        options.envelope = envelope
        return options
    }
}

extension MeMoEndpoint.Envelope: ExpressibleByArgument {}
extension MeMoWriter.Version: ExpressibleByArgument {}
extension MeMoWriter.DocumentForm: ExpressibleByArgument {}

struct PostLettersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "letters", abstract: "Hand letters to a print supplier.",
        discussion: """
            Each batch is a folder: one HTML page a letter, ready for A4, manifest.json with recipients, sizes and SHA-256
            checksums, and manifest.sha256 with the manifest's own. A batch appears whole.
            """)

    @OptionGroup var options: PostOptions
    @Option(help: "Folder that batches are written to; default: letters beside the ledgers.")
    var outbox: String?
    @Option(help: "Letters in a batch, at most.")
    var batch = 500
    @Option(help: "Seconds between two looks, so that letters gather.")
    var interval = 60
    @Option(help: "Seconds that a notification waits for others of the same cause and recipient, to become one letter.")
    var quietSeconds = 120

    func run() async throws {
        LoggingSystem.bootstrap { JSONLogHandler(label: $0) }
        let environment = try await Environment()
        let folder = try options.folder(environment)
        let run = PostRun(options: options, quietSeconds: quietSeconds, chunk: batch, pause: interval * 1000)
        let outbox = outbox ?? folder + "/letters"
        try run.send(.letter, ledger: folder + "/letters.sqlite", environment) { try LetterFolder(path: outbox) }
    }
}

struct PostReceiptsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "receipts", abstract: "Read the transports' receipts into fuldmagt.receipts.",
        discussion: """
            Reads PKO_PostStatus files (.xml) from a folder. What was taken in goes to done; what is about no known message,
            or cannot be read, becomes a dead letter, bytes unchanged, and goes to set-aside. Both only after the broker has
            acknowledged the record.

            The layout of the XML is an example of ours; --layout names a JSON file with other names of elements:
            {"receiptID":"…","message":"…","status":"…","code":"…","text":"…","at":"…"}
            """)

    @OptionGroup var options: PostOptions
    @Option(help: "Folder of the receipts; default: receipts beside the ledgers.")
    var inbox: String?
    @Option(help: "JSON file with the names of the elements.")
    var layout: String?

    func run() async throws {
        LoggingSystem.bootstrap { JSONLogHandler(label: $0) }
        let environment = try await Environment()
        let folder = try options.folder(environment)
        let inbox = inbox ?? folder + "/receipts"
        let intake = ReceiptIntake(
            ledgers: LedgerReader(paths: [folder + "/memo.sqlite", folder + "/letters.sqlite"]),
            layout: try readLayout(), source: try environment.postSource, worker: environment.workerID,
            now: { Host.now() })
        let run = PostRun(options: options, quietSeconds: 0, chunk: 1, pause: options.pause)
        let lock = try PostLock.hold(folder + "/receipts")
        defer { withExtendedLifetime(lock) {} }
        try run.receive(intake, folder: try ReceiptFolder(path: inbox), environment)
    }

    private func readLayout() throws -> PostStatus.Layout {
        guard let layout else { return PostStatus.Layout() }
        guard let data = FileManager.default.contents(atPath: layout) else {
            throw Exit.saying("--layout: \(layout) cannot be read", Exit.setting)
        }
        do {
            return try JSONDecoder().decode(PostStatus.Layout.self, from: data)
        } catch {
            throw Exit.saying(
                "--layout: \(layout) must be a JSON object with receiptID, message, status, code, text and at",
                Exit.setting)
        }
    }
}

extension Environment {
    /// `ce_source` of receipts: the cluster's own authority answers for them.
    var postSource: String {
        get throws { "urn:dk:cvr:\(try settings(partitions: 1).sender.cvr):fuldmagt-post" }
    }
}

struct PostCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Check MeMo files.",
        discussion: """
            Says for each fault the file, line, field and what to do instead. For messages of other consumers too.

            Example:
              fuldmagt post check out/memo/*.xml
            Ends with 0 when all are as they should be, with 3 when some are not.
            """)

    @Argument(help: "The files.")
    var files: [String]

    func run() throws {
        var faulty = 0
        for file in files {
            guard let data = FileManager.default.contents(atPath: file) else {
                throw Exit.saying("\(file) cannot be read", Exit.failure)
            }
            let findings = MeMoCheck.findings(in: [UInt8](data))
            for finding in findings { Output.line("\(file): \(finding)") }
            if !findings.isEmpty { faulty += 1 }
        }
        Output.line("\(files.count) files, \(faulty) with faults")
        if faulty > 0 { throw Exit.found }
    }
}
