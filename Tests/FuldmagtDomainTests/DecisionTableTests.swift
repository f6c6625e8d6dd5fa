import Foundation
import Testing

@testable import FuldmagtDomain

/// What every grant command comes to in every state of a grant, generated from the rules and compared with the page that
/// people read. `FULDMAGT_WRITE_TABLES=1` writes the page anew.
@Suite struct DecisionTableTests {
    private static let page = "Sources/FuldmagtDomain/FuldmagtDomain.docc/DecisionTable.md"

    /// A bench whose citizen has one grant of `care` to the first helper, in a state; none for nil.
    private func bench(_ state: GrantState?) throws -> RuleBench {
        var bench = try RuleBench()
        let helper = #""representative":{"cpr":"\#(RuleBench.helpers[0])"},"packages":["care"]"#
        #expect(try bench.decide(.moveRelocate, #""to":"0101","effective":"2020-01-01""#) == "accepted")
        switch state {
        case nil: return bench
        case .requested, .declined, .lapsed:
            #expect(try bench.decide(.grantRequest, helper + #","validUntil":"2030-01-01""#, id: "ask") == "accepted")
        default:
            let until = state == .expired ? "2026-12-01" : "2030-01-01"
            #expect(
                try bench.decide(.grantIssue, helper + #","validUntil":"\#(until)","channel":"digital""#, id: "ask")
                    == "accepted")
        }
        switch state {
        case .declined: _ = try bench.decide(.grantDecline, #""request":"ask","channel":"digital""#)
        case .lapsed: bench.pass(days: 181)
        case .expired: bench.pass(days: 30)
        case .dormant: _ = try bench.decide(.moveRelocate, #""to":"0147","effective":"2026-11-01""#)
        case .revoked: _ = try bench.decide(.grantRevoke, helper + #","by":"grantor""#)
        case .ended:
            _ = try bench.decide(.moveDecease, #""effective":"2026-11-01""#)
            _ = try bench.decide(.moveCorrect, #""journal":"J","diedByMistake":true"#)
        default: break
        }
        #expect(bench.file.grants.first?.state == state)
        return bench
    }

    private static let commands: [(title: String, type: CommandType, data: @Sendable (String) -> String)] = {
        let helper = #""representative":{"cpr":"\#(RuleBench.helpers[0])"},"packages":["care"]"#
        return [
            ("issue", .grantIssue, { _ in helper + #","validUntil":"2031-01-01","channel":"digital""# }),
            ("request", .grantRequest, { _ in helper + #","validUntil":"2031-01-01""# }),
            ("approve", .grantApprove, { _ in #""request":"ask","channel":"digital""# }),
            ("decline", .grantDecline, { _ in #""request":"ask","channel":"digital""# }),
            ("revoke by grantor", .grantRevoke, { #""grant":"\#($0)","by":"grantor""# }),
            ("revoke by representative", .grantRevoke, { #""grant":"\#($0)","by":"representative""# }),
            ("revoke by authority", .grantRevoke, { #""grant":"\#($0)","by":"authority""# }),
            ("renew", .grantRenew, { #""grant":"\#($0)","version":1,"validUntil":"2031-01-01""# }),
            (
                "correct", .grantCorrect,
                { #""grant":"\#($0)","version":1,"changes":{"validUntil":"2029-01-01"},"journal":"J""# }
            ),
            ("move to a municipality that has it", .moveRelocate, { _ in #""to":"0751","effective":"2026-11-20""# }),
            ("move to one that has not", .moveRelocate, { _ in #""to":"0147","effective":"2026-11-20""# }),
            ("emigrate", .moveEmigrate, { _ in #""effective":"2026-11-20""# }),
            ("renumber", .moveRenumber, { _ in #""newCpr":"\#(RuleBench.newNumber)","effective":"2026-11-20""# }),
            ("decease", .moveDecease, { _ in #""effective":"2026-11-20""# }),
        ]
    }()

    private func table() throws -> String {
        let states: [GrantState?] = [nil] + GrantState.allCases
        var lines = [
            "# What a command comes to", "",
            "One grant of a municipal package, in each of its states, and every command that can touch it. A cell says the",
            "grant's state afterwards, or why the command is rejected. A test generates this table from the rules.", "",
            "| command | " + states.map { $0?.rawValue ?? "no grant" }.joined(separator: " | ") + " |",
            "|---|" + String(repeating: "---|", count: states.count),
        ]
        for command in Self.commands {
            var cells: [String] = []
            for state in states {
                var bench = try bench(state)
                let before = bench.file.grants
                let id = before.first?.id.uuidText ?? "00000000-0000-4000-8000-000000000000"
                let answer = try bench.decide(command.type, command.data(id))
                guard answer == "accepted" else {
                    #expect(bench.file.grants == before, "\(command.title) was rejected and changed something")
                    cells.append(
                        answer.split(separator: " ").map { "`\($0.prefix { $0 != "@" })`" }.joined(separator: " "))
                    continue
                }
                let first = bench.file.grants.first?.state.rawValue ?? "none"
                let second =
                    bench.file.grants.count > max(before.count, 1) ? " + \(bench.file.grants[1].state.rawValue)" : ""
                cells.append(first + second)
            }
            lines.append("| \(command.title) | " + cells.joined(separator: " | ") + " |")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    @Test("the page that people read is what the rules do")
    func page() throws {
        let found = try table()
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent(Self.page)
        if ProcessInfo.processInfo.environment["FULDMAGT_WRITE_TABLES"] == "1" {
            try found.write(to: path, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOf: path, encoding: .utf8) == found)
    }

    @Test(
        "nothing brings a grant back from where its life is over",
        arguments: [GrantState.revoked, .expired, .declined, .lapsed, .ended])
    func over(_ state: GrantState) throws {
        for command in Self.commands {
            var bench = try bench(state)
            let id = try #require(bench.file.grants.first?.id.uuidText)
            _ = try bench.decide(command.type, command.data(id))
            bench.pass(days: 1)
            #expect(bench.file.grants.first?.state == state, "\(command.title)")
        }
    }
}
