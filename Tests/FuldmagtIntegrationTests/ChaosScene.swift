import Foundation
import FuldmagtTestBroker
import FuldmagtTestKit

/// Three workers with folders of their own, and what happens to them, in an order that a seed decides.
final class ChaosScene {
    /// What may happen to a worker.
    enum Blow: String, CaseIterable {
        case killed, ended, diskLost = "disk lost", paused
    }

    /// A member of the group. This broker never lets one go that does not come back, so each keeps its name.
    private struct Member {
        let number: Int
        var process: ChildProcess
        /// It was ended, and is to come back.
        var isStruck = false
        /// Takes its place on another machine while it is paused.
        var standIn: (process: ChildProcess, until: Date)?
    }

    private let cluster: KafkaCluster
    private var random: SplitMix64
    private var members: [Member] = []
    private var nextBlow = Date()
    private var bag: [Blow] = []
    private(set) var blows: [Blow: Int] = [:]
    private(set) var brokerRestarts = 0
    /// Workers that ended without being struck, and what they said last. None may: they mend themselves.
    private(set) var endedByThemselves: [String] = []
    /// Nothing happens to anybody any more.
    private var isCalm = false

    static let sessionMilliseconds = 6_000

    init(cluster: KafkaCluster, seed: UInt64) throws {
        self.cluster = cluster
        random = SplitMix64(seed: seed)
        for number in 1...3 {
            members.append(Member(number: number, process: try start(number, log: "w\(number)", folder: "\(number)")))
        }
    }

    private func start(_ number: Int, log: String, folder: String) throws -> ChildProcess {
        try cluster.worker(
            log, folder: folder,
            environment: [
                "FULDMAGT_WORKER_ID": "member-\(number)", "FULDMAGT_BATCH_RECORDS": "200",
                "FULDMAGT_KAFKA_SESSION_TIMEOUT_MS": "\(Self.sessionMilliseconds)", "FULDMAGT_STOP_SECONDS": "60",
                // One of them keeps copies of the others' shards.
                "FULDMAGT_STANDBY": number == 3 ? "1" : "0",
            ])
    }

    /// Lets those come back whose time it is, and strikes when it is time for that.
    func goOn() throws {
        for index in members.indices { try seeTo(index) }
        guard !isCalm, Date() >= nextBlow else { return }
        nextBlow = Date().addingTimeInterval(2 + Double(random.next() % 4_000) / 1_000)
        let standing = members.indices.filter { members[$0].standIn == nil }
        guard !standing.isEmpty else { return }
        let index = standing[Int(random.next() % UInt64(standing.count))]
        try strike(index, drawBlow())
    }

    private func seeTo(_ index: Int) throws {
        if let standIn = members[index].standIn {
            guard isCalm || Date() >= standIn.until else { return }
            if !standIn.process.isRunning { try noteEnd(of: standIn.process, log: "s\(members[index].number)") }
            standIn.process.kill()
            members[index].standIn = nil
            members[index].process.resume()
        }
        guard !members[index].process.isRunning else { return }
        let number = members[index].number
        if !members[index].isStruck { try noteEnd(of: members[index].process, log: "w\(number)") }
        members[index].isStruck = false
        members[index].process = try start(number, log: "w\(number)", folder: "\(number)")
    }

    private func noteEnd(of process: ChildProcess, log: String) throws {
        let lines = try String(contentsOfFile: "\(cluster.directory)/\(log).log", encoding: .utf8).split(
            separator: "\n")
        endedByThemselves.append("\(log): status \(process.wait())\n\(lines.suffix(3).joined(separator: "\n"))")
    }

    /// Each blow comes once before any comes again, so that a short run has them all.
    private func drawBlow() -> Blow {
        if bag.isEmpty { bag = Blow.allCases }
        return bag.remove(at: Int(random.next() % UInt64(bag.count)))
    }

    private func end(_ index: Int, _ how: (ChildProcess) throws -> Void) rethrows {
        members[index].isStruck = members[index].process.isRunning
        try how(members[index].process)
    }

