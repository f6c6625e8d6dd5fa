/// A page that needs nothing but itself: it can be sent by mail and read on a phone.
struct HTMLPage {
    private let title: String
    private var body = ""

    init(title: String) { self.title = title }

    mutating func paragraph(_ text: String, isNote: Bool = false) {
        body += "<p\(isNote ? " class=\"note\"" : "")>\(HTML.escaped(text))</p>\n"
    }

    mutating func heading(_ text: String) { body += "<h2>\(HTML.escaped(text))</h2>\n" }

    /// Nothing where there is nothing to plot.
    mutating func plot(_ plot: BarPlot) {
        guard !plot.bars.isEmpty else { return }
        body += plot.svg
    }

    /// With its heading; nothing where there are no rows.
    /// - Parameter isFolded: only its heading is shown until it is asked for.
    mutating func table(_ title: String, _ columns: [String], _ rows: [[String]], isFolded: Bool = false) {
        guard !rows.isEmpty else { return }
        if isFolded {
            body += "<details><summary>\(HTML.escaped(title)): \(rows.count) rows</summary>\n"
        } else {
            heading(title)
        }
        defer { if isFolded { body += "</details>\n" } }
        body += "<div class=\"wide\"><table><tr>\(columns.map { "<th>\(HTML.escaped($0))</th>" }.joined())</tr>\n"
        for row in rows { body += "<tr>\(row.map { "<td>\(HTML.escaped($0))</td>" }.joined())</tr>\n" }
        body += "</table></div>\n"
    }

    var html: String {
        """
        <!doctype html>
        <html lang="en"><head><meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>\(HTML.escaped(title))</title>
        <style>\(Self.style)</style></head><body>
        <h1>\(HTML.escaped(title))</h1>
        \(body)</body></html>

        """
    }

    private static let style = """
        :root{color-scheme:light dark}
        body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:44rem;padding:1rem}
        h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}
        svg{width:100%;height:auto;font-size:11px}svg text{fill:currentColor}
        .good{fill:#2a7d4f}.bad{fill:#c0392b}.still{fill:#7f8c8d}
        .wide{overflow-x:auto}table{border-collapse:collapse;width:100%}
        th,td{text-align:left;padding:.3rem .6rem .3rem 0;border-bottom:1px solid #8886;vertical-align:top}
        td:last-child{white-space:nowrap}summary{cursor:pointer;margin-top:1rem}
        .note{color:#777;font-size:.9rem}
        """
}
