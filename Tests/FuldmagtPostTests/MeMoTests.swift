import Foundation
import FoundationXML
import FuldmagtBytes
import FuldmagtDomain
import Testing

@testable import FuldmagtPost

@Suite struct MeMoTests {
    @Test("a message as it is sent", arguments: MeMoWriter.Version.allCases, MeMoWriter.DocumentForm.allCases)
    func whole(_ version: MeMoWriter.Version, _ form: MeMoWriter.DocumentForm) throws {
        let message = try Sample.message(title: "Du har fået en fuldmagt", body: "Du har fået fuldmagt til “Eksempel”.")
        let bytes = MeMoWriter(version: version, form: form, kleVersion: "1").document(message)
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(
            text.hasPrefix(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<memo:Message xmlns:memo=\"https://DigitalPost.dk/MeMo-1\""
            ))
        #expect(MeMoCheck.findings(in: bytes) == [])
        let root = try XMLReader.read(bytes)
        #expect(root.attribute("memoVersion") == version.rawValue)
        let header = try #require(root.child("MessageHeader"))
        #expect(header.child("messageUUID")?.text == Sample.id(7).uuidText)
        #expect(header.child("messageCode")?.text == "grant-received")
        #expect(header.child("Sender")?.child("label")?.text == "Eksempel Kommune & Co")
        #expect(header.child("Recipient")?.child("recipientID")?.text == "6202800015")
        #expect(header.child("ContentData")?.child("KLEdata")?.child("label")?.text == "Fuldmagter")
        let body = try #require(root.child("MessageBody"))
        #expect(body.child("createdDateTime")?.text == "2026-11-22T10:00:00.000Z")
        let content = try #require(root.first("content"))
        let document = String(decoding: try #require(Base64.decode(content.text)), as: UTF8.self)
        #expect(Data(base64Encoded: content.text) == Data(document.utf8))
        #expect(document.contains("Du har fået fuldmagt til “Eksempel”."))
        #expect(document.hasPrefix("<!DOCTYPE html>") == (form == .html))
    }

    /// What a reader that is not ours makes of a document: text by element, in order.
    private final class Reading: NSObject, XMLParserDelegate {
        var texts: [String: [String]] = [:]
        private var stack: [String] = []

        func parser(
            _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
            attributes: [String: String]
        ) {
            stack.append("")
        }

        func parser(_ parser: XMLParser, foundCharacters text: String) {
            if !stack.isEmpty { stack[stack.count - 1] += text }
        }

        func parser(_ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?) {
            texts[name, default: []].append(stack.removeLast())
        }
    }

    @Test("10,000 hostile titles and bodies come back as they were, from two parsers, and all are valid")
    func hostile() throws {
        var texts = HostileTexts(seed: 2026)
        let folder = try Sample.folder()
        var files: [String] = []
        let same = { (left: String, right: String) in left.unicodeScalars.elementsEqual(right.unicodeScalars) }
        for number in 0..<10_000 {
            let (title, body) = (texts.next(), texts.next())
            let message = try Sample.message(title: title, body: body)
            let form: MeMoWriter.DocumentForm = number % 2 == 0 ? .text : .html
            let bytes = MeMoWriter(form: form).document(message)
            let label = XMLText.readBack(TextLimit.cut(title, to: 256))
            let notice = XMLText.readBack(TextLimit.cut(title, to: 150))
            let root = try XMLReader.read(bytes)
            let header = try #require(root.child("MessageHeader"))
            var isSame = same(header.child("label")?.text ?? "", label)
            isSame = isSame && same(header.child("notification")?.text ?? "", notice)
            let content = try #require(Base64.decode(root.first("content")?.text ?? "!"))
            if form == .text {
                isSame = isSame && same(String(decoding: content, as: UTF8.self), body)
            } else {
                let page = try XMLReader.read(Array(content.dropFirst("<!DOCTYPE html>\n".utf8.count)))
                isSame = isSame && same(page.first("p")?.text ?? "", XMLText.readBack(body))
                isSame = isSame && same(page.first("h1")?.text ?? "", XMLText.readBack(title))
            }
            let parser = XMLParser(data: Data(bytes))
            let reading = Reading()
            parser.delegate = reading
            isSame = isSame && parser.parse() && same(reading.texts["memo:label"]?.first ?? "", label)
            isSame = isSame && same(reading.texts["memo:notification"]?.first ?? "", notice)
            if number % 10 == 0 { isSame = isSame && MeMoCheck.findings(in: bytes).isEmpty }
            guard isSame else {
                Issue.record("text \(number) came back as another")
                return
            }
            let file = "\(folder)/\(number).xml"
            try Data(bytes).write(to: URL(fileURLWithPath: file))
            files.append(file)
        }
        let (isValid, said) = try Sample.xmllint(files, log: folder + "/xmllint.log")
        #expect(isValid, "\(said.split(separator: "\n").filter { !$0.hasSuffix(" validates") }.prefix(5))")
        try Sample.remove(folder)
    }

    @Test("a text that is too long is cut between characters, never over its limit")
    func cut() {
        let family = "👨‍👩‍👧‍👦"
        #expect(TextLimit.cut("kort", to: 10) == "kort")
        #expect(TextLimit.cut("abcdefghij", to: 10) == "abcdefghij")
        #expect(TextLimit.cut("abcdefghijk", to: 10) == "abcdefghi…")
        // Seven scalars each: the second would end at the fourteenth.
        #expect(TextLimit.cut(family + family, to: 10) == family + "…")
        #expect(TextLimit.cut(String(repeating: "e\u{301}", count: 10), to: 10).unicodeScalars.count == 9)
        #expect(TextLimit.cut(family, to: 3) == "…")
        #expect(TextLimit.cut("æøåæ", toBytes: 8) == "æøåæ" && TextLimit.cut("æøåæø", toBytes: 8) == "æø…")
    }

    /// One change each to a good file, and the field that the check must name. `xsd` tells whether the schema sees it too.
    static let faults: [(name: String, from: String, to: String, field: String, xsd: Bool)] = [
        ("prefix", "memo", "m", "Message", false),
        ("namespace", "DigitalPost.dk/MeMo-1", "digitalpost.dk/memo-1", "Message", true),
        ("version", "=\"1.2\"", "=\"2.0\"", "memoVersion", true),
        ("uuid", "-4", "-5", "MessageHeader/messageUUID", true),
        ("type", "DIGITALPOST", "EMAIL", "MessageHeader/messageType", true),
        ("time", ".000Z<", ".000+01:00<", "MessageBody/createdDateTime", true),
        ("base64", "<memo:content>", "<memo:content>A", "MessageBody/MainDocument/File/content", true),
        ("empty label", "<memo:label>Titel</memo:label>", "<memo:label></memo:label>", "MessageHeader/label", true),
        (
            "long notification", "<memo:notification>", "<memo:notification>" + String(repeating: "x", count: 150),
            "MessageHeader/notification", true
        ),
        ("missing", "<memo:language>da</memo:language>", "", "MessageBody/MainDocument/File/language", true),
        ("unknown", "<memo:reply>", "<memo:answer/><memo:reply>", "MessageHeader/answer", true),
        ("sender", "99000007", "99000008", "MessageHeader/Sender/senderID", false),
        ("kle", "23.30.15", "23.3", "MessageHeader/ContentData/KLEdata/subjectKey", true),
        ("not well-formed", "</memo:MessageBody>", "", "document", true),
    ]

    @Test("the check names line and field of what is wrong, with a remedy; so does the schema, where a schema can")
    func faulty() throws {
        let good = String(
            decoding: MeMoWriter().document(try Sample.message(title: "Titel", body: "Tekst.")), as: UTF8.self)
        let folder = try Sample.folder()
        for fault in Self.faults {
            var bad = good.replacingOccurrences(of: fault.from, with: fault.to)
            // The attribute's name is not the prefix.
            bad = bad.replacingOccurrences(of: " mVersion", with: " memoVersion")
            #expect(bad != good, "\(fault.name)")
            let findings = MeMoCheck.findings(in: Array(bad.utf8))
            #expect(
                findings.contains { $0.field == fault.field && $0.line > 1 && !$0.remedy.isEmpty },
                "\(fault.name): \(findings)")
            let file = "\(folder)/\(fault.name).xml"
            try Data(bad.utf8).write(to: URL(fileURLWithPath: file))
            let (isValid, said) = try Sample.xmllint([file], log: file + ".log")
            #expect(isValid != fault.xsd, "\(fault.name): \(said)")
        }
        try Sample.remove(folder)
    }

