import Dispatch

/// Threads for a test whose tasks wait for each other by blocking: as many as it needs. Those that all tests share are as
/// many as the machine has cores, and others hold them for minutes.
public final class OwnThreads: TaskExecutor {
    private init() {}

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        // Only serial queues have threads of their own: Dispatch runs concurrent ones on those that all share.
        DispatchQueue(label: "fuldmagt.test").async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }

    /// Runs a body, and the tasks that it begins, on threads of their own.
    public static func run(_ body: () async throws -> Void) async throws {
        try await withTaskExecutorPreference(OwnThreads()) { try await body() }
    }
}
