extension Command.Body {
    /// The role that a command's sender needs.
    var role: Authority.Role {
        switch self {
        case .issue, .request, .approve, .decline, .revoke, .renew, .correct: .grant
        case .relocate, .decease, .renumber, .correctDeath: .move
        case .register, .lift, .correctExemption, .giveReadAccess, .withdrawReadAccess, .enrol: .exemption
        }
    }

    /// The municipality that decides, as the command names it.
    var decidingMunicipality: Municipality? {
        switch self {
        case .register(let register): register.municipality
        case .lift(let lift): lift.municipality
        case .correctExemption(let correct): correct.municipality
        default: nil
        }
    }
}

extension Draft {
    /// A command comes from a defined authority with the role for its topic; an exemption from the municipality that it
    /// names as deciding.
    mutating func checkSource(of command: Command) {
        guard circumstances.settings.sources != .off else { return }
        let authority = command.cause.sourceCVR.flatMap { circumstances.catalogue.authorities[$0.digits] }
        let hasRole = authority?.roles.contains(command.body.role) ?? false
        let decides =
            circumstances.settings.exemptionsFromAnyMunicipality
            || command.body.decidingMunicipality.map { $0 == authority?.municipality } ?? true
        guard !hasRole || !decides else { return }
        effects.warnings += 1
        if circumstances.settings.sources == .enforce { reject(.sourceNotPermitted, "ce_source") }
    }
}
