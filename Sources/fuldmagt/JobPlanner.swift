import ArgumentParser
import Foundation
import FuldmagtDomain
import FuldmagtJSON
import FuldmagtJobs
import FuldmagtKeys
import FuldmagtRecord
import FuldmagtStore

/// Where a plan finds the state that lines are decided on.
struct StateOptions: ParsableArguments {
    @Option(help: "Folder with the files of all shards (default FULDMAGT_DATA).")
    var data: String?
    @Option(help: "The catalogue as JSON lines of CloudEvents (default: the topic).")
    var catalogue: String?
}

/// The day that a job's lines are judged by.
struct DayOption: ParsableArguments {
    @Option(help: "The day that the job is to run on, or is compared on, yyyy-mm-dd (default: today).")
    var today: String?

    /// Nil for today.
    var day: Day? { today.flatMap { Day($0) } }

    func validate() throws {
        if let today, day == nil { throw ValidationError("--today is “\(today)”; yyyy-mm-dd is allowed") }
    }
}

/// Makes plans: reads shards and catalogue, and writes what is foreseen to the job's folder.
struct JobPlanner {
    let files: JobFiles
    let environment: Environment
    let state: StateOptions
    /// The day that the job is to run on; nil for today.
    let day: Day?

    /// What a plan writes, but for rejects and faults.
    private static let written = [
        "plan.html", "plan.csv", "plan-lines.csv", "foreseen.jsonl", "switch.jsonl", "plan.json",
    ]

    struct Result {
        var tally: PlanTally
        var day: Day
        var packages: Int
    }

    /// As many as there are processors, within reason: each opens every shard.
    private static let threads = min(max(ProcessInfo.processInfo.activeProcessorCount, 1), 8)

    private var folder: String { state.data ?? environment.directory }

    private var now: Instant {
        day.map { Instant(milliseconds: Int64($0.daysSince1970) * 86_400_000 + 43_200_000) } ?? Host.now()
    }

    /// Plans, and writes everything to the job's folder.
    func plan(digest: String) throws -> Result {
        let keys = try environment.keys
        let shards = try Shards(in: folder, keys: keys)
        // Whoever brings the catalogue along plans without a broker.
        if state.catalogue == nil {
            try CopiedShards.warn(
                of: folder, environment, consequence: "lines are judged by what was known when the copy was taken")
        }
        let settings = try environment.settings(partitions: shards.partitions)
        let circumstances = Circumstances(
            now: now, catalogue: try CatalogueReading(environment, file: state.catalogue).read(settings, now: now),
            settings: settings, naming: keys.naming(partitions: settings.partitions))
        let foreseen = try TextFile(files.file("foreseen.jsonl"))
        let lines = try TextFile(files.file("plan-lines.csv"))
        try lines.append(PlanRow.csvHeader)
        let tally =
            files.job.kind.changesCatalogue
            ? try planSwitch(shards, circumstances, lines, foreseen)
            : try planCommands(shards, circumstances, lines, foreseen)
        try lines.close()
        try foreseen.close()
        try shards.close()
        let result = Result(
            tally: tally, day: circumstances.today, packages: circumstances.catalogue.packageCount)
        try write(result, digest: digest)
        return result
    }

    private func planCommands(
        _ shards: Shards, _ circumstances: Circumstances, _ lines: TextFile, _ foreseen: TextFile
    ) throws -> PlanTally {
        let (settings, today) = (circumstances.settings, circumstances.today)
        // Each thread reads the shards for itself.
        let others = try (1..<Self.threads).map { _ in try Shards(in: folder, keys: shards.keys) }
        let team = PlanTeam(
            sources: [shards.source] + others.map(\.source), keys: shards.keys, circumstances: circumstances,
            repeated: try files.repeatedCitizens(settings: settings, today: today)
        ) { try foreseen.append($0) }
        let rejects = try files.rejects()
        try files.forEachBatch(
            settings: settings, today: today, ids: try files.ids(environment), threads: Self.threads
        ) { batch in
            for line in batch { try rejects.take(line) }
            for row in try team.take(batch) { try lines.append(row.csv) }
        }
        let tally = try team.finish()
        try rejects.close()
        for other in others { try other.close() }
        return tally
    }

