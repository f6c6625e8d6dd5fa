import Foundation
import FuldmagtJSON
import Testing

@testable import FuldmagtDomain

@Suite struct TextTests {
    @Test("every reason is told in Danish and in English", arguments: ReasonCode.allCases)
    func reasons(_ code: ReasonCode) {
        #expect(!code.danish.isEmpty && !code.english.isEmpty && code.danish != code.english)
        #expect(code.rawValue == code.rawValue.lowercased() && !code.rawValue.contains("_"))
    }

    @Test(
        "notifications are short, and tell a representative nothing about where anybody lives",
        arguments: NotificationKind.allCases)
    func notifications(_ kind: NotificationKind) throws {
        let until = try #require(Day("2028-11-22"))
        for isAboutAnother in [false, true] {
            let notification = Notification(
                id: Ident(high: 1, low: 2), kind: kind, grant: Ident(high: 3, low: 4),
                terms: PackageTerms(
                    id: "p", version: 1, kind: .act, scope: .municipal, kle: "27.60",
                    title: Bilingual(danish: "Eksempel", english: "Example"),
                    wording: Bilingual(danish: "x", english: "y")),
                validUntil: until, channel: .letter, sender: Sender(cvr: "10000009", name: "n"), kle: "27.60",
                isAboutAnother: isAboutAnother, createdAt: Instant(milliseconds: 0))
            var json = JSONWriter()
            json.pieces { NotificationText.body(notification, to: &$0) }
            let body = String(decoding: json.finish(), as: UTF8.self).dropFirst().dropLast()
            #expect(!body.isEmpty)
            #expect(NotificationText.title(notification).count <= 150)
            #expect(Self.readability(String(body)) <= 35, "\(body)")
            for municipality in Municipality.all { #expect(!body.contains(municipality.name)) }
            if isAboutAnother { #expect(!body.contains("kommune") && !body.contains("flyt")) }
        }
    }

    @Test(
        "a CPR number is kept in no spelling",
        arguments: [
            "6101700123", "610170-0123", "610170 0123", "610170 - 0123", "610170\u{2013}0123", "610170 \u{2014} 0123",
            "610170.0123", "610170/0123", "61 01 70 0123", "61.01.70-0123", "61-01-70-0123", "61/01/70 0123",
            "61\u{a0}01\u{a0}70\u{a0}0123", "610170\u{2011}0123", "610170-0AB1", "6101700AB1", "610170 0ab1",
            "61 01 70 0AB1", "610170_0123", "610170:0123", "610170,0123", "610170, 0123", "610170\t0123",
            "610170\n0123", "610170\r\n0123", "610170 (0123)", "610170(0123)", "610170\u{202f}0123",
            "610170\u{2009}-\u{2009}0123", "61.01.1970-0123", "61-01-1970 0123", "61/01/1970 - 0123",
            "61.01.19700123", "61 01 1870\t0ab1", "610170\u{ad}0123", "61\u{ad}01\u{ad}70\u{ad}0123",
            "610170\u{2007}0123", "610170\u{200a}0123", "610170\u{200b}0123", "610170\u{2060}-\u{2060}0123",
            "610170\u{feff}0123", "610170;0123", "610170|0123", "610170 + 0123",
        ])
    func written(_ number: String) {
        #expect(number.withoutNumbers == "[…]")
        #expect("(\(number))".withoutNumbers == "([…])")
        #expect("om \(number), og \(number).".withoutNumbers == "om […], og […].")
        #expect("nr\(number)".withoutNumbers == "nr[…]")
    }

    @Test(
        "what is obviously another number stays",
        arguments: [
            "2026012345", "27.60.00", "27.06.00", "27.60.00-P19-1-26", "27.06.00-P19-1-26", "27.06.00 P19",
            "27.06.04, 28.09.40", "20 11 12 24", "20111224", "+45 20 11 12 24", "+4520111224",
            "20 11 12 24 10 09 08 07",
            "61017001-2345-4012-8012-610170012345", "ab610170-1234-4012-8012-610170012345",
            "00006101700123ab00006101700123ab", "2026-11-22", "2011-12-10", "2011-12-10T10:00:00.000Z", "24.12.2026",
            "24.12.2026 10:30", "24.12.26 10:30", "20111210T100000Z", "1795514400000", "12345678901",
            "10.11.12.13:9092",
            "11.12.13:9092", "24.12.26, 1030", "24.12.2026, 1030", "24.12.2026 2026-00123", "24.12.2026 2026/123",
            "10.11.1213 1415", "101112:13:14", "99000007", "12.345.678", "610170-012", "610170-01234", "1610170-0123",
        ])
    func others(_ number: String) { #expect(number.withoutNumbers == number) }

    /// LIX: words for each sentence, and the share of words of more than six letters in percent.
    private static func readability(_ text: String) -> Double {
        let words = text.split { !$0.isLetter && !$0.isNumber }
        let sentences = max(1, text.count { ".?!".contains($0) })
        let long = words.count { $0.count > 6 }
        return Double(words.count) / Double(sentences) + 100 * Double(long) / Double(max(1, words.count))
    }

    @Test("the page with all texts is what is sent, and English says as much as Danish")
    func page() throws {
        var lines = [
            "# What notifications say", "",
            "Version \(NotificationTemplate.version) of the texts. A test writes this page from the templates.", "",
            "| kind | told to | Danish | English |", "|---|---|---|---|",
        ]
        for template in NotificationTemplate.all {
            let who = template.isAboutAnother ? "the other party" : "the citizen"
            lines.append(
                "| `\(template.kind.rawValue)` | \(who) | **\(template.title.danish)** \(template.body.danish) | **\(template.title.english)** \(template.body.english) |"
            )
            for place in ["{package}", "{until}", "{why}"] {
                #expect(template.body.danish.contains(place) == template.body.english.contains(place))
            }
        }
        #expect(Set(NotificationTemplate.all.map(\.kind)) == Set(NotificationKind.allCases))
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent(
                "Sources/FuldmagtDomain/FuldmagtDomain.docc/NotificationTexts.md")
        let found = lines.joined(separator: "\n") + "\n"
        if ProcessInfo.processInfo.environment["FULDMAGT_WRITE_TABLES"] == "1" {
            try found.write(to: path, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOf: path, encoding: .utf8) == found)
    }

    @Test("derived ids have the form of a UUID version 4")
    func uuid() {
        let text = Ident(high: .max, low: .max).asUUIDv4.uuidText
        #expect(text == "ffffffff-ffff-4fff-bfff-ffffffffffff")
        #expect(Ident(hex: text)?.uuidText == text)
    }

    @Test("of equal dates the later registered move wins, and a late older one never does")
    func residences() throws {
        let cause = Cause(id: "c", source: "s", type: "t")
        func move(_ arrival: Int, _ effective: String, _ to: String, _ registered: Int64?) throws -> Residence {
            Residence(
                arrival: arrival, effective: try #require(Day(effective)), municipality: Municipality(to),
                from: nil, registeredAt: registered.map { Instant(milliseconds: $0) }, at: Instant(milliseconds: 0),
                cause: cause)
        }
        let today = try #require(Day("2026-11-23"))
        let moves = [
            try move(0, "2026-01-01", "0101", nil), try move(1, "2025-01-01", "0147", nil),
            try move(2, "2026-05-01", "0151", 20), try move(3, "2026-05-01", "0153", 10),
            try move(4, "2027-01-01", "0155", nil),
        ]
        #expect(Residence.current(of: Array(moves[..<2]), on: today)?.municipality?.description == "0101")
        #expect(Residence.current(of: moves, on: today)?.municipality?.description == "0151")
        #expect(Residence.current(of: moves, on: try #require(Day("2027-01-01")))?.municipality?.description == "0155")
        #expect(Residence.current(of: moves, on: try #require(Day("2024-12-31"))) == nil)
    }
}
