import ArgumentParser
import Foundation
import FuldmagtDomain

struct ValidateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate", abstract: "Check commands in a file without sending anything.",
        discussion: """
            FILE has one CloudEvent in structured mode on each line, as for publish. Faults are told by line, field, \
            code and what is allowed; what depends on a citizen's file or on the catalogue is decided by a worker \
            only. Needs no broker. Where the first line is but a part of a value, that is told once, and no more is read. \
            What looks like a CPR number in an id is shown as asterisks; the line's number tells which it is.

            Exit codes: 0 no faults · 3 faults were found · 1 the file cannot be read

            Examples:
              fuldmagt validate commands.jsonl
              fuldmagt validate - --json < commands.jsonl
            """)

    @Argument(help: "JSON lines; - for standard input.")
    var file: String
    @Flag(help: "One JSON object for each fault.")
    var json = false
    @Flag(help: "Admit test persons (day of birth + 60).")
    var testPersons = false

    func run() async throws {
        let environment = try await Environment()
        var settings = try environment.settings(partitions: 1)
        if testPersons { settings.admitsTestPersons = true }
        let source = try LineSource(path: file)
        let today = Host.now().day
        var line = 0
        var looked = 0
        var faulty = 0
        while let bytes = try source.next() {
            line += 1
            guard bytes.contains(where: { $0 != 32 && $0 != 9 && $0 != 13 }) else { continue }
            let check = LineCheck(bytes, settings: settings, today: today)
            if check.isNoJSONLine, looked == 0 {
                try show(LineCheck.noJSONLines, line: line, id: nil)
                throw Exit.found
            }
            looked += 1
            if !check.faults.isEmpty { faulty += 1 }
            for fault in check.faults { try show(fault, line: line, id: check.id) }
        }
        StandardError.write("\(Output.counted(line, "line")), \(faulty) with faults\n")
        if faulty > 0 { throw Exit.found }
    }

    private func show(_ fault: LineCheck.Fault, line: Int, id: String?) throws {
        let id = id.map { CPRMask.masked($0) }
        guard json else {
            Output.line("line \(line)\(id.map { " (\($0))" } ?? ""): \(fault.description)")
            return
        }
        var members: [String: Any] = ["line": line, "code": fault.code, "text": fault.text]
        members["id"] = id
        members["field"] = fault.field
        members["remedy"] = fault.remedy
        let text = try JSONSerialization.data(withJSONObject: members, options: [.sortedKeys, .withoutEscapingSlashes])
        Output.line(String(decoding: text, as: UTF8.self))
    }
}
