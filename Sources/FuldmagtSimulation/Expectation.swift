import FuldmagtDomain
import FuldmagtTestKit

/// What a simulated cluster has to say and to hold, whatever befalls it: what the naive model says or, where people get new
/// numbers, of which the model knows nothing, what one worker says that nothing befalls.
struct Expectation {
    private var model: NaiveModel
    /// Takes the model's place where there is one.
    var calm: CalmCluster?

    init(_ model: NaiveModel) { self.model = model }

    /// A day has come.
    mutating func advance(to instant: Instant) throws {
        if let calm { try calm.advance(to: instant) } else { model.advance(to: instant) }
    }

    mutating func take(_ record: ModelRecord) {
        if let calm { calm.take(record) } else { model.take(record) }
    }

    /// What differs from what was said; nothing at rest.
    func differences(from observed: Observed) throws -> [String] {
        if let calm { observed.differences(from: try calm.said()) } else { observed.differences(from: model) }
    }

    /// What shards hold, as dumped, but for what is kept of ids. Nothing more can be asked then.
    func dump() throws -> [String] { try calm?.dump() ?? model.dump() }

    /// Notifications that were told, and the channel that each is sent by now.
    func notifications() throws -> [(ExpectedNotification, channel: String)] {
        try calm?.said().notificationsByChannel
            ?? model.notifications.map { ($0, channel: model.channel(of: $0)) }
    }

    /// How many commands were decided.
    var decided: Int { calm?.observed.outcomes.count ?? model.outcomes.count }
}
