import Foundation
import Testing

@testable import FuldmagtDomain

/// Random lives of one citizen: after every command the rules agree with a model of a page, written from the contract, and
/// the invariants hold.
@Suite struct RandomHistoryTests {
    private struct Random: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var value = state
            value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
            value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
            return value ^ value >> 31
        }
    }

    /// What the contract says of one citizen's grants.
    private struct Model {
        struct Grant: Equatable {
            var helper: Int
            var package: String
            var state: String
            var until: Day
            var version = 1
            var request: String?
            var asked: Day?
        }
        struct Move {
            var effective: Day
            var municipality: String?
        }
        var grants: [Grant] = []
        var moves: [Move] = []
        var isDead = false

        func home(_ today: Day) -> String? {
            moves.enumerated().filter { $0.element.effective <= today }
                .max { ($0.element.effective, $0.offset) < ($1.element.effective, $1.offset) }?.element.municipality
        }

        func works(_ package: String, _ today: Day) -> Bool {
            package == "tax" || ["0101", "0751"].contains(home(today))
        }

        func lives(_ grant: Grant, _ today: Day) -> Bool {
            (grant.state == "active" || grant.state == "dormant") && grant.until >= today
        }

        mutating func settle(_ today: Day) {
            for at in grants.indices where lives(grants[at], today) {
                grants[at].state = works(grants[at].package, today) ? "active" : "dormant"
            }
        }

        /// Whether a wish can be fulfilled.
        func can(_ helper: Int, _ package: String, _ until: Day, _ today: Day) -> Bool {
            !isDead && until >= today && works(package, today)
                && !grants.contains { $0.helper == helper && $0.package == package && lives($0, today) }
        }
    }

    private struct Step {
        var type: CommandType
        var data: String
        var isAccepted: Bool
        var apply: (inout Model) -> Void
    }

    /// A command at random, and what the model says of it.
    private func step(_ model: Model, _ bench: RuleBench, _ number: Int, by random: inout Random) -> Step {
        let today = bench.today
        let helper = Int.random(in: 0...1, using: &random)
        let package = Bool.random(using: &random) ? "care" : "tax"
        let until = today.adding(days: [-1, 0, 12, 400, 900].randomElement(using: &random) ?? 400)
        let named = #""representative":{"cpr":"\#(RuleBench.helpers[helper])"},"packages":["\#(package)"]"#
        let living = model.grants.firstIndex {
            $0.helper == helper && $0.package == package && model.lives($0, today)
        }
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<25:
            return Step(
                type: .grantIssue, data: named + #","validUntil":"\#(until)","channel":"digital""#,
                isAccepted: model.can(helper, package, until, today)
            ) { $0.grants.append(.init(helper: helper, package: package, state: "active", until: until)) }
        case 25..<35:
            let isAsked = model.grants.contains {
                $0.helper == helper && $0.package == package && $0.state == "requested"
            }
            return Step(
                type: .grantRequest, data: named + #","validUntil":"\#(until)""#,
                isAccepted: model.can(helper, package, until, today) && !isAsked
            ) {
                $0.grants.append(
                    .init(
                        helper: helper, package: package, state: "requested", until: until, request: "n\(number)",
                        asked: today))
            }
        case 35..<50:
            let open = model.grants.indices.filter { model.grants[$0].state == "requested" }
            let at = open.randomElement(using: &random)
            let request = at.flatMap { model.grants[$0].request } ?? "nobody"
            let answers = Bool.random(using: &random)
            let isAccepted =
                at.map { at in
                    let grant = model.grants[at]
                    return !answers || model.can(grant.helper, grant.package, grant.until, today)
                } ?? false
            return Step(
                type: answers ? .grantApprove : .grantDecline, data: #""request":"\#(request)","channel":"digital""#,
                isAccepted: isAccepted
            ) { if let at { $0.grants[at].state = answers ? "active" : "declined" } }
        case 50..<60:
            return Step(type: .grantRevoke, data: named + #","by":"representative""#, isAccepted: living != nil) {
                if let living { $0.grants[living].state = "revoked" }
            }
        case 60..<68:
            let at = model.grants.indices.randomElement(using: &random)
            let version = Int.random(in: 1...2, using: &random)
            let isAccepted =
                at.map { at in
                    let grant = model.grants[at]
                    return model.lives(grant, today) && grant.version == version && until >= today
                        && until >= grant.until
                } ?? false
            let id = at.map { bench.file.grants[$0].id.uuidText } ?? "none"
            return Step(
                type: .grantRenew, data: #""grant":"\#(id)","version":\#(version),"validUntil":"\#(until)""#,
                isAccepted: isAccepted
            ) {
                guard let at else { return }
                $0.grants[at].until = until
                $0.grants[at].version += 1
            }
        case 68..<94:
            let effective = today.adding(days: Int.random(in: -200...6, using: &random))
            let to = ["0101", "0751", "0147", nil].randomElement(using: &random) ?? nil
            let place = to.map { #""to":"\#($0)","# } ?? ""
            return Step(
                type: to == nil ? .moveEmigrate : Bool.random(using: &random) ? .moveRelocate : .moveImmigrate,
                data: #"\#(place)"effective":"\#(effective)""#, isAccepted: !model.isDead
            ) { $0.moves.append(.init(effective: effective, municipality: to)) }
        case 94..<96:
            return Step(type: .moveDecease, data: #""effective":"\#(today)""#, isAccepted: !model.isDead) { model in
                model.isDead = true
                for at in model.grants.indices
                where ["active", "dormant", "requested"].contains(model.grants[at].state) {
                    model.grants[at].state = "ended"
                }
            }
        default:
            return Step(
                type: .moveCorrect, data: #""journal":"J","diedByMistake":true"#, isAccepted: model.isDead
            ) { $0.isDead = false }
        }
    }

    /// Plays one life; throws at the first disagreement.
    private func play(_ seed: UInt64) throws {
        var random = Random(state: seed)
        var bench = try RuleBench()
        var model = Model()
        for number in 0..<50 {
            if Int.random(in: 0..<8, using: &random) == 0 {
                let days = [1, 7, 31, 181].randomElement(using: &random) ?? 1
                for _ in 0..<days {
                    bench.pass(days: 1)
                    let today = bench.today
                    for at in model.grants.indices {
                        let grant = model.grants[at]
                        if ["active", "dormant"].contains(grant.state), grant.until < today {
                            model.grants[at].state = "expired"
                        } else if grant.state == "requested", let asked = grant.asked, asked.adding(days: 180) <= today
                        {
                            model.grants[at].state = "lapsed"
                        }
                    }
                    if !model.isDead { model.settle(today) }
                }
            } else {
                let step = step(model, bench, number, by: &random)
                let before = bench.file
                let answer = try bench.decide(step.type, step.data, id: "n\(number)")
                try #require(
                    (answer == "accepted") == step.isAccepted,
                    "seed \(seed), step \(number): \(step.type.rawValue) \(step.data): \(answer)")
                if step.isAccepted {
                    step.apply(&model)
                    if step.type.topic == .moveCommands, !model.isDead { model.settle(bench.today) }
                } else {
                    try #require(before.grants == bench.file.grants && before.residences == bench.file.residences)
                }
                try check(before.grants, bench.file.grants, seed: seed, step: number)
            }
            let states = bench.file.grants.map { "\($0.state.rawValue) \($0.version) \($0.validUntil)" }
            let wanted = model.grants.map { "\($0.state) \($0.version) \($0.until)" }
            try #require(states == wanted, "seed \(seed), step \(number)")
        }
    }

    /// No grant is lost, doubled, or revived; history only grows.
    private func check(_ before: [Grant], _ after: [Grant], seed: UInt64, step: Int) throws {
        try #require(after.count >= before.count, "seed \(seed), step \(step)")
        for (old, new) in zip(before, after) {
            try #require(old.id == new.id && new.entry >= old.entry && new.version >= old.version)
            if ![.active, .dormant, .requested].contains(old.state) {
                try #require(old.state == new.state, "seed \(seed), step \(step)")
            }
        }
        try #require(Set(after.map(\.id)).count == after.count)
    }

    @Test("ten thousand lives of fifty commands", arguments: 0..<8)
    func histories(_ part: Int) throws {
        for life in 0..<1250 { try play(UInt64(part * 1250 + life)) }
    }
}
