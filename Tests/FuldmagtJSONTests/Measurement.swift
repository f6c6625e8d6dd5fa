import Foundation
import FuldmagtJSON
import Testing

/// Documents a second on one core, written to standard error; judges nothing. Run by hand:
///
///     MEASURE=1 swift test -c release --disable-xctest --filter FuldmagtJSONTests.Measurement
@Suite(.enabled(if: ProcessInfo.processInfo.environment["MEASURE"] != nil), .serialized)
struct Measurement {
    private static let text = Array(
        (#"{"commandId":"3f0b1c52-7c0e-4b8a-9d55-0f4a7d1f9b11","kind":"grant","version":1,"#
            + #""at":"2026-11-23T14:07:16.123Z","principal":{"type":"person","id":"p-9f8e7d6c5b4a"},"#
            + #""agent":{"type":"company","id":"c-12345678"},"scope":["tax.read","tax.write","health.read"],"#
            + #""validFrom":"2026-12-01","validTo":null,"amountLimit":1250000,"revocable":true,"#
            + #""note":"Fuldmagt til årsopgørelsen","attempt":2}"#).utf8)

    @Test func parsing() throws {
        try measure("parse") { _ in }
    }

    @Test func parsingAndReading() throws {
        var sum = 0
        try measure("parse and read") { root in
            for number in [root["version"], root["amountLimit"], root["attempt"]] { sum &+= number?.int ?? 0 }
            for party in [root["principal"], root["agent"]] { sum &+= party?["id"]?.withStringBytes { $0.count } ?? 0 }
            root["scope"]?.forEachElement { _, scope in sum &+= scope.equals("tax.read") ? 1 : 0 }
        }
        #expect(sum != 0)
    }

    @Test func comparing() throws {
        var form: [UInt8] = []
        try measure("parse and make the equality form") { root in
            form.removeAll(keepingCapacity: true)
            root.appendEqualityForm(to: &form)
        }
        #expect(!form.isEmpty)
    }

    private func measure(_ what: String, _ body: (JSONNode) -> Void) throws {
        let document = JSONDocument()
        let count = 1_000_000
        let elapsed = try ContinuousClock().measure {
            try Self.text.withUnsafeBytes { bytes in
                for _ in 0..<count {
                    try document.parse(bytes)
                    body(document.root)
                }
            }
        }
        let rate = Int(Double(count) / (elapsed / .seconds(1)))
        FileHandle.standardError.write(Data("\(what): \(rate) documents of \(Self.text.count) bytes a second\n".utf8))
    }
}
