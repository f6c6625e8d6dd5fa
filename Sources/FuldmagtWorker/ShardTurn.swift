import FuldmagtDomain
import FuldmagtJSON
import FuldmagtKeys
import FuldmagtRecord
import FuldmagtStore

/// The decisions of one batch within one transaction of a shard.
struct ShardTurn {
    let shard: Int32
    let access: ShardAccess
    let records: RecordViews
    let catalogue: Catalogue
    let options: WorkerOptions
    let names: ShardNames
    /// The catalogue could not be read to its end.
    let isCatalogueBehind: Bool
    /// What the store refused before, in this same turn.
    let refused: Refusals
    /// Reads a command that was kept.
    let reread: (PassedOnCommand, Identity) throws -> WorkItem
    /// Reads a receipt that was kept.
    let rereadReceipt: (EarlyReceipt) throws -> WorkItem
    /// A monotonic clock, for measurements only.
    let nanoseconds: () -> UInt64
    /// One in so many decisions is measured for all of them: asking the clock takes as long as a small one.
    private static let sampling: UInt64 = 16
    private var decisions: UInt64 = 0
    private var measured: (count: UInt64, nanoseconds: UInt64) = (0, 0)
    /// Time spent in the rules, nearly.
    var deciding: UInt64 { measured.nanoseconds * decisions / max(measured.count, 1) }
    /// What waits in this shard.
    var parked: ParkedLoad
    /// What is being worked on.
    var place: Refusals.Place?
    /// The row of the parked command that is being decided.
    var releasing: Int64?
    /// A record was written again to be looked at later: the catalogue is too old for it.
    private(set) var hasPutBack = false
    /// Records that turned out to be for the dead letters, by index.
    private(set) var deadLetters: [Int: DeadLetter] = [:]
    /// The day that this shard has been looked through for, once asked for.
    private var reviewed: Day?
    /// Of the citizen whose receipts are being taken in.
    var finder = NotificationFinder()

    init(
        shard: Int32, access: ShardAccess, records: RecordViews, catalogue: Catalogue, isCatalogueBehind: Bool,
        parked: ParkedLoad, refused: Refusals, options: WorkerOptions, names: ShardNames,
        reread: @escaping (PassedOnCommand, Identity) throws -> WorkItem,
        rereadReceipt: @escaping (EarlyReceipt) throws -> WorkItem, nanoseconds: @escaping () -> UInt64
    ) {
        self.shard = shard
        self.access = access
        self.records = records
        self.catalogue = catalogue
        self.isCatalogueBehind = isCatalogueBehind
        self.parked = parked
        self.refused = refused
        self.reread = reread
        self.rereadReceipt = rereadReceipt
        self.options = options
        self.names = names
        self.nanoseconds = nanoseconds
    }

    mutating func measured<Result>(_ body: () -> Result) -> Result {
        decisions += 1
        guard decisions % Self.sampling == 1 else { return body() }
        let started = nanoseconds()
        defer {
            measured.count += 1
            measured.nanoseconds += nanoseconds() - started
        }
        return body()
    }

