import FuldmagtJSON
import FuldmagtRecord
import Testing

@testable import FuldmagtDomain

/// Attributes of commands and catalogue records, in both modes.
@Suite struct EnvelopeTests {
    private static let binary = [
        ("ce_specversion", "1.0"), ("ce_id", "i"), ("ce_type", "dk.fuldmagt.move.decease.v1"),
        ("ce_source", "urn:dk:cvr:99000007:x"), ("ce_jobid", "j"), ("content-type", "application/json"),
    ]
    private static let whole = [("content-type", "application/cloudevents+json")]
    private static let attributes =
        #""specversion":"1.0","id":"i","type":"dk.fuldmagt.move.decease.v1","source":"urn:dk:cvr:99000007:x","jobid":"j""#

    /// The cause that a record is, or why it is none.
    private func read(_ value: String, _ headers: [(String, String)]) -> Result<Cause, DeadLetter> {
        var batch = RecordBatch()
        let bytes = Array(value.utf8)
        bytes.withUnsafeBytes { bytes in
            batch.append(topic: Topic.moveCommands.rawValue, offset: 0, timestamp: 0, key: nil, value: bytes) {
                for (name, value) in headers { HeaderBlock.append(name: name, value: value, to: &$0) }
            }
        }
        let document = JSONDocument()
        return batch.withRecords { records in
            do throws(DeadLetter) {
                return .success(try Envelope.read(records[0], into: document).envelope.cause)
            } catch {
                return .failure(error)
            }
        }
    }

    private func reason(_ value: String, _ headers: [(String, String)]) -> DeadLetterReason? {
        if case .failure(let letter) = read(value, headers) { letter.reason } else { nil }
    }

    @Test("both modes say the same, and headers beside an event count for nothing")
    func modes() throws {
        let event = #"{\#(Self.attributes),"time":null,"data":{}}"#
        let cause = try read("{}", Self.binary).get()
        #expect(cause.extensions == [Extension(name: "jobid", value: "j")])
        #expect(try read(event, Self.whole).get() == cause)
        #expect(try read(event, Self.whole + [("ce_id", "other"), ("ce_trace", "t")]).get() == cause)
    }

    @Test("what is wrong in either mode is told alike")
    func faults() {
        func reasons(_ header: String, _ change: (String, String)) -> [DeadLetterReason?] {
            let changed = Self.attributes.replacing(change.0, with: change.1)
            return [
                reason("{}", Self.binary.map { $0.0 == "ce_\(header)" ? ($0.0, change.1) : $0 }),
                reason(#"{\#(changed),"data":{}}"#, Self.whole),
            ]
        }
        #expect(reasons("specversion", ("1.0", "0.3")) == [.invalidAttribute, .invalidAttribute])
        #expect(reasons("type", ("dk.fuldmagt.move.decease.v1", "x")) == [.unknownType, .unknownType])
        #expect(reasons("source", ("urn:dk:cvr:99000007:x", "x")) == [.invalidAttribute, .invalidAttribute])
        let long = String(repeating: "x", count: 4097)
        #expect(reasons("jobid", ("\"j\"", "\"\(long)\"")) == [.invalidAttribute, .invalidAttribute])
        #expect(reason("{", Self.binary) == .invalidJSON && reason("{", Self.whole) == .invalidJSON)
        #expect(reason("{}", Array(Self.binary.dropFirst())) == .missingAttribute)
        #expect(reason("{\(Self.attributes)}", Self.whole) == .missingAttribute)
        #expect(reason("{}", Array(Self.binary.dropLast()) + [("content-type", "text/xml")]) == .invalidAttribute)
    }

    @Test("an id has 1 to 128 characters as a schema counts them")
    func idLength() {
        func reasons(_ id: String) -> [DeadLetterReason?] {
            let changed = Self.attributes.replacing("\"i\"", with: "\"\(id)\"")
            return [
                reason("{}", Self.binary.map { $0.0 == "ce_id" ? ("ce_id", id) : $0 }),
                reason(#"{\#(changed),"data":{}}"#, Self.whole),
            ]
        }
        for character in ["x", "å", "€", "🙂"] {
            #expect(reasons(String(repeating: character, count: 128)) == [nil, nil])
            #expect(reasons(String(repeating: character, count: 129)) == [.invalidAttribute, .invalidAttribute])
        }
        // A letter and its accent are two.
        #expect(reasons(String(repeating: "e\u{301}", count: 64)) == [nil, nil])
        #expect(reasons(String(repeating: "e\u{301}", count: 65)) == [.invalidAttribute, .invalidAttribute])
        #expect(reasons("") == [.invalidAttribute, .invalidAttribute])
    }
}
