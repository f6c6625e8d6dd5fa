import FuldmagtDomain
import FuldmagtStore
import Testing

/// What citizens and their helpers live through, a scenario each.
@Suite struct GrantLifeTests {
    private let anna = TestCluster.anna
    private let bent = TestCluster.bent
    private let carl = TestCluster.carl

    private func begin(batch: Int = 1000) throws -> TestCluster {
        let cluster = try TestCluster()
        cluster.options.batchRecords = batch
        cluster.defineCatalogue()
        cluster.move(anna, to: "0101", on: "2020-01-01", id: "home")
        try cluster.drain()
        return cluster
    }

    private func request(_ cluster: TestCluster, _ packages: String, id: String) {
        cluster.send(
            "grant.request",
            #"{"grantor":{"cpr":"\#(anna)"},"representative":{"cpr":"\#(bent)"},"packages":[\#(packages)],"validUntil":"2028-01-01"}"#,
            id: id, key: anna)
    }

    private func answer(_ cluster: TestCluster, _ verb: String, _ request: String, id: String, more: String = "") {
        cluster.send(
            "grant.\(verb)",
            #"{"grantor":{"cpr":"\#(anna)"},"request":"\#(request)","channel":"\#(more.isEmpty ? "digital" : "paper")"\#(more)}"#,
            id: id, key: anna)
    }

