import FuldmagtDomain
import FuldmagtJSON
import FuldmagtKeys
import FuldmagtRecord
import FuldmagtStore

/// One shard that this worker owns, from taking it over to giving it up.
///
/// Used by one thread at a time: the worker hands each shard's batch to one thread and waits for all of them.
final class ShardInUse: @unchecked Sendable {
    let shard: Int32
    let store: ShardStore
    private let options: WorkerOptions
    private let surroundings: Surroundings
    private let names: ShardNames
    private var decoder: RecordDecoder
    private var output: OutputWriter
    /// Positions next to read, as stored.
    private(set) var positions: [Topic: Int64]
    /// Frames stored but not handed to the publisher.
    private(set) var unsent: [PendingFrame] = []
    /// The last frame known to be out; forgotten with the next transaction.
    var sentThrough: Int64 = 0
    private var markedThrough: Int64 = 0
    /// Up to where its topics are read with the batch that is applied next, where there was no more.
    var ends: [Topic: Int64] = [:]
    /// How much was set aside of late.
    private struct SetAside {
        var records: DeadLetterLimits
        var catalogue: DeadLetterLimits
    }
    private var setAside: SetAside
    /// Up to which day and catalogue position this shard's citizens have been looked at.
    private var reviewed: (day: Day, catalogue: Int64)
    /// The sweep asked for last, and when: it is asked for again only if it stays away.
    private var asked: (day: Day, catalogue: Int64, reviewed: Int64, at: Instant)?
    /// Whether the last turn did: another look may be due at once.
    private(set) var hasReviewed = false
    private static let askAgainSeconds: Int64 = 10
    /// Whether the last batch put something back until the catalogue can be read.
    private(set) var hasPutBack = false
    /// What waits in this shard.
    private(set) var parked: ParkedLoad
    /// When its parked commands were last asked to be looked at again.
    private var parkedAsked: Instant?
    /// Whether the next look tries again what the store refused: once after the shard was taken over, perhaps by a version
    /// of this program that is mended.
    private var triesFaults = false
    /// When it was last asked whether receipts have stayed away too long.
    private var postAsked: Instant?
    private static let postSeconds: Int64 = 60
    /// What the store refused since the last time this was taken: for the log, without personal data.
    private var refusals: [String] = []
    private(set) var times = PhaseTimes()
    private(set) var counts = OutputWriter.Counts()

    /// - Parameter onProgress: called again and again while the shard's file is brought to this program's schema.
    init(
        shard: Int32, options: WorkerOptions, surroundings: Surroundings, shardsInAll: Int,
        onProgress: @escaping @Sendable () -> Void = {}
    ) throws(StoreError) {
        self.shard = shard
        self.options = options
        self.surroundings = surroundings
        let today = surroundings.now().adding(seconds: surroundings.offsetSeconds()).day
        var storeOptions = ShardStore.Options(
            directory: options.directory, partitions: options.settings.partitions,
            cacheBytes: options.cacheBytes / max(shardsInAll, 1), isDurable: options.isDurable,
            recordsChanges: options.recordsChanges, lineage: Self.lineage(shard, options, surroundings))
        storeOptions.disk = options.disk
        storeOptions.onProgress = onProgress
        store = try ShardStore(
            shard: shard, keys: options.keys, options: storeOptions, owner: options.worker, today: today)
        names = ShardNames(keys: options.keys, partitions: options.settings.partitions)
        let limits = DeadLetterLimits(inARow: options.deadLettersInARow, ratio: options.deadLettersRatio)
        setAside = SetAside(records: limits, catalogue: limits)
        decoder = RecordDecoder(shard: shard, settings: options.settings, names: names)
        output = OutputWriter(settings: options.settings, naming: names.naming, shard: shard)
        (positions, unsent, reviewed, parked) = try store.turn { access in
            (
                try access.positions(), try access.pendingFrames(), try access.reviewed(),
                try access.parkedLoad()
            )
        }
        triesFaults = !parked.isEmpty
    }

    /// Names a file that is made now: no other worker, and no other moment, names one the same.
    private static func lineage(_ shard: Int32, _ options: WorkerOptions, _ surroundings: Surroundings) -> String {
        let moment = "\(options.worker)/\(shard)/\(surroundings.now().milliseconds)/\(surroundings.nanoseconds())"
        return options.keys.pseudonym(ofText: moment).description
    }

