import ArgumentParser
import Foundation
import FuldmagtDomain
import FuldmagtJSON
import FuldmagtKeys
import FuldmagtRecord

/// Reads a whole catalogue: the topic, or a file of CloudEvents.
struct CatalogueReading {
    private let environment: Environment
    private let file: String?

    /// - Parameter file: JSON lines; nil for the topic.
    init(_ environment: Environment, file: String?) {
        self.environment = environment
        self.file = file
    }

    /// - Parameter now: the time that the file's records are taken to have.
    func read(_ settings: Settings, now: Instant) throws -> Catalogue {
        let document = JSONDocument()
        var scratch: [UInt8] = []
        var found = Catalogue()
        guard let file else {
            try TopicReading.forEach(.catalogue, environment) {
                _ = found.apply($0, document: document, settings: settings) {
                    ClusterKey.digest($0, scratch: &scratch)
                }
            }
            return found
        }
        let source = try LineSource(path: file)
        var headers: [UInt8] = []
        HeaderBlock.append("content-type", "application/cloudevents+json", to: &headers)
        var line: Int64 = 0
        while let bytes = try source.next() {
            line += 1
            guard !bytes.isEmpty else { continue }
            let outcome = bytes.withUnsafeBytes { value in
                headers.withUnsafeBytes { headers in
                    found.apply(
                        RecordView(
                            topic: Topic.catalogue.rawValue, offset: line - 1, timestamp: now.milliseconds, key: nil,
                            headers: headers, value: value), document: document, settings: settings
                    ) { ClusterKey.digest($0, scratch: &scratch) }
                }
            }
            try tell(outcome, line: line)
        }
        return found
    }

    private func tell(_ outcome: CatalogueOutcome, line: Int64) throws {
        switch outcome {
        case .applied, .repeated, .removed: return
        case .rejected(_, let reasons):
            let codes = reasons.map(\.code.rawValue).joined(separator: ", ")
            StandardError.write("--catalogue, line \(line): \(codes), as workers would say\n")
        case .deadLetter(let letter):
            throw Exit.saying("--catalogue, line \(line): \(letter.reason.rawValue), \(letter.detail)", Exit.failure)
        }
    }
}