    private func planSwitch(
        _ shards: Shards, _ circumstances: Circumstances, _ lines: TextFile, _ foreseen: TextFile
    ) throws -> PlanTally {
        var plan = SwitchPlan(
            source: shards.source, population: shards.population, keys: shards.keys, circumstances: circumstances
        ) { try foreseen.append($0.json) }
        let rejects = try files.rejects()
        let records = try files.forEachLine(
            settings: circumstances.settings, today: circumstances.today, ids: try files.ids(environment),
            switches: SwitchRecords(catalogue: circumstances.catalogue, today: circumstances.today)
        ) { line, _ in
            try rejects.take(line)
            if let row = plan.take(line) { try lines.append(row.csv) }
            return true
        }
        try plan.finish()
        try rejects.close()
        try TextFile.write(records, to: files.switchRecords)
        return plan.tally
    }

    private func write(_ result: Result, digest: String) throws {
        try TextFile.write(PlanTable(result.tally).csv.utf8, to: files.file("plan.csv"))
        let page = PlanPage(job: files.job, tally: result.tally, day: result.day, packages: result.packages)
        try TextFile.write(page.html.utf8, to: files.file("plan.html"))
        var json = JSONWriter()
        json.beginObject()
        json.member("input", digest)
        json.memberIfPresent("day", day?.description)
        json.member("decidedBefore", result.tally.decidedBefore.count)
        json.endObject()
        try TextFile.write(json.finish() + [10], to: files.file("plan.json"))
    }

    /// Writes down what the lines of a supplier switch stand for, without a plan.
    func writeSwitchRecords() throws {
        let settings = try environment.settings(partitions: 1)
        let catalogue = try CatalogueReading(environment, file: state.catalogue).read(settings, now: now)
        let records = try files.forEachLine(
            settings: settings, today: now.day, ids: try files.ids(environment),
            switches: SwitchRecords(catalogue: catalogue, today: now.day)
        ) { _, _ in true }
        try TextFile.write(records, to: files.file("switch.jsonl"))
    }

    // MARK: Planning again

    /// What is known of the plan that the job's folder holds.
    struct Made {
        /// Of the input it was made for.
        var digest: String
        /// The day that was asked for; nil for the day it was made on.
        var day: Day?
        /// Whether workers know some of its lines.
        var hasDecided: Bool
    }

    static func made(_ files: JobFiles) -> Made? {
        guard let data = FileManager.default.contents(atPath: files.folder + "/plan.json") else { return nil }
        let document = JSONDocument()
        return Array(data).withUnsafeBytes { bytes -> Made? in
            do throws(JSONFailure) { try document.parse(bytes) } catch { return nil }
            guard let digest = document.root["input"]?.string else { return nil }
            return Made(
                digest: digest, day: document.root["day"]?.string.flatMap { Day($0) },
                hasDecided: (document.root["decidedBefore"]?.int ?? 0) > 0)
        }
    }

    /// Plans once more, beside the plan that is there, and compares.
    func changes(digest: String) throws -> PlanChanges {
        var beside = files
        beside.folder = try files.file("again")
        _ = try JobPlanner(files: beside, environment: environment, state: state, day: day).plan(digest: digest)
        var changes = PlanChanges()
        let listed = try TextFile(files.file("plan-changes.csv"))
        try listed.append(PlanChanges.csvHeader)
        let (before, now) = (try LineSource(path: files.planLines), try LineSource(path: beside.planLines))
        while true {
            let (old, new) = (try before.next(), try now.next())
            guard old != nil || new != nil else { break }
            let row = changes.take(before: Self.row(old), now: Self.row(new))
            if let row { try listed.append(row) }
        }
        try listed.close()
        changes.take(
            tableBefore: try Self.text(files.folder + "/plan.csv"), now: try Self.text(beside.folder + "/plan.csv"))
        return changes
    }

    /// Lets the plan that `changes` made take the other's place.
    func adopt() throws {
        let beside = files.folder + "/again"
        for name in Self.written where FileManager.default.fileExists(atPath: "\(beside)/\(name)") {
            guard rename("\(beside)/\(name)", "\(files.folder)/\(name)") == 0 else {
                throw Exit.saying("\(files.folder)/\(name) cannot be replaced; check its permissions", Exit.failure)
            }
        }
        try discard()
    }

    /// Forgets the plan that `changes` made.
    func discard() throws { try FileManager.default.removeItem(atPath: files.folder + "/again") }

    private static func row(_ bytes: [UInt8]?) -> Substring {
        var text = Substring(String(decoding: bytes ?? [], as: UTF8.self))
        if text.utf8.last == 13 { text = Substring(String(decoding: text.utf8.dropLast(), as: UTF8.self)) }
        return text
    }

    private static func text(_ path: String) throws -> String {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw Exit.saying("\(path) cannot be read; plan the job again", Exit.failure)
        }
        return String(decoding: data, as: UTF8.self)
    }
}
