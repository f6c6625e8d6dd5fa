import FuldmagtDomain

/// What the workloads of new numbers share.
extension Workload {
    /// Packages of which one needs no activation, and one needs it.
    static let smallPackages = [package(35), package(0)]

    /// The catalogue, a day before everything else: both of them, the second activated in one municipality.
    func smallCatalogue(activatedIn municipality: Municipality) -> Phase {
        let start = Self.firstInstant - Self.dayLength
        var records: [ModelRecord] = []
        func append(_ type: String, _ key: String, _ data: ModelJSON) {
            records.append(
                catalogueRecord(
                    type, key: key, id: "catalogue-\(records.count)", data, at: start + Int64(records.count)))
        }
        let system = Self.itSystems[0]
        append(
            "itsystem.define", "itsystem/\(system)",
            .members([
                "id": .string(system), "name": .string("Eksempel"),
                "supplier": .members(["cvr": .string(companies[0]), "name": .string("Leverandør A/S")]),
            ]))
        for number in [0, 35] {
            append("package.define", "package/\(Self.package(number))", Self.packageDefinition(number, version: 1))
        }
        append(
            "activation.set", "activation/\(municipality)/\(Self.package(0))/\(system)",
            Self.activation(municipality, 0, system, from: "2026-01-01", until: nil))
        return Phase(start: Instant(milliseconds: start), records: records)
    }

    /// A command as a producer writes it that has nothing else in mind.
    /// - Parameters:
    ///   - citizen: the number that the command names as the citizen's.
    ///   - time: milliseconds since 1970.
    func plainRecord(_ name: String, id: String, citizen: String, _ data: ModelJSON, at time: Int64) -> ModelRecord {
        let topic: Topic =
            name.hasPrefix("grant.") ? .grantCommands : name.hasPrefix("move.") ? .moveCommands : .exemptionCommands
        let command = WorkloadCommand(
            topic: topic, name: name, source: WorkloadWriter.sources[0], id: id, data: data, citizen: citizen)
        let envelope = WorkloadEnvelope(command, data: data.written, time: nil, isStructured: false)
        return ModelRecord(
            topic: topic, partition: partition(of: citizen), key: Array(citizen.utf8), headers: envelope.headers,
            value: envelope.value, timestamp: time)
    }
}
