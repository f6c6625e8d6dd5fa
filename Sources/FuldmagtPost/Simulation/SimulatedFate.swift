import Crypto
import FuldmagtDomain

/// What a simulated transport does with a message, decided by seed and id alone: the same in every run.
struct SimulatedFate {
    /// One receipt, at a time after the message was taken on.
    struct Receipt: Equatable {
        var receiptID: String
        var status: String
        var code: String?
        /// Milliseconds.
        var after: Int64
        /// Written, but never put where it would be read.
        var isLost: Bool
        /// Which of the copies: 0 for the first.
        var copy: Int
    }

    var receipts: [Receipt] = []
    /// As the last receipt says, lost or not.
    var fails: Bool

    init(message: Ident, channel: PostChannel, options: SimulationOptions, isRefused: Bool = false) {
        var chance = Chance(seed: options.seed, message: message, channel: channel)
        fails = isRefused || chance.happens(options.failures)
        let statuses: [String] =
            switch (channel, fails) {
            case (.digitalPost, false): ["Modtaget Digital Post", "Afleveret Digital Post"]
            case (.digitalPost, true): ["Modtaget Digital Post", "Fejlet"]
            case (.letter, false): ["Modtaget fjernprint", "Klar", "Afleveret til print", "Modtaget PostDanmark"]
            case (.letter, true): ["Modtaget fjernprint", "Fejlet"]
            }
        var time: Int64 = 0
        for (step, status) in statuses.enumerated() {
            time += chance.between(options.shortestDelay, options.longestDelay)
            // Told before what came before it, or long after.
            let isOutOfOrder = chance.happens(options.reordered)
            let after = isOutOfOrder ? chance.between(0, options.longestDelay * Int64(statuses.count)) : time
            let code: String? =
                status == "Fejlet"
                ? isRefused ? "invalid-memo" : channel == .letter ? "address.unknown" : "recipient.is.closed" : nil
            let receipt = Receipt(
                receiptID: "sim-\(message.uuidText)-\(channel == .letter ? "l" : "d")\(step)", status: status,
                code: code, after: after, isLost: chance.happens(options.lost), copy: 0)
            receipts.append(receipt)
            if chance.happens(options.duplicated) {
                var copy = receipt
                copy.copy = 1
                copy.after += chance.between(0, options.longestDelay)
                copy.isLost = false
                receipts.append(copy)
            }
        }
    }

    /// Numbers that follow from seed and message.
    private struct Chance {
        private var state: UInt64

        init(seed: UInt64, message: Ident, channel: PostChannel) {
            let digest = SHA256.hash(data: Array("\(seed)/\(message)/\(channel.rawValue)".utf8))
            state = digest.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }
        }

        private mutating func next() -> UInt64 {
            // Sebastiano Vigna's SplitMix64.
            state &+= 0x9e37_79b9_7f4a_7c15
            var z = state
            z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
            z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
            return z ^ (z >> 31)
        }

        /// - Parameter percent: 0 to 100.
        mutating func happens(_ percent: Double) -> Bool { Double(next() % 1_000_000) < percent * 10_000 }

        mutating func between(_ low: Int64, _ high: Int64) -> Int64 {
            high > low ? low + Int64(next() % UInt64(high - low + 1)) : low
        }
    }
}

/// How a simulated transport behaves.
public struct SimulationOptions: Sendable, Equatable {
    public var seed: UInt64
    /// Percent of messages that are not delivered.
    public var failures: Double
    /// Percent of receipts that are written twice.
    public var duplicated: Double
    /// Percent of receipts that are never written.
    public var lost: Double
    /// Percent of receipts that come out of order.
    public var reordered: Double
    /// Milliseconds between two steps of a message's way.
    public var shortestDelay: Int64
    public var longestDelay: Int64

    public init(
        seed: UInt64 = 1, failures: Double = 0, duplicated: Double = 0, lost: Double = 0, reordered: Double = 0,
        shortestDelay: Int64 = 0, longestDelay: Int64 = 1_000
    ) {
        self.seed = seed
        self.failures = failures
        self.duplicated = duplicated
        self.lost = lost
        self.reordered = reordered
        self.shortestDelay = shortestDelay
        self.longestDelay = longestDelay
    }
}
