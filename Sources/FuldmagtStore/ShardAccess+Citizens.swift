import FuldmagtDomain
import FuldmagtJSON
import FuldmagtRecord

/// A citizen's rows, read for a decision and brought up to each change.
public struct LoadedFile {
    public var file: CitizenFile
    /// The citizen's row; nil until something is stored about them.
    var row: Int64?
    var loaded: FileSections
    /// What is kept of the citizen.
    var head: ShardAccess.Head?

    /// Has the notifications read again where they are needed next.
    public mutating func forgetNotifications() { loaded.remove(.notifications) }
}

/// A citizen as a shard's row names them.
public struct KnownCitizen: Sendable {
    public let pseudonym: Ident
    public let sealed: SealedNumber

    public init(pseudonym: Ident, sealed: SealedNumber) {
        self.pseudonym = pseudonym
        self.sealed = sealed
    }
}

extension ShardAccess {
    /// Begins a citizen's file; nothing is read yet but whether there is one.
    public func file(of citizen: Identity) throws(StoreError) -> LoadedFile {
        var file = CitizenFile(citizen: citizen)
        if let head = heads[citizen.pseudonym] {
            file.died = head.died
            file.reviewedFor = head.reviewedFor
            return LoadedFile(file: file, row: head.row, loaded: [], head: head)
        }
        let found = statements.findCitizen.bind(1, citizen.pseudonym)
        var row: Int64?
        var head: Head?
        if try found.next() {
            row = found.int(0)
            let isRenumbered = !found.isNull(2)
            let isHandedOver = isRenumbered && found.int(2) == 1
            do {
                defer { found.reset() }
                file.died = try found.optionalDay(1)
                file.reviewedFor = try found.optionalMunicipality(3)
            }
            if isRenumbered, let row {
                file.renumbering = try renumbering(of: row, isHandedOver: isHandedOver)
            } else if let row {
                if heads.count >= headsAtMost { heads.removeAll(keepingCapacity: true) }
                let found = Head(row: row, died: file.died, reviewedFor: file.reviewedFor)
                heads[citizen.pseudonym] = found
                head = found
            }
        }
        return LoadedFile(file: file, row: row, loaded: [], head: head)
    }

    /// Reads the sections that are not there yet.
    public func load(_ sections: FileSections, into loaded: inout LoadedFile) throws(StoreError) {
        let missing = sections.subtracting(loaded.loaded)
        guard !missing.isEmpty else { return }
        loaded.loaded.formUnion(missing)
        guard let row = loaded.row else { return }
        if missing.contains(.residences) {
            if let residence = loaded.head?.residence {
                loaded.file.residences = [residence]
            } else {
                loaded.file.residences = try residences(of: row)
                if loaded.file.residences.count == 1 { loaded.head?.residence = loaded.file.residences[0] }
            }
        }
        if missing.contains(.exemptions), loaded.head?.isNeverExempted != true {
            loaded.file.exemptions = try exemptions(of: row)
            if loaded.file.exemptions.isEmpty { loaded.head?.isNeverExempted = true }
        }
        if missing.contains(.grants) { loaded.file.grants = try grants(of: row) }
        if missing.contains(.received) { loaded.file.received = try received(of: row) }
        if missing.contains(.deaths) { loaded.file.deaths = try deaths(of: row) }
        if missing.contains(.formerPackages) { try loadFormerPackages(into: &loaded.file) }
        if missing.contains(.causes) { try loadCauses(into: &loaded.file) }
        if missing.contains(.requestSources) { try loadRequestSources(into: &loaded.file) }
        if missing.contains(.readAccesses) { loaded.file.readAccesses = try readAccesses(of: row) }
        if missing.contains(.notifications) { loaded.file.notifications = try notifications(of: row) }
    }

    /// Stores a change that the file has been brought up to.
    public func store(_ change: RowChange, to loaded: inout LoadedFile) throws(StoreError) {
        switch change {
        case .residence, .exemption, .death, .deathCorrected, .renumbering, .numberInUseAgain: forgetHead(of: &loaded)
        default: break
        }
        try write(change, citizen: try citizenRow(of: &loaded), file: &loaded.file)
    }

    /// Has what is kept of a citizen read again where it is needed next.
    func forgetHead(of loaded: inout LoadedFile) {
        heads[loaded.file.citizen.pseudonym] = nil
        loaded.head = nil
    }
    /// Notes where a citizen lives now, by which sweeps find them.
    public func noteResidence(_ municipality: Municipality?, of loaded: inout LoadedFile) throws(StoreError) {
        guard let row = loaded.row else { return }
        try statements.setMunicipality.bind(1, row).bind(2, municipality).run()
        heads[loaded.file.citizen.pseudonym]?.reviewedFor = municipality
        loaded.file.reviewedFor = municipality
    }