    /// Ends a worker as an operator does. One that is still starting has not come so far as to end in order.
    private static func terminate(_ process: ChildProcess) throws {
        if process.terminate() != SIGTERM { try process.stop() }
    }

    private func strike(_ index: Int, _ blow: Blow) throws {
        let member = members[index]
        blows[blow, default: 0] += 1
        switch blow {
        case .killed: end(index) { $0.kill() }
        case .ended: try end(index, Self.terminate)
        case .diskLost:
            end(index) { $0.kill() }
            let folder = "\(cluster.directory)/\(member.number)"
            if FileManager.default.fileExists(atPath: folder) { try FileManager.default.removeItem(atPath: folder) }
        case .paused:
            member.process.pause()
            let number = member.number
            let process = try start(number, log: "s\(number)", folder: "stand-in-\(number)")
            let until = Date().addingTimeInterval(Double(Self.sessionMilliseconds) / 1_000 * 1.5)
            members[index].standIn = (process, until)
        }
    }

    /// Ends the broker and starts it again, at a moment when nothing is under way. One member lives through it.
    ///
    /// This broker saves what it has and goes on to take transactions until it ends: those are lost, committed or not. So
    /// the workers are held while it does, at a moment when none has a transaction open. And what it knew of producers it
    /// has forgotten afterwards: one from before cannot be fenced off, whoever takes its name. So all members but one are
    /// killed, and come back when that one has found out that the group is gone, and has taken every shard with a new
    /// producer. Kafka, which keeps both, needs no such care.
    func restartBroker() throws {
        for index in members.indices where members[index].standIn != nil { members[index].standIn?.until = Date() }
        let survivor = Int(random.next() % UInt64(members.count))
        let log = "w\(members[survivor].number)"
        var takenBefore = 0
        try cluster.wait(seconds: 300, for: "a moment with nothing under way") {
            for index in members.indices { try seeTo(index) }
            // Whoever is held gets nothing done.
            guard try cluster.isQuiet() else { return false }
            for member in members { member.process.pause() }
            guard try cluster.isQuiet() else {
                for member in members { member.process.resume() }
                return false
            }
            takenBefore = try takenOver(log).count
            for index in members.indices where index != survivor { end(index) { $0.kill() } }
            try cluster.broker.restart()
            members[survivor].process.resume()
            return true
        }
        brokerRestarts += 1
        try cluster.wait(seconds: 300, for: "that \(log) has taken every shard of a broker that knows it no more") {
            try Set(takenOver(log).dropFirst(takenBefore)).count == Int(cluster.partitions)
        }
    }

    /// Lets everybody come back, and nothing happen any more.
    func calm() throws {
        isCalm = true
        try goOn()
    }

    /// Ends every worker as an operator does.
    func stop() throws {
        for member in members { try Self.terminate(member.process) }
        members = []
    }

    /// Starts each member without a folder of its own, so that it rebuilds its shards from the changelog, and ends it.
    /// - Returns: the shards' rows.
    func rebuild(into folder: String) throws -> [String] {
        let fresh = try (1...3).map { try start($0, log: "fresh\($0)", folder: folder) }
        try cluster.wait(seconds: 300, for: "that new members have rebuilt all shards") {
            return try Set((1...3).flatMap { try takenOver("fresh\($0)") }).count == Int(cluster.partitions)
        }
        for process in fresh { try process.stop() }
        return try cluster.dump(folder)
    }

    private func takenOver(_ log: String) throws -> [Substring] {
        try String(contentsOfFile: "\(cluster.directory)/\(log).log", encoding: .utf8).split(separator: "\n")
            .filter { $0.contains("shard taken over") }
            .compactMap { $0.firstMatch(of: /"shard":"([0-9]+)"/)?.1 }
    }

    /// How often what happened.
    var summary: String {
        Blow.allCases.map { "\($0.rawValue) \(blows[$0] ?? 0), " }.joined() + "broker restarted \(brokerRestarts)"
    }
}
