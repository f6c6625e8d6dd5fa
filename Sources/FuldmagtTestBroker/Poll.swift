import Foundation

/// Asks again and again whether something is so, with pauses: what is waited for needs the cores more than who waits.
public enum Poll {
    /// - Parameters:
    ///   - seconds: after which it is given up.
    ///   - milliseconds: between two questions.
    /// - Returns: whether it came to be so.
    public static func until(
        seconds: Double, every milliseconds: UInt32 = 20, _ isSo: () throws -> Bool
    ) rethrows -> Bool {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while try !isSo() {
            guard ContinuousClock.now < deadline else { return false }
            pause(milliseconds: milliseconds)
        }
        return true
    }

    public static func pause(milliseconds: UInt32 = 20) { usleep(milliseconds * 1_000) }
}
