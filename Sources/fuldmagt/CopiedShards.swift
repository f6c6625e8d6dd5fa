import ArgumentParser
import FuldmagtDomain
import FuldmagtStore
import FuldmagtWorker

/// Files of a folder that are not their shards as they are now: copies that a worker of this machine gave up, and files
/// that were put there. What they say was so once.
enum CopiedShards {
    /// - Returns: nil where the broker cannot be asked, which has been said then.
    /// - Throws: a `StoreError` where a file cannot be read; an exit code where a setting is wrong.
    static func find(among files: [(shard: Int32, path: String)], _ environment: Environment) throws -> Set<Int32>? {
        let marks: [Int32: FrameMark]
        do {
            marks = try StatusReader.marks(of: files.map(\.shard), environment, timeoutMilliseconds: 10_000)
        } catch let code as ExitCode where code == Exit.temporary {
            StandardError.write("fuldmagt: so nobody knows whether these files are the shards, or copies left behind\n")
            return nil
        }
        var copies: Set<Int32> = []
        for file in files {
            guard let mark = marks[file.shard], !mark.isOfShard(in: try ShardFiles.standing(path: file.path)) else {
                continue
            }
            copies.insert(file.shard)
        }
        return copies
    }

    /// Says which files are copies, where people may have meant them to be.
    /// - Parameter consequence: what that means for what is about to be told.
    static func warn(of folder: String, _ environment: Environment, consequence: String) throws {
        do {
            let files = try ShardFiles.all(in: folder)
            guard !files.isEmpty, let copies = try find(among: files, environment), !copies.isEmpty else { return }
            let shards = copies.sorted().map(String.init).joined(separator: ", ")
            StandardError.write(
                "fuldmagt: \(copies.count == 1 ? "the file of shard" : "the files of shards") \(shards) in \(folder) \(copies.count == 1 ? "is a copy" : "are copies"), and the workers have gone on since: \(consequence)\n"
            )
        } catch let error as StoreError {
            throw Exit.saying(error, of: "--data")
        }
    }
}
