import ArgumentParser
import Foundation
import FuldmagtDomain
import FuldmagtPost

struct PostCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "post",
        abstract: "Bring notifications to people: Digital Post, letters, and the receipts for both.",
        discussion: """
            Three consumers, each a process of its own that may be killed at any moment:
              memo      sends what goes by Digital Post, as MeMo messages
              letters   hands letters to a print supplier, in batches
              receipts  reads what the transports say happened, and tells the workers
            simulate stands in for the transports.

            A consumer keeps a ledger in the folder post under FULDMAGT_DATA: which ids were fixed, and what became of \
            them. Only one process at a time may send with a ledger. FULDMAGT_HTTP has /livez, /readyz and /metrics \
            answered, FULDMAGT_LIVE_SECONDS (600 here) is the silence that /livez allows, and FULDMAGT_ACCEPT_GAP=1 \
            goes on where notifications were deleted before they were read.

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

    /// Folder of the ledgers, there or not.
    func place(_ environment: Environment) -> String { ledgers ?? environment.directory + "/post" }

    /// Folder of the ledgers, made if it is not there.
    func folder(_ environment: Environment) throws -> String {
        let folder = place(environment)
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw Exit.saying("the folder \(folder) cannot be made; check the path and its permissions", Exit.setting)
        }
        return folder
    }
}

/// What those share that send notifications.
struct PostSendingOptions: ParsableArguments {
    @Option(help: "Folder to write to; default: beside the ledgers, named like this command.")
    var outbox: String?
    @Option(help: "Seconds that a notification waits for others of the same cause and recipient, to become one.")
    var quietSeconds = 120

    func validate() throws {
        guard (0...86_400).contains(quietSeconds) else {
            throw ValidationError("--quiet-seconds is \(quietSeconds); from 0 to 86400 are allowed")
        }
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
            Writes a file for each message into a folder, named by the message's id; a file appears whole. Ids are \
            fixed in the ledger before anything is sent, so a message that is sent again after a death has the same id \
            and bytes, but for parts that were withdrawn. Right before each is handed over it looks for what was \
            withdrawn or re-routed meanwhile.

            With --endpoint it posts to a service like KombiPostAfsend of SF1601 instead, with a client certificate; \
            what fails is repeated with growing pauses, and after five failures in a row the endpoint is left alone \
            for a while. How that service wraps messages is not known to us: --envelope example is ours.
            """)

    @OptionGroup var options: PostOptions
    @OptionGroup var sending: PostSendingOptions
    @OptionGroup var endpoint: PostEndpointOptions
    @Option(help: "Version of MeMo: 1.2 or 1.1.")
    var memoVersion = MeMoWriter.Version.v12
    @Option(help: "Main document: html or text.")
    var document = MeMoWriter.DocumentForm.html
    @Option(help: "Version of the KLE numbers, where it is to be told.")
    var kleVersion: String?
    @Option(help: "Messages whose ids are fixed together.")
    var chunk = 50

    func validate() throws {
        guard (1...10_000).contains(chunk) else {
            throw ValidationError("--chunk is \(chunk); 1 to 10000 are allowed")
        }
    }

    func run() async throws {
        let run = try await PostRun("memo", options)
        let writer = MeMoWriter(version: memoVersion, form: document, kleVersion: kleVersion)
        let outbox = sending.outbox ?? run.folder + "/memo"
        let ledger = run.folder + "/memo.sqlite"
        guard let endpoint = endpoint.options else {
            return try await run.send(.digitalPost, ledger: ledger, sending, chunk: chunk, pause: options.pause) {
                try MeMoFolder(path: outbox, writer: writer)
            }
        }
        try await run.send(.digitalPost, ledger: ledger, sending, chunk: chunk, pause: options.pause) {
            do {
                return try MeMoEndpoint(
                    endpoint, writer: writer, now: { Host.now() }, jitter: { Double.random(in: 0...1) })
            } catch let error as MeMoEndpoint.Misuse {
                throw Exit.saying(error.description, Exit.setting)
            }
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
        if let url, !MeMoEndpoint.allows(url) {
            throw ValidationError("--endpoint is neither https:// nor http:// on 127.0.0.1 or localhost")
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
            Each batch is a folder: one HTML page a letter, ready for A4, manifest.json with recipients, sizes and \
            SHA-256 checksums, and manifest.sha256 with the manifest's own. A batch appears whole.
            """)

    @OptionGroup var options: PostOptions
    @OptionGroup var sending: PostSendingOptions
    @Option(help: "Letters in a batch, at most.")
    var batch = 500
    @Option(help: "Seconds between two looks, so that letters gather.")
    var interval = 60

    func validate() throws {
        guard (1...10_000).contains(batch) else {
            throw ValidationError("--batch is \(batch); 1 to 10000 are allowed")
        }
        guard (1...86_400).contains(interval) else {
            throw ValidationError("--interval is \(interval); from 1 to 86400 seconds are allowed")
        }
    }

    func run() async throws {
        let run = try await PostRun("letters", options)
        let outbox = sending.outbox ?? run.folder + "/letters"
        try await run.send(
            .letter, ledger: run.folder + "/letters.sqlite", sending, chunk: batch, pause: interval * 1000
        ) { try LetterFolder(path: outbox) }
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
                throw Exit.saying("\(file) cannot be read; check the path and its permissions", Exit.failure)
            }
            let findings = MeMoCheck.findings(in: [UInt8](data))
            for finding in findings { Output.line("\(file): \(finding)") }
            if !findings.isEmpty { faulty += 1 }
        }
        Output.line("\(Output.counted(files.count, "file")), \(faulty) with faults")
        if faulty > 0 { throw Exit.found }
    }
}
