import Dispatch
import Foundation
import Testing

@testable import FuldmagtKafka

/// The end of clients.
@Suite struct EndingTests {
    private final class Context: Sendable {}

    @Test("a consumer ends although nobody else's work does: it needs no thread that others may hold")
    func endsByItself() throws {
        let cluster = try MockCluster(topics: ["commands": 1])
        let isDone = DispatchSemaphore(value: 0)
        let busy = 128
        for _ in 0..<busy { DispatchQueue.global().async { isDone.wait() } }
        defer { for _ in 0..<busy { isDone.signal() } }
        // What its callbacks are given lives until it has ended.
        weak var context: Context?
        try scoped {
            let held = Context()
            context = held
            _ = try ConsumerHandle(
                cluster.configuration.setting(["group.id": "g"]).make(), topics: ["commands"], context: held)
        }
        let deadline = Date().addingTimeInterval(60)
        while context != nil, Date() < deadline { sched_yield() }
        #expect(context == nil)
    }

    /// A scope that what is made in it does not outlive.
    private func scoped(_ body: () throws -> Void) rethrows { try body() }
}
