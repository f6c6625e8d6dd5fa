import FuldmagtDomain

extension NaiveModel {
    /// What `fuldmagt store dump` prints of all shards together, but for the table `processed`: one canonical JSON object
    /// a line, lines sorted by their bytes.
    public func dump() -> [String] {
        var lines: [Line] = []
        for (party, citizen) in citizens {
            let name = pseudonym(party)
            lines += citizen.moves.enumerated().map { residence($1, $0, name) }
            lines += citizen.deaths.enumerated().map { death($1, $0, name) }
            lines += citizen.due.map { Line("due").adding("citizen", name).adding("day", $0.description) }
            lines += citizen.exemptions.enumerated().map { exemption($1, $0, name) }
            lines += citizen.readAccesses.enumerated().map { readAccess($1, $0, name) }
            for (ordinal, grant) in citizen.grants.enumerated() {
                lines.append(given(grant, ordinal, name))
                if grant.wasGiven { lines.append(received(grant, name)) }
                lines += grant.history.enumerated().map { history($1, $0, of: grant) }
            }
        }
        var names: [String: String] = [:]
        var kinds: [String: String] = [:]
        for party in partiesSeen() {
            names[party.digits] = pseudonym(party)
            kinds[pseudonym(party)] = party.isPerson ? "person" : "company"
        }
        for notification in notifications where notification.cancelledKind == nil && !notification.isRerouted {
            lines.append(notificationLine(notification, names[notification.recipient]))
            if let post = posts[notification.id] { lines += timeline(notification.id, post) }
        }
        lines += earlyReceipts.map {
            Line("earlyReceipt").adding("id", $0.notification).adding("citizen", $0.citizen)
                .adding("at", $0.record.timestamp)
        }
        for name in Set(lines.compactMap { $0.text("table") == "earlyReceipt" ? nil : $0.text("citizen") }) {
            lines.append(Line("citizen").adding("citizen", name).adding("kind", kinds[name]))
        }
        return lines.map(\.written).sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
    }

    private func pseudonym(_ party: Party) -> String { keys.pseudonym(of: party).description }

    private func partiesSeen() -> Set<Party> {
        var parties = Set(citizens.keys)
        for citizen in citizens.values {
            parties.formUnion(citizen.grants.map(\.representative))
            parties.formUnion(citizen.readAccesses.map(\.holder))
        }
        return parties
    }

    private func residence(_ move: ModelMove, _ arrival: Int, _ citizen: String) -> Line {
        Line("residence").adding("citizen", citizen).adding("arrival", arrival)
            .adding("kind", move.kind == "relocate" ? nil : move.kind)
            .adding("effective", move.effective.description)
            .adding("municipality", move.municipality?.description).adding("from", move.from?.description)
            .adding("registeredAt", move.registeredAt?.milliseconds).adding("at", move.cause.at)
            .adding("cause", move.cause.id)
    }

    private func death(_ death: ModelDeath, _ ordinal: Int, _ citizen: String) -> Line {
        Line("death").adding("citizen", citizen).adding("ordinal", ordinal)
            .adding("effective", death.effective.description).adding("at", death.cause.at)
            .adding("cause", death.cause.id).adding("correctedAt", death.corrected?.cause.at)
            .adding("correctionCause", death.corrected?.cause.id)
            .adding("correctionJournal", death.corrected?.journal)
    }

    private func exemption(_ exemption: ModelExemption, _ ordinal: Int, _ citizen: String) -> Line {
        Line("exemption").adding("citizen", citizen).adding("ordinal", ordinal)
            .adding("municipality", exemption.municipality.description).adding("form", exemption.form)
            .adding("journal", exemption.journal).adding("caseworker", exemption.caseworker)
            .adding("requestedBy", exemption.requestedBy).adding("appearedInPerson", exemption.appearedInPerson)
            .adding("departure", exemption.departure).adding("validUntil", exemption.validUntil?.description)
            .adding("at", exemption.cause.at).adding("cause", exemption.cause.id)
            .adding("liftedAt", exemption.lifted?.cause.at).adding("liftedBy", exemption.lifted?.by)
            .adding("liftCause", exemption.lifted?.cause.id).adding("liftJournal", exemption.lifted?.journal)
            .adding("liftCaseworker", exemption.lifted?.caseworker)
    }

