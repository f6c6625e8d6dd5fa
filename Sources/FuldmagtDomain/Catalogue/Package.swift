/// A package of rights that a grant names (fuldmagtspakke).
public struct Package: Sendable, Equatable {
    public enum Kind: String, CaseIterable, Sendable {
        /// To act for the citizen.
        case act
        /// To phone or write to the authority about the citizen's matters.
        case contact
        /// To read; does not cover phoning.
        case read
    }
    public enum Scope: String, CaseIterable, Sendable {
        /// Needs an activation where the citizen lives.
        case municipal
        /// Works everywhere, always.
        case national
        /// An authority's own privilege, bound to one it-system.
        case itSystem
    }

    /// What a grant keeps of it.
    public let terms: PackageTerms
    public var itSystem: String?
    public var kle: [KLEPattern]
    /// Years; 15 unless the package says otherwise (borger.dk).
    public var minimumAge: Int
    public var representativeMinimumAge: Int
    /// Days from today; nil where the package sets no limit.
    public var maximumValidityDays: Int?
    public var successor: String?
    /// From this day on the package can no longer be given.
    public var retired: Day?

    public var id: String { terms.id }
    public var version: Int { terms.version }
    public var title: Bilingual { terms.title }
    /// What the grantor agrees to.
    public var wording: Bilingual { terms.wording }
    public var kind: Kind { terms.kind }
    public var scope: Scope { terms.scope }

    /// What notifications about a grant say as KLE number: the first number, or the longest prefix where there are only
    /// patterns.
    static func kleNumber(_ kle: [KLEPattern]) -> String {
        kle.first(where: { !$0.isWildcard })?.number
            ?? kle.max(by: { $0.levels.count < $1.levels.count })?.number ?? KLE.powersOfAttorney
    }
}

/// KLE numbers that the system itself uses.
public enum KLE {
    /// 23.30.15 Fuldmagter
    public static let powersOfAttorney = "23.30.15"
    /// 23.15.15 Offentlig Digital Post, fysiske personer
    public static let digitalPost = "23.15.15"
}

/// A text in Danish and English.
public struct Bilingual: Hashable, Sendable {
    public var danish: String
    public var english: String

    public init(danish: String, english: String) {
        self.danish = danish
        self.english = english
    }
}

/// A municipality offers a package in one it-system, for a period (aktivering).
public struct Activation: Sendable, Equatable {
    public var itSystem: String
    public var from: Day
    public var until: Day?

    public func covers(_ day: Day) -> Bool { from <= day && until.map { day <= $0 } ?? true }
}

/// The it-system that a supplier runs.
public struct ITSystem: Sendable, Equatable {
    public var id: String
    public var name: String
    public var supplierCVR: String
    public var supplierName: String
    public var replaces: String?
    /// Privilege names by package id.
    public var privileges: [String: String]
    /// Offset of the record that defined it, that record as a cause, and its own time.
    var changedAt: Int64 = 0
    var cause = Cause(id: "", source: "", type: "")
    var at = Instant(milliseconds: 0)
}

/// An authority that may send commands, and whom a citizen can contact.
public struct Authority: Sendable, Equatable {
    public enum Role: String, CaseIterable, Sendable { case grant, move, exemption, catalogue }
    public var cvr: String
    public var name: String
    public var municipality: Municipality?
    public var contactName: String
    public var contactPhone: String
    public var contactURL: String
    public var roles: [Role]
}
