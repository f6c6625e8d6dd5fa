import Foundation
import FuldmagtBytes
import FuldmagtJSON
import FuldmagtRecord
import Testing

@testable import FuldmagtDomain

/// The published contract against what the program reads.
@Suite struct ContractTests {
    private static let today = Day(year: 2026, month: 11, day: 23)
    private static let settings = Settings(
        admitsTestPersons: true, sender: Sender(cvr: "10000009", name: "n"), cluster: "c", partitions: 1)
    private static let commands = Contract.records.filter { record in
        CommandType.allCases.contains { $0.rawValue == record.name }
    }

    /// Code and field of every fault in some data; a dead letter's reason where it is none of its citizen's.
    private func faults(_ record: ContractRecord, _ data: [String: Any]) throws -> Set<String> {
        let type = try #require(CommandType.allCases.first { $0.rawValue == record.name })
        let today = try #require(Self.today)
        let bytes = try [UInt8](JSONSerialization.data(withJSONObject: data))
        let document = JSONDocument()
        return try bytes.withUnsafeBytes { bytes in
            try document.parse(bytes)
            let reasons: [Reason]
            do throws(DeadLetter) {
                reasons =
                    record.topic == .catalogue
                    ? Catalogue.faults(in: document.root, type: type, today: today, settings: Self.settings)
                    : try Command.read(
                        document.root,
                        envelope: Envelope(cause: Cause(id: "i", source: "s", type: type.name), type: type),
                        topic: record.topic, today: today, settings: Self.settings
                    ).faults
            } catch {
                return [error.reason.rawValue]
            }
            return Set(reasons.map { "\($0.code.rawValue)@\($0.field ?? "")" })
        }
    }

    private func example(_ record: ContractRecord) throws -> [String: Any] {
        try #require(JSONSerialization.jsonObject(with: Data(record.example.utf8)) as? [String: Any])
    }

