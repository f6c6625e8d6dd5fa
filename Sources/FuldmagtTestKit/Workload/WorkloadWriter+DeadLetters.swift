import FuldmagtDomain

extension WorkloadWriter {
    /// A record that cannot be read, or says of nobody: each kind in turn.
    mutating func deadLetter(_ circle: Int) -> ModelRecord {
        let digits = workload.people[random.pick(residents[circle])].digits
        let data = ModelJSON.members([
            "citizen": .members(["cpr": .string(digits)]), "to": .string("0751"),
            "effective": .string(today.description),
        ])
        var command = make(.moveCommands, "move.relocate", digits, data)
        nextFault += 1
        clock += Int64(1 + random.below(3))
        if nextFault % 32 < 9 {
            command.data = unusable(data, nextFault % 32)
            return record(command, envelope(command, command.data.written, mayBeStructured: true))
        }
        var envelope = envelope(command, data.written, mayBeStructured: nextFault % 32 < 24)
        var topic = command.topic
        damage(&envelope, &topic, nextFault % 32)
        command.topic = topic
        var record = record(command, envelope)
        switch nextFault % 32 {
        case 24: record.value = nil
        case 25: record.value = []
        case 26: record.value = Array(data.written.utf8.dropLast(3)) + [0xc3, 0x28] + Array("\"}".utf8)
        default: break
        }
        if random.chance(1, of: 8) { record.key = nil }
        return record
    }

    private mutating func envelope(_ command: WorkloadCommand, _ data: String, mayBeStructured: Bool)
        -> WorkloadEnvelope
    {
        WorkloadEnvelope(
            command, data: data, time: "2026-03-02T07:00:00+01:00",
            isStructured: mayBeStructured && random.chance(1, of: 4))
    }

    /// Data that names no usable citizen.
    private func unusable(_ data: ModelJSON, _ kind: Int) -> ModelJSON {
        switch kind {
        case 0: data.setting("citizen", nil)
        case 1: data.setting("citizen", .members(["cpr": .string("61010")]))
        // 31 February; a birth that is yet to come.
        case 2: data.setting("citizen", .members(["cpr": .string("9102801234")]))
        case 3: data.setting("citizen", .members(["cpr": .string("6101364123")]))
        case 4: data.setting("citizen", .members(["cvr": .string("12345678")]))
        case 5: data.setting("citizen", .members(["navn": .string("Hansen")]))
        case 6: data.setting("citizen", .string("6101701234"))
        case 7: data.setting("citizen", .members(["cpr": .number(6_101_701_234)]))
        default: .array([data])
        }
    }

    /// 9–23 something in the envelope, 24–26 nothing here, 27–31 something in the text.
    private func damage(_ envelope: inout WorkloadEnvelope, _ topic: inout Topic, _ kind: Int) {
        switch kind {
        case 9: envelope.set("id", nil)
        case 10: envelope.set("source", nil)
        case 11: envelope.set("type", nil)
        case 12: envelope.set("specversion", nil)
        case 13: envelope.set("specversion", "0.3")
        case 14: envelope.set("source", "https://example.org")
        case 15: envelope.set("source", "urn:dk:cvr:1234567")
        case 16: envelope.set("id", String(repeating: "x", count: 129))
        case 17: envelope.set("time", "yesterday")
        case 18:
            envelope.isStructured = false
            envelope.contentType = "text/plain"
        case 19: envelope.set("type", "dk.fuldmagt.grant.bestow.v1")
        case 20: envelope.set("type", "org.example.move")
        case 21: envelope.set("type", "dk.fuldmagt.move.relocate.v2")
        case 22: topic = .grantCommands
        case 23: topic = .exemptionCommands
        case 27: envelope.data = String(envelope.data.dropLast())
        case 28: envelope.data += "{}"
        case 29: envelope.data = "{\"to\":\"0751\"," + envelope.data.dropFirst()
        case 30: envelope.data = String(repeating: "[", count: 3000) + String(repeating: "]", count: 3000)
        case 31:
            let filling = String(repeating: "x", count: workload.options.hasLargeValues ? 1 << 20 : 0)
            envelope.data = envelope.data.dropLast() + ",\"note\":\"" + filling + (filling.isEmpty ? "" : "\"}")
        default: break
        }
    }

    /// Changes to the catalogue, each about another municipality and package.
    mutating func catalogueChanges(number: Int) -> [ModelRecord] {
        var records: [ModelRecord] = []
        var touched: Set<ModelOffer> = []
        let people = homes.keys.sorted()
        while records.count < 30 {
            clock += Int64(1 + random.below(3))
            let id = "change-\(number)-\(records.count)"
            if records.count % 6 == 5 {
                records.append(otherChange(id))
                continue
            }
            let person = random.pick(people)
            guard let home = homes[person], home.isMunicipality else { continue }
            let named = (issued[person] ?? []).flatMap(\.packages).filter { $0 != Workload.package(7) }
            let package = (10..<35).map(Workload.package).filter { named.contains($0) }.first
            let chosen = package ?? Workload.package(random.below(35))
            let offer = ModelOffer(municipality: home, package: chosen)
            guard touched.insert(offer).inserted else { continue }
            records.append(toggled(offer, id))
        }
        return records
    }

    /// Ends or begins an activation, now or in some days.
    private mutating func toggled(_ offer: ModelOffer, _ id: String) -> ModelRecord {
        let number = Int(offer.package.dropFirst("example-".count)) ?? 0
        let system = Workload.itSystems[number % 2]
        let wait = workload.options.hasTimedActivations && random.chance(1, of: 4) ? 1 + random.below(10) : 0
        let isOffered = Workload.isOffered(number, in: offer.municipality) != closed.contains(offer)
        if closed.remove(offer) == nil { closed.insert(offer) }
        let data =
            isOffered
            ? Workload.activation(
                offer.municipality, number, system, from: "2026-01-01",
                until: today.adding(days: wait - 1).description)
            : Workload.activation(
                offer.municipality, number, system, from: today.adding(days: wait).description, until: nil)
        return workload.catalogueRecord(
            "activation.set", key: "activation/\(offer.municipality)/\(offer.package)/\(system)", id: id, data,
            at: clock)
    }

    /// A new version of a package, or a record that is wrong and changes nothing.
    private mutating func otherChange(_ id: String) -> ModelRecord {
        let system = Workload.itSystems[0]
        let wrong = Workload.packageDefinition(1, version: 1).setting("id", .string("example-wrong"))
        switch random.below(5) {
        case 0:
            let data = Workload.activation(municipalities[0], 1, system, from: "2026-01-01", until: nil)
                .setting("municipality", .string("0411"))
            return workload.catalogueRecord(
                "activation.set", key: "activation/0411/example-1/\(system)", id: id, data, at: clock)
        case 1:
            return workload.catalogueRecord(
                "package.define", key: "package/example-wrong", id: id,
                wrong.setting("kle", .array([.string("27.60"), .string("99.10")])), at: clock)
        case 2:
            return workload.catalogueRecord(
                "package.define", key: "package/example-wrong", id: id, wrong.setting("kind", .string("vote")),
                at: clock)
        default:
            let number = 10 + random.below(20)
            versions[number, default: 1] += 1
            return workload.catalogueRecord(
                "package.define", key: "package/\(Workload.package(number))", id: id,
                Workload.packageDefinition(number, version: versions[number] ?? 1), at: clock)
        }
    }
}
