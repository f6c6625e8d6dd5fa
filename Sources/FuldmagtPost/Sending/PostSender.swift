import FuldmagtDomain
import FuldmagtJSON
import FuldmagtRecord

/// The log as senders need it: Kafka in the program, memory in tests.
public protocol PostLog {
    /// Reads committed records of each partition of `fuldmagt.notifications` from a position, or its beginning, to the
    /// end that it has when this is called.
    /// - Parameter body: told the partition's number with each record.
    /// - Returns: positions next to read.
    func read(from positions: [Int32: Int64], _ body: (Int32, RecordView) throws -> Void) throws -> [Int32: Int64]

    /// The same for all records there are, whether their transactions are decided or not.
    func look(from positions: [Int32: Int64], _ body: (Int32, RecordView) throws -> Void) throws -> [Int32: Int64]

    /// Returns once all of a frame is acknowledged.
    func write(_ frame: Frame) throws
}

/// What takes messages on: a folder, a print supplier, an endpoint.
public protocol PostTransport {
    /// Whether a message that an attempt was not concluded for has certainly arrived.
    func has(_ message: Ident) throws -> Bool

    /// Until when nothing may be sent; nil when it may.
    func closedUntil(now: Instant) -> Instant?

    /// Whether a chunk that was begun must be concluded as it is, before others join it.
    var keepsChunks: Bool { get }

    /// Hands messages over. Sending one again under the same id must be harmless: the transport recognises it.
    /// - Parameter clearance: asked immediately before each call that hands something over. What it does not name is
    ///   `withheld`: nothing of it may be left behind.
    mutating func send(_ messages: [OutgoingMessage], now: Instant, clearance: Clearance) throws
        -> [(message: Ident, sending: PostLedger.Sending)]
}

/// Says which of some messages may be handed over at this moment, all by one call.
public typealias Clearance = ([OutgoingMessage]) -> Set<Ident>

extension PostTransport {
    public func closedUntil(now: Instant) -> Instant? { nil }
    public var keepsChunks: Bool { false }
}

/// A point of a sender's step, for tests that kill it there.
public enum PostMilestone: String, CaseIterable, Sendable {
    /// Ids are fixed, nothing is handed over.
    case fixed
    /// Handed over, not noted.
    case handedOver = "handed-over"
    /// Noted, no receipt written.
    case settled
    /// Receipts written, not noted.
    case told
}

/// The broker answers so slowly that nothing can be known of the present.
public struct LookTooSlow: Error, CustomStringConvertible {
    var milliseconds: Int
    public var description: String {
        "no look for withdrawals was over within \(milliseconds) ms, so nothing is sent; is the broker too slow?"
    }
}

/// Sends the notifications of one channel: each at most once under each id, and under one id only.
///
/// A step:
/// 1. reads all partitions to the end they have now, and stores what it read with the positions, in one transaction;
/// 2. fixes the ids of a small chunk of what is due, durably;
/// 3. hands the chunk to the transport, after a look for each message that is no older than `Options.look`: at what stands
///    behind the positions of 1, decided or not;
/// 4. notes what came of it, durably;
/// 5. writes `submitted` receipts, and notes that.
///
/// Because of 3, and as workers hold the commit of withdrawals back (`WithdrawalLead`), nothing is handed over once the
/// outcome of what withdrew it can be seen. A death anywhere repeats what was not noted: the same ids to the transport, the
/// same receipts to the log.
public final class PostSender<Log: PostLog, Transport: PostTransport> {
    public struct Options: Sendable {
        /// Messages whose ids are fixed together.
        public var chunk: Int
        /// Milliseconds for which a look counts; nil for none, which tests use to see what it is good for.
        public var look: Int?
        /// See `PostLedger.take`.
        public var quietSeconds: Int
        /// `ce_source` of receipts.
        public var source: String
        /// Name of this process in dead letters.
        public var worker: String

