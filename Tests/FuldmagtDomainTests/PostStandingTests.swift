import FuldmagtDomain
import FuldmagtJSON
import FuldmagtRecord
import Testing

/// A notification's way to its recipient.
@Suite struct PostStandingTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var from: String
        var event: PostEvent
        var isDead = false
        var to: String
        var consequence: PostStanding.Consequence?
        var testDescription: String { "\(from), \(event)\(isDead ? ", dead" : "")" }
    }

    private static func standing(_ text: String) -> PostStanding {
        let parts = text.split(separator: " ")
        guard parts.count == 2, let state = PostState(rawValue: String(parts[1])) else {
            preconditionFailure("no standing: \(text)")
        }
        return PostStanding(parts[0] == "letter" ? .letter : .digitalPost, state)
    }

    private static func digital(_ status: ReceiptStatus) -> PostEvent { .receipt(.digitalPost, status) }
    private static func letter(_ status: ReceiptStatus) -> PostEvent { .receipt(.letter, status) }

    static let table: [Row] = [
        // The straight way.
        Row(from: "post queued", event: digital(.submitted), to: "post submitted"),
        Row(from: "post submitted", event: digital(.accepted), to: "post accepted"),
        Row(from: "post accepted", event: digital(.delivered), to: "post delivered"),
        Row(from: "letter queued", event: letter(.submitted), to: "letter submitted"),
        Row(from: "letter submitted", event: letter(.accepted), to: "letter accepted"),
        Row(from: "letter accepted", event: letter(.delivered), to: "letter delivered"),
        // Steps that are left out, told twice, or late.
        Row(from: "post queued", event: digital(.delivered), to: "post delivered"),
        Row(from: "post accepted", event: digital(.submitted), to: "post accepted"),
        Row(from: "post accepted", event: digital(.accepted), to: "post accepted"),
        Row(from: "post delivered", event: digital(.failed), to: "post delivered"),
        Row(from: "letter submitted", event: digital(.accepted), to: "letter submitted"),
        // Digital Post that does not arrive is a letter.
        Row(from: "post queued", event: digital(.failed), to: "letter queued", consequence: .sendAsLetter),
        Row(from: "post submitted", event: digital(.failed), to: "letter queued", consequence: .sendAsLetter),
        Row(from: "post accepted", event: digital(.returned), to: "letter queued", consequence: .sendAsLetter),
        Row(from: "post submitted", event: .overdue, to: "letter queued", consequence: .sendAsLetter),
        Row(from: "post queued", event: .overdue, to: "letter queued", consequence: .sendAsLetter),
        Row(from: "post queued", event: .exempted, to: "letter queued", consequence: .sendAsLetter),
        Row(from: "post submitted", event: .exempted, to: "post submitted"),
        Row(from: "letter queued", event: .exempted, to: "letter queued"),
        Row(from: "letter submitted", event: digital(.failed), to: "letter submitted"),
        // The transport chose the letter by itself.
        Row(from: "post submitted", event: letter(.submitted), to: "letter submitted"),
        // A letter that does not arrive is somebody's task.
        Row(from: "letter submitted", event: letter(.failed), to: "letter task", consequence: .task(.letterFailed)),
        Row(from: "letter accepted", event: letter(.returned), to: "letter task", consequence: .task(.letterReturned)),
        Row(from: "letter delivered", event: letter(.returned), to: "letter task", consequence: .task(.letterReturned)),
        Row(from: "letter submitted", event: .overdue, to: "letter task", consequence: .task(.noReceipt)),
        Row(from: "letter queued", event: .overdue, to: "letter task", consequence: .task(.noReceipt)),
        Row(from: "letter task", event: letter(.delivered), to: "letter task"),
        Row(from: "letter task", event: letter(.failed), to: "letter task"),
        // Delivered after all.
        Row(from: "letter queued", event: digital(.delivered), to: "post delivered"),
        Row(from: "letter task", event: digital(.delivered), to: "post delivered"),
        Row(from: "letter delivered", event: digital(.delivered), to: "post delivered"),
        // Withdrawn.
        Row(from: "post queued", event: .cancelled, to: "post cancelled"),
        Row(from: "letter queued", event: .cancelled, to: "letter cancelled"),
        Row(from: "post submitted", event: .cancelled, to: "post submitted"),
        Row(from: "post cancelled", event: digital(.delivered), to: "post cancelled"),
        Row(from: "post cancelled", event: digital(.failed), to: "post cancelled"),
        Row(from: "letter cancelled", event: letter(.returned), to: "letter cancelled"),
        // The dead.
        Row(from: "post submitted", event: digital(.failed), isDead: true, to: "post undeliverable"),
        Row(
            from: "post queued", event: .overdue, isDead: true, to: "post undeliverable", consequence: .withdraw),
        Row(
            from: "letter queued", event: .overdue, isDead: true, to: "letter undeliverable", consequence: .withdraw),
        Row(from: "letter submitted", event: letter(.returned), isDead: true, to: "letter undeliverable"),
        Row(from: "letter submitted", event: digital(.failed), isDead: true, to: "letter submitted"),
        Row(from: "post submitted", event: digital(.delivered), isDead: true, to: "post delivered"),
        // Nothing is waited for any more.
        Row(from: "post delivered", event: .overdue, to: "post delivered"),
        Row(from: "letter delivered", event: .overdue, to: "letter delivered"),
        Row(from: "letter task", event: .overdue, to: "letter task"),
        Row(from: "post undeliverable", event: .overdue, to: "post undeliverable"),
    ]

    @Test("the decision table", arguments: table)
    func decides(_ row: Row) {
        let from = Self.standing(row.from)
        let to = from.after(row.event, isMoot: row.isDead)
        #expect(to == Self.standing(row.to))
        #expect(to.consequence(of: row.event, from: from) == row.consequence)
    }

    /// What the table says of a set of receipts, without their order.
    private static func model(_ receipts: Set<PostEvent>) -> PostStanding {
        func came(_ event: PostEvent) -> Bool { receipts.contains(event) }
        if came(digital(.delivered)) { return PostStanding(.digitalPost, .delivered) }
        if came(letter(.failed)) || came(letter(.returned)) { return PostStanding(.letter, .task) }
        if came(letter(.delivered)) { return PostStanding(.letter, .delivered) }
        if came(letter(.accepted)) { return PostStanding(.letter, .accepted) }
        if came(letter(.submitted)) { return PostStanding(.letter, .submitted) }
        if came(digital(.failed)) || came(digital(.returned)) { return PostStanding(.letter, .queued) }
        if came(digital(.accepted)) { return PostStanding(.digitalPost, .accepted) }
        if came(digital(.submitted)) { return PostStanding(.digitalPost, .submitted) }
        return PostStanding(.digitalPost, .queued)
    }

    private static let receipts = PostChannel.allCases.flatMap { channel in
        ReceiptStatus.allCases.map { PostEvent.receipt(channel, $0) }
    }

    @Test("receipts in any order, late and twice, end in the same place, and each step leads on")
    func anyOrder() {
        var random = RandomHistoryTests.Random(state: 6)
        for _ in 0..<20_000 {
            let count = Int(random.next() % 9)
            let events = (0..<count).map { _ in Self.receipts[Int(random.next() % UInt64(Self.receipts.count))] }
            var standing = PostStanding(.digitalPost, .queued)
            var seen: Set<PostStanding> = [standing]
            for event in events {
                let next = standing.after(event, isMoot: false)
                // Never back to where it has been.
                if next != standing { #expect(seen.insert(next).inserted, "\(events)") }
                standing = next
            }
            #expect(standing == Self.model(Set(events)), "\(events)")
        }
    }

    @Test("whatever comes, nothing follows twice, and nothing follows for the dead but a withdrawal")
    func consequences() {
        var random = RandomHistoryTests.Random(state: 7)
        let others: [PostEvent] = [.overdue, .exempted, .cancelled]
        for _ in 0..<20_000 {
            let isDead = random.next() % 3 == 0
            var standing = PostStanding(.digitalPost, .queued)
            var followed: [PostStanding.Consequence] = []
            for _ in 0..<8 {
                let all = Self.receipts + others
                let event = all[Int(random.next() % UInt64(all.count))]
                // The dead cannot be exempted.
                if isDead, event == .exempted { continue }
                let next = standing.after(event, isMoot: isDead)
                if let consequence = next.consequence(of: event, from: standing) { followed.append(consequence) }
                if standing.state == .cancelled { #expect(next == standing) }
                standing = next
            }
            #expect(followed.filter { $0 == .sendAsLetter }.count <= 1)
            #expect(followed.filter { if case .task = $0 { true } else { false } }.count <= 1)
            if isDead { #expect(followed.isEmpty || followed == [.withdraw]) }
        }
    }

    @Test("each state is waited for as long as is set, and ends are not")
    func patience() {
        let patience = ReceiptPatience(
            queued: 1, submitted: 2, accepted: 3, letterSubmitted: 4, letterAccepted: 5, unknown: 6)
        let now = Instant(milliseconds: 1_795_514_400_000)
        var seconds: [String: Int64] = [:]
        for channel in PostChannel.allCases {
            for state in PostState.allCases {
                let due = patience.due(PostStanding(channel, state), since: now)
                seconds["\(channel) \(state)"] = due.map { ($0.milliseconds - now.milliseconds) / 1000 }
                #expect((due == nil) == state.isFinal)
                #expect(ReceiptPatience.endless.due(PostStanding(channel, state), since: now) == nil)
            }
        }
        #expect(
            seconds == [
                "digitalPost queued": 1, "digitalPost submitted": 2, "digitalPost accepted": 3, "letter queued": 1,
                "letter submitted": 4, "letter accepted": 5,
            ])
    }
}

/// Records of the receipts topic.
@Suite struct ReceiptReadingTests {
    private static let headers = [
        ("ce_specversion", "1.0"), ("ce_id", "r-1"), ("ce_type", "dk.fuldmagt.receipt.v1"),
        ("ce_source", "urn:dk:cvr:99000007:post"), ("content-type", "application/json"),
    ]
    private static let id = "2f1c6c1e-6f0a-4c57-9a51-2f1c6c1e6f0a"

    private func read(_ value: String?, _ headers: [(String, String)] = headers) -> Result<Receipt, DeadLetter> {
        var batch = RecordBatch()
        let bytes = value.map { Array($0.utf8) }
        (bytes ?? []).withUnsafeBytes { raw in
            batch.append(
                topic: Topic.receipts.rawValue, offset: 0, timestamp: 0, key: nil, value: bytes == nil ? nil : raw
            ) {
                for (name, value) in headers { HeaderBlock.append(name: name, value: value, to: &$0) }
            }
        }
        let document = JSONDocument()
        return batch.withRecords { records in
            do throws(DeadLetter) { return .success(try Receipt.read(records[0], into: document)) } catch {
                return .failure(error)
            }
        }
    }

    private func reason(_ value: String?, _ headers: [(String, String)] = headers) -> DeadLetterReason? {
        if case .failure(let letter) = read(value, headers) { letter.reason } else { nil }
    }

    @Test("the contract's fields are read, and the proof is kept")
    func whole() throws {
        let receipt = try read(
            #"{"notification":"\#(Self.id)","transport":"letter","status":"returned","code":"R7","detail":"unknown","at":"2026-11-24T10:00:00+01:00","more":1}"#
        ).get()
        #expect(receipt.notification.uuidText == Self.id && receipt.event == .receipt(.letter, .returned))
        #expect(receipt.code == "R7" && receipt.detail == "unknown")
        #expect(receipt.at.description == "2026-11-24T09:00:00.000Z")
        #expect(receipt.cause == Cause(id: "r-1", source: "urn:dk:cvr:99000007:post", type: Receipt.type))
    }

    @Test("what a transport quotes of an address is kept without the number")
    func numbers() throws {
        func detail(_ text: String) throws -> String? {
            try read(
                #"{"notification":"\#(Self.id)","transport":"letter","status":"failed","detail":"\#(text)","at":"2026-11-24T10:00:00Z"}"#
            ).get().detail
        }
        #expect(try detail("no such: 6101500014, 610150-0014.") == "no such: […], […].")
        #expect(try detail("6101500014") == "[…]")
        #expect(try detail("error 404 of 2026-11-24") == "error 404 of 2026-11-24")
        #expect(try detail("12345678901") == "12345678901")
    }

    @Test("limits count characters: æ, ø and å are one each")
    func lengths() {
        func told(_ name: String, _ length: Int) -> DeadLetterReason? {
            reason(
                #"{"notification":"\#(Self.id)","transport":"letter","status":"failed","at":"2026-11-24T10:00:00Z","\#(name)":"\#(String(repeating: "ø", count: length))"}"#
            )
        }
        #expect(told("detail", 1024) == nil && told("detail", 1025) == .invalidAttribute)
        #expect(told("code", 64) == nil && told("code", 65) == .invalidAttribute)
    }

    @Test("what cannot be read is set aside, and says why")
    func unreadable() {
        func data(_ change: (String) -> String) -> String {
            change(
                #"{"notification":"\#(Self.id)","transport":"letter","status":"failed","at":"2026-11-24T10:00:00Z"}"#)
        }
        #expect(reason(data { $0 }) == nil)
        #expect(reason(nil) == .emptyValue && reason("") == .emptyValue)
        #expect(reason("{") == .invalidJSON && reason("[]") == .invalidAttribute)
        #expect(reason(data { $0.replacing("letter", with: "pigeon") }) == .invalidAttribute)
        #expect(reason(data { $0.replacing("failed", with: "lost") }) == .invalidAttribute)
        #expect(reason(data { $0.replacing(Self.id, with: "42") }) == .invalidAttribute)
        #expect(reason(data { $0.replacing("\"at\"", with: "\"when\"") }) == .missingAttribute)
        #expect(reason(data { $0.replacing("2026-11-24T", with: "") }) == .invalidAttribute)
        #expect(reason(data { $0 }, Array(Self.headers.dropFirst())) == .missingAttribute)
        func typed(_ type: String) -> [(String, String)] {
            Self.headers.map { $0.0 == "ce_type" ? ("ce_type", type) : $0 }
        }
        #expect(reason(data { $0 }, typed("dk.fuldmagt.receipt.v2")) == .unknownVersion)
        #expect(reason(data { $0 }, typed("dk.fuldmagt.grant.issue.v1")) == .unknownType)
        #expect(reason(data { $0 }, Self.headers + [("ce_id", "r-2")]) == .invalidAttribute)
    }

    // MARK: The whole event as the value

    private static let whole = [("content-type", "application/cloudevents+json; charset=utf-8")]
    private static let attributes =
        #""specversion":"1.0","id":"r-1","type":"dk.fuldmagt.receipt.v1","source":"urn:dk:cvr:99000007:post""#
    private static let data =
        #"{"notification":"\#(id)","transport":"letter","status":"returned","code":"R7","at":"2026-11-24T10:00:00Z"}"#

    private func event(_ attributes: String = attributes, data: String? = data) -> String {
        "{\(attributes)\(data.map { ",\"data\":\($0)" } ?? "")}"
    }

    @Test("structured mode says the same as binary mode")
    func structured() throws {
        let receipt = try read(event(), Self.whole).get()
        #expect(try receipt == read(Self.data).get())
        #expect(receipt.cause.id == "r-1" && receipt.code == "R7")
        // What stands beside the event counts for nothing, and its extensions are not kept.
        let more = Self.attributes + #","time":"2026-11-24T10:00:00Z","datacontenttype":"application/json","jobid":"j""#
        let beside = Self.whole + [("ce_id", "other"), ("ce_type", "dk.fuldmagt.receipt.v9"), ("fm_shard", "3")]
        #expect(try receipt == read(event(more), beside).get())
    }

    @Test("an event that cannot be read is set aside, and says why")
    func unreadableEvent() {
        func changed(_ old: String, _ new: String) -> DeadLetterReason? {
            reason(event(Self.attributes.replacing(old, with: new)), Self.whole)
        }
        #expect(reason(event(), Self.whole) == nil)
        #expect(reason(nil, Self.whole) == .emptyValue && reason("", Self.whole) == .emptyValue)
        #expect(reason("{", Self.whole) == .invalidJSON && reason("[]", Self.whole) == .invalidJSON)
        // The data alone, called an event.
        #expect(reason(Self.data, Self.whole) == .missingAttribute)
        #expect(reason(Self.data, Array(Self.headers.dropLast()) + Self.whole) == .missingAttribute)
        #expect(reason(event(data: nil), Self.whole) == .missingAttribute)
        #expect(reason(event(data: "null"), Self.whole) == .invalidAttribute)
        #expect(reason(event(data: "{}"), Self.whole) == .missingAttribute)
        #expect(reason(event(data: Self.data.replacing("letter", with: "pigeon")), Self.whole) == .invalidAttribute)
        #expect(changed(#","id":"r-1""#, "") == .missingAttribute)
        #expect(changed("r-1", "") == .invalidAttribute)
        #expect(changed(#""r-1""#, "null") == .missingAttribute)
        #expect(changed(#""r-1""#, #"["r-1"]"#) == .invalidAttribute)
        #expect(changed(#""r-1""#, #""r-1","id":"r-2""#) == .invalidJSON)
        #expect(changed("1.0", "0.3") == .invalidAttribute)
        #expect(changed("receipt.v1", "receipt.v2") == .unknownVersion)
        #expect(changed("receipt.v1", "grant.issue.v1") == .unknownType)
        #expect(changed(#","source""#, #","datacontenttype":"text/xml","source""#) == .invalidAttribute)
    }

    @Test("an id has at most 512 characters in either mode")
    func idLength() {
        for length in [512, 513] {
            let id = String(repeating: "å", count: length)
            let fault: DeadLetterReason? = length > 512 ? .invalidAttribute : nil
            #expect(reason(event(Self.attributes.replacing("r-1", with: id)), Self.whole) == fault)
            #expect(reason(Self.data, Self.headers.map { $0.0 == "ce_id" ? ("ce_id", id) : $0 }) == fault)
        }
    }
}
