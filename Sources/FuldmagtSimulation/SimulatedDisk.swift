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
        let memory = manager.isWritableFile(atPath: "/dev/shm") ? "/dev/shm/" : NSTemporaryDirectory()
        let place = memory + "fuldmagt-simulation-\(getpid())-\(UUID().uuidString)"
        do {
            let result = body(try SimulatedDisk(place))
            try manager.removeItem(atPath: place)
            return result
        } catch {
            preconditionFailure("there is no place for a simulated disk: \(error)")
        }
    }

    /// Removes all that a world has left.
    func empty() throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
            try FileManager.default.removeItem(atPath: "\(folder)/\(name)")
        }
        try files.empty()
    }
}
