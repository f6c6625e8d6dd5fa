import Foundation
import FuldmagtDomain
import FuldmagtTestBroker
import FuldmagtTestKit

/// What tests of migration jobs need of a cluster.
extension KafkaCluster {
    /// 2026-03-02T07:00:00Z: what the workers of these tests take the present for.
    static let jobStart = Instant(milliseconds: 1_772_434_800_000)

    /// One of ten thousand test persons, all born on the same day.
    static func cpr(_ number: Int) -> String {
        let digits = String(number)
        return "610150" + String(repeating: "0", count: 4 - digits.count) + digits
    }

    static func record(_ type: String, _ data: String, id: String, topic: Topic, key: String) -> ModelRecord {
        ModelRecord(
            topic: topic, key: Array(key.utf8),
            headers: [
                ("ce_specversion", Array("1.0".utf8)), ("ce_id", Array(id.utf8)),
                ("ce_type", Array("dk.fuldmagt.\(type).v1".utf8)), ("ce_source", Array("urn:dk:cvr:29189846".utf8)),
            ], value: Array(data.utf8), timestamp: jobStart.milliseconds)
    }

    /// Starts `fuldmagt job`.
    /// - Parameter log: file of the cluster's folder that its output goes to.
    func job(_ arguments: [String], log: String) throws -> ChildProcess {
        try ChildProcess(
            Self.program, ["job"] + arguments,
            environment: ["FULDMAGT_KAFKA_BOOTSTRAP_SERVERS": broker.address, "FULDMAGT_TEST_MODE": "1"],
            log: "\(directory)/\(log)")
    }

    /// Writes a job that moves citizens, and its input, to the cluster's folder.
    /// - Parameter rows: number, municipality and day, each after a semicolon.
    /// - Returns: the path of the job's file.
    @discardableResult
    func writeMoves(_ job: String, _ rows: [String]) throws -> String {
        try ("cpr;til;dato\n" + rows.joined(separator: "\n") + "\n").write(
            toFile: directory + "/moves.csv", atomically: true, encoding: .utf8)
        let path = "\(directory)/\(job).yaml"
        try """
        job: \(job)
        source: urn:dk:cvr:29189846:moves
        kind: moves
        input: moves.csv
        columns:
          citizen: cpr
          to: til
          effective: dato
        """.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    /// A file of the cluster's folder.
    func text(_ name: String) throws -> String {
        try String(contentsOfFile: "\(directory)/\(name)", encoding: .utf8)
    }
}
