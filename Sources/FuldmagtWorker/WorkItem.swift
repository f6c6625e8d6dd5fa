import FuldmagtDomain
import FuldmagtJSON
import FuldmagtKeys
import FuldmagtRecord
import FuldmagtStore

/// A fetched record after decoding: what is to be done about it. Shared instead of copied: it holds many texts.
final class WorkItem {
    enum Work {
        case command(Command, key: CommandKey, content: Ident, position: Position)
        case news(GrantNews)
        case readAccess(ReadAccessNews)
        case death(RepresentativeDeath)
        case sweep(Sweep)
        case handover(Handover)
        case numberChange(NumberChange)
        case parked(ParkedRequest)
        case echo(Echo)
        case receipt(Receipt)
        case deadLetter(DeadLetter)
        case forward(to: Int32, FirstWritten)
    }
    let work: Work
    /// Whose file it concerns; nil where none is, and where only the shard can say who.
    let citizen: Identity?
    /// The pseudonym of whom it concerns.
    let pseudonym: Ident?
    /// The time that counts for the decision.
    let now: Instant
    /// Index of the record in its batch.
    let index: Int
    /// Set for a command that an old number's shard passed on.
    let passedOn: PassedOnCommand?
    /// The numbers, by pseudonym, whose shards had it go round.
    fileprivate(set) var rounds: [Ident] = []

    init(
        work: Work, citizen: Identity?, pseudonym: Ident? = nil, now: Instant, index: Int,
        passedOn: PassedOnCommand? = nil
    ) {
        self.work = work
        self.citizen = citizen
        self.pseudonym = pseudonym
        self.now = now
        self.index = index
        self.passedOn = passedOn
    }
}

/// Where an item stands in the order of a turn.
struct WorkOrder {
    let citizen: Ident
    let index: Int32

    /// Order matters within one citizen only; in citizen order a batch touches each page once. What concerns no citizen
    /// comes first.
    static func byCitizen(_ items: [WorkItem]) -> [WorkOrder] {
        var order: [WorkOrder] = []
        order.reserveCapacity(items.count)
        for (index, item) in items.enumerated() {
            order.append(
                WorkOrder(
                    citizen: item.citizen?.pseudonym ?? item.pseudonym ?? Ident(high: 0, low: 0),
                    index: Int32(truncatingIfNeeded: index))
            )
        }
        order.sort { ($0.citizen.high, $0.citizen.low, $0.index) < ($1.citizen.high, $1.citizen.low, $1.index) }
        return order
    }
}

/// Turns fetched records into work. Nothing is decided here and nothing is read but the record.
struct RecordDecoder {
    let shard: Int32
    let settings: Settings
    let names: ShardNames
    private let document = JSONDocument()
    private var scratch: [UInt8] = []

    init(shard: Int32, settings: Settings, names: ShardNames) {
        self.shard = shard
        self.settings = settings
        self.names = names
    }

    mutating func decode(_ record: RecordView, index: Int, offsetSeconds: Int64) -> WorkItem {
        let written = Instant(milliseconds: record.timestamp + offsetSeconds * 1000)
        guard let topic = Topic(rawValue: record.topic) else {
            return WorkItem(
                work: .deadLetter(DeadLetter(.wrongTopic, "a topic this worker does not read")), citizen: nil,
                now: written, index: index)
        }
        do throws(DeadLetter) {
            if topic == .inbox { return try inbox(record, at: written, index: index) }
            if topic == .receipts { return try receipt(record, at: written, index: index) }
            return try command(record, topic: topic, at: written, index: index, offsetSeconds: offsetSeconds)
        } catch {
            return WorkItem(work: .deadLetter(error), citizen: nil, now: written, index: index)
        }
    }

    private mutating func command(
        _ record: RecordView, topic: Topic, at written: Instant, index: Int, offsetSeconds: Int64
    ) throws(DeadLetter) -> WorkItem {
        let (envelope, data) = try Envelope.read(record, into: document)
        var now = written
        var position = Position(topic: topic, partition: shard, offset: record.offset)
        // Only a record of ours carries these marks, so most are never looked through twice.
        let first = FirstWritten.read(
            record.headers, of: { names.marks(of: envelope, data) }, proof: { names.proof($0) })
        if let first {
            now = first.time.adding(seconds: offsetSeconds)
            position = first.position
        }
        let command = try Command.read(
            data, envelope: envelope, topic: topic, today: now.day, settings: settings)
        let citizen = names.identity(of: command.citizen)
        guard citizen.shard == shard else {
            let mark =
                first
                ?? FirstWritten(
                    time: Instant(milliseconds: record.timestamp), position: position,
                    of: names.marks(of: envelope, data)
                ) { names.proof($0) }
            return WorkItem(work: .forward(to: citizen.shard, mark), citizen: nil, now: now, index: index)
        }
        return item(command, envelope, data, of: citizen, position: position, now: now, index: index)
    }

    private mutating func item(
        _ command: Command, _ envelope: Envelope, _ data: JSONNode, of citizen: Identity, position: Position,
        now: Instant, index: Int, passedOn: PassedOnCommand? = nil
    ) -> WorkItem {
        let key = CommandKey(source: envelope.cause.source, id: envelope.cause.id, scratch: &scratch)
        let content = names.content(of: envelope, data, scratch: &scratch)
        return WorkItem(
            work: .command(command, key: key, content: content, position: position), citizen: citizen, now: now,
            index: index, passedOn: passedOn)
    }

