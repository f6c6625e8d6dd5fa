extension Contract {
    private static let grantor = ContractField(
        "grantor", .person, "the citizen who gives the grant: {\"cpr\": ten characters}")
    private static let citizen = ContractField("citizen", .person, "whom it concerns: {\"cpr\": ten characters}")
    private static let anyCitizen = ContractField(
        "citizen", .party, "whom it concerns: {\"cpr\": ten characters} or {\"cvr\": eight digits}")
    private static let representative = ContractField(
        "representative", .party, "who receives the grant: {\"cpr\": ten characters} or {\"cvr\": eight digits}")
    private static let packages = ContractField(
        "packages", .set(.text(limit: 128), 1...50), "1 to 50 ids of packages in the catalogue, each once")
    private static let validFrom = ContractField.optional(
        "validFrom", .day,
        "first day, YYYY-MM-DD; at most 30 days back unless on paper; the day of the command if left out")
    private static let validUntil = ContractField(
        "validUntil", .day, "last day, YYYY-MM-DD; not before today, and within the package's limit")
    private static let channel = ContractField(
        "channel", .choice(Channel.allCases.map(\.rawValue)), "digital, paper or assisted")
    private static let evidence = ContractField.optional(
        "evidence",
        .object([
            ContractField("journal", .text(limit: 256), "reference of the archived form; a CPR number is not kept"),
            ContractField("caseworker", .text(limit: 256), "id of the employee"),
            ContractField(
                "identification", .choice(Identification.allCases.map(\.rawValue)), "how the employee knew the citizen"),
            .optional(
                "assessment",
                .object([
                    ContractField("possibilities", .text(limit: 4096), "what else was considered, in words"),
                    ContractField("consequences", .text(limit: 4096), "what was explained, in words"),
                    ContractField("citizenPresent", .flag, "whether the citizen was there"),
                    ContractField("decidedOn", .day, "YYYY-MM-DD"),
                ]), "the needs assessment; required when the channel is assisted"),
        ]), "what is on file; required unless the channel is digital")
    private static let request = ContractField("request", .text(limit: 512), "the command id of the request")
    private static let grant = ContractField("grant", .text(limit: 64), "id of the grant, from an outcome")
    private static let seen = ContractField(
        "version", .number(1...1_000_000_000), "the grant's version as it was last seen")
    private static let effective = ContractField("effective", .day, "the day it takes effect, YYYY-MM-DD")
    private static let registeredAt = ContractField.optional(
        "registeredAt", .instant, "when the register noted it; decides between moves of one day")
    private static let municipality = ContractField(
        "municipality", .municipality, "code of the municipality that decides, four digits")

    static let grants: [ContractRecord] = [
        command(
            "grant.issue", "Give a grant: all packages or none.",
            [grantor, representative, packages, validFrom, validUntil, channel, evidence],
            """
            {"grantor":{"cpr":"6101500014"},"representative":{"cpr":"6202800015"},"packages":["tax-example"],
             "validUntil":"2030-01-01","channel":"paper","evidence":{"journal":"EX-1","caseworker":"example-1",
             "identification":"passport"}}
            """),
        command(
            "grant.request", "Ask a citizen for a grant; valid only once approved.",
            [grantor, representative, packages, validFrom, validUntil],
            """
            {"grantor":{"cpr":"6101500014"},"representative":{"cvr":"99000007"},"packages":["tax-example"],
             "validUntil":"2030-01-01"}
            """),
        command(
            "grant.approve", "Say yes to a request.", [grantor, request, channel, evidence],
            #"{"grantor":{"cpr":"6101500014"},"request":"request-1","channel":"digital"}"#),
        command(
            "grant.decline", "Say no to a request.", [grantor, request, channel],
            #"{"grantor":{"cpr":"6101500014"},"request":"request-1","channel":"digital"}"#),
        command(
            "grant.revoke", "End a grant at once: by its id, or by representative and packages.",
            [
                grantor, .optional("grant", .text(limit: 64), "id of the grant, from an outcome"),
                .optional("representative", .party, "who lost the grant; with packages, where no id is given"),
                .optional("packages", .set(.text(limit: 128), 1...50), "with representative; 1 to 50, each once"),
                ContractField("by", .choice(GrantRevoke.Actor.allCases.map(\.rawValue)), "who asks for it"),
                .optional("reason", .text(limit: 1024), "kept in the history, without CPR numbers"),
            ],
            #"{"grantor":{"cpr":"6101500014"},"representative":{"cpr":"6202800015"},"packages":["tax-example"],"by":"grantor"}"#
        ),
        command(
            "grant.renew", "Give a grant a later end.", [grantor, grant, seen, validUntil],
            """
            {"grantor":{"cpr":"6101500014"},"grant":"00000000-0000-4000-8000-000000000000","version":1,
             "validUntil":"2031-01-01"}
            """),
        command(
            "grant.correct", "Correct a registration; another representative is a revocation and a new grant in one.",
            [
                grantor, grant, seen,
                ContractField(
                    "changes",
                    .someOf([
                        .optional("validFrom", .day, "YYYY-MM-DD"), .optional("validUntil", .day, "YYYY-MM-DD"),
                        .optional("representative", .party, "the right one"),
                    ]), "at least one of validFrom, validUntil and representative"),
                ContractField("journal", .text(limit: 256), "reference of what shows the mistake"),
            ],
            """
            {"grantor":{"cpr":"6101500014"},"grant":"00000000-0000-4000-8000-000000000000","version":1,
             "changes":{"validUntil":"2029-01-01"},"journal":"EX-2"}
            """),
    ]

    static let moves: [ContractRecord] = [
        command(
            "move.relocate", "A citizen lives in another municipality.",
            [
                citizen, .optional("from", .municipality, "code of the former municipality"),
                ContractField("to", .municipality, "code of the municipality, four digits"), effective,
                registeredAt,
            ], #"{"citizen":{"cpr":"6101500014"},"from":"0101","to":"0751","effective":"2026-11-01"}"#),
        command(
            "move.emigrate", "A citizen leaves the country.",
            [citizen, effective, .optional("to", .text(limit: 256), "a country; not kept"), registeredAt],
            #"{"citizen":{"cpr":"6101500014"},"effective":"2026-11-01","to":"Example country"}"#),
        command(
            "move.immigrate", "A citizen comes back.",
            [
                citizen, effective, .optional("to", .municipality, "code of the municipality, where it is known"),
                registeredAt,
            ],
            #"{"citizen":{"cpr":"6101500014"},"effective":"2026-11-01","to":"0751"}"#),
        command(
            "move.decease", "A citizen died: grants given and received end.", [citizen, effective],
            #"{"citizen":{"cpr":"6101500014"},"effective":"2026-11-01"}"#),
        command(
            "move.renumber", "A citizen gets another CPR number: everything follows them.",
            [citizen, ContractField("newCpr", .cpr, "the new CPR number, ten characters"), effective],
            #"{"citizen":{"cpr":"6101500014"},"newCpr":"6101500022","effective":"2026-11-01"}"#),
        command(
            "move.correct", "A death was entered by mistake.",
            [
                citizen, ContractField("journal", .text(limit: 256), "reference of what shows the mistake"),
                ContractField("diedByMistake", .confirmed, "true"),
            ], #"{"citizen":{"cpr":"6101500014"},"journal":"EX-3","diedByMistake":true}"#),
    ]

    static let exemptions: [ContractRecord] = [
        command(
            "exemption.register", "A citizen or company receives public post on paper. The ground is not asked.",
            [
                anyCitizen, municipality, ContractField("form", .text(limit: 64), "the form's number: FD 001A"),
                ContractField("journal", .text(limit: 256), "reference of the archived form; a CPR number is not kept"),
                ContractField("caseworker", .text(limit: 256), "id of the employee"),
                ContractField(
                    "requestedBy", .choice(ExemptionRegister.Requester.allCases.map(\.rawValue)), "who asked for it"),
                ContractField("appearedInPerson", .flag, "whether the citizen came themselves"),
                .optional("departure", .flag, "because the citizen leaves the country"),
                .optional("validUntil", .day, "last day, YYYY-MM-DD; without one it is open-ended"),
            ],
            """
            {"citizen":{"cpr":"6101500014"},"municipality":"0101","form":"FD 001A","journal":"EX-4",
             "caseworker":"example-1","requestedBy":"citizen","appearedInPerson":true}
            """),
        command(
            "exemption.lift", "Digital Post again.",
            [
                anyCitizen, .optional("municipality", .municipality, "code of the municipality that decides"),
                .optional("journal", .text(limit: 256), "reference"),
                ContractField("by", .choice(ExemptionLift.Actor.allCases.map(\.rawValue)), "who asked for it"),
            ], #"{"citizen":{"cpr":"6101500014"},"by":"citizen"}"#),
        command(
            "exemption.correct", "The exemption was registered by mistake.",
            [
                anyCitizen, municipality,
                ContractField("journal", .text(limit: 256), "reference of what shows the mistake"),
                ContractField("caseworker", .text(limit: 256), "id of the employee"),
                ContractField("registeredByMistake", .confirmed, "true"),
            ],
            """
            {"citizen":{"cpr":"6101500014"},"municipality":"0101","journal":"EX-5","caseworker":"example-1",
             "registeredByMistake":true}
            """),
        readAccess("readaccess.grant", "Somebody may read the citizen's Digital Post. Lifts an exemption."),
        readAccess("readaccess.withdraw", "They may no longer."),
        command(
            "mailbox.enrol", "A mailbox for a citizen: automatic enrolment passes over the exempt.",
            [
                anyCitizen,
                ContractField("reason", .choice(MailboxEnrol.Cause.allCases.map(\.rawValue)), "automatic or voluntary"),
            ], #"{"citizen":{"cpr":"6101500014"},"reason":"automatic"}"#),
    ]

    private static func readAccess(_ name: String, _ summary: String) -> ContractRecord {
        command(
            name, summary,
            [
                anyCitizen, ContractField("holder", .party, "who may read"),
                .optional("journal", .text(limit: 256), "reference"),
                .optional("caseworker", .text(limit: 256), "id of the employee"),
                .optional("validUntil", .day, "last day, YYYY-MM-DD"),
            ], #"{"citizen":{"cpr":"6101500014"},"holder":{"cpr":"6202800015"}}"#)
    }

    private static func command(
        _ name: String, _ summary: String, _ fields: [ContractField], _ example: String
    ) -> ContractRecord {
        let topic: Topic =
            name.hasPrefix("grant") ? .grantCommands : name.hasPrefix("move") ? .moveCommands : .exemptionCommands
        return ContractRecord(
            name: name, topic: topic, summary: summary, fields: fields, example: example,
            key: "CPR number of the citizen, or CVR number of the company, whose state changes")
    }
}
