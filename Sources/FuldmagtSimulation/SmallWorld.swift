import FuldmagtDomain
import FuldmagtKeys
import FuldmagtTestKit

/// What one seed decides before anything happens: how many workers, shards and folders, and what producers send.
///
/// Small on purpose: two dozen citizens on two or three shards meet in every way that thousands do, and a thousand small
/// worlds meet more faults than one large one.
struct SmallWorld {
    static let keys: ClusterKey = {
        do { return try ClusterKey(hex: String(repeating: "0b", count: 32)) } catch {
            preconditionFailure("the key of the simulation is no key: \(error)")
        }
    }()

    let partitions: Int32
    let workers: Int
    /// All workers are on one machine and share a folder; else each has its own.
    let sharesFolder: Bool
    /// What is published is published beside the next turn.
    let isPipelined: Bool
    let batchRecords: Int
    let sweepSize: Int
    let settings: Settings
    /// Files and connections are kept from world to world; in some they are opened and closed as workers do.
    let keepsFiles: Bool
    /// Workers keep copies of the shards that others own.
    let keepsCopies: Bool
    /// Transports tell after each phase what became of notifications.
    let hasReceipts: Bool
    /// People get new numbers, one after the other.
    let renumbers: Bool
    /// Commands of people whose new numbers cross each other; nil where none do.
    let crossing: [CrossingWorkload.Sent]?
    let phases: [Workload.Phase]

    init(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        partitions = Int32(2 + random.below(2))
        workers = 2 + random.below(2)
        sharesFolder = random.chance(2, of: 5)
        isPipelined = random.chance(2, of: 3)
        batchRecords = random.pick([2, 5, 20, 200])
        sweepSize = random.pick([2, 200])
        // That nothing came is no record, and the model waits for none. Phases begin a whole number of days after others, eight
        // hours more or eight less: what is kept for 28 hours is not given up at a moment that clocks may disagree about.
        var patience = ReceiptPatience.endless
        patience.unknown = 28 * 3_600
        settings = Settings(
            admitsTestPersons: true, sender: Sender(cvr: "55133018", name: "Eksempel"), cluster: "simulation",
            partitions: partitions, patience: patience)
        // One seed of sixteen: drawn from nothing, so that the others do what they do without it.
        renumbers = seed % 16 == 7
        var options = Workload.Options()
        options.phases = 4
        options.hasLargeValues = false
        options.municipalities = 2
        let workload = Workload(
            seed: random.next(), citizens: 24, commands: 22 + 4 * (6 + random.below(20)), partitions: partitions,
            keys: Self.keys, options: options)
        // A prefix: what comes later counts on what came before.
        let count = 3 + random.below(7)
        keepsFiles = random.chance(15, of: 16)
        // In one folder the owner's own file is there to be taken over.
        keepsCopies = !sharesFolder && random.chance(2, of: 3)
        let crosses = seed % 16 == 15
        hasReceipts = random.chance(1, of: 3) && !crosses
        if crosses {
            var changes = CrossingWorkload(seed: random.next(), partitions: partitions, keys: Self.keys)
            phases = changes.phases(count)
            crossing = changes.sent
            return
        }
        crossing = nil
        if renumbers {
            // A receipt that nobody knows is given up on a day, too.
            var changes = RenumberingWorkload(
                seed: random.next(), partitions: partitions, keys: Self.keys, tellsAhead: !hasReceipts)
            phases = changes.phases(2 * count)
        } else {
            phases = Array(workload.everything().prefix(count))
        }
    }
}
