/// Why a command was rejected: a stable code, the field it concerns, and a sentence in Danish and English.
public struct Reason: Hashable, Sendable {
    public let code: ReasonCode
    /// The offending field as a path in the command's data: `packages[0]`, `evidence.journal`.
    public let field: String?
    /// What the sentence is about beyond the code: which municipality, since when, whom to ask. Never personal data.
    public let subject: Bilingual?

    public init(_ code: ReasonCode, _ field: String?, about subject: String? = nil) {
        self.init(code, field, explained: subject.map { Bilingual(danish: $0, english: $0) })
    }

    public init(_ code: ReasonCode, _ field: String?, explained subject: Bilingual?) {
        self.code = code
        self.field = field
        self.subject = subject
    }

    public var danish: String { subject.map { "\(code.danish) (\($0.danish))" } ?? code.danish }
    public var english: String { subject.map { "\(code.english) (\($0.english))" } ?? code.english }
}

/// The codes of the contract. They never change their meaning.
public enum ReasonCode: String, CaseIterable, Sendable {
    case invalidField = "invalid-field"
    case missingField = "missing-field"
    case invalidCPR = "invalid-cpr"
    case invalidCVR = "invalid-cvr"
    case testPerson = "test-person"
    case unknownPackage = "unknown-package"
    case packageRetired = "package-retired"
    case packageNotActivated = "package-not-activated"
    case unknownMunicipality = "unknown-municipality"
    case unknownKLE = "unknown-kle"
    case sameParty = "same-party"
    case grantorTooYoung = "grantor-too-young"
    case representativeTooYoung = "representative-too-young"
    case grantorDead = "grantor-dead"
    case representativeDead = "representative-dead"
    case citizenDead = "citizen-dead"
    case validityEnded = "validity-ended"
    case validityTooLong = "validity-too-long"
    case alreadyGranted = "already-granted"
    case alreadyRequested = "already-requested"
    case unknownGrant = "unknown-grant"
    case unknownRequest = "unknown-request"
    case versionMismatch = "version-mismatch"
    case notActive = "not-active"
    case evidenceMissing = "evidence-missing"
    case assessmentMissing = "assessment-missing"
    case notInPerson = "not-in-person"
    case journalMissing = "journal-missing"
    case alreadyExempt = "already-exempt"
    case notExempt = "not-exempt"
    case unknownReadAccess = "unknown-readaccess"
    case notDecidingAuthority = "not-deciding-authority"
    case residenceUnknown = "residence-unknown"
    case sourceNotPermitted = "source-not-permitted"
    case parkedTooLong = "parked-too-long"
    // Why a command is parked; never why one is rejected.
    case catalogueBehind = "catalogue-behind"
    case earlierCommandWaits = "earlier-command-waits"
    case needsRepair = "needs-repair"

    public var danish: String { texts.danish }
    public var english: String { texts.english }

