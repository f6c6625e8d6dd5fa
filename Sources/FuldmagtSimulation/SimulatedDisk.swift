import Foundation

/// Folders for simulated disks: in memory where the system has such a place, as a crash of a simulated process loses
/// nothing that the file system was given.
public enum SimulatedDisk {
    /// Calls `body` with an empty folder, and removes it afterwards.
    public static func with<Result>(_ body: (String) -> Result) -> Result {
        let files = FileManager.default
        let place = files.isWritableFile(atPath: "/dev/shm") ? "/dev/shm/" : NSTemporaryDirectory()
        let folder = place + "fuldmagt-simulation-\(UUID().uuidString)"
        do {
            try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let result = body(folder)
            try files.removeItem(atPath: folder)
            return result
        } catch {
            preconditionFailure("there is no place for a simulated disk: \(error)")
        }
    }
}
