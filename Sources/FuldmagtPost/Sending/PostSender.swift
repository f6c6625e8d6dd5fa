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

    /// Returns once all of a frame is acknowledged.
    func write(_ frame: Frame) throws
}

/// What takes messages on: a folder, a print supplier, an endpoint.
public protocol PostTransport {
    /// Whether a message that an attempt was not concluded for has certainly arrived.
    func has(_ message: Ident) throws -> Bool

    /// Until when nothing may be sent; nil when it may.
    func closedUntil(now: Instant) -> Instant?

    /// Hands messages over. Sending one again under the same id must be harmless: the transport recognises it.
    mutating func send(_ messages: [OutgoingMessage], now: Instant) throws
        -> [(message: Ident, sending: PostLedger.Sending)]
}

extension PostTransport {
    public func closedUntil(now: Instant) -> Instant? { nil }
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

/// Sends the notifications of one channel: each at most once under each id, and under one id only.
///
/// A step:
/// 1. reads all partitions to the end they have now, and stores what it read with the positions, in one transaction;
/// 2. fixes the ids of a small chunk of what is due, durably;
/// 3. hands the chunk to the transport;
/// 4. notes what came of it, durably;
/// 5. writes `submitted` receipts, and notes that.
///
/// Because of 1, nothing is handed over whose withdrawal was visible when its chunk was begun. What is left is the time
/// from the answer of the broker in 1 to the end of 3: one chunk. A death anywhere repeats what was not noted: the same
/// ids to the transport, the same receipts to the log.
public final class PostSender<Log: PostLog, Transport: PostTransport> {
    public struct Options: Sendable {
        /// Messages handed over between two looks for withdrawals.
        public var chunk: Int
        /// See `PostLedger.take`.
        public var quietSeconds: Int
        /// `ce_source` of receipts.
        public var source: String
        /// Name of this process in dead letters.
        public var worker: String

        public init(chunk: Int = 50, quietSeconds: Int = 0, source: String, worker: String) {
            self.chunk = chunk
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
            told += other.told
        }
    }

    private let log: Log
    private var transport: Transport
    private let ledger: PostLedger
    private let options: Options
    private let now: () -> Instant
    private let reached: (PostMilestone) throws -> Void
    private let document = JSONDocument()
    private var positions: [Int32: Int64]
    private var writer: ReceiptWriter
    /// Records stored in one transaction.
    private static var recordsAtOnce: Int { 2_000 }
    private static var receiptsAtOnce: Int { 2_000 }

    /// - Parameters:
    ///   - now: the present.
    ///   - reached: called at each point, for tests; what it throws ends the step there, as a death would.
    public init(
        log: Log, transport: Transport, ledger: PostLedger, options: Options, now: @escaping () -> Instant,
        reached: @escaping (PostMilestone) throws -> Void = { _ in }
    ) throws {
        self.log = log
        self.transport = transport
        self.ledger = ledger
        self.options = options
        self.now = now
        self.reached = reached
        writer = ReceiptWriter(source: options.source, worker: options.worker)
        positions = try ledger.positions()
        // What arrived before a death is noted before anything that was said meanwhile is read.
        let arrived = try ledger.unsettled().filter { try transport.has($0) }
        try ledger.settle(arrived.map { ($0, .sent) }, now: now())
    }

    public func step() throws -> Step {
        var step = Step()
        try readToEnd(&step)
        if transport.closedUntil(now: now()) == nil {
            let messages = try ledger.fix(limit: options.chunk, now: now())
            if !messages.isEmpty {
                try reached(.fixed)
                let results = try transport.send(messages, now: now())
                try reached(.handedOver)
                try ledger.settle(results, now: now())
                try reached(.settled)
                for (_, sending) in results {
                    switch sending {
                    case .sent: step.sent += 1
                    case .refused: step.refused += 1
                    case .again: step.again += 1
                    }
                }
            }
        }
        try tell(&step)
        return step
    }

    private func readToEnd(_ step: inout Step) throws {
        var arrivals: [PostLedger.Arrived] = []
        var reached = positions
        var letters = 0
        func store() throws {
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
                    deadLetter: record.value, key: record.key, headers: record.headers, reason: "invalid-notification",
                    detail: error.description, origin: Topic.notifications.name, partition: partition,
                    offset: record.offset, now: now())
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