    /// Drops pending frames that are out, as the group's committed offsets say.
    /// - Returns: false when the file is not the one that the last frame was published from, or an older copy of it: what
    ///   it holds is not the state, and its pending frames must not be published.
    func settle(_ committed: Committed) throws(StoreError) -> Bool {
        for (topic, offset) in committed.offsets where offset > positions[topic] ?? 0 { return false }
        if let mark = committed.mark {
            let standing = ShardFiles.Standing(
                lineage: store.lineage, rebuiltAt: store.rebuiltAt, lastFrame: try store.turn { try $0.lastFrame() })
            guard mark.isOfShard(in: standing) else { return false }
            // Of a file that was rebuilt, and from which nothing was published yet, no frame is out.
            guard mark.text != store.rebuiltAt else { return !hasLostFrames }
            while let first = unsent.first, first.number <= mark.frame {
                sentThrough = first.number
                unsent.removeFirst()
            }
            return !hasLostFrames
        }
        while let first = unsent.first, first.isOut(committed: committed.offsets) {
            sentThrough = first.number
            unsent.removeFirst()
        }
        return !hasLostFrames
    }

    /// What was stored cannot be published any more: without it the file is not the state.
    var hasLostFrames: Bool { unsent.contains(where: \.isLost) }

    /// Whether the group knows nothing of the shard, so that the next publication tells it of every topic.
    var isUntold = false

    /// Positions of topics that no frame in the outbox moves: whatever brought them there is out.
    var settledPositions: [Topic: Int64] {
        positions.filter { topic, _ in !unsent.contains { $0.ends[topic] != nil } }
    }

    /// Whether the file has been written without a changelog for a time.
    var isPartlyUnrecorded: Bool { mark(of: 0).isPartlyUnrecorded }

    /// Goes on elsewhere in a topic than where it was read to, as what is there now is not what was read.
    func startOver(_ topic: Topic, at position: Int64) {
        positions[topic] = position
        restated.insert(topic)
    }

    /// Topics that go on elsewhere than the file and the group know: the next turn stores it, whether it brings records of
    /// them or not.
    private var restated: Set<Topic> = []

    /// Has all citizens looked at again under the catalogue there is: it may not be the one that they were looked at under.
    func reviewAgain() {
        reviewed.catalogue = 0
        isReviewRestated = true
        isLookingAgain = true
    }

    private var isReviewRestated = false
    /// Whether the next look is no change of the catalogue, whose records may be years old by then, but ours.
    private var isLookingAgain = false

    /// Whether there is something to store that no record brings.
    var hasRestated: Bool { !restated.isEmpty || isReviewRestated }

    /// The mark of one of this file's frames.
    func mark(of frame: Int64) -> FrameMark { FrameMark(lineage: store.lineage, frame: frame) }

    /// Takes the frames that wait to be published.
    func takeUnsent() -> [PendingFrame] {
        defer { unsent = [] }
        return unsent
    }

    func takeCounts() -> OutputWriter.Counts {
        defer { counts = OutputWriter.Counts() }
        return counts
    }

    /// Decodes, decides and stores a batch: steps 2 of the run loop, for one shard.
    /// - Parameters:
    ///   - answers: what the catalogue's records came to, for the shard that answers for it.
    func apply(
        _ batch: RecordBatch, answers: [CatalogueFollower.Answer], catalogue: Catalogue,
        isCatalogueBehind: Bool = false, offsetSeconds: Int64
    ) throws {
        let started = surroundings.nanoseconds()
        try batch.withRecords { records in
            var items: [WorkItem] = []
            items.reserveCapacity(records.count)
            for index in records.indices {
                items.append(decoder.decode(records[index], index: index, offsetSeconds: offsetSeconds))
            }
            let order = WorkOrder.byCitizen(items)
            let decoded = surroundings.nanoseconds()
            times.decode += decoded - started
            let decidedBefore = times.decide
            try write(
                items, order: order, records: records, answers: answers, catalogue: catalogue,
                isCatalogueBehind: isCatalogueBehind)
            let spent = surroundings.nanoseconds() - decoded
            times.store += spent - min(spent, times.decide - decidedBefore)
        }
        times.records += UInt64(batch.count)
    }

    /// Counts what a turn sets aside before it is stored.
    /// - Returns: why the worker stops instead; nil where there are not too many.
    private func judge(
        _ items: [WorkItem], _ turn: ShardTurn, records: RecordViews, answers: [CatalogueFollower.Answer],
        _ limits: inout SetAside
    ) -> WorkerStop? {
        for answer in answers {
            var letter: DeadLetter?
            if case .deadLetter(let found, _) = answer.kind { letter = found }
            let place = DeadLetterLimits.Place(topic: .catalogue, partition: 0, offset: answer.offset)
            if let excess = limits.catalogue.took(letter, at: place) { return tooMany(excess, letter, at: place) }
        }
        for item in items {
            var letter: DeadLetter?
            if case .deadLetter(let found) = item.work {
                letter = found
            } else if !turn.deadLetters.isEmpty {
                letter = turn.deadLetters[item.index]
            }
            if let excess = limits.records.took(letter, at: place(of: records[item.index])) {
                return tooMany(excess, letter, at: place(of: records[item.index]))
            }
        }
        return nil
    }

