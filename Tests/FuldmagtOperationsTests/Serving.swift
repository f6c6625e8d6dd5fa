import FuldmagtTestBroker
import Logging
import ServiceLifecycle
import Testing

/// Runs a listener in a group of its own, on threads of its own, until `body` is over and the group has shut down.
/// - Parameters:
///   - listener: made with what it is to call with its port.
///   - body: given the port.
func serving(
    _ listener: (_ onBound: @escaping @Sendable (Int) -> Void) -> some Service,
    _ body: (_ port: Int) async throws -> Void
) async throws {
    let (ports, bound) = AsyncStream<Int>.makeStream()
    let group = ServiceGroup(
        configuration: .init(
            services: [.init(service: listener { bound.yield($0) })],
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
    try await OwnThreads.run {
        async let run: Void = {
            // Where it does not come so far nobody waits for the port.
            defer { bound.finish() }
            try await group.run()
        }()
        var iterator = ports.makeAsyncIterator()
        let port = try #require(await iterator.next())
        try await body(port)
        await group.triggerGracefulShutdown()
        try await run
    }
}
