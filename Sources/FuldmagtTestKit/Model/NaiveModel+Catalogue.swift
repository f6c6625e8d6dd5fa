import FuldmagtDomain

extension NaiveModel {
    /// Checks one catalogue record and applies it when there is nothing wrong with it.
    mutating func applyCatalogue(_ command: ModelCommand, _ fields: inout ModelFields) {
        switch command.name {
        case "package.define": definePackage(command, &fields)
        case "activation.set": setActivation(command, &fields)
        case "itsystem.define": checkITSystem(&fields)
        default: defineAuthority(&fields)
        }
    }

    private mutating func definePackage(_ command: ModelCommand, _ fields: inout ModelFields) {
        let id = fields.text("id")
        let version = fields.whole("version", atLeast: 1, missing: "missing-field")
        for field in ["title.da", "title.en", "wording.da", "wording.en"] { _ = fields.text(field) }
        let kind = fields.oneOf("kind", ["act", "contact", "read"])
        let scope = fields.oneOf("scope", ["municipal", "national", "itSystem"])
        _ = fields.text("itSystem", missing: scope == "itSystem" ? "missing-field" : nil)
        checkKLE(&fields)
        let minimumAge = fields.whole("minimumAge", atLeast: 0)
        let representativeMinimumAge = fields.whole("representativeMinimumAge", atLeast: 0)
        let maxValidityDays = fields.whole("maxValidityDays", atLeast: 1)
        _ = fields.text("successor", missing: nil)
        let retired = fields.day("retired", missing: nil)
        guard fields.reasons.isEmpty, let id, let version, let kind, let scope else { return }
        packages[id] = ModelPackage(
            version: version, kind: kind, scope: scope, minimumAge: minimumAge ?? 15,
            representativeMinimumAge: representativeMinimumAge ?? 15, maxValidityDays: maxValidityDays,
            retired: retired)
        let comesBack = removals.removeValue(forKey: id) != nil
        reevaluateAll(command.cause, broughtBack: comesBack ? id : nil)
    }

    private func checkKLE(_ fields: inout ModelFields) {
        let patterns = fields.field("kle", missing: "missing-field") { value -> [ModelJSON]? in
            if case .array(let values) = value, !values.isEmpty { values } else { nil }
        }
        for (index, value) in (patterns ?? []).enumerated() {
            if let pattern = value.text.flatMap({ KLEPattern($0) }) {
                if !settings.kle.knows(pattern) { fields.fault("unknown-kle", "kle[\(index)]") }
            } else {
                fields.fault("invalid-field", "kle[\(index)]")
            }
        }
    }

    private mutating func setActivation(_ command: ModelCommand, _ fields: inout ModelFields) {
        let municipality = fields.municipality("municipality")
        let package = fields.text("package")
        let itSystem = fields.text("itSystem")
        let from = fields.day("from")
        let until = fields.day("until", missing: nil)
        if let from, let until, until < from { fields.fault("invalid-field", "until") }
        guard fields.reasons.isEmpty, let municipality, let package, let itSystem, let from else { return }
        let offer = ModelOffer(municipality: municipality, package: package)
        activations[offer, default: [:]][itSystem] = ModelActivation(from: from, until: until)
        offerCauses[offer] = command.cause
        reevaluateAll(command.cause)
    }

    private func checkITSystem(_ fields: inout ModelFields) {
        _ = fields.text("id")
        _ = fields.text("name")
        checkCVR("supplier.cvr", &fields)
        _ = fields.text("supplier.name")
        _ = fields.text("replaces", missing: nil)
    }

    private mutating func defineAuthority(_ fields: inout ModelFields) {
        checkCVR("cvr", &fields)
        _ = fields.text("name")
        let home = fields.municipality("municipality", missing: nil)
        for field in ["contact.name", "contact.phone", "contact.url"] { _ = fields.text(field) }
        let roles = fields.field("roles", missing: "missing-field") { value -> [ModelJSON]? in
            if case .array(let values) = value { values } else { nil }
        }
        for (index, role) in (roles ?? []).enumerated()
        where !["grant", "move", "exemption", "catalogue"].contains(role.text) {
            fields.fault("invalid-field", "roles[\(index)]")
        }
        if fields.reasons.isEmpty, let cvr = fields.text("cvr") { homes[cvr] = home }
    }

    private func checkCVR(_ path: String, _ fields: inout ModelFields) {
        if let text = fields.text(path), CVR(text) == nil { fields.fault("invalid-cvr", path) }
    }

    /// A tombstone: what the key names is no longer there.
    mutating func removeFromCatalogue(_ record: ModelRecord) {
        let parts = String(decoding: record.key ?? [], as: UTF8.self).split(separator: "/", maxSplits: 3)
            .map(String.init)
        // A tombstone has no id of its own: what it causes is told by its key.
        let key = String(decoding: record.key ?? [], as: UTF8.self)
        let cause = ModelCause(source: "", id: key, type: "tombstone", extensions: [:], at: record.timestamp)
        if parts.count == 2, parts[0] == "package" {
            packages[parts[1]] = nil
            removals[parts[1]] = cause
        } else if parts.count == 4, parts[0] == "activation", let municipality = Municipality(parts[1]) {
            let offer = ModelOffer(municipality: municipality, package: parts[2])
            activations[offer]?[parts[3]] = nil
            offerCauses[offer] = cause
        } else if parts.count == 2, parts[0] == "authority" {
            homes[parts[1]] = nil
        }
        reevaluateAll(cause)
    }

    /// A changed catalogue reaches every citizen concerned at once.
    /// - Parameter broughtBack: a package that was removed and is defined again by this.
    private mutating func reevaluateAll(_ cause: ModelCause, broughtBack: String? = nil) {
        for citizen in citizens.keys.sorted(by: { $0.digits < $1.digits }) {
            _ = reevaluate(
                citizen, on: present(cause.day), at: Instant(milliseconds: cause.at),
                broughtBack: broughtBack.map { ($0, cause) })
        }
    }
}
