/// How long a record that joins a queue now will wait: what is in the queue, at the pace at which it is worked off. Times are
/// nanoseconds of a monotonic clock, as arguments.
public struct QueueWait: Sendable {
    /// Records that do not count: markers of transactions have positions too, and positions are committed a turn late.
    static let negligible: Int64 = 200
    /// The pace is taken over at least so long.
    private static let window: UInt64 = 1_000_000_000

    private var since: (at: UInt64, processed: Int64)?
    /// Records a second; nil before anything is known of it.
    private var pace: Double?
    /// Nanoseconds.
    public private(set) var wait: UInt64 = 0

    public init() {}

    /// Takes what is known of the queue.
    /// - Parameters:
    ///   - end: positions of all partitions' ends, added up.
    ///   - processed: positions up to which they have been worked off, added up.
    public mutating func take(end: Int64, processed: Int64, now: UInt64) {
        if let since, now >= since.at + Self.window {
            pace = Double(max(0, processed - since.processed)) / (Double(now - since.at) / 1e9)
            self.since = (now, processed)
        } else if since == nil {
            since = (now, processed)
        }
        let waiting = end - processed
        guard waiting > Self.negligible, let pace else {
            wait = 0
            return
        }
        // Where nothing moves, as if it took an hour.
        wait = pace > 0 ? UInt64(min(Double(waiting) / pace, 3_600) * 1e9) : 3_600_000_000_000
    }
}
