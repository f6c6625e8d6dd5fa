import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle

/// An address that a service listens on, with one thread, until its group shuts down.
struct ListeningAddress: Sendable {
    /// What names the address: a setting or an option.
    var setting: String
    var host: String
    /// 0 for any that is free.
    var port: Int
    var logger: Logger
    /// Told the port that is listened on.
    var onBound: @Sendable (Int) -> Void

    /// Listens until the group shuts down.
    /// - Parameters:
    ///   - purpose: what is done there, for the log.
    ///   - metadata: for the log, beside the address.
    ///   - connection: sets up a connection's channel, on its event loop.
    /// - Throws: `ListenerFailure` when the address cannot be listened on.
    func listen(
        for purpose: Logger.Message, metadata: Logger.Metadata = [:],
        connection: @escaping @Sendable (any Channel) throws -> Void
    ) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        do {
            try await serve(on: group, purpose, metadata, connection)
        } catch {
            try await group.shutdownGracefully()
            throw error
        }
        try await group.shutdownGracefully()
    }

    private func serve(
        on group: MultiThreadedEventLoopGroup, _ purpose: Logger.Message, _ metadata: Logger.Metadata,
        _ connection: @escaping @Sendable (any Channel) throws -> Void
    ) async throws {
        let channel: any Channel
        do {
            channel = try await ServerBootstrap(group: group)
                .serverChannelOption(.backlog, value: 64)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture { try connection(channel) }
                }
                .bind(host: host, port: port).get()
        } catch {
            throw ListenerFailure(setting: setting, address: "\(host):\(port)", reason: "\(error)")
        }
        let bound = channel.localAddress?.port ?? port
        logger.info(purpose, metadata: metadata.merging(["address": "\(host):\(bound)"]) { $1 })
        onBound(bound)
        do {
            try await gracefulShutdown()
        } catch {
            logger.debug("the listener was cancelled", metadata: ["error": "\(error)"])
        }
        try await channel.close().get()
    }
}

/// The address cannot be listened on.
public struct ListenerFailure: Error, CustomStringConvertible {
    /// What names the address.
    let setting: String
    let address: String
    let reason: String

    public var description: String {
        "\(setting): \(address) cannot be listened on (\(reason)); is another process using it, and is the host this machine's?"
    }
}
