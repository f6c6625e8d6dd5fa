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
                Example:
                  fuldmagt contract example grant.issue
                """)
        @Argument(help: "grant.issue, outcome …; see fuldmagt contract list")
        var type: String

        func run() throws { try ContractCommand.show(Array(try ContractCommand.record(type).example.utf8)) }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "The records, and the topics they belong on.")

        func run() {
            for record in Contract.records {
                print("\(record.name.padding(toLength: 22, withPad: " ", startingAt: 0))\(record.topic.name)")
            }
        }
    }

    static func record(_ name: String) throws -> ContractRecord {
        guard let record = Contract.record(name) else {
            throw Exit.saying(
                "there is no record “\(name)”; there are \(Contract.records.map(\.name).joined(separator: ", "))",
                ExitCode(64))
        }
        return record
    }

    static func show(_ json: [UInt8]) throws {
        let value = try JSONSerialization.jsonObject(with: Data(json))
        let text = try JSONSerialization.data(
            withJSONObject: value, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
        FileHandle.standardOutput.write(text + Data("\n".utf8))
    }
}
