import Dispatch

/// A serial executor on a thread-confined queue: everything that touches one Kafka handle runs here.
///
/// Librdkafka calls back on the thread that polls. An actor on this executor can therefore enter itself from such a
/// callback with `assumeIsolated`.
public final class PinnedExecutor: SerialExecutor {
    fileprivate let queue: DispatchQueue

    public init(label: String) { queue = DispatchQueue(label: label, qos: .userInitiated) }

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }

    public func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }

    public func checkIsolated() { dispatchPrecondition(condition: .onQueue(queue)) }

    /// Runs a body here and waits for it.
    public func sync<Result>(_ body: () throws -> Result) rethrows -> Result { try queue.sync(execute: body) }
}

extension PinnedExecutor {
    /// Runs a body here, without waiting for it.
    public func run(_ body: @escaping @Sendable () -> Void) { queue.async(execute: body) }
}
