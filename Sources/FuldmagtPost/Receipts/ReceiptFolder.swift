import Foundation
import FuldmagtRecord

/// A folder that a transport puts its receipts in, one XML file each.
///
/// Once a file's record is acknowledged the file goes to `done`, or to `set-aside` where it became a dead letter. A death
/// between the two makes the same records again, with the same ids.
public struct ReceiptFolder {
    private let folder: OutFolder
    /// Files between two waits for the log.
    private static let chunk = 500

    /// - Parameter path: made if it is not there.
    public init(path: String) throws {
        folder = try OutFolder(path)
        _ = try OutFolder(path + "/done")
        _ = try OutFolder(path + "/set-aside")
    }

    /// Takes in what is there now.
    /// - Parameter write: returns once the frame is acknowledged.
    /// - Returns: files.
    public func takeIn(_ intake: ReceiptIntake, write: (Frame) throws -> Void) throws -> Int {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            .filter { $0.hasSuffix(".xml") && !$0.hasPrefix(".") }.sorted()
        for start in stride(from: 0, to: names.count, by: Self.chunk) {
            let some = names[start..<min(start + Self.chunk, names.count)]
            var targets: [(name: String, target: String)] = []
            for name in some {
                let path = "\(folder.path)/\(name)"
                guard let data = FileManager.default.contents(atPath: path) else {
                    throw FolderFailure("reading", path, ENOENT)
                }
                targets.append((name, try intake.take([UInt8](data)) ? "done" : "set-aside"))
            }
            try write(intake.takeFrame())
            for (name, target) in targets {
                try OutFolder.rename("\(folder.path)/\(name)", to: "\(folder.path)/\(target)/\(name)")
            }
        }
        return names.count
    }
}
