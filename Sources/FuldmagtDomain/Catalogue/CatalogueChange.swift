import FuldmagtJSON

/// What a catalogue record sets.
enum CatalogueChange {
    case package(Package)
    case activation(Municipality, package: String, Activation)
    case itSystem(ITSystem)
    case authority(Authority)

    /// The key a record with this content must have, if it has one: compaction goes by key.
    var key: String {
        switch self {
        case .package(let package): "package/\(package.id)"
        case .activation(let municipality, let package, let activation):
            "activation/\(municipality)/\(package)/\(activation.itSystem)"
        case .itSystem(let system): "itsystem/\(system.id)"
        case .authority(let authority): "authority/\(authority.cvr)"
        }
    }

    /// - Returns: nil where a fault was found; the faults are the reader's.
    static func read(_ reader: inout FieldReader, type: CommandType) -> CatalogueChange? {
        switch type {
        case .packageDefine: Package.read(&reader).map { .package($0) }
        case .activationSet: readActivation(&reader)
        case .itSystemDefine: ITSystem.read(&reader).map { .itSystem($0) }
        case .authorityDefine: Authority.read(&reader).map { .authority($0) }
        default: nil
        }
    }

    private static func readActivation(_ reader: inout FieldReader) -> CatalogueChange? {
        let municipality = reader.decidingMunicipality("municipality", required: .missingField)
        let package = reader.identifier("package")
        let itSystem = reader.text("itSystem", required: .missingField)
        let from = reader.day("from", required: .missingField)
        let until = reader.day("until", required: nil)
        if let from, let until, until < from { reader.fault(.invalidField, "until") }
        guard let municipality, let package, let itSystem, let from, reader.faults.isEmpty else { return nil }
        return .activation(municipality, package: package, Activation(itSystem: itSystem, from: from, until: until))
    }
}

extension FieldReader {
    /// An id that becomes part of a key: no `/`, no white space.
    mutating func identifier(_ name: StaticString) -> String? {
        guard let text = text(name, required: .missingField, limit: 128) else { return nil }
        guard !text.unicodeScalars.contains(where: { $0 == "/" || $0.properties.isWhitespace }) else {
            fault(.invalidField, name)
            return nil
        }
        return text
    }

    /// `{"da": …, "en": …}`
    mutating func bilingual(_ name: StaticString, limit: Int) -> Bilingual? {
        guard let node = value(name) else {
            fault(.missingField, name)
            return nil
        }
        guard node.kind == .object else {
            fault(.invalidField, name)
            return nil
        }
        var inner = FieldReader(node, today: today, settings: settings, prefix: "\(prefix)\(name).")
        let danish = inner.text("da", required: .missingField, limit: limit)
        let english = inner.text("en", required: .missingField, limit: limit)
        faults += inner.faults
        guard let danish, let english else { return nil }
        return Bilingual(danish: danish, english: english)
    }

    /// A whole number within a range.
    mutating func number(_ name: StaticString, in range: ClosedRange<Int>, required code: ReasonCode?) -> Int? {
        guard let node = value(name) else {
            if let code { fault(code, name) }
            return nil
        }
        guard let number = node.int, range.contains(number) else {
            fault(.invalidField, name)
            return nil
        }
        return number
    }
}

extension Package {
    static func read(_ reader: inout FieldReader) -> Package? {
        let id = reader.identifier("id")
        let version = reader.number("version", in: 1...1_000_000, required: .missingField)
        let title = reader.bilingual("title", limit: 200)
        let wording = reader.bilingual("wording", limit: 8192)
        let kind = reader.choice("kind", of: Kind.self)
        let scope = reader.choice("scope", of: Scope.self)
        let itSystem = reader.text("itSystem", required: scope == .itSystem ? .missingField : nil)
        let kle = readKLE(&reader)
        let minimumAge = reader.number("minimumAge", in: 0...130, required: nil)
        let representativeMinimumAge = reader.number("representativeMinimumAge", in: 0...130, required: nil)
        let maximumValidityDays = reader.number("maxValidityDays", in: 1...36_525, required: nil)
        let successor = reader.text("successor", required: nil, limit: 128)
        let retired = reader.day("retired", required: nil)
        guard let id, let version, let title, let wording, let kind, let scope, let kle, reader.faults.isEmpty else {
            return nil
        }
        return Package(
            terms: PackageTerms(
                id: id, version: version, kind: kind, scope: scope, kle: kleNumber(kle), title: title,
                wording: wording),
            itSystem: itSystem, kle: kle, minimumAge: minimumAge ?? 15,
            representativeMinimumAge: representativeMinimumAge ?? 15,
            maximumValidityDays: maximumValidityDays, successor: successor, retired: retired)
    }

