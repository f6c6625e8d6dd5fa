import Foundation
import FuldmagtRecord

/// A folder that a transport puts its receipts in, one XML file each.
///
/// Once a file's record is acknowledged the file goes to `done`, or to `set-aside` where it became a dead letter. A death
/// between the two makes the same records again, with the same ids. A file that cannot be read stays where it is, and is
/// taken in once it can be.
public final class ReceiptFolder {
    private let folder: OutFolder
    /// Files that could not be read when they were last looked at.
    private var unreadable: Set<String> = []
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
            .filter { $0.lowercased().hasSuffix(".xml") && !$0.hasPrefix(".") }.sorted()
        unreadable.formIntersection(names)
        var taken = 0
        for start in stride(from: 0, to: names.count, by: Self.chunk) {
            let some = names[start..<min(start + Self.chunk, names.count)]
            var targets: [(name: String, target: String)] = []
            for name in some {
                switch try intake.take(file: "\(folder.path)/\(name)", attempt: Replayed.attempt(of: name)) {
                case .answered(.taken): targets.append((name, "done"))
                case .answered(.setAside): targets.append((name, "set-aside"))
                case .answered(.later), .nothing: break
                case .unreadable:
                    if unreadable.insert(name).inserted { intake.countUnreadable() }
                    continue
                }
                unreadable.remove(name)
            }
            try write(intake.takeFrame())
            taken += targets.count
            for (name, target) in targets {
                try OutFolder.rename("\(folder.path)/\(name)", to: "\(folder.path)/\(target)/\(name)")
            }
        }
        return taken
    }
}

extension ReceiptFolder {
    /// A document that was set aside, to be taken in again. Its name says how often it has been, as headers do elsewhere.
    public struct Replayed: Sendable {
        /// Without the folder.
        public let name: String
        let document: [UInt8]

        /// - Parameters:
        ///   - partition: of the dead letter.
        ///   - offset: of the dead letter.
        public init(_ document: [UInt8], partition: Int32, offset: Int64, attempt: Int) {
            name = "replay-\(attempt)-\(partition)-\(offset).xml"
            self.document = document
        }

        static func attempt(of name: String) -> Int {
            let parts = name.split(separator: "-")
            guard parts.count == 4, parts[0] == "replay" else { return 0 }
            return Int(parts[1]) ?? 0
        }
    }

    /// Puts documents into the folder. They are on its disk when this returns.
    public func put(_ documents: [Replayed]) throws {
        guard !documents.isEmpty else { return }
        var owner = stat()
        guard stat(folder.path, &owner) == 0 else { throw FolderFailure("opening", folder.path) }
        for document in documents {
            let unfinished = "\(folder.path)/.\(document.name)"
            try document.document.withUnsafeBytes { try OutFolder.write($0, to: unfinished) }
            // An administrator's file is for whoever reads the folder.
            guard geteuid() != 0 || chown(unfinished, owner.st_uid, owner.st_gid) == 0 else {
                throw FolderFailure("giving away", unfinished)
            }
        }
        try folder.synchronize()
        for document in documents {
            try OutFolder.rename("\(folder.path)/.\(document.name)", to: "\(folder.path)/\(document.name)")
        }
        try folder.synchronizeNames()
    }
}

/// What came of a file.
private enum Found {
    case answered(ReceiptDesk.Answer)
    /// It is not there any more, or no file.
    case nothing
    /// Its owner lets nobody read it, or the disk does not.
    case unreadable
}

extension ReceiptIntake {
    fileprivate func take(file path: String, attempt: Int) throws -> Found {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return .nothing }
        guard status.st_size <= Self.documentLimit else {
            return .answered(takeTooLarge(bytes: Int(status.st_size)))
        }
        guard let data = FileManager.default.contents(atPath: path) else {
            return access(path, F_OK) == 0 ? .unreadable : .nothing
        }
        return .answered(try take([UInt8](data), attempt: attempt))
    }
}
