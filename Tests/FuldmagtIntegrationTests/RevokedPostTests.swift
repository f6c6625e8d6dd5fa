import Foundation
import FuldmagtDomain
import FuldmagtKafka
import FuldmagtPost
import FuldmagtRecord
import FuldmagtTestBroker
import FuldmagtTestKit
import Testing

/// A revocation while a thousand notifications to the representative are queued, on a real broker, with processes of their
/// own for worker and sender: nothing that was written before it is handed over once its outcome can be seen.
@Suite(.serialized) struct RevokedPostTests {
    private static let packages = 50
    private static let renewals = 19
    private static let grantor = KafkaCluster.cpr(1)
    private static let representative = KafkaCluster.cpr(2)

    /// A worker that has told the representative a thousand times about fifty grants, and nobody who sends it.
    private final class Scene {
        let cluster: KafkaCluster
        let worker: ChildProcess
        private var sender: ChildProcess?

        init() throws {
            cluster = try KafkaCluster(start: KafkaCluster.jobStart)
            worker = try cluster.worker("w1", environment: ["FULDMAGT_RECEIPT_QUEUED_HOURS": "336"])
            try cluster.send(
                (0..<packages).map {
                    KafkaCluster.record(
                        "package.define",
                        #"{"id":"p\#($0)","version":1,"title":{"da":"Eksempel \#($0)","en":"Example"},"wording":{"da":"Jeg giver fuldmagt.","en":"I give."},"kind":"act","scope":"national","kle":["32.06"]}"#,
                        id: "p\($0)", topic: .catalogue, key: "package/p\($0)")
                })
            try cluster.wait(seconds: 120) { try cluster.observe().outcomes.count == packages }
            let names = (0..<packages).map { "\"p\($0)\"" }.joined(separator: ",")
            try cluster.send([
                command(
                    "grant.issue", #""packages":[\#(names)],"validUntil":"2030-01-01","channel":"digital""#, id: "g")
            ])
            try cluster.wait(seconds: 120) { try cluster.observe().outcomes.count == packages + 1 }
            let grants = try cluster.observe().outcomes.first { $0.id == "g" }?.grants.map(\.id) ?? []
            try cluster.send(
                (1...renewals).flatMap { round in
                    grants.map {
                        KafkaCluster.record(
                            "grant.renew",
                            #"{"grantor":{"cpr":"\#(grantor)"},"grant":"\#($0)","version":\#(round),"validUntil":"2030-03-\#(round + 10)"}"#,
                            id: "n\(round)-\($0)", topic: .grantCommands, key: grantor)
                    }
                })
            try cluster.wait(seconds: 300) { try told().count == 1_000 }
        }

        private func command(_ type: String, _ members: String, id: String) -> ModelRecord {
            KafkaCluster.record(
                type,
                #"{"grantor":{"cpr":"\#(grantor)"},"representative":{"cpr":"\#(representative)"},\#(members)}"#, id: id,
                topic: .grantCommands, key: grantor)
        }

        /// Ids of what the representative was told of before.
        func told() throws -> Set<String> {
            Set(
                try cluster.observe().notifications
                    .filter {
                        $0.recipient == representative && $0.kind != "cancelled" && $0.kind != "grant-revoked"
                    }.map(\.id))
        }

        /// Of both.
        func withdrawn() throws -> Set<String> {
            Set(try cluster.observe().notifications.filter { $0.kind == "cancelled" }.map(\.id))
        }

        // MARK: The sender

        private var outbox: String { cluster.directory + "/post/memo" }

        func send(chunk: Int, looks: Bool = true) throws {
            sender = try ChildProcess(
                KafkaCluster.program,
                [
                    "post", "memo", "--ledgers", cluster.directory + "/post", "--quiet-seconds", "0", "--chunk",
                    "\(chunk)", "--pause", "20",
                ],
                environment: [
                    "FULDMAGT_KAFKA_BOOTSTRAP_SERVERS": cluster.broker.address, "FULDMAGT_TEST_MODE": "1",
                    "FULDMAGT_TEST_LOOK": looks ? "1" : "0",
                ], log: cluster.directory + "/memo.log")
        }

        func pause() { sender?.pause() }
        func resume() { sender?.resume() }

        /// Names of files that begin with this.
        func names(_ isIncluded: (String) -> Bool) throws -> [String] {
            guard FileManager.default.fileExists(atPath: outbox) else { return [] }
            return try FileManager.default.contentsOfDirectory(atPath: outbox).filter(isIncluded)
        }

        /// When each message was handed over, in nanoseconds since 1970, by its id: a file system notes the time of a
        /// file's last change of name.
        func arrivals() throws -> [String: Int64] {
            var arrivals: [String: Int64] = [:]
            for name in try names({ $0.hasSuffix(".xml") && !$0.hasPrefix(".") }) {
                var status = stat()
                try #require(stat("\(outbox)/\(name)", &status) == 0)
                arrivals[String(name.prefix(36))] =
                    Int64(status.st_ctim.tv_sec) * 1_000_000_000 + Int64(status.st_ctim.tv_nsec)
            }
            return arrivals
        }

        /// Whether the sender has done all it could.
        func isAtRest() throws -> Bool {
            let accounts = try LedgerReader(paths: [cluster.directory + "/post/memo.sqlite"]).accounts()
            guard let account = accounts.first else { return false }
            let waiting = (account.notifications[.queued] ?? 0) + (account.notifications[.fixed] ?? 0)
            return try account.position == cluster.ends(of: .notifications).values.reduce(0, +) && waiting == 0
                && account.untold == 0
        }

        // MARK: The revocation

        /// Revokes everything, and waits until a consumer of committed outcomes sees that it is done.
        /// - Returns: when it did, in nanoseconds since 1970.
        func revoke() throws -> Int64 {
            let reader = try RecordReader(
                KafkaConfiguration(["bootstrap.servers": cluster.broker.address]), topics: Topic.names)
            let ends = try cluster.ends(of: .outcomes)
            try reader.assign(
                Dictionary(
                    uniqueKeysWithValues: ends.map {
                        (TopicPartition(topic: Topic.outcomes.name, partition: $0.key), .offset($0.value))
                    }))
            let names = (0..<packages).map { "\"p\($0)\"" }.joined(separator: ",")
            try cluster.send([command("grant.revoke", #""packages":[\#(names)],"by":"grantor""#, id: "r")])
            var seenAt: Int64?
            var batches: [Int32: RecordBatch] = [:]
            try cluster.wait(seconds: 120, for: "the outcome of the revocation") {
                try reader.poll(maximumRecords: 1_000, timeoutMilliseconds: 5, into: &batches)
                for partition in batches.keys.sorted() {
                    batches[partition]?.withRecords { records in
                        for record in records where record.key.map({ Array($0) }) == Array("r".utf8) {
                            var time = timespec()
                            clock_gettime(CLOCK_REALTIME, &time)
                            seenAt = Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
                        }
                    }
                    batches[partition]?.removeAll()
                }
                return seenAt != nil
            }
            #expect(try cluster.observe().outcomes.first { $0.id == "r" }?.status == "accepted")
            return try #require(seenAt)
        }

        func end() throws {
            try sender?.stop()
            try worker.stop()
            try cluster.stop()
        }
    }

    /// Of what the revocation withdrew, how much was handed over, and how much of that after its outcome could be seen.
    private func count(_ scene: Scene, seenAt: Int64) throws -> (withdrawn: Int, sent: Int, late: Int) {
        let withdrawn = try scene.withdrawn()
        let arrivals = try scene.arrivals().filter { withdrawn.contains($0.key) }
        return (withdrawn.count, arrivals.count, arrivals.values.count { $0 >= seenAt })
    }

    @Test(
        "a sender that stands still in the middle of a chunk while everything is revoked sends nothing of it; without its look, all",
        arguments: [true, false])
    func stopped(looks: Bool) throws {
        let scene = try Scene()
        // More than there is: what it sends, it fixes before the revocation.
        try scene.send(chunk: 5_000, looks: looks)
        try scene.cluster.wait(seconds: 60, for: "the chunk") { try !scene.names { $0.hasPrefix(".") }.isEmpty }
        scene.pause()
        let seenAt = try scene.revoke()
        scene.resume()
        try scene.cluster.wait(seconds: 120, for: "rest") { try scene.isAtRest() }
        let (withdrawn, sent, late) = try count(scene, seenAt: seenAt)
        #expect(withdrawn == 2_000)
        #expect(late == (looks ? 0 : 2_000) && sent == late)
        // Both are told that it was revoked.
        #expect(try scene.arrivals().count - sent == 2 * Self.packages)
        try scene.end()
    }

    @Test("while a sender works through them, nothing of what is revoked is handed over once the outcome can be seen")
    func working() throws {
        let scene = try Scene()
        try scene.send(chunk: 10)
        try scene.cluster.wait(seconds: 60, for: "first messages") { try scene.arrivals().count >= 100 }
        let seenAt = try scene.revoke()
        try scene.cluster.wait(seconds: 180, for: "rest") { try scene.isAtRest() }
        let (withdrawn, sent, late) = try count(scene, seenAt: seenAt)
        let told = try scene.told()
        let arrivals = try scene.arrivals().filter { told.contains($0.key) }
        #expect(late == 0 && arrivals.values.allSatisfy { $0 < seenAt })
        #expect(!arrivals.isEmpty && withdrawn - sent > 0)
        print("\(withdrawn) withdrawn, of which \(sent) were handed over before, \(late) late")
        try scene.end()
    }
}
