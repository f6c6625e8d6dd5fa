import Logging

/// Notices that another worker goes by this one's name: each then keeps the other from its place in the group, for ever, and
/// nothing else says why.
struct NameWatch {
    /// So many times within so many nanoseconds are no restart any more, of which the one that was before learns once.
    static let times = 3
    static let span: UInt64 = 600_000_000_000
    private var taken: [UInt64] = []

    /// The name was taken by another member of the group.
    /// - Returns: how often that was lately, where it is often.
    mutating func taken(at now: UInt64) -> Int? {
        taken.removeAll { now - min($0, now) > Self.span }
        taken.append(now)
        return taken.count >= Self.times ? taken.count : nil
    }
}

extension WorkerLoop {
    /// Says so where a worker is fenced off again and again because another has its name.
    func watchName(_ error: any Error) {
        guard (error as? LogFailure)?.isNameTaken == true else { return }
        guard let times = nameWatch.taken(at: surroundings.nanoseconds()) else { return }
        logger.error(
            "another worker joins under this one's name again and again, here or on another machine; give each a name of its own: FULDMAGT_WORKER_ID",
            metadata: ["name": "\(options.worker)", "times": "\(times)"])
    }
}
