import FuldmagtDomain
import FuldmagtJSON

extension ShardAccess {
    /// Writes one change of a citizen's rows. Rows of the file that get a handle of the store's carry it afterwards.
    func write(_ change: RowChange, citizen: Int64, file: inout CitizenFile) throws(StoreError) {
        switch change {
        case .residence(let residence): try write(residence, citizen: citizen)
        case .exemption(let exemption): try write(exemption, citizen: citizen)
        case .exemptionLifted(let ordinal, let lifting):
            try statements.liftExemption.bind(1, citizen).bind(2, ordinal).bind(3, lifting.at)
                .bind(4, lifting.by.rawValue).bind(5, lifting.cause.id).bind(6, try origin(of: lifting.cause))
                .bind(7, lifting.journal).bind(8, lifting.caseworker).run()
        case .grant(let grant, let entry):
            file.grants[grant.ordinal].row = try write(grant, entry, citizen: citizen)
        case .grantChanged(let grant, let entry):
            // A grant of the same turn has got its row since the rules saw it.
            let row = file.grants[grant.ordinal].row
            if grant.entry == 1 { try statements.keepGiving.bind(1, row).run() }
            var keepsEvidence = false
            if case .stored = grant.evidence { keepsEvidence = true }
            statements.changeGrant.bind(1, row).bind(2, grant.state.rawValue).bind(3, grant.version)
                .bind(4, grant.entry).bind(5, grant.validFrom).bind(6, grant.validUntil)
                .bind(7, grant.channel.rawValue).bind(9, grant.lapsesOn).bind(10, grant.remindedOf)
                .bind(11, try termsRow(grant.terms)).bind(12, keepsEvidence)
            try run(statements.changeGrant, with: keepsEvidence ? nil : grant.evidence, at: 8)
            try write(entry, of: grant, row: row)
        case .received(let grant): try write(grant, citizen: citizen)
        case .notification(let notification):
            let row = try write(notification, citizen: citizen)
            if let at = file.notifications.lastIndex(where: { $0.id == notification.id }) {
                file.notifications[at].row = row
            }
            if let explanation = notification.explanation { try noteExplanation(explanation, of: row) }
        case .notificationCancelled(let id, let at, let row):
            try statements.cancelNotification.bind(1, row).bind(2, at).run()
            let channel = file.notifications.first { $0.id == id }?.channel ?? .digitalPost
            try cancelPost(row, channel: channel, at: at)
        case .grantReminded(let ordinal, let day):
            try statements.setReminded.bind(1, file.grants[ordinal].row).bind(2, day).run()
        case .death(let death):
            try statements.insertDeath.bind(1, citizen).bind(2, death.ordinal).bind(3, death.effective)
                .bind(4, death.at).bind(5, death.cause.id).bind(6, try origin(of: death.cause))
                .bind(7, Extension.stored(death.cause.extensions)).run()
            try statements.setDied.bind(1, citizen).bind(2, death.effective).run()
        case .deathCorrected(let correction):
            try statements.correctDeath.bind(1, citizen).bind(2, correction.at).bind(3, correction.cause.id)
                .bind(4, try origin(of: correction.cause)).bind(5, correction.journal).run()
            try statements.setDied.bind(1, citizen).bindNull(2).run()
        case .readAccess(let access): try write(access, citizen: citizen)
        case .readAccessEnded(let ordinal, let end):
            try statements.endReadAccess.bind(1, citizen).bind(2, ordinal).bind(3, end.at).bind(4, end.cause.id)
                .bind(5, try origin(of: end.cause)).bind(6, end.journal).bind(7, end.caseworker).run()
        case .renumbering(let renumbering):
            try statements.setRenumbering.bind(1, citizen).bind(2, renumbering.to.pseudonym)
                .bind(3, renumbering.to.sealed).bind(4, Int64(renumbering.to.shard)).bind(5, renumbering.effective)
                .bind(6, renumbering.at).bind(7, renumbering.cause.id).bind(8, try origin(of: renumbering.cause))
                .bind(9, Extension.stored(renumbering.cause.extensions)).run()
            try statements.setRenumbered.bind(1, citizen).bind(2, renumbering.isHandedOver).run()
        case .numberInUseAgain:
            // Where its file went stands there until all that followed it there is back.
            try statements.setRenumbered.bind(1, citizen).bindNull(2).run()
        case .representativeDied(let representative, let isDead):
            try statements.setRepresentativeDied.bind(1, citizen).bind(2, representative).bind(3, isDead).run()
        case .numberChanged(let change):
            try statements.renumberRepresentative.bind(1, citizen).bind(2, change.former)
                .bind(3, change.current.pseudonym).bind(4, change.current.sealed)
                .bind(5, Int64(change.current.shard)).run()
            try statements.renumberGrantor.bind(1, citizen).bind(2, change.former).bind(3, change.current.pseudonym)
                .bind(4, Int64(change.current.shard)).run()
            try statements.renumberHolder.bind(1, citizen).bind(2, change.former).bind(3, change.current.pseudonym)
                .bind(4, change.current.sealed).bind(5, Int64(change.current.shard)).run()
        case .due(let day): try statements.insertDue.bind(1, day).bind(2, citizen).run()
        }
    }