    func citizenRow(of loaded: inout LoadedFile) throws(StoreError) -> Int64 {
        if let row = loaded.row { return row }
        let citizen = loaded.file.citizen
        try statements.insertCitizen.bind(1, citizen.pseudonym).bind(2, keys.seal(citizen))
            .bind(3, citizen.party.isPerson ? "person" : "company").run()
        let row = statements.insertCitizen.insertedRow
        loaded.row = row
        return row
    }

    private func renumbering(of citizen: Int64, isHandedOver: Bool) throws(StoreError) -> Renumbering {
        let rows = statements.readRenumbering.bind(1, citizen)
        guard try rows.next() else { throw StoreError(.fatal, "a renumbered citizen has no new number") }
        defer { rows.reset() }
        return Renumbering(
            to: PartyReference(pseudonym: try rows.ident(0), sealed: try rows.sealed(1), shard: Int32(rows.int(2))),
            effective: try rows.day(3), at: rows.instant(4),
            cause: try cause(id: rows.text(5), origin: rows.int(6), extensions: rows.optionalText(7)),
            isHandedOver: isHandedOver)
    }

    // MARK: Sweeps

    /// Citizens with living grants of a package, among a bounded number of grants.
    /// - Parameters:
    ///   - row: the first grant to look at, in the order they were stored.
    ///   - count: how many are looked at.
    /// - Returns: the citizens, and where to go on; nil at the end.
    public func citizens(
        withGrantsOf package: String, from row: Int64, rows count: Int
    ) throws(StoreError) -> ([KnownCitizen], next: Int64?) {
        let next = row + Int64(count)
        let found = try citizens(
            statements.citizensWithPackage.bind(1, row).bind(2, next).bind(3, package))
        guard try statements.lastGrant.next() else { return (found, nil) }
        defer { statements.lastGrant.reset() }
        return (found, next <= statements.lastGrant.int(0) ? next : nil)
    }

    /// Citizens who live in a municipality, by pseudonym, after one of them.
    public func citizens(of municipality: Municipality, after: Ident?, limit: Int) throws(StoreError) -> [KnownCitizen]
    {
        try citizens(
            statements.citizensOf.bind(1, municipality).bind(2, after ?? Ident(high: 0, low: 0)).bind(3, limit))
    }

    /// Where any of this shard's citizens live.
    public func municipalities() throws(StoreError) -> [Municipality] {
        let rows = try Statement(
            connection,
            "SELECT DISTINCT municipality FROM citizens WHERE municipality IS NOT NULL ORDER BY municipality")
        var municipalities: [Municipality] = []
        while try rows.next() { municipalities.append(try rows.municipality(0)) }
        return municipalities
    }

    /// Some of the citizens with something due on a day or before, in no order: who was looked at is not among them again.
    ///
    /// Costs what it returns, however much else is due.
    public func dueCitizens(on day: Day, limit: Int) throws(StoreError) -> [KnownCitizen] {
        try citizens(
            statements.dueCitizens.bind(1, day).bind(2, day.adding(days: Grant.reminderDays)).bind(3, limit))
    }

    /// A citizen of this shard by pseudonym; nil when nothing is stored about them.
    public func citizen(_ pseudonym: Ident) throws(StoreError) -> KnownCitizen? {
        try citizens(statements.knownCitizen.bind(1, pseudonym)).first
    }

    func citizens(_ rows: Statement) throws(StoreError) -> [KnownCitizen] {
        var citizens: [KnownCitizen] = []
        while try rows.next() {
            citizens.append(KnownCitizen(pseudonym: try rows.ident(1), sealed: try rows.sealed(0)))
        }
        return citizens
    }

    public func deleteDue(through day: Day, of loaded: LoadedFile) throws(StoreError) {
        guard let row = loaded.row else { return }
        try statements.deleteDue.bind(1, day).bind(2, row).run()
    }

    // MARK: Reading

    private func residences(of citizen: Int64) throws(StoreError) -> [Residence] {
        let rows = statements.readResidences.bind(1, citizen)
        var residences: [Residence] = []
        while try rows.next() {
            residences.append(
                Residence(
                    kind: try rows.choice(9, Residence.Kind.self), arrival: Int(rows.int(0)),
                    effective: try rows.day(1), municipality: try rows.optionalMunicipality(2),
                    from: try rows.optionalMunicipality(3), registeredAt: rows.optionalInstant(4),
                    at: rows.instant(5),
                    cause: try cause(id: rows.text(6), origin: rows.int(7), extensions: rows.optionalText(8))))
        }
        return residences
    }