    /// Decides items in the order given, in which those of one citizen stand together.
    mutating func run(_ items: [WorkItem], order: [WorkOrder], output: inout OutputWriter) throws {
        var loaded: LoadedFile?
        var circumstances = Circumstances(
            now: Instant(milliseconds: 0), catalogue: catalogue, isCatalogueBehind: isCatalogueBehind,
            settings: options.settings, naming: names.naming)
        for next in order {
            let item = items[Int(next.index)]
            place = nil
            circumstances.move(to: item.now)
            circumstances.lookedThrough = try lookedThrough()
            switch item.work {
            case .deadLetter(let letter): write(letter, item, to: &output)
            case .forward(let shard, let first):
                let record = records[item.index]
                guard let topic = Topic(rawValue: record.topic) else { continue }
                output.forward(record, topic: topic, to: shard, first: first)
            case .sweep(let sweep): try run(sweep, under: circumstances, output: &output)
            case .command(let command, let key, let content, let position):
                guard let citizen = item.citizen else { continue }
                // An id is remembered from the day that it is decided on, which may be long after the one it is decided as of.
                let day = circumstances.present
                switch try access.claim(key, content: content, day: day, former: { formerContent(of: item) }) {
                // What an old number's shard passed on was new there; that may have been this shard.
                case .repeated where item.passedOn == nil: continue
                case .reused:
                    setAside(item, as: .reused, output: &output)
                    continue
                case .new, .repeated: break
                }
                var file = try take(citizen, from: &loaded)
                if let renumbering = file.file.renumbering, renumbering.isHandedOver {
                    try passOn(item, at: position, to: renumbering, output: &output)
                    loaded = file
                    continue
                }
                place = .item(Int(next.index))
                let arrived = Arrived(
                    item: item, command: command, key: key, position: position, refusal: refused.items[Int(next.index)])
                try decideOrPark(arrived, under: circumstances, file: &file, output: &output)
                loaded = file
            case .death(let death):
                // Nothing is stored about a citizen who never gave a grant; then there is nothing to end.
                guard let pseudonym = item.pseudonym, let known = try access.citizen(pseudonym) else { continue }
                let citizen = try names.identity(of: known)
                // What it ends may be on its way back.
                if try sendRound(.death(death), item, output: &output) { continue }
                let sections: FileSections = [.exemptions, .grants, .causes, .notifications]
                try receive(item, citizen, sections, from: &loaded, output: &output) {
                    Rules.receive(death, about: &$0, under: circumstances)
                }
            case .readAccess(let news):
                guard let citizen = item.citizen else { continue }
                try receive(item, citizen, [.exemptions], from: &loaded, output: &output) {
                    Rules.receive(news, about: &$0, under: circumstances)
                }
            case .news(let news):
                guard let citizen = item.citizen else { continue }
                let (sections, grants) = Rules.sections(for: news)
                try receive(
                    item, citizen, sections, notificationsAbout: grants, from: &loaded, output: &output
                ) {
                    Rules.receive(news, about: &$0, under: circumstances)
                }
            case .handover(let handover):
                guard let citizen = item.citizen else { continue }
                try takeOver(handover, item, citizen, under: circumstances, from: &loaded, output: &output)
            case .numberChange(let change):
                guard let pseudonym = item.pseudonym, let known = try access.citizen(pseudonym) else { continue }
                let citizen = try names.identity(of: known)
                let sections: FileSections = [.grants, .received, .readAccesses]
                try receive(item, citizen, sections, from: &loaded, output: &output) {
                    Rules.receive(change, about: &$0, under: circumstances)
                }
                // What is on its way back names the former number, too.
                _ = try sendRound(.numberChange(change), item, output: &output)
            case .echo(let echo):
                guard let pseudonym = item.pseudonym else { continue }
                try pass(echo, at: pseudonym, under: circumstances, from: &loaded, output: &output)
            case .parked(let request):
                guard let pseudonym = item.pseudonym, let known = try access.citizen(pseudonym) else { continue }
                let citizen = try names.identity(of: known)
                var file = try take(citizen, from: &loaded)
                try carryOut(request, under: circumstances, file: &file, output: &output)
                loaded = file
            case .receipt(let receipt):
                // What has been read of the citizen's notifications may change.
                loaded = nil
                try take(receipt, item, under: circumstances, output: &output)
            }
        }
    }

    private mutating func lookedThrough() throws -> Day {
        if let reviewed { return reviewed }
        let day = try access.reviewed().day
        reviewed = day
        return day
    }

    /// The digest by which versions before the keyed one noted a command's content. Their rows are gone once the days that
    /// ids are remembered have passed.
    private func formerContent(of item: WorkItem) -> Ident? {
        let document = JSONDocument()
        // What is read stands in the document.
        defer { withExtendedLifetime(document) {} }
        func digest(_ record: RecordView) -> Ident? {
            do throws(DeadLetter) {
                let (envelope, data) = try Envelope.read(record, into: document)
                var scratch: [UInt8] = []
                return ClusterKey.digest(.content(type: envelope.cause.type, data: data), scratch: &scratch)
            } catch {
                return nil
            }
        }
        guard let kept = item.passedOn else { return digest(records[item.index]) }
        return names.open(kept).flatMap { $0.withRecords { digest($0[0]) } }
    }

