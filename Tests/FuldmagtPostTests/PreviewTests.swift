import FuldmagtDomain
import Testing

@testable import FuldmagtPost

@Suite struct PreviewTests {
    @Test("the page holds every kind and text, all places filled, each easy to read and short enough")
    func page() throws {
        let page = PreviewPage.render(sender: Sample.sender, at: Sample.time)
        let root = try XMLReader.read(Array(page.utf8.dropFirst("<!DOCTYPE html>\n".utf8.count)))
        let sections = try #require(root.first("main")).children
        #expect(sections.compactMap { $0.attribute("id") } == NotificationKind.allCases.map(\.rawValue))
        // An ending may have a reason; a grant that is told of may give no right at present, or not yet.
        #expect(PreviewEntry.all.count == NotificationTemplate.all.count + 14)
        #expect(
            PreviewEntry.all.count { $0.body.danish.contains("virker den ikke") }
                == PreviewEntry.all.count { $0.variant == "dormant" })
        for entry in PreviewEntry.all {
            #expect(entry.lix <= Readability.limit, "\(entry.kind): \(entry.lix)")
            #expect(!entry.body.danish.contains("{") && !entry.body.english.contains("{"))
            #expect(entry.title.danish.unicodeScalars.count <= MeMoWriter.notificationLimit)
            #expect(page.contains("<p>\(entry.body.danish)</p>"))
        }
    }

    @Test("LIX of a known sentence")
    func lix() {
        // Eight words in two sentences; two of more than six letters.
        #expect(Readability.lix("Fuldmagten gælder ikke mere. Den er taget tilbage.") == 4 + 25)
        #expect(Readability.lix("") == 0)
    }
}
