import FuldmagtDomain
import FuldmagtKafka
import FuldmagtRecord
import Synchronization

/// The log as a worker needs it, on Kafka: a group's member, a transactional producer, and a reader of the catalogue.
///
/// Everything but `publish` runs on the consumer's executor.
public final class KafkaLog: RecordLog, @unchecked Sendable {
    public struct Options: Sendable {
        public var configuration: KafkaConfiguration
        public var group: String
        /// Begins a life of this worker's producer: asked for before its first shards are taken over, and after a life has ended.
        public var producerLife: @Sendable () -> ProducerLife
        public var timeoutMilliseconds: Int32
        /// Lets some milliseconds pass before a transaction with withdrawals is committed, see `WithdrawalLead`.
        public var pause: @Sendable (Int) -> Void

        public init(
            configuration: KafkaConfiguration, group: String,
            producerLife: @escaping @Sendable () -> ProducerLife, timeoutMilliseconds: Int32 = 30_000,
            pause: @escaping @Sendable (Int) -> Void
        ) {
            self.pause = pause
            self.configuration = configuration
            self.group = group
            self.producerLife = producerLife
            self.timeoutMilliseconds = timeoutMilliseconds
        }
    }

    /// One life of a worker's producer, and the one before.
    ///
    /// Each has a name, and so a producer id, of its own. One broker tells its readers of an aborted transaction again and
    /// again, so that they drop what the same producer id commits afterwards. So a life ends with an abort.
    public struct ProducerLife: Sendable {
        /// The transactional id of the life before: fenced off, and what it left open is aborted, before anything is read.
        public var former: String?
        public var current: String
        /// What all lives of this worker's producer are called, but for what tells them apart.
        public var worker: String
        /// Called between the two lives: notes the new name where the next start finds it.
        public var onFormerEnded: @Sendable () throws(LogFailure) -> Void

        public init(
            former: String? = nil, current: String, worker: String? = nil,
            onFormerEnded: @escaping @Sendable () throws(LogFailure) -> Void = {}
        ) {
            self.worker = worker ?? current
            self.former = former
            self.current = current
            self.onFormerEnded = onFormerEnded
        }
    }

    /// Names of librdkafka properties that are for one kind of client only: setting one for the other is an error.
    private static let consumerOnly: Set<String> = [
        "group.id", "group.instance.id", "session.timeout.ms", "heartbeat.interval.ms", "max.poll.interval.ms",
        "auto.offset.reset", "queued.max.messages.kbytes", "queued.min.messages", "fetch.message.max.bytes",
        "max.partition.fetch.bytes", "fetch.wait.max.ms", "fetch.min.bytes", "fetch.max.bytes", "isolation.level",
        "partition.assignment.strategy", "fetch.error.backoff.ms", "fetch.queue.backoff.ms", "check.crcs",
    ]
    private static let producerOnly: Set<String> = [
        "linger.ms", "queue.buffering.max.ms", "batch.num.messages", "batch.size", "queue.buffering.max.kbytes",
        "queue.buffering.max.messages", "transaction.timeout.ms", "compression.codec", "compression.type",
        "compression.level", "delivery.timeout.ms", "message.timeout.ms", "acks", "request.required.acks",
        "partitioner", "enable.idempotence", "retries", "message.send.max.retries", "retry.backoff.ms",
        // A consumer takes it for nothing but a lower limit of its answers.
        "message.max.bytes",
    ]

    public enum Client { case consumer, producer, reader, admin }

    /// The properties that concern one kind of client.
    public static func properties(_ configuration: KafkaConfiguration, for client: Client) -> KafkaConfiguration {
        KafkaConfiguration(
            configuration.properties.filter { name, _ in
                switch client {
                case .consumer: !producerOnly.contains(name)
                case .producer: !consumerOnly.contains(name)
                case .reader: !producerOnly.contains(name) && !["group.id", "group.instance.id"].contains(name)
                case .admin: !producerOnly.contains(name) && !consumerOnly.contains(name)
                }
            })
    }

