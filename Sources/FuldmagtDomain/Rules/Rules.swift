/// The rules. Each is a function of one citizen's file, a command, the catalogue and the time of the record; nothing here
/// reads a clock, a disk or a network.
public enum Rules {
    /// Which parts of a file a command needs.
    public static func sections(for body: Command.Body) -> FileSections {
        switch body {
        case .issue, .request: [.residences, .exemptions, .grants]
        case .approve: [.residences, .exemptions, .grants, .requestSources]
        case .decline: [.exemptions, .grants, .requestSources]
        case .renew: [.exemptions, .grants]
        case .correct: [.residences, .exemptions, .grants, .notifications]
        case .revoke: [.exemptions, .grants, .notifications, .formerPackages]
        case .relocate: [.residences, .exemptions, .grants]
        case .decease: [.deaths, .grants, .received, .notifications]
        case .renumber: [.grants, .received]
        case .correctDeath: [.deaths, .residences, .exemptions, .grants, .causes, .received, .notifications]
        case .register, .lift, .correctExemption: [.residences, .exemptions]
        case .giveReadAccess, .withdrawReadAccess: [.exemptions, .readAccesses]
        case .enrol: [.exemptions]
        }
    }

    /// Decides a command.
    /// - Parameters:
    ///   - position: where the command was first written.
    ///   - file: the citizen's rows, at least the sections that `sections(for:)` names; brought up to what an accepted
    ///     command changes.
    public static func decide(
        _ command: Command, at position: Position, about file: inout CitizenFile, under circumstances: Circumstances
    ) -> Decision {
        var draft = Draft(cause: command.cause, file: &file, circumstances: circumstances, reasons: command.faults)
        defer { swap(&draft.file, &file) }
        draft.checkSource(of: command)
        if let waiting = draft.waits(command) { return .park(waiting) }
        draft.checkAlive(for: command.body)
        switch command.body {
        case .issue(let issue): draft.issue(issue)
        case .request(let request): draft.request(request)
        case .approve(let answer): draft.approve(answer)
        case .decline(let answer): draft.decline(answer)
        case .renew(let renew): draft.renew(renew)
        case .correct(let correct): draft.correct(correct, position: position)
        case .revoke(let revoke): draft.revoke(revoke, position: position)
        case .relocate(let relocate): draft.relocate(relocate)
        case .decease(let decease): draft.decease(decease)
        case .renumber(let renumber): draft.renumber(renumber, named: command.citizen, position: position)
        case .correctDeath(let correct): draft.correct(correct)
        case .register(let register): draft.register(register)
        case .lift(let lift): draft.lift(lift)
        case .correctExemption(let correct): draft.correct(correct)
        case .giveReadAccess(let access): draft.giveReadAccess(access)
        case .withdrawReadAccess(let access): draft.withdrawReadAccess(access)
        case .enrol(let enrol): draft.enrol(enrol)
        }
        guard draft.reasons.isEmpty else {
            precondition(draft.effects.rows.isEmpty, "a rule changed something before it rejected")
            return .reject(draft.reasons)
        }
        if !draft.leavesOutcome {
            draft.effects.outcome = Outcome(
                cause: command.cause, status: .accepted, grants: draft.lines, decidedAt: circumstances.now,
                position: position)
        }
        return .accept(draft.effects)
    }
}

/// A decision in the making: reasons found, rows and words so far, and the file as it will be.
struct Draft {
    let cause: Cause
    var file: CitizenFile
    let circumstances: Circumstances
    var reasons: [Reason]
    var effects = Effects()
    var lines: [Outcome.GrantLine] = []
    /// What happened is another citizen's own affair: where and by whom it was registered is not told.
    var isAnothersAffair = false
    /// Another shard writes the outcome, once it has done its part.
    var leavesOutcome = false

    /// - Parameter file: taken, so that it is changed in place; whoever drafts gives it back.
    init(cause: Cause, file: inout CitizenFile, circumstances: Circumstances, reasons: [Reason] = []) {
        self.cause = cause
        self.file = CitizenFile(citizen: file.citizen)
        swap(&self.file, &file)
        self.circumstances = circumstances
        self.reasons = reasons
        now = circumstances.now
    }

