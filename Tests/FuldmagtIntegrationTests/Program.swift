import Foundation
import FuldmagtTestBroker

/// The program, run to its end.
enum Program {
    /// - Returns: its exit status, and what it wrote to standard output and error.
    static func run(
        _ arguments: [String], environment: [String: String] = [:]
    ) throws -> (status: Int32, text: String) {
        try end(of: KafkaCluster.program, arguments, environment)
    }

    /// Runs a line of shell, in which `$0` is the program.
    /// - Returns: as ``run(_:environment:)``, of the shell.
    static func shell(_ line: String, environment: [String: String] = [:]) throws -> (status: Int32, text: String) {
        try end(of: "/bin/bash", ["-c", line, KafkaCluster.program], environment)
    }

    private static func end(
        of binary: String, _ arguments: [String], _ environment: [String: String]
    ) throws -> (status: Int32, text: String) {
        let log = NSTemporaryDirectory() + "fuldmagt-program-\(UUID().uuidString).log"
        let status = try ChildProcess(binary, arguments, environment: environment, log: log).wait()
        let text = try String(contentsOfFile: log, encoding: .utf8)
        try FileManager.default.removeItem(atPath: log)
        return (status, text)
    }
}
