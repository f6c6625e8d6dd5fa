import Foundation
import FuldmagtStore

/// Where simulated disks are: in memory where the system has such a place, as a crash of a simulated process loses nothing
/// that the file system was given. Worlds use one after the other.
public final class SimulatedDisk {
    /// The folder of a world's disks; empty between worlds.
    let folder: String
    let files: KeptFiles

    private init(_ place: String) throws {
        folder = "\(place)/world"
        files = KeptFiles(directory: "\(place)/kept")
        for folder in [folder, "\(place)/kept"] {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        }
    }

    /// Calls `body` with one, and removes it afterwards.
    public static func with<Result>(_ body: (SimulatedDisk) -> Result) -> Result {
        let manager = FileManager.default
        let parent = hasRoom("/dev/shm/") ? "/dev/shm/" : NSTemporaryDirectory()
        let place = parent + "fuldmagt-simulation-\(getpid())-\(UUID().uuidString)"
        do {
            let result = body(try SimulatedDisk(place))
            try manager.removeItem(atPath: place)
            return result
        } catch {
            preconditionFailure("there is no place for a simulated disk: \(error)")
        }
    }

    /// Whether a place may be written, and has room for some worlds; containers are often given little memory for files.
    private static func hasRoom(_ place: String) -> Bool {
        var space = statvfs()
        guard FileManager.default.isWritableFile(atPath: place), statvfs(place, &space) == 0 else { return false }
        return UInt64(space.f_bavail) * UInt64(space.f_frsize) >= 1 << 30
    }

    /// Removes all that a world has left.
    func empty() throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
            try FileManager.default.removeItem(atPath: "\(folder)/\(name)")
        }
        try files.empty()
    }
}
