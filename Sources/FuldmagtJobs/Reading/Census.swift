import FuldmagtDomain

/// Finds the citizens whom more than one line names, in a first reading of the input: a plan keeps their files from line
/// to line, and nobody else's.
public struct Census {
    private var splitter: LineSplitter
    private var mapper: LineMapper
    private var seen: Set<String> = []
    /// By key, as commands have it; wrong lines may be among those counted.
    public private(set) var repeated: Set<String> = []

    /// - Parameter today: nobody is born after it.
    public init(job: Job, settings: Settings, today: Day) throws(Job.Unusable) {
        splitter = LineSplitter()
        // Only keys are read, so no id is made.
        mapper = try LineMapper(job: job, settings: settings, today: today, ids: .plain)
    }

    /// Adds what came next.
    public mutating func feed(_ bytes: some Sequence<UInt8>) throws(Job.Unusable) {
        splitter.feed(bytes)
        try drain()
    }

    /// Says that nothing comes after what was fed.
    public mutating func finish() throws(Job.Unusable) {
        splitter.finish()
        try drain()
    }

    private mutating func drain() throws(Job.Unusable) {
        while let line = splitter.next() {
            guard line.part == .whole else { continue }
            if mapper.awaitsHeader {
                try mapper.readHeader(line.bytes)
            } else if let key = mapper.key(of: line.bytes), !seen.insert(key).inserted {
                repeated.insert(key)
            }
        }
    }
}
