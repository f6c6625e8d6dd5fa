import Foundation
import FuldmagtDomain
import FuldmagtJobs
import FuldmagtTestBroker
import FuldmagtTestKit
import Testing

/// A migration job of the real program, on a real broker and a real worker.
@Suite(.serialized) struct JobTests {
    private static let citizens = 120

    private func job(_ cluster: KafkaCluster, _ arguments: [String]) throws -> ChildProcess {
        try cluster.job(arguments, log: "job-\(arguments[0]).out")
    }

    /// Everybody lives in 0101 with a grant to one of ten helpers, some of whom get letters; every tenth is dead.
    private func prepare(_ cluster: KafkaCluster) throws {
        try cluster.send([
            KafkaCluster.record(
                "package.define",
                #"{"id":"care","version":1,"title":{"da":"a","en":"a"},"wording":{"da":"a","en":"a"},"kind":"act","scope":"municipal","kle":["27.60"]}"#,
                id: "c1", topic: .catalogue, key: "package/care"),
            KafkaCluster.record(
                "activation.set",
                #"{"municipality":"0101","package":"care","itSystem":"urn:example:system","from":"2020-01-01"}"#,
                id: "c2", topic: .catalogue, key: "activation/0101/care/urn:example:system"),
        ])
        let all = 0..<Self.citizens
        try cluster.send(
            all.map {
                let cpr = KafkaCluster.cpr($0)
                return KafkaCluster.record(
                    "move.relocate", #"{"citizen":{"cpr":"\#(cpr)"},"to":"0101","effective":"2020-01-01"}"#,
                    id: "r\($0)", topic: .moveCommands, key: cpr)
            })
        try wait(cluster, outcomes: 2 + Self.citizens)
        try cluster.send(
            all.map {
                let cpr = KafkaCluster.cpr($0)
                return KafkaCluster.record(
                    "grant.issue",
                    #"{"grantor":{"cpr":"\#(cpr)"},"representative":{"cpr":"\#(KafkaCluster.cpr(9000 + $0 % 10))"},"packages":["care"],"validUntil":"2027-06-01","channel":"digital"}"#,
                    id: "g\($0)", topic: .grantCommands, key: cpr)
            })
        try cluster.send(
            (9000..<9004).map {
                let cpr = KafkaCluster.cpr($0)
                return KafkaCluster.record(
                    "exemption.register",
                    #"{"citizen":{"cpr":"\#(cpr)"},"municipality":"0101","form":"FD 001A","journal":"j","caseworker":"c","requestedBy":"citizen","appearedInPerson":true}"#,
                    id: "x\($0)", topic: .exemptionCommands, key: cpr)
            })
        try wait(cluster, outcomes: 6 + 2 * Self.citizens)
        let dead = all.filter { $0 % 10 == 3 }
        try cluster.send(
            dead.map {
                let cpr = KafkaCluster.cpr($0)
                return KafkaCluster.record(
                    "move.decease", #"{"citizen":{"cpr":"\#(cpr)"},"effective":"2026-01-01"}"#, id: "d\($0)",
                    topic: .moveCommands, key: cpr)
            })
        try wait(cluster, outcomes: 6 + 2 * Self.citizens + dead.count)
        // What concerns the helpers comes after the outcomes; what is counted afterwards is to be the job's alone.
        try cluster.wait(seconds: 60, for: "rest") { try cluster.isQuiet() }
    }

    private func wait(_ cluster: KafkaCluster, outcomes: Int) throws {
        try cluster.wait(seconds: 60) { try cluster.observe().outcomes.count >= outcomes }
    }

    /// Moves in ISO-8859-1: to a place without the package, some back again, some to come; repeats and faults among them.
    private func writeJob(_ cluster: KafkaCluster) throws {
        var rows = ["Personnummer;Til;Dato;Bemærkning"]
        for number in 0..<Self.citizens {
            let cpr = KafkaCluster.cpr(number)
            rows.append("\(cpr.prefix(6))-\(cpr.suffix(4));751;01-02-2026;på plads")
            if number % 4 == 0 { rows.append("\(cpr);0101;02022026;") }
            if number % 6 == 0 { rows.append("\(cpr);0461;2027-01-01;") }
            if number % 5 == 0 { rows.append("\(cpr);\(number % 6 == 0 ? "461;01-01-2027" : "9999;2026-01-01");") }
            if number % 7 == 0 { rows.append("\"\(cpr);0751;2026-02-01;") }
        }
        let text = rows.joined(separator: "\r\n") + "\r\n"
        try Data(text.unicodeScalars.map { UInt8($0.value) }).write(
            to: URL(fileURLWithPath: cluster.directory + "/moves.csv"))
        try """
        # Moves of a winter, as the register delivers them.
        job: move-1
        source: urn:dk:cvr:29189846:moves
        kind: moves
        input: moves.csv
        encoding: iso-8859-1
        columns:
          citizen: Personnummer
          to: Til
          effective: Dato
        """.write(toFile: cluster.directory + "/move-1.yaml", atomically: true, encoding: .utf8)
    }

