import Foundation

/// A process that is ended with the object.
///
/// It is waited for with `waitpid` and nothing else: whoever asks learns of its end at once, on whatever thread.
public final class ChildProcess {
    private let identifier: pid_t
    private let path: String
    /// What `waitpid` said of its end.
    private var end: Int32?

    /// A process that could not be started.
    public struct NotStarted: Error, CustomStringConvertible {
        public let description: String
    }

    /// A process that was asked to end and did not end well.
    public struct EndedBadly: Error, CustomStringConvertible {
        /// Its exit status and the last lines that it wrote.
        public let description: String
    }

    /// - Parameters:
    ///   - environment: set on top of ours.
    ///   - log: file that standard output and error are appended to.
    public init(_ binary: String, _ arguments: [String], environment: [String: String], log path: String) throws {
        self.path = path
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        // None of our connections and files is its own.
        for descriptor in try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap({ Int32($0) })
        where descriptor > 2 {
            posix_spawn_file_actions_addclose(&actions, descriptor)
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // The thread that starts it may hold signals back, as those of Dispatch do; it must not.
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        let merged = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
        var started = pid_t()
        let code = Self.withStrings([binary] + arguments) { arguments in
            Self.withStrings(merged.map { "\($0.key)=\($0.value)" }) { environment in
                posix_spawn(&started, binary, &actions, &attributes, arguments, environment)
            }
        }
        guard code == 0 else { throw NotStarted(description: "\(binary): \(String(cString: strerror(code)))") }
        identifier = started
    }

    deinit { if isRunning { kill() } }

    public var isRunning: Bool {
        look(options: WNOHANG)
        return end == nil
    }

    /// Ends it as a power cut would.
    public func kill() {
        signal(SIGKILL)
        wait()
    }

    /// Stops it in the middle of whatever it does, as a virtual machine is stopped that moves.
    public func pause() { signal(SIGSTOP) }

    public func resume() { signal(SIGCONT) }

    /// Asks it to end, and waits.
    /// - Returns: as ``wait()``.
    @discardableResult
    public func terminate() -> Int32 {
        signal(SIGTERM)
        return wait()
    }

    /// Asks it to end, and waits until it has ended well.
    public func stop() throws {
        let status = terminate()
        guard status != 0 else { return }
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").suffix(12)
        throw EndedBadly(description: "exit status \(status)\n\(lines.joined(separator: "\n"))")
    }

    /// Waits until it ends by itself, for ten minutes at most.
    /// - Returns: its exit status, or the number of the signal that ended it; -1 where it did not end, and was killed.
    @discardableResult
    public func wait() -> Int32 {
        guard Poll.until(seconds: 600, every: 2, { !isRunning }) else {
            Foundation.kill(identifier, SIGKILL)
            look(options: 0)
            return -1
        }
        let end = end ?? 0
        return end & 0x7f == 0 ? (end >> 8) & 0xff : end & 0x7f
    }

    /// The number of the signal that ended it; nil while it runs, and where it ended by itself.
    public var endedBySignal: Int32? {
        look(options: WNOHANG)
        return end.flatMap { $0 & 0x7f == 0 ? nil : $0 & 0x7f }
    }

    /// A process whose end was seen has no identifier any more: that may be another's by now.
    private func signal(_ number: Int32) {
        if isRunning { Foundation.kill(identifier, number) }
    }

    private func look(options: Int32) {
        guard end == nil else { return }
        var status: Int32 = 0
        if waitpid(identifier, &status, options) == identifier { end = status }
    }

    /// Strings as C functions take them: an array of pointers with nil behind the last.
    private static func withStrings<Result>(
        _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
    ) -> Result {
        let copies = strings.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        return body(copies + [nil])
    }
}
