import Metrics
import Synchronization

/// One line of the exposition: a number that goes up, or up and down.
final class Sample: CounterHandler, FloatingPointCounterHandler, RecorderHandler, MeterHandler {
    private let number = Mutex(0.0)
    let place: Place

    init(_ place: Place) { self.place = place }

    var value: Double { number.withLock { $0 } }

    // Counters.
    func increment(by amount: Int64) { increment(by: Double(amount)) }
    func increment(by amount: Double) { number.withLock { $0 += max(0, amount.isFinite ? amount : 0) } }
    func decrement(by amount: Double) { number.withLock { $0 -= amount.isFinite ? amount : 0 } }
    func reset() { number.withLock { $0 = 0 } }

    // Gauges.
    func record(_ value: Int64) { record(Double(value)) }
    func record(_ value: Double) { set(value) }
    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { number.withLock { $0 = value } }
}

/// Numbers counted by size.
final class Histogram: RecorderHandler, TimerHandler {
    struct Counts: Sendable {
        /// For each bound, and one for what is beyond the last: not accumulated.
        var buckets: [UInt64]
        var sum = 0.0
        var count: UInt64 { buckets.reduce(0, +) }
    }

    let bounds: [Double]
    let place: Place
    private let state: Mutex<Counts>

    init(_ place: Place, bounds: [Double]) {
        self.place = place
        self.bounds = bounds
        state = Mutex(Counts(buckets: Array(repeating: 0, count: bounds.count + 1)))
    }

    var counts: Counts { state.withLock { $0 } }

    func record(_ value: Int64) { record(Double(value)) }
    func record(_ value: Double) {
        guard value.isFinite else { return }
        let at = bounds.firstIndex { value <= $0 } ?? bounds.count
        state.withLock {
            $0.buckets[at] += 1
            $0.sum += value
        }
    }
    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }
}

/// Where a sample stands: its metric's name and its labels in the catalogue's order.
struct Place: Hashable, Sendable {
    var name: String
    /// `shard="3"`, as the exposition shows it; empty without labels.
    var labels: String
}

/// Takes what is refused, and forgets it.
final class Refused: CounterHandler, FloatingPointCounterHandler, RecorderHandler, MeterHandler, TimerHandler {
    static let one = Refused()

    func increment(by amount: Int64) {}
    func increment(by amount: Double) {}
    func decrement(by amount: Double) {}
    func reset() {}
    func record(_ value: Int64) {}
    func record(_ value: Double) {}
    func set(_ value: Int64) {}
    func set(_ value: Double) {}
    func recordNanoseconds(_ duration: Int64) {}
}
