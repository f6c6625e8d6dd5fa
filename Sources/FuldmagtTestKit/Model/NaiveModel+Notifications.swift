import FuldmagtDomain

extension NaiveModel {
    /// Tells a party something, unless they are dead. Only the citizen of the command is told what the cause was, about
    /// their own; others get no extension but the trace.
    mutating func tell(
        _ kind: String, _ recipient: Party, about grant: ModelGrant?, citizen: Party, _ cause: ModelCause
    ) {
        if citizens[recipient]?.isDead(on: cause.day) == true { return }
        let isExempt = citizens[recipient]?.isExempt(on: cause.day) ?? false
        var notification = ExpectedNotification(
            id: keys.id(
                "notification", source: cause.source, id: cause.id, citizen: keys.pseudonym(of: recipient),
                ordinal: "\(kind)/\(grant?.id.uuidText ?? "-")/\(grant?.changes ?? 0)"
            ).uuidText,
            kind: kind, cancelledKind: nil, recipient: recipient.digits,
            channel: isExempt ? "letter" : "digital-post", grant: grant?.id.uuidText, cause: "", causeType: nil,
            createdAt: cause.at, extensions: [:])
        let isOwn = recipient == citizen && recipient == grant?.grantor ?? citizen
        attribute(&notification, to: cause, isCitizen: isOwn)
        if let owner = grant?.grantor ?? Optional(citizen), owner != recipient {
            representativesOwn.insert(notification.id)
        }
        notifications.append(notification)
        if let grant, kind != "grant-revoked", kind != "grant-ended" {
            cancellable[grant.id, default: []].append(notifications.count - 1)
        }
    }

    /// Cancels every notification about a grant that has not been cancelled.
    mutating func cancelAll(about grant: ModelGrant, citizen: Party, _ cause: ModelCause) {
        for at in cancellable.removeValue(forKey: grant.id) ?? [] {
            var cancelled = notifications[at]
            cancelled.cancelledKind = cancelled.kind
            cancelled.kind = "cancelled"
            if reroutedAt[cancelled.id] != nil { cancelled.channel = "letter" }
            cancelledAt[cancelled.id] = cause.at
            let isOwn = citizen == grant.grantor && cancelled.recipient == citizen.digits
            attribute(&cancelled, to: cause, isCitizen: isOwn)
            notifications.append(cancelled)
        }
    }

    /// Somebody became exempt: what was written for Digital Post in the last 14 days, and not withdrawn, becomes a letter. No
    /// receipt comes in the model, so none of it is sent.
    mutating func recall(from recipient: Party, _ cause: ModelCause) {
        let since = cause.at - 14 * 86_400_000
        for at in notifications.indices {
            var letter = notifications[at]
            guard letter.recipient == recipient.digits, letter.channel == "digital-post", letter.createdAt >= since,
                letter.cancelledKind == nil, cancelledAt[letter.id] == nil, reroutedAt[letter.id] == nil
            else { continue }
            letter.channel = "letter"
            letter.isRerouted = true
            reroutedAt[letter.id] = cause.at
            attribute(&letter, to: cause, isCitizen: !representativesOwn.contains(letter.id))
            notifications.append(letter)
        }
    }

    private func attribute(_ notification: inout ExpectedNotification, to cause: ModelCause, isCitizen: Bool) {
        notification.cause =
            isCitizen ? cause.id : keys.maskedCause(source: cause.source, id: cause.id).description
        notification.causeType = isCitizen ? cause.type : nil
        notification.extensions = isCitizen ? cause.extensions : cause.extensions.filter { $0.key == "traceparent" }
    }
}