    private func readAccess(_ access: ModelReadAccess, _ ordinal: Int, _ citizen: String) -> Line {
        Line("readAccess").adding("citizen", citizen).adding("ordinal", ordinal)
            .adding("holder", pseudonym(access.holder)).adding("journal", access.journal)
            .adding("caseworker", access.caseworker).adding("validUntil", access.validUntil?.description)
            .adding("at", access.cause.at).adding("cause", access.cause.id)
            .adding("endedAt", access.ended?.cause.at).adding("endCause", access.ended?.cause.id)
            .adding("endJournal", access.ended?.journal).adding("endCaseworker", access.ended?.caseworker)
    }

    private func given(_ grant: ModelGrant, _ ordinal: Int, _ grantor: String) -> Line {
        Line("grant").adding("citizen", grantor).adding("ordinal", ordinal).adding("grant", grant.id.uuidText)
            .adding("representative", pseudonym(grant.representative)).adding("package", grant.package)
            .adding("packageVersion", grant.packageVersion).adding("state", grant.state)
            .adding("version", grant.version)
            .adding("validFrom", grant.validFrom.description).adding("validUntil", grant.validUntil.description)
            .adding("channel", grant.channel).adding("journal", grant.journal)
            .adding("caseworker", grant.caseworker).adding("identification", grant.identification)
            .adding("request", grant.request)
    }

    private func received(_ grant: ModelGrant, _ grantor: String) -> Line {
        Line("received").adding("citizen", pseudonym(grant.representative)).adding("grant", grant.id.uuidText)
            .adding("grantor", grantor).adding("package", grant.package)
            .adding("packageVersion", grant.packageVersion).adding("kind", grant.kind).adding("state", grant.state)
            .adding("validFrom", grant.validFrom.description).adding("validUntil", grant.validUntil.description)
    }

    private func history(_ entry: ModelGrant.Entry, _ number: Int, of grant: ModelGrant) -> Line {
        Line("grantHistory").adding("grant", grant.id.uuidText).adding("entry", number).adding("state", entry.state)
            .adding("version", entry.version).adding("validFrom", entry.validFrom.description)
            .adding("validUntil", entry.validUntil.description).adding("at", entry.cause.at)
            .adding("cause", entry.cause.id).adding("source", entry.cause.source).adding("by", entry.by)
            .adding("reason", entry.reason).adding("channel", entry.channel)
    }

    private func timeline(_ id: String, _ post: ModelPost) -> [Line] {
        [Line("post").adding("id", id).adding("state", post.state)]
            + post.entries.enumerated().map { number, entry in
                Line("timeline").adding("id", id).adding("entry", number).adding("event", entry.event)
                    .adding("state", entry.state).adding("channel", entry.channel).adding("at", entry.at)
                    .adding("transport", entry.transport).adding("code", entry.code)
                    .adding("source", entry.source).adding("receipt", entry.receipt)
            }
    }

    private func notificationLine(_ notification: ExpectedNotification, _ recipient: String?) -> Line {
        Line("notification").adding("citizen", recipient)
            .adding("id", notification.id).adding("kind", notification.kind).adding("grant", notification.grant)
            .adding("channel", post(of: notification).channel).adding("createdAt", notification.createdAt)
            .adding("cancelledAt", cancelledAt[notification.id])
    }
}

/// One row: its members, those that are nil left out.
private struct Line {
    private var members: [(name: String, value: ModelJSON)]

    init(_ table: String) { members = [("table", .string(table))] }

    var written: String { ModelJSON.object(members).canonical }

    func text(_ name: String) -> String? { ModelJSON.object(members)[name]?.text }

    func adding(_ name: String, _ value: String?) -> Line { adding(name, value.map { ModelJSON.string($0) }) }
    func adding(_ name: String, _ value: Int) -> Line { adding(name, ModelJSON.number(Double(value))) }
    func adding(_ name: String, _ value: Int64?) -> Line { adding(name, value.map { ModelJSON.number(Double($0)) }) }
    func adding(_ name: String, _ value: Bool) -> Line { adding(name, ModelJSON.bool(value)) }

    private func adding(_ name: String, _ value: ModelJSON?) -> Line {
        var line = self
        if let value { line.members.append((name, value)) }
        return line
    }
}
