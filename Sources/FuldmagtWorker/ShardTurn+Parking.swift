import FuldmagtDomain
import FuldmagtKeys
import FuldmagtStore

/// What the store refused within one batch: that batch is done again with these commands parked. Anything else that a
/// store refuses stops the worker.
struct Refusals {
    enum Place: Hashable {
        /// A command of the batch, by index.
        case item(Int)
        /// A parked command, by row.
        case parked(Int64)
    }
    /// One command is a fault of ours in a corner; many are something else, and stop the worker.
    private static let limit = 20
    private(set) var items: [Int: String] = [:]
    private(set) var parked: [Int64: String] = [:]

    /// Notes a refusal.
    /// - Returns: false when it is not one command's, or there are too many.
    mutating func add(_ place: Place?, _ error: StoreError) -> Bool {
        guard error.isRefusedRow, items.count + parked.count < Self.limit else { return false }
        switch place {
        case .item(let index): return items.updateValue(error.description, forKey: index) == nil
        case .parked(let row): return parked.updateValue(error.description, forKey: row) == nil
        case nil: return false
        }
    }
}

/// Parking: a command that cannot be decided yet is kept, and with it every later one about the same citizen, in order.
/// Everybody else goes on. What waits is decided as of the time it was written, when a sweep finds that it can be.
extension ShardTurn {
    /// A command that is new here.
    struct Arrived {
        var item: WorkItem
        var command: Command
        var key: CommandKey
        var position: Position
        /// What the store said of it, a moment ago.
        var refusal: String?
    }

    mutating func decideOrPark(
        _ arrived: Arrived, under circumstances: Circumstances, file: inout LoadedFile, output: inout OutputWriter
    ) throws {
        let waiting: Waiting?
        let isAwaitingReturn = parked.comingBack[file.file.citizen.pseudonym] != nil
        if let refusal = arrived.refusal {
            waiting = .fault(refusal)
        } else if isAwaitingReturn || parked.citizens[file.file.citizen.pseudonym] != nil {
            waiting = .order
        } else {
            waiting = try decide(
                arrived.command, at: arrived.position, under: circumstances, file: &file, output: &output)
        }
        guard let waiting, var record = kept(arrived.item, at: arrived.position) else { return }
        if try waitsAlready(arrived, under: circumstances, file: file, output: &output) { return }
        let isRevocation = arrived.command.body.isRevocation
        // What waits for the rest of its citizen's file is decided as soon as an echo is back, and no sender need be told.
        if !isRevocation, !record.isTold, !(isAwaitingReturn && waiting == .order) {
            record.isTold = true
            tell(arrived.command, first: arrived.position, waitsFor: waiting, at: circumstances.now, output: &output)
        }
        try access.park(
            ParkedCommand(
                key: arrived.key.digest, id: arrived.command.cause.id, record: record, why: waiting,
                isRevocation: isRevocation),
            cause: arrived.command.cause, of: &file)
        parked.add(file.file.citizen.pseudonym, isRevocation: isRevocation)
        guard !isAwaitingReturn, parked.citizens[file.file.citizen.pseudonym] ?? 0 > options.parkedPerCitizen else {
            return
        }
        // Too many wait: the oldest is given up, and what waited behind it is tried.
        var isFirst = true
        try release(&file, retriesFaults: false, under: circumstances, output: &output) { parked in
            guard isFirst, !parked.isRevocation else { return false }
            isFirst = false
            return true
        }
    }

    /// Whether a command has waited for longer than ids are remembered, and is sent again; or its id, for something else.
    private mutating func waitsAlready(
        _ arrived: Arrived, under circumstances: Circumstances, file: LoadedFile, output: inout OutputWriter
    ) throws -> Bool {
        let citizen = file.file.citizen
        guard parked.citizens[citizen.pseudonym] != nil, try access.isParked(arrived.key.digest) else { return false }
        for waiting in try access.parked(of: file) where waiting.key == arrived.key.digest {
            guard case .command(_, let key, let content, _) = try reread(waiting.record, citizen).work,
                case .command(_, _, let sent, _) = arrived.item.work
            else { continue }
            try access.remember(key, content: content, day: circumstances.present)
            if content != sent { setAside(arrived.item, as: .reused, output: &output) }
        }
        return true
    }

