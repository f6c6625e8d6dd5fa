/// What the rules take from configuration: the same on every worker of a cluster.
public struct Settings: Sendable {
    /// Test persons (day of birth + 60) may be used. Never in production.
    public var admitsTestPersons: Bool
    /// The authority that notifications to anyone but the citizen are sent by, so that the sender does not tell where
    /// the citizen lives.
    public var sender: Sender
    /// Name in `ce_source` of outputs: `urn:dk:fuldmagt:<cluster>`.
    public var cluster: String
    /// Partitions of the command topics.
    public var partitions: Int32
    /// KLE numbers that exist.
    public var kle: KLERegister
    /// Days that a request waits for the grantor's answer. No source says how long; 180 is our decision.
    public var requestDays: Int

    public init(
        admitsTestPersons: Bool, sender: Sender, cluster: String, partitions: Int32, kle: KLERegister = KLERegister(),
        requestDays: Int = 180
    ) {
        self.admitsTestPersons = admitsTestPersons
        self.sender = sender
        self.cluster = cluster
        self.partitions = partitions
        self.kle = kle
        self.requestDays = requestDays
    }
}

/// The authority in whose name a notification is sent.
public struct Sender: Hashable, Sendable {
    public var cvr: String
    public var name: String

    public init(cvr: String, name: String) {
        self.cvr = cvr
        self.name = name
    }
}
