import FuldmagtDomain
import FuldmagtJSON
import FuldmagtKeys
import FuldmagtRecord

/// Keeps a worker's catalogue up with the topic, and remembers what each record came to until the shard that answers for
/// the catalogue has stored it.
struct CatalogueFollower {
    /// A record that shard 0 still has to answer.
    struct Answer {
        var offset: Int64
        var timestamp: Int64
        var kind: Kind

        enum Kind {
            case accepted(Cause)
            case rejected(Cause, [Reason])
            case deadLetter(DeadLetter, RecordBatch)
        }
    }

    private(set) var catalogue = Catalogue()
    /// In order of offsets.
    private(set) var answers: [Answer] = []
    /// Whether this worker owns the shard that answers.
    private(set) var isAnswering = false
    /// Set from the moment it owns that shard until the topic has been read again: the position answered through.
    private var startsOverFrom: Int64?

    private let document = JSONDocument()
    private var scratch: [UInt8] = []
    private var batch = RecordBatch()
    private let settings: Settings

    init(settings: Settings) { self.settings = settings }

    /// Reads the catalogue to the end it has now.
    mutating func catchUp(_ log: any RecordLog, offsetSeconds: Int64) throws(LogFailure) {
        guard let position = startsOverFrom else {
            try read(log, offsetSeconds: offsetSeconds)
            return
        }
        // Until all of it is read, what was known before stays known.
        let known = catalogue
        do throws(LogFailure) {
            try log.rewindCatalogue()
            catalogue = Catalogue()
            answers = []
            try read(log, offsetSeconds: offsetSeconds)
        } catch {
            catalogue = known
            answers = []
            throw error
        }
        startsOverFrom = nil
        answered(through: position)
    }

    private mutating func read(_ log: any RecordLog, offsetSeconds: Int64) throws(LogFailure) {
        var isAtEnd = false
        while !isAtEnd {
            batch.removeAll()
            isAtEnd = try log.readCatalogue(into: &batch, limit: 10_000)
            apply(offsetSeconds: offsetSeconds)
        }
    }

    private mutating func apply(offsetSeconds: Int64) {
        let document = document
        let settings = settings
        let isAnswering = isAnswering
        var scratch = scratch
        var catalogue = catalogue
        self.catalogue = Catalogue()
        var found: [Answer] = []
        batch.withRecords { records in
            for record in records {
                let timestamp = record.timestamp + offsetSeconds * 1000
                let shifted = RecordView(
                    topic: record.topic, offset: record.offset, timestamp: timestamp, key: record.key,
                    headers: record.headers, value: record.value)
                let outcome = catalogue.apply(shifted, document: document, settings: settings) {
                    ClusterKey.digest($0, scratch: &scratch)
                }
                guard isAnswering else { continue }
                let kind: Answer.Kind
                switch outcome {
                case .applied(let cause): kind = .accepted(cause)
                case .rejected(let cause, let reasons): kind = .rejected(cause, reasons)
                case .deadLetter(let letter): kind = .deadLetter(letter, Self.copy(record))
                case .repeated, .removed: continue
                }
                found.append(Answer(offset: record.offset, timestamp: timestamp, kind: kind))
            }
        }
        self.catalogue = catalogue
        self.scratch = scratch
        answers += found
    }

    private static func copy(_ record: RecordView) -> RecordBatch {
        var copy = RecordBatch()
        copy.append(record)
        return copy
    }

    /// Has the next `catchUp` start over from the beginning of the topic, to answer what the shard that answers has not
    /// stored yet.
    /// - Parameter position: answered through, as stored.
    mutating func beginAnswering(from position: Int64) {
        isAnswering = true
        startsOverFrom = position
    }

    mutating func stopAnswering() {
        isAnswering = false
        answers = []
    }

    /// Forgets answers that are stored.
    mutating func answered(through position: Int64) {
        answers.removeAll { $0.offset < position }
    }
}