    private func exemptions(of citizen: Int64) throws(StoreError) -> [Exemption] {
        let rows = statements.readExemptions.bind(1, citizen)
        var exemptions: [Exemption] = []
        while try rows.next() {
            var lifting: Exemption.Lifting?
            if !rows.isNull(12) {
                lifting = Exemption.Lifting(
                    at: rows.instant(12), by: try rows.choice(13, ExemptionLift.Actor.self),
                    cause: try cause(id: rows.text(14), origin: rows.int(15), extensions: nil),
                    journal: rows.optionalText(16), caseworker: rows.optionalText(17))
            }
            exemptions.append(
                Exemption(
                    ordinal: Int(rows.int(0)), municipality: try rows.municipality(1), form: rows.text(2),
                    journal: rows.text(3), caseworker: rows.text(4),
                    requestedBy: try rows.choice(5, ExemptionRegister.Requester.self),
                    appearedInPerson: rows.int(6) == 1, departure: rows.int(7) == 1,
                    validUntil: try rows.optionalDay(8), at: rows.instant(9),
                    cause: try cause(id: rows.text(10), origin: rows.int(11), extensions: nil), lifting: lifting))
        }
        return exemptions
    }

    private func grants(of citizen: Int64) throws(StoreError) -> [Grant] {
        let rows = statements.readGrants.bind(1, citizen)
        var grants: [Grant] = []
        while try rows.next() {
            grants.append(
                Grant(
                    id: try rows.ident(2), ordinal: Int(rows.int(1)),
                    representative: PartyReference(
                        pseudonym: try rows.ident(3), sealed: try rows.sealed(4), shard: Int32(rows.int(5))
                    ),
                    terms: try terms(at: rows.int(6)), state: try rows.choice(7, GrantState.self),
                    version: Int(rows.int(8)), entry: Int(rows.int(9)), validFrom: try rows.day(10),
                    validUntil: try rows.day(11), channel: try rows.choice(12, Channel.self),
                    evidence: rows.int(13) == 1 ? .stored(rows.int(0)) : nil, request: rows.optionalText(14),
                    row: rows.int(0)))
            grants[grants.count - 1].lapsesOn = try rows.optionalDay(15)
            grants[grants.count - 1].remindedOf = try rows.optionalDay(16)
            grants[grants.count - 1].formerRepresentative = try rows.optionalIdent(17)
            grants[grants.count - 1].hasRepresentativeDied = !rows.isNull(18) && rows.int(18) == 1
        }
        return grants
    }

    private func deaths(of citizen: Int64) throws(StoreError) -> [Death] {
        let rows = statements.readDeaths.bind(1, citizen)
        var deaths: [Death] = []
        while try rows.next() {
            var correction: Death.Correction?
            if !rows.isNull(5) {
                correction = Death.Correction(
                    at: rows.instant(5), cause: try cause(id: rows.text(6), origin: rows.int(7), extensions: nil),
                    journal: rows.text(8))
            }
            deaths.append(
                Death(
                    ordinal: Int(rows.int(0)), effective: try rows.day(1), at: rows.instant(2),
                    cause: try cause(id: rows.text(3), origin: rows.int(4), extensions: rows.optionalText(9)),
                    correction: correction))
        }
        return deaths
    }

    /// What set the present end of each living grant or request, and what ended those that have ended.
    private func loadCauses(into file: inout CitizenFile) throws(StoreError) {
        for at in file.grants.indices {
            let grant = file.grants[at]
            if grant.entry == 0, let cause = try givingCause(of: grant.row) {
                file.grants[at].cause = cause
                continue
            }
            let rows: Statement
            switch grant.state {
            case .active, .dormant, .requested:
                rows = statements.readCause.bind(1, grant.row).bind(2, grant.version)
            case .ended: rows = statements.readLastCause.bind(1, grant.row).bind(2, grant.entry)
            case .revoked, .expired, .declined, .lapsed: continue
            }
            guard try rows.next() else { throw StoreError(.fatal, "a grant has no history") }
            defer { rows.reset() }
            file.grants[at].cause = try cause(
                id: rows.text(0), origin: rows.int(1), extensions: rows.optionalText(2))
        }
    }

    /// Who asked, whatever became of it since: entry 0 tells.
    private func loadRequestSources(into file: inout CitizenFile) throws(StoreError) {
        for at in file.grants.indices where file.grants[at].request != nil {
            let row = statements.readLastCause.bind(1, file.grants[at].row).bind(2, 0)
            guard try row.next() else { throw StoreError(.fatal, "a grant has no history") }
            defer { row.reset() }
            file.grants[at].requestSource = try origin(at: row.int(1)).source
        }
    }