    @Test("planned, killed amid its run, begun again: every line is accounted for once, and the result is the plan's")
    func job() throws {
        let cluster = try KafkaCluster(start: KafkaCluster.jobStart)
        let worker = try cluster.worker("w1")
        try prepare(cluster)
        try writeJob(cluster)
        let file = cluster.directory + "/move-1.yaml"
        let folder = cluster.directory + "/move-1.files"
        let before = try notifications(cluster)
        let sentBefore = try ends(cluster)

        let data = ["--data", cluster.directory + "/data"]
        let day = ["--today", "2026-03-02"]
        #expect(try job(cluster, ["run", file] + data).wait() == 1)
        #expect(try job(cluster, ["plan", file] + data + day).wait() == 3)
        #expect(try ends(cluster) == sentBefore)
        let planned = try cluster.text("job-plan.out")
        #expect(planned.contains("citizen-dead") && planned.contains("open-quote"), "\(planned)")
        #expect(!planned.contains("the workers have gone on"), "\(planned)")
        let copy = cluster.directory + "/copied"
        try FileManager.default.copyItem(atPath: data[1], toPath: copy)

        let first = try job(cluster, ["run", file, "--rate", "10"] + data)
        // Amid the run, when more is on the topic than the checkpoint knows of.
        try cluster.wait(seconds: 60) {
            guard let checkpoint = try Checkpoint.read(folder + "/checkpoint.json"), checkpoint.line > 20 else {
                return false
            }
            return try ends(cluster) > sentBefore + checkpoint.sent + 5
        }
        first.kill()
        let checkpoint = try #require(try Checkpoint.read(folder + "/checkpoint.json"))
        #expect(checkpoint.state == .running)
        #expect(try job(cluster, ["status", file]).wait() == 0)
        #expect(try cluster.text("job-status.out").contains("job move-1: interrupted"))

        #expect(try job(cluster, ["resume", file]).wait() == 3)
        let done = try #require(try Checkpoint.read(folder + "/checkpoint.json"))
        #expect(done.state == .done && done.position == done.size)
        #expect(done.answers.accepted > Self.citizens && done.answers.rejected > 0)
        #expect(try job(cluster, ["report", file, "--wait", "60"]).wait() == 0)
        let reported = try cluster.text("job-report.out")
        #expect(
            reported.contains("        0  unaccounted for") && reported.contains("        0  answered more than once"))