    public let executor: PinnedExecutor
    let options: Options
    var consumer: KafkaConsumer?
    private var producer: KafkaProducer?
    private(set) var life: ProducerLife?
    /// Lives of producers that were fenced off where they had not given a shard up in order.
    var fencedLives: Set<String> = []
    /// What is committed for this worker's shards, as it read or wrote it last.
    let standing = Mutex<[Int32: Standing]>([:])
    let catalogue: RecordReader
    let changelog: KafkaChangelog
    var isCatalogueAssigned = false
    /// The producer may be used: it is known to the broker under the name of its present life.
    private var isReady = false
    /// Why a transaction is to be aborted that is still open.
    private var leftOpen: KafkaFailure?
    /// Next to read.
    var cataloguePosition: Int64 = 0
    /// How often in a row the catalogue seemed to end before what was read of it.
    var catalogueCutOffs = 0
    private let reached: @Sendable (Milestone) -> Void
    static let catalogueTopic = TopicPartition(topic: Topic.catalogue.name, partition: 0)

    public init(
        _ options: Options, executor: PinnedExecutor, reached: @escaping @Sendable (Milestone) -> Void = { _ in }
    ) throws(LogFailure) {
        self.options = options
        self.executor = executor
        self.reached = reached
        changelog = KafkaChangelog(options.configuration, timeoutMilliseconds: options.timeoutMilliseconds)
        do throws(KafkaFailure) {
            // What is wrong with the producer's settings is said before anything is joined.
            producer = try Self.producer(options.configuration, named: "fuldmagt-check")
            catalogue = try RecordReader(
                Self.properties(options.configuration, for: .reader), topics: Topic.names)
        } catch {
            throw LogFailure(error)
        }
    }

    static func producer(_ configuration: KafkaConfiguration, named name: String) throws(KafkaFailure)
        -> KafkaProducer
    {
        try KafkaProducer(
            properties(configuration, for: .producer).setting(["transactional.id": name]), topics: Topic.names)
    }

    public func join(_ listener: any AssignmentListener) throws(LogFailure) {
        let answers = ShardAnswers(listener, onNothingOwned: { [weak self] in self?.isReady = false })
        do throws(KafkaFailure) {
            consumer = try KafkaConsumer(
                // Where to go on when a position is not there is for whoever took the shard over to say.
                KafkaConfiguration([
                    // A leader of the group that did not see a topic gives shards in parts, which nobody works on until it
                    // looks again.
                    "topic.metadata.refresh.interval.ms": "20000"
                ]).setting(Self.properties(options.configuration, for: .consumer).properties).setting([
                    "group.id": options.group, "auto.offset.reset": "error",
                ]),
                topics: Topic.consumed.map(\.name), executor: executor, onRebalance: { answers.answer($0) })
        } catch {
            throw LogFailure(error)
        }
    }

    func beginLifeIfEnded() throws(LogFailure) {
        if !isReady { try beginLife() }
    }

    /// Begins a new life of the producer.
    private func beginLife() throws(LogFailure) {
        let life = options.producerLife()
        isReady = false
        do throws(KafkaFailure) {
            // Ends what a former life of this worker left open, so that committed offsets are final before they are read.
            if let former = life.former {
                try Self.producer(options.configuration, named: former)
                    .initTransactions(timeoutMilliseconds: options.timeoutMilliseconds)
            }
        } catch {
            throw LogFailure(error)
        }
        try life.onFormerEnded()
        do throws(KafkaFailure) {
            let producer = try Self.producer(options.configuration, named: life.current)
            try producer.initTransactions(timeoutMilliseconds: options.timeoutMilliseconds)
            self.producer = producer
        } catch {
            throw LogFailure(error)
        }
        leftOpen = nil
        self.life = life
        if let former = life.former { fencedLives.insert(former) }
        isReady = true
    }

    func withConsumer<Result: Sendable>(
        isReading: Bool = false, _ body: @Sendable (isolated KafkaConsumer) throws -> Result
    ) throws(LogFailure) -> Result {
        guard let consumer else { throw LogFailure(.fatal, "the worker has not joined its group") }
        do {
            return try consumer.assumeIsolated { try body($0) }
        } catch let error as KafkaFailure {
            throw isReading ? LogFailure(reading: error) : LogFailure(error)
        } catch {
            throw LogFailure(.fatal, "\(error)")
        }
    }

