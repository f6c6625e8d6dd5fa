import FuldmagtDomain
import FuldmagtTestKit

/// What a simulated cluster has to say and to hold, whatever befalls it: what the naive model says; where people get new
/// numbers, of which the model knows nothing, what one worker says that nothing befalls; and where such changes cross, so that
/// much depends on who is how fast, what must be so all the same.
protocol Expectation {
    /// A day has come.
    mutating func advance(to instant: Instant) throws
    mutating func take(_ record: ModelRecord)
    /// What differs from what was said; nothing at rest.
    mutating func differences(from observed: Observed) throws -> [String]
    /// What differs from what shards hold at the end, as dumped, but for what is kept of ids. Nothing more can be asked then.
    func differences(fromState state: [String]) throws -> [String]
    /// Notifications that were told, and the channel that each is sent by now.
    func notifications() throws -> [(ExpectedNotification, channel: String)]
    /// How many commands were decided.
    var decided: Int { get }
}

extension Expectation {
    /// What differs from a state that is known to the last row.
    func differences(of state: [String], from expected: [String]) -> [String] {
        let known = Set(expected)
        // Of a citizen whose command was parked, and then rejected, the pseudonym is left.
        let state = state.filter { known.contains($0) || !$0.contains(#""table":"citizen""#) }
        guard state != expected else { return [] }
        return known.subtracting(state).sorted().map { "missing: \($0)" }
            + Set(state).subtracting(expected).sorted().map { "too much: \($0)" }
    }
}

/// What the naive model says.
struct ModelExpectation: Expectation {
    private var model: NaiveModel

    init(_ model: NaiveModel) { self.model = model }

    mutating func advance(to instant: Instant) { model.advance(to: instant) }

    mutating func take(_ record: ModelRecord) { model.take(record) }

    func differences(from observed: Observed) -> [String] { observed.differences(from: model) }

    func differences(fromState state: [String]) -> [String] { differences(of: state, from: model.dump()) }

    func notifications() -> [(ExpectedNotification, channel: String)] {
        model.notifications.map { ($0, channel: model.channel(of: $0)) }
    }

    var decided: Int { model.outcomes.count }
}
