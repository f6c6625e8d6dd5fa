import Foundation
import FuldmagtDomain
import FuldmagtTestBroker
import Testing

/// What commands make of wrong arguments, settings and files, and of a place to write to that takes nothing; without a broker.
struct CommandLineTests {
    private static let exampleRecords = Contract.records.filter {
        [.grantCommands, .moveCommands, .exemptionCommands, .catalogue].contains($0.topic)
    }.map(\.name)

    /// A new folder.
    private func folder() throws -> String {
        let folder = NSTemporaryDirectory() + "fuldmagt-command-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        return folder
    }

    private func isThere(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    // MARK: Settings

    @Test(
        "outside test mode a worker and a consumer need the authority that people are told by; nothing is made before",
        arguments: [
            ("", "worker", "FULDMAGT_SENDER_CVR is not set"),
            ("FULDMAGT_SENDER_CVR=10000009", "worker", "FULDMAGT_SENDER_NAME is not set"),
            ("FULDMAGT_SENDER_NAME=Example", "worker", "FULDMAGT_SENDER_CVR is not set"),
            ("", "post memo --once", "FULDMAGT_SENDER_CVR is not set"),
        ])
    func sender(_ settings: String, _ command: String, _ said: String) throws {
        let folder = try folder()
        try String(repeating: "7e57", count: 16).write(
            toFile: folder + "/key", atomically: false, encoding: .utf8)
        // A worker that would start waits for its broker; the time it is given is for that.
        let (status, text) = try Program.shell(
            "\(settings) timeout 60 \"$0\" \(command)",
            environment: [
                "FULDMAGT_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "FULDMAGT_CLUSTER_KEY_FILE": folder + "/key",
                "FULDMAGT_DATA": folder + "/data",
            ])
        #expect(status == 78 && text.contains(said))
        #expect(!isThere(folder + "/data"))
        try FileManager.default.removeItem(atPath: folder)
    }

    @Test(
        "who may change the catalogue is refused where sources are not enforced, as it would hold nobody back",
        arguments: ["", "off", "warn"])
    func administrators(_ sources: String) throws {
        let (status, text) = try Program.shell(
            "timeout 60 \"$0\" worker",
            environment: [
                "FULDMAGT_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "FULDMAGT_TEST_MODE": "1",
                "FULDMAGT_ADMINISTRATORS": "10000009", "FULDMAGT_SOURCES": sources,
                "FULDMAGT_DATA": NSTemporaryDirectory() + "fuldmagt-administrators-\(UUID().uuidString)",
            ])
        #expect(status == 78 && text.contains("set FULDMAGT_SOURCES=enforce on every worker"))
    }

    @Test(
        "a wrong setting is told before a folder is made",
        arguments: [
            ("FULDMAGT_TEST_MODE=2", "worker"), ("FULDMAGT_STOP_SECONDS=0", "worker"), ("FULDMAGT_HTTP=x", "worker"),
            ("FULDMAGT_HTTP=x", "post letters"), ("FULDMAGT_KAFKA_ACKS=1", "post receipts"),
        ])
    func nothingMade(_ setting: String, _ command: String) throws {
        let folder = try folder()
        let (status, _) = try Program.shell(
            "export FULDMAGT_TEST_MODE=1 \(setting); timeout 60 \"$0\" \(command)",
            environment: ["FULDMAGT_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "FULDMAGT_DATA": folder + "/data"])
        #expect(status == 78)
        #expect(!isThere(folder + "/data"))
        try FileManager.default.removeItem(atPath: folder)
    }

    @Test("a KLE list as Windows writes it, with a mark and CR LF, or as CSV, is read whole")
    func kleOfWindows() throws {
        let folder = try folder()
        let line = try Program.run(["contract", "example", "package.define", "--event"]).text
        try line.write(toFile: folder + "/package.jsonl", atomically: false, encoding: .utf8)
        // The example's own number comes last.
        for (name, list) in [
            ("lines", "\u{FEFF}27.60.20\r\n27.60.21\r\n27.60\r\n32\r\n32.06\r\n"),
            (
                "csv",
                "\u{FEFF}27.60.20;Titel\r\n27.60.21;Titel, anden\r\n\"27.60\";x\r\n\"32\";x\r\n\"32.06\";x\r\n"
            ),
        ] {
            try list.write(toFile: "\(folder)/\(name)", atomically: false, encoding: .utf8)
            let environment = ["FULDMAGT_KLE_FILE": "\(folder)/\(name)", "FULDMAGT_TEST_MODE": "1"]
            let checked = try Program.run(["validate", folder + "/package.jsonl"], environment: environment)
            #expect(checked.status == 0, "\(checked.text)")
            // A worker that waits for its broker says how many it has read.
            let log = "\(folder)/\(name).log"
            let worker = try ChildProcess(
                KafkaCluster.program, ["worker"],
                environment: environment.merging(
                    ["FULDMAGT_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "FULDMAGT_DATA": folder + "/data"]
                ) { one, _ in one }, log: log)
            #expect(
                try Poll.until(seconds: 120) {
                    try String(contentsOfFile: log, encoding: .utf8).contains(#""numbers":"5""#)
                })
            worker.kill()
        }
        try FileManager.default.removeItem(atPath: folder)
    }

    // MARK: Arguments

    @Test(
        "wrong arguments end with 64",
        arguments: [
            "post show x", "post memo --chunk 0", "post receipts --listen nowhere", "post receipts --listen 0.0.0.0:1",
            "post memo --endpoint ftp://example", "outcomes --kind grant.isue", "outcomes --status wrong",
            "notifications --kind wrong", "bench --latency", "bench --log kafka --restore", "bench --commands 0",
            "bench --citizens 0 --commands 10", "bench --partitions 0", "contract example no-such",
            "contract example outcome --event", "simulate --seed 18446744073709551615 --seeds 2",
        ])
    func arguments(_ line: String) throws {
        let (status, text) = try Program.shell(
            "timeout 60 \"$0\" \(line)",
            environment: [
                "FULDMAGT_TEST_MODE": "1", "FULDMAGT_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
                "FULDMAGT_DATA": NSTemporaryDirectory() + "fuldmagt-arguments-\(UUID().uuidString)",
            ])
        #expect(status == 64, "\(text)")
    }

    @Test("kinds of this version, of a later one and whole types are let through")
    func kinds() throws {
        for kind in ["grant.issue.v2", "dk.fuldmagt.grant.suspend.v1"] {
            let (status, text) = try Program.shell(
                "timeout 20 \"$0\" outcomes --kind \(kind)",
                environment: ["FULDMAGT_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"])
            #expect(status == 124 && text.contains("no broker answers at 127.0.0.1:1 yet"))
        }
    }

    @Test("simulations that are ended tell how far they came, and leave no disks behind")
    func endedSimulation() throws {
        let (_, text) = try Program.shell(
            """
            "$0" simulate --seeds 1000000 --jobs 2 & p=$!
            disks() { ls -d "/dev/shm/fuldmagt-simulation-$p-"* "${TMPDIR:-/tmp}/fuldmagt-simulation-$p-"* 2>/dev/null | grep -q .; }
            until disks; do kill -0 $p || exit 9; sleep 0.1; done
            kill $p; wait $p; echo "status $?"; disks || echo "no disks"
            """, environment: [:])
        #expect(text.contains("seeds from 1: 0 failed"), "\(text)")
        #expect(text.contains("ended by a signal; go on with --seed "), "\(text)")
        #expect(text.contains("status 1\n") && text.contains("no disks\n"), "\(text)")
    }

    @Test("the accounts of transports that were never simulated are no good ones")
    func noLedgers() throws {
        let folder = try folder()
        let report = ["post", "simulate", "--report"]
        let empty = try Program.run(report, environment: ["FULDMAGT_DATA": folder + "/data"])
        #expect(empty.status == 1 && empty.text.contains("has no ledger of post memo or post letters"))
        #expect(!isThere(folder + "/data"))
        try Data().write(to: URL(fileURLWithPath: folder + "/memo.sqlite"))
        let unsimulated = try Program.run(report + ["--ledgers", folder])
        #expect(unsimulated.status == 1 && unsimulated.text.contains("begin with: fuldmagt post simulate"))
        try FileManager.default.removeItem(atPath: folder)
    }

    // MARK: Files

    @Test("the example of every record that clients write is an event that validate takes", arguments: exampleRecords)
    func examples(_ name: String) throws {
        let (status, text) = try Program.shell(
            "set -o pipefail; \"$0\" contract example \(name) --event | \"$0\" validate - --test-persons")
        #expect(status == 0 && text == "1 line, 0 with faults\n", "\(text)")
    }

    @Test("a file that is not JSON lines is told so once, and what makes it so", arguments: ["validate", "publish"])
    func noJSONLines(_ command: String) throws {
        for made in ["cat", "jq -s -c ."] {
            let (status, text) = try Program.shell(
                "\"$0\" contract example grant.issue | \(made) | \"$0\" \(command) -",
                environment: ["FULDMAGT_TEST_MODE": "1", "FULDMAGT_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"])
            #expect(status == 3)
            #expect(text.split(separator: "\n").count == 1, "\(text)")
            #expect(text.contains("line 1: invalid-json: the file is not JSON lines") && text.contains("jq -c"))
        }
    }

    @Test("an id that a producer made of a CPR number is masked where faults are told", arguments: ["", "--json"])
    func idWithNumber(_ option: String) throws {
        let event =
            #"{"specversion":"1.0","id":"m-6101500014-1","type":"dk.fuldmagt.move.relocate.v1","source":"urn:dk:cvr:29189846","data":{"citizen":{"cpr":"6101500014"},"to":"9999","effective":"2020-01-01"}}"#
        let (status, text) = try Program.shell("echo '\(event)' | \"$0\" validate - --test-persons \(option)")
        #expect(status == 3 && text.contains("unknown-municipality"), "\(text)")
        #expect(text.contains("m-**********-1") && !text.contains("6101500014"), "\(text)")
    }

    @Test("a job whose id holds a CPR number is not begun, and goes on where it was begun before")
    func jobWithNumber() throws {
        let folder = try folder()
        try Data("citizen,to\n".utf8).write(to: URL(fileURLWithPath: folder + "/moves.csv"))
        let job = folder + "/moves.job"
        try Data(
            """
            job: moves-6101500014
            kind: moves
            source: urn:dk:cvr:29189846
            input: moves.csv
            columns:
              citizen: citizen
              to: to
            defaults:
              effective: 2026-01-01
            """.utf8
        ).write(to: URL(fileURLWithPath: job))
        let refused = try Program.run(["job", "status", job])
        #expect(refused.status == 78 && refused.text.contains("holds what looks like a CPR number"), "\(refused)")
        #expect(!refused.text.contains("6101500014"))
        let files = folder + "/moves-6101500014.files"
        try FileManager.default.createDirectory(atPath: files, withIntermediateDirectories: true)
        try Data("{}".utf8).write(to: URL(fileURLWithPath: files + "/checkpoint.json"))
        let begun = try Program.run(["job", "status", job])
        #expect(!begun.text.contains("holds what looks like"), "\(begun)")
    }

    @Test("a folder in a file's place is told, and is no trap", arguments: ["validate", "publish"])
    func folderForFile(_ command: String) throws {
        let (status, text) = try Program.run(
            [command, NSTemporaryDirectory()], environment: ["FULDMAGT_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"])
        #expect(status == 1 && text.contains("cannot be read"))
    }

    @Test("a broker that is away is told with its address, before a whole file is read for it")
    func publishWithoutBroker() throws {
        let (status, text) = try Program.shell(
            "yes \"$(\"$0\" contract example grant.issue --event)\" | timeout 20 \"$0\" publish - --quiet",
            environment: ["FULDMAGT_TEST_MODE": "1", "FULDMAGT_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"])
        #expect(status == 124)
        #expect(text.contains("no broker answers at 127.0.0.1:1 yet"))
    }

    // MARK: Standard output

    private static let writers = [
        "contract asyncapi", "contract schema grant.issue", "contract example grant.issue",
        "contract example grant.issue --event", "contract list", "metrics", "metrics --json", "post preview",
        "validate <(echo x)", "validate --json <(echo x)", "bench --commands 10 --citizens 2 --partitions 1",
        "simulate --seeds 1 --jobs 1", "simulate --seeds 1 --jobs 1 --trace", "post check \"$0\"",
    ]

    @Test("what cannot be written to a full disk is told, and the command ends with 1", arguments: writers)
    func fullDisk(_ line: String) throws {
        let (status, text) = try Program.shell("\"$0\" \(line) > /dev/full")
        #expect(status == 1, "\(text)")
        #expect(text.contains("fuldmagt: standard output cannot be written: No space left on device"))
    }

    @Test("who reads a pipe may leave: the command ends as others do, without a word", arguments: [true, false])
    func closedPipe(_ isIgnored: Bool) throws {
        // SIGPIPE ends it; where that is ignored, as services have it, the write fails.
        let (status, text) = try Program.shell(
            "\(isIgnored ? "trap '' PIPE; " : "")\"$0\" contract asyncapi | head -c 1 > /dev/null; exit ${PIPESTATUS[0]}"
        )
        #expect(status == 141 && text.isEmpty, "\(text)")
    }

    @Test("folders and files are made for their owner only, whatever the shell would make them for")
    func modes() throws {
        let folder = try folder()
        let (status, text) = try Program.shell(
            "umask 022; \"$0\" bench --commands 100 --citizens 20 --partitions 2 --data \(folder)/new/data")
        #expect(status == 0, "\(text)")
        let made = try FileManager.default.subpathsOfDirectory(atPath: folder)
        #expect(made.count > 3)
        for name in made {
            let mode = try FileManager.default.attributesOfItem(atPath: "\(folder)/\(name)")[.posixPermissions]
            let others = try #require(mode as? NSNumber).intValue & 0o077
            #expect(others == 0, "\(name)")
        }
        try FileManager.default.removeItem(atPath: folder)
    }

    @Test("the state of shards is written out whole or not said to be")
    func dump() throws {
        let folder = try folder()
        let made = try Program.run(
            ["bench", "--commands", "100", "--citizens", "20", "--partitions", "2", "--data", folder])
        #expect(made.status == 0, "\(made.text)")
        let whole = try Program.run(["store", "dump", "--data", folder])
        #expect(whole.status == 0 && whole.text.split(separator: "\n").count > 100)
        for line in ["store dump", "store check"] {
            let (status, text) = try Program.shell("\"$0\" \(line) --data \(folder) > /dev/full")
            #expect(status == 1 && text.contains("standard output cannot be written"), "\(text)")
        }
        try FileManager.default.removeItem(atPath: folder)
    }

    @Test("copies of shards say the same as the shards, and replace nothing")
    func copies() throws {
        let folder = try folder()
        let (shards, copies) = (folder + "/shards", folder + "/new/copies")
        let made = try Program.run(
            ["bench", "--commands", "100", "--citizens", "20", "--partitions", "2", "--data", shards])
        #expect(made.status == 0, "\(made.text)")
        let copied = try Program.run(["store", "copy", "--data", shards, "--to", copies])
        #expect(copied.status == 0 && copied.text.contains("shard 1: frame "), "\(copied.text)")
        let whole = try Program.run(["store", "dump", "--data", shards])
        let same = try Program.run(["store", "dump", "--data", copies])
        #expect(same.status == 0 && same.text == whole.text)
        let again = try Program.run(["store", "copy", "--data", shards, "--to", copies])
        #expect(again.status == 1 && again.text.contains("is not replaced"), "\(again.text)")
        try FileManager.default.removeItem(atPath: folder)
    }
}