        public init(
            chunk: Int = 50, look: Int? = WithdrawalLead.look, quietSeconds: Int = 0, source: String, worker: String
        ) {
            self.chunk = chunk
            self.look = look
            self.quietSeconds = quietSeconds
            self.source = source
            self.worker = worker
        }
    }

    /// What a step did.
    public struct Step: Equatable, Sendable {
        public var read = 0
        public var taken = PostLedger.Taken()
        public var deadLetters = 0
        public var sent = 0
        public var refused = 0
        /// Messages to be sent again later.
        public var again = 0
        /// Messages held back by what a look found: the next step reads what is to become of them.
        public var withheld = 0
        public var looks = 0
        public var told = 0

        public init() {}

        /// Whether there may be more to do at once.
        public var isBusy: Bool { read > 0 || sent > 0 || refused > 0 || told > 0 }

        public mutating func add(_ other: Step) {
            read += other.read
            taken.queued += other.taken.queued
            taken.cancelled += other.taken.cancelled
            taken.rerouted += other.taken.rerouted
            deadLetters += other.deadLetters
            sent += other.sent
            refused += other.refused
            again += other.again
            withheld += other.withheld
            looks += other.looks
            told += other.told
        }
    }

    private let log: Log
    private var transport: Transport
    private let ledger: PostLedger
    private let options: Options
    private let channel: PostChannel
    private let now: () -> Instant
    private let nanoseconds: () -> UInt64
    private let isAlive: () -> Void
    private let reached: (PostMilestone) throws -> Void
    private let document = JSONDocument()
    private var positions: [Int32: Int64]
    private var lookout = Lookout()
    private var writer: ReceiptWriter
    /// Records stored in one transaction.
    private static var recordsAtOnce: Int { 2_000 }
    private static var receiptsAtOnce: Int { 2_000 }

    /// - Parameters:
    ///   - now: the present.
    ///   - nanoseconds: a clock that counts on however long this process or its machine stands still.
    ///   - isAlive: called before each hand-over and with each part that is read: a step may take long.
    ///   - reached: called at each point, for tests; what it throws ends the step there, as a death would.
    public init(
        log: Log, transport: Transport, ledger: PostLedger, options: Options, now: @escaping () -> Instant,
        nanoseconds: @escaping () -> UInt64, isAlive: @escaping () -> Void = {},
        reached: @escaping (PostMilestone) throws -> Void = { _ in }
    ) throws {
        channel = ledger.channel
        self.nanoseconds = nanoseconds
        self.log = log
        self.transport = transport
        self.ledger = ledger
        self.options = options
        self.now = now
        self.isAlive = isAlive
        self.reached = reached
        writer = ReceiptWriter(source: options.source, worker: options.worker)
        positions = try ledger.positions()
        // What arrived before a death is noted before anything that was said meanwhile is read.
        let arrived = try ledger.unsettled().filter { try transport.has($0) }
        try ledger.settle(arrived.map { ($0, .sent) }, now: now())
        // Of the rest nobody knows how far it came.
        try ledger.doubtUnsettled()
    }

    /// Whether the transport is left alone for a while.
    public var isClosed: Bool { transport.closedUntil(now: now()) != nil }

    public func step() throws -> Step {
        var step = Step()
        try readToEnd(&step)
        if transport.closedUntil(now: now()) == nil {
            let messages = try ledger.fix(limit: options.chunk, alone: transport.keepsChunks, now: now())
            if !messages.isEmpty {
                try reached(.fixed)
                lookout = Lookout(from: positions)
                let results = try transport.send(messages, now: now(), clearance: clearance)
                try reached(.handedOver)
                try ledger.settle(results, now: now())
                try reached(.settled)
                for (_, sending) in results {
                    switch sending {
                    case .sent: step.sent += 1
                    case .refused: step.refused += 1
                    case .again: step.again += 1
                    case .withheld: step.withheld += 1
                    }
                }
                step.looks += lookout.looks
                // What went before is noted; what could not be looked for is for the next step.
                if let failure = lookout.failure { throw failure }
            }
        }
        try tell(&step)
        return step
    }

    // MARK: The look before a hand-over

