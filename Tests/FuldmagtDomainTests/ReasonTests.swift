import Testing

@testable import FuldmagtDomain

/// Every reason a command can be rejected for, produced by the rules from a command of its own.
@Suite struct ReasonTests {
    private struct Case: Sendable {
        var type: CommandType
        var data: String
        /// Code and field.
        var reason: String
        /// What happened before.
        var before: [(CommandType, String)] = []
        var forbidsTestPersons = false
        var checksSources = false
        var helperDies = false
    }

    private static let home: (CommandType, String) = (.moveRelocate, #""to":"0101","effective":"2020-01-01""#)
    private static let helper = #""representative":{"cpr":"\#(RuleBench.helpers[0])"}"#
    private static let end = #""validUntil":"2030-01-01""#
    private static let issue = #"\#(helper),"packages":["tax"],\#(end),"channel":"digital""#
    private static let form =
        #""municipality":"0101","form":"FD 001A","journal":"J","caseworker":"x","requestedBy":"citizen","appearedInPerson":true"#
    private static let dead: (CommandType, String) = (.moveDecease, #""effective":"2026-11-01""#)

    private static func given(_ changes: (String, String)...) -> String {
        changes.reduce(issue) { text, change in
            let changed = text.replacing(change.0, with: change.1)
            precondition(changed != text, "\(change.0) is not there")
            return changed
        }
    }

    private static let cases: [Case] = [
        Case(type: .grantIssue, data: given(("2030-01-01", "soon")), reason: "invalid-field@validUntil"),
        Case(type: .grantIssue, data: given((",\(end)", "")), reason: "missing-field@validUntil"),
        Case(
            type: .grantIssue, data: given((RuleBench.helpers[0], "123")), reason: "invalid-cpr@representative.cpr"),
        Case(
            type: .grantIssue, data: given((#""cpr":"\#(RuleBench.helpers[0])""#, #""cvr":"12345678""#)),
            reason: "invalid-cvr@representative.cvr"),
        Case(type: .grantIssue, data: issue, reason: "test-person@representative.cpr", forbidsTestPersons: true),
        Case(type: .grantIssue, data: given(("tax", "nothing")), reason: "unknown-package@packages[0]"),
        Case(type: .grantIssue, data: given(("tax", "old")), reason: "package-retired@packages[0]"),
        Case(
            type: .grantIssue, data: given(("tax", "care")), reason: "package-not-activated@packages[0]",
            before: [(.moveRelocate, #""to":"0147","effective":"2020-01-01""#)]),
        Case(type: .moveRelocate, data: #""to":"0999","effective":"2020-01-01""#, reason: "unknown-municipality@to"),
        Case(
            type: .grantIssue, data: given((RuleBench.helpers[0], RuleBench.anna)), reason: "same-party@representative"),
        Case(type: .grantIssue, data: given(("tax", "aged")), reason: "grantor-too-young@grantor"),
        Case(type: .grantIssue, data: given(("tax", "aged")), reason: "representative-too-young@representative"),
        Case(type: .grantIssue, data: issue, reason: "grantor-dead@grantor", before: [dead]),
        Case(type: .moveRelocate, data: home.1, reason: "citizen-dead@citizen", before: [dead]),
        Case(type: .grantIssue, data: given(("2030-01-01", "2026-11-01")), reason: "validity-ended@validUntil"),
        Case(type: .grantIssue, data: given(("2030-01-01", "2127-01-01")), reason: "validity-too-long@validUntil"),
        Case(
            type: .grantIssue, data: issue, reason: "already-granted@packages[0]", before: [(.grantIssue, issue)]),
        Case(
            type: .grantRequest, data: issue, reason: "already-requested@packages[0]",
            before: [(.grantRequest, issue)]),
        Case(type: .grantRevoke, data: #""grant":"x","by":"grantor""#, reason: "unknown-grant@grant"),
        Case(type: .grantApprove, data: #""request":"x","channel":"digital""#, reason: "unknown-request@request"),
        Case(
            type: .grantRenew, data: #""grant":"<grant>","version":7,\#(end)"#, reason: "version-mismatch@version",
            before: [(.grantIssue, issue)]),
        Case(
            type: .grantRenew, data: #""grant":"<grant>","version":1,\#(end)"#, reason: "not-active@grant",
            before: [(.grantIssue, issue), (.grantRevoke, #"\#(helper),"packages":["tax"],"by":"grantor""#)]),
        Case(
            type: .grantIssue, data: given(("digital", "paper")), reason: "evidence-missing@evidence.identification"),
        Case(
            type: .grantIssue, data: given(("digital", "assisted")),
            reason: "assessment-missing@evidence.assessment.decidedOn"),
        Case(type: .grantIssue, data: given(("digital", "paper")), reason: "journal-missing@evidence.journal"),
        Case(
            type: .exemptionRegister, data: form.replacing("true", with: "false"),
            reason: "not-in-person@appearedInPerson"),
        Case(
            type: .exemptionRegister, data: form, reason: "already-exempt@citizen", before: [(.exemptionRegister, form)]
        ),
        Case(type: .exemptionLift, data: #""by":"citizen""#, reason: "not-exempt@citizen"),
        Case(
            type: .readAccessWithdraw, data: #""holder":{"cpr":"\#(RuleBench.helpers[0])"}"#,
            reason: "unknown-readaccess@holder"),
        Case(
            type: .exemptionRegister, data: form, reason: "not-deciding-authority@municipality",
            before: [(.moveRelocate, #""to":"0751","effective":"2020-01-01""#)]),
        Case(type: .grantIssue, data: given(("tax", "care")), reason: "residence-unknown@packages[0]"),
        Case(
            type: .grantIssue, data: issue, reason: "representative-dead@representative",
            before: [(.grantIssue, issue)],
            helperDies: true),
        Case(type: .grantIssue, data: issue, reason: "source-not-permitted@ce_source", checksSources: true),
    ]

    @Test("each reason comes from the command that is wrong in that way, with its field")
    func reasons() throws {
        for one in Self.cases {
            var bench = try RuleBench()
            bench.definePackage("old", #","retired":"2026-01-01""#)
            bench.definePackage("aged", #","minimumAge":120,"representativeMinimumAge":120"#)
            for (type, data) in one.before { #expect(try bench.decide(type, data) == "accepted", "\(one.reason)") }
            if one.helperDies { bench.helperDies() }
            let grant = bench.file.grants.first?.id.uuidText ?? ""
            bench.settings.admitsTestPersons = !one.forbidsTestPersons
            bench.settings.sources = one.checksSources ? .enforce : .off
            let found = try bench.decide(one.type, one.data.replacing("<grant>", with: grant))
            #expect(found.split(separator: " ").contains { $0 == one.reason }, "\(one.reason), not \(found)")
        }
    }

    @Test("no reason is unreachable; a catalogue record alone names an unknown KLE number")
    func complete() throws {
        let produced = Set(Self.cases.compactMap { $0.reason.split(separator: "@").first.map(String.init) })
        var bench = try RuleBench()
        #expect(
            bench.definePackage("p", "", kle: "99.99.99").map(\.code) == [.unknownKLE])
        // What waits is the worker's: `ParkingTests` has one of each.
        #expect(
            Set(ReasonCode.allCases.map(\.rawValue)).subtracting(produced) == [
                "unknown-kle", "catalogue-behind", "earlier-command-waits", "needs-repair", "parked-too-long",
            ])
    }

    @Test("an answer to two requests of one source and id is checked against both: files that became one")
    func twoRequests() throws {
        var bench = try RuleBench()
        #expect(try bench.decide(.grantRequest, Self.issue, id: "ask") == "accepted")
        let other = Self.given((RuleBench.helpers[0], RuleBench.helpers[1]), ("2030-01-01", "2026-12-01"))
        #expect(try bench.decide(.grantRequest, other, id: "ask") == "accepted")
        bench.now = bench.now.adding(seconds: 10 * 86_400)
        let answer = #""request":"ask","channel":"digital""#
        #expect(try bench.decide(.grantApprove, answer) == "validity-ended@validUntil")
        #expect(bench.file.grants.allSatisfy { $0.state == .requested })
    }

    @Test("a catalogue that cannot be read holds up who asks it, and who is not among its authorities")
    func catalogueBehind() throws {
        var bench = try RuleBench()
        #expect(try bench.decide(.grantIssue, Self.issue) == "accepted")
        bench.isCatalogueBehind = true
        #expect(try bench.decide(.grantIssue, Self.given(("tax", "care"))) == "catalogue-behind@")
        #expect(try bench.decide(.moveRelocate, Self.home.1) == "catalogue-behind@")
        #expect(
            try bench.decide(.grantRevoke, #"\#(Self.helper),"packages":["tax"],"by":"grantor""#) == "accepted")
        #expect(try bench.decide(.moveDecease, #""effective":"2026-11-01""#) == "accepted")
        bench.settings.sources = .enforce
        #expect(try bench.decide(.exemptionLift, #""by":"citizen""#) == "catalogue-behind@")
    }
}
