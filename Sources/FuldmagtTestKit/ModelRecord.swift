import FuldmagtDomain

/// One record as a producer writes it: what the workload makes, the model takes, and a test sends to the system.
public struct ModelRecord: Sendable {
    public var topic: Topic
    /// Where to write it; nil lets the partitioner decide by key.
    public var partition: Int32?
    /// Nil for a null key.
    public var key: [UInt8]?
    public var headers: [(String, [UInt8])]
    /// Nil for a tombstone.
    public var value: [UInt8]?
    /// Kafka's timestamp: milliseconds since 1970, UTC.
    public var timestamp: Int64

    public init(
        topic: Topic, partition: Int32? = nil, key: [UInt8]?, headers: [(String, [UInt8])], value: [UInt8]?,
        timestamp: Int64
    ) {
        self.topic = topic
        self.partition = partition
        self.key = key
        self.headers = headers
        self.value = value
        self.timestamp = timestamp
    }
}

extension ModelRecord: Equatable {
    public static func == (left: Self, right: Self) -> Bool {
        left.topic == right.topic && left.partition == right.partition && left.key == right.key
            && left.value == right.value && left.timestamp == right.timestamp
            && left.headers.elementsEqual(right.headers) { $0.0 == $1.0 && $0.1 == $1.1 }
    }
}