    @Test("a helper asks, the citizen says yes on paper, and only then may the helper act")
    func requestAnsweredOnPaper() throws {
        let cluster = try begin()
        request(cluster, #""care","tax""#, id: "ask")
        try cluster.drain()
        #expect(cluster.answer("ask") == "accepted")
        #expect(cluster.outcomes(of: "ask").first?.text("grants.1.state") == "requested")
        #expect(
            cluster.notifications(to: anna) == ["grant-requested digital-post", "grant-requested digital-post"])
        #expect(cluster.notifications(to: bent) == [])
        request(cluster, #""tax""#, id: "ask-again")
        answer(cluster, "approve", "ask", id: "no-evidence", more: #","evidence":{"caseworker":"x"}"#)
        answer(cluster, "approve", "nothing", id: "no-request")
        try cluster.drain()
        #expect(cluster.answer("ask-again") == "rejected already-requested@packages[0]")
        #expect(
            cluster.answer("no-evidence")
                == "rejected evidence-missing@evidence.identification journal-missing@evidence.journal")
        #expect(cluster.answer("no-request") == "rejected unknown-request@request")
        answer(
            cluster, "approve", "ask", id: "yes",
            more: #","evidence":{"journal":"J-1","caseworker":"x","identification":"passport"}"#)
        try cluster.drain()
        #expect(cluster.answer("yes") == "accepted")
        let asked = cluster.outcomes(of: "ask").first
        let given = cluster.outcomes(of: "yes").first
        #expect(given?.text("grants.0.id") == asked?.text("grants.0.id"))
        #expect(given?.text("grants.0.state") == "active" && given?.text("grants.0.version") == "1")
        #expect(cluster.notifications(to: bent) == ["grant-received digital-post", "grant-received digital-post"])
        answer(cluster, "approve", "ask", id: "twice")
        try cluster.drain()
        #expect(cluster.answer("twice") == "rejected unknown-request@request")
        #expect(try cluster.dump().contains { $0.contains(#""channel":"paper""#) && $0.contains(#""request":"ask""#) })
        #expect(try cluster.check() == [])
    }

    @Test("a request whose package is no longer offered stays, and can be declined")
    func declined() throws {
        let cluster = try begin()
        request(cluster, #""care""#, id: "ask")
        cluster.move(anna, to: "0147", on: "2026-11-01", id: "away")
        try cluster.drain()
        #expect(cluster.answer("away") == "accepted")
        #expect((cluster.outcomes(of: "away").first?.json["grants"] as? [Any])?.isEmpty == true)
        answer(cluster, "approve", "ask", id: "too-late")
        try cluster.drain()
        #expect(cluster.answer("too-late") == "rejected package-not-activated@packages[0]")
        answer(cluster, "decline", "ask", id: "no")
        try cluster.drain()
        #expect(cluster.answer("no") == "accepted")
        #expect(cluster.outcomes(of: "no").first?.text("grants.0.state") == "declined")
        #expect(cluster.notifications(to: bent) == ["grant-declined digital-post"])
        #expect(try cluster.check() == [])
    }

    private func grantID(_ cluster: TestCluster, _ command: String, _ at: Int = 0) throws -> String {
        try #require(cluster.outcomes(of: command).first?.text("grants.\(at).id"))
    }

    @Test("a grant is renewed by who has seen its version, and never to an earlier day")
    func renewed() throws {
        let cluster = try begin()
        cluster.issue(anna, to: bent, ["tax"], id: "g")
        try cluster.drain()
        let grant = try grantID(cluster, "g")
        func renew(_ id: String, version: Int, until: String) {
            cluster.send(
                "grant.renew",
                #"{"grantor":{"cpr":"\#(anna)"},"grant":"\#(grant)","version":\#(version),"validUntil":"\#(until)"}"#,
                id: id, key: anna)
        }
        renew("r1", version: 1, until: "2029-01-01")
        renew("r2", version: 1, until: "2030-01-01")
        renew("r3", version: 2, until: "2028-06-01")
        renew("r4", version: 2, until: "2020-06-01")
        renew("r5", version: 2, until: "2130-06-01")
        try cluster.drain()
        #expect(cluster.answer("r1") == "accepted")
        #expect(cluster.outcomes(of: "r1").first?.text("grants.0.version") == "2")
        #expect(cluster.outcomes(of: "r1").first?.text("grants.0.validUntil") == "2029-01-01")
        #expect(cluster.answer("r2") == "rejected version-mismatch@version")
        #expect(cluster.answer("r3") == "rejected invalid-field@validUntil")
        #expect(cluster.answer("r4") == "rejected invalid-field@validUntil validity-ended@validUntil")
        #expect(cluster.answer("r5") == "rejected validity-too-long@validUntil")
        #expect(cluster.notifications(to: anna) == ["grant-given digital-post", "grant-renewed digital-post"])
        #expect(cluster.notifications(to: bent) == ["grant-received digital-post", "grant-renewed digital-post"])
        #expect(try cluster.dump().contains { $0.contains(#""table":"received""#) && $0.contains("2029-01-01") })
        #expect(try cluster.check() == [])
    }

    @Test("a wrong helper was registered: one command takes the right away and gives it to the right one")
    func corrected() throws {
        let cluster = try begin()
        cluster.issue(anna, to: bent, ["tax"], id: "g")
        try cluster.drain()
        let grant = try grantID(cluster, "g")
        func correct(_ id: String, version: Int, _ changes: String) {
            cluster.send(
                "grant.correct",
                #"{"grantor":{"cpr":"\#(anna)"},"grant":"\#(grant)","version":\#(version),"changes":\#(changes),"journal":"J-2"}"#,
                id: id, key: anna)
        }
        correct("c0", version: 1, "{}")
        correct("c1", version: 1, #"{"validUntil":"2027-06-01"}"#)
        correct("c2", version: 2, #"{"validFrom":"2027-07-01"}"#)
        correct("c3", version: 2, #"{"representative":{"cpr":"\#(anna)"}}"#)
        correct("c4", version: 2, #"{"representative":{"cpr":"\#(carl)"}}"#)
        correct("c5", version: 2, #"{"validUntil":"2027-06-01"}"#)
        try cluster.drain()
        #expect(cluster.answer("c0") == "rejected missing-field@changes")
        #expect(cluster.answer("c1") == "accepted")
        #expect(cluster.answer("c2") == "rejected invalid-field@changes.validFrom")
        #expect(cluster.answer("c3") == "rejected same-party@changes.representative")
        #expect(cluster.answer("c4") == "accepted")
        let outcome = cluster.outcomes(of: "c4").first
        #expect(outcome?.text("grants.0.state") == "revoked" && outcome?.text("grants.1.state") == "active")
        #expect(outcome?.text("grants.0.id") == grant && outcome?.text("grants.1.id") != grant)
        #expect(cluster.answer("c5") == "rejected not-active@grant")
        #expect(
            cluster.notifications(to: bent) == [
                "grant-received digital-post", "grant-corrected digital-post", "cancelled digital-post",
                "cancelled digital-post", "grant-revoked digital-post",
            ])
        #expect(cluster.notifications(to: carl) == ["grant-received digital-post"])
        #expect(try cluster.check() == [])
    }

    @Test("to correct who it is for gives what could be given to them, and from when it could")
    func correctedAsIssued() throws {
        let cluster = try begin()
        cluster.issue(anna, to: bent, ["tax", "care"], id: "g")
        try cluster.drain()
        func correct(_ id: String, _ grant: String, _ changes: String) {
            cluster.send(
                "grant.correct",
                #"{"grantor":{"cpr":"\#(anna)"},"grant":"\#(grant)","version":1,"changes":\#(changes),"journal":"J-2"}"#,
                id: id, key: anna)
        }
        let (tax, care) = (try grantID(cluster, "g"), try grantID(cluster, "g", 1))
        let toCarl = #"{"representative":{"cpr":"\#(carl)"}}"#
        cluster.clock.advance(days: 40)
        correct("old", tax, #"{"validFrom":"1900-01-01"}"#)
        correct("old-too", tax, #"{"validFrom":"1900-01-01","representative":{"cpr":"\#(carl)"}}"#)
        try cluster.drain()
        #expect(cluster.answer("old") == "rejected invalid-field@changes.validFrom")
        #expect(cluster.answer("old-too") == "rejected invalid-field@changes.validFrom")
        cluster.move(anna, to: "0461", on: "2026-12-01", id: "away")
        try cluster.drain()
        correct("not-here", care, toCarl)
        correct("now", tax, toCarl)
        try cluster.drain()
        #expect(cluster.answer("not-here") == "rejected package-not-activated@grant")
        #expect(cluster.answer("now") == "accepted")
        let living = try cluster.dump().filter { $0.contains(#""table":"received""#) && $0.contains("active") }
        #expect(living.count == 1 && living[0].contains(#""validFrom":"2027-01-03""#))
        let given = try #require(cluster.outcomes(of: "now").first?.text("grants.1.id"))
        cluster.send(
            "package.define",
            #"{"id":"tax","version":2,"title":{"da":"t","en":"t"},"wording":{"da":"w","en":"w"},"kind":"act","scope":"national","kle":["27.60"],"retired":"2026-12-01"}"#,
            id: "retire", key: "package/tax")
        try cluster.drain()
        correct("retired", given, #"{"representative":{"cpr":"\#(bent)"}}"#)
        try cluster.drain()
        #expect(cluster.answer("retired") == "rejected package-retired@grant")
        #expect(try cluster.check() == [])
    }

    @Test("who lets a daughter read the post is exempt no longer; grants are not touched; an exemption by mistake ends")
    func readAccess() throws {
        let cluster = try begin()
        cluster.issue(anna, to: bent, ["tax"], id: "g")
        let form = #""municipality":"0101","form":"FD 001A","journal":"J","caseworker":"x""#
        func exempt(_ id: String) {
            cluster.send(
                "exemption.register",
                #"{"citizen":{"cpr":"\#(anna)"},\#(form),"requestedBy":"citizen","appearedInPerson":true}"#, id: id,
                key: anna)
        }
        func say(_ type: String, _ more: String, id: String) {
            cluster.send(
                type, #"{"citizen":{"cpr":"\#(anna)"}\#(more)}"#, id: id, key: anna, topic: .exemptionCommands)
        }
        let holder = #","holder":{"cpr":"\#(bent)"}"#
        exempt("e1")
        say("mailbox.enrol", #","reason":"automatic""#, id: "m1")
        say("readaccess.grant", holder, id: "r1")
        say("readaccess.withdraw", #","holder":{"cpr":"\#(carl)"}"#, id: "r2")
        say("readaccess.withdraw", holder, id: "r3")
        say("readaccess.withdraw", holder, id: "r4")
        exempt("e2")
        say(
            "exemption.correct", #","municipality":"0101","journal":"J","caseworker":"x","registeredByMistake":false"#,
            id: "x1")
        say(
            "exemption.correct", #","municipality":"0101","journal":"J","caseworker":"x","registeredByMistake":true"#,
            id: "x2")
        say(
            "exemption.correct", #","municipality":"0101","journal":"J","caseworker":"x","registeredByMistake":true"#,
            id: "x3")
        exempt("e3")
        say("mailbox.enrol", #","reason":"voluntary""#, id: "m2")
        try cluster.drain()
        #expect(cluster.answer("m1") == "accepted" && cluster.answer("r1") == "accepted")
        #expect(cluster.answer("r2") == "rejected unknown-readaccess@holder")
        #expect(cluster.answer("r3") == "accepted")
        #expect(cluster.answer("r4") == "rejected unknown-readaccess@holder")
        #expect(cluster.answer("x1") == "rejected invalid-field@registeredByMistake")
        #expect(cluster.answer("x2") == "accepted")
        #expect(cluster.answer("x3") == "rejected not-exempt@citizen")
        #expect(cluster.answer("m2") == "accepted")
        #expect(
            cluster.notifications(to: anna).filter { !$0.hasPrefix("grant") } == [
                "exemption-registered letter", "exemption-lifted digital-post", "readaccess-given digital-post",
                "readaccess-ended digital-post", "exemption-registered letter",
                // Exempt again, with post that nobody has sent: it becomes letters.
                "readaccess-ended letter", "readaccess-given letter", "exemption-lifted letter",
                "exemption-lifted digital-post", "exemption-registered letter", "exemption-lifted letter",
                "exemption-lifted digital-post",
            ])
        #expect(
            cluster.notifications(to: bent) == [
                "grant-received digital-post", "readaccess-given digital-post", "readaccess-ended digital-post",
            ])
        #expect(try cluster.dump().contains { $0.contains(#""table":"grant""#) && $0.contains(#""state":"active""#) })
        #expect(try cluster.check() == [])
    }

    private func says(_ cluster: TestCluster, _ type: String, _ who: String, _ more: String, id: String) {
        cluster.send(
            type, #"{"citizen":{"cpr":"\#(who)"},\#(more)}"#, id: id, key: who,
            topic: type.hasPrefix("move") ? .moveCommands : .exemptionCommands)
    }

    private func states(_ cluster: TestCluster, _ table: String = "grant") throws -> [String] {
        try cluster.dump().filter { $0.contains(#""table":"\#(table)""#) }.compactMap { line in
            line.split(separator: #""state":""#).dropFirst().first.map { String($0.prefix { $0 != "\"" }) }
        }.sorted()
    }

    @Test("a helper dies: the grants end, the citizen is told, the helper's unsent post is withdrawn, nothing revives")
    func helperDies() throws {
        let cluster = try begin()
        cluster.issue(anna, to: bent, ["tax", "care"], id: "g")
        try cluster.drain()
        says(cluster, "move.decease", bent, #""effective":"2026-11-20""#, id: "d")
        says(cluster, "move.decease", bent, #""effective":"2026-11-20""#, id: "d2")
        says(cluster, "move.relocate", bent, #""to":"0101","effective":"2026-11-21""#, id: "m")
        try cluster.drain()
        #expect(cluster.answer("d") == "accepted")
        #expect(cluster.answer("d2") == "rejected citizen-dead@citizen")
        #expect(cluster.answer("m") == "rejected citizen-dead@citizen")
        #expect(try states(cluster) == ["ended", "ended"])
        #expect(try states(cluster, "received") == ["ended", "ended"])
        #expect(
            cluster.notifications(to: anna).sorted()
                == [
                    "cancelled digital-post", "cancelled digital-post", "grant-ended digital-post",
                    "grant-ended digital-post", "grant-given digital-post", "grant-given digital-post",
                ])
        #expect(
            cluster.notifications(to: bent).sorted()
                == [
                    "cancelled digital-post", "cancelled digital-post", "grant-received digital-post",
                    "grant-received digital-post",
                ])
        // Where and by whom the death was registered is not Anna's affair.
        let told = cluster.said(.notifications).filter { $0.text("kind") == "grant-ended" }
        #expect(told.allSatisfy { $0.text("cause.type") == nil && $0.text("cause.id") != "d" })
        #expect(told.allSatisfy { $0.text("sender.cvr") == "11223344" && $0.text("kle") == "23.30.15" })
        // Anna's file knows; Carl's does not, and learns it from Bent's.
        cluster.issue(anna, to: bent, ["tax"], id: "known")
        cluster.issue(carl, to: bent, ["tax"], id: "late")
        try cluster.drain()
        #expect(cluster.answer("known") == "rejected representative-dead@representative")
        #expect(cluster.answer("late") == "accepted")
        #expect(try states(cluster) == ["ended", "ended", "ended"])
        #expect(cluster.notifications(to: bent).count == 4)
        // It was a mistake: what ended stays so, Carl's too, of which Bent is told now; a new grant can be given.
        says(cluster, "move.correct", bent, #""journal":"J","diedByMistake":true"#, id: "alive")
        try cluster.drain()
        let ended = cluster.notifications(to: bent).dropFirst(4)
        #expect(Array(ended) == Array(repeating: "grant-ended digital-post", count: 3))
        cluster.issue(anna, to: bent, ["tax"], id: "again")
        try cluster.drain()
        #expect(cluster.answer("again") == "accepted")
        #expect(try states(cluster) == ["active", "ended", "ended", "ended"])
        #expect(try cluster.check() == [])
    }

    @Test("the citizen dies: grants and requests end, the helper is told, the dead get no post; a mistake is put right")
    func citizenDies() throws {
        let cluster = try begin()
        cluster.issue(anna, to: bent, ["tax"], id: "g")
        request(cluster, #""care""#, id: "ask")
        try cluster.drain()
        says(cluster, "move.decease", anna, #""effective":"2026-11-20""#, id: "d")
        try cluster.drain()
        cluster.issue(anna, to: carl, ["tax"], id: "late")
        says(cluster, "mailbox.enrol", anna, #""reason":"automatic""#, id: "m")
        try cluster.drain()
        #expect(cluster.answer("d") == "accepted")
        #expect(cluster.outcomes(of: "d").first?.text("grants.1.state") == "ended")
        #expect(cluster.answer("late") == "rejected grantor-dead@grantor")
        #expect(cluster.answer("m").hasPrefix("rejected citizen-dead@citizen"))
        #expect(
            cluster.notifications(to: bent) == [
                "grant-received digital-post", "cancelled digital-post", "grant-ended digital-post",
                "grant-ended digital-post",
            ])
        #expect(!cluster.notifications(to: anna).contains { $0.hasPrefix("grant-ended") })
        says(cluster, "move.correct", anna, #""journal":"J","diedByMistake":true"#, id: "alive")
        says(cluster, "move.correct", anna, #""journal":"J","diedByMistake":true"#, id: "alive2")
        try cluster.drain()
        cluster.issue(anna, to: carl, ["tax"], id: "again")
        try cluster.drain()
        #expect(cluster.answer("alive") == "accepted")
        #expect(cluster.answer("alive2") == "rejected invalid-field@diedByMistake")
        #expect(cluster.notifications(to: anna).filter { $0 == "grant-ended digital-post" }.count == 2)
        #expect(cluster.answer("again") == "accepted")
        #expect(try states(cluster) == ["active", "ended", "ended"])
        #expect(try cluster.check() == [])
    }

    @Test("a death and its correction in one batch are told as in two", arguments: [1, 100])
    func diesAndLivesAtOnce(batch: Int) throws {
        let cluster = try begin(batch: batch)
        cluster.issue(anna, to: bent, ["tax"], id: "g")
        try cluster.drain()
        says(cluster, "move.correct", anna, #""journal":"J","diedByMistake":true"#, id: "none")
        cluster.send(
            "move.decease", #"{"citizen":{"cpr":"\#(anna)"},"effective":"2026-11-20"}"#, id: "d", key: anna,
            extensions: [("jobid", "job")])
        says(cluster, "move.correct", anna, #""journal":"J","diedByMistake":true"#, id: "alive")
        try cluster.drain()
        #expect(cluster.answer("none") == "rejected invalid-field@diedByMistake")
        #expect(cluster.answer("alive") == "accepted")
        #expect(
            cluster.notifications(to: anna).sorted() == [
                "cancelled digital-post", "grant-ended digital-post", "grant-given digital-post",
            ])
    }

    @Test("a death dated ahead names its command on its day, job and all")
    func diesLater() throws {
        let cluster = try begin()
        cluster.issue(anna, to: bent, ["tax"], id: "g")
        cluster.send(
            "move.decease", #"{"citizen":{"cpr":"\#(anna)"},"effective":"2026-11-26"}"#, id: "d", key: anna,
            extensions: [("jobid", "job"), ("traceparent", "trace")])
        try cluster.drain()
        cluster.clock.advance(days: 2)
        try cluster.drain()
        let ended = try #require(cluster.said(.notifications).first { $0.text("kind") == "grant-ended" })
        #expect(ended.headers["ce_traceparent"] == "trace" && ended.headers["ce_jobid"] == nil)
        let cancelled = cluster.said(.notifications).filter { $0.text("kind") == "cancelled" }
        #expect(cancelled.compactMap { $0.headers["ce_jobid"] } == ["job"])
    }

    @Test("a citizen emigrates exempted and comes back: grants sleep and wake, the exemption for the departure ends")
    func emigratesAndReturns() throws {
        let cluster = try begin()
        cluster.issue(anna, to: bent, ["care", "tax"], id: "g")
        says(
            cluster, "exemption.register", anna,
            #""municipality":"0101","form":"FD 001A","journal":"J","caseworker":"x","requestedBy":"citizen","appearedInPerson":true,"departure":true"#,
            id: "e")
        try cluster.drain()
        says(cluster, "move.emigrate", anna, #""to":"Sverige","effective":"2026-11-22""#, id: "out")
        try cluster.drain()
        cluster.issue(anna, to: carl, ["care"], id: "abroad")
        says(cluster, "move.immigrate", anna, #""to":"0751","effective":"2026-11-25""#, id: "back")
        try cluster.drain()
        #expect(cluster.outcomes(of: "out").first?.text("grants.0.state") == "dormant")
        #expect((cluster.outcomes(of: "out").first?.json["grants"] as? [Any])?.count == 1)
        #expect(cluster.answer("abroad") == "rejected residence-unknown@packages[0]")
        #expect((cluster.outcomes(of: "back").first?.json["grants"] as? [Any])?.isEmpty == true)
        #expect(try states(cluster) == ["active", "dormant"])
        cluster.clock.advance(days: 3)
        try cluster.drain()
        #expect(try states(cluster) == ["active", "active"])
        #expect(cluster.outcomes(of: "back").count == 1)
        #expect(
            cluster.notifications(to: anna).suffix(3) == [
                "grant-dormant letter", "exemption-lifted digital-post", "grant-awake digital-post",
            ])
        #expect(try cluster.check() == [])
    }

    @Test("a reminder names the command that set the end, extensions and all; to the representative only the trace")
    func reminderNamesJob() throws {
        let cluster = try begin()
        let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        cluster.send(
            "grant.issue",
            #"{"grantor":{"cpr":"\#(anna)"},"representative":{"cpr":"\#(bent)"},"packages":["tax"],"validUntil":"2027-01-31","channel":"digital"}"#,
            id: "g", key: anna, extensions: [("jobid", "job-7"), ("traceparent", trace)])
        cluster.issue(anna, to: carl, ["tax"], id: "plain", until: "2027-01-31")
        try cluster.drain()
        try cluster.stop()
        cluster.clock.advance(days: 45)
        try cluster.drain()
        let told = cluster.said(.notifications).filter { $0.text("kind") == "grant-expiring" }
        func extensions(to digits: String) -> Set<[String?]> {
            Set(
                told.filter { $0.text("recipient.cpr") == digits }.map {
                    [$0.headers["ce_jobid"], $0.headers["ce_traceparent"]]
                })
        }
        #expect(told.count == 4)
        #expect(extensions(to: anna) == [["job-7", trace], [nil, nil]])
        #expect(extensions(to: bent) == [[nil, trace]])
        #expect(extensions(to: carl) == [[nil, nil]])
        #expect(try cluster.check() == [])
    }

    @Test("a grant is over: both are reminded once, thirty days before, and it expires once; a renewed one lives on")
    func expires() throws {
        let cluster = try begin()
        cluster.issue(anna, to: bent, ["tax"], id: "g", until: "2027-01-31")
        cluster.issue(anna, to: bent, ["care"], id: "soon", until: "2026-12-01")
        try cluster.drain()
        for _ in 0..<60 {
            cluster.clock.advance(days: 1)
            try cluster.drain()
        }
        #expect(try states(cluster) == ["active", "expired"])
        #expect(cluster.notifications(to: anna).filter { $0 == "grant-expiring digital-post" }.count == 1)
        #expect(cluster.notifications(to: bent).filter { $0 == "grant-expiring digital-post" }.count == 1)
        let grant = try grantID(cluster, "g")
        cluster.send(
            "grant.renew",
            #"{"grantor":{"cpr":"\#(anna)"},"grant":"\#(grant)","version":1,"validUntil":"2027-06-30"}"#, id: "r",
            key: anna)
        try cluster.drain()
        cluster.clock.advance(days: 100)
        try cluster.drain()
        #expect(try states(cluster) == ["active", "expired"])
        cluster.clock.advance(days: 100)
        try cluster.drain()
        cluster.clock.advance(days: 1)
        try cluster.drain()
        #expect(try states(cluster) == ["expired", "expired"])
        #expect(try states(cluster, "received") == ["expired", "expired"])
        // Stopped from May to July, nobody was reminded in time; an end that is past is no news.
        #expect(cluster.notifications(to: anna).filter { $0 == "grant-expiring digital-post" }.count == 1)
        #expect(try cluster.check() == [])
    }

    @Test("nobody answers: a request lapses on its day, and neither before nor after it is answered")
    func lapses() throws {
        let cluster = try begin()
        request(cluster, #""tax""#, id: "ask")
        try cluster.drain()
        cluster.clock.advance(days: 179)
        try cluster.drain()
        #expect(try states(cluster) == ["requested"])
        cluster.clock.advance(days: 1)
        try cluster.drain()
        #expect(try states(cluster) == ["lapsed"])
        answer(cluster, "approve", "ask", id: "too-late")
        try cluster.drain()
        #expect(cluster.answer("too-late") == "rejected unknown-request@request")
        #expect(cluster.notifications(to: bent) == [])
        #expect(try cluster.check() == [])
    }
}
