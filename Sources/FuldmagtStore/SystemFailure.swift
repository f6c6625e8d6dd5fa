import Foundation

/// What the system answers when a file cannot be opened, written or renamed.
public enum SystemFailure {
    /// Whether the same may succeed later: the disk is full or failing, or too much is open; not a wrong path or a right that
    /// is missing.
    /// - Parameter number: an `errno`.
    public static func mayPass(_ number: Int32) -> Bool {
        [ENOSPC, EDQUOT, EIO, EMFILE, ENFILE, ENOMEM, EAGAIN, EINTR, ESTALE, ETIMEDOUT].contains(number)
    }
}
