import FuldmagtTestKit
import Testing

/// Deaths, lives abroad and what the calendar does, worked out by hand from the contract.
@Suite struct LifeModelTests {
    private static func row(_ test: Scenario, _ table: String) -> String? { RequestModelTests.row(test, table).first }

    @Test func aDeathEndsWhatWasGivenAndAskedFor() throws {
        var test = try Scenario()
        test.issue("i", packages: #"["post"]"#)
        test.request("q", #"["old","post"]"#)
        test.request("q2", #"["care"]"#)
        test.move(Scenario.ane, to: "0751", "2020-01-01", "m")
        test.request("q3", #"["care"]"#)
        test.life("decease", Scenario.ane, "d", #""effective":"2026-03-09""#)
        test.life("decease", Scenario.ane, "d2", #""effective":"2026-03-09""#)
        test.issue("late", packages: #"["post"]"#)
        #expect(try test.outcome("d").grants.map(\.state) == ["ended", "ended"])
        #expect(try test.reasons("d2") == ["citizen-dead citizen"])
        #expect(try test.reasons("late") == ["grantor-dead grantor"])
        // The dead are told nothing, and what they were told is withdrawn.
        #expect(
            test.told().filter { $0.hasPrefix("grant-ended") } == [
                "grant-ended \(Scenario.bo)", "grant-ended \(Scenario.bo)",
            ])
        #expect(test.told().filter { $0.hasPrefix("cancelled \(Scenario.ane)") }.count == 2)
        test.life("correct", Scenario.ane, "c", #""journal":"j","diedByMistake":true"#)
        test.life("correct", Scenario.ane, "c2", #""diedByMistake":false"#)
        #expect(test.told().suffix(2) == ["grant-ended \(Scenario.ane)", "grant-ended \(Scenario.ane)"])
        #expect(try test.reasons("c2") == ["journal-missing journal", "invalid-field diedByMistake"])
        #expect(Self.row(test, "death")?.contains(#""correctionCause":"c""#) == true)
    }

    @Test func aRepresentativesDeathEndsTheGrantAndHasNoOutcome() throws {
        var test = try Scenario()
        test.issue("i", packages: #"["post"]"#)
        test.life("decease", Scenario.bo, "d", #""effective":"2026-03-10""#)
        #expect(try test.outcome("d").grants.isEmpty)
        let told = try #require(test.model.notifications.last)
        #expect(told.kind == "grant-ended" && told.recipient == Scenario.ane)
        // It is Bo's affair who registered it, and under which id.
        #expect(told.cause == test.keys.maskedCause(source: Scenario.source, id: "d").description)
        #expect(told.causeType == nil)
        test.issue("again", packages: #"["post"]"#)
        #expect(try test.reasons("again") == ["representative-dead representative"])
        test.life("correct", Scenario.bo, "c", #""journal":"j","diedByMistake":true"#)
        #expect(test.told().last == "grant-ended \(Scenario.bo)")
        test.issue("alive", packages: #"["post"]"#)
        #expect(try test.outcome("alive").status == "accepted")
    }

    @Test func whoDoesNotKnowOfADeathGivesAndIsTold() throws {
        var test = try Scenario()
        test.life("decease", Scenario.bo, "d", #""effective":"2026-03-10""#)
        test.issue("i", packages: #"["post"]"#)
        #expect(try test.outcome("i").grants.map(\.state) == ["active"])
        #expect(
            test.told() == [
                "grant-given \(Scenario.ane)", "cancelled \(Scenario.ane)", "grant-ended \(Scenario.ane)",
            ])
        #expect(test.model.notifications.last?.cause == "i")
        #expect(Self.row(test, "received")?.contains(#""state":"ended""#) == true)
        test.issue("again", packages: #"["post"]"#)
        #expect(try test.reasons("again") == ["representative-dead representative"])
    }

    @Test func aDeathToComeWaitsForItsDay() throws {
        var test = try Scenario()
        test.issue("i", packages: #"["post"]"#)
        test.life("decease", Scenario.ane, "d", #""effective":"2026-03-12""#)
        test.life("decease", Scenario.ane, "d2", #""effective":"2026-03-10""#)
        #expect(try test.outcome("d").grants.isEmpty)
        #expect(try test.reasons("d2") == ["citizen-dead citizen"])
        #expect(Self.row(test, "due")?.contains(#""day":"2026-03-12""#) == true)
        test.advance(days: 2)
        #expect(Self.row(test, "grant")?.contains(#""state":"ended""#) == true)
        #expect(Self.row(test, "due") == nil)
    }

    @Test func abroadNobodyOffersAPackageAndWhoReturnsIsExemptNoLonger() throws {
        var test = try Scenario()
        test.move(Scenario.ane, to: "0751", "2020-01-01", "m")
        test.issue("i")
        test.post(
            "exemption.register", "e",
            #""municipality":"0751","form":"FD 001A","journal":"j","caseworker":"k","requestedBy":"citizen","#
                + #""appearedInPerson":true,"departure":true"#)
        test.life("emigrate", Scenario.ane, "out", #""effective":"2026-03-10","to":"Sverige""#)
        #expect(try test.outcome("out").grants.map(\.state) == ["dormant"])
        test.issue("abroad", to: Scenario.aarhusCompany)
        #expect(try test.reasons("abroad") == ["residence-unknown packages[0]"])
        test.life("immigrate", Scenario.ane, "back", #""effective":"2026-03-12","to":"0751""#)
        #expect(try test.outcome("back").grants.isEmpty)
        test.advance(days: 2)
        let told = test.model.notifications.suffix(3).map { "\($0.kind) \($0.channel) \($0.recipient)" }
        #expect(
            told == [
                "exemption-lifted digital-post \(Scenario.ane)", "grant-awake digital-post \(Scenario.ane)",
                "grant-awake digital-post \(Scenario.bo)",
            ])
        #expect(test.model.notifications.last.map(\.createdAt) == test.clock)
        #expect(Self.row(test, "exemption")?.contains(#""liftCause":"back","liftedAt""#) == true)
    }

    @Test func whoReturnsByAMoveOrWasExpectedBackIsExemptNoLonger() throws {
        let departure =
            #""municipality":"0751","form":"FD 001A","journal":"j","caseworker":"k","requestedBy":"citizen","#
            + #""appearedInPerson":true,"departure":true"#
        var test = try Scenario()
        test.move(Scenario.ane, to: "0751", "2020-01-01", "m")
        test.post("exemption.register", "e", departure)
        test.move(Scenario.ane, to: "0101", "2026-03-01", "within")
        #expect(Self.row(test, "exemption")?.contains(#""liftCause":""#) == false)
        test.life("emigrate", Scenario.ane, "out", #""effective":"2026-02-01""#)
        #expect(Self.row(test, "exemption")?.contains(#""liftCause":"within""#) == true)
        test = try Scenario()
        test.move(Scenario.ane, to: "0751", "2020-01-01", "m")
        test.life("immigrate", Scenario.ane, "back", #""effective":"2026-03-12","to":"0751""#)
        test.post("exemption.register", "e", departure)
        #expect(Self.row(test, "exemption")?.contains(#""liftCause":""#) == false)
        test.advance(days: 2)
        #expect(Self.row(test, "exemption")?.contains(#""liftCause":"back""#) == true)
    }

    @Test func theCalendarRemindsOnceAndEnds() throws {
        var test = try Scenario()
        test.move(Scenario.ane, to: "0751", "2020-01-01", "m")
        test.issue("i", until: "2026-04-20")
        test.issue("soon", until: "2026-03-20", to: Scenario.aarhusCompany)
        test.request("q", #"["post"]"#)
        test.advance(days: 11)
        #expect(
            test.told().suffix(2) == ["grant-expiring \(Scenario.ane)", "grant-expiring \(Scenario.bo)"])
        let count = test.told().count
        test.advance(days: 1)
        test.advance(days: 31)
        #expect(test.told().count == count)
        #expect(RequestModelTests.row(test, "grant", #""state":"expired""#).count == 2)
        #expect(RequestModelTests.row(test, "received", #""state":"expired""#).count == 2)
        test.advance(days: 140)
        #expect(RequestModelTests.row(test, "grant", #""state":"lapsed""#).count == 1)
        #expect(test.told().count == count)
    }
}

extension Scenario {
    /// A command about where somebody lives, or whether.
    mutating func life(_ name: String, _ cpr: String, _ id: String, _ members: String) {
        send(.moveCommands, "move.\(name)", id, #"{"citizen":{"cpr":"\#(cpr)"},\#(members)}"#)
    }
}
