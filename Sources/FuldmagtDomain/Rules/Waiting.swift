/// Why a command cannot be decided yet. Its citizen waits, everybody else goes on.
public enum Waiting: Sendable, Equatable {
    /// The catalogue cannot be read to its end, and the answer may stand there.
    case catalogue
    /// An earlier command about the same citizen waits, or their file is on its way back to a number of theirs.
    case order
    /// The store refused what the command came to: a fault of this program, told without personal data.
    case fault(String)

    /// What the sender is told.
    public var reason: Reason {
        switch self {
        case .catalogue: Reason(.catalogueBehind, nil)
        case .order: Reason(.earlierCommandWaits, nil)
        case .fault: Reason(.needsRepair, nil)
        }
    }
}

/// What an operator wants done with a citizen's parked commands. It reaches the shard by the inbox, as only a record
/// changes state.
public struct ParkedRequest: Sendable, Equatable {
    public enum Action: String, CaseIterable, Sendable {
        /// Try them again, in order.
        case retry
        /// Reject one, and try what waited behind it.
        case reject
    }
    public var action: Action
    /// Digest of the source and id of the command to reject.
    public var command: Ident?
    /// When it was asked for.
    public var at: Instant

    public init(action: Action, command: Ident?, at: Instant) {
        self.action = action
        self.command = command
        self.at = at
    }
}

extension Command.Body {
    /// Whether the answer, or what it brings about, stands in the catalogue. Whatever only takes a right away does not ask
    /// it, so no catalogue that cannot be read holds up a revocation.
    var asksCatalogue: Bool {
        switch self {
        case .issue, .request, .approve, .renew, .correct, .relocate, .correctDeath: true
        case .decline, .revoke, .decease, .renumber, .register, .lift, .correctExemption, .giveReadAccess,
            .withdrawReadAccess, .enrol:
            false
        }
    }

    /// Whether it withdraws grants.
    public var isRevocation: Bool { if case .revoke = self { true } else { false } }
}

extension Draft {
    /// Whether a command has to wait for the catalogue: it asks for packages or activations, or its sender is not among the
    /// authorities read so far.
    func waits(_ command: Command) -> Waiting? {
        guard circumstances.isCatalogueBehind else { return nil }
        return command.body.asksCatalogue || reasons.contains { $0.code == .sourceNotPermitted } ? .catalogue : nil
    }
}