    @Test("every command is in the contract, on its topic, and nothing else is")
    func complete() {
        #expect(Set(Self.commands.map(\.name)) == Set(CommandType.allCases.map(\.rawValue)))
        for type in CommandType.allCases { #expect(Contract.record(type.rawValue)?.topic == type.topic) }
        #expect(Set(Contract.records.map(\.name)).count == Contract.records.count)
    }

    @Test(
        "an activation's key is the same however its municipality is written; data with faults, and commands, have none",
        arguments: [
            ("\"0101\"", "activation/0101/p/urn:s"), ("\"101\"", "activation/0101/p/urn:s"),
            ("101", "activation/0101/p/urn:s"), ("461", "activation/0461/p/urn:s"),
            ("4.61e2", "activation/0461/p/urn:s"), ("9999", nil), ("true", nil),
        ] as [(String, String?)])
    func activationKey(municipality: String, key: String?) throws {
        let today = try #require(Self.today)
        let text = #"{"municipality":\#(municipality),"package":"p","itSystem":"urn:s","from":"2020-01-01"}"#
        let document = JSONDocument()
        try Array(text.utf8).withUnsafeBytes { bytes in
            try document.parse(bytes)
            func found(_ type: CommandType) -> String? {
                Catalogue.key(of: document.root, type: type, today: today, settings: Self.settings)
            }
            #expect(found(.activationSet) == key)
            #expect(found(.grantIssue) == nil)
        }
    }

    @Test("every example is read without a fault", arguments: commands.map(\.name))
    func examples(_ name: String) throws {
        let record = try #require(Contract.record(name))
        #expect(try faults(record, example(record)) == [])
    }

    @Test(
        "a required field that is left out is named, and one that may be left out is not",
        arguments: commands.map(\.name))
    func required(_ name: String) throws {
        let record = try #require(Contract.record(name))
        for field in record.fields {
            var data = try example(record)
            // What the example has only for another field's sake.
            if field.name == "evidence" || (name == "grant.revoke" && field.name != "by" && field.name != "grantor") {
                continue
            }
            data[field.name] = nil
            let found = try faults(record, data)
            if !field.isRequired {
                #expect(found.isEmpty, "\(field.name)")
            } else if field.name == "grantor" || field.name == "citizen" {
                #expect(found == ["invalid-citizen"], "\(field.name)")
            } else {
                let code: ReasonCode = field.name == "journal" ? .journalMissing : .missingField
                #expect(found.contains("\(code.rawValue)@\(field.name)"), "\(field.name): \(found)")
            }
        }
    }

    @Test("a value of another kind is refused with the field named", arguments: commands.map(\.name))
    func kinds(_ name: String) throws {
        let record = try #require(Contract.record(name))
        for field in record.fields where !["grantor", "citizen"].contains(field.name) {
            var data = try example(record)
            switch field.kind {
            case .text, .form, .day, .instant, .cpr: data[field.name] = ["not a text"]
            case .choice, .person, .party, .object, .someOf, .list, .set, .flag, .confirmed, .number, .municipality,
                .texts:
                data[field.name] = "neither"
            }
            // The country of an emigration is not kept, so it is not looked at.
            if name == "move.emigrate" && field.name == "to" { continue }
            // Evidence counts where somebody signed.
            if field.name == "evidence", data["channel"] as? String == "digital" { data["channel"] = "paper" }
            let found = try faults(record, data)
            var code = ReasonCode.invalidField
            if case .municipality = field.kind { code = .unknownMunicipality }
            #expect(found.contains("\(code.rawValue)@\(field.name)"), "\(field.name): \(found)")
        }
    }

    @Test("a text may be as long as its schema says, in characters of whatever size", arguments: commands.map(\.name))
    func lengths(_ name: String) throws {
        let record = try #require(Contract.record(name))
        // Ids of grants are looked up, numbers are checked otherwise, and the country of an emigration is not kept.
        for field in record.fields
        where !["grant", "cvr"].contains(field.name) && !(name == "move.emigrate" && field.name == "to") {
            for character in ["x", "æ", "ø", "å", "€", "🙂"] {
                var data = try example(record)
                func fault(_ length: Int, isListed: Bool) throws -> Bool {
                    let text = String(repeating: character, count: length)
                    if isListed { data[field.name] = [text] } else { data[field.name] = text }
                    let path = isListed ? "\(field.name)[0]" : field.name
                    return try faults(record, data).contains("invalid-field@\(path)")
                }
                switch field.kind {
                case .text(let limit), .form(_, let limit):
                    #expect(try !fault(limit, isListed: false), "\(field.name), \(character)")
                    #expect(try fault(limit + 1, isListed: false), "\(field.name), \(character)")
                case .set(.text(let limit), _):
                    #expect(try !fault(limit, isListed: true), "\(field.name), \(character)")
                    #expect(try fault(limit + 1, isListed: true), "\(field.name), \(character)")
                default: break
                }
            }
        }
    }

    @Test(
        "a text that has a form is read where its schema lets it through, and nowhere else",
        arguments: [
            ("package.define", "id", ["a", "a-1", "å", "a/b", "/", "a b", "a\tb", "a\u{a0}b", " a", "a\n"]),
            ("activation.set", "package", ["a", "a/b", "a b"]),
            ("authority.define", "cvr", ["99000007", "9900000", "990000070", "99 00 00 07", "abcdefgh"]),
            (
                "package.define", "kle",
                [
                    "27", "27.60", "27.60.20", "27.*", "27.60.*", "2", "27.6", "27.60.20.*", "*", "27.60.20.30", "27.",
                    ".27", "27,60", "27.60\n",
                ]
            ),
        ])
    func forms(_ name: String, _ fieldName: String, _ texts: [String]) throws {
        let record = try #require(Contract.record(name))
        let field = try #require(record.fields.first { $0.name == fieldName })
        let form: (pattern: String, limit: Int, isListed: Bool)? =
            switch field.kind {
            case .form(let pattern, let limit): (pattern, limit, false)
            case .list(.form(let pattern, let limit), _): (pattern, limit, true)
            default: nil
            }
        let (pattern, limit, isListed) = try #require(form)
        let expression = try NSRegularExpression(pattern: pattern)
        for text in texts {
            var data = try example(record)
            data[fieldName] = isListed ? [text] : text
            let range = NSRange(text.startIndex..., in: text)
            // `$` is the very end in ECMA 262, and Foundation's also before a last line feed.
            let isThrough =
                expression.firstMatch(in: text, range: range)?.range == range && text.unicodeScalars.count <= limit
            #expect(try faults(record, data).isEmpty == isThrough, "\(text.debugDescription)")
        }
    }

    @Test("what its schema wants once, twice is too often; of what it wants one of, none is too little")
    func setsAndChoices() throws {
        for name in ["grant.issue", "grant.request", "grant.revoke"] {
            let record = try #require(Contract.record(name))
            var data = try example(record)
            data["packages"] = ["tax-example", "tax-example"]
            #expect(try !faults(record, data).isEmpty, "\(name)")
        }
        let correct = try #require(Contract.record("grant.correct"))
        var data = try example(correct)
        data["changes"] = [String: Any]()
        #expect(try faults(correct, data) == ["missing-field@changes"])
    }

    @Test("so may a text within another field")
    func innerLengths() throws {
        let record = try #require(Contract.record("package.define"))
        for (name, limit) in [("title", 200), ("wording", 8192)] {
            var data = try example(record)
            data[name] = ["da": String(repeating: "å", count: limit), "en": String(repeating: "€", count: limit + 1)]
            #expect(try faults(record, data) == ["invalid-field@\(name).en"])
        }
    }

    @Test("every move may say when it was registered, and of those of one day the one registered later counts")
    func registered() throws {
        for name in ["move.relocate", "move.emigrate", "move.immigrate"] {
            #expect(Contract.record(name)?.fields.contains { $0.name == "registeredAt" } == true, "\(name)")
        }
        var bench = try RuleBench()
        let moves: [(CommandType, to: String, day: String, Residence.Kind)] = [
            (.moveImmigrate, #","to":"0101""#, "03", .immigrate), (.moveEmigrate, "", "02", .immigrate),
            (.moveEmigrate, "", "04", .emigrate), (.moveRelocate, #","to":"0751""#, "01", .emigrate),
        ]
        for (type, to, day, current) in moves {
            let registered = #""registeredAt":"2026-11-\#(day)T10:00:00Z""#
            let answer = try bench.decide(type, #""effective":"2026-11-01",\#(registered)\#(to)"#)
            #expect(answer == "accepted")
            #expect(bench.file.residence(on: bench.today)?.kind == current)
        }
    }

    @Test("what is wrong in a field can be looked up in the contract")
    func remedies() throws {
        let issue = try #require(Contract.record("grant.issue"))
        #expect(issue.remedy(for: "packages[3]")?.contains("1 to 50") == true)
        #expect(issue.remedy(for: "evidence.assessment.decidedOn") == "YYYY-MM-DD")
        #expect(issue.remedy(for: "representative.cpr")?.contains("eight digits") == true)
        #expect(issue.remedy(for: "nothing") == nil)
    }

    /// How long a record's id may be, as its message's headers say.
    private func publishedIDLimit(_ record: ContractRecord, _ document: [String: Any]) throws -> Int {
        func member(_ value: Any?, _ path: String...) -> Any? {
            path.reduce(value) { ($0 as? [String: Any])?[$1] }
        }
        let path = try #require(
            member(document, "components", "messages", record.name, "headers", "$ref") as? String)
        let name = try #require(path.split(separator: "/").last.map(String.init))
        let limit = member(document, "components", "schemas", name, "properties", "ce_id", "maxLength")
        return try #require(limit as? Int)
    }

    @Test("ids are published as long as they are read, and as they are written")
    func idLimits() throws {
        let document = try #require(
            JSONSerialization.jsonObject(with: Data(AsyncAPI.document())) as? [String: Any])
        for record in Contract.records {
            let limit = try publishedIDLimit(record, document)
            if Self.commands.contains(where: { $0.name == record.name }) {
                // `BadInputTests` has ids of 128 characters, which are read, and of 129, which are not.
                #expect(limit == 128 && limit == Envelope.maximumID, "\(record.name)")
            } else if record.topic == .receipts {
                #expect(limit == Receipt.maximumID)
            } else {
                // The longest names its command by source and id.
                #expect(limit >= Envelope.maximumSource + Envelope.maximumID + "//rejected".count, "\(record.name)")
            }
        }
    }

    @Test("the AsyncAPI document is JSON whose references lead somewhere")
    func asyncAPI() throws {
        let document = try #require(
            JSONSerialization.jsonObject(with: Data(AsyncAPI.document())) as? [String: Any])
        #expect(document["asyncapi"] as? String == "3.0.0")
        func check(_ value: Any) {
            if let object = value as? [String: Any] {
                if let path = object["$ref"] as? String {
                    var node: Any? = document
                    for part in path.dropFirst(2).split(separator: "/") {
                        node = (node as? [String: Any])?[String(part)]
                    }
                    #expect(node != nil, "\(path)")
                }
                object.values.forEach(check)
            } else if let list = value as? [Any] {
                list.forEach(check)
            }
        }
        check(document)
    }
}
