import FuldmagtTestKit

/// What may befall a worker, or the log, at a named point of somebody's turn.
enum Fault: String, CaseIterable, Sendable {
    /// The process dies where it stands.
    case crash
    /// It dies, and its disk is lost with it; sometimes an older copy of it is put back.
    case lostDisk = "lost-disk"
    /// It stands still for longer than its session, while the others take over, and then goes on as if nothing had been.
    case stale
    /// It stands still for a moment, and keeps what it has.
    case slow
    /// The group lets it go, and it has not noticed.
    case expired
    /// It is asked to end, as for an update.
    case stop
    /// The next publication fails: nothing is written.
    case refusedCommit = "refused-commit"
    /// The next publication is written, and its worker does not learn of it.
    case unknownCommit = "unknown-commit"
    /// The log does not answer a few times.
    case silentLog = "silent-log"
    /// The disk answers with an error where files are opened, written to and rebuilt, a few times.
    case failingDisk = "failing-disk"
    /// The file of a shard turns out to be damaged in the middle of its next transaction.
    case damagedFile = "damaged-file"
    /// The catalogue cannot be read for a while.
    case catalogueBehind = "catalogue-behind"
    /// Its clock is set forward or back.
    case clockJump = "clock-jump"

    /// Drawn with the more dangerous ones more often.
    static func draw(_ random: inout SplitMix64) -> Fault {
        random.pick([
            .crash, .crash, .crash, .lostDisk, .lostDisk, .stale, .stale, .stale, .slow, .expired, .expired, .stop,
            .refusedCommit, .refusedCommit, .unknownCommit, .unknownCommit, .silentLog, .failingDisk,
            .damagedFile, .catalogueBehind, .clockJump,
        ])
    }
}
