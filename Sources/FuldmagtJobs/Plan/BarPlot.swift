/// A plot of horizontal bars as SVG that stands within a page: no script, no font and no colour from elsewhere, and as
/// wide as the screen it is read on.
struct BarPlot {
    struct Bar: Equatable {
        var label: String
        var count: Int
        /// A class of the page's style.
        var style: String
    }

    let title: String
    let bars: [Bar]

    private static let width = 360
    private static let rowHeight = 34

    var svg: String {
        let most = max(bars.map(\.count).max() ?? 0, 1)
        let height = bars.count * Self.rowHeight + 4
        var svg =
            "<svg viewBox=\"0 0 \(Self.width) \(height)\" role=\"img\" aria-label=\"\(HTML.escaped(title))\" preserveAspectRatio=\"xMinYMin\">\n"
        for (at, bar) in bars.enumerated() {
            let top = at * Self.rowHeight
            let share = Double(bar.count) / Double(most)
            let length = bar.count == 0 ? 0 : max(2, Int(share * Double(Self.width - 70)))
            svg += "<text x=\"0\" y=\"\(top + 12)\">\(HTML.escaped(bar.label))</text>"
            svg += "<rect class=\"\(bar.style)\" x=\"0\" y=\"\(top + 16)\" width=\"\(length)\" height=\"12\" rx=\"2\"/>"
            svg += "<text x=\"\(length + 6)\" y=\"\(top + 27)\">\(bar.count)</text>\n"
        }
        return svg + "</svg>\n"
    }
}

/// Text within a page.
enum HTML {
    static func escaped(_ text: String) -> String {
        var escaped = ""
        for character in text.unicodeScalars {
            switch character {
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "&": escaped += "&amp;"
            case "\"": escaped += "&quot;"
            default: escaped.unicodeScalars.append(character)
            }
        }
        return escaped
    }
}
