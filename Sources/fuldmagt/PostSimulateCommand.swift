import ArgumentParser
import Foundation
import FuldmagtDomain
import FuldmagtPost
import Logging

struct PostSimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate", abstract: "SIMULATION of Digital Post and a print supplier, for demos and tests.",
        discussion: """
            Takes what post memo and post letters wrote, and writes receipts for it: late, twice, out of order, or not \
            at all. Nothing reaches anybody. What happens to a message follows from --seed and its id.

            Examples:
              fuldmagt post simulate
              fuldmagt post simulate --failures 5 --duplicates 5 --reordered 20 --lost 2
              fuldmagt post simulate --report

            --report prints what was done and compares it with the ledgers; it ends with 3 where the two differ, with 1 \
            where there is nothing to compare, as nothing was sent yet.
            """)

    @OptionGroup var options: PostOptions
    @Option(help: "Folder of MeMo messages; default: memo beside the ledgers.")
    var memo: String?
    @Option(help: "Folder of batches of letters; default: letters beside the ledgers.")
    var letters: String?
    @Option(help: "Folder that receipts are written to; default: receipts beside the ledgers.")
    var receipts: String?
    @Option var seed: UInt64 = 1
    @Option(help: "Percent of messages that are not delivered.")
    var failures = 0.0
    @Option(help: "Percent of receipts that come twice.")
    var duplicates = 0.0
    @Option(help: "Percent of receipts that never come.")
    var lost = 0.0
    @Option(help: "Percent of receipts that come out of order.")
    var reordered = 0.0
    @Option(help: "Shortest time between two steps of a message's way.")
    var minDelayMs: Int64 = 0
    @Option(help: "Longest time between two steps of a message's way.")
    var maxDelayMs: Int64 = 1_000
    @Flag(help: "Print the accounts, and end.")
    var report = false

    func validate() throws {
        for (name, value) in [
            ("failures", failures), ("duplicates", duplicates), ("lost", lost), ("reordered", reordered),
        ] where !(0...100).contains(value) {
            throw ValidationError("--\(name) is \(value); from 0 to 100 percent are allowed")
        }
        guard minDelayMs >= 0, maxDelayMs >= minDelayMs, maxDelayMs <= 86_400_000 else {
            throw ValidationError("--max-delay-ms must be at least --min-delay-ms, and a day at most")
        }
    }

    func run() async throws {
        LoggingSystem.bootstrap { JSONLogHandler(label: $0) }
        let environment = try await Environment()
        if report { try expectLedgers(in: options.place(environment)) }
        let folder = try options.folder(environment)
        let simulation = try TransportSimulation(
            path: folder + "/simulation.sqlite",
            options: SimulationOptions(
                seed: seed, failures: failures, duplicated: duplicates, lost: lost, reordered: reordered,
                shortestDelay: minDelayMs, longestDelay: maxDelayMs),
            memo: memo ?? folder + "/memo", letters: letters ?? folder + "/letters",
            receipts: receipts ?? folder + "/receipts")
        if report {
            let report = SimulationReport(
                simulation: try simulation.counts(),
                ledgers: try LedgerReader(paths: [folder + "/memo.sqlite", folder + "/letters.sqlite"]).accounts())
            Output.text(report.text)
            if report.isEmpty { throw Exit.failure }
            if !report.addsUp { throw Exit.found }
            return
        }
        let stop = StopSignal()
        let logger = Logger(label: "simulation")
        logger.info("simulating Digital Post and a print supplier; nothing reaches anybody")
        while !stop.isRaised {
            let (taken, written) = try simulation.step(now: Host.now())
            guard taken == 0, written == 0 else { continue }
            if options.once, try simulation.counts().waiting == 0 { return }
            usleep(UInt32(min(options.pause, 50)) * 1000)
        }
    }

    /// Two accounts that are not there agree, and would say nothing of a wrong folder.
    private func expectLedgers(in folder: String) throws {
        func isThere(_ name: String) -> Bool { FileManager.default.fileExists(atPath: "\(folder)/\(name).sqlite") }
        guard isThere("memo") || isThere("letters") else {
            throw Exit.saying(
                "\(folder) has no ledger of post memo or post letters; --ledgers names their folder, or FULDMAGT_DATA the one above",
                Exit.failure)
        }
        guard isThere("simulation") else {
            throw Exit.saying(
                "no transport was simulated in \(folder); begin with: fuldmagt post simulate", Exit.failure)
        }
    }
}
