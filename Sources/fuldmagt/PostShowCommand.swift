import ArgumentParser
import FuldmagtDomain
import FuldmagtStore

struct PostShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show what has happened to a notification, with the proof.",
        discussion: """
            Reads the shards' files; the worker may be running. Times are UTC: as the transport says, and, where it \
            differs by a minute or more, when the receipt was processed. Ends with 3 where no shard has the \
            notification.

            Example:
              fuldmagt post show 2f1c6c1e-6f0a-4c57-9a51-2f1c6c1e6f0a
            """)

    @Argument(help: "Id of the notification.")
    var id: String
    @Option(help: "Folder of the shard files. Overrides FULDMAGT_DATA.")
    var data: String?

    func validate() throws {
        guard Ident(hex: id) != nil else {
            throw ValidationError("“\(id)” is not the id of a notification; 32 hexadecimal digits are allowed")
        }
    }

    func run() async throws {
        guard let wanted = Ident(hex: id) else { throw Exit.failure }
        let folder: String
        if let data { folder = data } else { folder = try await Environment().directory }
        do throws(StoreError) {
            for file in try ShardFiles.all(in: folder) {
                guard let story = try NotificationStory.find(wanted, shard: file.shard, path: file.path) else {
                    continue
                }
                Output.lines(story.lines)
                return
            }
        } catch {
            throw Exit.saying(error.description, Exit.failure)
        }
        throw Exit.saying("no shard in \(folder) has notification \(wanted.uuidText)", Exit.found)
    }
}

extension NotificationStory {
    /// For people.
    var lines: [String] {
        var lines = [
            "\(kind)  \(id.uuidText)",
            "to         citizen \(citizen), shard \(shard)",
        ]
        if let grant { lines.append("about      grant \(grant.uuidText)") }
        lines.append("from       \(sender.name), CVR \(sender.cvr)")
        lines.append("now        \(standing.words)")
        if let due { lines.append("waits      until \(Self.time(due)) for the next receipt") }
        lines.append("")
        lines.append("\(Self.time(createdAt))  written for \(firstChannel.words)")
        for entry in entries {
            lines.append("\(Self.time(entry.at))  \(entry.words)")
            if let receipt = entry.receipt, let source = entry.source {
                lines.append("\(Self.indent)receipt \(CPRMask.masked(receipt)) of \(CPRMask.masked(source))")
            }
            let said = [entry.code.map { "code \($0)" }, entry.detail].compactMap { $0 }
            if !said.isEmpty { lines.append(Self.indent + said.joined(separator: ": ")) }
            if abs(entry.notedAt.milliseconds - entry.at.milliseconds) >= 60_000 {
                lines.append("\(Self.indent)processed \(Self.time(entry.notedAt))")
            }
        }
        // Where nothing else has happened the row itself says it.
        if let cancelledAt, !entries.contains(where: { $0.event == .cancelled }) {
            lines.append("\(Self.time(cancelledAt))  withdrawn")
        }
        return lines
    }

    private static let indent = String(repeating: " ", count: 21)

    private static func time(_ instant: Instant) -> String {
        let text = instant.description
        return "\(text.prefix(10)) \(text.dropFirst(11).prefix(8))"
    }
}

extension PostChannel {
    fileprivate var words: String {
        switch self {
        case .digitalPost: "Digital Post"
        case .letter: "letter"
        }
    }
}

extension PostStanding {
    fileprivate var words: String {
        switch state {
        case .queued: "waits to be sent by \(channel.words)"
        case .submitted: "handed over, by \(channel.words)"
        case .accepted: "accepted by the transport, not delivered yet, by \(channel.words)"
        case .delivered: "delivered by \(channel.words)"
        case .task: "a caseworker's task"
        case .cancelled: "withdrawn"
        case .undeliverable: "not sent again: the recipient is dead, or what it tells of has been taken back"
        }
    }
}

extension TimelineEntry {
    fileprivate var words: String {
        let what: String
        switch event {
        case .receipt(let transport, let status): what = "\(transport.words): \(status.rawValue)"
        case .exempted: what = "the recipient is exempt from Digital Post now"
        case .overdue: what = "no receipt in time"
        case .cancelled: what = "withdrawn"
        }
        switch (event, standing.state) {
        case (.receipt(.digitalPost, .failed), .queued), (.receipt(.digitalPost, .returned), .queued),
            (.exempted, .queued), (.overdue, .queued):
            return "\(what); again by letter"
        case (.receipt(.letter, .failed), .task), (.receipt(.letter, .returned), .task), (.overdue, .task):
            return "\(what); a caseworker's task"
        case (_, .undeliverable): return "\(what); nobody is to be told any more"
        case (.receipt, .cancelled): return "\(what), after it was withdrawn"
        default: return what
        }
    }
}
