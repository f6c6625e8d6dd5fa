import Foundation
import FuldmagtRecord

/// Where documents wait that were brought by others, until the one thread that writes records has dealt with them: whoever
/// brought one is answered then, and not before.
public final class ReceiptDesk: @unchecked Sendable {
    public enum Answer: Equatable, Sendable {
        /// So many receipts are in the topic.
        case taken(receipts: Int)
        /// It is a dead letter: brought again it would be another.
        case setAside(PostStatus.Unusable)
        /// Nothing is known of it: it must be brought again.
        case later
    }

    private struct Waiting {
        var document: [UInt8]
        var answer: @Sendable (Answer) -> Void
    }

    private let condition = NSCondition()
    // Guarded by the condition.
    private var waiting: [Waiting] = []
    private var bytes = 0
    private var isClosed = false
    private let bytesAtMost: Int
    /// Documents between two waits for the log.
    private static let chunk = 500

    /// - Parameter bytesAtMost: of all that waits; what comes beyond is not taken.
    public init(bytesAtMost: Int = 32 << 20) { self.bytesAtMost = bytesAtMost }

    /// Leaves a document. From any thread.
    public func bring(_ document: [UInt8], _ answer: @escaping @Sendable (Answer) -> Void) {
        let isTaken = condition.withLock {
            guard !isClosed, bytes + document.count <= bytesAtMost else { return false }
            waiting.append(Waiting(document: document, answer: answer))
            bytes += document.count
            condition.signal()
            return true
        }
        if !isTaken { answer(.later) }
    }

    /// Deals with what waits.
    /// - Parameters:
    ///   - write: returns once the frame is acknowledged.
    ///   - reached: called at each point, for tests.
    /// - Returns: documents.
    /// - Throws: what `write` throws; whoever waited was asked to come again.
    public func serve(
        _ intake: ReceiptIntake, reached: (ReceiptMilestone) throws -> Void = { _ in }, write: (Frame) throws -> Void
    ) throws -> Int {
        let some = condition.withLock {
            let some = Array(waiting.prefix(Self.chunk))
            waiting.removeFirst(some.count)
            bytes -= some.reduce(0) { $0 + $1.document.count }
            return some
        }
        guard !some.isEmpty else { return 0 }
        do {
            try reached(.received)
            let answers = try some.map { try intake.take($0.document) }
            try write(intake.takeFrame())
            try reached(.written)
            for (one, answer) in zip(some, answers) { one.answer(answer) }
        } catch {
            // Not to be written with what comes next: it will be brought again.
            _ = intake.takeFrame()
            for one in some { one.answer(.later) }
            throw error
        }
        return some.count
    }

    /// Waits until something is brought, or the time is up.
    public func wait(milliseconds: Int) {
        condition.withLock {
            guard waiting.isEmpty, !isClosed else { return }
            _ = condition.wait(until: Date(timeIntervalSinceNow: Double(milliseconds) / 1000))
        }
    }

    /// Takes nothing more, and sends away what waits.
    public func close() {
        let left = condition.withLock {
            defer { waiting = [] }
            isClosed = true
            condition.signal()
            return waiting
        }
        for one in left { one.answer(.later) }
    }
}

/// A point between bringing a document and its answer, for tests that kill the process there.
public enum ReceiptMilestone: String, CaseIterable, Sendable {
    case received
    case written
}
