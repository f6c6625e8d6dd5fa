import Foundation
import FuldmagtWorker
import Logging

/// The transactional ids of a worker's producers, one for each time it joins; the last is kept in a file beside the shards.
struct ProducerLives: Sendable {
    private let name: String
    private let path: String

    init(directory: String, name: String) {
        let safe = String(name.map { $0.isLetter || $0.isNumber || $0 == "-" || $0 == "." ? $0 : "_" })
        path = "\(directory)/\(safe).producer"
        self.name = name
    }

    /// Keeps every other process from working under this name on these shards.
    ///
    /// Two would fence each other off for ever. One that is just stopping is waited for, as it is where a worker is restarted.
    /// - Returns: what holds the name as long as it is kept.
    func hold(waitingSeconds seconds: Int, _ logger: Logger) throws -> FileHandle {
        let file = path + ".lock"
        let descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw Exit.saying("FULDMAGT_DATA: \(file) cannot be written; check owner and permissions", Exit.setting)
        }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        let begun = Host.nanoseconds()
        var isTold = false
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            guard errno == EWOULDBLOCK || errno == EINTR else {
                logger.warning("the folder's file system has no locks; nothing keeps a second worker of this name away")
                return handle
            }
            guard Host.nanoseconds() - begun < UInt64(seconds) * 1_000_000_000 else {
                throw Exit.saying(
                    "FULDMAGT_WORKER_ID: another process works as \(name) on this folder, and has not ended within \(seconds) s (\(file)). Give each worker a name of its own, or stop the other first",
                    Exit.setting)
            }
            if !isTold {
                isTold = true
                logger.warning(
                    "another process works under this name on this folder; waiting for it to end",
                    metadata: ["seconds": "\(seconds)"])
            }
            Host.surroundings.pause(100)
        }
        return handle
    }

    @Sendable func next() -> KafkaLog.ProducerLife {
        let note = ProducerNote(path: path)
        let current = "\(name)-\(Host.now().milliseconds)"
        return KafkaLog.ProducerLife(
            former: note.name, current: current, worker: name + "-",
            onFormerEnded: { () throws(LogFailure) in try note.write(current) })
    }
}
