import ArgumentParser
import Foundation
import FuldmagtDomain
import FuldmagtJSON

struct ContractCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "contract", abstract: "Print the contract that outside clients are written against.",
        subcommands: [AsyncAPICommand.self, Schema.self, Example.self, List.self])

    struct AsyncAPICommand: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "asyncapi", abstract: "All topics and records as an AsyncAPI 3.0 document.",
            discussion: """
                Example:
                  fuldmagt contract asyncapi > asyncapi.json
                """)

        func run() throws { try ContractCommand.show(AsyncAPI.document()) }
    }

    struct Schema: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "The data of one record as a JSON Schema (2020-12).",
            discussion: """
                Example:
                  fuldmagt contract schema grant.issue
                """)
        @Argument(help: "grant.issue, outcome …; see fuldmagt contract list")
        var type: String

        func run() throws {
            let record = try ContractCommand.record(type)
            var json = JSONWriter()
            record.writeSchema(to: &json)
            try ContractCommand.show(json.finish())
        }
    }

    struct Example: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Data of one record that is right, with test persons.",
            discussion: """
                --event puts an event around it, on one line, as validate and publish take it. Persons in it are test \
                persons: FULDMAGT_TEST_MODE=1 lets them in. Give it an id of your own: what comes again under the \
                same id and source is not decided again.

                Examples:
                  fuldmagt contract example grant.issue
                  fuldmagt contract example grant.issue --event > first.jsonl
                  fuldmagt validate first.jsonl --test-persons
                """)
        @Argument(help: "grant.issue, outcome …; see fuldmagt contract list")
        var type: String
        @Flag(help: "One line to publish: a CloudEvent with the data in it.")
        var event = false

        func run() throws {
            let record = try ContractCommand.record(type)
            guard event else { return try ContractCommand.show(Array(record.example.utf8)) }
            guard record.isWrittenByClients else {
                throw Exit.saying(
                    "\(record.name) is not published as a line: it belongs on \(record.topic.name)", Exit.usage)
            }
            let data = try JSONSerialization.jsonObject(with: Data(record.example.utf8))
            Output.line(
                JSONText.object([
                    "specversion": "1.0", "id": "example-\(record.name)", "type": record.type,
                    "source": "urn:dk:cvr:99000007:example", "data": data,
                ]))
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "The records, and the topics they belong on.")

        func run() {
            for record in Contract.records {
                Output.line("\(record.name.padding(toLength: 22, withPad: " ", startingAt: 0))\(record.topic.name)")
            }
        }
    }

    static func record(_ name: String) throws -> ContractRecord {
        guard let record = Contract.record(name) else {
            throw Exit.saying(
                "there is no record “\(name)”; there are \(Contract.records.map(\.name).joined(separator: ", "))",
                Exit.usage)
        }
        return record
    }

    static func show(_ json: [UInt8]) throws {
        let value = try JSONSerialization.jsonObject(with: Data(json))
        let text = try JSONSerialization.data(
            withJSONObject: value, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
        Output.line(String(decoding: text, as: UTF8.self))
    }
}

extension ContractRecord {
    /// Whether `publish` takes it: commands, and the catalogue's records.
    var isWrittenByClients: Bool {
        switch topic {
        case .grantCommands, .moveCommands, .exemptionCommands, .catalogue: true
        default: false
        }
    }
}
