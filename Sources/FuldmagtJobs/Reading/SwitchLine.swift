import FuldmagtDomain
import FuldmagtJSON

/// A line of a supplier switch: from a day on, another it-system serves a municipality.
public struct SwitchLine: Hashable, Sendable {
    public var municipality: Municipality
    public var oldItSystem: String
    public var newItSystem: String
    /// The first day of the new it-system.
    public var from: Day
    /// Packages that are switched; nil for all that the old it-system offers there.
    public var packages: [String]?
    /// Whether the old it-system is given up altogether: grants bound to it go on as a successor, or end, wherever their
    /// grantors live.
    public var isReplaced: Bool

    init(_ values: LineMapper.Values) throws(LineMapper.Faults) {
        var faults: [LineFault] = []
        func text(_ name: String) -> String? {
            if case .text(let text)? = values[name] { return text }
            faults.append(LineFault(.missing, column: values.columns[name], field: name))
            return nil
        }
        func fault(_ form: LineFault.Form, _ name: String) {
            faults.append(LineFault(form, column: values.columns[name], field: name))
        }
        let code = text("municipality")
        let municipality = code.flatMap { Municipality($0) }
        if code != nil, municipality?.isMunicipality != true { fault(.municipality, "municipality") }
        let (old, new) = (text("oldItSystem"), text("newItSystem"))
        if let old, old == new { fault(.sameSystem, "newItSystem") }
        let from = text("from").flatMap { Day($0) }
        guard faults.isEmpty, let municipality, let old, let new, let from else {
            throw LineMapper.Faults(all: faults)
        }
        self.municipality = municipality
        self.from = from
        (oldItSystem, newItSystem) = (old, new)
        if case .list(let packages)? = values["package"] { self.packages = packages }
        isReplaced = values["replaced"] == .flag(true)
    }
}

/// A record of the catalogue that a job is to write.
public struct CatalogueRecord: Equatable, Sendable {
    public var type: CommandType
    /// What compaction goes by: `activation/0751/care/urn:example:system`.
    public var key: String
    /// JSON.
    public var data: [UInt8]
}

extension SwitchLine {
    /// The records that make the switch: each package is offered by the new it-system before the old one ceases to, so
    /// that no grant is without a place to work on the way.
    ///
    /// - Returns: what is wrong where the catalogue does not bear the line out.
    func records(under catalogue: Catalogue, today: Day) -> Result<[CatalogueRecord], LineFault> {
        if isReplaced, from > today { return .failure(LineFault(.tooEarly, field: "replaced")) }
        guard let system = catalogue.itSystems[newItSystem] else {
            return .failure(LineFault(.unknownSystem, field: "newItSystem"))
        }
        let last = from.adding(days: -1)
        let offered = catalogue.activations(in: municipality, by: oldItSystem, on: last)
        var records: [CatalogueRecord] = []
        for package in packages ?? offered.keys.sorted() {
            guard let old = offered[package] else { return .failure(LineFault(.notOffered, field: "package")) }
            let new = catalogue.activations(in: municipality, by: newItSystem, on: from)[package]
            records.append(activation(of: package, by: newItSystem, from: new?.from ?? from, until: new?.until))
            records.append(activation(of: package, by: oldItSystem, from: old.from, until: last))
        }
        if isReplaced { records.append(definition(of: system)) }
        return records.isEmpty ? .failure(LineFault(.notOffered, field: "oldItSystem")) : .success(records)
    }

    private func activation(of package: String, by itSystem: String, from: Day, until: Day?) -> CatalogueRecord {
        var json = JSONWriter()
        json.beginObject()
        json.member("municipality", municipality.description)
        json.member("package", package)
        json.member("itSystem", itSystem)
        json.member("from", from.description)
        json.memberIfPresent("until", until?.description)
        json.endObject()
        return CatalogueRecord(
            type: .activationSet, key: "activation/\(municipality)/\(package)/\(itSystem)", data: json.finish())
    }

    private func definition(of system: ITSystem) -> CatalogueRecord {
        var json = JSONWriter()
        json.beginObject()
        json.member("id", system.id)
        json.member("name", system.name)
        json.key("supplier")
        json.beginObject()
        json.member("cvr", system.supplierCVR)
        json.member("name", system.supplierName)
        json.endObject()
        json.member("replaces", oldItSystem)
        if !system.privileges.isEmpty {
            json.key("privileges")
            json.beginObject()
            for (package, privilege) in system.privileges.sorted(by: { $0.key < $1.key }) {
                json.key(package)
                json.string(privilege)
            }
            json.endObject()
        }
        json.endObject()
        return CatalogueRecord(type: .itSystemDefine, key: "itsystem/\(system.id)", data: json.finish())
    }
}