    private func place(of record: RecordView) -> DeadLetterLimits.Place {
        .init(topic: Topic(rawValue: record.topic) ?? .deadLetters, partition: shard, offset: record.offset)
    }

    private func tooMany(
        _ excess: DeadLetterLimits.Excess, _ last: DeadLetter?, at place: DeadLetterLimits.Place
    ) -> WorkerStop {
        let from = excess.first.map { ", from \($0) on" } ?? ""
        let why = last.map { " (\($0.reason.rawValue), \($0.detail))" } ?? ""
        return WorkerStop(
            .deadLetters,
            "\(excess.what) of shard \(shard) are for the dead letters\(from); the last is \(place)\(why). Stopped instead of emptying the topic into the dead letters; see what is wrong with the producer, or raise \(excess.setting) for every worker"
        )
    }

    private func write(
        _ items: [WorkItem], order: [WorkOrder], records: RecordViews, answers: [CatalogueFollower.Answer],
        catalogue: Catalogue, isCatalogueBehind: Bool
    ) throws {
        var ends: [Topic: Int64] = [:]
        for record in records {
            guard let topic = Topic(rawValue: record.topic) else { continue }
            ends[topic] = max(ends[topic] ?? 0, record.offset + 1)
        }
        if let last = answers.last { ends[.catalogue] = last.offset + 1 }
        for topic in restated where ends[topic] == nil { ends[topic] = positions[topic] ?? 0 }
        // Markers of transactions are passed over: else they would seem lost once they are deleted with what is old.
        for (topic, end) in self.ends where end > max(ends[topic] ?? 0, positions[topic] ?? 0) { ends[topic] = end }
        // A turn that only restates what it was asked to ends somewhere, too.
        if ends.isEmpty { ends[.inbox] = positions[.inbox] ?? 0 }
        var refused = Refusals()
        var result: TurnResult?
        var limits = setAside
        while result == nil {
            var place: Refusals.Place?
            var stop: WorkerStop?
            do throws(StoreError) {
                limits = setAside
                result = try store.turn { access in
                    output.removeAll()
                    if sentThrough > markedThrough { try access.markSent(through: sentThrough) }
                    for answer in answers { write(answer) }
                    if isReviewRestated { try access.setReviewed(day: access.reviewed().day, catalogue: 0) }
                    var turn = ShardTurn(
                        shard: shard, access: access, records: records, catalogue: catalogue,
                        isCatalogueBehind: isCatalogueBehind, parked: parked, refused: refused, options: options,
                        names: names, reread: { try self.decoder.command($0, of: $1, index: 0) },
                        rereadReceipt: { try self.decoder.receipt($0.record, of: $0.citizen, index: 0) },
                        nanoseconds: surroundings.nanoseconds)
                    do { try turn.run(items, order: order, output: &output) } catch {
                        place = turn.place
                        throw error
                    }
                    stop = judge(items, turn, records: records, answers: answers, &limits)
                    if let stop { throw stop }
                    return try close(turn, ends: ends, access)
                }
            } catch {
                if let stop { throw stop }
                guard refused.add(place, error) else { throw error }
                refusals.append(error.description)
            }
        }
        guard let result else { return }
        surroundings.reached(.afterStoreCommit)
        setAside = limits
        if options.sabotage == .positionAfterState { try store.turn { try self.setPositions(ends, $0) } }
        markedThrough = sentThrough
        counts.add(result.counts)
        times.decide += result.deciding
        hasReviewed = result.reviewed != reviewed
        reviewed = result.reviewed
        if reviewed.catalogue > 0 { isLookingAgain = false }
        parked = result.parked
        hasPutBack = result.hasPutBack
        positions.merge(ends) { _, end in end }
        restated = []
        isReviewRestated = false
        unsent.append(result.frame)
    }

    /// What a turn came to, once it is stored.
    private struct TurnResult {
        var frame: PendingFrame
        var counts: OutputWriter.Counts
        var reviewed: (day: Day, catalogue: Int64)
        var parked: ParkedLoad
        var deciding: UInt64
        var hasPutBack: Bool
    }

    /// Puts a turn's outputs and positions beside its rows.
    private func close(
        _ turn: ShardTurn, ends: [Topic: Int64], _ access: ShardAccess
    ) throws(StoreError) -> TurnResult {
        if options.sabotage != .positionAfterState { try setPositions(ends, access) }
        try output.append { (frame) throws(StoreError) in try access.moveChanges(to: &frame) }
        let (frame, counts) = output.take()
        let number = try access.appendFrame(frame, ends: ends)
        let reviewed = try access.reviewed()
        surroundings.reached(.beforeStoreCommit)
        return TurnResult(
            frame: PendingFrame(number: number, frame: frame, ends: ends), counts: counts, reviewed: reviewed,
            parked: turn.parked, deciding: turn.deciding, hasPutBack: turn.hasPutBack)
    }

