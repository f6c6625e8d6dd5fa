import FuldmagtDomain
import FuldmagtTestKit
import Testing

/// What the model says of small cases worked out by hand from the contract.
@Suite struct NaiveModelTests {
    @Test func aGrantIsGivenAndBothAreTold() throws {
        var test = try Scenario()
        test.move(Scenario.ane, to: "0751", "2020-01-01", "m")
        test.send(
            .grantCommands, "grant.issue", "i",
            """
            {"grantor":{"cpr":"\(Scenario.ane)"},"representative":{"cpr":"\(Scenario.bo)"},"packages":["post","care"],
            "validUntil":"2026-03-20","channel":"digital"}
            """, extensions: [("ce_jobid", "j"), ("ce_traceparent", "t")])
        let outcome = try test.outcome("i")
        #expect(outcome.status == "accepted")
        #expect(outcome.grants.map(\.package) == ["post", "care"])
        #expect(outcome.grants.allSatisfy { $0.state == "active" && $0.version == 1 && $0.validUntil == "2026-03-20" })
        #expect(outcome.extensions == ["jobid": "j", "traceparent": "t"])
        #expect(
            test.told() == [
                "grant-given \(Scenario.ane)", "grant-received \(Scenario.bo)", "grant-given \(Scenario.ane)",
                "grant-received \(Scenario.bo)",
            ])
        let toBo = test.model.notifications[1]
        #expect(toBo.cause == test.keys.maskedCause(source: Scenario.source, id: "i").description)
        #expect(toBo.causeType == nil)
        #expect(toBo.extensions == ["traceparent": "t"])
        #expect(toBo.channel == "digital-post")
    }

    @Test func allReasonsAreFound() throws {
        var test = try Scenario()
        test.issue(
            "i", packages: #"["care","none","old","post","post",7]"#, until: "2026-03-21", to: Scenario.child,
            more: #","channel":"assisted","evidence":{"caseworker":"k","assessment":{"citizenPresent":true}}"#)
        #expect(
            try test.reasons("i") == [
                "residence-unknown packages[0]", "unknown-package packages[1]", "package-retired packages[2]",
                "invalid-field packages[4]", "invalid-field packages[5]", "validity-too-long validUntil",
                "representative-too-young representative", "journal-missing evidence.journal",
                "evidence-missing evidence.identification", "assessment-missing evidence.assessment.possibilities",
                "assessment-missing evidence.assessment.consequences",
                "assessment-missing evidence.assessment.decidedOn",
            ])
        #expect(test.model.notifications.isEmpty)
    }

    @Test func testPersonsNeedToBeAdmitted() throws {
        var test = try Scenario(admitsTestPersons: false)
        test.issue("i", packages: #"["post"]"#)
        #expect(try test.reasons("i") == ["test-person grantor.cpr", "test-person representative.cpr"])
    }

    @Test func aRevocationCancelsEverythingEarlier() throws {
        var test = try Scenario()
        test.issue("i", packages: #"["post"]"#)
        let grant = try #require(try test.outcome("i").grants.first?.id)
        test.revoke("r", grant)
        test.revoke("again", grant)
        test.revoke("unknown", "no-uuid")
        #expect(try test.outcome("r").grants.map(\.state) == ["revoked"])
        #expect(try test.reasons("again") == ["not-active grant"])
        #expect(try test.reasons("unknown") == ["unknown-grant grant"])
        #expect(
            test.told() == [
                "grant-given \(Scenario.ane)", "grant-received \(Scenario.bo)", "cancelled \(Scenario.ane)",
                "cancelled \(Scenario.bo)", "grant-revoked \(Scenario.ane)", "grant-revoked \(Scenario.bo)",
            ])
        #expect(test.model.notifications[2].id == test.model.notifications[0].id)
        #expect(test.model.notifications[2].cause == "r")
        test.issue("anew", packages: #"["post"]"#)
        #expect(try test.outcome("anew").status == "accepted")
    }

    @Test func aMoveMakesGrantsDormantAndWakesThem() throws {
        var test = try Scenario()
        test.move(Scenario.ane, to: "0751", "2020-01-01", "m1")
        test.issue("i", packages: #"["care","post"]"#)
        test.issue("already")
        test.move(Scenario.ane, to: "0101", "2026-03-10", "m2")
        test.move(Scenario.ane, to: "0461", "2026-03-09", "late")
        test.issue("elsewhere", to: Scenario.aarhusCompany)
        test.move(Scenario.ane, to: "0461", "2026-03-12", "ahead")
        #expect(try test.reasons("already") == ["already-granted packages[0]"])
        #expect(try test.outcome("m2").grants.map(\.state) == ["dormant"])
        #expect(try test.outcome("late").grants.isEmpty)
        #expect(try test.reasons("elsewhere") == ["package-not-activated packages[0]"])
        #expect(try test.outcome("ahead").grants.isEmpty)
        test.advance(days: 1)
        #expect(test.told().last == "grant-dormant \(Scenario.bo)")
        test.advance(days: 1)
        #expect(
            test.told().suffix(2) == ["grant-awake \(Scenario.ane)", "grant-awake \(Scenario.bo)"])
        #expect(test.model.notifications.last { $0.recipient == Scenario.ane }?.cause == "ahead")
    }

    @Test func laterRegistrationWinsAmongEqualDates() throws {
        var test = try Scenario()
        test.move(Scenario.ane, to: "0751", "2026-03-01", "a", more: #","registeredAt":"2026-03-01T10:00:00Z""#)
        test.move(Scenario.ane, to: "0101", "2026-03-01", "b", more: #","registeredAt":"2026-03-01T10:00:00+01:00""#)
        test.issue("i")
        #expect(try test.outcome("i").status == "accepted")
    }

    @Test func activationsThatChangeOrEndReachGrants() throws {
        var test = try Scenario()
        test.move(Scenario.ane, to: "0461", "2020-01-01", "m")
        test.issue("i", until: "2026-06-01")
        test.advance(days: 22)
        #expect(test.told().suffix(2) == ["grant-dormant \(Scenario.ane)", "grant-dormant \(Scenario.bo)"])
        test.activate("0461", "care", from: "2026-01-01")
        #expect(test.told().suffix(2) == ["grant-awake \(Scenario.ane)", "grant-awake \(Scenario.bo)"])
        #expect(
            test.model.notifications.last { $0.recipient == Scenario.ane }?.causeType == "dk.fuldmagt.activation.set.v1"
        )
    }

    @Test func anExemptionChangesTheChannel() throws {
        var test = try Scenario()
        let citizen = #""citizen":{"cpr":"\#(Scenario.bo)"}"#
        let rest = #""form":"FD 001A","journal":"j","caseworker":"k","requestedBy":"citizen","appearedInPerson":"#
        test.move(Scenario.bo, to: "0751", "2020-01-01", "m")
        test.send(
            .exemptionCommands, "exemption.register", "wrong", #"{\#(citizen),"municipality":"0101",\#(rest)false}"#)
        test.send(
            .exemptionCommands, "exemption.register", "e", #"{\#(citizen),"municipality":"751",\#(rest)true}"#)
        test.issue("i", packages: #"["post"]"#)
        test.send(.exemptionCommands, "exemption.register", "twice", #"{\#(citizen)}"#)
        test.send(.exemptionCommands, "exemption.lift", "l", #"{\#(citizen),"by":"citizen"}"#)
        test.send(.exemptionCommands, "exemption.lift", "l2", #"{\#(citizen),"municipality":"0461"}"#)
        #expect(
            try test.reasons("wrong") == [
                "not-in-person appearedInPerson", "not-deciding-authority municipality",
            ])
        #expect(
            try test.reasons("twice") == [
                "missing-field municipality", "missing-field form", "journal-missing journal",
                "missing-field caseworker", "missing-field requestedBy", "missing-field appearedInPerson",
                "already-exempt citizen",
            ])
        #expect(
            try test.reasons("l2") == [
                "missing-field by", "not-exempt citizen", "not-deciding-authority municipality",
            ])
        #expect(
            test.model.notifications.map { "\($0.kind) \($0.channel)" } == [
                "exemption-registered letter", "grant-given digital-post", "grant-received letter",
                "exemption-lifted digital-post",
            ])
    }

    @Test func idsAreUsedOnce() throws {
        var test = try Scenario()
        test.issue("i", packages: #"["post"]"#)
        test.issue("i", packages: #"["po\u0073t"]"#)
        test.issue("i", packages: #"["old"]"#)
        test.send(.grantCommands, "grant.revoke", "i", #"{"grantor":{"cpr":"\#(Scenario.ane)"}}"#)
        #expect(test.model.outcomes.filter { $0.id == "i" }.count == 1)
        #expect(test.model.deadLetters.map(\.reason) == ["id-reused", "id-reused"])
    }

    @Test func whatCannotBeReadIsADeadLetter() throws {
        var test = try Scenario()
        let data = #"{"citizen":{"cpr":"\#(Scenario.ane)"}}"#
        test.send(.moveCommands, "move.vanish", "a", data)
        test.send(.moveCommands, "move.relocate", "b", data, version: "v2")
        test.send(.grantCommands, "move.relocate", "c", data)
        test.send(.moveCommands, "move.relocate", "d", "")
        test.send(.moveCommands, "move.relocate", "e", data + "]")
        test.send(.moveCommands, "move.relocate", "f", #"{"citizen":{"cpr":"6101364123"}}"#)
        test.send(.moveCommands, "move.relocate", "g", #"{"a":1,"\u0061":2}"#)
        test.send(.moveCommands, "move.relocate", "", data)
        #expect(
            test.model.deadLetters.map(\.reason) == [
                "unknown-type", "unknown-version", "wrong-topic", "empty-value", "invalid-json", "invalid-citizen",
                "invalid-json", "invalid-attribute",
            ])
    }

    @Test func theDumpHasEveryRow() throws {
        var test = try Scenario()
        test.issue("i", packages: #"["post"]"#)
        let grant = try #require(try test.outcome("i").grants.first?.id)
        let at = test.clock
        let ane = try test.pseudonym(Scenario.ane)
        let bo = try test.pseudonym(Scenario.bo)
        let dates = #""validFrom":"2026-03-10","validUntil":"2026-03-20""#
        let told = test.model.notifications
        let expected = [
            #"{"citizen":"\#(ane)","kind":"person","table":"citizen"}"#,
            #"{"citizen":"\#(bo)","kind":"person","table":"citizen"}"#,
            #"{"channel":"digital","citizen":"\#(ane)","grant":"\#(grant)","ordinal":0,"package":"post","#
                + #""packageVersion":1,"representative":"\#(bo)","state":"active","table":"grant",\#(dates),"version":1}"#,
            #"{"at":\#(at),"cause":"i","entry":0,"grant":"\#(grant)","source":"\#(Scenario.source)","state":"active","#
                + #""table":"grantHistory",\#(dates),"version":1}"#,
            #"{"citizen":"\#(bo)","grant":"\#(grant)","grantor":"\#(ane)","kind":"act","package":"post","#
                + #""packageVersion":1,"state":"active","table":"received",\#(dates)}"#,
            #"{"channel":"digital-post","citizen":"\#(ane)","createdAt":\#(at),"grant":"\#(grant)","id":"\#(told[0].id)","#
                + #""kind":"grant-given","table":"notification"}"#,
            #"{"channel":"digital-post","citizen":"\#(bo)","createdAt":\#(at),"grant":"\#(grant)","id":"\#(told[1].id)","#
                + #""kind":"grant-received","table":"notification"}"#,
        ]
        #expect(test.model.dump() == expected.sorted())
    }
}