    var today: Day { circumstances.today }
    /// The time that rows and words carry: the cause's.
    var now: Instant

    mutating func reject(_ code: ReasonCode, _ field: String?, about subject: String? = nil) {
        reasons.append(Reason(code, field, about: subject))
    }

    mutating func store(_ change: RowChange) {
        effects.rows.append(change)
        file.apply(change)
    }

    /// Has the citizen looked at again on the day that something takes effect: one to come, or one that the shard has not
    /// been looked through for. There may yet be decisions as of the days before, which know nothing of it.
    mutating func lookAgain(on effective: Day) {
        if effective > min(today, circumstances.lookedThrough ?? today) { store(.due(effective)) }
    }

    /// Who a notification to the citizen comes from: the authority that sent the command.
    func senderToCitizen(cause: Cause) -> Sender {
        guard let cvr = cause.sourceCVR?.digits else { return circumstances.settings.sender }
        return Sender(cvr: cvr, name: circumstances.catalogue.authorities[cvr]?.name ?? "CVR \(cvr)")
    }

    /// Notifies the citizen whose file this is about a grant they gave, or about themselves.
    mutating func notify(
        _ kind: NotificationKind, grant: Grant? = nil, cause: Cause,
        because explanation: Notification.Explanation? = nil
    ) {
        var notification = Notification(
            id: notificationID(kind, subject: grant?.id, entry: grant?.entry ?? 0, cause: cause), kind: kind,
            grant: grant?.id, terms: grant?.terms, validUntil: grant?.validUntil, channel: file.channel(on: today),
            sender: isAnothersAffair ? circumstances.settings.sender : senderToCitizen(cause: cause),
            kle: isAnothersAffair ? KLE.powersOfAttorney : grant?.terms.kle ?? KLE.digitalPost, isAboutAnother: false,
            createdAt: now)
        notification.explanation =
            explanation
            ?? grant.flatMap { .caveat(of: kind, state: $0.state, validFrom: $0.validFrom, on: today) }
        write(notification, cause: cause)
    }

    /// Notifies somebody whose file this is about another citizen's grant, or that citizen's read access.
    mutating func notify(
        _ kind: NotificationKind, item: GrantNews.Item?, of citizen: Ident? = nil, cause: Cause,
        because explanation: Notification.Explanation? = nil
    ) {
        var notification = Notification(
            id: notificationID(kind, subject: item?.grant ?? citizen, entry: item?.entry ?? 0, cause: cause),
            kind: kind,
            grant: item?.grant, terms: item?.terms, validUntil: item?.validUntil, channel: file.channel(on: today),
            sender: circumstances.settings.sender, kle: KLE.powersOfAttorney, isAboutAnother: true, createdAt: now)
        notification.explanation =
            explanation
            ?? item.flatMap { .caveat(of: kind, state: $0.state, validFrom: $0.validFrom, on: today) }
        write(notification, cause: cause)
    }

    private mutating func write(_ notification: Notification, cause: Cause) {
        // The dead get no post.
        guard !file.isDead(on: circumstances.present) else { return }
        store(.notification(notification))
        effects.notices.append(
            Notice(
                notification: notification, recipient: file.citizen, isCancellation: false, cause: cause,
                isMasked: isAnothersAffair || notification.isAboutAnother))
    }

    private func notificationID(_ kind: NotificationKind, subject: Ident?, entry: Int, cause: Cause) -> Ident {
        circumstances.naming.id(
            "notification", cause, file.citizen.pseudonym, .notification(kind, subject: subject, entry: entry))
    }

    /// Withdraws every earlier notification about a grant.
    mutating func cancelNotifications(about grant: Ident, cause: Cause) {
        for notification in file.notifications where notification.grant == grant && notification.canBeCancelled {
            store(.notificationCancelled(notification.id, at: now, row: notification.row))
            effects.notices.append(
                Notice(
                    notification: notification, recipient: file.citizen, isCancellation: true, cause: cause,
                    isMasked: isAnothersAffair || notification.isAboutAnother))
        }
    }

