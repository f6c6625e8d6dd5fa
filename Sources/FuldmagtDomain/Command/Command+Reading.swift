import FuldmagtJSON

extension Command {
    /// Reads a command's data.
    ///
    /// - Parameters:
    ///   - topic: where the record stood; commands belong on one topic each.
    ///   - today: the day of the record.
    /// - Throws: a dead letter when the citizen cannot be made out, or the command stands on another command's topic.
    public static func read(
        _ data: JSONNode, envelope: Envelope, topic: Topic, today: Day, settings: Settings
    ) throws(DeadLetter) -> Command {
        guard envelope.type.topic == topic else {
            throw DeadLetter(.wrongTopic, "\(envelope.type.rawValue) belongs on \(envelope.type.topic.name)")
        }
        let citizenField: StaticString =
            switch envelope.type {
            case .grantIssue, .grantRequest, .grantApprove, .grantDecline, .grantRevoke, .grantRenew, .grantCorrect:
                "grantor"
            default: "citizen"
            }
        var reader = FieldReader(data, today: today, settings: settings)
        let citizen = try citizen(citizenField, in: data, today: today)
        if let code = FieldReader.refusal(of: citizen, settings: settings) {
            reader.faults.append(Reason(code, "\(citizenField).cpr"))
        }
        let body: Body =
            switch envelope.type {
            case .grantIssue: .issue(.read(&reader))
            case .grantRequest: .request(.readRequest(&reader))
            case .grantApprove: .approve(.read(&reader, needsEvidence: true))
            case .grantDecline: .decline(.read(&reader, needsEvidence: false))
            case .grantRevoke: .revoke(.read(&reader))
            case .grantRenew: .renew(.read(&reader))
            case .grantCorrect: .correct(.read(&reader))
            case .moveRelocate: .relocate(.read(&reader, kind: .relocate))
            case .moveEmigrate: .relocate(.read(&reader, kind: .emigrate))
            case .moveImmigrate: .relocate(.read(&reader, kind: .immigrate))
            case .moveDecease: .decease(Decease(effective: reader.day("effective", required: .missingField)))
            case .moveRenumber: .renumber(.read(&reader))
            case .moveCorrect: .correctDeath(.read(&reader))
            case .exemptionRegister: .register(.read(&reader))
            case .exemptionLift: .lift(.read(&reader))
            case .exemptionCorrect: .correctExemption(.read(&reader))
            case .readAccessGrant: .giveReadAccess(.read(&reader))
            case .readAccessWithdraw: .withdrawReadAccess(.read(&reader))
            case .mailboxEnrol: .enrol(.read(&reader))
            case .packageDefine, .activationSet, .itSystemDefine, .authorityDefine:
                throw DeadLetter(.wrongTopic, "\(envelope.type.rawValue) belongs on \(Topic.catalogue.name)")
            }
        if !citizen.isPerson {
            switch body {
            case .issue, .request, .approve, .decline, .revoke, .renew, .correct, .relocate, .decease,
                .renumber, .correctDeath:
                reader.faults.append(Reason(.missingField, "\(citizenField).cpr"))
            case .register, .lift, .correctExemption, .giveReadAccess, .withdrawReadAccess, .enrol: break
            }
        }
        return Command(cause: envelope.cause, citizen: citizen, body: body, faults: reader.faults)
    }

    private static func citizen(_ name: StaticString, in data: JSONNode, today: Day) throws(DeadLetter) -> Party {
        guard data.kind == .object else { throw DeadLetter(.invalidCitizen, "data is not a JSON object") }
        guard let node = data[name], node.kind == .object else {
            throw DeadLetter(.invalidCitizen, "\(name) is missing or not a party")
        }
        switch FieldReader.party(node, today: today) {
        case .found(let party): return party
        case .invalidCPR: throw DeadLetter(.invalidCitizen, "\(name).cpr is not a valid CPR number")
        case .invalidCVR: throw DeadLetter(.invalidCitizen, "\(name).cvr is not a valid CVR number")
        case .neither: throw DeadLetter(.invalidCitizen, "\(name) has neither cpr nor cvr")
        case .both: throw DeadLetter(.invalidCitizen, "\(name) has both cpr and cvr")
        }
    }
}

extension GrantIssue {
    static func read(_ reader: inout FieldReader) -> GrantIssue {
        let channel = reader.choice("channel", of: Channel.self)
        return GrantIssue(
            representative: reader.party("representative"),
            packages: reader.packages(),
            validFrom: reader.day("validFrom", required: nil),
            validUntil: reader.day("validUntil", required: .missingField),
            channel: channel,
            evidence: channel == nil || channel == .digital ? nil : Evidence.read(&reader, for: channel))
    }
}

