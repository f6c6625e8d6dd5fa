import FuldmagtBytes
import FuldmagtDomain

/// All that is ever said to people, on one page for people: as a row in a mailbox, as a document, and how easy it is to
/// read.
public enum PreviewPage {
    private static let style: StaticString = """
        :root{--ink:#1b1f24;--soft:#57606a;--line:#d0d7de;--paper:#fff;--ground:#f4f6f8;--good:#1a6b3c;--bad:#a40e26;\
        --accent:#0b5394}\
        *{box-sizing:border-box}body{margin:0;background:var(--ground);color:var(--ink);\
        font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",sans-serif}\
        header,main{max-width:72rem;margin:0 auto;padding:1.5rem}header h1{margin:0 0 .25rem;font-size:1.75rem}\
        header p{margin:.25rem 0;color:var(--soft);max-width:52rem}\
        nav{columns:3 14rem;margin-top:1rem;font-size:.9375rem}nav a{display:block;color:var(--accent);text-decoration:none;\
        padding:.1rem 0}nav a:hover{text-decoration:underline}\
        section{background:var(--paper);border:1px solid var(--line);border-radius:10px;margin:0 0 1.5rem;overflow:hidden}\
        section>h2{margin:0;padding:.75rem 1.25rem;font-size:1.0625rem;border-bottom:1px solid var(--line);\
        background:#fafbfc}section>h2 code{font-size:1rem}\
        .text{display:grid;grid-template-columns:minmax(0,17rem) minmax(0,1fr);gap:1.5rem;padding:1.25rem}\
        .text+.text{border-top:1px solid var(--line)}\
        .who{font-weight:600;margin:0}.variant{color:var(--soft);margin:0}\
        dl{margin:.75rem 0 0;font-size:.875rem;display:grid;grid-template-columns:auto 1fr;gap:.15rem .75rem}\
        dt{color:var(--soft)}dd{margin:0}.good{color:var(--good);font-weight:600}.bad{color:var(--bad);font-weight:700}\
        .row{border:1px solid var(--line);border-radius:8px;padding:.6rem .9rem;margin-bottom:.75rem;\
        display:grid;grid-template-columns:1fr auto;gap:0 1rem}.row b{display:block}.row span{color:var(--soft);\
        font-size:.875rem}.row time{color:var(--soft);font-size:.875rem}\
        .paper{border:1px solid var(--line);border-radius:8px;padding:1rem 1.25rem}\
        .paper h3{margin:0 0 .5rem;font-size:1.25rem;line-height:1.25}.paper p{margin:0 0 .75rem;overflow-wrap:anywhere}\
        .paper footer{border-top:1px solid var(--line);padding-top:.5rem;color:var(--soft);font-size:.875rem}\
        .english{color:var(--soft);font-size:.9375rem;margin:.75rem 0 0}\
        @media(max-width:48rem){.text{grid-template-columns:1fr}}@media print{section{break-inside:avoid}body{background:#fff}}
        """

    /// - Parameters:
    ///   - sender: in whose name.
    ///   - time: shown as the day of the messages.
    public static func render(sender: Sender, at time: Instant) -> String {
        let entries = PreviewEntry.all
        var kinds: [NotificationKind] = []
        for entry in entries where !kinds.contains(entry.kind) { kinds.append(entry.kind) }
        let hardest = entries.map(\.lix).max() ?? 0
        var sink = ByteSink(capacity: 1 << 16)
        sink.append("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n")
        sink.append("<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"/>\n")
        sink.append("<title>What notifications say</title>\n<style>")
        sink.append(style)
        sink.append("</style>\n</head>\n<body>\n<header>\n<h1>What notifications say</h1>\n<p>")
        sink.append(
            "Version \(NotificationTemplate.version) of the texts: \(kinds.count) kinds, \(entries.count) texts. "
                as String)
        sink.append("Each is shown as a row in a mailbox and as the document that opens from it. ")
        sink.append(
            "The row is all that a notification on a telephone shows, so it says nothing that only the recipient may see."
        )
        sink.append("</p>\n<p>")
        sink.append(
            "Readability is LIX; at most \(Int(Readability.limit)) is easy. The hardest text here has " as String)
        number(hardest, to: &sink)
        sink.append(
            ". The package and the date are examples; a long title of a package makes a text harder.</p>\n<nav>")
        for kind in kinds {
            sink.append("<a href=\"#\(kind.rawValue)\">\(kind.rawValue)</a>" as String)
        }
        sink.append("</nav>\n</header>\n<main>\n")
        for kind in kinds {
            sink.append("<section id=\"\(kind.rawValue)\">\n<h2><code>\(kind.rawValue)</code></h2>\n" as String)
            for (at, entry) in entries.enumerated() where entry.kind == kind {
                guard let message = entry.message(number: at, sender: sender, at: time) else { continue }
                append(entry, message, to: &sink)
            }
            sink.append("</section>\n")
        }
        sink.append("</main>\n</body>\n</html>\n")
        return String(decoding: sink.array(), as: UTF8.self)
    }

    private static func append(_ entry: PreviewEntry, _ message: OutgoingMessage, to sink: inout ByteSink) {
        let notice = TextLimit.cut(message.label, to: MeMoWriter.notificationLimit)
        sink.append("<div class=\"text\">\n<div><p class=\"who\">")
        sink.append(entry.audience)
        sink.append("</p>")
        if !entry.variant.isEmpty {
            sink.append("<p class=\"variant\">")
            XMLText.append(entry.variant, to: &sink)
            sink.append("</p>")
        }
        sink.append("<dl><dt>LIX</dt><dd class=\"")
        sink.append(entry.lix <= Readability.limit ? "good" : "bad")
        sink.append("\">")
        number(entry.lix, to: &sink)
        sink.append("</dd><dt>notification</dt><dd>")
        sink.append("\(notice.unicodeScalars.count) of \(MeMoWriter.notificationLimit) characters" as String)
        sink.append("</dd><dt>KLE</dt><dd>")
        sink.append(entry.kle)
        sink.append("</dd></dl></div>\n<div>\n")
        sink.append("<div class=\"row\"><b>")
        XMLText.append(notice, to: &sink)
        sink.append("</b><time>")
        XMLText.append(HTMLDocument.danish(message.fixedAt.day), to: &sink)
        sink.append("</time><span>")
        XMLText.append(message.sender.name, to: &sink)
        sink.append("</span></div>\n<div class=\"paper\" lang=\"da\"><h3>")
        XMLText.append(message.label, to: &sink)
        sink.append("</h3><p>")
        XMLText.append(entry.body.danish, to: &sink)
        sink.append("</p><footer>")
        XMLText.append("\(message.sender.name) · CVR \(message.sender.cvr)", to: &sink)
        sink.append("</footer></div>\n<p class=\"english\">In English, for staff: <b>")
        XMLText.append(entry.title.english, to: &sink)
        sink.append(".</b> ")
        XMLText.append(entry.body.english, to: &sink)
        sink.append("</p>\n</div>\n</div>\n")
    }

    /// With one decimal.
    private static func number(_ value: Double, to sink: inout ByteSink) {
        let tenths = Int((value * 10).rounded())
        sink.append("\(tenths / 10).\(tenths % 10)" as String)
    }
}
