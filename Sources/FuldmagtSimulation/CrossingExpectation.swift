import FuldmagtDomain
import FuldmagtJSON
import FuldmagtTestKit

/// What must be so where changes of people's numbers cross, whatever order shards are worked on in:
///
/// - every command is answered once, and nothing is set aside;
/// - what was given does not live where the same number took it back afterwards, nor where its holder is dead;
/// - both parties' files agree on what lives.
struct CrossingExpectation: Expectation {
    private let commands: [CrossingWorkload.Sent]
    /// Commands that have been written so far, by place among all.
    private var written = 0
    /// Grants that were said to be over.
    private var over: Set<String> = []

    init(_ commands: [CrossingWorkload.Sent]) { self.commands = commands }

    func advance(to instant: Instant) {}

    /// Phases are written one after the other, and a producer that is not sure sends again what stands in one.
    mutating func take(_ record: ModelRecord) {
        guard let id = record.headers.first(where: { $0.0 == "ce_id" }).map({ String(decoding: $0.1, as: UTF8.self) }),
            let at = commands.firstIndex(where: { $0.id == id })
        else { return }
        written = max(written, at + 1)
    }

    mutating func differences(from observed: Observed) -> [String] {
        var lines: [String] = []
        if observed.unreadable > 0 { lines.append("\(observed.unreadable) records cannot be read back") }
        lines += observed.deadLetters.map { "set aside: \($0)" }
        var outcomes: [String: [ExpectedOutcome]] = [:]
        for outcome in observed.outcomes { outcomes[outcome.id, default: []].append(outcome) }
        let written = commands.prefix(written)
        for command in written where outcomes[command.id]?.count != 1 {
            lines.append("\(command.id) is answered \(outcomes[command.id]?.count ?? 0) times")
        }
        over = Set(
            observed.outcomes.flatMap { $0.grants.filter { $0.state == "revoked" }.map(\.id) }
                + observed.notifications.filter { $0.kind == "grant-ended" }.compactMap(\.grant))
        for (place, command) in written.enumerated() {
            guard case .give(let package) = command.body, let outcome = outcomes[command.id]?.first,
                outcome.status == "accepted"
            else { continue }
            for grant in outcome.grants where !over.contains(grant.id) {
                guard let end = end(of: package, from: command, in: written.dropFirst(place)) else { continue }
                lines.append("\(grant.id), given by \(command.id), lives in spite of \(end.id)")
            }
        }
        return lines
    }

    /// The command, the same number's or about the holder, after which what was given is over.
    private func end(
        of package: String, from giving: CrossingWorkload.Sent, in later: ArraySlice<CrossingWorkload.Sent>
    ) -> CrossingWorkload.Sent? {
        later.first { command in
            switch command.body {
            case .take(package): command.number == giving.number
            default: false
            }
        }
            ?? commands.prefix(written).first {
                if case .holderDies = $0.body { $0.holder == giving.holder } else { false }
            }
    }

    func differences(fromState state: [String]) throws -> [String] {
        let document = JSONDocument()
        var living: [String: Set<String>] = [:]
        for line in state {
            // What is read stands in the bytes.
            try Array(line.utf8).withUnsafeBytes { bytes in
                try document.parse(bytes)
                guard let table = document.root["table"]?.string, ["grant", "received"].contains(table),
                    ["active", "dormant"].contains(document.root["state"]?.string),
                    let id = document.root["grant"]?.string
                else { return }
                living[table, default: []].insert(id)
            }
        }
        let (given, received) = (living["grant"] ?? [], living["received"] ?? [])
        return over.intersection(given).sorted().map { "grant \($0) lives and was said to be over" }
            + given.symmetricDifference(received).sorted().map { id in
                "grant \(id) lives for its \(given.contains(id) ? "grantor" : "representative") only"
            }
    }

    func notifications() -> [(ExpectedNotification, channel: String)] { [] }

    var decided: Int { written }
}
