import Foundation
import Testing

@testable import FuldmagtDomain

/// Random lives of one citizen, with every command there is about a citizen: after each the rules agree with `HistoryModel`,
/// written from the contract, and the invariants hold.
@Suite struct RandomHistoryTests {
    struct Random: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var value = state
            value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
            value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
            return value ^ value >> 31
        }
    }

    /// Plays one life; throws at the first disagreement.
    private func play(_ seed: UInt64) throws {
        var random = Random(state: seed)
        var bench = try RuleBench()
        var model = HistoryModel()
        for number in 0..<50 {
            let before = bench.file.grants
            switch Int.random(in: 0..<50, using: &random) {
            case 0..<6:
                let days = [1, 7, 31, 181].randomElement(using: &random) ?? 1
                for _ in 0..<days {
                    bench.pass(days: 1)
                    model.begin(bench.today)
                }
            case 6: helperDies(&model, &bench, by: &random)
            case 7: helperIsRenumbered(&model, &bench, by: &random)
            default:
                try decide(HistoryStep.random(model, bench, number, by: &random), number, &model, &bench, seed: seed)
            }
            try check(before, bench.file.grants, seed: seed, step: number)
            try compare(model, bench, seed: seed, step: number)
        }
    }

    private func decide(
        _ step: HistoryStep, _ number: Int, _ model: inout HistoryModel, _ bench: inout RuleBench, seed: UInt64
    ) throws {
        let before = bench.file
        let answer = try bench.decide(step.type, step.data, id: "n\(number)", number: step.number)
        try #require(
            (answer == "accepted") == step.isAccepted,
            "seed \(seed), step \(number): \(step.type.rawValue) \(step.data): \(answer)")
        try #require(bench.outcomes["n\(number)", default: 0] == (step.isAccepted ? 1 : 0))
        guard step.isAccepted else {
            try #require(
                before.grants == bench.file.grants && before.residences == bench.file.residences
                    && before.exemptions == bench.file.exemptions && before.citizen == bench.file.citizen)
            return
        }
        let former = model.number
        step.apply(&model)
        if step.type.topic == .moveCommands { model.settle(bench.today) }
        // Whoever was given something is told.
        if model.number != former {
            try #require(bench.toldOfNumber == Set(before.grants.map(\.representative.pseudonym)))
        }
    }

    /// A helper who was given something dies.
    private func helperDies(_ model: inout HistoryModel, _ bench: inout RuleBench, by random: inout Random) {
        let helper = Int.random(in: 0...1, using: &random)
        guard Int.random(in: 0..<4, using: &random) == 0, !model.deadHelpers.contains(helper),
            model.grants.contains(where: { $0.helper == helper })
        else { return }
        bench.helperDies(model.helpers[helper])
        model.deadHelpers.insert(helper)
        for at in model.grants.indices
        where model.grants[at].helper == helper && ["active", "dormant"].contains(model.grants[at].state) {
            model.grants[at].state = "ended"
        }
    }

    private func helperIsRenumbered(_ model: inout HistoryModel, _ bench: inout RuleBench, by random: inout Random) {
        let helper = Int.random(in: 0...1, using: &random)
        guard model.renumberedHelpers.insert(helper).inserted else { return }
        let new = HistoryStep.helpersNewNumbers[helper]
        bench.helperIsRenumbered(from: model.helpers[helper], to: new)
        model.helpers[helper] = new
        for at in model.grants.indices where model.grants[at].helper == helper { model.grants[at].names.insert(new) }
        for at in model.readAccesses.indices where model.readAccesses[at].helper == helper {
            model.readAccesses[at].names.insert(new)
        }
    }

    /// The whole state that both know.
    private func compare(_ model: HistoryModel, _ bench: RuleBench, seed: UInt64, step: Int) throws {
        let states = bench.file.grants.map { "\($0.state.rawValue) \($0.version) \($0.validFrom) \($0.validUntil)" }
        let wanted = model.grants.map { "\($0.state) \($0.version) \($0.from) \($0.until)" }
        try #require(states == wanted, "seed \(seed), step \(step)")
        try #require(bench.file.citizen.party.digits == model.number, "seed \(seed), step \(step)")
        try #require(bench.file.isExempt(on: bench.today) == model.isExempt(bench.today), "seed \(seed), step \(step)")
        try #require(bench.file.isDead(on: bench.today) == model.isDead, "seed \(seed), step \(step)")
        let reading = bench.file.readAccesses.filter { $0.isInForce(on: bench.today) }.count
        try #require(
            reading == model.readAccesses.count { model.reads($0, bench.today) }, "seed \(seed), step \(step)")
        // A late move never wins over a newer one, and a dormant grant gives no right.
        try #require(
            bench.file.residence(on: bench.today)?.municipality?.description == model.home(bench.today),
            "seed \(seed), step \(step)")
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
