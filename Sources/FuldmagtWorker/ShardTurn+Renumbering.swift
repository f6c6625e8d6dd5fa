import FuldmagtDomain
import FuldmagtRecord
import FuldmagtStore

/// A citizen who gets another number belongs to another shard: everything is handed over there in one inbox record, and
/// what still arrives for the old number follows it through the same inbox, in the order it came.
extension ShardTurn {
    mutating func handOver(_ handover: Handover, _ file: inout LoadedFile, output: inout OutputWriter) throws {
        guard let renumbering = file.file.renumbering else { return }
        let former = file.file.citizen.pseudonym
        parked.comingBack[former] = nil
        let waiting = try access.parked(of: file)
        var handover = handover
        handover.rows = try access.handOver(&file)
        output.write(InboxMessage(to: renumbering.to, .handover(handover)))
        // What waits follows the file, in its order. Not the command that has it handed over: that one is answered there.
        for parked in waiting where parked.row != releasing {
            output.write(InboxMessage(to: renumbering.to, .command(parked.record)))
            try release(parked, of: file)
        }
        for early in try access.earlyReceipts(of: former) {
            output.write(InboxMessage(to: renumbering.to, .command(early.record)))
            try access.forget(early)
        }
    }

    mutating func takeOver(
        _ handover: Handover, _ item: WorkItem, _ citizen: Identity, under circumstances: Circumstances,
        from loaded: inout LoadedFile?, output: inout OutputWriter
    ) throws {
        var file = try take(citizen, from: &loaded)
        let replaced = file.file.renumbering
        if let renumbering = replaced, renumbering.isHandedOver {
            var handover = handover
            switch handover.arrive(at: citizen.pseudonym, replacedBy: renumbering) {
            case .passOn(let to), .sendBack(let to):
                output.write(InboxMessage(to: to, .handover(handover)))
                loaded = file
                return
            case .takeIn: break
            }
        }
        try access.takeOver(handover.rows, into: &file)
        try access.load([.residences, .exemptions, .grants, .received, .notifications], into: &file)
        let isCatalogueOlder = try self.isCatalogueOlder()
        let effects = measured {
            Rules.takeOver(handover, about: &file.file, under: circumstances, mayReevaluate: !isCatalogueOlder)
        }
        try store(effects, to: &file, output: &output)
        if let replaced, replaced.isHandedOver {
            try awaitAll(sentTo: replaced.to, from: citizen.pseudonym, behind: item, output: &output)
        }
        try access.noteResidence(file.file.residence(on: circumstances.present)?.municipality, of: &file)
        // Its former shard may not have come to the day that this one has been looked through for.
        if isCatalogueOlder || circumstances.lookedThrough ?? circumstances.today >= circumstances.today {
            try bringUp(&file, under: circumstances, output: &output)
        }
        loaded = file
    }

    /// A command for the old number, as it came.
    func passOn(
        _ item: WorkItem, at position: Position, to renumbering: Renumbering, output: inout OutputWriter
    ) throws {
        guard let passedOn = kept(item, at: position) else { return }
        output.write(InboxMessage(to: renumbering.to, .command(passedOn)))
    }

    /// A command's record, sealed, to be kept or sent on.
    func kept(_ item: WorkItem, at position: Position) -> PassedOnCommand? {
        let record = records[item.index]
        return item.passedOn
            ?? Topic(rawValue: record.topic).map {
                names.passOn(record, topic: $0, position: position, at: item.now)
            }
    }

    /// What another shard told about the old number.
    func passOn(
        _ item: WorkItem, of former: Identity, to renumbering: Renumbering, output: inout OutputWriter
    ) {
        let body: InboxMessage.Body
        switch item.work {
        case .news(let news): body = .news(news)
        case .readAccess(let news): body = .readAccess(news)
        case .death(let death): body = .death(death)
        case .numberChange(let change): body = .numberChange(change)
        case .command, .sweep, .handover, .deadLetter, .forward, .parked, .receipt, .echo: return
        }
        for message in Rules.passOn(body, of: former.pseudonym, to: renumbering.to, rounds: item.rounds) {
            output.write(message)
        }
    }
}
