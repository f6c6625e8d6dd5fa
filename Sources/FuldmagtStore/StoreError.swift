import FuldmagtKeys
import FuldmagtRecord
import GRDB
import GRDBSQLite

/// Why a shard could not do what it was asked to, by what follows from it.
public struct StoreError: Error, Equatable, Sendable, CustomStringConvertible {
    public enum Consequence: String, Sendable {
        /// Our surroundings failed (disk full, file locked): the same again, with backoff.
        case retry
        /// Another worker has taken the shard over: give it up.
        case fenced
        /// Nothing will get better by itself: stop the process.
        case fatal
    }
    public var consequence: Consequence
    /// SQLite's extended result code; 0 where the fault is not SQLite's.
    public var code: Int32
    /// What is wrong and what to do about it. Holds no personal data.
    public var text: String
    /// A newer version of this program wrote what was to be read: this process will never understand it.
    public var isOfNewerVersion = false

    public init(_ consequence: Consequence, code: Int32 = 0, _ text: String) {
        self.consequence = consequence
        self.code = code
        self.text = text
    }

    /// What a simulation has SQLite say of a shard's file.
    package static func damage(of shard: Int32) -> StoreError {
        StoreError(sqlite: SQLITE_CORRUPT, doing: "simulating damage of shard \(shard)")
    }

    /// Whether the file itself is beyond reading.
    public var isDamage: Bool { [SQLITE_CORRUPT, SQLITE_NOTADB].contains(code & 0xff) }

    /// Whether it is what one command came to that the schema refuses: another command may well be stored.
    public var isRefusedRow: Bool { [SQLITE_CONSTRAINT, SQLITE_MISMATCH, SQLITE_TOOBIG].contains(code & 0xff) }

    public var description: String { code == 0 ? text : "\(text) (SQLite \(code))" }

    /// Maps a result code of SQLite.
    /// - Parameter doing: what was attempted, for the text.
    init(sqlite code: Int32, doing: String) {
        let primary = code & 0xff
        self.init(Self.consequence(ofPrimary: primary), code: code, "\(doing): \(Self.explanation(primary))")
    }

    /// Maps whatever a turn threw.
    init(_ error: any Error, doing: String) {
        switch error {
        case let error as StoreError: self = error
        case let error as DatabaseError:
            self.init(sqlite: error.extendedResultCode.rawValue, doing: doing)
        case let error as ClusterKey.Unsealable: self.init(.fatal, "\(doing): \(error)")
        case let error as FrameDamaged: self.init(.fatal, "\(doing): \(error)")
        default: self.init(.fatal, "\(doing): \(type(of: error))")
        }
    }

    static func consequence(ofPrimary code: Int32) -> Consequence {
        switch code {
        case SQLITE_BUSY, SQLITE_LOCKED, SQLITE_FULL, SQLITE_IOERR, SQLITE_NOMEM, SQLITE_INTERRUPT, SQLITE_PROTOCOL:
            .retry
        default: .fatal
        }
    }

    private static func explanation(_ code: Int32) -> String {
        switch code {
        case SQLITE_FULL: "the disk is full; free space on it and the worker goes on by itself"
        case SQLITE_BUSY, SQLITE_LOCKED: "another process holds the shard's file locked"
        case SQLITE_IOERR: "the disk answered with an error"
        case SQLITE_CANTOPEN: "the file cannot be opened; check that the folder exists and is writable"
        case SQLITE_READONLY, SQLITE_PERM: "the file is not writable; check owner and permissions"
        case SQLITE_CORRUPT, SQLITE_NOTADB: "the file is damaged"
        case SQLITE_CONSTRAINT: "a constraint of the schema refused a row"
        default: "SQLite failed"
        }
    }
}