        // Line by line as foreseen.
        #expect(reported.contains("every line that was decided came to what was planned"))
        let foreseen = try rows(cluster, "plan-lines.csv").map {
            $0.replacing("accepted-for-later", with: "accepted").replacing("faulty", with: "not-sent")
                .split(separator: ";", omittingEmptySubsequences: false).prefix(4).joined(separator: ";") + ";"
        }
        let became = try rows(cluster, "report-lines.csv")
        #expect(foreseen == became && became.count > Self.citizens)
        #expect(try job(cluster, ["verify", file] + data + day).wait() == 0)
        #expect(try !cluster.text("job-verify.out").contains("the workers have gone on"))
        // Of a copy from before it is said that it is one.
        #expect(try job(cluster, ["verify", file, "--data", copy] + day).wait() == 3)
        let compared = try cluster.text("job-verify.out")
        #expect(compared.contains("are copies, and the workers have gone on since: what the job did"), "\(compared)")
        // And so are the notifications, by kind and channel.
        var expected: [String: Int] = [:]
        for row in try cluster.text("move-1.files/plan.csv").split(separator: "\r\n")
        where row.hasPrefix("notifications;") {
            let fields = row.split(separator: ";", omittingEmptySubsequences: false)
            expected["\(fields[1]) \(fields[2])"] = Int(fields[4])
        }
        #expect(expected.values.reduce(0, +) > 100)
        try cluster.wait(seconds: 60) { try difference(notifications(cluster), before) == expected }
        try noPersonalData(folder)
        // The same again sends nothing and changes nothing.
        #expect(try job(cluster, ["run", file]).wait() == 3)
        #expect(try Checkpoint.read(folder + "/checkpoint.json")?.sent == done.sent)
        try undo(cluster, file, data: data, day: day)
        #expect(worker.terminate() == 0)
        try cluster.stop()
    }

    /// Everybody is back where they lived, with the grants they had, and what comes on a day to come is taken back too.
    private func undo(_ cluster: KafkaCluster, _ file: String, data: [String], day: [String]) throws {
        #expect(try job(cluster, ["undo", file] + data + day).wait() == 0)
        let undoing = cluster.directory + "/move-1-undo.yaml"
        let plan = try String(contentsOfFile: cluster.directory + "/move-1-undo.files/plan.csv", encoding: .utf8)
        // Of the 108 who live, those who moved on and back were never dormant in the end.
        #expect(plan.contains("grants;wakes;care;0101 København;") && !plan.contains("goes dormant"), "\(plan)")
        #expect(try job(cluster, ["run", undoing] + data).wait() == 0)
        #expect(try job(cluster, ["report", undoing, "--wait", "60"]).wait() == 0)
        #expect(try job(cluster, ["verify", undoing] + data + day).wait() == 0)
        let homes = try cluster.dump().filter { $0.contains(#""table":"grant""#) && $0.contains(#""state":"dormant""#) }
        #expect(homes.isEmpty, "\(homes.first ?? "")")
    }

    @Test("SIGTERM stops a run cleanly: what the checkpoint says was sent was sent, and no more")
    func stopped() throws {
        let cluster = try KafkaCluster(start: KafkaCluster.jobStart)
        try writeJob(cluster)
        let file = cluster.directory + "/move-1.yaml"
        let checkpoint = cluster.directory + "/move-1.files/checkpoint.json"
        let free = ["--without-plan", "--max-delay-ms", "0"]
        let run = try job(cluster, ["run", file, "--rate", "5"] + free)
        try cluster.wait(seconds: 60) { try Checkpoint.read(checkpoint).map { $0.sent > 0 } ?? false }
        // Only one at a time.
        #expect(try job(cluster, ["run", file]).wait() == 1)
        #expect(run.terminate() == 75)
        let found = try #require(try Checkpoint.read(checkpoint))
        #expect(found.state == .stopped && found.slowBecause == "--rate 5 is kept")
        #expect(try ends(cluster) == found.sent)
        #expect(try job(cluster, ["cancel", file]).wait() == 0)
        #expect(try job(cluster, ["resume", file]).wait() == 1)
        #expect(try ends(cluster) == found.sent)
        // Nobody has answered: the lines that were sent are unaccounted for.
        #expect(try job(cluster, ["report", file]).wait() == 3)
        // Another input under the same id is refused.
        try Data("Personnummer;Til;Dato\r\n".utf8).write(to: URL(fileURLWithPath: cluster.directory + "/moves.csv"))
        #expect(try job(cluster, ["run", file]).wait() == 1)
        try cluster.stop()
    }

    @Test("a job whose folder was lost runs to its end again, and changes nothing: with a plan it sends nothing either")
    func folderLost() throws {
        let cluster = try KafkaCluster(start: KafkaCluster.jobStart)
        let worker = try cluster.worker("w1")
        // So many that a run would be held back for good if it waited for all of them.
        let count = 300
        let rows = (0..<count).map { "\(KafkaCluster.cpr($0));751;2026-02-01" }
        let file = try cluster.writeMoves("move-1", rows)
        let folder = cluster.directory + "/move-1.files"
        let data = ["--data", cluster.directory + "/data"]
        #expect(try job(cluster, ["run", file, "--without-plan"]).wait() == 0)
        try cluster.wait(seconds: 60, for: "rest") { try cluster.isQuiet() }
        #expect(try cluster.observe().outcomes.count == count && ends(cluster) == count)
        let dump = try cluster.dump()

        try FileManager.default.removeItem(atPath: folder)
        #expect(try job(cluster, ["plan", file, "--today", "2026-03-02"] + data).wait() == 0)
        try awaitEnd(cluster, in: folder, of: try job(cluster, ["run", file] + data))
        #expect(try ends(cluster) == count)
        // Without a plan nobody knows, and all of it is sent again.
        try FileManager.default.removeItem(atPath: folder)
        try awaitEnd(cluster, in: folder, of: try job(cluster, ["run", file, "--without-plan"]))
        try cluster.wait(seconds: 60, for: "rest") { try cluster.isQuiet() }
        #expect(try ends(cluster) == 2 * count && cluster.observe().outcomes.count == count)
        #expect(try cluster.dump() == dump)
        #expect(try job(cluster, ["report", file]).wait() == 0)
        #expect(worker.terminate() == 0)
        try cluster.stop()
    }

    /// Waits for a run's end, which must come.
    private func awaitEnd(_ cluster: KafkaCluster, in folder: String, of run: ChildProcess) throws {
        try cluster.wait(seconds: 90, for: "the end of the run") {
            try Checkpoint.read(folder + "/checkpoint.json")?.state == .done
        }
        #expect(run.wait() == 0)
    }

    /// The rows of a CSV in the job's folder, but for its header.
    private func rows(_ cluster: KafkaCluster, _ name: String) throws -> [String] {
        try cluster.text("move-1.files/\(name)").split(separator: "\r\n").dropFirst().map { String($0) }
    }

    private func ends(_ cluster: KafkaCluster) throws -> Int {
        Int(try cluster.ends(of: .moveCommands).values.reduce(0, +))
    }

    private func notifications(_ cluster: KafkaCluster) throws -> [String: Int] {
        var counts: [String: Int] = [:]
        for notification in try cluster.observe().notifications {
            counts["\(notification.kind) \(notification.channel)", default: 0] += 1
        }
        return counts
    }

    private func difference(_ after: [String: Int], _ before: [String: Int]) -> [String: Int] {
        after.merging(before) { $0 - $1 }.filter { $0.value != 0 }
    }

    /// Only the rejects hold numbers of persons, and only their owner may read them.
    private func noPersonalData(_ folder: String) throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
            let path = folder + "/" + name
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber
            #expect(mode?.intValue == 0o600, "\(name)")
            if name == "rejects.csv" || name == "lock" { continue }
            let text = String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
            #expect(!text.contains("610150"), "\(name)")
        }
    }
}