    /// Only grants that are bound to an it-system are ever called anything else.
    private func loadFormerPackages(into file: inout CitizenFile) throws(StoreError) {
        for at in file.grants.indices where file.grants[at].terms.scope == .itSystem && file.grants[at].entry > 0 {
            let rows = statements.readPackages.bind(1, file.grants[at].row)
            var names: [String] = []
            while try rows.next() { names.append(rows.text(0)) }
            file.grants[at].formerPackages = names
        }
    }

    /// Nil where the history stands in a table of its own.
    private func givingCause(of grant: Int64) throws(StoreError) -> Cause? {
        let row = statements.readGiving.bind(1, grant)
        guard try row.next() else { return nil }
        defer { row.reset() }
        return try cause(id: row.text(0), origin: row.int(1), extensions: row.optionalText(2))
    }

    private func readAccesses(of citizen: Int64) throws(StoreError) -> [ReadAccess] {
        let rows = statements.readReadAccesses.bind(1, citizen)
        var accesses: [ReadAccess] = []
        while try rows.next() {
            var end: ReadAccess.End?
            if let endedAt = rows.optionalInstant(10) {
                end = ReadAccess.End(
                    at: endedAt, cause: try cause(id: rows.text(11), origin: rows.int(12), extensions: nil),
                    journal: rows.optionalText(14), caseworker: rows.optionalText(15))
            }
            accesses.append(
                ReadAccess(
                    ordinal: Int(rows.int(0)),
                    holder: PartyReference(
                        pseudonym: try rows.ident(1), sealed: try rows.sealed(2), shard: Int32(rows.int(3))),
                    journal: rows.optionalText(4), caseworker: rows.optionalText(5),
                    validUntil: try rows.optionalDay(6), at: rows.instant(7),
                    cause: try cause(id: rows.text(8), origin: rows.int(9), extensions: nil),
                    formerHolder: try rows.optionalIdent(13), end: end))
        }
        return accesses
    }

    private func received(of citizen: Int64) throws(StoreError) -> [ReceivedGrant] {
        let rows = statements.readReceived.bind(1, citizen)
        var received: [ReceivedGrant] = []
        while try rows.next() {
            received.append(
                ReceivedGrant(
                    id: try rows.ident(1), grantor: try rows.ident(2), grantorShard: Int32(rows.int(3)),
                    terms: try terms(at: rows.int(4)), state: try rows.choice(5, GrantState.self),
                    validFrom: try rows.day(6), validUntil: try rows.day(7),
                    entry: rows.isNull(8) ? nil : Int(rows.int(8)), row: rows.int(0)))
        }
        return received
    }

    private func notifications(of citizen: Int64) throws(StoreError) -> [Notification] {
        try notifications(statements.readNotifications.bind(1, citizen))
    }

    /// Reads the notifications about some grants, where not all have been read.
    public func loadNotifications(about grants: [Ident], into loaded: inout LoadedFile) throws(StoreError) {
        guard let row = loaded.row, !loaded.loaded.contains(.notifications) else { return }
        for grant in grants {
            // What this turn has written so far is among what is read.
            loaded.file.notifications.removeAll { $0.grant == grant }
            loaded.file.notifications += try notifications(
                statements.readNotificationsAbout.bind(1, row).bind(2, grant))
        }
    }

    private func notifications(_ rows: Statement) throws(StoreError) -> [Notification] {
        var notifications: [Notification] = []
        while try rows.next() { notifications.append(try notification(rows)) }
        return notifications
    }

    /// A notification of a row whose thirteenth column is the state of its post, and the next what it explains.
    func notification(_ rows: Statement) throws(StoreError) -> Notification {
        var notification = Notification(
            id: try rows.ident(1), kind: try rows.choice(2, NotificationKind.self),
            grant: try rows.optionalIdent(3), terms: rows.isNull(4) ? nil : try terms(at: rows.int(4)),
            validUntil: try rows.optionalDay(5), channel: try rows.choice(6, PostChannel.self),
            sender: try sender(at: rows.int(7)), kle: rows.text(8), isAboutAnother: rows.int(9) == 1,
            createdAt: rows.instant(10), cancelledAt: rows.optionalInstant(11), row: rows.int(0))
        if !rows.isNull(12) {
            notification.state = try rows.choice(12, PostState.self)
        } else if notification.cancelledAt != nil {
            notification.state = .cancelled
        }
        notification.explanation = rows.optionalText(13).flatMap { Notification.Explanation(rawValue: $0) }
        return notification
    }

    func cause(id: String, origin row: Int64, extensions: String?) throws(StoreError) -> Cause {
        let origin = try origin(at: row)
        return Cause(
            id: id, source: origin.source, type: origin.type,
            extensions: try extensions.map { (text) throws(StoreError) in try Extension.stored(text) } ?? [])
    }
}
