import FuldmagtDomain
import FuldmagtStore

/// A number that somebody has again. Where two changes of their numbers crossed, their file and what followed it are still on
/// their way back, past shards that answer each at its own time. So the shard asks for an echo, which takes the same way,
/// and is back behind all of it. Until then commands that arrive for the number wait, also those that come back that way, and
/// are then decided in the order of the partitions they were first written to: or a revocation would not find what was given
/// before it. The death of a representative and a change of somebody's number go round as well, with an echo behind them.
extension ShardTurn {
    /// Waits for all that has been sent on from a number, up to now.
    /// - Parameter other: where it was sent.
    mutating func awaitAll(
        sentTo other: PartyReference, from number: Ident, behind item: WorkItem, output: inout OutputWriter
    ) throws {
        let asked = records[item.index].offset
        try access.setEcho(asked, of: number)
        parked.comingBack[number] = ParkedLoad.ComingBack(from: other, asked: asked)
        askForEcho(to: number, output: &output)
    }

    /// Asks for an echo where a number's file went to.
    func askForEcho(to number: Ident, output: inout OutputWriter) {
        guard let awaited = parked.comingBack[number] else { return }
        output.write(InboxMessage(to: awaited.from, .echo(Echo(number: number, shard: shard, asked: awaited.asked))))
    }

    /// Has something go the way of what is to come back, and waits for an echo behind it.
    /// - Returns: false where nothing is to come back, or this has.
    mutating func sendRound(
        _ body: InboxMessage.Body, _ item: WorkItem, output: inout OutputWriter
    ) throws -> Bool {
        guard let number = item.pseudonym, let awaited = parked.comingBack[number], !item.rounds.contains(number)
        else { return false }
        output.write(InboxMessage(to: awaited.from, body, rounds: item.rounds + [number]))
        try awaitAll(sentTo: awaited.from, from: number, behind: item, output: &output)
        return true
    }

    /// An echo on its way, or back.
    mutating func pass(
        _ echo: Echo, at number: Ident, under circumstances: Circumstances, from loaded: inout LoadedFile?,
        output: inout OutputWriter
    ) throws {
        if number != echo.number {
            if let known = try access.citizen(number) {
                let file = try take(try names.identity(of: known), from: &loaded)
                loaded = file
                if let renumbering = file.file.renumbering, renumbering.isHandedOver {
                    output.write(InboxMessage(to: renumbering.to, .echo(echo)))
                    return
                }
            }
            // What was passed on as far as this stays here, decided on or waiting.
            output.write(InboxMessage(shard: echo.shard, citizen: echo.number, sealed: nil, body: .echo(echo)))
            return
        }
        // Only the one that was asked for last, and not where the number has been replaced again.
        guard parked.comingBack[number]?.asked == echo.asked, let known = try access.citizen(number) else { return }
        var file = try take(try names.identity(of: known), from: &loaded)
        try access.settleNumber(of: file)
        parked.comingBack[number] = nil
        try reorder(&file)
        try release(&file, retriesFaults: false, under: circumstances, output: &output) { _ in false }
        try tellWaiting(file, output: &output)
        loaded = file
    }

    /// Has what waits be decided in the order of the partitions it was written to: some of it came the longer way.
    private func reorder(_ file: inout LoadedFile) throws {
        let waiting = try access.parked(of: file)
        let ordered = ParkedCommand.ordered(waiting)
        guard ordered.map(\.row) != waiting.map(\.row) else { return }
        let commands = try ordered.compactMap { parked -> (ParkedCommand, Command)? in
            guard case .command(let command, _, _, _) = try reread(parked.record, file.file.citizen).work else {
                return nil
            }
            return (parked, command)
        }
        for (parked, _) in commands { try access.release(parked) }
        for (parked, command) in commands { try access.park(parked, cause: command.cause, of: &file) }
    }

    /// Tells senders of what still waits when everything is back: of what waited for that they were not told.
    private func tellWaiting(_ file: LoadedFile, output: inout OutputWriter) throws {
        guard parked.citizens[file.file.citizen.pseudonym] != nil else { return }
        for waiting in try access.parked(of: file) where !waiting.isRevocation && !waiting.record.isTold {
            let item = try reread(waiting.record, file.file.citizen)
            guard case .command(let command, _, _, let position) = item.work else { continue }
            tell(command, first: position, waitsFor: waiting.why, at: item.now, output: &output)
            try access.noteTold(waiting)
        }
    }
}