    public func poll(_ limits: PollLimits, into batches: inout [Int32: RecordBatch]) throws(LogFailure) {
        let taken = Box(batches)
        batches = [:]
        defer { batches = taken.value }
        try withConsumer(isReading: true) { consumer in
            try consumer.poll(
                maximumRecords: limits.records, maximumBytes: limits.bytes,
                timeoutMilliseconds: Int32(limits.timeoutMilliseconds), into: &taken.value)
        }
    }

    private final class Box: @unchecked Sendable {
        var value: [Int32: RecordBatch]
        init(_ value: [Int32: RecordBatch]) { self.value = value }
    }

    // MARK: Publishing

    public func publish(_ transaction: LogTransaction) throws(LogFailure) {
        try publish(transaction, isGivenUp: { false }, onCommitting: {})
    }

    public func publish(
        _ transaction: LogTransaction, isGivenUp: () -> Bool, onCommitting: () -> Void
    ) throws(LogFailure) {
        guard let consumer, let producer, isReady else {
            // Its producer's life was ended by an abort, and no shard was taken over since.
            throw LogFailure(.fenced, "the worker has not joined its group")
        }
        do {
            try begin(producer)
            do {
                var withdraws = false
                for frame in transaction.frames {
                    try frame.forEach { record in
                        try producer.produce(record)
                        withdraws = withdraws || Self.withdraws(record)
                    }
                }
                reached(.afterProduce)
                if !transaction.offsets.isEmpty {
                    guard let metadata = consumer.groupMetadata() else {
                        throw LogFailure(.fenced, "the worker is no member of its group")
                    }
                    try producer.send(
                        offsets: Self.offsets(transaction), marks: marks(transaction), metadata: metadata,
                        timeoutMilliseconds: options.timeoutMilliseconds)
                }
                onCommitting()
                if withdraws {
                    try producer.awaitDeliveries(timeoutMilliseconds: options.timeoutMilliseconds)
                    options.pause(WithdrawalLead.worker)
                }
                reached(.beforeLogCommit)
                try commit(producer, isGivenUp: isGivenUp)
                reached(.afterLogCommit)
                note(transaction)
            } catch let found as KafkaFailure where found.consequence != .fatal && found.consequence != .fenced {
                let error = reason(of: found, producer, transaction)
                guard error.consequence != .fatal, error.consequence != .fenced else { throw error }
                let aborted = try abort(producer, because: error)
                // Repeated, it would be refused again. A topic may be unknown for a moment to a broker that has just begun.
                guard error.consequence != .configuration || error.isUnknownTopic else { throw error }
                throw aborted
            }
        } catch let error as KafkaFailure {
            // What it left behind is ended by the next life.
            if isGivenUp() { isReady = false }
            guard !error.isTooLarge else { throw Self.tooLarge(error.text, in: transaction) }
            throw LogFailure(error)
        } catch let error as LogFailure {
            throw error
        } catch {
            throw LogFailure(.fatal, "a frame cannot be published: \(error)")
        }
    }

    /// Why a transaction cannot go on. A producer that takes no more records does not say so itself, but whatever else it is
    /// asked does.
    private func reason(
        of failure: KafkaFailure, _ producer: KafkaProducer, _ transaction: LogTransaction
    ) -> KafkaFailure {
        guard failure.isWrongState, let metadata = consumer?.groupMetadata() else { return failure }
        do throws(KafkaFailure) {
            try producer.send(
                offsets: Self.offsets(transaction), metadata: metadata,
                timeoutMilliseconds: options.timeoutMilliseconds)
            return failure
        } catch {
            return error.isWrongState ? failure : error
        }
    }

    /// Whether a record is a withdrawal: those who send must see it before its outcome can be seen.
    private static func withdraws(_ record: FrameRecord) -> Bool {
        guard record.topic == Topic.notifications.rawValue, let value = record.value else { return false }
        return WithdrawalLead.isWithdrawal(value)
    }

