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
    var isAnswering = false

    private let document = JSONDocument()
    private var scratch: [UInt8] = []
    private var batch = RecordBatch()
    private let settings: Settings

    init(settings: Settings) { self.settings = settings }

    /// Reads the catalogue to the end it has now.
    mutating func catchUp(_ log: any RecordLog, offsetSeconds: Int64) throws(LogFailure) {
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

    /// Starts over from the beginning of the topic, to answer what the shard that answers has not stored yet.
    mutating func beginAnswering(_ log: any RecordLog, offsetSeconds: Int64) throws(LogFailure) {
        isAnswering = true
        try log.rewindCatalogue()
        catalogue = Catalogue()
        answers = []
        try catchUp(log, offsetSeconds: offsetSeconds)
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