    private var texts: (danish: String, english: String) {
        switch self {
        case .invalidField:
            ("Feltet har en værdi, der ikke kan bruges.", "The field has a value that cannot be used.")
        case .missingField: ("Feltet mangler.", "The field is missing.")
        case .invalidCPR: ("Det er ikke et gyldigt CPR-nummer.", "This is not a valid CPR number.")
        case .invalidCVR: ("Det er ikke et gyldigt CVR-nummer.", "This is not a valid CVR number.")
        case .testPerson:
            ("Testpersoner kan kun bruges i testtilstand.", "Test persons are admitted in test mode only.")
        case .unknownPackage: ("Fuldmagtspakken findes ikke.", "There is no such package.")
        case .packageRetired:
            (
                "Fuldmagtspakken er udgået og kan ikke gives længere.",
                "The package is retired and can no longer be given."
            )
        case .packageNotActivated:
            (
                "Kommunen, hvor borgeren bor, har ikke aktiveret fuldmagtspakken.",
                "The municipality where the citizen lives has not activated the package."
            )
        case .unknownMunicipality: ("Kommunekoden findes ikke.", "There is no such municipality code.")
        case .unknownKLE: ("KLE-nummeret findes ikke.", "There is no such KLE number.")
        case .sameParty:
            (
                "Fuldmagtsgiver og fuldmagtshaver er den samme.",
                "The grantor and the representative are the same."
            )
        case .grantorTooYoung:
            ("Fuldmagtsgiver er for ung til denne fuldmagtspakke.", "The grantor is too young for this package.")
        case .representativeTooYoung:
            (
                "Fuldmagtshaver er for ung til denne fuldmagtspakke.",
                "The representative is too young for this package."
            )
        case .representativeDead: ("Fuldmagtshaver er død.", "The representative is dead.")
        case .grantorDead: ("Fuldmagtsgiver er død.", "The grantor is dead.")
        case .citizenDead: ("Borgeren er død.", "The citizen is dead.")
        case .validityEnded: ("Slutdatoen er allerede passeret.", "The end date has already passed.")
        case .validityTooLong:
            ("Fuldmagten må ikke gælde så længe.", "The grant may not be valid for that long.")
        case .alreadyGranted:
            (
                "Samme fuldmagt findes allerede. Forlæng den i stedet.",
                "The same grant exists already. Renew it instead."
            )
        case .alreadyRequested:
            (
                "Der er allerede bedt om samme fuldmagt. Fuldmagtsgiver skal svare på den.",
                "The same grant is requested already. The grantor has to answer it."
            )
        case .unknownRequest:
            ("Der er ingen ubesvaret anmodning med det id.", "There is no unanswered request of that id.")
        case .versionMismatch:
            (
                "Fuldmagten er ændret siden. Hent den igen, og prøv med den nye version.",
                "The grant has changed since. Read it again, and try with the new version."
            )
        case .unknownGrant: ("Fuldmagten findes ikke.", "There is no such grant.")
        case .notActive: ("Fuldmagten gælder ikke længere.", "The grant is no longer in force.")
        case .evidenceMissing:
            ("Dokumentation for registreringen mangler.", "Evidence for the registration is missing.")
        case .assessmentMissing:
            (
                "Vurderingen af muligheder og konsekvenser mangler.",
                "The assessment of possibilities and consequences is missing."
            )
        case .notInPerson:
            (
                "Borgeren skal selv møde op for at blive fritaget.",
                "The citizen must appear in person to be exempted."
            )
        case .journalMissing: ("Henvisning til journalen mangler.", "The journal reference is missing.")
        case .alreadyExempt:
            ("Borgeren er allerede fritaget for Digital Post.", "The citizen is already exempt from Digital Post.")
        case .notExempt: ("Borgeren er ikke fritaget for Digital Post.", "The citizen is not exempt from Digital Post.")
        case .unknownReadAccess: ("Læseadgangen findes ikke.", "There is no such read access.")
        case .notDecidingAuthority:
            (
                "Kun den kommune, hvor borgeren bor, kan afgøre det.",
                "Only the municipality where the citizen lives can decide this."
            )
        case .sourceNotPermitted:
            (
                "Afsenderen er ikke en myndighed, der må sende denne kommando.",
                "The sender is not an authority that may send this command."
            )
        case .residenceUnknown: ("Borgerens bopælskommune er ukendt.", "The citizen's municipality is unknown.")
        case .parkedTooLong:
            (
                "Kommandoen ventede for længe på at kunne afgøres. Send den igen med et nyt id.",
                "The command waited too long to be decided. Send it again under another id."
            )
        case .catalogueBehind:
            (
                "Kataloget kan ikke læses lige nu. Kommandoen afgøres, så snart det kan.",
                "The catalogue cannot be read right now. The command is decided as soon as it can be."
            )
        case .earlierCommandWaits:
            (
                "En tidligere kommando om borgeren venter. Denne afgøres efter den.",
                "An earlier command about the citizen waits. This one is decided after it."
            )
        case .needsRepair:
            (
                "Kommandoen kan ikke gemmes på grund af en fejl i systemet. Den afgøres, når fejlen er rettet.",
                "The command cannot be stored because of a fault of the system. It is decided when that is repaired."
            )
        }
    }
}

/// Why a record could not be read as a command at all. It goes to `fuldmagt.dead-letters`, bytes unchanged.
public enum DeadLetterReason: String, CaseIterable, Error, Sendable {
    case emptyValue = "empty-value"
    case tooLarge = "too-large"
    case tooDeep = "too-deep"
    case invalidUTF8 = "invalid-utf8"
    case invalidJSON = "invalid-json"
    case missingAttribute = "missing-attribute"
    case invalidAttribute = "invalid-attribute"
    case unknownType = "unknown-type"
    case unknownVersion = "unknown-version"
    case wrongTopic = "wrong-topic"
    case invalidCitizen = "invalid-citizen"
    case idReused = "id-reused"
    case unknownReceipt = "unknown-receipt"
}

/// A dead letter's reason with what an operator needs to find the fault. The detail holds no input but positions and
/// names from the contract.
public struct DeadLetter: Error, Equatable, Sendable {
    public let reason: DeadLetterReason
    public let detail: String

    public init(_ reason: DeadLetterReason, _ detail: String) {
        self.reason = reason
        self.detail = detail
    }
}
