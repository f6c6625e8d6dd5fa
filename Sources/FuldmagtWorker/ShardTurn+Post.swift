import FuldmagtDomain
import FuldmagtRecord
import FuldmagtStore

/// Receipts, and what follows from them or from their staying away: a notification moves on its way, is sent by letter
/// instead, or becomes a caseworker's task.
extension ShardTurn {
    mutating func take(
        _ receipt: Receipt, _ item: WorkItem, under circumstances: Circumstances, output: inout OutputWriter
    ) throws {
        guard let pseudonym = item.pseudonym else { return }
        guard let (stored, isDead) = try find(receipt, item, of: pseudonym, under: circumstances, output: &output)
        else { return }
        output.count(receipt.event, to: nil)
        guard var stored, try !access.knows(receipt, of: stored) else { return }
        try move(
            &stored, by: receipt.event, receipt: receipt, cause: receipt.cause, isDead: isDead, under: circumstances,
            output: &output)
    }

    /// A receipt's notification. One that is not known is kept until it is; one of an old number's follows the file.
    /// - Returns: nil where the receipt is dealt with.
    private mutating func find(
        _ receipt: Receipt, _ item: WorkItem, of pseudonym: Ident, under circumstances: Circumstances,
        output: inout OutputWriter
    ) throws -> (StoredNotification?, isDead: Bool)? {
        if let known = try access.citizen(pseudonym) {
            let file = try access.file(of: try names.identity(of: known))
            if let renumbering = file.file.renumbering, renumbering.isHandedOver {
                if let record = keptReceipt(item) {
                    output.write(InboxMessage(to: renumbering.to, .command(record)))
                }
                return nil
            }
            if let stored = try access.notification(receipt.notification, of: file, finder: &finder) {
                return (stored, file.file.isDead(on: circumstances.today))
            }
        }
        output.countEarlyReceipt()
        guard let record = keptReceipt(item) else { return nil }
        if try access.earlyReceiptsAtMost() < options.earlyReceipts {
            try access.keep(record, notification: receipt.notification, citizen: pseudonym, at: circumstances.now)
        } else {
            giveUp(
                record, of: pseudonym, DeadLetter(.unknownReceipt, "too many receipts wait for their notification"),
                at: circumstances.now, output: &output)
        }
        return nil
    }

    private func keptReceipt(_ item: WorkItem) -> PassedOnCommand? {
        kept(
            item,
            at: Position(
                topic: .receipts, partition: shard, offset: item.passedOn == nil ? records[item.index].offset : 0))
    }

    /// Moves a notification on, and says what follows from it.
    private mutating func move(
        _ stored: inout StoredNotification, by event: PostEvent, receipt: Receipt? = nil, cause: Cause, isDead: Bool,
        under circumstances: Circumstances, output: inout OutputWriter
    ) throws {
        let former = stored.standing
        let isMoot = try isDead || (event.mayGiveUp && access.isTakenBack(stored))
        let standing = measured { former.after(event, isMoot: isMoot) }
        // What a transport says is proof, also where it comes too late to change anything.
        guard receipt != nil || standing != former else { return }
        let now = circumstances.now
        let due = options.settings.patience.due(standing, since: now)
        let consequence = standing.consequence(of: event, from: former)
        let entry = TimelineEntry(
            event, standing, at: receipt?.at ?? now, notedAt: now, code: receipt?.code, detail: receipt?.detail,
            source: receipt?.cause.source, receipt: receipt?.cause.id)
        try access.append(entry, to: &stored, due: due)
        if standing != former { output.count(event, to: standing) }
        guard let consequence else { return }
        try tell(consequence, about: stored, cause: cause, under: circumstances, output: &output)
    }

    private func tell(
        _ consequence: PostStanding.Consequence, about stored: StoredNotification, cause: Cause,
        under circumstances: Circumstances, output: inout OutputWriter
    ) throws {
        let known = try access.recipient(of: stored)
        switch consequence {
        case .task(let reason):
            output.write(
                CaseworkerTask(
                    reason, stored.notification, citizen: known.pseudonym, cause: cause, at: circumstances.now,
                    naming: circumstances.naming))
        case .sendAsLetter, .withdraw:
            var notice = Notice(
                notification: stored.notification, recipient: try names.identity(of: known),
                isCancellation: consequence == .withdraw, cause: cause, isMasked: stored.notification.isAboutAnother)
            notice.isRerouting = consequence == .sendAsLetter
            output.write(notice)
        }
    }

    // MARK: Receipts that stay away

    /// Looks at notifications that are overdue and receipts that came too early, a bounded number.
    /// - Returns: whether there may be more.
    mutating func lookForReceipts(
        under circumstances: Circumstances, output: inout OutputWriter
    ) throws -> Bool {
        let now = circumstances.now
        let limit = options.sweepSize
        var isMore = try lookAtEarly(limit: limit, under: circumstances, output: &output)
        var overdue = try access.overdue(at: now, limit: limit)
        isMore = isMore || overdue.count == limit
        if let queued = options.settings.patience.queued {
            let stale = try access.takeStale(queuedSeconds: queued, at: now, limit: limit)
            overdue += stale.notifications
            isMore = isMore || stale.isMore
        }
        for var stored in overdue {
            let recipient = try names.identity(of: try access.recipient(of: stored))
            let file = try access.file(of: recipient)
            let cause = Cause(
                id: stored.notification.id.uuidText, source: "urn:dk:fuldmagt:\(options.settings.cluster)",
                type: "dk.fuldmagt.notification.v1")
            try move(
                &stored, by: .overdue, cause: cause, isDead: file.file.isDead(on: circumstances.today),
                under: circumstances, output: &output)
        }
        return isMore
    }