    private static func readKLE(_ reader: inout FieldReader) -> [KLEPattern]? {
        guard let node = reader.value("kle") else {
            reader.fault(.missingField, "kle")
            return nil
        }
        guard node.kind == .array, (1...100).contains(node.count) else {
            reader.fault(.invalidField, "kle")
            return nil
        }
        var patterns: [KLEPattern] = []
        var faults: [Reason] = []
        let register = reader.settings.kle
        node.forEachElement { at, element in
            guard let pattern = element.string.flatMap({ KLEPattern($0) }) else {
                faults.append(Reason(.invalidField, "kle[\(at)]"))
                return
            }
            if register.knows(pattern) {
                patterns.append(pattern)
            } else {
                faults.append(Reason(.unknownKLE, "kle[\(at)]"))
            }
        }
        reader.faults += faults
        return faults.isEmpty ? patterns : nil
    }
}

extension ITSystem {
    static func read(_ reader: inout FieldReader) -> ITSystem? {
        let id = reader.text("id", required: .missingField)
        let name = reader.text("name", required: .missingField)
        let replaces = reader.text("replaces", required: nil)
        var supplier: (cvr: String?, name: String?) = (nil, nil)
        if let node = reader.value("supplier"), node.kind == .object {
            var inner = FieldReader(node, today: reader.today, settings: reader.settings, prefix: "supplier.")
            supplier.cvr = inner.text("cvr", required: .missingField)
            supplier.name = inner.text("name", required: .missingField)
            if let cvr = supplier.cvr, CVR(cvr) == nil { inner.fault(.invalidCVR, "cvr") }
            reader.faults += inner.faults
        } else {
            reader.fault(reader.value("supplier") == nil ? .missingField : .invalidField, "supplier")
        }
        var privileges: [String: String] = [:]
        if let node = reader.value("privileges") {
            var isValid = node.kind == .object
            node.forEachMember { package, privilege in
                if let name = privilege.string { privileges[package] = name } else { isValid = false }
            }
            if !isValid { reader.fault(.invalidField, "privileges") }
        }
        if let replaces, replaces == id { reader.fault(.invalidField, "replaces") }
        guard let id, let name, let cvr = supplier.cvr, let supplierName = supplier.name, reader.faults.isEmpty else {
            return nil
        }
        return ITSystem(
            id: id, name: name, supplierCVR: cvr, supplierName: supplierName, replaces: replaces,
            privileges: privileges)
    }
}

extension Authority {
    static func read(_ reader: inout FieldReader) -> Authority? {
        let cvr = reader.text("cvr", required: .missingField)
        if let cvr, CVR(cvr) == nil { reader.fault(.invalidCVR, "cvr") }
        let name = reader.text("name", required: .missingField)
        let municipality = reader.municipality("municipality", required: nil)
        var contact = (name: "", phone: "", url: "")
        if let node = reader.value("contact"), node.kind == .object {
            var inner = FieldReader(node, today: reader.today, settings: reader.settings, prefix: "contact.")
            contact.name = inner.text("name", required: .missingField) ?? ""
            contact.phone = inner.text("phone", required: .missingField) ?? ""
            contact.url = inner.text("url", required: .missingField, limit: 1024) ?? ""
            reader.faults += inner.faults
        } else {
            reader.fault(reader.value("contact") == nil ? .missingField : .invalidField, "contact")
        }
        let roles = readRoles(&reader)
        guard let cvr, let name, let roles, reader.faults.isEmpty else { return nil }
        return Authority(
            cvr: cvr, name: name, municipality: municipality, contactName: contact.name, contactPhone: contact.phone,
            contactURL: contact.url, roles: roles)
    }

    private static func readRoles(_ reader: inout FieldReader) -> [Role]? {
        guard let node = reader.value("roles"), node.kind == .array else {
            reader.fault(reader.value("roles") == nil ? .missingField : .invalidField, "roles")
            return nil
        }
        var roles: [Role] = []
        var faults: [Reason] = []
        node.forEachElement { at, element in
            if let role = element.string.flatMap({ Role(rawValue: $0) }) {
                roles.append(role)
            } else {
                faults.append(Reason(.invalidField, "roles[\(at)]"))
            }
        }
        reader.faults += faults
        return faults.isEmpty ? roles : nil
    }
}

extension Catalogue {
    /// What is wrong with a catalogue record's data.
    public static func faults(in data: JSONNode, type: CommandType, today: Day, settings: Settings) -> [Reason] {
        guard data.kind == .object else { return [Reason(.invalidField, "data")] }
        var reader = FieldReader(data, today: today, settings: settings)
        _ = CatalogueChange.read(&reader, type: type)
        return reader.faults
    }

    /// The key that a catalogue record with this data must have: the same however a municipality is written.
    /// - Returns: nil where the data has faults.
    public static func key(of data: JSONNode, type: CommandType, today: Day, settings: Settings) -> String? {
        guard data.kind == .object else { return nil }
        var reader = FieldReader(data, today: today, settings: settings)
        return CatalogueChange.read(&reader, type: type)?.key
    }
}