    /// Takes in what another shard told about a citizen of this one.
    private mutating func receive(
        _ item: WorkItem, _ citizen: Identity, _ sections: FileSections, notificationsAbout grants: [Ident] = [],
        from loaded: inout LoadedFile?, output: inout OutputWriter, _ rule: (inout CitizenFile) -> Effects
    ) throws {
        var file = try take(citizen, from: &loaded)
        if let renumbering = file.file.renumbering, renumbering.isHandedOver {
            passOn(item, of: citizen, to: renumbering, output: &output)
            loaded = file
            return
        }
        try access.load(sections, into: &file)
        try access.loadNotifications(about: grants, into: &file)
        let effects = measured { rule(&file.file) }
        try store(effects, to: &file, output: &output)
        loaded = file
    }

    func take(_ citizen: Identity, from loaded: inout LoadedFile?) throws -> LoadedFile {
        if let file = loaded, file.file.citizen == citizen {
            loaded = nil
            return file
        }
        loaded = nil
        return try access.file(of: citizen)
    }

    /// - Returns: why it has to wait; nil when it is decided.
    mutating func decide(
        _ command: Command, at position: Position, under circumstances: Circumstances, file: inout LoadedFile,
        output: inout OutputWriter
    ) throws -> Waiting? {
        try access.load(Rules.sections(for: command.body), into: &file)
        var before: Municipality?
        if case .relocate = command.body { before = file.file.residence(on: circumstances.present)?.municipality }
        switch measured({ Rules.decide(command, at: position, about: &file.file, under: circumstances) }) {
        case .accept(let effects):
            try store(effects, to: &file, output: &output)
            switch command.body {
            case .relocate(let relocate):
                // Only what the grants were looked at for: a move told before, whose day has come, has a look of its own yet.
                let residence = file.file.residence(on: circumstances.present)?.municipality
                if let effective = relocate.effective, effective <= circumstances.today, residence != before {
                    try access.noteResidence(residence, of: &file)
                }
            case .register:
                try recallDigitalPost(of: &file, cause: command.cause, under: circumstances, output: &output)
            case .correctDeath:
                try tellUndelivered(to: file, cause: command.cause, under: circumstances, output: &output)
            default: break
            }
            if circumstances.present > circumstances.today, !effects.rows.isEmpty {
                try bringUp(&file, under: circumstances, output: &output)
            }
        case .reject(let reasons):
            output.write(
                Outcome(
                    cause: command.cause, status: .rejected, reasons: reasons, decidedAt: circumstances.now,
                    position: position))
        case .park(let waiting): return waiting
        }
        return nil
    }

    mutating func store(_ effects: Effects, to file: inout LoadedFile, output: inout OutputWriter) throws {
        for change in effects.rows { try access.store(change, to: &file) }
        output.write(effects)
        if let handover = effects.handover { try handOver(handover, &file, output: &output) }
    }

    /// Sets a record aside that could be read, and turned out to be for the dead letters.
    mutating func setAside(_ item: WorkItem, as letter: DeadLetter, output: inout OutputWriter) {
        deadLetters[item.index] = letter
        write(letter, item, to: &output)
    }

    func write(_ letter: DeadLetter, _ item: WorkItem, to output: inout OutputWriter) {
        if let kept = item.passedOn, case .command(let command, _, _, _) = item.work, let opened = names.open(kept) {
            return write(letter, passedOn: kept, opened, about: command.citizen, to: &output)
        }
        let record = records[item.index]
        output.write(
            letter, record: record,
            from: .init(
                topic: Topic(rawValue: record.topic) ?? .deadLetters, partition: shard, now: item.now,
                worker: options.worker))
    }

    /// A command that an old number's shard passed on is set aside as it came there: what is sealed nobody could read or
    /// send again. Its key was not kept; the contract says what it is.
    private func write(
        _ letter: DeadLetter, passedOn kept: PassedOnCommand, _ opened: RecordBatch, about citizen: Party,
        to output: inout OutputWriter
    ) {
        let key = Array(citizen.digits.utf8)
        key.withUnsafeBytes { key in
            opened.withRecords { records in
                let record = records[0]
                output.write(
                    letter,
                    record: RecordView(
                        topic: record.topic, offset: record.offset, timestamp: record.timestamp, key: key,
                        headers: record.headers, value: record.value),
                    from: .init(
                        topic: kept.topic, partition: kept.position.partition, now: kept.at, worker: options.worker))
            }
        }
    }

    // MARK: Sweeps

