/// The topics. The raw value is the index used in batches and frames.
public enum Topic: UInt8, CaseIterable, Sendable {
    case grantCommands
    case moveCommands
    case exemptionCommands
    case inbox
    case receipts
    case catalogue
    case outcomes
    case notifications
    case changelog
    case deadLetters
    case tasks

    public var name: String {
        switch self {
        case .grantCommands: "fuldmagt.commands.grant"
        case .moveCommands: "fuldmagt.commands.move"
        case .exemptionCommands: "fuldmagt.commands.exemption"
        case .inbox: "fuldmagt.inbox"
        case .receipts: "fuldmagt.receipts"
        case .catalogue: "fuldmagt.catalogue"
        case .outcomes: "fuldmagt.outcomes"
        case .notifications: "fuldmagt.notifications"
        case .changelog: "fuldmagt.changelog"
        case .deadLetters: "fuldmagt.dead-letters"
        case .tasks: "fuldmagt.tasks"
        }
    }

    public init?(name: String) {
        guard let topic = Topic.allCases.first(where: { $0.name == name }) else { return nil }
        self = topic
    }

    /// Names in the order of the raw values: the list that consumers and producers index into.
    public static let names = allCases.map(\.name)

    /// What a shard consumes: partition *n* of each belongs to shard *n*. Their raw values start at 0.
    public static let consumed: [Topic] = [.grantCommands, .moveCommands, .exemptionCommands, .inbox, .receipts]

    /// What workers read: the same, and the catalogue, whose only partition is for all of them.
    public static let read = consumed + [.catalogue]

    /// What a shard answers for: the catalogue's records are answered by shard 0.
    public static func answered(by shard: Int32) -> [Topic] { shard == 0 ? read : consumed }

    /// Topics whose partition count must be the same.
    public static let sharded: [Topic] = [
        .grantCommands, .moveCommands, .exemptionCommands, .inbox, .receipts, .changelog,
    ]
}
