/// What happened, in order. Its fingerprint is kept always, its text only when somebody wants to read it.
struct Trace {
    private(set) var lines: [String] = []
    let isKept: Bool
    /// Equal for equal runs.
    private(set) var fingerprint: UInt64 = 0xcbf2_9ce4_8422_2325
    private(set) var events = 0

    init(isKept: Bool) { self.isKept = isKept }

    /// Notes an event.
    /// - Parameters:
    ///   - code: tells events apart, for the fingerprint.
    ///   - line: for a reader; not made unless it is kept. Empty for what says nothing to one.
    mutating func note(_ code: Int, _ line: @autoclosure () -> String) {
        events += 1
        fingerprint = (fingerprint ^ UInt64(bitPattern: Int64(code))) &* 0x0000_0100_0000_01b3
        guard isKept else { return }
        let line = line()
        if !line.isEmpty { lines.append("\(events)  \(line)") }
    }

    /// Adds a line about the last event.
    mutating func tell(_ line: String) {
        if isKept { lines.append("    \(line)") }
    }
}