extension Evidence {
    /// Every missing part is named, as KL's dialogue material asks for each of them.
    static func read(_ reader: inout FieldReader, for channel: Channel?) -> Evidence? {
        let node = reader.value("evidence")
        guard let node, node.kind == .object else {
            if node != nil { reader.fault(.invalidField, "evidence") }
            reader.faults += [
                Reason(.journalMissing, "evidence.journal"), Reason(.evidenceMissing, "evidence.caseworker"),
                Reason(.evidenceMissing, "evidence.identification"),
            ]
            if channel == .assisted { reader.faults += Assessment.allMissing }
            return nil
        }
        var inner = FieldReader(node, today: reader.today, settings: reader.settings, prefix: "evidence.")
        let journal = inner.freeText("journal", required: .journalMissing)
        let caseworker = inner.freeText("caseworker", required: .evidenceMissing)
        let identification = inner.choice(
            "identification", of: Identification.self, required: .evidenceMissing)
        var assessment: Assessment?
        if channel == .assisted { assessment = Assessment.read(&inner) }
        reader.faults += inner.faults
        guard let journal, let caseworker, let identification, inner.faults.isEmpty else { return nil }
        return Evidence(
            journal: journal, caseworker: caseworker, identification: identification, assessment: assessment)
    }
}

extension Assessment {
    static let fields = ["possibilities", "consequences", "citizenPresent", "decidedOn"]
    static var allMissing: [Reason] { fields.map { Reason(.assessmentMissing, "evidence.assessment.\($0)") } }

    static func read(_ reader: inout FieldReader) -> Assessment? {
        guard let node = reader.value("assessment"), node.kind == .object else {
            if reader.value("assessment") != nil { reader.fault(.invalidField, "assessment") }
            reader.faults += allMissing
            return nil
        }
        var inner = FieldReader(
            node, today: reader.today, settings: reader.settings, prefix: "evidence.assessment.")
        let possibilities = inner.considered("possibilities")
        let consequences = inner.considered("consequences")
        let citizenPresent = inner.flag("citizenPresent", required: .assessmentMissing)
        let decidedOn = inner.day("decidedOn", required: .assessmentMissing)
        reader.faults += inner.faults
        guard let possibilities, let consequences, let citizenPresent, let decidedOn else { return nil }
        return Assessment(
            possibilities: possibilities, consequences: consequences, citizenPresent: citizenPresent,
            decidedOn: decidedOn)
    }
}

extension FieldReader {
    /// Something the employee weighed: their words, or `true` for "considered".
    fileprivate mutating func considered(_ name: StaticString) -> String? {
        if let flag = value(name)?.bool {
            if flag { return "true" }
            fault(.assessmentMissing, name)
            return nil
        }
        return freeText(name, required: .assessmentMissing, limit: 4096)
    }
}

extension GrantRevoke {
    static func read(_ reader: inout FieldReader) -> GrantRevoke {
        var target: Target?
        if let node = reader.value("grant") {
            if let text = node.string {
                target = .grant(Ident(hex: text))
            } else {
                reader.fault(.invalidField, "grant")
            }
        } else if reader.value("representative") != nil || reader.value("packages") != nil {
            target = .named(representative: reader.party("representative"), packages: reader.packages())
        } else {
            reader.fault(.missingField, "grant")
        }
        return GrantRevoke(
            target: target, by: reader.choice("by", of: Actor.self),
            reason: reader.freeText("reason", required: nil, limit: 1024))
    }
}

extension Relocate {
    static func read(_ reader: inout FieldReader, kind: Residence.Kind) -> Relocate {
        var registeredAt: Instant?
        if let node = reader.value("registeredAt") {
            registeredAt = node.string.flatMap { Instant($0) }
            if registeredAt == nil { reader.fault(.invalidField, "registeredAt") }
        }
        let to: Municipality? =
            switch kind {
            case .relocate: reader.municipality("to", required: .missingField)
            case .immigrate: reader.municipality("to", required: nil)
            // `to` may name a country, which is not kept.
            case .emigrate: nil
            }
        return Relocate(
            kind: kind, from: kind == .relocate ? reader.municipality("from", required: nil) : nil, to: to,
            effective: reader.day("effective", required: .missingField), registeredAt: registeredAt)
    }
}

extension DeathCorrect {
    static func read(_ reader: inout FieldReader) -> DeathCorrect {
        if reader.flag("diedByMistake", required: .missingField) == false {
            reader.fault(.invalidField, "diedByMistake")
        }
        return DeathCorrect(journal: reader.freeText("journal", required: .journalMissing))
    }
}

extension ExemptionRegister {
    static func read(_ reader: inout FieldReader) -> ExemptionRegister {
        ExemptionRegister(
            municipality: reader.decidingMunicipality("municipality", required: .missingField),
            form: reader.freeText("form", required: .missingField, limit: 64),
            journal: reader.freeText("journal", required: .journalMissing),
            caseworker: reader.freeText("caseworker", required: .missingField),
            requestedBy: reader.choice("requestedBy", of: Requester.self),
            appearedInPerson: reader.flag("appearedInPerson", required: .missingField),
            departure: reader.flag("departure", required: nil) ?? false,
            validUntil: reader.day("validUntil", required: nil))
    }
}

extension ExemptionLift {
    static func read(_ reader: inout FieldReader) -> ExemptionLift {
        ExemptionLift(
            municipality: reader.decidingMunicipality("municipality", required: nil),
            journal: reader.freeText("journal", required: nil),
            by: reader.choice("by", of: Actor.self))
    }
}