    private func write(_ residence: Residence, citizen: Int64) throws(StoreError) {
        try statements.insertResidence.bind(1, citizen).bind(2, residence.arrival).bind(3, residence.effective)
            .bind(4, residence.municipality).bind(5, residence.from).bind(6, residence.registeredAt)
            .bind(7, residence.at).bind(8, residence.cause.id).bind(9, try origin(of: residence.cause))
            .bind(10, Extension.stored(residence.cause.extensions)).bind(11, residence.kind.rawValue).run()
    }

    private func write(_ exemption: Exemption, citizen: Int64) throws(StoreError) {
        try statements.insertExemption.bind(1, citizen).bind(2, exemption.ordinal).bind(3, exemption.municipality)
            .bind(4, exemption.form).bind(5, exemption.journal).bind(6, exemption.caseworker)
            .bind(7, exemption.requestedBy.rawValue).bind(8, exemption.appearedInPerson).bind(9, exemption.departure)
            .bind(10, exemption.validUntil).bind(11, exemption.at).bind(12, exemption.cause.id)
            .bind(13, try origin(of: exemption.cause)).run()
    }

    /// Stores a new grant with the first entry of its history.
    private func write(_ grant: Grant, _ giving: GrantEntry, citizen: Int64) throws(StoreError) -> Int64 {
        statements.insertGrant.bind(1, citizen).bind(2, grant.ordinal).bind(3, grant.id)
            .bind(4, grant.representative.pseudonym).bind(5, grant.representative.sealed)
            .bind(6, Int64(grant.representative.shard)).bind(7, try termsRow(grant.terms))
            .bind(8, grant.state.rawValue).bind(9, grant.version).bind(10, grant.entry).bind(11, grant.validFrom)
            .bind(12, grant.validUntil).bind(13, grant.channel.rawValue)
            .bind(15, grant.request).bind(16, grant.lapsesOn).bind(17, grant.remindedOf).bind(18, giving.at)
            .bind(19, giving.cause.id).bind(20, try origin(of: giving.cause))
            .bind(21, Extension.stored(giving.cause.extensions))
        try run(statements.insertGrant, with: grant.evidence, at: 14)
        return statements.insertGrant.insertedRow
    }

    /// Runs a statement with evidence as one of its values, which is too long to be copied for it.
    private func run(_ statement: Statement, with evidence: KeptEvidence?, at place: Int32) throws(StoreError) {
        defer { statement.bindNull(place) }
        switch evidence {
        case nil: break
        case .told(let evidence):
            scratch.removeAll()
            JSONWriter.append(to: &scratch) { evidence.write(to: &$0) }
            return try scratch.withUnsafeBytes { (text) throws(StoreError) in
                statement.bindText(place, text)
                try statement.run()
            }
        case .stored(let row):
            let stored = statements.readEvidence.bind(1, row)
            guard try stored.next() else { throw StoreError(.fatal, "a grant refers to evidence that is not there") }
            defer { stored.reset() }
            statement.bind(place, stored.optionalText(0))
        }
        try statement.run()
    }

    private func write(_ entry: GrantEntry, of grant: Grant, row: Int64) throws(StoreError) {
        try statements.insertHistory.bind(1, row).bind(2, grant.entry).bind(3, grant.state.rawValue)
            .bind(4, grant.version).bind(5, grant.validFrom).bind(6, grant.validUntil).bind(7, entry.at)
            .bind(8, entry.cause.id).bind(9, try origin(of: entry.cause)).bind(10, entry.by).bind(11, entry.reason)
            .bind(12, try termsRow(grant.terms)).bind(13, Extension.stored(entry.cause.extensions))
            .bind(14, entry.channel?.rawValue).run()
    }

    private func write(_ access: ReadAccess, citizen: Int64) throws(StoreError) {
        try statements.insertReadAccess.bind(1, citizen).bind(2, access.ordinal).bind(3, access.holder.pseudonym)
            .bind(4, access.holder.sealed).bind(5, Int64(access.holder.shard)).bind(6, access.journal)
            .bind(7, access.caseworker).bind(8, access.validUntil).bind(9, access.at).bind(10, access.cause.id)
            .bind(11, try origin(of: access.cause)).bind(12, access.formerHolder).run()
    }

    private func write(_ grant: ReceivedGrant, citizen: Int64) throws(StoreError) {
        let terms = try termsRow(grant.terms)
        func run(_ statement: Statement) throws(StoreError) -> Int {
            try statement.bind(1, citizen).bind(2, grant.id).bind(3, grant.grantor).bind(4, Int64(grant.grantorShard))
                .bind(5, terms).bind(6, grant.state.rawValue).bind(7, grant.validFrom).bind(8, grant.validUntil)
                .bind(9, grant.entry.map { Int64($0) }).run()
        }
        // Most are new.
        if try run(statements.insertReceived) == 0 { _ = try run(statements.changeReceived) }
    }

    private func write(_ notification: Notification, citizen: Int64) throws(StoreError) -> Int64 {
        let statement = statements.insertNotification.bind(1, citizen).bind(2, notification.id)
            .bind(3, notification.kind.rawValue).bind(4, notification.grant)
        if let terms = notification.terms { statement.bind(5, try termsRow(terms)) } else { statement.bindNull(5) }
        try statement.bind(6, notification.validUntil).bind(7, notification.channel.rawValue)
            .bind(8, try senderRow(notification.sender)).bind(9, notification.kle)
            .bind(10, notification.isAboutAnother).bind(11, notification.createdAt).run()
        return statements.insertNotification.insertedRow
    }
}