    /// Looks at citizens again, a bounded number; what is left is the next record.
    private mutating func run(_ sweep: Sweep, under circumstances: Circumstances, output: inout OutputWriter) throws {
        var rest: [Sweep] = []
        var sweep = sweep
        var circumstances = circumstances
        if try isTooNew(sweep) {
            // What begins is asked for again once the catalogue has been read; what has begun comes again.
            guard sweep.step != .begin else { return }
            output.write(InboxMessage(shard: shard, citizen: nil, sealed: nil, body: .sweep(sweep)))
            hasPutBack = true
            return
        }
        if let changedAt = sweep.catalogueChangedAt {
            // A day that the shard has been looked through for meanwhile holds for what is left of this look, too.
            let lookedThrough = circumstances.lookedThrough
            circumstances = Circumstances(
                now: changedAt, today: sweep.day, catalogue: catalogue, isCatalogueBehind: isCatalogueBehind,
                settings: options.settings, naming: circumstances.naming)
            circumstances.lookedThrough = lookedThrough
        } else {
            // The record's own day counts: a worker's clock that is ahead of the log's brings nothing forward.
            sweep.day = min(sweep.day, circumstances.today)
        }
        switch sweep.step {
        case .begin:
            rest = try begin(sweep)
        case .due:
            let citizens = try access.dueCitizens(on: sweep.day, limit: options.sweepSize)
            try review(citizens, for: .due, sweep: sweep, under: circumstances, output: &output)
            if citizens.count == options.sweepSize { rest = [sweep] }
        case .municipality(let municipality, let after):
            let citizens = try access.citizens(of: municipality, after: after, limit: options.sweepSize)
            try review(citizens, for: .residence, sweep: sweep, under: circumstances, output: &output)
            if citizens.count == options.sweepSize {
                rest = [sweep.at(.municipality(municipality, after: citizens.last?.pseudonym))]
            }
        case .package(let package, let row):
            let (citizens, next) = try access.citizens(withGrantsOf: package, from: row, rows: options.sweepRows)
            try review(citizens, for: .itSystem, sweep: sweep, under: circumstances, output: &output)
            if let next { rest = [sweep.at(.package(package, from: next))] }
        case .parked(let after, let retriesFaults):
            // An echo may have been lost with a topic's end, or be unknown to a worker of an earlier version.
            if after == nil {
                for number in parked.comingBack.keys.sorted() { askForEcho(to: number, output: &output) }
            }
            let citizens = try access.citizensWaiting(after: after, limit: options.sweepSize)
            // What waits for the rest of its citizen's file is not given up: it comes back, however late.
            for known in citizens where parked.comingBack[known.pseudonym] == nil {
                var file = try access.file(of: try names.identity(of: known))
                try access.noteLook(at: circumstances.now, of: file)
                try release(
                    &file, retriesFaults: retriesFaults, under: circumstances, output: &output,
                    givingUp: hasWaitedTooLong(at: circumstances.now))
            }
            if citizens.count == options.sweepSize {
                rest = [sweep.at(.parked(after: citizens.last?.pseudonym, retriesFaults: retriesFaults))]
            }
        case .receipts:
            if try lookForReceipts(under: circumstances, output: &output) { rest = [sweep] }
        case .exempted(let citizen, let row, let cause):
            try recallDigitalPost(of: citizen, below: row, cause: cause, under: circumstances, output: &output)
        case .processed(let first): rest = try forget(from: first, sweep)
        }
        for sweep in rest {
            output.write(InboxMessage(shard: shard, citizen: nil, sealed: nil, body: .sweep(sweep)))
        }
    }

    /// Whether citizens would be looked at under an older catalogue than they were before: the worker cannot read it to its
    /// end, and who had the shard before could.
    private func isTooNew(_ sweep: Sweep) throws -> Bool {
        switch sweep.step {
        case .begin, .due, .municipality, .package: try isCatalogueOlder(than: sweep.position)
        case .parked, .receipts, .exempted, .processed: false
        }
    }

    /// Whether the catalogue cannot be read as far as others knew it who looked at this shard's citizens.
    func isCatalogueOlder(than position: Int64 = 0) throws -> Bool {
        guard isCatalogueBehind else { return false }
        return try catalogue.position < max(position, access.reviewed().catalogue)
    }

