import FuldmagtTestKit
import Testing

/// Requests, renewals and corrections, worked out by hand from the contract.
@Suite struct RequestModelTests {
    static let evidence = #""evidence":{"journal":"j","caseworker":"k","identification":"passport"}"#
    static let company = #"{"cvr":"\#(Scenario.aarhusCompany)"}"#

    static func row(_ test: Scenario, _ table: String, _ text: String = "") -> [String] {
        test.model.dump().filter { $0.contains(#""table":"\#(table)""#) && $0.contains(text) }
    }

    @Test func aRequestAsksTheGrantorOnly() throws {
        var test = try Scenario()
        test.request("q", #"["post"]"#)
        test.request("again", #"["post","none"]"#)
        test.ane("request", "empty", #""validFrom":"2026-02-01""#)
        let grant = try #require(try test.outcome("q").grants.first)
        #expect(grant.state == "requested" && grant.version == 1)
        #expect(test.told() == ["grant-requested \(Scenario.ane)"])
        #expect(try test.reasons("again") == ["already-requested packages[0]", "unknown-package packages[1]"])
        #expect(
            try test.reasons("empty") == [
                "missing-field representative", "missing-field packages", "missing-field validUntil",
                "invalid-field validFrom",
            ])
        #expect(Self.row(test, "received").isEmpty)
        #expect(Self.row(test, "grant", #""request":"q""#).count == 1)
        test.revoke("r", grant.id)
        #expect(try test.reasons("r") == ["not-active grant"])
    }

    @Test func anApprovalGivesWhatWasAskedFor() throws {
        var test = try Scenario()
        test.request("q")
        test.advance(days: 2)
        test.ane("approve", "wrong", #""request":"p","channel":"paper""#)
        test.ane("approve", "none", #""channel":"fax""#)
        test.ane("approve", "a", #""request":"q","channel":"assisted""#)
        test.ane("approve", "a2", #""request":"q","channel":"digital""#)
        test.ane("approve", "late", #""request":"q","channel":"digital""#)
        #expect(
            try test.reasons("wrong") == [
                "unknown-request request", "journal-missing evidence.journal",
                "evidence-missing evidence.caseworker", "evidence-missing evidence.identification",
            ])
        #expect(try test.reasons("none") == ["missing-field request", "invalid-field channel"])
        #expect(try test.outcome("a").status == "rejected")
        #expect(try test.outcome("a2").grants.map(\.id) == test.outcome("q").grants.map(\.id))
        #expect(try test.outcome("a2").grants.map(\.state) == ["active"])
        #expect(try test.reasons("late") == ["unknown-request request"])
        #expect(
            test.told() == [
                "grant-requested \(Scenario.ane)", "grant-given \(Scenario.ane)", "grant-received \(Scenario.bo)",
            ])
        #expect(Self.row(test, "received", #""validFrom":"2026-03-12""#).count == 1)
        #expect(Self.row(test, "grantHistory", #""validFrom":"2026-03-10""#).count == 1)
        #expect(Self.row(test, "grantHistory", #""entry":1"#).first?.contains(#""cause":"a2""#) == true)
        test.revoke("r", try test.outcome("q").grants[0].id)
        #expect(test.model.notifications.filter { $0.kind == "cancelled" }.count == 3)
    }

    @Test func freeTextsKeepNoNumbers() throws {
        var test = try Scenario()
        test.issue("i", packages: #"["post"]"#)
        let grant = try test.outcome("i").grants[0].id
        test.ane(
            "revoke", "r",
            #""grant":"\#(grant)","by":"grantor","reason":"610170-1234 and 6101701234, case 2026012345""#)
        #expect(Self.row(test, "grantHistory", #""reason":"[…] and […], case 2026012345""#).count == 1)
    }

    @Test func anApprovalIsCheckedAgainAndPaperKeepsTheStart() throws {
        var test = try Scenario()
        test.request("q")
        test.issue("i", packages: #"["post"]"#)
        test.ane("approve", "a", #""request":"q","channel":"digital""#)
        #expect(try test.reasons("a") == ["already-granted packages[0]"])
        test.revoke("r", try test.outcome("i").grants[0].id)
        test.advance(days: 3)
        test.ane("approve", "paper", #""request":"q","channel":"paper",\#(Self.evidence)"#)
        #expect(try test.outcome("paper").status == "accepted")
        #expect(Self.row(test, "grant", #""channel":"paper""#).first?.contains(#""validFrom":"2026-03-10""#) == true)
        test.request("q2", until: "2026-03-14")
        #expect(try test.reasons("q2") == ["already-granted packages[0]"])
        test.revoke("r2", try test.outcome("q").grants[0].id)
        test.request("q3", until: "2026-03-14")
        test.advance(days: 2)
        test.ane("approve", "ended", #""request":"q3","channel":"digital""#)
        #expect(try test.reasons("ended") == ["validity-ended validUntil"])
    }

    @Test func aDeclineIsToldToTheRepresentative() throws {
        var test = try Scenario()
        test.request("q")
        test.ane("decline", "wrong", #""request":"p""#)
        test.ane("decline", "d", #""request":"q","channel":"paper""#)
        test.ane("decline", "again", #""request":"q","channel":"paper""#)
        #expect(try test.reasons("wrong") == ["unknown-request request", "missing-field channel"])
        #expect(try test.outcome("d").grants.map(\.state) == ["declined"])
        #expect(try test.reasons("again") == ["unknown-request request"])
        #expect(test.told() == ["grant-requested \(Scenario.ane)", "grant-declined \(Scenario.bo)"])
        #expect(test.model.notifications.last?.causeType == nil)
        #expect(Self.row(test, "received").isEmpty)
    }

    @Test func aRenewalRaisesTheVersion() throws {
        var test = try Scenario()
        test.issue("i", packages: #"["post"]"#, until: "2026-03-15")
        let grant = try #require(try test.outcome("i").grants.first?.id)
        test.ane("renew", "n", #""grant":"\#(grant)","version":1,"validUntil":"2026-03-18""#)
        test.ane("renew", "seen", #""grant":"\#(grant)","version":1,"validUntil":"2026-03-17""#)
        test.ane("renew", "past", #""grant":"\#(grant)","version":2,"validUntil":"2026-03-09""#)
        test.ane("renew", "long", #""grant":"\#(grant)","version":0,"validUntil":"2026-03-21""#)
        test.ane("renew", "none", #""grant":"x","version":1,"validUntil":"2026-03-18""#)
        test.ane("renew", "empty", #""grant":7"#)
        #expect(try test.outcome("n").grants.map(\.version) == [2])
        #expect(try test.outcome("n").grants.map(\.validUntil) == ["2026-03-18"])
        #expect(try test.reasons("seen") == ["version-mismatch version", "invalid-field validUntil"])
        #expect(try test.reasons("past") == ["validity-ended validUntil", "invalid-field validUntil"])
        #expect(try test.reasons("long") == ["invalid-field version", "validity-too-long validUntil"])
        #expect(try test.reasons("none") == ["unknown-grant grant"])
        #expect(
            try test.reasons("empty") == [
                "invalid-field grant", "missing-field version", "missing-field validUntil",
            ])
        #expect(test.told().suffix(2) == ["grant-renewed \(Scenario.ane)", "grant-renewed \(Scenario.bo)"])
        #expect(Self.row(test, "received", #""validUntil":"2026-03-18""#).count == 1)
        #expect(Self.row(test, "grantHistory", #""validUntil":"2026-03-15","version":1"#).count == 1)
        #expect(Self.row(test, "grantHistory", #""validUntil":"2026-03-18","version":2"#).count == 1)
        test.advance(days: 9)
        test.ane("renew", "ended", #""grant":"\#(grant)","version":2,"validUntil":"2026-03-20""#)
        #expect(try test.reasons("ended") == ["not-active grant"])
    }

    @Test func aCorrectionChangesTheDates() throws {
        var test = try Scenario()
        test.issue("i", packages: #"["post"]"#)
        let grant = #""grant":"\#(try test.outcome("i").grants[0].id)","version":"#
        let own = #"{"cpr":"\#(Scenario.ane)"}"#
        let dates = #""validFrom":"2026-02-10","validUntil":"2026-03-12""#
        test.ane("correct", "c", #"\#(grant)1,"journal":"j","changes":{\#(dates)}"#)
        test.ane("correct", "none", #"\#(grant)2,"changes":{"note":1}"#)
        test.ane("correct", "kind", #"\#(grant)1,"journal":"j","changes":"x""#)
        test.ane("correct", "turned", #"\#(grant)2,"journal":"j","changes":{"validFrom":"2026-03-13"}"#)
        test.ane("correct", "past", #"\#(grant)2,"journal":"j","changes":{"validUntil":"2025-12-31"}"#)
        test.ane("correct", "long", #"\#(grant)2,"journal":"j","changes":{"validUntil":"2026-03-21"}"#)
        test.ane("correct", "own", #"\#(grant)2,"journal":"j","changes":{"representative":\#(own)}"#)
        #expect(try test.outcome("c").grants.map(\.version) == [2])
        #expect(try test.reasons("none") == ["journal-missing journal", "missing-field changes"])
        #expect(try test.reasons("kind") == ["version-mismatch version", "invalid-field changes"])
        #expect(try test.reasons("turned") == ["invalid-field changes.validFrom"])
        #expect(
            try test.reasons("past") == ["validity-ended changes.validUntil", "invalid-field changes.validUntil"])
        #expect(try test.reasons("long") == ["validity-too-long changes.validUntil"])
        #expect(try test.reasons("own") == ["same-party changes.representative"])
        #expect(test.told().suffix(2) == ["grant-corrected \(Scenario.ane)", "grant-corrected \(Scenario.bo)"])
        #expect(Self.row(test, "received", dates).count == 1)
    }

    @Test func aCorrectedRepresentativeIsGivenWhatAnIssueCouldGive() throws {
        var test = try Scenario()
        test.define("new", scope: "national")
        test.issue("i", packages: #"["new"]"#)
        let id = try test.outcome("i").grants[0].id
        let company = #"{"representative":\#(Self.company)"#
        let start = #""grant":"\#(id)","version":1,"journal":"j","changes":"#
        test.define("new", scope: "national", more: #","minimumAge":120,"maxValidityDays":5"#)
        test.ane("correct", "now", "\(start)\(company)}")
        test.ane("correct", "short", #"\#(start)\#(company),"validUntil":"2026-03-15"}"#)
        test.ane("correct", "unreadable", #"\#(start)\#(company),"validUntil":"soon"}"#)
        test.ane("correct", "dates", #"\#(start){"validFrom":"2026-03-01"}"#)
        #expect(
            try test.reasons("now") == ["grantor-too-young grantor", "validity-too-long changes.validUntil"])
        #expect(try test.reasons("short") == ["grantor-too-young grantor"])
        #expect(
            try test.reasons("unreadable") == ["grantor-too-young grantor", "invalid-field changes.validUntil"])
        // The same representative keeps what they were given.
        #expect(try test.outcome("dates").status == "accepted")
        test.advance(days: 11)
        test.ane("correct", "over", #""grant":"\#(id)","version":2,"journal":"j","changes":\#(company)}"#)
        #expect(
            try test.reasons("over") == [
                "not-active grant", "grantor-too-young grantor", "validity-ended changes.validUntil",
            ])
        test.send(
            .moveCommands, "move.decease", "d", #"{"citizen":{"cpr":"\#(Scenario.ane)"},"effective":"2026-03-20"}"#)
        test.ane("correct", "dead", #""grant":"\#(id)","version":2,"journal":"j","changes":\#(company)}"#)
        #expect(try test.reasons("dead").contains("grantor-dead grantor"))
    }

    @Test func aCorrectedRepresentativeHasAGrantOfItsOwn() throws {
        var test = try Scenario()
        test.issue("i", packages: #"["post"]"#)
        let id = try test.outcome("i").grants[0].id
        let start = #""grant":"\#(id)","version":1,"journal":"j","changes":{"representative":"#
        test.ane("correct", "same", #"\#(start){"cpr":"\#(Scenario.bo)"}}"#)
        test.ane("correct", "child", #"\#(start){"cpr":"\#(Scenario.child)"}}"#)
        test.ane("correct", "number", #"\#(start){"cvr":"12345678"}}"#)
        test.ane("correct", "c", #"\#(start)\#(Self.company),"validUntil":"2026-03-12"}"#)
        test.ane("correct", "gone", #"\#(start)\#(Self.company)}"#)
        #expect(try test.reasons("same") == ["already-granted changes.representative"])
        #expect(try test.reasons("child") == ["representative-too-young changes.representative"])
        #expect(try test.reasons("number") == ["invalid-cvr changes.representative.cvr"])
        let grants = try test.outcome("c").grants
        #expect(grants.map(\.state) == ["revoked", "active"] && grants.map(\.version) == [1, 1])
        #expect(grants.map(\.validUntil) == ["2026-03-20", "2026-03-12"])
        #expect(grants[0].id == id && grants[1].id != id)
        #expect(try test.reasons("gone") == ["not-active grant", "already-granted changes.representative"])
        #expect(
            test.told().suffix(6) == [
                "cancelled \(Scenario.ane)", "cancelled \(Scenario.bo)", "grant-revoked \(Scenario.ane)",
                "grant-revoked \(Scenario.bo)", "grant-given \(Scenario.ane)",
                "grant-received \(Scenario.aarhusCompany)",
            ])
    }
}
