import FuldmagtDomain

extension ShardAccess {
    /// Writes one change of a citizen's rows. Rows of the file that get a handle of the store's carry it afterwards.
    func write(_ change: RowChange, citizen: Int64, file: inout CitizenFile) throws(StoreError) {
        switch change {
        case .residence(let residence): try write(residence, citizen: citizen)
        case .exemption(let exemption): try write(exemption, citizen: citizen)
        case .exemptionLifted(let ordinal, let lifting):
            try statements.liftExemption.bind(1, citizen).bind(2, ordinal).bind(3, lifting.at)
                .bind(4, lifting.by.rawValue).bind(5, lifting.cause.id).bind(6, try origin(of: lifting.cause))
                .bind(7, lifting.journal).run()
        case .grant(let grant, let entry):
            let row = try write(grant, citizen: citizen)
            file.grants[grant.ordinal].row = row
            try write(
                entry, number: grant.entry, row: row, state: grant.state, version: grant.version,
                validFrom: grant.validFrom, validUntil: grant.validUntil)
        case .grantState(let ordinal, let state, let number, let entry):
            let grant = file.grants[ordinal]
            try statements.setGrantState.bind(1, grant.row).bind(2, state.rawValue).bind(3, number).run()
            try write(
                entry, number: number, row: grant.row, state: state, version: grant.version,
                validFrom: grant.validFrom, validUntil: grant.validUntil)
        case .received(let grant): try write(grant, citizen: citizen)
        case .notification(let notification):
            let row = try write(notification, citizen: citizen)
            if let at = file.notifications.lastIndex(where: { $0.id == notification.id }) {
                file.notifications[at].row = row
            }
        case .notificationCancelled(_, let at, let row):
            try statements.cancelNotification.bind(1, row).bind(2, at).run()
        case .due(let day): try statements.insertDue.bind(1, day).bind(2, citizen).run()
        }
    }

    private func write(_ residence: Residence, citizen: Int64) throws(StoreError) {
        try statements.insertResidence.bind(1, citizen).bind(2, residence.arrival).bind(3, residence.effective)
            .bind(4, residence.municipality).bind(5, residence.from).bind(6, residence.registeredAt)
            .bind(7, residence.at).bind(8, residence.cause.id).bind(9, try origin(of: residence.cause))
            .bind(10, Extension.stored(residence.cause.extensions)).run()
    }

    private func write(_ exemption: Exemption, citizen: Int64) throws(StoreError) {
        try statements.insertExemption.bind(1, citizen).bind(2, exemption.ordinal).bind(3, exemption.municipality)
            .bind(4, exemption.form).bind(5, exemption.journal).bind(6, exemption.caseworker)
            .bind(7, exemption.requestedBy.rawValue).bind(8, exemption.appearedInPerson).bind(9, exemption.departure)
            .bind(10, exemption.validUntil).bind(11, exemption.at).bind(12, exemption.cause.id)
            .bind(13, try origin(of: exemption.cause)).run()
    }

    private func write(_ grant: Grant, citizen: Int64) throws(StoreError) -> Int64 {
        try statements.insertGrant.bind(1, citizen).bind(2, grant.ordinal).bind(3, grant.id)
            .bind(4, grant.representative.pseudonym).bind(5, grant.representative.sealed)
            .bind(6, Int64(grant.representative.shard)).bind(7, try termsRow(grant.terms))
            .bind(8, grant.state.rawValue).bind(9, grant.version).bind(10, grant.entry).bind(11, grant.validFrom)
            .bind(12, grant.validUntil).bind(13, grant.channel.rawValue).bind(14, grant.evidence?.stored).run()
        return statements.insertGrant.insertedRow
    }

    private func write(
        _ entry: GrantEntry, number: Int, row: Int64, state: GrantState, version: Int, validFrom: Day, validUntil: Day
    ) throws(StoreError) {
        try statements.insertHistory.bind(1, row).bind(2, number).bind(3, state.rawValue).bind(4, version)
            .bind(5, validFrom).bind(6, validUntil).bind(7, entry.at).bind(8, entry.cause.id)
            .bind(9, try origin(of: entry.cause)).bind(10, entry.by).bind(11, entry.reason).run()
    }

    private func write(_ grant: ReceivedGrant, citizen: Int64) throws(StoreError) {
        try statements.insertReceived.bind(1, citizen).bind(2, grant.id).bind(3, grant.grantor)
            .bind(4, Int64(grant.grantorShard)).bind(5, try termsRow(grant.terms)).bind(6, grant.state.rawValue)
            .bind(7, grant.validFrom).bind(8, grant.validUntil).run()
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
