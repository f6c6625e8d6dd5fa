extension Contract {
    private static let id = ContractField(
        "id", ContractKind.identifier, "1 to 128 characters, no slash, no white space")
    private static func bilingual(_ name: String, _ limit: Int, _ text: String) -> ContractField {
        ContractField(
            name,
            .object([
                ContractField("da", .text(limit: limit), "in Danish"),
                ContractField("en", .text(limit: limit), "in English"),
            ]), text)
    }

    static let catalogue: [ContractRecord] = [
        ContractRecord(
            name: "package.define", topic: .catalogue,
            summary: "A package of rights, in a version. A grant keeps the wording it was given under.",
            fields: [
                id, ContractField("version", .number(1...1_000_000), "counts from 1"),
                bilingual("title", 200, "as citizens see it"), bilingual("wording", 8192, "what the grantor agrees to"),
                ContractField("kind", .choice(Package.Kind.allCases.map(\.rawValue)), "what it lets the helper do"),
                ContractField("scope", .choice(Package.Scope.allCases.map(\.rawValue)), "where it works"),
                .optional("itSystem", .text(limit: 256), "required for scope itSystem"),
                ContractField(
                    "kle", .list(ContractKind.klePattern, 1...100), "KLE numbers or patterns: 27.60, 27.60.20, 27.*"),
                .optional("minimumAge", .number(0...130), "years; 15 if left out"),
                .optional("representativeMinimumAge", .number(0...130), "years; 15 if left out"),
                .optional("maxValidityDays", .number(1...36_525), "days from today"),
                .optional("successor", .text(limit: 128), "id of the package that takes its place"),
                .optional("retired", .day, "from this day on it can no longer be given"),
            ],
            example: """
                {"id":"tax-example","version":1,"title":{"da":"Eksempel","en":"Example"},
                 "wording":{"da":"Jeg giver fuldmagt.","en":"I give power of attorney."},"kind":"act",
                 "scope":"national","kle":["32.06"]}
                """, key: "package/<id>"),
        ContractRecord(
            name: "activation.set", topic: .catalogue, summary: "A municipality offers a package in an it-system.",
            fields: [
                ContractField("municipality", .municipality, "code of the municipality, four digits"),
                ContractField("package", ContractKind.identifier, "id of the package"),
                ContractField("itSystem", .text(limit: 256), "entity id of the it-system"),
                ContractField("from", .day, "first day, YYYY-MM-DD"),
                .optional("until", .day, "last day, YYYY-MM-DD"),
            ],
            example:
                #"{"municipality":"0101","package":"tax-example","itSystem":"urn:example:system","from":"2026-01-01"}"#,
            key: "activation/<municipality>/<package>/<itSystem>"),
        ContractRecord(
            name: "itsystem.define", topic: .catalogue, summary: "The it-system that a supplier runs.",
            fields: [
                ContractField("id", .text(limit: 256), "entity id"),
                ContractField("name", .text(limit: 256), "its name"),
                ContractField(
                    "supplier",
                    .object([
                        ContractField("cvr", ContractKind.cvr, "eight digits"),
                        ContractField("name", .text(limit: 256), "its name"),
                    ]), "who runs it"),
                .optional("replaces", .text(limit: 256), "entity id of the one it takes the place of"),
                .optional("privileges", .texts, "privilege names by package id"),
            ],
            example: #"{"id":"urn:example:system","name":"Example","supplier":{"cvr":"99000007","name":"Example"}}"#,
            key: "itsystem/<id>"),
        ContractRecord(
            name: "authority.define", topic: .catalogue, summary: "An authority that may send commands.",
            fields: [
                ContractField("cvr", ContractKind.cvr, "eight digits"),
                ContractField("name", .text(limit: 256), "its name"),
                .optional("municipality", .municipality, "code, where the authority is one"),
                ContractField(
                    "contact",
                    .object([
                        ContractField("name", .text(limit: 256), "whom to ask for"),
                        ContractField("phone", .text(limit: 256), "phone number"),
                        ContractField("url", .text(limit: 1024), "where to read more"),
                    ]), "whom citizens contact"),
                ContractField(
                    "roles", .list(.choice(Authority.Role.allCases.map(\.rawValue)), 0...4), "which topics it may write"
                ),
            ],
            example: """
                {"cvr":"99000007","name":"Example","contact":{"name":"Example","phone":"00 00 00 00",
                 "url":"https://authority.example"},"roles":["grant"]}
                """, key: "authority/<cvr>"),
    ]

    private static let reason = ContractKind.object([
        ContractField("code", .choice(ReasonCode.allCases.map(\.rawValue)), "a stable code"),
        .optional("field", .text(limit: 512), "path of the offending field in the data"),
        ContractField("da", .text(limit: 4096), "in Danish"), ContractField("en", .text(limit: 4096), "in English"),
    ])
    private static let line = ContractKind.object([
        ContractField("id", .text(limit: 36), "id of the grant"),
        ContractField("package", .text(limit: 128), "id of the package"),
        ContractField("state", .choice(GrantState.allCases.map(\.rawValue)), "as it is now"),
        ContractField("version", .number(1...1_000_000_000), "raised by renew and correct"),
        ContractField("validUntil", .day, "last day"),
    ])

    static let outputs: [ContractRecord] = [
        ContractRecord(
            name: "outcome", topic: .outcomes, summary: "What a command came to: one for each, never half applied.",
            fields: [
                ContractField(
                    "command",
                    .object([
                        ContractField("id", .text(limit: 512), "the command's ce_id"),
                        ContractField("type", .text(limit: 256), "its ce_type"),
                        ContractField("source", .text(limit: 256), "its ce_source"),
                    ]), "which command"),
                ContractField(
                    "status", .choice(["accepted", "rejected", "parked"]), "all of it, none of it, or later"),
                ContractField("reasons", .list(reason, 0...1000), "of a rejection, all that were found"),
                ContractField("grants", .list(line, 0...10_000), "those it changed, as they are now"),
                ContractField("decidedAt", .instant, "the time that counted"),
                ContractField(
                    "position",
                    .object([
                        ContractField("topic", .text(limit: 256), "topic"),
                        ContractField("partition", .number(0...1_000_000), "partition"),
                        ContractField("offset", .number(0...Int.max), "offset"),
                    ]), "where the command was first written"),
            ],
            example: """
                {"command":{"id":"g-1","type":"dk.fuldmagt.grant.issue.v1","source":"urn:dk:cvr:99000007"},
                 "status":"accepted","reasons":[],"grants":[{"id":"2f1c6c1e-6f0a-4c57-9a51-2f1c6c1e6f0a",
                 "package":"tax-example","state":"active","version":1,"validUntil":"2030-01-01"}],
                 "decidedAt":"2026-11-22T10:00:00.000Z",
                 "position":{"topic":"fuldmagt.commands.grant","partition":3,"offset":42}}
                """, key: "the command's id"),
        ContractRecord(
            name: "notification", topic: .notifications,
            summary:
                "What a party is to be told; a second record with the same id withdraws it (kind cancelled) or has it sent by letter instead.",
            fields: [
                ContractField("id", .text(limit: 36), "form of a UUID version 4, the same for a repeat"),
                ContractField(
                    "kind", .choice(NotificationKind.allCases.map(\.rawValue) + ["cancelled"]), "what it says"),
                ContractField("recipient", .party, "whom to tell"),
                ContractField("channel", .choice(PostChannel.allCases.map(\.rawValue)), "letter for the exempt"),
                .optional("grant", .text(limit: 36), "id of the grant"),
                ContractField("title", .text(limit: 150), "in Danish"),
                ContractField("body", .text(limit: 4096), "in Danish"),
                ContractField("language", .choice(["da"]), "language of title and body"),
                ContractField("kle", .text(limit: 16), "KLE number"),
                ContractField(
                    "sender",
                    .object([
                        ContractField("cvr", .text(limit: 8), "eight digits"),
                        ContractField("name", .text(limit: 256), "its name"),
                    ]), "in whose name"),
                ContractField(
                    "cause",
                    .object([
                        ContractField(
                            "id", .text(limit: 512), "the command's id; a keyed hash of it for anyone but the citizen"),
                        .optional("type", .text(limit: 256), "left out for anyone but the citizen"),
                    ]), "what brought it about"),
                ContractField("createdAt", .instant, "time of the cause"),
            ],
            example: """
                {"id":"2f1c6c1e-6f0a-4c57-9a51-2f1c6c1e6f0a","kind":"grant-received","recipient":{"cpr":"6202800015"},
                 "channel":"digital-post","grant":"2f1c6c1e-6f0a-4c57-9a51-2f1c6c1e6f0b","title":"Du har fået en fuldmagt",
                 "body":"Du har fået fuldmagt til “Eksempel”. Den gælder til og med 1. januar 2030.","language":"da",
                 "kle":"23.30.15","sender":{"cvr":"99000007","name":"Example"},"cause":{"id":"0123456789abcdef"},
                 "createdAt":"2026-11-22T10:00:00.000Z"}
                """, key: "the recipient's pseudonym"),
        ContractRecord(
            name: "receipt", topic: .receipts, summary: "What a transport says happened to a notification.",
            fields: [
                ContractField("notification", ContractKind.uuid, "its id"),
                ContractField("transport", .choice(["digital-post", "letter"]), "which one"),
                ContractField(
                    "status", .choice(["submitted", "accepted", "delivered", "failed", "returned"]), "what happened"),
                .optional("code", .text(limit: 64), "the transport's own"),
                .optional("detail", .text(limit: 1024), "no personal data"), ContractField("at", .instant, "when"),
            ],
            example: """
                {"notification":"2f1c6c1e-6f0a-4c57-9a51-2f1c6c1e6f0a","transport":"digital-post","status":"delivered",
                 "at":"2026-11-22T10:00:00Z"}
                """, key: "as the notification's; partition: the header fm_shard"),
        ContractRecord(
            name: "task", topic: .tasks,
            summary: "Somebody was not told what they should have been: a caseworker sees to it.",
            fields: [
                ContractField("id", .text(limit: 36), "form of a UUID version 4, the same for a repeat"),
                ContractField("reason", .choice(TaskReason.allCases.map(\.rawValue)), "why"),
                ContractField("notification", .text(limit: 36), "id of the notification"),
                ContractField("kind", .choice(NotificationKind.allCases.map(\.rawValue)), "what it says"),
                ContractField("citizen", .text(limit: 32), "the recipient's pseudonym: no number stands in a task"),
                .optional("grant", .text(limit: 36), "id of the grant"),
                ContractField(
                    "sender",
                    .object([
                        ContractField("cvr", .text(limit: 8), "eight digits"),
                        ContractField("name", .text(limit: 256), "its name"),
                    ]), "in whose name the notification was"),
                ContractField(
                    "cause",
                    .object([
                        ContractField("id", .text(limit: 512), "the receipt's, or the notification's where none came"),
                        ContractField("type", .text(limit: 256), "its ce_type"),
                    ]), "what brought it about"),
                ContractField("createdAt", .instant, "when it was found"),
            ],
            example: """
                {"id":"2f1c6c1e-6f0a-4c57-9a51-2f1c6c1e6f0c","reason":"letter-returned",
                 "notification":"2f1c6c1e-6f0a-4c57-9a51-2f1c6c1e6f0a","kind":"grant-received",
                 "citizen":"0123456789abcdef0123456789abcdef","grant":"2f1c6c1e-6f0a-4c57-9a51-2f1c6c1e6f0b",
                 "sender":{"cvr":"99000007","name":"Example"},
                 "cause":{"id":"r-1","type":"dk.fuldmagt.receipt.v1"},"createdAt":"2026-11-22T10:00:00.000Z"}
                """, key: "the notification's id"),
    ]
}
