import Foundation
import FuldmagtDomain
import FuldmagtJobs
import FuldmagtRecord
import Testing

/// Every line is accounted for, once: what workers answered, and what they did not.
@Suite struct ReconciliationTests {
    private func answer(
        _ id: String, status: String, code: String? = nil, job: String = "m1", source: String = Sample.source
    ) -> RecordBatch {
        let reasons = code.map { #","reasons":[{"code":"\#($0)"}]"# } ?? ""
        return record(
            [("ce_jobid", job)],
            #"{"command":{"id":"\#(id)","type":"t","source":"\#(source)"},"status":"\#(status)"\#(reasons)}"#)
    }

    private func record(_ headers: [(String, String)], _ value: String) -> RecordBatch {
        var batch = RecordBatch()
        Array(value.utf8).withUnsafeBytes { value in
            batch.append(topic: 0, offset: 0, timestamp: 0, key: nil, value: value) { block in
                for (name, value) in headers { HeaderBlock.append(name: name, value: value, to: &block) }
            }
        }
        return batch
    }

    private func lines() throws -> [JobLine] {
        let rows = (1...6).map { "\(Sample.cpr($0));0101;2026-01-01\n" }
        return try Sample.lines(
            Sample.job(), "cpr;kommune;dato\n" + rows.joined() + "\(Sample.cpr(6));0101;2026-01-01\nx;y;z\n")
    }

    private func reconcile(through line: Int, _ lines: [JobLine]) throws -> Reconciliation {
        var found = Reconciliation(job: try Sample.job(), sentThrough: line)
        for line in lines { found.take(line) }
        return found
    }

    @Test("in = accepted + rejected + duplicate + dead-lettered + not sent, and the rest is told by line")
    func sums() throws {
        let lines = try lines()
        let ids = lines.compactMap { $0.command?.id }
        var found = try reconcile(through: 6, lines)
        answer(ids[0], status: "accepted").withRecords { found.take(outcome: $0[0]) }
        answer(ids[1], status: "rejected", code: "citizen-dead").withRecords { found.take(outcome: $0[0]) }
        answer(ids[2], status: "parked").withRecords { found.take(outcome: $0[0]) }
        record(
            [("ce_jobid", "m1"), ("ce_id", ids[3]), ("ce_source", Sample.source), ("dl_reason", "id-reused")], "x"
        ).withRecords { found.take(deadLetter: $0[0]) }
        // Others' answers are passed over.
        answer(ids[4], status: "accepted", job: "m2").withRecords { found.take(outcome: $0[0]) }
        answer(ids[4], status: "accepted", source: "urn:dk:cvr:29189846").withRecords { found.take(outcome: $0[0]) }
        let result = found.result
        #expect(result.total == 8 && result.accepted == 1 && result.rejected == ["citizen-dead": 1])
        #expect(result.duplicates == 1 && result.deadLettered == ["id-reused": 1])
        #expect(result.faultyCount == 1 && result.notReached == 1 && result.notSent == 2)
        #expect(result.unaccounted.first == [4, 6] && !result.addsUp)
        let sum = result.accepted + result.rejectedCount + result.duplicates + result.deadLetteredCount + result.notSent
        #expect(sum + result.unaccounted.count == result.total)
        var rows: [String] = []
        found.forEach { rows.append($0.csv()) }
        #expect(
            rows.joined() == """
                2;accepted;;;\r
                3;rejected;citizen-dead;;\r
                4;unaccounted;parked;;\r
                5;dead-lettered;id-reused;;\r
                6;unaccounted;;;\r
                7;not-sent;not-reached;;\r
                8;duplicate;of line 7;;\r
                9;not-sent;unreadable-number;;\r

                """)
    }

    @Test(
        "an outcome counts although the checkpoint does not know that its line was sent; after a wait and a replay too")
    func late() throws {
        let lines = try lines()
        var found = try reconcile(through: 1, lines)
        for id in lines.compactMap({ $0.command?.id }) {
            record(
                [("ce_jobid", "m1"), ("ce_id", id), ("ce_source", Sample.source), ("dl_reason", "too-large")], "x"
            ).withRecords { found.take(deadLetter: $0[0]) }
            answer(id, status: "accepted").withRecords { found.take(outcome: $0[0]) }
            answer(id, status: "parked").withRecords { found.take(outcome: $0[0]) }
        }
        #expect(found.result.accepted == 6 && found.result.deadLetteredCount == 0 && found.result.addsUp)
    }

    @Test("a second final answer, and answers to lines that the input does not have, are told")
    func doubled() throws {
        let lines = try lines()
        let ids = lines.compactMap { $0.command?.id }
        var found = try reconcile(through: 9, lines)
        for id in ids + [ids[0]] { answer(id, status: "accepted").withRecords { found.take(outcome: $0[0]) } }
        #expect(found.result.doubled.first == [2] && found.result.strangers == 0 && !found.result.addsUp)
        for id in ["m1-2-0000000000000000", "m1-77-\(ids[0].suffix(16))", "m1-x", "other"] {
            answer(id, status: "accepted").withRecords { found.take(outcome: $0[0]) }
        }
        #expect(found.result.strangers == 4)
    }

    @Test(
        "a checkpoint is read as it was written, whole or not at all; the rejects are the input's own bytes, for the owner"
    )
    func files() throws {
        let folder = NSTemporaryDirectory() + "fuldmagt-job-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer {
            do { try FileManager.default.removeItem(atPath: folder) } catch { Issue.record("\(error)") }
        }
        let path = folder + "/checkpoint.json"
        #expect(try Checkpoint.read(path) == nil)
        var checkpoint = Checkpoint(job: "m1", input: "ab", size: 1000, at: Instant(milliseconds: 1_795_514_400_000))
        (checkpoint.line, checkpoint.position, checkpoint.sent, checkpoint.perSecond) = (5, 500, 4, 2)
        checkpoint.slowBecause = "--rate 2 is kept"
        try checkpoint.write(to: path)
        #expect(try Checkpoint.read(path) == checkpoint)
        #expect(checkpoint.progress.contains("50 %") && checkpoint.progress.contains("about 2 s left"))
        #expect(checkpoint.progress.hasSuffix("· --rate 2 is kept"))
        // One of a version before ids were keyed.
        let former = String(decoding: checkpoint.json, as: UTF8.self).replacing(#","keyedIDs":true"#, with: "")
        #expect(try checkpoint.hasKeyedIDs && !Checkpoint(json: Array(former.utf8)).hasKeyedIDs)
        try Data(checkpoint.json.dropLast(20)).write(to: URL(fileURLWithPath: path))
        #expect(throws: Checkpoint.Unusable.self) { try Checkpoint.read(path) }

        let input =
            Array("cpr;kommune;dato\r\n\"x;0101;2026-01-01\r\(Sample.cpr(1));0101;2026-01-01\n".utf8) + [0xFF, 59, 59]
        let rejects = try RejectsFile(rejects: folder + "/rejects.csv", faults: folder + "/faults.csv")
        for line in try Sample.lines(Sample.job(), input) { try rejects.take(line) }
        try rejects.close()
        let written = try Data(contentsOf: URL(fileURLWithPath: folder + "/rejects.csv"))
        #expect(Array(written) == Array("cpr;kommune;dato\r\n\"x;0101;2026-01-01\r".utf8) + [0xFF, 59, 59])
        let mode = try FileManager.default.attributesOfItem(atPath: folder + "/rejects.csv")[.posixPermissions]
        #expect((mode as? NSNumber)?.intValue == 0o600)
        let faults = try String(contentsOfFile: folder + "/faults.csv", encoding: .utf8)
        #expect(faults.contains("2;1;;open-quote;") && faults.contains("4;1;;encoding;"))
    }

    @Test("another input, or another reading of it, has another digest")
    func digest() throws {
        var digests: Set<String> = []
        for (changes, bytes) in [
            ("", "a"), ("", "b"), (#","encoding":"iso-8859-1""#, "a"), (#","defaults":{"to":"0101"}"#, "a"),
        ] {
            var digest = InputDigest(try Sample.job(changes))
            digest.feed(Array(bytes.utf8))
            digests.insert(digest.text)
        }
        #expect(digests.count == 4 && digests.allSatisfy { $0.count == 64 })
    }
}
