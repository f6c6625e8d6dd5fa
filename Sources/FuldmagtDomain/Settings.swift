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
    /// Whether it counts which authority a command comes from.
    public var sources: SourceCheck
    /// Whether exemptions are decided by the citizen's own municipality only, or by any.
    public var exemptionsFromAnyMunicipality: Bool
    /// CVR numbers that may change the catalogue; everybody may where there are none.
    public var administrators: Set<String>
    /// Days that a request waits for the grantor's answer. No source says how long; 180 is our decision.
    public var requestDays: Int
    /// How long receipts may stay away.
    public var patience: ReceiptPatience

    public init(
        admitsTestPersons: Bool, sender: Sender, cluster: String, partitions: Int32, kle: KLERegister = KLERegister(),
        requestDays: Int = 180, sources: SourceCheck = .off, exemptionsFromAnyMunicipality: Bool = false,
        administrators: Set<String> = [], patience: ReceiptPatience = ReceiptPatience()
    ) {
        self.admitsTestPersons = admitsTestPersons
        self.sender = sender
        self.cluster = cluster
        self.partitions = partitions
        self.kle = kle
        self.requestDays = requestDays
        self.sources = sources
        self.exemptionsFromAnyMunicipality = exemptionsFromAnyMunicipality
        self.administrators = administrators
        self.patience = patience
    }
}

/// What happens to a command from somebody who may not send it.
public enum SourceCheck: String, CaseIterable, Sendable {
    /// It is decided like any other.
    case off
    /// It is decided like any other, and counted.
    case warn
    /// It is rejected: `source-not-permitted`.
    case enforce
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
