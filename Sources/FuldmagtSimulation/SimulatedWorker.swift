import FuldmagtStore
import FuldmagtWorker

/// One worker process, from start to death, again and again, on one machine.
final class SimulatedWorker {
    let number: Int
    let folder: String
    /// The process that runs now; nil while there is none.
    var process: SimulatedProcess?
    /// How far its machine's clock is ahead, milliseconds.
    var skew: Int64 = 0
    /// Rounds until it is started again.
    var startsIn = 0
    /// It is within one of its turns.
    var isBusy = false
    /// The turn that it is in, where that may stand still.
    var turn: PausableTurn?
    /// It stands still within its turn.
    var isPaused = false
    /// The moment at which it goes on.
    var goesOnAt = 0
    /// A copy of its folder was kept, to be put back when the disk is lost.
    var hasCopy = false
    /// Phases in which its copies of others' shards are not kept up, this one among them.
    var idlePhases = 0

    var name: String { "w\(number)" }
    var copy: String { folder + "-copy" }

    init(number: Int, folder: String) {
        self.number = number
        self.folder = folder
    }
}

/// A worker's process. Once it is dead, nothing that it still tries has an effect.
final class SimulatedProcess: @unchecked Sendable {
    let log: SimulatedLog
    var loop: WorkerLoop?
    /// Its copies of others' shards, where it keeps any.
    var standby: Standby?
    var isDead = false
    /// Its machine's disk is lost when it dies.
    var losesDisk = false
    /// It is to be ended in good order.
    var isToStop = false
    /// Something was done to it that stops it for good.
    var mayStop = false
    /// Transactions that the disk still refuses.
    var failingTransactions = 0
    /// The next transaction finds its shard's file damaged.
    var findsDamage = false

    init(log: SimulatedLog) { self.log = log }
}