    private func setPositions(_ ends: [Topic: Int64], _ access: ShardAccess) throws(StoreError) {
        for (topic, end) in ends.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            try access.setPosition(end, of: topic)
        }
    }

    /// What the store refused since the last call.
    func takeRefusals() -> [String] {
        defer { refusals = [] }
        return refusals
    }

    private func write(_ answer: CatalogueFollower.Answer) {
        let position = Position(topic: .catalogue, partition: 0, offset: answer.offset)
        let now = Instant(milliseconds: answer.timestamp)
        if let restoration = answer.restoration {
            output.restore(restoration.record, under: restoration.key, insteadOf: answer.offset)
        }
        switch answer.kind {
        case nil: break
        case .accepted(let cause):
            output.write(Outcome(cause: cause, status: .accepted, decidedAt: now, position: position))
        case .rejected(let cause, let reasons):
            output.write(
                Outcome(cause: cause, status: .rejected, reasons: reasons, decidedAt: now, position: position))
        case .deadLetter(let letter, let batch):
            batch.withRecords { records in
                guard let record = records.first else { return }
                output.write(
                    letter, record: record,
                    from: .init(topic: .catalogue, partition: 0, now: now, worker: options.worker))
            }
        }
    }

    /// A record that has this shard's citizens looked at again, if the day or the catalogue went on since the last look.
    func dueSweep(now: Instant, catalogue: Int64, changedAt: Instant) -> Frame? {
        let today = now.day
        guard today > reviewed.day || catalogue > reviewed.catalogue else { return nil }
        if let asked, asked.day == today, asked.catalogue == catalogue, asked.reviewed == reviewed.catalogue,
            Self.isWithin(Self.askAgainSeconds, after: asked.at, now)
        {
            return nil
        }
        asked = (today, catalogue, reviewed.catalogue, now)
        // The catalogue first, by itself: what it changes carries its records' times, not the timer's.
        let isDayTurn = catalogue <= reviewed.catalogue || isLookingAgain
        output.removeAll()
        output.write(
            InboxMessage(
                shard: shard, citizen: nil, sealed: nil,
                body: .sweep(
                    Sweep(
                        step: .begin, day: isDayTurn ? today : max(reviewed.day, changedAt.day), position: catalogue,
                        catalogueChangedAt: isDayTurn ? nil : changedAt))))
        return output.take().0
    }

    /// A clock that was set back since is not waited for.
    private static func isWithin(_ seconds: Int64, after start: Instant, _ now: Instant) -> Bool {
        now >= start && now < start.adding(seconds: seconds)
    }

    /// A record that has this shard's parked commands looked at again: as soon as the shard is taken over, then every ten
    /// seconds while they may be decided, and every minute otherwise, so that none is forgotten.
    func dueRelease(now: Instant, catalogue: Int64, isCatalogueBehind: Bool) -> Frame? {
        guard !parked.isEmpty || !parked.comingBack.isEmpty else { return nil }
        let pause = isCatalogueBehind ? 60 : Self.askAgainSeconds
        if let parkedAsked, Self.isWithin(pause, after: parkedAsked, now) { return nil }
        output.removeAll()
        output.write(
            InboxMessage(
                shard: shard, citizen: nil, sealed: nil,
                body: .sweep(
                    Sweep(
                        step: .parked(after: nil, retriesFaults: triesFaults), day: now.day,
                        position: catalogue, catalogueChangedAt: nil))))
        parkedAsked = now
        triesFaults = false
        return output.take().0
    }

    /// A record that has notifications looked at whose receipts have stayed away too long; asked for once a minute.
    func duePost(now: Instant) throws(StoreError) -> Frame? {
        if let postAsked, Self.isWithin(Self.postSeconds, after: postAsked, now) { return nil }
        postAsked = now
        let patience = options.settings.patience
        guard try store.turn({ try $0.isPostDue(at: now, patience: patience) }) else { return nil }
        output.removeAll()
        output.write(
            InboxMessage(
                shard: shard, citizen: nil, sealed: nil,
                body: .sweep(Sweep(step: .receipts, day: now.day, position: 0, catalogueChangedAt: nil))))
        return output.take().0
    }

    /// Forgets frames that are out, so that a later start has nothing to compare, and closes the file.
    func release(marksSent: Bool) throws(StoreError) {
        if marksSent, sentThrough > markedThrough {
            try store.turn { access in try access.markSent(through: sentThrough, isLast: true) }
        }
        try store.close()
    }
}