    /// Tells a command's sender that it waits.
    /// - Parameter position: where it was first written.
    func tell(
        _ command: Command, first position: Position, waitsFor waiting: Waiting, at now: Instant,
        output: inout OutputWriter
    ) {
        output.write(
            Outcome(
                cause: command.cause, status: .parked, reasons: [waiting.reason], decidedAt: now, position: position))
    }

    /// Does what an operator asks for.
    mutating func carryOut(
        _ request: ParkedRequest, under circumstances: Circumstances, file: inout LoadedFile,
        output: inout OutputWriter
    ) throws {
        try release(&file, retriesFaults: request.action == .retry, under: circumstances, output: &output) {
            request.action == .reject && $0.key == request.command
        }
    }

    /// Whose patience is over. A revocation's never is: it waits until it can be carried out.
    func hasWaitedTooLong(at now: Instant) -> (ParkedCommand) -> Bool {
        let seconds = options.parkedSeconds
        return { parked in
            guard !parked.isRevocation, let since = parked.since else { return false }
            return now >= since.adding(seconds: seconds)
        }
    }

    /// Decides what waits about a citizen, in order, up to the first that still has to wait.
    /// - Parameters:
    ///   - retriesFaults: also what the store refused before.
    ///   - givingUp: which commands are rejected without being decided, wherever they stand.
    mutating func release(
        _ file: inout LoadedFile, retriesFaults: Bool, under circumstances: Circumstances, output: inout OutputWriter,
        givingUp: (ParkedCommand) -> Bool
    ) throws {
        var isHeldUp = parked.comingBack[file.file.citizen.pseudonym] != nil
        for waiting in try access.parked(of: file) {
            place = .parked(waiting.row)
            let item = try reread(waiting.record, file.file.citizen)
            guard case .command(let command, let key, let content, let position) = item.work else { continue }
            var circumstances = circumstances
            circumstances.move(to: item.now)
            // Ids are remembered from the decision on, not from when its waiting began.
            func remember() throws(StoreError) {
                try access.remember(key, content: content, day: circumstances.present)
            }
            if givingUp(waiting) {
                try remember()
                output.write(
                    Outcome(
                        cause: command.cause, status: .rejected, reasons: [Reason(.parkedTooLong, nil)],
                        decidedAt: circumstances.now, position: position))
                try release(waiting, of: file)
                continue
            }
            guard !isHeldUp else { continue }
            releasing = waiting.row
            defer { releasing = nil }
            isHeldUp = try stillWaits(
                waiting, command, at: position, retriesFaults: retriesFaults, under: circumstances, file: &file,
                output: &output)
            if !isHeldUp {
                try remember()
                try release(waiting, of: file)
            }
            // Its whole file has gone to another shard, and what waited with it.
            if let renumbering = file.file.renumbering, renumbering.isHandedOver { return }
        }
        place = nil
    }

    private mutating func stillWaits(
        _ waiting: ParkedCommand, _ command: Command, at position: Position, retriesFaults: Bool,
        under circumstances: Circumstances, file: inout LoadedFile, output: inout OutputWriter
    ) throws -> Bool {
        if let refusal = refused.parked[waiting.row] {
            try access.setWaiting(.fault(refusal), of: waiting)
            return true
        }
        if case .fault = waiting.why, !retriesFaults { return true }
        guard let why = try decide(command, at: position, under: circumstances, file: &file, output: &output) else {
            return false
        }
        try access.setWaiting(why, of: waiting)
        return true
    }

    mutating func release(_ waiting: ParkedCommand, of file: LoadedFile) throws {
        try access.release(waiting)
        parked.remove(file.file.citizen.pseudonym, isRevocation: waiting.isRevocation)
    }
}
