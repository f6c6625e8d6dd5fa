import FuldmagtDomain
import FuldmagtKeys
import FuldmagtRecord
import FuldmagtTestKit
import FuldmagtWorker
import Foundation
import Logging

func nanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
func bench() throws {
let load = BenchLoad(seed: 1, citizens: 100_000, commands: 500_000)
let broker = MemoryBroker(partitions: 4, dropping: [.outcomes, .notifications], forgetsCommitted: true) {
    Instant(milliseconds: 1_795_514_400_000)
}
let dir = "/tmp/fm-bench"
try? FileManager.default.removeItem(atPath: dir)
try FileManager.default.createDirectory(atPath: dir, withIntermediateDirectories: true)
var options = WorkerOptions(
    worker: "bench",
    settings: Settings(admitsTestPersons: true, sender: Sender(cvr: "11223344", name: "x"), cluster: "bench", partitions: 4),
    keys: try ClusterKey(hex: String(repeating: "0a", count: 32)), directory: dir)
options.pollMilliseconds = 0
if let b = ProcessInfo.processInfo.environment["BATCH"].flatMap({ Int($0) }) { options.batchRecords = b }
options.isDurable = ProcessInfo.processInfo.environment["DURABLE"] != "0"
let loop = WorkerLoop(
    options: options, log: broker.member(),
    surroundings: Surroundings(
        now: { Instant(milliseconds: 1_795_514_400_000) }, nanoseconds: { nanoseconds() }, pause: { _ in }),
    logger: Logger(label: "x"))
broker.append(load.catalogue())
try loop.start()
func drain() throws { while try loop.turn() > 0 || broker.lag > 0 {} }
for s in stride(from: 0, to: load.citizens, by: 20_000) { broker.append(load.moves(s..<s + 20_000)); try drain() }
print("moves done")
var total: UInt64 = 0
let chunk = 50_000
for s in stride(from: 0, to: load.commands, by: chunk) {
    broker.append(load.issues(s..<s + chunk))
    let t = nanoseconds()
    try drain()
    total += nanoseconds() - t
    print(s, Double(chunk) / (Double(nanoseconds() - t) / 1e9))
}
print("rate", Double(load.commands) / (Double(total) / 1e9))
var usage = rusage()
getrusage(0, &usage)
print("maxrss MB", usage.ru_maxrss / 1024, "cpu", usage.ru_utime.tv_sec, usage.ru_stime.tv_sec)
print(loop.times)
try loop.finish()
print(loop.times, loop.counts.accepted)
}
try bench()
