import Dispatch
import FuldmagtDomain
import FuldmagtKeys

/// Makes a plan on several threads: each citizen's lines are decided by one of them, in the order of the file, so the plan
/// is the same as one thread's.
public final class PlanTeam {
    /// One thread's part. It has a source of its own, and is used by one thread at a time.
    private final class Member: @unchecked Sendable {
        var plan: Plan
        var rows: [(at: Int, row: PlanRow)] = []
        var foreseen: [UInt8] = []
        var error: (any Error)?

        init(plan: Plan) { self.plan = plan }

        func take(_ lines: [JobLine], of team: Int, number: Int) {
            rows.removeAll(keepingCapacity: true)
            foreseen.removeAll(keepingCapacity: true)
            do {
                for (at, line) in lines.enumerated() where PlanTeam.member(for: line, of: team) == number {
                    if let row = try plan.take(line) { rows.append((at, row)) }
                }
            } catch {
                self.error = error
            }
        }
    }

    private struct Lines: @unchecked Sendable { var all: [JobLine] }

    private var members: [Member] = []
    private let foresee: ([UInt8]) throws -> Void

    /// - Parameters:
    ///   - sources: one for each thread; they must tell the same.
    ///   - repeated: keys of citizens with more than one line; see `Census`.
    ///   - foresee: takes what is foreseen of each citizen, as lines of JSON.
    public init(
        sources: [PlanSource], keys: ClusterKey, circumstances: Circumstances, repeated: Set<String>,
        foresee: @escaping ([UInt8]) throws -> Void
    ) {
        self.foresee = foresee
        members = sources.map { source in
            let member = Member(
                plan: Plan(source: source, keys: keys, circumstances: circumstances, repeated: repeated))
            member.plan.foresee = { [unowned member] in member.foreseen += $0.json }
            return member
        }
    }

    /// Which member decides a line: the same for all lines of a citizen.
    private static func member(for line: JobLine, of count: Int) -> Int {
        guard case .command(let command) = line else { return 0 }
        return Int(command.key.utf8.reduce(UInt32(0)) { $0 &* 31 &+ UInt32($1) } % UInt32(count))
    }

    /// Takes the next lines.
    /// - Returns: what they come to, in their order.
    public func take(_ lines: [JobLine]) throws -> [PlanRow] {
        let shared = Lines(all: lines)
        let members = members
        DispatchQueue.concurrentPerform(iterations: members.count) { number in
            members[number].take(shared.all, of: members.count, number: number)
        }
        try handOver()
        return members.flatMap(\.rows).sorted { $0.at < $1.at }.map(\.row)
    }

    /// Ends the plan.
    /// - Returns: what all the lines come to.
    public func finish() throws -> PlanTally {
        var tally = PlanTally()
        for member in members {
            member.foreseen = []
            try member.plan.finish()
            tally.add(member.plan.tally)
        }
        try handOver()
        return tally
    }

    private func handOver() throws {
        for member in members {
            if let error = member.error { throw error }
            try foresee(member.foreseen)
        }
    }
}
