import Foundation
import FuldmagtDomain
import FuldmagtTestBroker
import FuldmagtTestKit

@testable import FuldmagtPost

/// Notifications and texts for these tests.
enum Sample {
    static let sender = Sender(cvr: "99000007", name: "Eksempel Kommune & Co")
    static let time = Instant(milliseconds: 1_795_341_600_000)

    static func id(_ number: Int) -> Ident { Ident(high: UInt64(number) &* 0x9e37_79b9, low: UInt64(number)).asUUIDv4 }

    /// A test person: day of birth and 60.
    static func party(_ number: Int = 15) throws -> Party {
        .person(try CPR("620280" + String(number + 10_000).suffix(4), today: .last))
    }

    static func notification(
        _ number: Int = 1, kind: NotificationKind? = .grantReceived, title: String = "Du har fået en fuldmagt",
        body: String = "Du har fået fuldmagt til “Eksempel”.", channel: PostChannel = .digitalPost,
        recipient: Int = 15, cause: String = "c-1"
    ) throws -> PostNotification {
        PostNotification(
            id: id(number), kind: kind, recipient: try party(recipient), channel: channel, title: title, body: body,
            kle: "23.30.15", sender: sender, cause: cause, pseudonym: id(1_000_000 + recipient), shard: 2)
    }

    static func message(title: String, body: String) throws -> OutgoingMessage {
        OutgoingMessage(id: id(7), fixedAt: time, parts: [try notification(7, title: title, body: body)])
    }

    /// Everything may be handed over.
    static func all(_ messages: [OutgoingMessage]) -> Set<Ident> { Set(messages.map(\.id)) }

    /// A new folder, which the test removes.
    static func folder() throws -> String {
        let path = NSTemporaryDirectory() + "fuldmagt-post-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    static func remove(_ folder: String) throws { try FileManager.default.removeItem(atPath: folder) }

    /// The package's folder.
    static let root: String = {
        var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        parts.removeLast(3)
        return parts.joined(separator: "/") + "/"
    }()

    /// Whether files are valid by our schema of MeMo, as libxml2's xmllint sees it, and what it said.
    static func xmllint(_ files: [String], log: String) throws -> (isValid: Bool, said: String) {
        let process = try ChildProcess(
            "/usr/bin/xmllint", ["--noout", "--nonet", "--schema", root + "deploy/contract/memo.xsd"] + files,
            environment: [:], log: log)
        let status = process.wait()
        return (status == 0, try String(contentsOfFile: log, encoding: .utf8))
    }
}

/// Texts that try to break whatever writes or reads them, from a seed.
struct HostileTexts {
    private var random: SplitMix64

    init(seed: UInt64) { random = SplitMix64(seed: seed) }

    private static let pieces = [
        "<", ">", "&", "\"", "'", "&amp;", "&#0;", "&#x1F;", "&lol;", "]]>", "<![CDATA[", "<!--", "-->", "<?xml?>",
        "<!DOCTYPE x [<!ENTITY a \"b\">]>", "<script>alert(1)</script>", "</memo:label>", "<memo:label>", "\0", "\u{1}",
        "\u{8}", "\u{b}", "\u{c}", "\u{1f}", "\u{7f}", "\u{85}", "\u{9f}", "\r", "\n", "\r\n", "\t", " ", "\u{a0}",
        "\u{2028}", "\u{feff}", "\u{fffd}", "\u{fffe}", "\u{ffff}", "\u{fffc}", "\u{ef}", "\u{efff}", "\u{1fffe}",
        "\u{10ffff}",
        "\u{d7ff}", "\u{e000}", "\u{202e}", "\u{200d}", "👨‍👩‍👧‍👦", "🇩🇰", "é", "e\u{301}", "Å", "æøå", "ﷺ", "%s%n", "../..",
        "${jndi:x}", "=cmd()", "a", "Z", "0", "ord ", "fuldmagt ", "Hjælpemidler ",
    ]

    /// Up to some hundred pieces, sometimes with one combining mark after another. Never empty.
    mutating func next() -> String {
        var text = ""
        let count = 1 + Int(random.next() % (random.next() % 32 == 0 ? 200 : 16))
        for _ in 0..<count { text += Self.pieces[Int(random.next() % UInt64(Self.pieces.count))] }
        if random.next() % 16 == 0 {
            text += "x" + String(repeating: "\u{308}", count: Int(random.next() % 300))
        }
        return text
    }
}