    @Test("several notifications are one message, with a heading for each where their titles differ")
    func bundle() throws {
        let parts = [
            try Sample.notification(1, title: "A", body: "a"),
            try Sample.notification(2, kind: .grantRevoked, title: "B", body: "b"),
        ]
        let message = OutgoingMessage(id: parts[0].id, fixedAt: Sample.time, parts: parts)
        let root = try XMLReader.read(MeMoWriter().document(message))
        #expect(root.first("label")?.text == OutgoingMessage.severalLabel)
        #expect(root.first("messageCode") == nil)
        let page = try #require(Base64.decode(root.first("content")?.text ?? ""))
        let text = String(decoding: page, as: UTF8.self)
        #expect(text.contains("<h2>A</h2>") && text.contains("<p>a</p>") && text.contains("<h2>B</h2>"))
        let alike = OutgoingMessage(id: parts[0].id, fixedAt: Sample.time, parts: [parts[0], parts[0]])
        #expect(alike.label == "A" && alike.plainText == "a\n\na")
    }
}

@Suite struct XMLReaderTests {
    @Test(
        "what is no document, or not a safe one, is refused",
        arguments: [
            "", "x", "<a>", "<a></b>", "<a/><b/>", "<a b=1/>", "<a b='1' b='2'/>", "<p:a/>", "<a>&b;</a>",
            "<a>&#0;</a>",
            "<a>&#xD800;</a>", "<a>\u{1}</a>", "<a>]]></a>", "<a>\u{ffff}</a>", "<!DOCTYPE a><a/>", "<a b='<'/>", "<a",
            "<a><!-- </a>", "<a><![CDATA[</a>", "<1a/>", "<a>&amp</a>",
            "<?xml version='1.0' encoding='ISO-8859-1'?><a/>",
        ])
    func refused(_ text: String) { #expect(throws: XMLFailure.self) { try XMLReader.read(Array(text.utf8)) } }

    @Test("bytes cut anywhere, or changed anywhere, are read or refused, and never trap")
    func damaged() throws {
        let good = MeMoWriter().document(try Sample.message(title: "Tit<el & ]]>", body: "Tekst 👨‍👩‍👧‍👦"))
        for length in stride(from: 0, to: good.count, by: 7) { _ = MeMoCheck.findings(in: Array(good[..<length])) }
        for at in stride(from: 0, to: good.count, by: 3) {
            for byte: UInt8 in [0, 0x26, 0x3c, 0x3e, 0x3a, 0xff, 0xef] {
                var bad = good
                bad[at] = byte
                _ = MeMoCheck.findings(in: bad)
            }
        }
        #expect(MeMoCheck.findings(in: good) == [])
    }

    @Test(
        "a document of 1 MiB that is all attributes is read in the time that its bytes take", .timeLimit(.minutes(10)))
    func manyAttributes() throws {
        let attributes = (0..<100_000).map { " a\($0)=''" }
        let root = try XMLReader.read(Array("<r\(attributes.joined())/>".utf8))
        #expect(root.attributes.count == 100_000)
        #expect(throws: XMLFailure.self) { try XMLReader.read(Array("<r\(attributes.joined()) a7=''/>".utf8)) }
    }

    @Test("prefixes, defaults, CDATA, references, comments and line ends")
    func accepted() throws {
        let text =
            "\u{feff}<?xml version=\"1.0\"?><!-- c --><r xmlns=\"u\" xmlns:p=\"v\"><p:a x='&lt;'>1<![CDATA[<2>]]>&#51;&#x34;<?pi?></p:a>\r\n<b xmlns=\"\"/></r> "
        let root = try XMLReader.read(Array(text.utf8))
        #expect(root.namespace == "u" && root.child("a")?.namespace == "v" && root.child("b")?.namespace == "")
        #expect(root.child("a")?.text == "1<2>34" && root.child("a")?.attribute("x") == "<")
        #expect(root.text == "\n" && root.child("b")?.line == 2)
    }
}
