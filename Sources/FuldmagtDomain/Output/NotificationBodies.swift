import FuldmagtBytes
import FuldmagtJSON

/// Bodies of notifications as they stand in records, the quotes among them: the same package and end come again and again.
struct NotificationBodies {
    private struct Key: Hashable {
        let terms: ObjectIdentifier
        let until: Int32
    }

    private struct Body {
        /// Held, so that no other object takes its place in memory and is taken for it.
        let terms: PackageTerms
        let kind: NotificationKind
        let isAboutAnother: Bool
        let json: [UInt8]
    }

    private var known: [Key: [Body]] = [:]
    private static let atMost = 2_000

    mutating func json(of notification: Notification) -> [UInt8] {
        guard let terms = notification.terms, notification.explanation == nil else { return Self.written(notification) }
        let key = Key(terms: ObjectIdentifier(terms), until: notification.validUntil?.number ?? 0)
        let found = known[key]?.first {
            $0.kind == notification.kind && $0.isAboutAnother == notification.isAboutAnother
        }
        if let found { return found.json }
        let json = Self.written(notification)
        if known.count >= Self.atMost { known = [:] }
        known[key, default: []].append(
            Body(terms: terms, kind: notification.kind, isAboutAnother: notification.isAboutAnother, json: json))
        return json
    }

    private static func written(_ notification: Notification) -> [UInt8] {
        var bytes = ByteSink()
        JSONWriter.append(to: &bytes) { json in json.pieces { NotificationText.body(notification, to: &$0) } }
        return bytes.array()
    }
}
