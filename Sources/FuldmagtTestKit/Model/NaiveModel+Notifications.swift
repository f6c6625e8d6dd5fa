import FuldmagtDomain

extension NaiveModel {
    /// Tells a party something, unless they are dead. Only the citizen of the command is told what the cause was, about
    /// their own; others get no extension but the trace.
    mutating func tell(
        _ kind: String, _ recipient: Party, about grant: ModelGrant?, citizen: Party, _ cause: ModelCause
    ) {
        if citizens[recipient]?.isDead(on: present(cause.day)) == true { return }
        let other = recipient == citizen ? nil : keys.pseudonym(of: citizen)
        let isExempt = citizens[recipient]?.isExempt(on: cause.day) ?? false
        var notification = ExpectedNotification(
            id: keys.id(
                "notification", source: cause.source, id: cause.id, citizen: keys.pseudonym(of: recipient),
                ordinal: "\(kind)/\((grant?.id ?? other)?.uuidText ?? "-")/\(grant?.changes ?? 0)"
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

    /// Cancels every notification about a grant that has not been cancelled, and that no transport has.
    mutating func cancelAll(about grant: ModelGrant, citizen: Party, _ cause: ModelCause) {
        for at in cancellable[grant.id] ?? [] {
            var cancelled = notifications[at]
            var post = post(of: cancelled)
            guard post.state == "queued" else { continue }
            cancelled.cancelledKind = cancelled.kind
            cancelled.kind = "cancelled"
            cancelled.channel = post.channel
            cancelledAt[cancelled.id] = cause.at
            if !post.entries.isEmpty {
                post.enter(.init(event: "cancelled", state: "cancelled", channel: post.channel, at: cause.at))
                posts[cancelled.id] = post
            }
            let isOwn = citizen == grant.grantor && cancelled.recipient == citizen.digits
            attribute(&cancelled, to: cause, isCitizen: isOwn)
            notifications.append(cancelled)
        }
    }

    /// Somebody became exempt: what was written for Digital Post in the last 14 days, and is neither withdrawn nor with the
    /// transport, becomes a letter.
    mutating func recall(from recipient: Party, _ cause: ModelCause) {
        let since = cause.at - 14 * 86_400_000
        for at in notifications.indices {
            var letter = notifications[at]
            guard letter.recipient == recipient.digits, letter.channel == "digital-post", letter.createdAt >= since,
                letter.cancelledKind == nil, !letter.isRerouted
            else { continue }
            var post = post(of: letter)
            guard post.channel == "digital-post", post.state == "queued" else { continue }
            letter.channel = "letter"
            letter.isRerouted = true
            post.enter(.init(event: "exempted", state: "queued", channel: "letter", at: cause.at))
            posts[letter.id] = post
            attribute(&letter, to: cause, isCitizen: !representativesOwn.contains(letter.id))
            notifications.append(letter)
        }
    }

    func attribute(_ notification: inout ExpectedNotification, to cause: ModelCause, isCitizen: Bool) {
        notification.cause =
            isCitizen ? cause.id : keys.maskedCause(source: cause.source, id: cause.id).description
        notification.causeType = isCitizen ? cause.type : nil
        notification.extensions = isCitizen ? cause.extensions : cause.extensions.filter { $0.key == "traceparent" }
    }
}
