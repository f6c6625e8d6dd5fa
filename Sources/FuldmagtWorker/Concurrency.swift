import Synchronization

/// Asks a worker to stop, from any thread.
public final class StopFlag: Sendable {
    private let flag = Atomic(false)

    public init() {}

    public func set() { flag.store(true, ordering: .releasing) }
    public var isSet: Bool { flag.load(ordering: .acquiring) }
}

/// The errors of a number of jobs, each of which writes its own place.
final class Results: Sendable {
    private let errors: Mutex<[(any Error)?]>

    init(count: Int) { errors = Mutex(Array(repeating: nil, count: count)) }

    func run(_ at: Int, _ body: () throws -> Void) {
        do {
            try body()
        } catch {
            errors.withLock { $0[at] = error }
        }
    }

    /// In the order of their places, so that the same failures give the same answer.
    var all: [any Error] { errors.withLock { $0.compactMap { $0 } } }
}

/// Hands a value to threads that are waited for, and that use only what is theirs.
struct Unchecked<Value>: @unchecked Sendable {
    let value: Value
}
