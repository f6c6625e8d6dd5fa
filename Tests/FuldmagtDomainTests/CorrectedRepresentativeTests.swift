import Testing

@testable import FuldmagtDomain

/// A correction to another representative is an issue, too: whatever an issue is refused for, it is refused for.
@Suite struct CorrectedRepresentativeTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var package = "p"
        /// Beside the other representative.
        var changes = ""
        var to = RuleBench.helpers[1]
        /// What happens to the package between the grant and the correction.
        var terms: String?
        /// What else is decided before it.
        var before: [(CommandType, String)] = []
        /// What else comes to pass.
        var befalls: @Sendable (inout RuleBench) -> Void = { _ in }
        var answer: String
    }

    private static let end = #""validUntil":"2030-01-01","channel":"digital""#

    private static func other(_ package: String) -> String {
        #""representative":{"cpr":"\#(RuleBench.helpers[1])"},"packages":["\#(package)"],\#(end)"#
    }

    private static let rows: [Row] = [
        Row(testDescription: "nothing is wrong", answer: "accepted"),
        Row(
            testDescription: "the grantor is too young by now", terms: #","minimumAge":120"#,
            answer: "grantor-too-young@grantor"),
        Row(
            testDescription: "so is the representative", terms: #","representativeMinimumAge":120"#,
            answer: "representative-too-young@changes.representative"),
        Row(
            testDescription: "the end that stays is too late by now", terms: #","maxValidityDays":30"#,
            answer: "validity-too-long@changes.validUntil"),
        Row(
            testDescription: "so is another", changes: #","validUntil":"2029-01-01""#, terms: #","maxValidityDays":30"#,
            answer: "validity-too-long@changes.validUntil"),
        Row(
            testDescription: "an end that is early enough", changes: #","validUntil":"2026-12-01""#,
            terms: #","maxValidityDays":30"#, answer: "accepted"),
        Row(
            testDescription: "of an end that cannot be read nothing else is said", changes: #","validUntil":"soon""#,
            terms: #","maxValidityDays":30"#, answer: "invalid-field@changes.validUntil"),
        Row(
            testDescription: "a beginning that cannot be read says nothing of the end",
            changes: #","validFrom":"soon""#, terms: #","maxValidityDays":30"#,
            answer: "invalid-field@changes.validFrom validity-too-long@changes.validUntil"),
        Row(
            testDescription: "an end before today", changes: #","validUntil":"2026-11-01""#,
            answer: "invalid-field@changes.validUntil validity-ended@changes.validUntil"),
        Row(
            testDescription: "a beginning too long ago", changes: #","validFrom":"2026-01-01""#,
            answer: "invalid-field@changes.validFrom"),
        Row(
            testDescription: "all that is wrong", changes: #","validFrom":"2026-01-01""#,
            terms: #","minimumAge":120,"representativeMinimumAge":120,"maxValidityDays":30,"retired":"2026-01-01""#,
            answer:
                "grantor-too-young@grantor invalid-field@changes.validFrom package-retired@grant representative-too-young@changes.representative validity-too-long@changes.validUntil"
        ),
        Row(
            testDescription: "the package is retired", terms: #","retired":"2026-01-01""#,
            answer: "package-retired@grant"),
        Row(
            testDescription: "it is not offered where the grantor lives", package: "care",
            before: [(.moveRelocate, #""to":"0147","effective":"2026-11-01""#)],
            answer: "package-not-activated@grant"),
        Row(
            testDescription: "the grantor lives abroad", package: "care",
            before: [(.moveEmigrate, #""effective":"2026-11-01""#)],
            answer: "residence-unknown@grant"),
        Row(
            testDescription: "the grantor themselves", to: RuleBench.anna,
            answer: "same-party@changes.representative"),
        Row(
            testDescription: "who has it already", to: RuleBench.helpers[0],
            answer: "already-granted@changes.representative"),
        Row(
            testDescription: "another who has it already", before: [(.grantIssue, other("p"))],
            answer: "already-granted@changes.representative"),
        Row(
            testDescription: "somebody dead", before: [(.grantIssue, other("tax"))],
            befalls: { $0.helperDies(RuleBench.helpers[1]) }, answer: "representative-dead@changes.representative"),
        Row(
            testDescription: "the grantor is dead",
            before: [(.moveDecease, #""effective":"2026-11-01""#)],
            answer: "grantor-dead@grantor not-active@grant"),
        Row(
            testDescription: "the grant is over", befalls: { $0.pass(days: 1200) },
            answer: "not-active@grant validity-ended@changes.validUntil"),
        Row(
            testDescription: "a test person where none is admitted",
            befalls: { $0.settings.admitsTestPersons = false },
            answer: "test-person@changes.representative.cpr test-person@grantor.cpr"),
    ]

    /// A bench whose citizen has one grant of a package to the first helper.
    private func bench(_ package: String) throws -> RuleBench {
        var bench = try RuleBench()
        bench.definePackage("p", "")
        #expect(try bench.decide(.moveRelocate, #""to":"0101","effective":"2020-01-01""#) == "accepted")
        let data = #""representative":{"cpr":"\#(RuleBench.helpers[0])"},"packages":["\#(package)"],\#(Self.end)"#
        #expect(try bench.decide(.grantIssue, data) == "accepted")
        return bench
    }

    @Test("is refused for what an issue would be refused for", arguments: rows)
    func corrected(_ row: Row) throws {
        var bench = try bench(row.package)
        let grant = try #require(bench.file.grants.first?.id.uuidText)
        if let terms = row.terms {
            let faults = bench.definePackage(row.package, terms)
            #expect(faults.isEmpty)
        }
        for (type, data) in row.before { #expect(try bench.decide(type, data) == "accepted") }
        row.befalls(&bench)
        let changes = #"{"representative":{"cpr":"\#(row.to)"}\#(row.changes)}"#
        let before = bench.file.grants
        let answer = try bench.decide(
            .grantCorrect, #""grant":"\#(grant)","version":1,"journal":"J","changes":\#(changes)"#)
        #expect(answer == row.answer)
        if row.answer != "accepted" {
            #expect(bench.file.grants == before)
        } else {
            #expect(bench.file.grants.map(\.state) == [.revoked, .active])
        }
    }

    @Test("other dates for the same representative are no issue: what was given stays given")
    func sameRepresentative() throws {
        var bench = try bench("p")
        let grant = try #require(bench.file.grants.first?.id.uuidText)
        bench.definePackage("p", #","minimumAge":120,"representativeMinimumAge":120,"retired":"2026-01-01""#)
        let data = #""grant":"\#(grant)","version":1,"journal":"J","changes":{"validUntil":"2029-01-01"}"#
        #expect(try bench.decide(.grantCorrect, data) == "accepted")
    }
}
