/// How long a withdrawal can be seen before what brought it about can.
///
/// A revocation's outcome and the withdrawals it brings about are one Kafka transaction, written by the representative's
/// shard. Two processes keep a promise each, so that nothing withdrawn is sent once that outcome is visible:
///
/// - A worker commits such a transaction no sooner than `worker` after the broker has acknowledged the withdrawals.
/// - A sender hands a message over only if less than `look` has passed since it asked the broker what stands in
///   `fuldmagt.notifications`, decided or not, and that held no withdrawal of it.
///
/// A withdrawal that the look did not find was written after the look was asked for. So its outcome becomes visible at
/// least `worker` after that moment, and the message was handed over less than `look` after it. `worker` is the longer of
/// the two: what is left is a sender that stands still for the difference between reading its clock and the one system call
/// behind it.
public enum WithdrawalLead {
    /// Milliseconds.
    public static let worker = 80
    /// Milliseconds.
    public static let look = 50

    private static let kind = Array(#","kind":"cancelled""#.utf8)
    private static let kindAt = #"{"id":""#.utf8.count + 36 + 1

    /// Whether the value of a record of `fuldmagt.notifications`, as workers write it, withdraws one.
    public static func isWithdrawal(_ value: UnsafeRawBufferPointer) -> Bool {
        value.count > kindAt + kind.count
            && UnsafeRawBufferPointer(rebasing: value[kindAt..<kindAt + kind.count]).elementsEqual(kind)
    }
}
