import FuldmagtDomain

/// What went into the simulated transports and what came out, for people; and whether it is the same as what the ledgers
/// say.
public struct SimulationReport {
    private let simulation: TransportSimulation.Counts
    private let ledgers: [LedgerReader.Account]

    public init(simulation: TransportSimulation.Counts, ledgers: [LedgerReader.Account]) {
        self.simulation = simulation
        self.ledgers = ledgers
    }

    /// Whether no message was sent yet, and none taken: then there is nothing to compare.
    public var isEmpty: Bool {
        ledgers.allSatisfy { $0.sentMessages == 0 } && simulation.messages.values.allSatisfy { $0 == 0 }
            && simulation.refused == 0
    }

    /// Whether every message that a ledger calls sent was taken, and no other; and every receipt is accounted for.
    public var addsUp: Bool { differences.isEmpty }

    private var differences: [String] {
        PostChannel.allCases.compactMap { channel in
            let sent = ledgers.first { $0.channel == channel }?.sentMessages ?? 0
            let taken = simulation.messages[channel] ?? 0
            return sent == taken ? nil : "\(channel.rawValue): \(sent) messages sent by the ledger, \(taken) taken"
        }
    }

    public var text: String {
        var lines = ["SIMULATION of Digital Post and a print supplier: nothing reached anybody", ""]
        for account in ledgers {
            lines.append("ledger of \(account.channel.rawValue)")
            for state in LedgerState.allCases {
                let count = account.notifications[state] ?? 0
                if count > 0 { lines.append("  \(Self.padded(count))  notifications \(state.rawValue)") }
            }
            lines.append("  \(Self.padded(account.sentMessages))  messages sent")
            if account.untold > 0 { lines.append("  \(Self.padded(account.untold))  receipts still to be written") }
        }
        lines.append("transports")
        for channel in PostChannel.allCases {
            guard let count = simulation.messages[channel] else { continue }
            let failed = simulation.failed[channel] ?? 0
            lines.append(
                "  \(Self.padded(count))  messages by \(channel.rawValue) = \(count - failed) delivered + \(failed) failed"
            )
        }
        lines.append("  \(Self.padded(simulation.repeats))  came again under a known id, and were recognised")
        if simulation.refused > 0 {
            lines.append("  \(Self.padded(simulation.refused))  were refused for what is in them")
        }
        let all = simulation.written + simulation.lost + simulation.waiting
        lines.append(
            "  \(Self.padded(all))  receipts = \(simulation.written) written (\(simulation.duplicates) of them twice) + \(simulation.lost) lost + \(simulation.waiting) still to come"
        )
        for (status, count) in simulation.byStatus.sorted(by: { $0.key < $1.key }) {
            lines.append("    \(Self.padded(count))  \(status)")
        }
        lines.append(verdict)
        return lines.joined(separator: "\n") + "\n"
    }

    private var verdict: String {
        if isEmpty { return "nothing was sent yet" }
        return addsUp ? "what was sent is what was taken" : "DIFFERENCE: " + differences.joined(separator: "; ")
    }

    private static func padded(_ count: Int) -> String {
        let text = String(count)
        return String(repeating: " ", count: max(0, 8 - text.count)) + text
    }
}