    /// What is known of withdrawals that the ledger has not read.
    private struct Lookout {
        /// Next to look at.
        var positions: [Int32: Int64] = [:]
        /// Withdrawn, or given to the other channel, by what was seen there.
        var gone: Set<Ident> = []
        /// When the last look was asked for; nil before the first.
        var askedAt: UInt64?
        var looks = 0
        var failure: (any Error)?

        init(from positions: [Int32: Int64] = [:]) { self.positions = positions }

        func counts(at now: UInt64, milliseconds: Int) -> Bool {
            askedAt.map { now >= $0 && now - $0 < UInt64(milliseconds) * 1_000_000 } ?? false
        }
    }

    /// Looks that may be too old before they are over. More say that the broker is too slow to send anything.
    private static var looksAtMost: Int { 50 }

    private func clearance(of messages: [OutgoingMessage]) -> Set<Ident> {
        isAlive()
        guard let milliseconds = options.look else { return Set(messages.map(\.id)) }
        guard lookout.failure == nil else { return [] }
        do {
            for _ in 0..<Self.looksAtMost {
                if !lookout.counts(at: nanoseconds(), milliseconds: milliseconds) { try look() }
                let gone = lookout.gone
                let cleared = messages.filter { $0.parts.allSatisfy { !gone.contains($0.id) } }
                let ids = Set(cleared.map(\.id))
                // Nothing comes between this and the hand-over.
                if lookout.counts(at: nanoseconds(), milliseconds: milliseconds) { return ids }
            }
            throw LookTooSlow(milliseconds: milliseconds)
        } catch {
            lookout.failure = error
            return []
        }
    }

    private func look() throws {
        lookout.looks += 1
        let asked = nanoseconds()
        lookout.positions = try log.look(from: lookout.positions) { _, record in
            do throws(PostNotification.Unusable) {
                let found = try PostNotification.read(record, into: document)
                if found.isCancellation || found.channel != channel { lookout.gone.insert(found.id) }
            } catch {
                // It becomes a dead letter when it is read; it withdraws nothing that can be named.
                return
            }
        }
        lookout.askedAt = asked
    }

    private func readToEnd(_ step: inout Step) throws {
        var arrivals: [PostLedger.Arrived] = []
        var reached = positions
        var letters = 0
        func store() throws {
            isAlive()
            if letters > 0 {
                // A position moves on only when what could not be read is set aside.
                try log.write(writer.take())
                step.deadLetters += letters
                letters = 0
            }
            let taken = try ledger.take(
                arrivals, positions: reached.filter { positions[$0.key] != $0.value }, now: now(),
                quietSeconds: options.quietSeconds)
            step.taken.queued += taken.queued
            step.taken.cancelled += taken.cancelled
            step.taken.rerouted += taken.rerouted
            arrivals.removeAll(keepingCapacity: true)
            positions = reached
        }
        let end = try log.read(from: positions) { partition, record in
            step.read += 1
            do throws(PostNotification.Unusable) {
                let notification = try PostNotification.read(record, into: document)
                arrivals.append(PostLedger.Arrived(notification, value: record.value.map { Array($0) } ?? []))
            } catch {
                letters += 1
                writer.append(
                    deadLetter: record.value, key: record.key, headers: record.headers,
                    reason: PostFault.invalidNotification.rawValue, detail: error.description,
                    origin: Topic.notifications.name, partition: partition, offset: record.offset, now: now())
            }
            reached[partition] = record.offset + 1
            if arrivals.count + letters >= Self.recordsAtOnce { try store() }
        }
        reached = end
        if !arrivals.isEmpty || letters > 0 || reached != positions { try store() }
    }

    private func tell(_ step: inout Step) throws {
        while true {
            let untold = try ledger.untold(limit: Self.receiptsAtOnce)
            guard !untold.isEmpty else { return }
            for item in untold { writer.append(item.receipt) }
            try log.write(writer.take())
            try reached(.told)
            try ledger.told(untold)
            step.told += untold.count
        }
    }
}
