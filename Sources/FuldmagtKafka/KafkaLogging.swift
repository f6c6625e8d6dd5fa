import Synchronization

/// Where librdkafka's log lines go: nowhere, until a program sets a sink.
public enum KafkaLogging {
    public struct Line: Sendable {
        /// As in syslog: 3 error, 4 warning, 6 information, 7 debug.
        public var level: Int
        public var facility: String
        public var text: String
    }

    private static let sink = Mutex<(@Sendable (Line) -> Void)?>(nil)

    /// Sets the one sink of this process; called from librdkafka's threads.
    public static func send(to sink: @escaping @Sendable (Line) -> Void) { self.sink.withLock { $0 = sink } }

    static func write(level: Int, facility: String, text: String) {
        sink.withLock { $0 }?(Line(level: level, facility: facility, text: text))
    }
}
