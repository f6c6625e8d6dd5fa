import ArgumentParser
import Foundation
import FuldmagtDomain
import FuldmagtPost

struct PostPreviewCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "preview", abstract: "Render everything that notifications say to one HTML page.",
        discussion: """
            For people: every kind, to whom, as a row in a mailbox and as the document, with its readability (LIX).

            Examples:
              fuldmagt post preview --output texts.html
              fuldmagt post preview > texts.html

            Ends with 3 when a text is harder to read than allowed.
            """)

    @Option(help: "File to write; default: standard output.")
    var output: String?

    func run() async throws {
        let sender = try (try await Environment()).settings(partitions: 1).sender
        let page = PreviewPage.render(sender: sender, at: Host.now())
        if let output {
            do {
                try page.write(toFile: output, atomically: true, encoding: .utf8)
            } catch {
                throw Exit.saying("\(output) cannot be written; check the folder and its permissions", Exit.failure)
            }
        } else {
            Output.text(page)
        }
        if PreviewEntry.all.contains(where: { $0.lix > Readability.limit }) { throw Exit.found }
    }
}
