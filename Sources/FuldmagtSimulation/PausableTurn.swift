import Dispatch

/// A worker's turn that can stand still in the middle, while others begin and end theirs, and go on in the middle of one
/// of theirs: as a process does that was stopped, or swapped out.
///
/// It has a thread for that, but no two threads ever run side by side: who lets it go on waits until it stands still or is
/// over. So it remains the seed that says what happens, and in which order.
final class PausableTurn: @unchecked Sendable {
    private let thread = DispatchQueue(label: "fuldmagt.simulation.turn")
    private let mayGoOn = DispatchSemaphore(value: 0)
    private let hasStopped = DispatchSemaphore(value: 0)

    /// Returns once `body` stands still or is over.
    func begin(_ body: @escaping () -> Void) {
        let body = Body(body)
        thread.async {
            body.run()
            self.hasStopped.signal()
        }
        hasStopped.wait()
    }

    /// Lets go of what it has called before it is over: what the turn was the last to hold, a file among it, is closed
    /// within the turn, and not beside what comes after it.
    private final class Body: @unchecked Sendable {
        private var call: (() -> Void)?

        init(_ call: @escaping () -> Void) { self.call = call }

        func run() {
            call?()
            call = nil
        }
    }

    /// Called by the turn itself: returns once it may go on.
    func pause() {
        hasStopped.signal()
        mayGoOn.wait()
    }

    /// Called by anybody else: returns once it stands still again or is over.
    func goOn() {
        mayGoOn.signal()
        hasStopped.wait()
    }
}
