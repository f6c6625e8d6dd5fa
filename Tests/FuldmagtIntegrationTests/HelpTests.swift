import Testing

/// What `fuldmagt help` says is read on terminals of 80 columns.
struct HelpTests {
    @Test("tables and examples of every command's help stand as they were written on 80 columns")
    func eightyColumns() throws {
        var commands: [[String]] = [[]]
        var looked = 0
        while let command = commands.popLast() {
            let wide = try help(command, columns: 200)
            let narrow = Set(try help(command, columns: 80).split(separator: "\n"))
            looked += 1
            // What follows is wrapped by its own rules.
            let discussion = wide.split(separator: "\n").prefix { !$0.hasPrefix("USAGE:") }
            for line in discussion where line.hasPrefix(" ") {
                #expect(narrow.contains(line), "help \(command.joined(separator: " ")): too wide")
            }
            commands += subcommands(wide).map { command + [$0] }
        }
        #expect(looked > 30)
    }

    private func help(_ command: [String], columns: Int) throws -> String {
        try Program.run(["help"] + command, environment: ["COLUMNS": "\(columns)"]).text
    }

    private func subcommands(_ help: String) -> [String] {
        let lines = help.split(separator: "\n").drop { $0 != "SUBCOMMANDS:" }.dropFirst()
        return lines.filter { $0.hasPrefix("  ") && !$0.hasPrefix("   ") && !$0.hasPrefix("  See ") }
            .compactMap { $0.split(separator: " ").first.map(String.init) }
    }
}
