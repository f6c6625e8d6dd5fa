@testable import FuldmagtDomain

/// What the contract says of one citizen: grants given, moves, exemption, leave to read post, death, and numbers.
struct HistoryModel {
    struct Grant: Equatable {
        var helper: Int
        var package: String
        var state: String
        var from: Day
        var until: Day
        var version = 1
        var request: String?
        var asked: Day?
        /// Numbers by which its representative is known here.
        var names: Set<String>
    }
    struct Move {
        var kind: String
        var effective: Day
        var municipality: String?
        var at: Instant
    }
    struct Exemption {
        var until: Day?
        var isDeparture: Bool
        var at: Instant
    }
    struct ReadAccess {
        var helper: Int
        var until: Day?
        /// Numbers by which its holder is known here.
        var names: Set<String>
        var isEnded = false
    }

    var grants: [Grant] = []
    var moves: [Move] = []
    var exemption: Exemption?
    var readAccesses: [ReadAccess] = []
    var isDead = false
    /// The citizen's number now, and those before.
    var number = RuleBench.anna
    var formerNumbers: [String] = []
    /// A number to come.
    var pending: (number: String, effective: Day)?
    /// The helpers' numbers now.
    var helpers = RuleBench.helpers
    var renumberedHelpers: Set<Int> = []
    /// Helpers whose death this citizen's shard has been told of.
    var deadHelpers: Set<Int> = []

    func move(_ today: Day) -> Move? {
        moves.enumerated().filter { $0.element.effective <= today }
            .max { ($0.element.effective, $0.offset) < ($1.element.effective, $1.offset) }?.element
    }

    /// Whether the citizen lives where they came back to, whatever the register calls that.
    func isBack(_ today: Day) -> Bool {
        let order = moves.enumerated().filter { $0.element.effective <= today }
            .sorted { ($0.element.effective, $0.offset) < ($1.element.effective, $1.offset) }
        guard let last = order.last?.element else { return false }
        let before = order.dropLast().last?.element
        return last.kind == "immigrate" || (last.kind == "relocate" && before?.kind == "emigrate")
    }

    func home(_ today: Day) -> String? { move(today)?.municipality }

    func works(_ package: String, _ today: Day) -> Bool {
        package == "tax" || ["0101", "0751"].contains(home(today))
    }

    func lives(_ grant: Grant, _ today: Day) -> Bool {
        (grant.state == "active" || grant.state == "dormant") && grant.until >= today
    }

    func living(_ helper: Int, _ package: String, _ today: Day) -> Int? {
        grants.firstIndex { $0.helper == helper && $0.package == package && lives($0, today) }
    }

    /// Whether a wish can be fulfilled.
    func can(_ helper: Int, _ package: String, _ until: Day, _ today: Day) -> Bool {
        !isDead && !deadHelpers.contains(helper) && until >= today && works(package, today)
            && living(helper, package, today) == nil
    }

    func isExempt(_ today: Day) -> Bool { exemption.map { $0.until.map { $0 >= today } ?? true } ?? false }

    /// Whether a municipality decides about the citizen's exemption.
    func decides(_ municipality: String, _ today: Day) -> Bool { home(today).map { $0 == municipality } ?? true }

    func reads(_ access: ReadAccess, _ today: Day) -> Bool {
        !access.isEnded && access.until.map { $0 >= today } ?? true
    }

    /// What somebody has who is called by a number of theirs: by any that the citizen's file shows to be the same person's.
    func reading(_ helper: Int, as name: String, _ today: Day) -> [Int] {
        let known = knownReader(helper, as: name)
        return readAccesses.indices.filter {
            readAccesses[$0].helper == helper && reads(readAccesses[$0], today)
                && !readAccesses[$0].names.isDisjoint(with: known)
        }
    }

    func knownReader(_ helper: Int, as name: String) -> Set<String> {
        readAccesses.filter { $0.helper == helper && $0.names.contains(name) }.reduce([name]) { $0.union($1.names) }
    }

    /// Grants follow the place of residence, and so does an exemption that was given for the departure.
    mutating func settle(_ today: Day) {
        guard !isDead else { return }
        for at in grants.indices where lives(grants[at], today) {
            grants[at].state = works(grants[at].package, today) ? "active" : "dormant"
        }
        if let exemption, isExempt(today), exemption.isDeparture, isBack(today), let move = move(today),
            exemption.at <= move.at || exemption.at.day < move.effective
        {
            self.exemption = nil
        }
    }

    /// What a day brings about.
    mutating func begin(_ today: Day) {
        guard !isDead else { return }
        for at in grants.indices {
            let grant = grants[at]
            if ["active", "dormant"].contains(grant.state), grant.until < today {
                grants[at].state = "expired"
            } else if grant.state == "requested", let asked = grant.asked, asked.adding(days: 180) <= today {
                grants[at].state = "lapsed"
            }
        }
        settle(today)
        if let pending, pending.effective <= today { take(pending.number) }
    }

    mutating func take(_ new: String) {
        formerNumbers.append(number)
        number = new
        pending = nil
    }

    mutating func die() {
        isDead = true
        for at in grants.indices where ["active", "dormant", "requested"].contains(grants[at].state) {
            grants[at].state = "ended"
        }
    }
}