    /// Repeated, it would be refused again. The largest record is the one that was refused.
    static func tooLarge(_ text: String, in transaction: LogTransaction) -> LogFailure {
        var largest = (topic: Topic.deadLetters, bytes: 0)
        do {
            for frame in transaction.frames {
                try frame.forEach { record in
                    let bytes = record.headers.count + (record.value?.count ?? 0)
                    if bytes > largest.bytes, let topic = Topic(rawValue: record.topic) { largest = (topic, bytes) }
                }
            }
        } catch {
            return LogFailure(.fatal, "\(text): a frame cannot be read: \(error)")
        }
        let such =
            switch largest.topic {
            case .inbox: "the file of a citizen with a new number"
            case .deadLetters: "one that is set aside whole"
            default: "one of \(largest.topic.name)"
            }
        return LogFailure(
            .fatal,
            "\(text): a record that must be written, \(such), has \(largest.bytes) bytes and is larger than is allowed. Raise max.message.bytes of \(largest.topic.name), and FULDMAGT_KAFKA_MESSAGE_MAX_BYTES above it; nothing is lost meanwhile"
        )
    }

    /// Begins a transaction. One that an earlier failure left open is aborted.
    /// - Throws: `fenced` where that was so.
    private func begin(_ producer: KafkaProducer) throws {
        if let failure = leftOpen { throw try abort(producer, because: failure) }
        do throws(KafkaFailure) {
            try producer.begin()
        } catch {
            guard error.consequence == .abortable else { throw error }
            throw try abort(producer, because: error)
        }
    }

    /// Aborts what is open, which ends the producer's life: see `ProducerLife`.
    /// - Returns: what follows: a worker's shards are claimed for a producer's name, so they are taken over again.
    private func abort(_ producer: KafkaProducer, because failure: KafkaFailure) throws(KafkaFailure) -> LogFailure {
        // An abort that takes too long goes on, and nothing else can be begun until it has been asked for again.
        leftOpen = failure
        try producer.abort(timeoutMilliseconds: options.timeoutMilliseconds)
        leftOpen = nil
        isReady = false
        return LogFailure(
            .fenced, "a transaction had to be aborted, and is done again by a new producer: \(failure.text)")
    }

    /// Whether a commit happened is not known until a call says so; so it is asked again, and never aborted meanwhile.
    private func commit(_ producer: KafkaProducer, isGivenUp: () -> Bool) throws {
        while true {
            do throws(KafkaFailure) {
                try producer.commit(timeoutMilliseconds: options.timeoutMilliseconds)
                return
            } catch {
                guard error.consequence == .retriable else { throw error }
                if isGivenUp() {
                    // Nor is it aborted now: the next life of this producer, or whoever asks for the offsets, finds out.
                    isReady = false
                    throw LogFailure(.retry, "whether the last transaction is out is not known: \(error)")
                }
                reached(.commitRepeated)
            }
        }
    }

    private func marks(_ transaction: LogTransaction) -> [TopicPartition: String] {
        var marks: [TopicPartition: String] = [:]
        for shard in transaction.offsets.keys {
            if let note = noted(transaction, shard) {
                marks[TopicPartition(topic: Topic.inbox.name, partition: shard)] = note.text
            }
        }
        return marks
    }

    private static func offsets(_ transaction: LogTransaction) -> [TopicPartition: Int64] {
        var offsets: [TopicPartition: Int64] = [:]
        for (shard, positions) in transaction.offsets {
            for (topic, position) in positions {
                offsets[TopicPartition(topic: topic.name, partition: topic == .catalogue ? 0 : shard)] = position
            }
        }
        return offsets
    }

    public func leave() throws(LogFailure) {
        guard consumer != nil else { return }
        defer { consumer = nil }
        try withConsumer { try $0.close() }
    }
}

extension LogFailure {
    /// - Parameter failure: while topics that are there are being read: a broker that has just come up may not know of one
    ///   for a moment, which says nothing about a setting.
    init(reading failure: KafkaFailure) {
        self.init(failure)
        guard failure.isUnknownTopic else { return }
        consequence = .retry
        isSetting = false
    }

    init(_ failure: KafkaFailure) {
        let consequence: Consequence =
            switch failure.consequence {
            case .retriable, .abortable: .retry
            case .fenced: .fenced
            case .fatal, .configuration: .fatal
            }
        self.init(consequence, failure.text)
        isNameTaken = failure.isInstanceFenced
        isSetting = failure.consequence == .configuration
    }
}