    /// Tells a grant's representative, in one record for all that this decision means to them.
    mutating func tell(_ event: GrantNews.Event, _ grant: Grant, cause: Cause) {
        let at = effects.inbox.firstIndex {
            guard $0.citizen == grant.representative.pseudonym, case .news(let news) = $0.body else {
                return false
            }
            return news.event == event && news.cause == cause
        }
        if let at, case .news(var news) = effects.inbox[at].body {
            news.items.append(GrantNews.Item(grant))
            effects.inbox[at].body = .news(news)
            return
        }
        let news = GrantNews(
            event: event, grantor: file.citizen.pseudonym, grantorShard: file.citizen.shard,
            items: [GrantNews.Item(grant)], cause: cause, at: now)
        effects.inbox.append(InboxMessage(to: grant.representative, .news(news)))
    }

    /// Has the shard of the representative who lost a grant write the outcome, after it has withdrawn what was unsent.
    ///
    /// One who was given something under an old number too, by somebody who had not heard of the new one yet, is told in
    /// two records. What goes to the old number is passed on, and arrives behind the other.
    mutating func leaveOutcomeToRepresentative(position: Position) {
        let told = effects.inbox.indices.filter {
            if case .news(let news) = effects.inbox[$0].body { news.event == .revoked } else { false }
        }
        let former = Set(file.grants.compactMap(\.formerRepresentative))
        let at = told.first { effects.inbox[$0].citizen.map(former.contains) ?? false } ?? told.first
        guard let at, case .news(var news) = effects.inbox[at].body else { return }
        news.outcomePosition = position
        news.outcomeAlso = lines.filter { line in !news.items.contains { $0.grant == line.id } }
        effects.inbox[at].body = .news(news)
        leavesOutcome = true
    }

    /// Brings municipal grants in line with what the place of residence offers: dormant where the package is not active,
    /// awake where it is. A dormant grant keeps its end date.
    /// - Parameter causeOf: what to name as the cause for a grant's change, and its time.
    mutating func reevaluate(causeOf: (Grant) -> (cause: Cause, at: Instant)) {
        let present = circumstances.present
        let residence = file.residence(on: present)?.municipality
        for ordinal in file.grants.indices {
            let grant = file.grants[ordinal]
            guard grant.terms.scope == .municipal, grant.isLiving(on: present) else { continue }
            let resolves = circumstances.catalogue.resolves(
                grant.terms.id, scope: .municipal, residence: residence, on: present)
            let state: GrantState = resolves ? .active : .dormant
            guard state != grant.state else { continue }
            let (cause, at) = causeOf(grant)
            now = at
            change(ordinal, to: state, cause: cause)
        }
    }

    /// Stores a grant as it has become, with its history.
    /// - Returns: the grant as stored.
    @discardableResult
    mutating func change(
        _ ordinal: Int, cause: Cause, by: String? = nil, reason: String? = nil, channel: Channel? = nil,
        _ body: (inout Grant) -> Void
    ) -> Grant {
        var grant = file.grants[ordinal]
        let version = grant.version
        body(&grant)
        if grant.version != version || !grant.state.isLiving { grant.cause = cause }
        grant.entry += 1
        store(.grantChanged(grant, GrantEntry(at: now, cause: cause, by: by, reason: reason, channel: channel)))
        lines.append(Outcome.GrantLine(grant))
        return grant
    }

    /// Moves a grant to another state and tells both parties.
    mutating func change(
        _ ordinal: Int, to state: GrantState, cause: Cause, by: String? = nil, reason: String? = nil
    ) {
        let grant = change(ordinal, cause: cause, by: by, reason: reason) { $0.state = state }
        switch state {
        case .active:
            notify(.grantAwake, grant: grant, cause: cause)
            tell(.awake, grant, cause: cause)
        case .dormant:
            notify(.grantDormant, grant: grant, cause: cause)
            tell(.dormant, grant, cause: cause)
        case .revoked:
            cancelNotifications(about: grant.id, cause: cause)
            notify(.grantRevoked, grant: grant, cause: cause)
            tell(.revoked, grant, cause: cause)
        case .ended:
            cancelNotifications(about: grant.id, cause: cause)
            notify(.grantEnded, grant: grant, cause: cause)
            tell(.ended, grant, cause: cause)
        case .expired: tell(.expired, grant, cause: cause)
        case .requested, .declined, .lapsed: break
        }
    }
}
