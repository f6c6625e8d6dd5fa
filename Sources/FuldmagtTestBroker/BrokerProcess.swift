import Foundation
import Synchronization

/// A local broker in a process of its own, with a data folder of its own, on a free port of 127.0.0.1.
public final class BrokerProcess {
    public let port: Int
    public let directory: String
    private let binary: String
    private var process: ChildProcess

    public var address: String { "127.0.0.1:\(port)" }

    public struct Missing: Error, CustomStringConvertible {
        public let description: String
    }

    /// Starts the broker and waits until it takes connections.
    /// - Throws: when the broker is not installed, or does not come up.
    public init() throws {
        binary = ProcessInfo.processInfo.environment["FULDMAGT_TEST_BROKER"] ?? Self.root + ".local/bin/noida-db"
        guard FileManager.default.isExecutableFile(atPath: binary) else {
            throw Missing(description: "the local broker is not installed; run: deploy/setup")
        }
        directory = NSTemporaryDirectory() + "fuldmagt-broker-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        port = try Self.freePort()
        process = try Self.start(binary, port: port, directory: directory)
    }

    private static func start(_ binary: String, port: Int, directory: String) throws -> ChildProcess {
        let process = try ChildProcess(
            binary, ["start", "--only", "kafka", "--kafka-port", "\(port)", "--data-dir", directory],
            environment: [:], log: directory + "/broker.log")
        let isUp = Poll.until(seconds: 120) { answers(port) || !process.isRunning }
        guard isUp, process.isRunning else {
            throw Missing(description: "the local broker did not start; see \(directory)/broker.log")
        }
        return process
    }

    /// Stops the broker as an operator does, so that it keeps everything, and starts it on the same port.
    public func restart() throws {
        try shutDown()
        try comeBack()
    }

    /// Stops the broker as an operator does: it keeps everything.
    public func shutDown() throws { try process.stop() }

    /// Starts the broker on the same port, after `shutDown`.
    public func comeBack() throws { process = try Self.start(binary, port: port, directory: directory) }

    /// Has the broker answer nobody, until it is resumed.
    public func pause() { process.pause() }
    public func resume() { process.resume() }

    /// Ends the broker, which need not save anything, and removes its folder.
    public func stop() throws {
        process.kill()
        try FileManager.default.removeItem(atPath: directory)
    }

    /// The package's folder.
    private static let root: String = {
        var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        parts.removeLast(3)
        return parts.joined(separator: "/") + "/"
    }()

    private static func answers(_ port: Int) -> Bool { LoopbackSocket.with(port: port) { connect($0, $1, $2) == 0 } }

    /// Ports that were told: the system tells the same one twice when nobody listens on it yet, and of two brokers on one
    /// port the second would end unnoticed, its test talking to the first.
    private static let told = Mutex<Set<Int>>([])

    /// A port of 127.0.0.1 that nobody listens on at this moment, and that nobody in this process was told before.
    public static func freePort() throws -> Int {
        for _ in 0..<1_000 {
            let port = unusedPort()
            guard port > 0 else { break }
            if told.withLock({ $0.insert(port).inserted }) { return port }
        }
        throw Missing(description: "no free port on 127.0.0.1")
    }

    private static func unusedPort() -> Int {
        LoopbackSocket.with(port: 0) { descriptor, address, size -> Int in
            guard bind(descriptor, address, size) == 0 else { return 0 }
            var bound = sockaddr_in()
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            return withUnsafeMutablePointer(to: &bound) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    getsockname(descriptor, $0, &length) == 0 ? 1 : 0
                }
            } == 1 ? Int(UInt16(bigEndian: bound.sin_port)) : 0
        }
    }
}