    private mutating func lookAtEarly(
        limit: Int, under circumstances: Circumstances, output: inout OutputWriter
    ) throws -> Bool {
        let patience = options.settings.patience.unknown
        var after: Int64 = 0
        var ended = 0
        while ended < limit {
            let page = try access.earlyReceipts(after: after, limit: limit)
            for early in page {
                after = early.row
                let item: WorkItem
                do {
                    item = try rereadReceipt(early)
                } catch let letter as DeadLetter where names.open(early.record) != nil {
                    // An earlier version read it; waiting makes it no better.
                    try access.forget(early)
                    giveUp(early.record, of: early.citizen, letter, at: circumstances.now, output: &output)
                    ended += 1
                    continue
                }
                guard case .receipt(let receipt) = item.work else { continue }
                if try isKnown(receipt, of: early.citizen) {
                    try access.forget(early)
                    try take(receipt, item, under: circumstances, output: &output)
                    ended += 1
                } else if early.keptAt.adding(seconds: patience) <= circumstances.now {
                    try access.forget(early)
                    giveUp(
                        early.record, of: early.citizen,
                        DeadLetter(.unknownReceipt, "its notification has not become known in this shard"),
                        at: circumstances.now, output: &output)
                    ended += 1
                }
            }
            guard page.count == limit else { return false }
        }
        return true
    }

    private mutating func isKnown(_ receipt: Receipt, of pseudonym: Ident) throws -> Bool {
        guard let known = try access.citizen(pseudonym) else { return false }
        let file = try access.file(of: try names.identity(of: known))
        if let renumbering = file.file.renumbering, renumbering.isHandedOver { return true }
        return try access.notification(receipt.notification, of: file, finder: &finder) != nil
    }

    private func giveUp(
        _ kept: PassedOnCommand, of citizen: Ident, _ letter: DeadLetter, at now: Instant, output: inout OutputWriter
    ) {
        guard let record = names.open(kept) else { return }
        let key = Array(citizen.description.utf8)
        key.withUnsafeBytes { key in
            record.withRecords { records in
                let view = records[0]
                output.write(
                    letter,
                    record: RecordView(
                        topic: view.topic, offset: view.offset, timestamp: view.timestamp, key: key,
                        headers: view.headers, value: view.value),
                    from: .init(
                        topic: .receipts, partition: kept.position.partition, now: now, worker: options.worker))
            }
        }
    }

    // MARK: Who is exempt, and who was called dead by mistake

    /// Digital Post that no transport has, to a citizen who is exempt from now on, becomes a letter.
    mutating func recallDigitalPost(
        of file: inout LoadedFile, below row: Int64 = .max, cause: Cause, under circumstances: Circumstances,
        output: inout OutputWriter
    ) throws {
        let since = options.settings.patience.recallsSince(circumstances.now)
        let found = try access.notifications(of: file, below: row, limit: options.sweepRows)
        for var stored in found where stored.notification.createdAt >= since {
            try move(
                &stored, by: .exempted, cause: cause, isDead: false, under: circumstances, output: &output)
        }
        // What was read before has another channel now.
        file.forgetNotifications()
        guard found.count == options.sweepRows, let last = found.last, last.notification.createdAt >= since else {
            return
        }
        let rest = Sweep(
            step: .exempted(file.file.citizen.pseudonym, below: last.notification.row, cause: cause),
            day: circumstances.today,
            position: 0, catalogueChangedAt: nil)
        output.write(InboxMessage(shard: shard, citizen: nil, sealed: nil, body: .sweep(rest)))
    }

    /// The same for what one record did not get to.
    mutating func recallDigitalPost(
        of citizen: Ident, below row: Int64, cause: Cause?, under circumstances: Circumstances,
        output: inout OutputWriter
    ) throws {
        guard let known = try access.citizen(citizen) else { return }
        var file = try access.file(of: try names.identity(of: known))
        try access.load([.exemptions], into: &file)
        guard let exemption = file.file.exemption(on: circumstances.today) else { return }
        try recallDigitalPost(
            of: &file, below: row, cause: cause ?? exemption.cause, under: circumstances, output: &output)
    }

    /// What was not sent to somebody who was called dead by mistake is a caseworker's task now.
    func tellUndelivered(
        to file: LoadedFile, cause: Cause, under circumstances: Circumstances, output: inout OutputWriter
    ) throws {
        for stored in try access.undeliverable(to: file) {
            try tell(.task(.undeliverable), about: stored, cause: cause, under: circumstances, output: &output)
        }
    }
}
