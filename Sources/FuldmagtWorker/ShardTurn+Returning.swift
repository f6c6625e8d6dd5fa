import FuldmagtDomain
import FuldmagtStore

/// A number that somebody has again. Where two changes of their numbers crossed, their file and what followed it are still on
/// their way back, past shards that answer each at its own time. So the shard asks for an echo, which takes the same way,
/// and is back behind all of it. Until then whatever commands arrive for the number wait, also those that come back that way,
/// and are decided in the order in which they were first written: or a revocation would not find what was given before it.
extension ShardTurn {
    /// What has to come back first, where an item has not come that way itself.
    func awaited(by item: WorkItem) -> ParkedLoad.ComingBack? {
        guard let citizen = item.citizen?.pseudonym ?? item.pseudonym, let awaited = parked.comingBack[citizen],
            item.via != awaited.from.pseudonym
        else { return nil }
        return awaited
    }

    /// Asks where a number's file went to; once more where an answer has been waited for for long, as a worker of an
    /// earlier version does not know what is asked.
    func askForEcho(to number: Ident, output: inout OutputWriter) {
        guard let awaited = parked.comingBack[number] else { return }
        output.write(InboxMessage(to: awaited.from, .echo(Echo(number: number, shard: shard, at: awaited.at))))
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
            // What was passed on as far as this was decided on here.
            output.write(InboxMessage(shard: echo.shard, citizen: echo.number, sealed: nil, body: .echo(echo)))
            return
        }
        // Not one of an earlier time, nor where the number has been replaced again.
        guard parked.comingBack[number]?.at == echo.at, let known = try access.citizen(number) else { return }
        var file = try take(try names.identity(of: known), from: &loaded)
        try access.settleNumber(of: file)
        parked.comingBack[number] = nil
        try release(&file, retriesFaults: false, under: circumstances, output: &output) { _ in false }
        loaded = file
    }
}
