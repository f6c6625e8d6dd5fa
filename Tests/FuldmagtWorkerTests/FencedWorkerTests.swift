import Foundation
import FuldmagtDomain
import FuldmagtStore
import Logging
import Synchronization
import Testing

@testable import FuldmagtWorker

/// A worker that is paused longer than its group waits, in the middle of its work, finds its shards with somebody else.
@Suite struct FencedWorkerTests {
    /// Something that happens once, when a worker reaches a point.
    private final class Pause: Sendable {
        private let next = Mutex<(Milestone, @Sendable () -> Void)?>(nil)

        func at(_ point: Milestone, _ body: @escaping @Sendable () -> Void) { next.withLock { $0 = (point, body) } }

        func reached(_ point: Milestone) {
            let body = next.withLock { next -> (@Sendable () -> Void)? in
                guard let due = next, due.0 == point else { return nil }
                next = nil
                return due.1
            }
            body?()
        }
    }

    private struct Unchecked<Value>: @unchecked Sendable { let value: Value }

    private func worker(
        _ name: String, _ cluster: TestCluster, folder: String, pause: Pause = Pause()
    ) throws -> WorkerLoop {
        var options = cluster.options
        options.worker = name
        options.directory = folder
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var surroundings = cluster.surroundings
        surroundings.reached = { pause.reached($0) }
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        return WorkerLoop(
            options: options, log: cluster.broker.member(), surroundings: surroundings, logger: logger)
    }

    private func drain(_ cluster: TestCluster, _ workers: [WorkerLoop]) throws {
        var quiet = 0
        while quiet < 4 {
            var count = 0
            for worker in workers { count += try worker.turnOrJoinAgain() }
            quiet = count == 0 && cluster.broker.lag == 0 ? quiet + 1 : 0
        }
    }

    private func sendTwenty(_ cluster: TestCluster, _ name: String) {
        for number in 0..<20 {
            cluster.issue("61015000\(20 + number)", to: TestCluster.bent, [name], id: "\(name)\(number)")
        }
    }

    /// Two workers; the first is paused at a point while the second takes everything over and goes on.
    private func pausedWorker(
        at point: Milestone, folders: (String, String)
    ) throws -> (TestCluster, first: WorkerLoop, second: WorkerLoop) {
        let cluster = try TestCluster()
        let pause = Pause()
        let first = try worker("w1", cluster, folder: cluster.directory + folders.0, pause: pause)
        let second = try worker("w2", cluster, folder: cluster.directory + folders.1)
        cluster.defineCatalogue()
        cluster.package("second", scope: "national")
        try drain(cluster, [first])
        sendTwenty(cluster, "tax")
        let shared = Unchecked(value: (self, cluster, second))
        pause.at(point) {
            let (tests, cluster, second) = shared.value
            cluster.broker.expireMembers()
            tests.sendTwenty(cluster, "second")
            do { try tests.drain(cluster, [second]) } catch { Issue.record(error) }
        }
        return (cluster, first, second)
    }

    private func expectOnce(_ cluster: TestCluster, _ first: WorkerLoop, _ second: WorkerLoop) throws {
        try drain(cluster, [first, second])
        for name in ["tax", "second"] {
            for number in 0..<20 { #expect(cluster.answer("\(name)\(number)") == "accepted") }
        }
        #expect(cluster.notifications(to: TestCluster.bent).count == 40)
        // Both work now, each on its own shards.
        cluster.issue(TestCluster.anna, to: TestCluster.carl, ["tax"], id: "after")
        cluster.issue(TestCluster.carl, to: TestCluster.anna, ["tax"], id: "after2")
        try drain(cluster, [first, second])
        #expect(cluster.answer("after") == "accepted" && cluster.answer("after2") == "accepted")
        try first.finish()
        try second.finish()
    }

    @Test(
        "its store refuses it by the epoch: nothing is written, and it joins again",
        arguments: [Milestone.polled])
    func sameFolder(point: Milestone) throws {
        let (cluster, first, second) = try pausedWorker(at: point, folders: ("", ""))
        let refused = #expect(throws: StoreError.self) { try first.turn() }
        #expect(refused?.consequence == .fenced)
        try expectOnce(cluster, first, second)
        #expect(try cluster.check() == [])
    }

    @Test(
        "its log refuses it by the generation: what it stored is published by nobody, and it joins again",
        arguments: [Milestone.polled, .beforeStoreCommit, .afterStoreCommit])
    func otherMachine(point: Milestone) throws {
        let (cluster, first, second) = try pausedWorker(at: point, folders: ("/a", "/b"))
        let refused = #expect(throws: LogFailure.self) { try first.turn() }
        #expect(refused?.consequence == .fenced)
        try expectOnce(cluster, first, second)
        for folder in ["/a", "/b"] {
            for file in try ShardFiles.all(in: cluster.directory + folder) {
                #expect(try ShardFiles.check(shard: file.shard, path: file.path) == [])
            }
        }
    }

    @Test("overtaken while it rebuilds a shard, it joins again instead of stopping")
    func overtakenInRestore() throws {
        let cluster = try TestCluster()
        let pause = Pause()
        let before = try worker("w1", cluster, folder: cluster.directory + "/a")
        cluster.defineCatalogue()
        cluster.package("second", scope: "national")
        sendTwenty(cluster, "tax")
        try drain(cluster, [before])
        try before.finish()
        let late = try worker("w2", cluster, folder: cluster.directory + "/b", pause: pause)
        let owner = try worker("w3", cluster, folder: cluster.directory + "/c")
        let shared = Unchecked(value: (self, cluster, owner))
        pause.at(.restoring) {
            let (tests, cluster, owner) = shared.value
            cluster.broker.expireMembers()
            tests.sendTwenty(cluster, "second")
            do { try tests.drain(cluster, [owner]) } catch { Issue.record(error) }
        }
        try late.turnOrJoinAgain()
        try expectOnce(cluster, late, owner)
    }

    @Test("fenced off, it gives everything up, joins again by itself and takes its share", arguments: ["", "/b"])
    func joinsAgain(otherFolder: String) throws {
        let (cluster, first, second) = try pausedWorker(at: .polled, folders: ("", otherFolder))
        try first.turnOrJoinAgain()
        try expectOnce(cluster, first, second)
    }
}
