import FuldmagtDomain

extension Workload {
    static let administrator = "urn:dk:cvr:55133018:catalogue"
    static let itSystems = ["urn:example:it:1", "urn:example:it:2"]
    static let packageCount = 40

    static func package(_ number: Int) -> String { "example-\(number)" }

    /// Packages 0–9 are offered everywhere, 10–29 in most municipalities, 30–34 in few, 39 nowhere; 35–38 need no
    /// activation. Some set limits: see `packageDefinition`.
    static func isOffered(_ package: Int, in municipality: Municipality) -> Bool {
        let spread = Int(SplitMix64.mixed(UInt64(package) << 16 | UInt64(municipality.code)) % 100)
        switch package {
        case 0..<10: return true
        case 10..<30: return spread < 70
        case 30..<35: return spread < 10
        default: return false
        }
    }

    /// Records that must be in force before the first phase.
    public func catalogue() -> [ModelRecord] {
        var records: [ModelRecord] = []
        func append(_ type: String, _ key: String, _ data: ModelJSON) {
            records.append(
                catalogueRecord(
                    type, key: key, id: "catalogue-\(records.count)", data,
                    at: Self.firstInstant - Self.dayLength + Int64(records.count)))
        }
        for system in Self.itSystems {
            append(
                "itsystem.define", "itsystem/\(system)",
                .members([
                    "id": .string(system), "name": .string("Eksempel"),
                    "supplier": .members(["cvr": .string(companies[0]), "name": .string("Leverandør A/S")]),
                ]))
        }
        append(
            "authority.define", "authority/55133018",
            .members([
                "cvr": .string("55133018"), "name": .string("Eksempel Kommune"), "municipality": .string("0751"),
                "contact": .members([
                    "name": .string("Borgerservice"), "phone": .string("89402000"),
                    "url": .string("https://example.org"),
                ]),
                "roles": .array(["grant", "move", "exemption", "catalogue"].map { ModelJSON.string($0) }),
            ]))
        for number in 0..<Self.packageCount {
            append("package.define", "package/\(Self.package(number))", Self.packageDefinition(number, version: 1))
        }
        for municipality in municipalities {
            for number in 0..<Self.packageCount where Self.isOffered(number, in: municipality) {
                let system = Self.itSystems[number % 2]
                append(
                    "activation.set", "activation/\(municipality)/\(Self.package(number))/\(system)",
                    Self.activation(municipality, number, system, from: "2026-01-01", until: nil))
            }
        }
        return records
    }

    static func activation(
        _ municipality: Municipality, _ package: Int, _ system: String, from: String, until: String?
    ) -> ModelJSON {
        ModelJSON.members([
            "municipality": .string(municipality.description), "package": .string(Self.package(package)),
            "itSystem": .string(system), "from": .string(from),
        ]).setting("until", until.map { ModelJSON.string($0) })
    }

    static func packageDefinition(_ number: Int, version: Int) -> ModelJSON {
        let scope =
            switch number {
            case 35...37: "national"
            case 38: "itSystem"
            default: "municipal"
            }
        var data = ModelJSON.members([
            "id": .string(package(number)), "version": .number(Double(version)),
            "title": .members(["da": .string("Eksempel \(number)"), "en": .string("Example \(number)")]),
            "wording": .members([
                "da": .string("Jeg giver fuldmagt til at handle for mig på dette område."),
                "en": .string("I give power of attorney to act for me in this area."),
            ]),
            "kind": .string(["act", "contact", "read"][number % 3]), "scope": .string(scope),
            "kle": .array([.string(["27.60", "32.06", "27.*", "15.20"][number % 4])]),
        ])
        if scope == "itSystem" { data = data.setting("itSystem", .string(itSystems[0])) }
        switch number {
        case 2: data = data.setting("minimumAge", .number(18))
        case 3: data = data.setting("representativeMinimumAge", .number(18))
        case 4: data = data.setting("maxValidityDays", .number(365))
        case 5: data = data.setting("maxValidityDays", .number(30))
        case 6: data = data.setting("minimumAge", .number(0)).setting("representativeMinimumAge", .number(0))
        case 7, 34: data = data.setting("retired", .string(number == 7 ? "2026-02-01" : "2026-03-02"))
        case 8: data = data.setting("retired", .string("2026-04-01")).setting("successor", .string(package(9)))
        default: break
        }
        return data
    }

    func catalogueRecord(_ type: String, key: String, id: String, _ data: ModelJSON, at timestamp: Int64)
        -> ModelRecord
    {
        let headers = [
            ("ce_specversion", "1.0"), ("ce_id", id), ("ce_type", "dk.fuldmagt.\(type).v1"),
            ("ce_source", Self.administrator), ("content-type", "application/json"),
        ]
        return ModelRecord(
            topic: .catalogue, partition: nil, key: Array(key.utf8), headers: headers.map { ($0.0, Array($0.1.utf8)) },
            value: Array(data.written.utf8), timestamp: timestamp)
    }
}
