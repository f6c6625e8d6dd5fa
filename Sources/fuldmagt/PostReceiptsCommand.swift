import ArgumentParser
import Foundation
import FuldmagtDomain
import FuldmagtJSON
import FuldmagtOperations
import FuldmagtPost
import Logging

struct PostReceiptsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "receipts", abstract: "Read the transports' receipts into fuldmagt.receipts.",
        discussion: """
            Reads PKO_PostStatus files (.xml) from a folder. What was taken in goes to done; what is about no known \
            message, or cannot be read, becomes a dead letter, bytes unchanged, and goes to set-aside. Both only after \
            the broker has acknowledged the record. A file over 1 MiB stays in set-aside, and its dead letter is \
            empty. One that may not be read stays where it is until it may: the log and \
            fuldmagt_post_documents_total{result="unreadable"} tell of it.

            With --listen they are taken by HTTP as well: POST /receipts with one document of at most 1 MiB, within 30 \
            s.
              200  its receipts are in the topic
              422  it is a dead letter, acknowledged too; the same again would be
                   another. code and detail say why
              503  nothing was done: bring it again
              401, 404, 405, 408, 413
                   not taken, and no dead letter
            Who brings one that was answered already, or whose answer was lost, does no harm: its records have the \
            same ids. Plain HTTP: on 127.0.0.1, or with --secret-file, which asks for “Authorization: Bearer ” and \
            what the file holds. Put a reverse proxy with TLS in front.

            The layout of the XML is an example of ours; --layout names a JSON file with other names of elements: \
            {"receiptID":"…","message":"…","status":"…","code":"…","text":"…","at":"…"}

            Examples:
              fuldmagt post receipts --inbox in/receipts
              fuldmagt post receipts --listen 127.0.0.1:9480
            """)

    @OptionGroup var options: PostOptions
    @Option(help: "Folder of the receipts; default: receipts beside the ledgers.")
    var inbox: String?
    @Option(help: "JSON file with the names of the elements.")
    var layout: String?
    @Option(help: "host:port to take receipts on by HTTP.")
    var listen: String?
    @Option(help: "File with the secret that whoever brings a receipt must show, at least 16 bytes.")
    var secretFile: String?

    func validate() throws {
        guard let listen else { return }
        guard let address = Environment.address(listen) else {
            throw ValidationError("--listen is “\(listen)”; host:port is allowed, such as 127.0.0.1:9480")
        }
        guard secretFile != nil || DocumentListener.isLoopback(address.host) else {
            throw ValidationError(
                "--listen \(listen) is open to other machines, so --secret-file is needed; or listen on 127.0.0.1")
        }
    }

    func run() async throws {
        let run = try await PostRun("receipts", options)
        let door = try listen.flatMap { Environment.address($0) }.map { try ReceiptDoor($0, secretFile: secretFile) }
        let intake = ReceiptIntake(
            ledgers: LedgerReader(paths: [run.folder + "/memo.sqlite", run.folder + "/letters.sqlite"]),
            layout: try readLayout(), source: run.source, worker: try run.environment.workerID,
            now: { Host.now() })
        let lock = try PostLock.hold(run.folder + "/receipts")
        defer { withExtendedLifetime(lock) {} }
        try await run.receive(intake, inbox: try ReceiptFolder(path: inbox ?? run.folder + "/receipts"), door: door)
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

/// Where receipts are brought by HTTP.
struct ReceiptDoor {
    private let host: String
    private let port: Int
    private let secret: [UInt8]?

    init(_ address: (host: String, port: Int), secretFile: String?) throws {
        (host, port) = address
        secret = try secretFile.map { path in
            guard let data = FileManager.default.contents(atPath: path) else {
                throw Exit.saying("--secret-file: \(path) cannot be read", Exit.setting)
            }
            let text = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
            guard text.utf8.count >= 16 else {
                throw Exit.saying(
                    "--secret-file: \(path) must hold at least 16 bytes; make them with: openssl rand -hex 32",
                    Exit.setting)
            }
            return Array(text.utf8)
        }
    }

    func listener(
        _ desk: ReceiptDesk, _ logger: Logger, onRefused: @escaping @Sendable (String) -> Void
    ) -> DocumentListener {
        var limits = DocumentListener.Limits()
        limits.bytes = ReceiptIntake.documentLimit
        return DocumentListener(
            host: host, port: port, path: "/receipts", secret: secret, limits: limits, logger: logger,
            onRefused: onRefused
        ) { document, answer in
            desk.bring(document) { answer(Self.answer($0)) }
        }
    }

    private static func answer(_ answer: ReceiptDesk.Answer) -> HTTPAnswer {
        var json = JSONWriter()
        json.beginObject()
        let status: Int
        switch answer {
        case .taken(let receipts):
            status = 200
            json.member("taken", true)
            json.member("receipts", receipts)
        case .setAside(let fault):
            status = 422
            json.member("taken", false)
            json.member("deadLetter", true)
            json.member("code", fault.reason)
            json.member("detail", fault.detail)
        case .later:
            status = 503
            json.member("taken", false)
            json.member("code", "later")
        }
        json.endObject()
        return HTTPAnswer(
            status: status, contentType: "application/json", body: String(decoding: json.finish(), as: UTF8.self),
            retryAfter: answer == .later ? 5 : nil)
    }
}

extension Environment {
    /// `ce_source` of receipts: the cluster's own authority answers for them.
    var postSource: String {
        get throws { "urn:dk:cvr:\(try sender.cvr):fuldmagt-post" }
    }
}
