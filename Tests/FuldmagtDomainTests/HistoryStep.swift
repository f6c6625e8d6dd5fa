@testable import FuldmagtDomain

/// One command of a random life, and what the model says of it.
struct HistoryStep {
    var type: CommandType
    var data: String
    /// By which of their numbers the citizen is named.
    var number: String
    var isAccepted: Bool
    var apply: (inout HistoryModel) -> Void

    static let helpersNewNumbers = ["6202800023", "6303900024"]

    private init(
        _ type: CommandType, _ data: String, isAccepted: Bool, number: String = RuleBench.anna,
        _ apply: @escaping (inout HistoryModel) -> Void
    ) {
        (self.type, self.data, self.isAccepted, self.number, self.apply) = (type, data, isAccepted, number, apply)
    }

    /// A command at random.
    static func random(
        _ model: HistoryModel, _ bench: RuleBench, _ number: Int, by random: inout RandomHistoryTests.Random
    ) -> HistoryStep {
        var step =
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<20: give(model, bench, number, by: &random)
            case 20..<32: answer(model, bench, by: &random)
            case 32..<40: revoke(model, bench, by: &random)
            case 40..<52: change(model, bench, by: &random)
            case 52..<70: move(model, bench, by: &random)
            case 70..<74: die(model, bench)
            case 74..<80: renumber(model, bench, by: &random)
            case 80..<91: exempt(model, bench, by: &random)
            default: read(model, bench, by: &random)
            }
        // Who does not know the new number yet names the old one.
        guard step.type != .moveRenumber else { return step }
        let former =
            Int.random(in: 0..<4, using: &random) == 0 ? model.formerNumbers.randomElement(using: &random) : nil
        step.number = former ?? model.number
        return step
    }

    private typealias Random = RandomHistoryTests.Random

    private static func day(_ bench: RuleBench, by random: inout Random) -> Day {
        bench.today.adding(days: [-1, 0, 12, 400, 900].randomElement(using: &random) ?? 400)
    }

    private static func give(
        _ model: HistoryModel, _ bench: RuleBench, _ number: Int, by random: inout Random
    ) -> HistoryStep {
        let today = bench.today
        let helper = Int.random(in: 0...1, using: &random)
        let package = Bool.random(using: &random) ? "care" : "tax"
        let until = day(bench, by: &random)
        let name = model.helpers[helper]
        let data = #""representative":{"cpr":"\#(name)"},"packages":["\#(package)"],"validUntil":"\#(until)""#
        let can = model.can(helper, package, until, today)
        if Int.random(in: 0..<3, using: &random) > 0 {
            return HistoryStep(.grantIssue, data + #","channel":"digital""#, isAccepted: can) {
                $0.grants.append(
                    .init(
                        helper: helper, package: package, state: "active", from: today, until: until, names: [name]))
            }
        }
        let isAsked = model.grants.contains {
            $0.helper == helper && $0.package == package && $0.state == "requested"
        }
        return HistoryStep(.grantRequest, data, isAccepted: can && !isAsked) {
            $0.grants.append(
                .init(
                    helper: helper, package: package, state: "requested", from: today, until: until,
                    request: "n\(number)", asked: today, names: [name]))
        }
    }

    private static func answer(_ model: HistoryModel, _ bench: RuleBench, by random: inout Random) -> HistoryStep {
        let today = bench.today
        let at = model.grants.indices.filter { model.grants[$0].state == "requested" }.randomElement(using: &random)
        let request = at.flatMap { model.grants[$0].request } ?? "nobody"
        let isYes = Bool.random(using: &random)
        let isAccepted =
            at.map { at in
                let grant = model.grants[at]
                return !isYes || model.can(grant.helper, grant.package, grant.until, today)
            } ?? false
        return HistoryStep(
            isYes ? .grantApprove : .grantDecline, #""request":"\#(request)","channel":"digital""#,
            isAccepted: isAccepted
        ) {
            guard let at else { return }
            $0.grants[at].state = isYes ? "active" : "declined"
            if isYes { $0.grants[at].from = max($0.grants[at].from, today) }
        }
    }

    private static func revoke(_ model: HistoryModel, _ bench: RuleBench, by random: inout Random) -> HistoryStep {
        let helper = Int.random(in: 0...1, using: &random)
        let package = Bool.random(using: &random) ? "care" : "tax"
        // By the number the helper has, or the one they had.
        let name = Bool.random(using: &random) ? model.helpers[helper] : RuleBench.helpers[helper]
        // Any number counts that the citizen's grants show to be the same person's.
        let known = model.grants.filter { $0.helper == helper && $0.names.contains(name) }.flatMap(\.names)
        let at = model.living(helper, package, bench.today).flatMap {
            model.grants[$0].names.isDisjoint(with: known) ? nil : $0
        }
        let data = #""representative":{"cpr":"\#(name)"},"packages":["\#(package)"],"by":"representative""#
        return HistoryStep(.grantRevoke, data, isAccepted: at != nil) { if let at { $0.grants[at].state = "revoked" } }
    }

    /// A renewal or a correction, in a version that may not be the one in force.
    private static func change(_ model: HistoryModel, _ bench: RuleBench, by random: inout Random) -> HistoryStep {
        let today = bench.today
        let until = day(bench, by: &random)
        let at = model.grants.indices.randomElement(using: &random)
        let version = Int.random(in: 1...2, using: &random)
        let id = at.map { bench.file.grants[$0].id.uuidText } ?? "00000000-0000-4000-8000-000000000000"
        let seen = #""grant":"\#(id)","version":\#(version)"#
        let grant = at.map { model.grants[$0] }
        let isSeen = grant.map { model.lives($0, today) && $0.version == version } ?? false
        switch Int.random(in: 0..<4, using: &random) {
        case 0...1:
            let isLater = until >= today && until >= grant?.until ?? until
            return HistoryStep(.grantRenew, seen + #","validUntil":"\#(until)""#, isAccepted: isSeen && isLater) {
                guard let at else { return }
                $0.grants[at].until = until
                $0.grants[at].version += 1
            }
        case 2:
            let isRight = until >= today && until >= grant?.from ?? until
            return HistoryStep(
                .grantCorrect, seen + #","journal":"J","changes":{"validUntil":"\#(until)"}"#,
                isAccepted: isSeen && isRight
            ) {
                guard let at else { return }
                $0.grants[at].until = until
                $0.grants[at].version += 1
            }
        default:
            let helper = Int.random(in: 0...1, using: &random)
            let name = model.helpers[helper]
            let isFree =
                grant.map { model.living(helper, $0.package, today) == nil } ?? false
                && !model.deadHelpers.contains(helper) && model.works(grant?.package ?? "", today)
            return HistoryStep(
                .grantCorrect, seen + #","journal":"J","changes":{"representative":{"cpr":"\#(name)"}}"#,
                isAccepted: isSeen && isFree
            ) {
                guard let at, let grant else { return }
                $0.grants[at].state = "revoked"
                $0.grants.append(
                    .init(
                        helper: helper, package: grant.package, state: "active", from: max(grant.from, today),
                        until: grant.until, names: [name]))
            }
        }
    }

    private static func move(_ model: HistoryModel, _ bench: RuleBench, by random: inout Random) -> HistoryStep {
        let effective = bench.today.adding(days: Int.random(in: -200...6, using: &random))
        let to = ["0101", "0751", "0147", nil].randomElement(using: &random) ?? nil
        let place = to.map { #""to":"\#($0)","# } ?? ""
        let type: CommandType =
            to == nil ? .moveEmigrate : Bool.random(using: &random) ? .moveRelocate : .moveImmigrate
        let now = bench.now
        return HistoryStep(type, #"\#(place)"effective":"\#(effective)""#, isAccepted: !model.isDead) {
            $0.moves.append(
                .init(kind: String(type.rawValue.dropFirst(5)), effective: effective, municipality: to, at: now))
        }
    }

    private static func die(_ model: HistoryModel, _ bench: RuleBench) -> HistoryStep {
        if model.isDead {
            return HistoryStep(.moveCorrect, #""journal":"J","diedByMistake":true"#, isAccepted: true) {
                $0.isDead = false
            }
        }
        return HistoryStep(.moveDecease, #""effective":"\#(bench.today)""#, isAccepted: true) { $0.die() }
    }

    private static func renumber(_ model: HistoryModel, _ bench: RuleBench, by random: inout Random) -> HistoryStep {
        let today = bench.today
        let to = RuleBench.newNumbers.randomElement(using: &random) ?? RuleBench.newNumber
        let named = ([model.number] + model.formerNumbers).randomElement(using: &random) ?? model.number
        let effective = today.adding(days: Int.random(in: -3...9, using: &random))
        let data = #""newCpr":"\#(to)","effective":"\#(effective)""#
        let isItself = to == model.number
        // A number is never given back: a register would not, and the old shard passes on what arrives for it.
        guard isItself || !model.formerNumbers.contains(to) else { return exempt(model, bench, by: &random) }
        let isAccepted = !model.isDead && !(isItself && named == model.number)
        return HistoryStep(.moveRenumber, data, isAccepted: isAccepted, number: named) {
            guard !isItself else { return }
            if effective <= today { $0.take(to) } else { $0.pending = (to, effective) }
        }
    }

    private static func exempt(_ model: HistoryModel, _ bench: RuleBench, by random: inout Random) -> HistoryStep {
        let today = bench.today
        let now = bench.now
        let place = model.home(today) ?? "0101"
        let municipality = Int.random(in: 0..<5, using: &random) == 0 ? "0147" : place
        let isExempt = model.isExempt(today)
        let may = !model.isDead && model.decides(municipality, today)
        let common = #""municipality":"\#(municipality)","journal":"J","#
        switch Int.random(in: 0..<6, using: &random) {
        case 0..<3:
            let until = Bool.random(using: &random) ? day(bench, by: &random) : nil
            let isDeparture = Bool.random(using: &random)
            let appeared = Int.random(in: 0..<6, using: &random) > 0
            let end = until.map { #","validUntil":"\#($0)""# } ?? ""
            return HistoryStep(
                .exemptionRegister,
                common
                    + #""form":"F","caseworker":"c","requestedBy":"citizen","appearedInPerson":\#(appeared),"departure":\#(isDeparture)\#(end)"#,
                isAccepted: may && !isExempt && appeared && until ?? today >= today
            ) { $0.exemption = .init(until: until, isDeparture: isDeparture, at: now) }
        case 3:
            return HistoryStep(.exemptionLift, common + #""by":"citizen""#, isAccepted: may && isExempt) {
                $0.exemption = nil
            }
        case 4:
            return HistoryStep(
                .exemptionCorrect, common + #""caseworker":"c","registeredByMistake":true"#,
                isAccepted: may && isExempt
            ) { $0.exemption = nil }
        default:
            let isVoluntary = Bool.random(using: &random)
            return HistoryStep(
                .mailboxEnrol, #""reason":"\#(isVoluntary ? "voluntary" : "automatic")""#, isAccepted: !model.isDead
            ) { if isVoluntary { $0.exemption = nil } }
        }
    }

    private static func read(_ model: HistoryModel, _ bench: RuleBench, by random: inout Random) -> HistoryStep {
        let today = bench.today
        let helper = Int.random(in: 0...1, using: &random)
        // By the number the helper has, or the one they had.
        let name = Bool.random(using: &random) ? model.helpers[helper] : RuleBench.helpers[helper]
        let holder = #""holder":{"cpr":"\#(name)"}"#
        let given = model.reading(helper, as: name, today)
        if Bool.random(using: &random) {
            return HistoryStep(.readAccessWithdraw, holder, isAccepted: !model.isDead && !given.isEmpty) {
                for at in given { $0.readAccesses[at].isEnded = true }
            }
        }
        let until = Bool.random(using: &random) ? day(bench, by: &random) : nil
        let end = until.map { #","validUntil":"\#($0)""# } ?? ""
        return HistoryStep(
            .readAccessGrant, holder + end, isAccepted: !model.isDead && until ?? today >= today
        ) {
            for at in given { $0.readAccesses[at].isEnded = true }
            $0.readAccesses.append(
                .init(helper: helper, until: until, names: model.knownReader(helper, as: name)))
            $0.exemption = nil
        }
    }
}
