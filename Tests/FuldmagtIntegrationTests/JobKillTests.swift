import Foundation
import FuldmagtDomain
import FuldmagtJobs
import FuldmagtTestBroker
import FuldmagtTestKit
import Testing

/// A job whose run dies again and again over a store that others change meanwhile, and a supplier switch after it.
@Suite(.serialized) struct JobKillTests {
    private static let citizens = 2_500
    private static let moves = 2_000
    private static let day = ["--today", "2026-03-02"]

    private func fuldmagt(_ cluster: KafkaCluster, _ arguments: [String]) throws -> ChildProcess {
        try cluster.job(
            arguments, log: "job-\(arguments[0])-\(URL(fileURLWithPath: arguments[1]).lastPathComponent).out")
    }

    private func catalogue() -> [ModelRecord] {
        func package(_ id: String, scope: String, more: String = "") -> ModelRecord {
            KafkaCluster.record(
                "package.define",
                #"{"id":"\#(id)","version":1,"title":{"da":"a","en":"a"},"wording":{"da":"a","en":"a"},"kind":"act","scope":"\#(scope)","kle":["27.60"]\#(more)}"#,
                id: "p-\(id)", topic: .catalogue, key: "package/\(id)")
        }
        func system(_ id: String) -> ModelRecord {
            KafkaCluster.record(
                "itsystem.define",
                #"{"id":"urn:example:\#(id)","name":"\#(id)","supplier":{"cvr":"29189846","name":"Example"}}"#,
                id: "s-\(id)", topic: .catalogue, key: "itsystem/urn:example:\(id)")
        }
        func activation(_ package: String, _ municipality: String, _ system: String) -> ModelRecord {
            KafkaCluster.record(
                "activation.set",
                #"{"municipality":"\#(municipality)","package":"\#(package)","itSystem":"urn:example:\#(system)","from":"2020-01-01"}"#,
                id: "a-\(package)-\(municipality)", topic: .catalogue,
                key: "activation/\(municipality)/\(package)/urn:example:\(system)")
        }
        return [
            package("care", scope: "municipal"), package("meals", scope: "municipal"),
            package("own", scope: "itSystem", more: #","itSystem":"urn:example:old","successor":"next""#),
            package("next", scope: "itSystem", more: #","itSystem":"urn:example:new""#),
            system("old"), system("new"), activation("care", "0101", "old"), activation("meals", "0101", "old"),
            activation("care", "0751", "other"),
        ]
    }

    /// Everybody lives in 0101 and has given two grants.
    private func prepare(_ cluster: KafkaCluster) throws {
        try cluster.send(catalogue())
        let all = 0..<Self.citizens
        try cluster.send(
            all.map {
                let cpr = KafkaCluster.cpr($0)
                return KafkaCluster.record(
                    "move.relocate", #"{"citizen":{"cpr":"\#(cpr)"},"to":"0101","effective":"2020-01-01"}"#,
                    id: "r\($0)", topic: .moveCommands, key: cpr)
            })
        try wait(cluster, outcomes: catalogue().count + all.count)
        try cluster.send(
            all.map {
                let cpr = KafkaCluster.cpr($0)
                let packages = $0 % 5 == 0 ? #"["meals","own"]"# : #"["care","meals"]"#
                return KafkaCluster.record(
                    "grant.issue",
                    #"{"grantor":{"cpr":"\#(cpr)"},"representative":{"cpr":"\#(KafkaCluster.cpr(9_000 + $0 % 100))"},"packages":\#(packages),"validUntil":"2027-06-01","channel":"digital"}"#,
                    id: "g\($0)", topic: .grantCommands, key: cpr)
            })
        try wait(cluster, outcomes: catalogue().count + 2 * all.count)
    }

    private func wait(_ cluster: KafkaCluster, outcomes: Int) throws {
        try cluster.wait(seconds: 120) {
            try cluster.ends(of: .outcomes).values.reduce(0, +) >= outcomes
                && cluster.observe().outcomes.count >= outcomes
        }
    }

    private func writeJobs(_ cluster: KafkaCluster) throws {
        let rows = (0..<Self.moves).map { "\(KafkaCluster.cpr($0));751;01-02-2026" }
        try cluster.writeMoves("boundary", rows)
        try "municipality;old;new;from;gone\n101;urn:example:old;urn:example:new;02-03-2026;ja\n".write(
            toFile: cluster.directory + "/switch.csv", atomically: true, encoding: .utf8)
        try """
        job: switch
        source: urn:dk:cvr:29189846:moves
        kind: supplier-switch
        input: switch.csv
        columns:
          municipality: municipality
          oldItSystem: old
          newItSystem: new
          from: from
          replaced: gone
        """.write(toFile: cluster.directory + "/switch.yaml", atomically: true, encoding: .utf8)
    }

    @Test("2,000 moves over 5,000 grants, killed three times, and a supplier switch: all accounted for, none doubled")
    func killed() throws {
        let cluster = try KafkaCluster(start: KafkaCluster.jobStart)
        let worker = try cluster.worker("w1")
        try prepare(cluster)
        try writeJobs(cluster)
        let data = ["--data", cluster.directory + "/data"]
        let file = cluster.directory + "/boundary.yaml"
        #expect(try fuldmagt(cluster, ["plan", file] + data + Self.day).wait() == 0)
        let dead = 1_990..<1_995
        for (kill, line) in [300, 800, 1_400].enumerated() {
            let run = try fuldmagt(
                cluster, (kill == 0 ? ["run", file] + data : ["resume", file]) + ["--rate", "150"])
            try cluster.wait(seconds: 60) {
                try Checkpoint.read(cluster.directory + "/boundary.files/checkpoint.json").map { $0.line > line }
                    ?? false
            }
            run.kill()
            // While the job is down, five citizens whose lines are still to come die.
            if kill == 0 {
                try cluster.send(
                    dead.map {
                        KafkaCluster.record(
                            "move.decease", #"{"citizen":{"cpr":"\#(KafkaCluster.cpr($0))"},"effective":"2026-02-20"}"#,
                            id: "d\($0)", topic: .moveCommands, key: KafkaCluster.cpr($0))
                    })
            }
        }
        #expect(try fuldmagt(cluster, ["resume", file]).wait() == 0)
        #expect(try fuldmagt(cluster, ["report", file, "--wait", "60"]).wait() == 0)
        let report = try cluster.text("job-report-boundary.yaml.out")
        #expect(report.contains("     1995  = accepted") && report.contains("        5      citizen-dead"), "\(report)")
        #expect(report.contains("        0  unaccounted for") && report.contains("        0  answered more than once"))
        // Otherwise than planned: those five, and nobody else; the first line holds the names of the columns.
        #expect(report.contains("otherwise than planned: 5, line 1992, 1993, 1994, 1995, 1996\n"), "\(report)")
        #expect(try fuldmagt(cluster, ["verify", file] + data + Self.day).wait() == 3)
        let differences = try cluster.text("boundary.files/verify.csv").split(separator: "\r\n").dropFirst()
        // Each of the five stayed where they lived, and their two grants ended.
        #expect(differences.count == 15 && differences.allSatisfy { $0.hasPrefix("199") }, "\(differences)")

        try switchSupplier(cluster, data: data)
        #expect(worker.terminate() == 0)
        try cluster.stop()
    }

    private func switchSupplier(_ cluster: KafkaCluster, data: [String]) throws {
        let file = cluster.directory + "/switch.yaml"
        let dormant = { try cluster.dump().count { $0.contains(#""table":"grant""#) && $0.contains("dormant") } }
        let dormantBefore = try dormant()
        #expect(try fuldmagt(cluster, ["plan", file] + data + Self.day).wait() == 0)
        let plan = try cluster.text("switch.files/plan.csv")
        // 500 stayed: 400 with care and meals, 100 with meals and the old system's own privilege, which 399 of those who
        // moved have too: every fifth of 2,000, less one who died.
        #expect(plan.contains("grants;stays active;meals;0101 København;500;"), "\(plan)")
        #expect(plan.contains("grants;stays active;care;0101 København;400;"), "\(plan)")
        #expect(plan.contains("grants;stays active;next;0101 København;100;"), "\(plan)")
        #expect(plan.contains("grants;stays active;next;0751 Aarhus;399;"), "\(plan)")
        #expect(!plan.contains("goes dormant") && !plan.contains(";ends;"), "\(plan)")
        #expect(plan.contains("notifications;grant-corrected;digital-post;;998;"), "\(plan)")
        #expect(try fuldmagt(cluster, ["run", file] + data).wait() == 0)
        #expect(try fuldmagt(cluster, ["report", file, "--wait", "60"]).wait() == 0)
        // The workers look at everybody again after the outcome.
        try cluster.wait(seconds: 60) {
            try cluster.observe().notifications.count { $0.kind == "grant-corrected" } >= 998
        }
        try cluster.wait(seconds: 60) { try fuldmagt(cluster, ["verify", file] + data + Self.day).wait() == 0 }
        #expect(try dormant() == dormantBefore)
    }
}
