import FuldmagtDomain

extension NaiveModel {
    /// Tells a party something. Only the citizen is told what the cause was; others get no extension but the trace.
    mutating func tell(
        _ kind: String, _ recipient: Party, about grant: ModelGrant?, citizen: Party, _ cause: ModelCause
    ) {
        let isExempt = citizens[recipient]?.isExempt(on: Instant(milliseconds: cause.at).day) ?? false
        var notification = ExpectedNotification(
            id: keys.id(
                "notification", source: cause.source, id: cause.id, citizen: keys.pseudonym(of: recipient),
                ordinal: "\(kind)/\(grant?.id.uuidText ?? "-")/\(grant?.changes ?? 0)"
            ).uuidText,
            kind: kind, cancelledKind: nil, recipient: recipient.digits,
            channel: isExempt ? "letter" : "digital-post", grant: grant?.id.uuidText, cause: "", causeType: nil,
            createdAt: cause.at, extensions: [:])
        attribute(&notification, to: cause, isCitizen: recipient == citizen)
        notifications.append(notification)
        if let grant, kind != "grant-revoked" { cancellable[grant.id, default: []].append(notifications.count - 1) }
    }

    /// Cancels every notification about a grant that has not been cancelled.
    mutating func cancelAll(about grant: ModelGrant, _ cause: ModelCause) {
        for at in cancellable.removeValue(forKey: grant.id) ?? [] {
            var cancelled = notifications[at]
            cancelled.cancelledKind = cancelled.kind
            cancelled.kind = "cancelled"
            cancelledAt[cancelled.id] = cause.at
            attribute(&cancelled, to: cause, isCitizen: cancelled.recipient == grant.grantor.digits)
            notifications.append(cancelled)
        }
    }

    private func attribute(_ notification: inout ExpectedNotification, to cause: ModelCause, isCitizen: Bool) {
        notification.cause =
            isCitizen ? cause.id : keys.maskedCause(source: cause.source, id: cause.id).description
        notification.causeType = isCitizen ? cause.type : nil
        notification.extensions = isCitizen ? cause.extensions : cause.extensions.filter { $0.key == "traceparent" }
    }
}
