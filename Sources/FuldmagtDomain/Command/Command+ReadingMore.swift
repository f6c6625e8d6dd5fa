import FuldmagtJSON

extension GrantIssue {
    /// A request is made digitally, by the representative.
    static func readRequest(_ reader: inout FieldReader) -> GrantIssue {
        GrantIssue(
            representative: reader.party("representative"), packages: reader.packages(),
            validFrom: reader.day("validFrom", required: nil),
            validUntil: reader.day("validUntil", required: .missingField), channel: .digital, evidence: nil)
    }
}

extension GrantAnswer {
    static func read(_ reader: inout FieldReader, needsEvidence: Bool) -> GrantAnswer {
        let request = reader.text("request", required: .missingField, limit: 512)
        let channel = reader.choice("channel", of: Channel.self)
        return GrantAnswer(
            request: request, channel: channel,
            evidence: !needsEvidence || channel == nil || channel == .digital
                ? nil : Evidence.read(&reader, for: channel))
    }
}

extension SeenGrant {
    /// - Returns: nil when `grant` is missing or not a text.
    static func read(_ reader: inout FieldReader) -> SeenGrant? {
        let version = reader.number("version", in: 1...1_000_000_000, required: .missingField)
        guard let node = reader.value("grant") else {
            reader.fault(.missingField, "grant")
            return nil
        }
        guard let text = node.string else {
            reader.fault(.invalidField, "grant")
            return nil
        }
        return SeenGrant(id: Ident(hex: text), version: version)
    }
}

extension GrantRenew {
    static func read(_ reader: inout FieldReader) -> GrantRenew {
        GrantRenew(grant: .read(&reader), validUntil: reader.day("validUntil", required: .missingField))
    }
}

extension GrantCorrect {
    static func read(_ reader: inout FieldReader) -> GrantCorrect {
        var correct = GrantCorrect(
            grant: .read(&reader), journal: reader.freeText("journal", required: .journalMissing))
        guard let node = reader.value("changes") else {
            reader.fault(.missingField, "changes")
            return correct
        }
        guard node.kind == .object else {
            reader.fault(.invalidField, "changes")
            return correct
        }
        var inner = FieldReader(node, today: reader.today, settings: reader.settings, prefix: "changes.")
        correct.validFrom = inner.day("validFrom", required: nil)
        correct.validUntil = inner.day("validUntil", required: nil)
        correct.hasUnreadableDate = !inner.faults.isEmpty
        correct.hasUnreadableEnd = correct.validUntil == nil && inner.value("validUntil") != nil
        let names = inner.value("representative") != nil
        if names { correct.representative = inner.party("representative") }
        reader.faults += inner.faults
        if !names, correct.validFrom == nil, correct.validUntil == nil, inner.faults.isEmpty {
            reader.fault(.missingField, "changes")
        }
        return correct
    }
}

extension ExemptionCorrect {
    static func read(_ reader: inout FieldReader) -> ExemptionCorrect {
        let correct = ExemptionCorrect(
            municipality: reader.decidingMunicipality("municipality", required: .missingField),
            journal: reader.freeText("journal", required: .journalMissing),
            caseworker: reader.freeText("caseworker", required: .missingField))
        if reader.flag("registeredByMistake", required: .missingField) == false {
            reader.fault(.invalidField, "registeredByMistake")
        }
        return correct
    }
}

extension ReadAccessCommand {
    static func read(_ reader: inout FieldReader) -> ReadAccessCommand {
        ReadAccessCommand(
            holder: reader.party("holder"), journal: reader.freeText("journal", required: nil),
            caseworker: reader.freeText("caseworker", required: nil),
            validUntil: reader.day("validUntil", required: nil))
    }
}

extension MailboxEnrol {
    static func read(_ reader: inout FieldReader) -> MailboxEnrol {
        MailboxEnrol(reason: reader.choice("reason", of: Cause.self))
    }
}

extension Renumber {
    static func read(_ reader: inout FieldReader) -> Renumber {
        Renumber(to: reader.cpr("newCpr"), effective: reader.day("effective", required: .missingField))
    }
}
