import FuldmagtTestKit
import Testing

/// Leave to read post, enrolment and exemptions registered by mistake, worked out by hand from the contract.
@Suite struct ReadAccessModelTests {
    static let holder = #""holder":{"cpr":"\#(Scenario.bo)"}"#

    static func exempt() throws -> Scenario {
        var test = try Scenario()
        test.move(Scenario.ane, to: "0751", "2020-01-01", "m")
        test.register("e")
        return test
    }

    @Test func aReadAccessEndsTheExemptionAndIsTold() throws {
        var test = try Self.exempt()
        test.post("readaccess.grant", "g", #"\#(Self.holder),"journal":"j","validUntil":"2026-03-12""#)
        #expect(try test.outcome("g").status == "accepted")
        #expect(
            test.model.notifications.map { "\($0.kind) \($0.recipient) \($0.channel)" } == [
                "exemption-registered \(Scenario.ane) letter", "exemption-lifted \(Scenario.ane) digital-post",
                "readaccess-given \(Scenario.ane) digital-post", "readaccess-given \(Scenario.bo) digital-post",
            ])
        #expect(test.model.notifications.last?.grant == nil && test.model.notifications.last?.causeType == nil)
        let at = test.clock
        let (ane, bo) = (try test.pseudonym(Scenario.ane), try test.pseudonym(Scenario.bo))
        #expect(
            RequestModelTests.row(test, "readAccess") == [
                #"{"at":\#(at),"cause":"g","citizen":"\#(ane)","holder":"\#(bo)","journal":"j","ordinal":0,"#
                    + #""table":"readAccess","validUntil":"2026-03-12"}"#
            ])
        #expect(RequestModelTests.row(test, "exemption", #""liftedBy":"citizen""#).count == 1)
    }

    @Test func aSecondOneTakesThePlaceOfTheFirst() throws {
        var test = try Scenario()
        test.post("readaccess.grant", "g", Self.holder)
        test.post("readaccess.grant", "g2", #"\#(Self.holder),"validUntil":"2026-03-12""#)
        #expect(RequestModelTests.row(test, "readAccess", #""endCause":"g2""#).count == 1)
        test.post("readaccess.withdraw", "w", Self.holder)
        test.post("readaccess.withdraw", "again", Self.holder)
        #expect(RequestModelTests.row(test, "readAccess", #""endCause":"w""#).count == 1)
        #expect(test.told().suffix(2) == ["readaccess-ended \(Scenario.ane)", "readaccess-ended \(Scenario.bo)"])
        #expect(try test.reasons("again") == ["unknown-readaccess holder"])
        test.post("readaccess.grant", "g3", #"\#(Self.holder),"validUntil":"2026-03-12""#)
        test.advance(days: 3)
        test.post("readaccess.withdraw", "late", Self.holder)
        #expect(try test.reasons("late") == ["unknown-readaccess holder"])
    }

    @Test func aHolderMustBeAnotherPartyThatCanBeNamed() throws {
        var test = try Scenario()
        test.post("readaccess.grant", "own", #""holder":{"cpr":"\#(Scenario.ane)"},"validUntil":"2026-03-09""#)
        test.post("readaccess.grant", "none", #""journal":1"#)
        test.post("readaccess.withdraw", "cpr", #""holder":{"cpr":"6101"}"#)
        test.send(
            .exemptionCommands, "readaccess.grant", "company",
            #"{"citizen":{"cvr":"\#(Scenario.aarhusCompany)"},\#(Self.holder)}"#)
        #expect(try test.reasons("own") == ["same-party holder", "validity-ended validUntil"])
        #expect(try test.reasons("none") == ["missing-field holder", "invalid-field journal"])
        #expect(try test.reasons("cpr") == ["invalid-cpr holder.cpr"])
        #expect(try test.outcome("company").status == "accepted")
    }

    @Test func onlyWhoEnrolsFreelyIsNoLongerExempt() throws {
        var test = try Self.exempt()
        test.post("mailbox.enrol", "a", #""reason":"automatic""#)
        #expect(test.told().count == 1)
        test.post("mailbox.enrol", "v", #""reason":"voluntary""#)
        #expect(test.told().last == "exemption-lifted \(Scenario.ane)")
        test.post("mailbox.enrol", "v2", #""reason":"voluntary""#)
        test.post("mailbox.enrol", "x", #""reason":"forced""#)
        #expect(try test.outcome("v2").status == "accepted" && test.told().count == 2)
        #expect(try test.reasons("x") == ["invalid-field reason"])
    }

    @Test func anExemptionByMistakeIsLiftedByTheAuthority() throws {
        var test = try Self.exempt()
        let rest = #""journal":"f","caseworker":"k","registeredByMistake":"#
        test.post("exemption.correct", "wrong", #""municipality":"0101","registeredByMistake":false"#)
        test.post("exemption.correct", "c", #""municipality":"0751",\#(rest)true"#)
        test.post("exemption.correct", "again", #""municipality":"0751",\#(rest)true"#)
        #expect(
            try test.reasons("wrong") == [
                "not-deciding-authority municipality", "journal-missing journal", "missing-field caseworker",
                "invalid-field registeredByMistake",
            ])
        #expect(test.told().last == "exemption-lifted \(Scenario.ane)")
        #expect(test.model.notifications.last?.channel == "digital-post")
        #expect(
            RequestModelTests.row(test, "exemption", #""liftJournal":"f","liftedAt""#).first?
                .contains(#""liftedBy":"authority""#) == true)
        #expect(try test.reasons("again") == ["not-exempt citizen"])
    }
}

extension Scenario {
    /// Ane is exempt.
    mutating func register(_ id: String) {
        post(
            "exemption.register", id,
            #""municipality":"0751","form":"FD 001A","journal":"j","caseworker":"k","requestedBy":"citizen","#
                + #""appearedInPerson":true"#)
    }
}