    /// A command for an old number: it names that number still, and is about the citizen whom the message is for.
    mutating func command(
        _ passedOn: PassedOnCommand, of citizen: Identity, index: Int
    ) throws(DeadLetter) -> WorkItem {
        guard let record = names.open(passedOn) else {
            throw DeadLetter(.invalidAttribute, "a command that was passed on cannot be opened")
        }
        return try record.withRecords { (records) throws(DeadLetter) in
            let (envelope, data) = try Envelope.read(records[0], into: document)
            let command = try Command.read(
                data, envelope: envelope, topic: passedOn.topic, today: passedOn.at.day, settings: settings)
            return item(
                command, envelope, data, of: citizen, position: passedOn.position, now: passedOn.at, index: index,
                passedOn: passedOn)
        }
    }

    private mutating func inbox(_ record: RecordView, at written: Instant, index: Int) throws(DeadLetter) -> WorkItem {
        guard let value = record.value, value.count > 0 else {
            throw DeadLetter(.emptyValue, "an inbox record has no value")
        }
        do throws(JSONFailure) { try document.parse(value) } catch { throw DeadLetter(json: error) }
        guard let message = InboxRecord.read(document.root) else {
            throw DeadLetter(.unknownType, "an inbox record of a kind this version does not know")
        }
        let item = try item(of: message, record, at: written, index: index)
        item.rounds = message.rounds
        return item
    }

    private mutating func item(
        of message: InboxRecord, _ record: RecordView, at written: Instant, index: Int
    ) throws(DeadLetter) -> WorkItem {
        switch message.body {
        case .sweep(let sweep):
            return WorkItem(work: .sweep(sweep), citizen: nil, now: written, index: index)
        case .news(let news):
            return WorkItem(
                work: .news(news), citizen: try citizen(of: message, record), now: news.at, index: index)
        case .death(let death):
            return WorkItem(
                work: .death(death), citizen: nil, pseudonym: try pseudonym(of: record), now: death.at, index: index)
        case .handover(let handover):
            return WorkItem(
                work: .handover(handover), citizen: try citizen(of: message, record), now: handover.at, index: index)
        case .numberChange(let change):
            return WorkItem(
                work: .numberChange(change), citizen: nil, pseudonym: try pseudonym(of: record), now: written,
                index: index)
        case .parked(let request):
            return WorkItem(
                work: .parked(request), citizen: nil, pseudonym: try pseudonym(of: record), now: written, index: index)
        case .echo(let echo):
            return WorkItem(
                work: .echo(echo), citizen: nil, pseudonym: try pseudonym(of: record), now: written, index: index)
        case .command(let passedOn) where passedOn.topic == .receipts:
            return try receipt(passedOn, of: try pseudonym(of: record), index: index)
        case .command(let passedOn):
            return try command(passedOn, of: try citizen(of: message, record), index: index)
        case .readAccess(let news):
            return WorkItem(
                work: .readAccess(news), citizen: try citizen(of: message, record), now: news.at, index: index)
        }
    }

    private mutating func receipt(_ record: RecordView, at written: Instant, index: Int) throws(DeadLetter) -> WorkItem
    {
        let receipt = try Receipt.read(record, into: document)
        return WorkItem(
            work: .receipt(receipt), citizen: nil, pseudonym: try pseudonym(of: record), now: written, index: index)
    }

    /// A receipt that was kept, or that an old number's shard passed on.
    mutating func receipt(
        _ kept: PassedOnCommand, of citizen: Ident, index: Int
    ) throws(DeadLetter) -> WorkItem {
        guard let record = names.open(kept) else {
            throw DeadLetter(.invalidAttribute, "a receipt that was kept cannot be opened")
        }
        return try record.withRecords { (records) throws(DeadLetter) in
            WorkItem(
                work: .receipt(try Receipt.read(records[0], into: document)), citizen: nil, pseudonym: citizen,
                now: kept.at, index: index, passedOn: kept)
        }
    }

    private func pseudonym(of record: RecordView) throws(DeadLetter) -> Ident {
        guard let pseudonym = record.key.flatMap({ Ident(hexDigits: $0) }) else {
            throw DeadLetter(.invalidCitizen, "the record's key does not say whom it concerns")
        }
        return pseudonym
    }

    private func citizen(of message: InboxRecord, _ record: RecordView) throws(DeadLetter) -> Identity {
        let pseudonym = try pseudonym(of: record)
        guard let sealed = message.citizen else {
            throw DeadLetter(.invalidCitizen, "an inbox record that does not say whom it concerns")
        }
        let citizen: Identity
        do {
            citizen = try names.identity(of: KnownCitizen(pseudonym: pseudonym, sealed: sealed))
        } catch {
            throw DeadLetter(.invalidCitizen, "an inbox record whose sealed number cannot be opened")
        }
        guard citizen.shard == shard else {
            throw DeadLetter(.invalidCitizen, "an inbox record for a citizen of another shard")
        }
        return citizen
    }
}