    private mutating func begin(_ sweep: Sweep) throws -> [Sweep] {
        self.reviewed = nil
        let reviewed = try access.reviewed()
        var sweep = sweep
        // One that was asked for before the catalogue lost its end names a position that it has not come to again.
        sweep.position = min(sweep.position, catalogue.position)
        guard sweep.day > reviewed.day || sweep.position > reviewed.catalogue else { return [] }
        var rest: [Sweep] = []
        if sweep.isDayTurn, try !access.dueCitizens(on: sweep.day, limit: 1).isEmpty {
            rest.append(sweep.at(.due))
        }
        var municipalities = Set(
            catalogue.municipalitiesChanged(
                since: reviewed.catalogue, day: reviewed.day, today: sweep.isDayTurn ? sweep.day : reviewed.day))
        // A catalogue that has lost its end may say nothing any more of where citizens live.
        if reviewed.catalogue == 0 { municipalities.formUnion(try access.municipalities()) }
        for municipality in municipalities.sorted()
        where try !access.citizens(of: municipality, after: nil, limit: 1).isEmpty {
            rest.append(sweep.at(.municipality(municipality, after: nil)))
        }
        for package in catalogue.packagesSwitched(since: reviewed.catalogue) {
            rest.append(sweep.at(.package(package, from: 0)))
        }
        guard sweep.isDayTurn else {
            try access.setReviewed(day: reviewed.day, catalogue: max(sweep.position, reviewed.catalogue))
            return rest
        }
        if sweep.day > reviewed.day {
            rest += try forget(from: Ident(high: 0, low: 0), sweep)
        }
        try access.setReviewed(
            day: max(sweep.day, reviewed.day), catalogue: max(sweep.position, reviewed.catalogue))
        return rest
    }

    /// Forgets ids of commands that are remembered no longer: of very many a bounded number.
    private func forget(from first: Ident, _ sweep: Sweep) throws -> [Sweep] {
        let next = try access.forgetProcessed(
            before: sweep.day.adding(days: -options.processedDays), from: first, limit: options.sweepIDs)
        return next.map { [sweep.at(.processed(from: $0))] } ?? []
    }

    private mutating func review(
        _ citizens: [KnownCitizen], for reason: ReviewReason, sweep: Sweep, under circumstances: Circumstances,
        output: inout OutputWriter
    ) throws {
        for known in citizens {
            let citizen = try names.identity(of: known)
            var file = try access.file(of: citizen)
            try access.load(Rules.sections(for: reason), into: &file)
            try review(&file, for: reason, sweep: sweep, under: circumstances, output: &output)
        }
    }

    /// - Parameter file: with the sections that the reason asks for.
    private mutating func review(
        _ file: inout LoadedFile, for reason: ReviewReason, sweep: Sweep, under circumstances: Circumstances,
        output: inout OutputWriter
    ) throws {
        let effects = Rules.review(&file.file, for: reason, isDayTurn: sweep.isDayTurn, under: circumstances)
        try store(effects, to: &file, output: &output)
        guard reason == .due else { return }
        try access.noteResidence(file.file.residence(on: circumstances.present)?.municipality, of: &file)
        try access.deleteDue(through: sweep.day, of: file)
    }

    /// Brings a citizen about whom something was decided as of an earlier day to where everybody else is: what days since
    /// then have ended, or made dormant, is ended for what has come now, too. Nobody would look again.
    mutating func bringUp(
        _ file: inout LoadedFile, under circumstances: Circumstances, output: inout OutputWriter
    ) throws {
        if let renumbering = file.file.renumbering, renumbering.isHandedOver { return }
        let sweep = Sweep(step: .due, day: circumstances.present, position: 0, catalogueChangedAt: nil)
        if try isTooNew(sweep) {
            // Not under an older catalogue than others were looked at: when it can be read.
            try access.store(.due(sweep.day), to: &file)
            output.write(InboxMessage(shard: shard, citizen: nil, sealed: nil, body: .sweep(sweep)))
            return
        }
        try access.load(Rules.sections(for: .due), into: &file)
        var now = circumstances
        now.moveToPresent()
        // Who has moved since did not move where an activation ended.
        if file.file.residence(on: now.today) != file.file.residence(on: circumstances.today) {
            file.file.reviewedFor = nil
        }
        try review(&file, for: .due, sweep: sweep, under: now, output: &output)
    }
}

extension DeadLetter {
    static let reused = DeadLetter(.idReused, "the same source and id came before with other content")
}
