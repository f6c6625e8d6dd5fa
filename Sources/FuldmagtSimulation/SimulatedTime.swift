import FuldmagtDomain

/// The clocks of a simulation. They move only when it moves them.
final class SimulatedTime: @unchecked Sendable {
    /// The broker's clock, which gives records their timestamps. It stands still within a phase: the model knows one
    /// moment for all that a day brings about.
    private(set) var log = Instant(milliseconds: 0)
    /// Time that has passed in this phase, milliseconds.
    private var passed: Int64 = 0
    /// The monotonic clock, nanoseconds. No two readings are the same.
    private var monotonic: UInt64 = 1

    func begin(_ instant: Instant) {
        log = instant
        passed = 0
    }

    func advance(milliseconds: Int) {
        passed += Int64(milliseconds)
        monotonic += UInt64(milliseconds) * 1_000_000
    }

    /// A worker's clock.
    /// - Parameter skew: how far it is ahead, milliseconds.
    func wall(skew: Int64) -> Instant { Instant(milliseconds: log.milliseconds + passed + skew) }

    func nanoseconds() -> UInt64 {
        monotonic += 1_000
        return monotonic
    }
}
