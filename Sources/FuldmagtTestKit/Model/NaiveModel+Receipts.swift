import FuldmagtDomain
import FuldmagtRecord

/// How far a notification has come, as its timeline shows.
struct ModelPost {
    struct Entry {
        var event: String
        var state: String
        var channel: String
        var at: Int64
        var transport: String?
        var code: String?
        var source: String?
        var receipt: String?
    }

    var channel: String
    var state: String
    var entries: [Entry] = []

    /// The places of a notification in order: it only ever moves on. By Digital Post, then by letter; a task, or that the
    /// recipient is dead, comes after all but a delivery by Digital Post; and what was withdrawn stays so.
    private static let places = [
        "digital-post queued", "digital-post submitted", "digital-post accepted", "letter queued", "letter submitted",
        "letter accepted", "letter delivered", "task", "digital-post delivered", "cancelled",
    ]

    static func place(_ channel: String, _ state: String) -> Int {
        let name =
            switch state {
            case "cancelled": "cancelled"
            case "task", "undeliverable": "task"
            default: "\(channel) \(state)"
            }
        return places.firstIndex(of: name) ?? -1
    }

    mutating func enter(_ entry: Entry) {
        entries.append(entry)
        channel = entry.channel
        state = entry.state
    }
}

/// A receipt whose notification is not known.
struct ModelEarlyReceipt {
    var notification: String
    /// The key: the recipient's pseudonym.
    var citizen: String
    var record: ModelRecord
}

extension NaiveModel {
    /// What a transport says happened: a step of the timeline, once for each transport and status, and what follows from it.
    mutating func takeReceipt(_ record: ModelRecord) throws(ModelDeadLetter) {
        var headers: [String: String] = [:]
        for (name, value) in record.headers { headers[name] = String(decoding: value, as: UTF8.self) }
        var data: ModelJSON
        do { data = try ModelJSONReader.read(record.value ?? []) } catch {
            throw ModelDeadLetter(reason: error.reason)
        }
        var event = (source: headers["ce_source"], id: headers["ce_id"])
        if ModelCommand.mediaType(headers["content-type"] ?? "") == "application/cloudevents+json" {
            let (attributes, inner) = try ModelCommand.structured(data)
            guard let inner else { throw ModelDeadLetter(reason: "missing-attribute") }
            event = (attributes["source"], attributes["id"])
            data = inner
        }
        guard let source = event.source, let receipt = event.id else {
            throw ModelDeadLetter(reason: "missing-attribute")
        }
        guard let id = data["notification"]?.text, let transport = data["transport"]?.text,
            let status = data["status"]?.text, let at = data["at"]?.text.flatMap({ Instant($0) })
        else { throw ModelDeadLetter(reason: "missing-attribute") }
        guard let told = notifications.first(where: { $0.id == id }) else {
            earlyReceipts.append(
                ModelEarlyReceipt(
                    notification: id, citizen: String(decoding: record.key ?? [], as: UTF8.self), record: record))
            return
        }
        var post = post(of: told)
        guard !post.entries.contains(where: { $0.transport == transport && $0.event == status }) else { return }
        let cause = ModelCause(
            source: source, id: receipt, type: "dk.fuldmagt.receipt.v1", extensions: [:], at: record.timestamp)
        let isDead = citizens.contains { $0.key.digits == told.recipient && $0.value.isDead(on: cause.day) }
        let isMoot = isDead || isTakenBack(told)
        let (former, named) = (post, Self.named(by: status, of: transport, post, isMoot: isMoot))
        let moves = ModelPost.place(named.channel, named.state) > ModelPost.place(post.channel, post.state)
        post.enter(
            ModelPost.Entry(
                event: status, state: moves ? named.state : post.state, channel: moves ? named.channel : post.channel,
                at: at.milliseconds, transport: transport, code: data["code"]?.text, source: cause.source,
                receipt: cause.id))
        posts[id] = post
        guard moves else { return }
        if post.state == "queued" {
            tellAgain(told, cause) { letter in
                letter.channel = "letter"
                letter.isRerouted = true
            }
        } else if post.state == "undeliverable", former.state == "queued" {
            tellAgain(told, cause) { withdrawn in
                withdrawn.channel = post.channel
                withdrawn.cancelledKind = withdrawn.kind
                withdrawn.kind = "cancelled"
            }
        }
    }

    /// Where a receipt says that a notification is.
    private static func named(
        by status: String, of transport: String, _ post: ModelPost, isMoot: Bool
    ) -> (channel: String, state: String) {
        guard status == "failed" || status == "returned" else { return (transport, status) }
        // What follows from Digital Post failing has happened, where it is a letter by now.
        if transport == "digital-post", post.channel == "letter" { return (post.channel, post.state) }
        if isMoot { return (transport, "undeliverable") }
        return transport == "digital-post" ? ("letter", "queued") : ("letter", "task")
    }

    /// Nobody is told of a grant that they have no more, but that they have it no more.
    private func isTakenBack(_ told: ExpectedNotification) -> Bool {
        guard let id = told.grant, told.kind != "grant-revoked", told.kind != "grant-ended" else { return false }
        return citizens.values.contains { citizen in
            citizen.grants.contains { $0.id.uuidText == id && ["revoked", "ended"].contains($0.state) }
        }
    }

    /// A second record about a notification.
    private mutating func tellAgain(
        _ told: ExpectedNotification, _ cause: ModelCause, _ change: (inout ExpectedNotification) -> Void
    ) {
        var again = told
        attribute(&again, to: cause, isCitizen: !representativesOwn.contains(told.id))
        change(&again)
        notifications.append(again)
    }

    /// How far a notification has come; where nothing has happened yet it is queued, or withdrawn.
    func post(of told: ExpectedNotification) -> ModelPost {
        posts[told.id]
            ?? ModelPost(channel: told.channel, state: cancelledAt[told.id] == nil ? "queued" : "cancelled")
    }

    /// Receipts that have waited for their notification for a day are dead letters.
    mutating func giveUpReceipts(at instant: Instant) {
        let patience = settings.patience.unknown * 1000
        for early in earlyReceipts where early.record.timestamp + patience <= instant.milliseconds {
            deadLetters.append(
                ExpectedDeadLetter(
                    reason: "unknown-receipt", topic: .receipts, key: early.record.key, value: early.record.value))
        }
        earlyReceipts.removeAll { $0.record.timestamp + patience <= instant.milliseconds }
    }
}
