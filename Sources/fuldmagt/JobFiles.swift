import ArgumentParser
import Foundation
import FuldmagtDomain
import FuldmagtJSON
import FuldmagtJobs

/// What the job commands share: the job file, and the folder where everything about the job is kept.
struct JobOptions: ParsableArguments {
    @Argument(help: "The job file.")
    var job: String
    @Option(help: "Folder for what is written about the job (default: beside the job file, <job id>.files).")
    var output: String?

    func open() throws -> JobFiles { try JobFiles(path: job, output: output) }
}

/// A job, its input and its files.
struct JobFiles {
    let job: Job
    /// Of the job file, as it was given.
    let path: String
    let input: String
    let size: Int
    var folder: String

    init(path: String, output: String?) throws {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw Exit.saying("\(path) cannot be read; check the path and its permissions", Exit.failure)
        }
        do {
            job = try Job(file: Array(data))
        } catch {
            throw Exit.saying("\(path): \(error)", Exit.setting)
        }
        self.path = path
        let base = URL(fileURLWithPath: path).deletingLastPathComponent()
        input = URL(fileURLWithPath: job.input, relativeTo: base).path
        folder = output ?? base.appendingPathComponent(job.id + ".files").path
        guard let handle = FileHandle(forReadingAtPath: input) else {
            throw Exit.saying("input \(job.input) cannot be read; check the path and its permissions", Exit.failure)
        }
        size = Int(try handle.seekToEnd())
        if let fault = job.unfitID, !FileManager.default.fileExists(atPath: checkpoint) {
            throw Exit.saying("\(path): \(fault)", Exit.setting)
        }
    }

    var checkpoint: String { folder + "/checkpoint.json" }
    /// Its being there asks the run to end for good.
    var cancellation: String { folder + "/cancel" }
    /// What the lines of a supplier switch stand for.
    var switchRecords: String { folder + "/switch.jsonl" }
    var planLines: String { folder + "/plan-lines.csv" }
    var foreseen: String { folder + "/foreseen.jsonl" }

    /// A file of the job's folder, which is made where there is none.
    func file(_ name: String) throws -> String {
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw Exit.saying("--output: \(folder) cannot be made; check the path and its permissions", Exit.failure)
        }
        return folder + "/" + name
    }

    /// How ids of this job's commands are made: as they were when it was begun.
    func ids(_ environment: Environment) throws -> LineIDs {
        if let begun = try readCheckpoint(digest: nil), !begun.hasKeyedIDs { return .plain }
        return .keyed(try environment.keys)
    }

    // MARK: Input

    /// Calls `body` with each piece of the input.
    func forEachPiece(_ body: ([UInt8]) throws -> Bool) throws {
        guard let handle = FileHandle(forReadingAtPath: input) else {
            throw Exit.saying("input \(job.input) cannot be read; check the path and its permissions", Exit.failure)
        }
        while let data = try handle.read(upToCount: 1 << 20), !data.isEmpty {
            guard try body(Array(data)) else { return }
        }
    }

    /// Calls `body` with each line of the input and the position after it, until it returns false.
    /// - Parameters:
    ///   - ids: see `ids(_:)`.
    ///   - switches: what the lines of a supplier switch stand for (default: what the plan has written down).
    /// - Returns: the same as the plan writes it down.
    @discardableResult
    func forEachLine(
        settings: Settings, today: Day, ids: LineIDs, switches: SwitchRecords? = nil,
        _ body: (JobLine, Int) throws -> Bool
    ) throws -> [UInt8] {
        do {
            var reader = try JobReader(
                job: job, settings: settings, today: today, ids: ids, switches: try switches ?? plannedSwitch())
            var goesOn = true
            func drain() throws {
                while goesOn, let line = try reader.next() { goesOn = try body(line, reader.position) }
            }
            try forEachPiece {
                reader.feed($0)
                try drain()
                return goesOn
            }
            reader.finish()
            try drain()
            return reader.switchRecords
        } catch let error as Job.Unusable {
            throw Exit.saying("\(job.input): \(error)", Exit.setting)
        }
    }

    /// Calls `body` with runs of lines, which are read on several threads.
    func forEachBatch(
        settings: Settings, today: Day, ids: LineIDs, threads: Int, _ body: ([JobLine]) throws -> Void
    ) throws {
        do {
            var reader = try JobReader(job: job, settings: settings, today: today, ids: ids)
            func drain() throws {
                while true {
                    let lines = try reader.next(upTo: Self.batch, threads: threads)
                    guard !lines.isEmpty else { return }
                    try body(lines)
                }
            }
            try forEachPiece {
                reader.feed($0)
                try drain()
                return true
            }
            reader.finish()
            try drain()
        } catch let error as Job.Unusable {
            throw Exit.saying("\(job.input): \(error)", Exit.setting)
        }
    }

    private static let batch = 8_192

    /// Keys of citizens with more than one line.
    func repeatedCitizens(settings: Settings, today: Day) throws -> Set<String> {
        do {
            var census = try Census(job: job, settings: settings, today: today)
            try forEachPiece {
                try census.feed($0)
                return true
            }
            try census.finish()
            return census.repeated
        } catch let error as Job.Unusable {
            throw Exit.saying("\(job.input): \(error)", Exit.setting)
        }
    }

    private func plannedSwitch() throws -> SwitchRecords? {
        guard job.kind.changesCatalogue else { return nil }
        guard let data = FileManager.default.contents(atPath: switchRecords) else {
            throw Exit.saying("the switch has no plan; make it with: fuldmagt job plan \(path)", Exit.failure)
        }
        do {
            return try SwitchRecords(json: Array(data))
        } catch {
            throw Exit.saying("\(switchRecords): \(error)", Exit.failure)
        }
    }

    /// What the input is now; see `InputDigest`.
    func digest() throws -> String {
        var digest = InputDigest(job)
        try forEachPiece {
            digest.feed($0)
            return true
        }
        return digest.text
    }

    // MARK: What is written

    func rejects() throws -> RejectsFile {
        let name = job.format == .csv ? "rejects.csv" : "rejects.jsonl"
        do {
            return try RejectsFile(rejects: try file(name), faults: try file("faults.csv"))
        } catch let error as Checkpoint.Unusable {
            throw Exit.saying(error.description, Exit.failure)
        }
    }

    /// The checkpoint, if the job was begun and the input is still the same.
    func readCheckpoint(digest: String?) throws -> Checkpoint? {
        do {
            guard let found = try Checkpoint.read(checkpoint) else { return nil }
            guard digest == nil || found.input == digest else {
                throw Exit.saying(
                    "the input, or how the job file reads it, is not what was begun to be sent as job \(job.id): give the changed file another job id, or restore it",
                    Exit.failure)
            }
            return found
        } catch let error as Checkpoint.Unusable {
            throw Exit.saying("\(checkpoint): \(error)", Exit.failure)
        }
    }

    /// The checkpoint of a job that was begun.
    func begunCheckpoint(digest: String?) throws -> Checkpoint {
        guard let checkpoint = try readCheckpoint(digest: digest) else {
            throw Exit.saying("job \(job.id) was not begun; begin it with: fuldmagt job run \(path)", Exit.failure)
        }
        return checkpoint
    }

    /// Holds the job for this process as long as it is kept; nil when another has it.
    func lock() throws -> FileHandle? {
        let descriptor = Foundation.open(try file("lock"), O_RDWR | O_CREAT, 0o600)
        guard descriptor >= 0 else {
            throw Exit.saying("\(folder) cannot be written; check its permissions", Exit.failure)
        }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        return flock(descriptor, LOCK_EX | LOCK_NB) == 0 ? handle : nil
    }
}

/// A file that is written as its content comes, readable for its owner only.
final class TextFile {
    private let handle: FileHandle
    private var pending: [UInt8] = []

    init(_ path: String) throws {
        let descriptor = Foundation.open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        guard descriptor >= 0, fchmod(descriptor, 0o600) == 0 else {
            throw Exit.saying("\(path) cannot be written; check the folder and its permissions", Exit.failure)
        }
        handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }

    /// Writes a whole file.
    static func write(_ content: some Sequence<UInt8>, to path: String) throws {
        let file = try TextFile(path)
        try file.append(content)
        try file.close()
    }

    func append(_ text: String) throws { try append(text.utf8) }

    func append(_ bytes: some Sequence<UInt8>) throws {
        pending.append(contentsOf: bytes)
        if pending.count > 1 << 20 { try flush() }
    }

    func close() throws {
        try flush()
        try handle.close()
    }

    private func flush() throws {
        try handle.write(contentsOf: Data(pending))
        pending.removeAll(keepingCapacity: true)
    }
}
